//! One mailbox as Graph reads it: messages sorted once, folder counts, and rows that are built only when asked.
//! [`edit`] keeps all that true when something is written.
pub(super) mod edit;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::ops::Deref;

use chrono::{DateTime, Utc};

use super::ids::{self, IdKind, ItemRef};
use super::odata::prop::{Prop, Set};
use super::odata::{Row, Window};
use crate::sim::seed::bulk::BulkMail;
use crate::sim::seed::model::{Contact, Flag, Folder, Mail};
use crate::sim::seed::{Owner, SeededMailbox};

/// A mailbox with its indexes.
#[derive(Debug)]
pub(super) struct Mailbox {
    pub(super) owner: Owner,
    pub(super) folders: Vec<Folder>,
    written: Vec<Mail>,
    bulk: Vec<BulkMail>,
    /// Messages that came later, and generated ones that were written to.
    later: HashMap<u32, Mail>,
    /// Messages that are no more. Their indexes are never used again.
    gone: HashSet<u32>,
    /// Indexes given so far.
    count: u32,
    /// What changed, oldest first.
    journal: Vec<edit::Entry>,
    /// Every message, newest first.
    newest: Vec<u32>,
    /// The same per folder.
    in_folder: Vec<Vec<u32>>,
    unread: Vec<u32>,
}

/// A message that is stored, or rebuilt for this read.
pub(super) enum MailRef<'a> {
    Stored(&'a Mail),
    Rebuilt(Box<Mail>),
}

impl Deref for MailRef<'_> {
    type Target = Mail;

    fn deref(&self) -> &Mail {
        match self {
            Self::Stored(mail) => mail,
            Self::Rebuilt(mail) => mail,
        }
    }
}

impl Mailbox {
    /// Sorts and counts what was seeded.
    pub(super) fn new(seeded: SeededMailbox) -> Self {
        let SeededMailbox { owner, folders, written, bulk } = seeded;
        let mut mailbox = Self {
            owner,
            in_folder: vec![Vec::new(); folders.len()],
            unread: vec![0; folders.len()],
            folders,
            written,
            bulk,
            later: HashMap::new(),
            gone: HashSet::new(),
            count: 0,
            journal: Vec::new(),
            newest: Vec::new(),
        };
        mailbox.count = u32::try_from(mailbox.written.len() + mailbox.bulk.len()).unwrap_or(u32::MAX);
        let mut newest: Vec<u32> = (0..mailbox.count).collect();
        newest.sort_by_cached_key(|ix| std::cmp::Reverse((mailbox.received(*ix), *ix)));
        for ix in &newest {
            let (folder, read) = (mailbox.folder_of(*ix), mailbox.is_read(*ix));
            if let Some(list) = mailbox.in_folder.get_mut(folder) {
                list.push(*ix);
            }
            if let Some(unread) = mailbox.unread.get_mut(folder).filter(|_| !read) {
                *unread += 1;
            }
        }
        mailbox.newest = newest;
        mailbox
    }

    /// Messages of a folder, or of the mailbox, newest first.
    pub(super) fn newest(&self, folder: Option<usize>) -> &[u32] {
        match folder {
            None => &self.newest,
            Some(folder) => self.in_folder.get(folder).map_or(&[], Vec::as_slice),
        }
    }

    /// The same, cut to a window of time.
    pub(super) fn newest_in(&self, folder: Option<usize>, window: Window) -> &[u32] {
        let all = self.newest(folder);
        let start = window.to.map_or(0, |to| all.partition_point(|ix| self.received(*ix) > to));
        let end = window.from.map_or(all.len(), |from| all.partition_point(|ix| self.received(*ix) >= from));
        all.get(start..end).unwrap_or(&[])
    }

    /// `unreadItemCount`.
    pub(super) fn unread(&self, folder: usize) -> u32 {
        self.unread.get(folder).copied().unwrap_or(0)
    }

    /// Whether there is such a message.
    pub(super) fn holds(&self, ix: u32) -> bool {
        ix < self.count && !self.gone.contains(&ix)
    }

