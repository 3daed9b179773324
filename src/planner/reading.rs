//! What a request was understood as.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

/// The language of a request, and of what is said about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Language {
    #[default]
    English,
    Korean,
}

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Area {
    Mail,
    Calendar,
    Chat,
    Note,
    File,
}

/// The thing that is asked for, within its area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noun {
    Mail,
    Thread,
    MailFolder,
    Event,
    Calendar,
    Chat,
    Message,
    Channel,
    Team,
    Note,
    Notebook,
    Section,
    File,
    Folder,
}

impl Noun {
    pub(crate) fn area(self) -> Area {
        match self {
            Self::Mail | Self::Thread | Self::MailFolder => Area::Mail,
            Self::Event | Self::Calendar => Area::Calendar,
            Self::Chat | Self::Message | Self::Channel | Self::Team => Area::Chat,
            Self::Note | Self::Notebook | Self::Section => Area::Note,
            Self::File | Self::Folder => Area::File,
        }
    }
}

/// What is to be done with what is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Intent {
    Search,
    #[default]
    List,
    Analyze,
    Count,
}

/// How much of what is found is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Whatever has all of the words.
    #[default]
    All,
    /// A single thing.
    One,
    /// Whatever has one of the words.
    More,
}

/// A folder of the mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folder {
    Inbox,
    Sent,
    Drafts,
    Deleted,
    Junk,
    Archive,
}

impl Folder {
    /// Its name, as `query_email` takes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Sent => "sent",
            Self::Drafts => "drafts",
            Self::Deleted => "deleted",
            Self::Junk => "junk",
            Self::Archive => "archive",
        }
    }
}

/// Importance that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Importance {
    High,
    Low,
}

/// Who is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Party {
    Name(String),
    Address(String),
    /// The code of a known organisation.
    Organization(String),
}

impl Party {
    /// As it is said.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Name(text) | Self::Address(text) | Self::Organization(text) => text,
        }
    }
}

/// Wall-clock times in the person's zone; the end is not included. One of them is always there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) start: Option<NaiveDateTime>,
    pub(crate) end: Option<NaiveDateTime>,
}

impl Period {
    /// The start, as tools take it: a day, or a time.
    pub(crate) fn start_text(&self) -> Option<String> {
        self.start.map(|at| if is_midnight(at) { day(at.date()) } else { minute(at) })
    }

    /// The end, as tools take it: the last day that is included, or the time that is not.
    pub(crate) fn end_text(&self) -> Option<String> {
        self.end
            .map(|at| if is_midnight(at) && self.has_whole_days() { day(last_day(at)) } else { minute(at) })
    }

    fn has_whole_days(&self) -> bool {
        self.start.is_none_or(is_midnight)
    }

    /// The last day of it.
    pub(crate) fn last_day(&self) -> Option<NaiveDate> {
        self.end.map(last_day)
    }
}

fn is_midnight(at: NaiveDateTime) -> bool {
    at.time() == NaiveTime::MIN
}

fn last_day(end: NaiveDateTime) -> NaiveDate {
    (end - TimeDelta::seconds(1)).date()
}

fn day(day: NaiveDate) -> String {
    day.format("%Y-%m-%d").to_string()
}

fn minute(at: NaiveDateTime) -> String {
    at.format("%Y-%m-%dT%H:%M").to_string()
}

/// A request, understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) language: Language,
    pub(crate) area: Option<Area>,
    pub(crate) noun: Option<Noun>,
    pub(crate) intent: Intent,
    /// The request says so: it has a verb or a question word.
    pub(crate) asks: bool,
    pub(crate) period: Option<Period>,
    pub(crate) from: Vec<Party>,
    pub(crate) to: Vec<Party>,
    pub(crate) with: Vec<Party>,
    /// Text of the subject.
    pub(crate) subject: Option<String>,
    /// Words that must occur; a quotation is one.
    pub(crate) words: Vec<String>,
    pub(crate) unread: bool,
    pub(crate) attachments: Option<bool>,
    pub(crate) importance: Option<Importance>,
    /// Free time is asked for.
    pub(crate) free: bool,
    /// Something is to be written, sent or taken away: then nothing else but the area is read.
    pub(crate) change: bool,
    pub(crate) folder: Option<Folder>,
    pub(crate) limit: Option<usize>,
    pub(crate) scope: Scope,
    /// The latest, or the first: one in the order of time.
    pub(crate) outermost: bool,
    pub(crate) oldest_first: bool,
    /// Words that were not understood.
    pub(crate) unused: Vec<String>,
    /// The request was too long to be read to its end.
    pub(crate) is_cut: bool,
}

impl Reading {
    /// Whether it says anything beyond the bare wish to see something.
    pub(crate) fn is_specific(&self) -> bool {
        self.area.is_some() || self.has_conditions()
    }

    /// Whether it can be a request at all, and not a row of words: it names a thing, asks, or says more than words.
    pub(crate) fn is_request(&self) -> bool {
        let bare = Self { words: Vec::new(), ..self.clone() };
        self.area.is_some() || bare.has_conditions() || self.asks && self.has_conditions()
    }

    /// Whether anything narrows what is found.
    pub(crate) fn has_conditions(&self) -> bool {
        self.period.is_some()
            || self.has_matter()
            || self.unread
            || self.attachments.is_some()
            || self.importance.is_some()
            || self.folder.is_some()
    }

    /// Whether words, a subject or people are asked for.
    pub(crate) fn has_matter(&self) -> bool {
        !self.words.is_empty() || self.subject.is_some() || self.people().next().is_some()
    }

    /// Everybody who is named.
    pub(crate) fn people(&self) -> impl Iterator<Item = &Party> {
        self.from.iter().chain(&self.to).chain(&self.with)
    }
}
