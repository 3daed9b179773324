//! What the client asks of Graph: target, preferences, bounds.

use super::encode::{Target, segment};
use crate::domain::ids::UserKey;
use crate::domain::mailbox::Mailbox;
use crate::domain::write_mark::WriteMark;
use crate::ports::gate::Workload;
use bytes::Bytes;
use http::Method;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// Who asks, in whose mailbox, and until when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker<'a> {
    pub(crate) user: &'a UserKey,
    /// Another's mailbox, in which Outlook requests of `/me/…` mean `/users/{address}/…`.
    pub(crate) mailbox: Option<&'a Mailbox>,
    pub(crate) deadline: Instant,
    /// Set when a write is sent, for who answers if the call is broken off.
    pub(crate) mark: Option<&'a WriteMark>,
}

impl Asker<'_> {
    /// Where a path of Outlook leads for this asker. Graph's own links are whole already.
    pub(super) fn placed(&self, target: &str) -> String {
        match self.mailbox.zip(target.strip_prefix("/me/")) {
            Some((mailbox, rest)) => format!("/users/{}/{rest}", segment(mailbox.as_str())),
            None => target.to_owned(),
        }
    }
}

/// One request; built with the functions below.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) prefer: Option<String>,
    /// The version that a write is about.
    pub(super) if_match: Option<String>,
    pub(super) body: Option<Bytes>,
    pub(super) max_bytes: usize,
    pub(super) timeout: Duration,
    pub(super) workload: Workload,
    /// A POST that only reads, or a write that Graph itself recognises when it comes again.
    pub(super) repeatable: bool,
    /// The chat or channel that it is about, which has a limit of its own.
    pub(super) thread: Option<String>,
    /// The answer may lag behind (`ConsistencyLevel: eventual`).
    pub(super) eventual: bool,
    /// It changes something: without an answer, nobody knows whether it has.
    pub(super) writes: bool,
    /// Sent again it would meet what it did itself, such as a name that is taken.
    pub(super) once: bool,
    /// What the body is; JSON unless said.
    pub(super) media_type: Option<String>,
    /// What it costs of the workload's budget.
    pub(super) units: u32,
    /// The answer may be elsewhere: where the bytes are ([`super::download`]), or how far it is ([`super::monitor`]).
    pub(super) elsewhere: bool,
}

/// Answers of lists and single items.
const DEFAULT_BYTES: usize = 16 << 20;
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// Downloads stream for as long as the call may last.
const DOWNLOAD_TIMEOUT: Duration = Duration::from_mins(5);

impl Request {
    /// A read of Outlook data, with immutable ids.
    pub(crate) fn outlook(target: Target) -> Self {
        Self::next(target.build())
    }

    /// A page by Graph's own next link, taken whole.
    pub(crate) fn next(link: String) -> Self {
        Self {
            method: Method::GET,
            target: link,
            prefer: Some("IdType=\"ImmutableId\"".to_owned()),
            if_match: None,
            body: None,
            max_bytes: DEFAULT_BYTES,
            timeout: DEFAULT_TIMEOUT,
            workload: Workload::Outlook,
            repeatable: false,
            thread: None,
            eventual: false,
            writes: false,
            once: false,
            media_type: None,
            units: 1,
            elsewhere: false,
        }
    }

    /// A read of files and folders: a path of ours, or a page by Graph's own next link. One item costs 1 resource unit.
    pub(crate) fn files(target: impl Into<String>) -> Self {
        Self { prefer: None, workload: Workload::Files, ..Self::next(target.into()) }
    }

    /// A search of files that Graph wants as a POST.
    pub(crate) fn files_query(target: Target, body: Bytes) -> Self {
        Self { method: Method::POST, body: Some(body), repeatable: true, ..Self::files(target.build()) }
    }

    /// A change of files, 2 resource units.
    pub(crate) fn files_write(method: Method, target: impl Into<String>, body: Option<Bytes>) -> Self {
        Self { method, body, writes: true, units: 2, ..Self::files(target) }
    }

    /// The body is no JSON but this.
    pub(crate) fn holding(mut self, media_type: String) -> Self {
        self.media_type = Some(media_type);
        self
    }

