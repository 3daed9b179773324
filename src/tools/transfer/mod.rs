//! Files on their way between a person's browser or shell and their own Microsoft 365: past the model, and never on the
//! disk of this server.
//!
//! A tool makes a link to something that its service can fetch ([`Transfers::link`]), or a ticket by which a file can be
//! sent in ([`Transfers::ticket`]). Whoever holds one comes to the public URL with it; the front asks the [`porter`],
//! and that asks the service of the record, its [`Carrier`], for the bytes.
//!
//! # Shape
//! A ticket is 256 random bits in base64url. The store holds its keyed hash and, sealed, who made it and what it is for:
//! never the ticket, never content. It counts once, for a short time, and ends with the sign-in that it was made by.

pub(crate) mod porter;
#[cfg(test)]
mod tests;

use super::context::{CallContext, Caller};
use super::cursor::unavailable;
use super::error::ToolError;
use crate::domain::cipher::Cipher;
use crate::domain::ids::{ClientId, GrantId, UserKey};
use crate::domain::mailbox::Mailbox;
use crate::domain::random;
use crate::domain::scope::ScopeSet;
use crate::domain::token::Hasher;
use crate::ports::graph::ByteStream;
use crate::ports::store::{Store, StoreError, Swap};
use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// Life of a link.
pub(crate) const LINK_LIFE: Duration = Duration::from_mins(10);
/// Life of an upload ticket until the file has come, and of the file until it is used.
pub(crate) const TICKET_LIFE: Duration = Duration::from_hours(1);
/// Start of a reference to a file that was sent in.
pub(crate) const REFERENCE: &str = "upload:";
/// Life of a record that was removed.
const REMOVED: Duration = Duration::from_secs(1);
/// 32 bytes in base64url.
const TICKET_CHARS: usize = 43;

/// What a service sends out, and takes in, for the holders of tickets.
#[async_trait]
pub(crate) trait Carrier: Send + Sync {
    /// Opens what a link leads to; `what` is what its tool gave to [`Transfers::link`].
    async fn open(&self, context: &CallContext, what: &Value) -> Result<Outgoing, ToolError>;
    /// Puts a file where only its user sees it.
    async fn receive(&self, _context: &CallContext, _file: Incoming) -> Result<Stored, ToolError> {
        Err(ToolError::internal("this service takes no files"))
    }
}

/// Bytes that go out.
pub(crate) struct Outgoing {
    /// How many, where that is known.
    pub(crate) length: Option<u64>,
    pub(crate) body: ByteStream,
}

/// Bytes that come in.
pub(crate) struct Incoming {
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) length: u64,
    pub(crate) body: ByteStream,
}

/// Where a file that came in is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stored {
    /// Id of the item in the user's own drive.
    pub(crate) item: String,
    pub(crate) content_type: String,
    pub(crate) size: u64,
}

/// What a tool offers for download.
#[derive(Debug)]
pub(crate) struct Offered<'a> {
    /// The service whose [`Carrier`] opens it.
    pub(crate) service: &'a str,
    pub(crate) name: &'a str,
    pub(crate) content_type: &'a str,
    pub(crate) what: Value,
}

/// A link for its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) url: String,
    pub(crate) expires_in_s: u64,
}

/// A ticket for its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// What tools take once the file has come: `upload:…`.
    pub(crate) reference: String,
    /// Where the file goes, by `PUT`.
    pub(crate) url: String,
    pub(crate) expires_in_s: u64,
}

/// A file that came in, for the tools of its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Uploaded {
    pub(crate) name: String,
    pub(crate) stored: Stored,
}

/// Who made a ticket: whoever comes with it acts as they do, no more and no longer.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Holder {
    user: UserKey,
    client: ClientId,
    grant: GrantId,
    scopes: ScopeSet,
}

/// What a link leads to.
#[derive(Debug, Serialize, Deserialize)]
struct LinkRecord {
    holder: Holder,
    /// Whose mailbox it is in, when not the holder's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mailbox: Option<Mailbox>,
    service: String,
    name: String,
    content_type: String,
    what: Value,
}

/// What a ticket takes in.
#[derive(Debug, Serialize, Deserialize)]
struct UploadRecord {
    holder: Holder,
    service: String,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stored: Option<Stored>,
}

/// A record, and where it stands.
struct Found<T> {
    place: String,
    version: u64,
    record: T,
}

/// Kinds of tickets; part of their hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Download,
    Upload,
}

impl Kind {
    /// Also the first segment of its addresses.
    const fn name(self) -> &'static str {
        match self {
            Self::Download => "download",
            Self::Upload => "upload",
        }
    }
}

impl Holder {
    fn of(caller: &Caller) -> Self {
        let Caller { user, client, grant, scopes } = caller.clone();
        Self { user, client, grant, scopes }
    }

    fn caller(&self) -> Caller {
        let Self { user, client, grant, scopes } = self.clone();
        Caller { user, client, grant, scopes }
    }
}

/// Makes links and tickets, and knows them again.
#[derive(Clone)]
pub(crate) struct Transfers {
    store: Arc<dyn Store>,
    cipher: Cipher,
    hasher: Hasher,
    /// Without a slash at its end.
    public_url: Arc<str>,
}

impl Transfers {
    pub(crate) fn new(store: Arc<dyn Store>, cipher: Cipher, hasher: Hasher, public_url: &str) -> Self {
        Self { store, cipher, hasher, public_url: Arc::from(public_url.trim_end_matches('/')) }
    }

