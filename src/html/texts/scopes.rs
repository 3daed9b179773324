//! What permissions mean, in plain words.

/// A permission, told both ways.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    /// What an app that holds it can do.
    pub(crate) can: &'static str,
    /// What an app without it cannot do, beside narrower permissions that it may hold.
    pub(crate) cannot: &'static str,
}

/// Where both directions are said alike.
pub(super) const fn both(words: &'static str) -> Words {
    Words { can: words, cannot: words }
}

/// The words of every permission that services ask for.
#[derive(Debug)]
pub(crate) struct ScopeTexts {
    pub(super) profile: Words,
    pub(super) mail_basic: Words,
    pub(super) mail_read: Words,
    pub(super) mail_write: Words,
    pub(super) mail_send: Words,
    pub(super) mail_shared_read: Words,
    pub(super) mail_shared_write: Words,
    pub(super) mail_shared_send: Words,
    pub(super) mailbox_read: Words,
    pub(super) mailbox_write: Words,
    pub(super) calendar_read: Words,
    pub(super) calendar_write: Words,
    pub(super) calendar_shared_read: Words,
    pub(super) calendar_shared_write: Words,
    pub(super) teams_list: Words,
    pub(super) channels_list: Words,
    pub(super) channel_read: Words,
    pub(super) channel_send: Words,
    pub(super) members: Words,
    pub(super) meetings: Words,
    pub(super) transcripts: Words,
    pub(super) rooms: Words,
    pub(super) chat_basic: Words,
    pub(super) chat_read: Words,
    pub(super) chat_write: Words,
    pub(super) chat_create: Words,
    pub(super) chat_send: Words,
    pub(super) presence: Words,
    pub(super) notes_read: Words,
    pub(super) notes_create: Words,
    pub(super) notes_write: Words,
    pub(super) files_read: Words,
    pub(super) files_write: Words,
    pub(super) files_read_all: Words,
    pub(super) files_all: Words,
    pub(super) people: Words,
    pub(super) directory: Words,
    pub(super) contacts: Words,
    pub(super) tasks_read: Words,
    pub(super) tasks_write: Words,
    pub(super) offline: Words,
}

impl ScopeTexts {
    /// The words for a permission; unknown ones are shown by name.
    pub(crate) fn of(&self, scope: &str) -> Option<Words> {
        Some(match scope {
            "User.Read" => self.profile,
            "Mail.ReadBasic" => self.mail_basic,
            "Mail.Read" => self.mail_read,
            "Mail.ReadWrite" => self.mail_write,
            "Mail.Send" => self.mail_send,
            "Mail.Read.Shared" => self.mail_shared_read,
            "Mail.ReadWrite.Shared" => self.mail_shared_write,
            "Mail.Send.Shared" => self.mail_shared_send,
            "MailboxSettings.Read" => self.mailbox_read,
            "MailboxSettings.ReadWrite" => self.mailbox_write,
            "Calendars.Read" => self.calendar_read,
            "Calendars.ReadWrite" => self.calendar_write,
            "Calendars.Read.Shared" => self.calendar_shared_read,
            "Calendars.ReadWrite.Shared" => self.calendar_shared_write,
            "Team.ReadBasic.All" => self.teams_list,
            "Channel.ReadBasic.All" => self.channels_list,
            "ChannelMessage.Read.All" => self.channel_read,
            "ChannelMember.Read.All" | "TeamMember.Read.All" => self.members,
            "ChannelMessage.Send" => self.channel_send,
            "Chat.ReadBasic" => self.chat_basic,
            "Chat.Read" => self.chat_read,
            "Chat.ReadWrite" => self.chat_write,
            "Chat.Create" => self.chat_create,
            "ChatMessage.Send" => self.chat_send,
            "OnlineMeetings.Read" => self.meetings,
            "OnlineMeetingTranscript.Read.All" => self.transcripts,
            "Place.Read.All" => self.rooms,
            "Presence.Read" | "Presence.Read.All" => self.presence,
            "Notes.Read" => self.notes_read,
            "Notes.Create" => self.notes_create,
            "Notes.ReadWrite" => self.notes_write,
            "Files.Read" => self.files_read,
            "Files.ReadWrite" => self.files_write,
            "Files.Read.All" => self.files_read_all,
            "Files.ReadWrite.All" => self.files_all,
            "People.Read" => self.people,
            "User.ReadBasic.All" => self.directory,
            "Contacts.Read" => self.contacts,
            "Tasks.Read" => self.tasks_read,
            "Tasks.ReadWrite" => self.tasks_write,
            "offline_access" => self.offline,
            _ => return None,
        })
    }
}
