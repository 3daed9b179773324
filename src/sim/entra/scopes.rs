//! Scopes: which ones Graph has, who may consent to them, how a `scope` parameter reads.

use super::error::AadError;

/// Delegated Graph permissions that a user may grant alone.
const USER_CONSENTABLE: &[&str] = &[
    "Calendars.Read",
    "Calendars.Read.Shared",
    "Calendars.ReadWrite",
    "Calendars.ReadWrite.Shared",
    "Channel.ReadBasic.All",
    "ChannelMessage.Send",
    "Chat.Create",
    "Chat.Read",
    "Chat.ReadBasic",
    "Chat.ReadWrite",
    "ChatMessage.Read",
    "ChatMessage.Send",
    "Contacts.Read",
    "Contacts.ReadWrite",
    "Files.Read",
    "Files.Read.All",
    "Files.ReadWrite",
    "Files.ReadWrite.All",
    "Mail.Read",
    "Mail.Read.Shared",
    "Mail.ReadBasic",
    "Mail.ReadWrite",
    "Mail.ReadWrite.Shared",
    "Mail.Send",
    "Mail.Send.Shared",
    "MailboxSettings.Read",
    "MailboxSettings.ReadWrite",
    "Notes.Create",
    "Notes.Read",
    "Notes.ReadWrite",
    "OnlineMeetings.Read",
    "OnlineMeetings.ReadWrite",
    "People.Read",
    "Presence.Read",
    "Presence.Read.All",
    "Sites.Read.All",
    "Sites.ReadWrite.All",
    "Tasks.Read",
    "Tasks.ReadWrite",
    "Team.ReadBasic.All",
    "User.Read",
    "User.ReadBasic.All",
    "User.ReadWrite",
];

/// Delegated Graph permissions that only an administrator may grant.
const ADMIN_ONLY: &[&str] = &[
    "Calendars.ReadBasic",
    "ChannelMember.Read.All",
    "ChannelMessage.Read.All",
    "Directory.Read.All",
    "Group.Read.All",
    "GroupMember.Read.All",
    "OnlineMeetingTranscript.Read.All",
    "Place.Read.All",
    "TeamMember.Read.All",
    "User.Read.All",
];

const GRAPH: &[&str] = &["https://graph.microsoft.com/", "00000003-0000-0000-c000-000000000000/"];

/// What a `scope` parameter asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(super) openid: bool,
    pub(super) profile: bool,
    pub(super) email: bool,
    pub(super) offline: bool,
    /// `.default`: everything that was consented before.
    pub(super) everything: bool,
    /// Graph permissions in their canonical spelling.
    pub(super) graph: Vec<String>,
}

/// Why a `scope` parameter is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ScopeFault {
    Malformed,
    DefaultMixed,
    Unknown(String),
    OtherResource(String),
}

impl ScopeFault {
    /// The authorize endpoint tells unknown scopes apart (650053).
    pub(super) fn at_authorize(self) -> AadError {
        match self {
            Self::Unknown(scope) => AadError::unknown_scope(&scope),
            other @ (Self::Malformed | Self::DefaultMixed | Self::OtherResource(_)) => other.at_token(),
        }
    }

    /// The token endpoint calls them invalid (70011).
    pub(super) fn at_token(self) -> AadError {
        match self {
            Self::Malformed => AadError::bad_scope("The value of the parameter 'scope' is not valid."),
            Self::DefaultMixed => {
                AadError::bad_scope("The scope '.default' can't be combined with resource-specific scopes.")
            }
            Self::Unknown(scope) => AadError::bad_scope(format!("The scope '{scope}' is not valid.")),
            Self::OtherResource(scope) => AadError::unknown_resource(&scope),
        }
    }
}

impl Asked {
    /// Reads a space-separated list; names without a resource mean Graph.
    pub(super) fn parse(text: &str) -> Result<Self, ScopeFault> {
        let mut asked = Self::default();
        for name in text.split_ascii_whitespace() {
            if name.len() > 200 || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(ScopeFault::Malformed);
            }
            asked.add(name)?;
        }
        if asked.everything && !asked.graph.is_empty() {
            return Err(ScopeFault::DefaultMixed);
        }
        Ok(asked)
    }

    fn add(&mut self, name: &str) -> Result<(), ScopeFault> {
        match name.to_ascii_lowercase().as_str() {
            "openid" => self.openid = true,
            "profile" => self.profile = true,
            "email" => self.email = true,
            "offline_access" => self.offline = true,
            lower => {
                let short = GRAPH.iter().find_map(|prefix| lower.strip_prefix(prefix)).unwrap_or(lower);
                if short == ".default" {
                    self.everything = true;
                } else if let Some(known) =
                    USER_CONSENTABLE.iter().chain(ADMIN_ONLY).find(|known| known.eq_ignore_ascii_case(short))
                {
                    if !self.graph.iter().any(|scope| scope == known) {
                        self.graph.push((*known).to_owned());
                    }
                } else if short.contains('/') {
                    return Err(ScopeFault::OtherResource(name.to_owned()));
                } else {
                    return Err(ScopeFault::Unknown(name.to_owned()));
                }
            }
        }
        Ok(())
    }

    /// Permissions that a user cannot grant alone; all but `User.Read` where the tenant is `strict`.
    pub(super) fn admin_only(&self, strict: bool) -> impl Iterator<Item = &str> {
        let all = self.graph.iter().map(String::as_str);
        all.filter(move |scope| ADMIN_ONLY.contains(scope) || (strict && *scope != "User.Read"))
    }

    /// The `scope` of an answer: what was granted on Graph and the OIDC scopes; never `offline_access`.
    pub(super) fn answer(&self, granted: &[String]) -> String {
        let oidc = [(self.openid, "openid"), (self.profile, "profile"), (self.email, "email")];
        granted
            .iter()
            .map(String::as_str)
            .chain(oidc.into_iter().filter_map(|(asked, name)| asked.then_some(name)))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_canonical_and_may_carry_the_resource() {
        let asked =
            Asked::parse("openid mail.read https://graph.microsoft.com/Mail.Read  User.Read offline_access")
                .unwrap();
        assert_eq!(asked.graph, ["Mail.Read", "User.Read"]);
        assert!(asked.openid && asked.offline && !asked.email);
        assert_eq!(asked.answer(&asked.graph), "Mail.Read User.Read openid");
    }

    #[test]
    fn refusals_tell_the_cause() {
        assert_eq!(Asked::parse("Mail.Raed"), Err(ScopeFault::Unknown("Mail.Raed".to_owned())));
        assert_eq!(Asked::parse(".default Mail.Read"), Err(ScopeFault::DefaultMixed));
        assert!(Asked::parse("openid .default").unwrap().everything);
        assert!(matches!(Asked::parse("api://x/y"), Err(ScopeFault::OtherResource(_))));
        assert_eq!(Asked::parse("a\0b"), Err(ScopeFault::Malformed));
        assert_eq!(Asked::parse("User.Read.All").unwrap().admin_only(false).next(), Some("User.Read.All"));
    }
}