    /// A link to what is offered, for one download.
    pub(crate) async fn link(&self, context: &CallContext, offered: Offered<'_>) -> Result<Link, ToolError> {
        let record = LinkRecord {
            holder: Holder::of(&context.caller),
            mailbox: context.mailbox.clone(),
            service: offered.service.to_owned(),
            name: offered.name.to_owned(),
            content_type: offered.content_type.to_owned(),
            what: offered.what,
        };
        let ticket = self.keep(Kind::Download, &record, LINK_LIFE).await?;
        Ok(Link { url: self.address(Kind::Download, &ticket), expires_in_s: LINK_LIFE.as_secs() })
    }

    /// A ticket to send one file in, which will be called `name`; `service` takes it.
    pub(crate) async fn ticket(
        &self,
        context: &CallContext,
        (service, name): (&str, &str),
    ) -> Result<Ticket, ToolError> {
        let record = UploadRecord {
            holder: Holder::of(&context.caller),
            service: service.to_owned(),
            name: name.to_owned(),
            stored: None,
        };
        let ticket = self.keep(Kind::Upload, &record, TICKET_LIFE).await?;
        Ok(Ticket {
            reference: format!("{REFERENCE}{ticket}"),
            url: self.address(Kind::Upload, &ticket),
            expires_in_s: TICKET_LIFE.as_secs(),
        })
    }

    /// The file that came in with a ticket of this user's; `field` is the argument that names it.
    ///
    /// # Errors
    /// Unknown, expired, used and foreign tickets are one and the same refusal; another says that the file has not come.
    pub(crate) async fn uploaded(
        &self,
        user: &UserKey,
        (field, ticket): (&str, &str),
    ) -> Result<Uploaded, ToolError> {
        let found = self.find::<UploadRecord>(Kind::Upload, ticket).await.map_err(unavailable)?;
        let Some(record) = found.map(|found| found.record).filter(|record| record.holder.user == *user)
        else {
            let text = format!(
                "`{field}`: unknown ticket. It was used, is older than an hour, or never was: get a new one with request_upload."
            );
            return Err(ToolError::invalid(field, text));
        };
        let Some(stored) = record.stored else {
            let text = format!(
                "`{field}`: nothing was uploaded with this ticket yet. Have \"{}\" sent to the ticket's address first.",
                record.name
            );
            return Err(ToolError::invalid(field, text));
        };
        Ok(Uploaded { name: record.name, stored })
    }

    /// Forgets a ticket of this user's whose file was used. What cannot be forgotten ends by itself.
    pub(crate) async fn used(&self, user: &UserKey, ticket: &str) {
        let forgotten = async {
            let found = self.find::<UploadRecord>(Kind::Upload, ticket).await?;
            match found.filter(|found| found.record.holder.user == *user) {
                Some(found) => self.remove(&found.place, found.version).await,
                None => Ok(()),
            }
        };
        if let Err(error) = forgotten.await {
            tracing::warn!(%error, "a used ticket was not forgotten");
        }
    }

    fn address(&self, kind: Kind, ticket: &str) -> String {
        format!("{}/{}/{ticket}", self.public_url, kind.name())
    }

    /// Keeps a new record; its ticket.
    async fn keep(
        &self,
        kind: Kind,
        record: &(impl Serialize + Sync),
        life: Duration,
    ) -> Result<String, ToolError> {
        let ticket = random::text::<32>();
        let place = place(&self.hasher.hash(kind.name(), &ticket).to_text());
        self.write(&place, 0, record, life).await?;
        Ok(ticket)
    }

    async fn write(
        &self,
        place: &str,
        version: u64,
        record: &(impl Serialize + Sync),
        life: Duration,
    ) -> Result<(), ToolError> {
        let plain = serde_json::to_vec(record).map_err(ToolError::internal)?;
        let sealed = self.cipher.seal(place, &plain);
        match self.store.swap_shared(place, version, &sealed, life).await.map_err(unavailable)? {
            Swap::Done => Ok(()),
            Swap::Conflict { .. } => Err(ToolError::internal("the record of a ticket changed meanwhile")),
        }
    }

    /// The record behind a ticket. What does not open or read is as good as absent.
    async fn find<T: DeserializeOwned>(
        &self,
        kind: Kind,
        ticket: &str,
    ) -> Result<Option<Found<T>>, StoreError> {
        if !is_ticket(ticket) {
            return Ok(None);
        }
        for hash in self.hasher.hashes(kind.name(), ticket) {
            let place = place(&hash.to_text());
            let Some(stored) = self.store.shared(&place).await? else { continue };
            let Ok(plain) = self.cipher.open(&place, &stored.sealed) else { continue };
            if let Ok(record) = serde_json::from_slice(&plain) {
                return Ok(Some(Found { place, version: stored.version, record }));
            }
        }
        Ok(None)
    }

    async fn remove(&self, place: &str, version: u64) -> Result<(), StoreError> {
        self.store.swap_shared(place, version, &self.cipher.seal(place, b"{}"), REMOVED).await.map(drop)
    }

    /// Of any number of calls with one ticket, one passes. Spent under every key, since replicas may differ in which key is
    /// the active one while a ring is being changed.
    async fn spend(&self, kind: Kind, ticket: &str) -> Result<bool, StoreError> {
        for hash in self.hasher.hashes(kind.name(), ticket) {
            if !self.store.spend(&hash, LINK_LIFE).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the sign-in that a ticket was made by still stands.
    async fn stands(&self, holder: &Holder) -> Result<bool, StoreError> {
        Ok(self.store.grant(&holder.grant).await?.is_some_and(|grant| grant.user == holder.user))
    }
}

fn place(hash: &str) -> String {
    format!("ticket:{hash}")
}

/// Whether it may be one of ours: nothing else is looked up.
fn is_ticket(text: &str) -> bool {
    text.len() == TICKET_CHARS
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}