    /// The message behind an index.
    pub(super) fn mail(&self, ix: u32) -> MailRef<'_> {
        match self.stored(ix) {
            Some(mail) => MailRef::Stored(mail),
            None => MailRef::Rebuilt(Box::new(self.bulk(ix).rebuild(&self.owner))),
        }
    }

    /// Unless it is rebuilt on each read.
    fn stored(&self, ix: u32) -> Option<&Mail> {
        self.written.get(ix as usize).or_else(|| self.later.get(&ix))
    }

    fn bulk(&self, ix: u32) -> BulkMail {
        self.bulk.get(ix as usize - self.written.len()).copied().unwrap_or_default()
    }

    /// When it came.
    pub(super) fn received(&self, ix: u32) -> DateTime<Utc> {
        self.stored(ix).map_or_else(|| self.bulk(ix).received(), |mail| mail.received)
    }

    /// The folder it lies in.
    pub(super) fn folder_of(&self, ix: u32) -> usize {
        self.stored(ix).map_or_else(|| self.bulk(ix).folder(), |mail| mail.folder)
    }

    fn is_read(&self, ix: u32) -> bool {
        self.stored(ix).map_or_else(|| self.bulk(ix).read(), |mail| mail.read)
    }

    fn has_attachments(&self, ix: u32) -> bool {
        self.stored(ix).map_or_else(|| self.bulk(ix).has_attachment(), Mail::has_attachments)
    }

    /// A folder by id or well-known name.
    pub(super) fn folder(&self, name: &str) -> Result<usize, ids::BadId> {
        let lower = name.to_ascii_lowercase();
        if let Some(at) = self.folders.iter().position(|f| f.well_known == Some(lower.as_str())) {
            return Ok(at);
        }
        let at = ids::parse_folder(&self.owner.oid, name).map(usize::from)?;
        if at < self.folders.len() { Ok(at) } else { Err(ids::BadId::Foreign) }
    }

    /// The id of a folder.
    pub(super) fn folder_id(&self, folder: usize) -> String {
        ids::folder(&self.owner.oid, u16::try_from(folder).unwrap_or(0))
    }

    /// The id of a message or one of its attachments.
    pub(super) fn item_id(&self, kind: IdKind, ix: u32, attachment: Option<usize>) -> String {
        let folder = u16::try_from(self.folder_of(ix)).unwrap_or(0);
        let attachment = attachment.and_then(|a| u16::try_from(a).ok());
        ids::item(kind, &self.owner.oid, ItemRef { message: ix, folder, attachment })
    }

    /// The message or attachment behind an id.
    pub(super) fn find(&self, kind: IdKind, id: &str) -> Result<ItemRef, ids::BadId> {
        let item = ids::parse_item(kind, &self.owner.oid, id)?;
        // A mutable id dies with a move.
        let moved = kind == IdKind::Mutable && usize::from(item.folder) != self.folder_of(item.message);
        if self.holds(item.message) && !moved { Ok(item) } else { Err(ids::BadId::Foreign) }
    }
}

/// One message seen by a filter: cheap properties come from the index, the rest is loaded once.
pub(super) struct MailRow<'a> {
    pub(super) mailbox: &'a Mailbox,
    pub(super) ix: u32,
    pub(super) ids: IdKind,
    loaded: OnceCell<MailRef<'a>>,
}

impl<'a> MailRow<'a> {
    /// A row over message `ix`.
    pub(super) fn new(mailbox: &'a Mailbox, ix: u32, ids: IdKind) -> Self {
        Self { mailbox, ix, ids, loaded: OnceCell::new() }
    }

    /// The whole message.
    pub(super) fn mail(&self) -> &Mail {
        self.loaded.get_or_init(|| self.mailbox.mail(self.ix))
    }
}

impl Row for MailRow<'_> {
    fn text(&self, prop: Prop) -> Option<Cow<'_, str>> {
        let name = |c: Option<&'_ Contact>| c.map(|c| Cow::Owned(c.name.to_string()));
        let address = |c: Option<&'_ Contact>| c.map(|c| Cow::Owned(c.address.to_string()));
        match prop {
            Prop::Id => Some(self.mailbox.item_id(self.ids, self.ix, None).into()),
            Prop::ParentFolder => Some(self.mailbox.folder_id(self.mailbox.folder_of(self.ix)).into()),
            Prop::Subject => Some(Cow::Borrowed(self.mail().subject.as_ref())),
            Prop::Body => Some(self.mail().body.full()),
            Prop::BodyPreview => Some(Cow::Borrowed(self.mail().preview())),
            Prop::FromAddress | Prop::SenderAddress => address(self.mail().from.as_ref()),
            Prop::FromName | Prop::SenderName => name(self.mail().from.as_ref()),
            Prop::Importance => Some(self.mail().importance.word().into()),
            Prop::Inference => Some(if self.mail().focused { "focused" } else { "other" }.into()),
            Prop::FlagStatus => Some(flag_word(self.mail().flag).into()),
            Prop::Conversation => {
                Some(ids::conversation(&self.mailbox.owner.oid, self.mail().conversation).into())
            }
            Prop::InternetMessageId => Some(self.mail().internet_message_id().into()),
            Prop::Received
            | Prop::Sent
            | Prop::Created
            | Prop::Modified
            | Prop::IsRead
            | Prop::IsDraft
            | Prop::HasAttachments
            | Prop::Each
            | Prop::EachAddress
            | Prop::EachName => None,
        }
    }

    fn date(&self, prop: Prop) -> Option<DateTime<Utc>> {
        if prop == Prop::Sent { Some(self.mail().sent) } else { Some(self.mailbox.received(self.ix)) }
    }

    fn flag(&self, prop: Prop) -> Option<bool> {
        Some(if prop == Prop::IsRead {
            self.mailbox.is_read(self.ix)
        } else if prop == Prop::HasAttachments {
            self.mailbox.has_attachments(self.ix)
        } else {
            self.mail().draft
        })
    }

    fn members(&self, set: Set) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
        let mail = self.mail();
        let people = match set {
            Set::To => &mail.to,
            Set::Cc => &mail.cc,
            Set::Bcc => &mail.bcc,
            Set::ReplyTo => &mail.reply_to,
            Set::Categories => {
                return mail
                    .categories
                    .iter()
                    .map(|c| (Cow::Borrowed(c.as_ref()), Cow::Borrowed("")))
                    .collect();
            }
        };
        people.iter().map(|c| (Cow::Borrowed(c.name.as_ref()), Cow::Borrowed(c.address.as_ref()))).collect()
    }
}

/// `flagStatus`.
pub(super) fn flag_word(flag: Flag) -> &'static str {
    match flag {
        Flag::None => "notFlagged",
        Flag::Due(_) => "flagged",
        Flag::Complete => "complete",
    }
}
