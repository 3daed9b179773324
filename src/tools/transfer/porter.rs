//! Carries files for whoever comes with a ticket: one front's way into the services.

use super::{Found, Holder, Incoming, Kind, LinkRecord, Stored, TICKET_LIFE, Transfers, UploadRecord};
use crate::domain::ids::{ClientId, UserKey};
use crate::domain::random;
use crate::domain::write_mark::WriteMark;
use crate::ports::graph::{ByteStream, TransportError};
use crate::ports::store::StoreError;
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::outlet::Outlet;
use crate::tools::registry::ToolRegistry;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Files on their way out, and in, at one time and replica.
const DOWNLOADS: usize = 64;
const UPLOADS: usize = 16;
/// Time until the first byte of a download; an export of many messages is made within it.
const OPENING: Duration = Duration::from_mins(3);
/// Time for an upload, and how long nobody else may come with its ticket.
const RECEIVING: Duration = Duration::from_mins(15);
/// The wait that is advised when nobody says how long.
const SHORTLY: Duration = Duration::from_secs(5);

/// Why somebody with a ticket leaves as they came.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Unknown, expired, used, made by a sign-in that has ended, or what it leads to is no longer there: one and the same.
    Gone,
    /// The ticket stays good.
    Later {
        retry_after: Duration,
    },
    /// Somebody is sending with this ticket right now.
    UnderWay,
    Empty,
    TooLarge {
        limit: usize,
    },
    /// The file did not arrive whole; the ticket stays good.
    Cut,
    /// Microsoft 365 does not take it, in words for its sender.
    Refused(String),
}

/// Who a ticket belongs to, for the audit.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) user: UserKey,
    pub(crate) client: ClientId,
}

/// What a link leads to.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) name: String,
    pub(crate) content_type: String,
}

/// A file on its way out.
pub(crate) struct Delivery {
    pub(crate) owner: Owner,
    pub(crate) label: Label,
    pub(crate) length: Option<u64>,
    pub(crate) body: ByteStream,
}

/// A file on its way in.
pub(crate) struct Arrival {
    pub(crate) content_type: String,
    /// As announced; none: it is counted.
    pub(crate) length: Option<u64>,
    pub(crate) body: ByteStream,
}

/// A file that has come.
#[derive(Clone, Debug)]
pub(crate) struct Receipt {
    pub(crate) owner: Owner,
    pub(crate) name: String,
    pub(crate) size: u64,
}

/// Carries them.
#[derive(Clone)]
pub(crate) struct Porter {
    transfers: Transfers,
    registry: ToolRegistry,
    /// Largest file that is taken in, in bytes.
    limit: usize,
    downloads: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
}

impl Porter {
    pub(crate) fn new(transfers: Transfers, registry: ToolRegistry, limit: usize) -> Self {
        let (downloads, uploads) = (Arc::new(Semaphore::new(DOWNLOADS)), Arc::new(Semaphore::new(UPLOADS)));
        Self { transfers, registry, limit, downloads, uploads }
    }

    /// What a link leads to, without using it up.
    pub(crate) async fn look(&self, ticket: &str) -> Result<Label, Refusal> {
        let LinkRecord { name, content_type, .. } = self.link(ticket).await?.record;
        Ok(Label { name, content_type })
    }

    /// Opens what a link leads to. The link is used up when the bytes are there to be sent, and not before.
    pub(crate) async fn fetch(&self, ticket: &str) -> Result<Delivery, Refusal> {
        let permit = Arc::clone(&self.downloads).try_acquire_owned().map_err(|_| later())?;
        let Found { place, version, record } = self.link(ticket).await?;
        let service = self.registry.service(&record.service).ok_or(Refusal::Gone)?;
        let carrier = service.carrier().ok_or(Refusal::Gone)?;
        let context = CallContext { mailbox: record.mailbox.clone(), ..record.holder.context(OPENING) };
        let outgoing = carrier.open(&context, &record.what).await.map_err(refused)?;
        if !self.transfers.spend(Kind::Download, ticket).await.map_err(away)? {
            return Err(Refusal::Gone);
        }
        self.transfers.remove(&place, version).await.map_err(away)?;
        let body = outgoing.body.map(move |chunk| {
            let _held = &permit;
            chunk
        });
        let LinkRecord { holder, name, content_type, .. } = record;
        Ok(Delivery {
            owner: holder.owner(),
            label: Label { name, content_type },
            length: outgoing.length,
            body: Box::pin(body),
        })
    }

    /// The record of a link that can still be used.
    async fn link(&self, ticket: &str) -> Result<Found<LinkRecord>, Refusal> {
        let found: Option<Found<LinkRecord>> =
            self.transfers.find(Kind::Download, ticket).await.map_err(away)?;
        let found = found.ok_or(Refusal::Gone)?;
        self.check(&found).await?;
        Ok(found)
    }

    /// Drops a ticket whose sign-in has ended.
    async fn check<T: Held>(&self, found: &Found<T>) -> Result<(), Refusal> {
        if self.transfers.stands(found.record.holder()).await.map_err(away)? {
            return Ok(());
        }
        self.transfers.remove(&found.place, found.version).await.map_err(away)?;
        Err(Refusal::Gone)
    }

