//! What a seeded mailbox is made of, before Graph puts ids and JSON around it.
use std::borrow::Cow;
use std::sync::OnceLock;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::bulk;
use super::files::FileKind;
use super::text;

/// A name and an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contact {
    pub(crate) name: Cow<'static, str>,
    pub(crate) address: Cow<'static, str>,
}

impl Contact {
    /// A contact known at compile time.
    pub(crate) const fn fixed(name: &'static str, address: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), address: Cow::Borrowed(address) }
    }
}

/// `importance`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Importance {
    Low,
    #[default]
    Normal,
    High,
}

impl Importance {
    /// The word on the wire.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }
}

/// `flag`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Flag {
    #[default]
    None,
    /// Due so many days after the message came.
    Due(u8),
    Complete,
}

/// The body of a message and the part of it that is new (`uniqueBody`).
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Html {
        full: String,
        unique: String,
    },
    Text {
        full: String,
        unique: String,
    },
    /// HTML too large to hold: made on each read.
    Made(fn() -> String),
    /// Of a generated message: made on each read.
    Generated {
        seed: u64,
        korean: bool,
    },
}

impl Body {
    /// Whether it is HTML.
    pub(crate) fn is_html(&self) -> bool {
        !matches!(self, Self::Text { .. })
    }

    /// The whole body.
    pub(crate) fn full(&self) -> Cow<'_, str> {
        match self {
            Self::Html { full, .. } | Self::Text { full, .. } => Cow::Borrowed(full),
            Self::Made(make) => Cow::Owned(make()),
            Self::Generated { seed, korean } => Cow::Owned(bulk::body(*seed, *korean)),
        }
    }

    /// The part without quoted history.
    pub(crate) fn unique(&self) -> Cow<'_, str> {
        match self {
            Self::Html { unique, .. } | Self::Text { unique, .. } => Cow::Borrowed(unique),
            Self::Made(make) => Cow::Owned(make()),
            Self::Generated { seed, korean } => Cow::Owned(bulk::body(*seed, *korean)),
        }
    }
}

/// A file, a nested item or a link.
#[derive(Clone, Debug)]
pub(crate) struct Attachment {
    pub(crate) name: Cow<'static, str>,
    pub(crate) kind: FileKind,
    pub(crate) seed: u64,
    /// `Content-ID` of an inline picture.
    pub(crate) content_id: Option<&'static str>,
    /// Taken away; the ids of the others stay what they are.
    pub(crate) removed: bool,
    /// What whoever attached it says it is.
    said: Option<String>,
    bytes: OnceLock<Bytes>,
}

impl Attachment {
    /// A file that is made when first read.
    pub(crate) fn new(name: impl Into<Cow<'static, str>>, kind: FileKind, seed: u64) -> Self {
        Self {
            name: name.into(),
            kind,
            seed,
            content_id: None,
            removed: false,
            said: None,
            bytes: OnceLock::new(),
        }
    }

    /// A file that somebody attaches.
    pub(crate) fn given(name: String, content_type: Option<&str>, bytes: Bytes) -> Self {
        let said = content_type.map(str::to_owned);
        Self { said, bytes: OnceLock::from(bytes), ..Self::new(name, FileKind::Given, 0) }
    }

    /// `contentType`.
    pub(crate) fn content_type(&self) -> Option<&str> {
        self.said.as_deref().or_else(|| self.kind.content_type())
    }

    /// A picture shown inside the body.
    pub(crate) fn inline(name: &'static str, content_id: &'static str, seed: u64) -> Self {
        Self { content_id: Some(content_id), ..Self::new(name, FileKind::Png, seed) }
    }

    /// Its bytes, kept after the first read.
    pub(crate) fn bytes(&self) -> &Bytes {
        self.bytes.get_or_init(|| Bytes::from(self.kind.make(self.seed)))
    }
}

/// One message as its mailbox holds it.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) subject: Cow<'static, str>,
    pub(crate) from: Option<Contact>,
    pub(crate) to: Vec<Contact>,
    pub(crate) cc: Vec<Contact>,
    pub(crate) bcc: Vec<Contact>,
    pub(crate) reply_to: Vec<Contact>,
    pub(crate) sent: DateTime<Utc>,
    pub(crate) received: DateTime<Utc>,
    /// Index into the mailbox's folders.
    pub(crate) folder: usize,
    pub(crate) read: bool,
    pub(crate) draft: bool,
    pub(crate) focused: bool,
    pub(crate) importance: Importance,
    pub(crate) flag: Flag,
    pub(crate) categories: Vec<Cow<'static, str>>,
    /// The same in every mailbox that holds the conversation.
    pub(crate) conversation: u64,
    /// Place in the conversation.
    pub(crate) place: u32,
    /// The same in every mailbox that holds the message.
    pub(crate) message: u64,
    pub(crate) body: Body,
    pub(crate) attachments: Vec<Attachment>,
    /// Header lines beyond the ones derived from the rest.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) preview: OnceLock<String>,
    /// Counts writes.
    pub(crate) revision: u64,
    /// When it was last written to; `None` since it came.
    pub(crate) modified: Option<DateTime<Utc>>,
}

impl Mail {
    /// `bodyPreview`: the first 255 characters as text.
    pub(crate) fn preview(&self) -> &str {
        self.preview.get_or_init(|| text::preview(&self.body))
    }

    /// `internetMessageId`.
    pub(crate) fn internet_message_id(&self) -> String {
        let host =
            self.from.as_ref().and_then(|f| f.address.split_once('@')).map_or("contoso.example", |(_, h)| h);
        format!("<{:016X}@{host}>", self.message)
    }

    /// `hasAttachments`: inline pictures do not count.
    pub(crate) fn has_attachments(&self) -> bool {
        self.files().any(|(_, file)| file.content_id.is_none())
    }

    /// What is attached, with its place, by which its id is made.
    pub(crate) fn files(&self) -> impl Iterator<Item = (usize, &Attachment)> {
        self.attachments.iter().enumerate().filter(|(_, attachment)| !attachment.removed)
    }
}

/// A mail folder.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    pub(crate) name: Cow<'static, str>,
    /// Index of the parent; only the root has none.
    pub(crate) parent: Option<usize>,
    pub(crate) well_known: Option<&'static str>,
    pub(crate) hidden: bool,
}