    /// After an unknown outcome it is not sent again, whatever the method.
    pub(crate) fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// Graph goes on with it by itself; for [`super::client::GraphClient::work`].
    pub(crate) fn monitored(mut self) -> Self {
        self.elsewhere = true;
        self
    }

    /// Costs as many resource units: 2 for lists, 5 for permissions.
    pub(crate) fn costing(mut self, units: u32) -> Self {
        self.units = units;
        self
    }

    /// The bytes of a file, at most `max_bytes`; for [`super::client::GraphClient::download`].
    pub(crate) fn content(target: Target, max_bytes: usize) -> Self {
        Self { elsewhere: true, ..Self::files(target.build()).download(max_bytes) }
    }

    /// A read that Graph wants as a POST (`/search/query`, `getSchedule`); repeating it is harmless.
    pub(crate) fn query(target: Target, body: Bytes) -> Self {
        Self { method: Method::POST, body: Some(body), repeatable: true, ..Self::outlook(target) }
    }

    /// A write of Outlook data. After an unknown outcome it is not sent again, see [`Self::repeatable`].
    pub(crate) fn write(method: Method, target: Target, body: Option<Bytes>) -> Self {
        Self { method, body, writes: true, ..Self::outlook(target) }
    }

    /// A read of Teams, or of the people one finds there: a path of ours, or a page by Graph's own next link.
    pub(crate) fn teams(target: impl Into<String>) -> Self {
        Self { prefer: None, workload: Workload::Teams, ..Self::next(target.into()) }
    }

    /// A write in Teams. Graph does not know one that comes again, so it is sent once.
    pub(crate) fn teams_write(target: Target, body: Bytes) -> Self {
        Self::teams_change(Method::POST, target, Some(body))
    }

    /// The same with a method of its own, and perhaps no body.
    pub(crate) fn teams_change(method: Method, target: Target, body: Option<Bytes>) -> Self {
        Self { method, body, writes: true, ..Self::teams(target.build()) }
    }

    /// A read of Teams that Graph wants as a POST.
    pub(crate) fn teams_query(target: Target, body: Bytes) -> Self {
        Self { method: Method::POST, body: Some(body), repeatable: true, ..Self::teams(target.build()) }
    }

    /// A read of OneNote.
    pub(crate) fn notes(target: impl Into<String>) -> Self {
        Self { prefer: None, workload: Workload::Notes, ..Self::next(target.into()) }
    }

    /// A change of OneNote, which does not know one that comes again.
    pub(crate) fn notes_write(method: Method, target: impl Into<String>, body: Option<Bytes>) -> Self {
        Self { method, body, writes: true, ..Self::notes(target) }
    }

    /// About one chat or channel.
    pub(crate) fn in_thread(mut self, id: &str) -> Self {
        self.thread = Some(id.to_owned());
        self
    }

    /// A search of the directory, which answers only those who accept that it lags.
    pub(crate) fn eventual(mut self) -> Self {
        self.eventual = true;
        self
    }

    /// Only if the item is still in this version (its `@odata.etag`); 412 otherwise.
    pub(crate) fn if_match(mut self, etag: &str) -> Self {
        self.if_match = Some(etag.to_owned()).filter(|etag| !etag.is_empty());
        self
    }

    /// Graph recognises the request when it comes again (`transactionId` of an event), so it may be repeated.
    pub(crate) fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Asks for the times of an answer in UTC, where Graph would repeat the zone of what was written.
    pub(crate) fn utc(mut self) -> Self {
        self.prefer.get_or_insert_default().push_str(", outlook.timezone=\"UTC\"");
        self
    }

    /// Asks for pages of about so many items.
    pub(crate) fn page_size(mut self, items: u32) -> Self {
        let _ = write!(self.prefer.get_or_insert_default(), ", odata.maxpagesize={items}");
        self
    }

    /// Asks for bodies as HTML, whatever they were written in: hidden parts can be told apart only there.
    pub(crate) fn html_bodies(mut self) -> Self {
        self.prefer.get_or_insert_default().push_str(", outlook.body-content-type=\"html\"");
        self
    }

    /// A download of at most `max_bytes`.
    pub(crate) fn download(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self.timeout = DOWNLOAD_TIMEOUT;
        self
    }
}