    /// Takes a file in. Runs to its end even if its sender leaves, so that nothing half stays behind.
    pub(crate) async fn take(&self, ticket: &str, arrival: Arrival) -> Result<Receipt, Refusal> {
        let found: Option<Found<UploadRecord>> =
            self.transfers.find(Kind::Upload, ticket).await.map_err(away)?;
        let found = found.filter(|found| found.record.stored.is_none()).ok_or(Refusal::Gone)?;
        self.check(&found).await?;
        match arrival.length {
            Some(0) => return Err(Refusal::Empty),
            Some(length) if length > self.limit as u64 => {
                return Err(Refusal::TooLarge { limit: self.limit });
            }
            Some(_) | None => {}
        }
        let _permit = self.uploads.try_acquire().map_err(|_| later())?;
        let (lease, owner) = (format!("{}:in", found.place), random::text::<16>());
        let store = &self.transfers.store;
        if !store.try_lease(&lease, &owner, RECEIVING).await.map_err(away)? {
            return Err(Refusal::UnderWay);
        }
        let outcome = self.receive(found, arrival).await;
        if let Err(error) = store.release_lease(&lease, &owner).await {
            tracing::warn!(%error, "the lease of an upload ends by itself");
        }
        outcome
    }

    async fn receive(&self, found: Found<UploadRecord>, arrival: Arrival) -> Result<Receipt, Refusal> {
        let Found { place, version, record } = found;
        let service = self.registry.service(&record.service).ok_or(Refusal::Gone)?;
        let carrier = service.carrier().ok_or(Refusal::Gone)?;
        let (length, body) = match arrival.length {
            Some(length) => (length, arrival.body),
            None => counted(arrival.body, self.limit).await?,
        };
        let (name, content_type) = (record.name.clone(), arrival.content_type);
        let file = Incoming { name, content_type, length, body };
        let stored: Stored =
            carrier.receive(&record.holder.context(RECEIVING), file).await.map_err(refused)?;
        let receipt = Receipt { owner: record.holder.owner(), name: record.name.clone(), size: stored.size };
        let record = UploadRecord { stored: Some(stored), ..record };
        self.transfers.write(&place, version, &record, TICKET_LIFE).await.map_err(refused)?;
        Ok(receipt)
    }
}

/// Records know who made them.
trait Held {
    fn holder(&self) -> &Holder;
}

impl Held for LinkRecord {
    fn holder(&self) -> &Holder {
        &self.holder
    }
}

impl Held for UploadRecord {
    fn holder(&self) -> &Holder {
        &self.holder
    }
}

impl Holder {
    fn owner(&self) -> Owner {
        Owner { user: self.user.clone(), client: self.client.clone() }
    }

    fn context(&self, time: Duration) -> CallContext {
        CallContext {
            caller: self.caller(),
            mailbox: None,
            mark: WriteMark::default(),
            deadline: Instant::now() + time,
            outlet: Outlet::default(),
        }
    }
}

/// Bytes of which nobody said how many there are: Graph wants to know before the first one.
async fn counted(mut body: ByteStream, limit: usize) -> Result<(u64, ByteStream), Refusal> {
    let mut whole = BytesMut::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| Refusal::Cut)?;
        if whole.len() + chunk.len() > limit {
            return Err(Refusal::TooLarge { limit });
        }
        whole.extend_from_slice(&chunk);
    }
    if whole.is_empty() {
        return Err(Refusal::Empty);
    }
    let length = whole.len() as u64;
    let whole: Result<Bytes, TransportError> = Ok(whole.freeze());
    Ok((length, Box::pin(stream::iter([whole]))))
}

fn later() -> Refusal {
    Refusal::Later { retry_after: SHORTLY }
}

/// The store does not answer.
fn away(error: StoreError) -> Refusal {
    tracing::warn!(%error, "a ticket could not be looked at");
    later()
}

/// A failure of a service, for somebody who has only a link: what lasts and what does not.
fn refused(error: ToolError) -> Refusal {
    tracing::info!(
        outcome = error.code(),
        source = error.source.as_deref().unwrap_or_default(),
        "transfer refused"
    );
    let passes = matches!(
        error.kind,
        ToolErrorKind::RateLimited { .. }
            | ToolErrorKind::UpstreamUnavailable { .. }
            | ToolErrorKind::Timeout
            | ToolErrorKind::Cancelled
            | ToolErrorKind::Internal
    );
    if passes {
        return Refusal::Later { retry_after: error.retry_after().unwrap_or(SHORTLY) };
    }
    match &error.kind {
        ToolErrorKind::UpstreamRejected { code, .. } if code == "cut_off" => Refusal::Cut,
        ToolErrorKind::UpstreamRejected { status, .. } if ![403, 404, 410].contains(status) => {
            Refusal::Refused(error.public)
        }
        ToolErrorKind::UpstreamRejected { .. }
        | ToolErrorKind::UnknownTool
        | ToolErrorKind::InvalidInput { .. }
        | ToolErrorKind::NotFound
        | ToolErrorKind::InsufficientScope { .. }
        | ToolErrorKind::SignInRequired
        | ToolErrorKind::MailboxUnavailable { .. }
        | ToolErrorKind::RateLimited { .. }
        | ToolErrorKind::UpstreamUnavailable { .. }
        | ToolErrorKind::Timeout
        | ToolErrorKind::Cancelled
        | ToolErrorKind::InputRequired { .. }
        | ToolErrorKind::MissingFeature { .. }
        | ToolErrorKind::Detached
        | ToolErrorKind::Protocol
        | ToolErrorKind::Internal => Refusal::Gone,
    }
}
