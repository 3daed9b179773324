//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a repeated request is answered and not done twice.
//!
//! A key is its user's and client's, at one service, for ten minutes. While the first request runs, repetitions are told to come back
//! (409, which the official packages do); afterwards those of a request that wrote something get its answer again.
//! Nothing is kept of requests that only read: doing them again is harmless, and what people read is not for our store.
//! A request with a key runs to its end even when its client leaves, since the client will come back for the answer.
//!
//! Before a tool writes, it is noted what a repetition is to be told if the replica dies now: that nobody knows. So a
//! request that began to write is never run twice, and a key is free again seconds after its replica died.

use super::answering::Whole;
use super::engine::{Collected, End};
use super::error::ApiError;
use super::usage::Usage;
use crate::domain::cipher::Cipher;
use crate::domain::ids::{ClientId, ServiceName, UserKey};
use crate::domain::random;
use crate::ports::store::{Store, StoreError};
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

const HEADER: &str = "idempotency-key";
/// How long an answer can be had again.
const LIFE: Duration = Duration::from_mins(10);
const MAX_KEY: usize = 255;
/// How long a replica that died keeps a key; who works renews it every [`HEARTBEAT`].
const LEASE: Duration = Duration::from_secs(15);
/// Two may be lost before the lease is.
const HEARTBEAT: Duration = Duration::from_secs(4);
/// Pause between attempts to give a key back.
const AGAIN: Duration = Duration::from_millis(500);
/// Pauses between attempts to keep an answer; a store that fails over is back within them.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(4)];

/// The answers kept.
#[derive(Clone)]
pub(super) struct Kept {
    store: Arc<dyn Store>,
    cipher: Cipher,
}

/// An answer that was given.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Recorded {
    /// Of the request that it answers.
    digest: String,
    pub(super) id: String,
    pub(super) created: i64,
    collected: Collected,
    end: End,
    usage: Usage,
    /// Its replica was about to write; what it says counts once that replica has let go of the key.
    #[serde(default)]
    unfinished: bool,
}

impl Recorded {
    pub(super) fn whole(self) -> Whole {
        Whole { collected: self.collected, end: self.end, usage: self.usage }
    }
}

/// A key that is held for a running request.
pub(super) struct Claim {
    mark: Mark,
    _hold: Hold,
}

/// Where the answer of a request with a key is kept.
#[derive(Clone)]
pub(super) struct Mark {
    kept: Kept,
    user: UserKey,
    place: String,
    lease: String,
    owner: String,
    digest: String,
    id: String,
    created: i64,
}

/// A lease that is renewed while it is held, and given back when dropped, whatever becomes of the request.
struct Hold {
    store: Arc<dyn Store>,
    lease: String,
    owner: String,
    beating: JoinHandle<()>,
}

impl Hold {
    fn new(store: &Arc<dyn Store>, lease: &str, owner: &str) -> Self {
        let (store, lease, owner) = (Arc::clone(store), lease.to_owned(), owner.to_owned());
        let (renewing, name, holder) = (Arc::clone(&store), lease.clone(), owner.clone());
        let beating = tokio::spawn(async move {
            loop {
                sleep(HEARTBEAT).await;
                if let Err(error) = renewing.renew_lease(&name, &holder, LEASE).await {
                    tracing::warn!(%error, "the lease of an idempotency key was not renewed");
                }
            }
        });
        Self { store, lease, owner, beating }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.beating.abort();
        let (lease, owner) = (std::mem::take(&mut self.lease), std::mem::take(&mut self.owner));
        let store = Arc::clone(&self.store);
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                // The next owner's is left alone, so it can be tried for as long as ours may stand.
                let end = Instant::now() + LEASE;
                while store.release_lease(&lease, &owner).await.is_err() && Instant::now() < end {
                    sleep(AGAIN).await;
                }
            });
        }
    }
}

/// What a key stands for.
pub(super) enum Standing {
    /// Nobody has used it yet: the request may run.
    Free(Claim),
    Answered(Recorded),
}

/// A request, as its key sees it.
pub(super) struct Asked<'a> {
    pub(super) user: &'a UserKey,
    pub(super) client: &'a ClientId,
    pub(super) service: &'a ServiceName,
    pub(super) path: &'a str,
    pub(super) body: &'a str,
    /// Id and time of an answer to come.
    pub(super) id: &'a str,
    pub(super) created: i64,
}

/// The key of a request.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let Some(value) = headers.get(HEADER) else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=MAX_KEY).contains(&key.len()));
    let refused = || {
        let message = format!("Idempotency-Key must be 1 to {MAX_KEY} printable characters.");
        ApiError::refused(StatusCode::BAD_REQUEST, message)
    };
    key.map(Some).ok_or_else(refused)
}

impl Kept {
    pub(super) fn new(store: Arc<dyn Store>, cipher: Cipher) -> Self {
        Self { store, cipher }
    }

    /// Takes the key for this request, or tells what became of the one that had it.
    pub(super) async fn claim(&self, key: &str, asked: &Asked<'_>) -> Result<Standing, ApiError> {
        let place = format!("again:{}", digest(&[asked.client.as_str(), asked.service.as_str(), key]));
        let digest = digest(&[asked.path, asked.body]);
        let lease = lease(asked.user, &place);
        let owner = random::text::<12>();
        let taken = self.store.try_lease(&lease, &owner, LEASE).await;
        let hold = (!matches!(taken, Ok(false))).then(|| Hold::new(&self.store, &lease, &owner));
        // Taken perhaps, and the answer lost: then it is given back, so that nobody waits for its end.
        taken.map_err(|_| away())?;
        // Looked at after the lease was asked for: whoever had it has written its answer before letting go.
        if let Some(recorded) = self.recorded(asked.user, &place).await? {
            if recorded.digest != digest {
                let message =
                    "This Idempotency-Key was used for another request. Take a new one for each request.";
                return Err(ApiError::refused(StatusCode::UNPROCESSABLE_ENTITY, message));
            }
            if recorded.unfinished && hold.is_none() {
                return Err(ApiError::in_progress());
            }
            if recorded.unfinished {
                // Its replica has died: that is its answer from here on.
                let (id, created) = (recorded.id.clone(), recorded.created);
                let mark = self.mark((asked.user, place), (lease, owner), digest, (id, created));
                let whole = recorded.clone().whole();
                mark.keep(whole, false).await.map_err(|_| away())?;
            }
            return Ok(Standing::Answered(recorded));
        }
        let Some(hold) = hold else { return Err(ApiError::in_progress()) };
        let known_as = (asked.id.to_owned(), asked.created);
        let mark = self.mark((asked.user, place), (lease, owner), digest, known_as);
        Ok(Standing::Free(Claim { mark, _hold: hold }))
    }

    fn mark(
        &self,
        (user, place): (&UserKey, String),
        (lease, owner): (String, String),
        digest: String,
        (id, created): (String, i64),
    ) -> Mark {
        Mark { kept: self.clone(), user: user.clone(), place, lease, owner, digest, id, created }
    }

    async fn recorded(&self, user: &UserKey, place: &str) -> Result<Option<Recorded>, ApiError> {
        let Some(sealed) = self.store.handle(user, place).await.map_err(|_| away())? else {
            return Ok(None);
        };
        // What does not open is not answered again, and not done again either.
        let plain = self.cipher.open(&context(user, place), &sealed).map_err(|_| away())?;
        serde_json::from_slice(&plain).map(Some).map_err(|_| away())
    }
}

impl Claim {
    /// For notes before the end.
    pub(super) fn mark(&self) -> Mark {
        self.mark.clone()
    }

    /// Keeps the answer of a request that wrote something, and lets go of the key. One that failed after it had written
    /// is answered again with the calls that were made.
    pub(super) async fn settle(self, outcome: Result<&Whole, Collected>) {
        let whole = match outcome {
            Ok(whole) => whole.clone(),
            Err(collected) => Whole::broken_off(collected),
        };
        if !whole.collected.wrote {
            return;
        }
        for pause in PAUSES {
            match self.mark.keep(whole.clone(), false).await {
                Ok(()) => return,
                Err(error) => tracing::warn!(%error, "an answer was not kept yet"),
            }
            sleep(pause).await;
        }
        // What was noted before the write stands: repetitions are told to look for it.
        if let Err(error) = self.mark.keep(whole, false).await {
            tracing::warn!(%error, "an answer cannot be given again");
        }
    }
}

impl Mark {
    /// Notes what a repetition is told should this replica die from here on.
    ///
    /// # Errors
    /// The key is this request's no more, or the store is away: nothing may be written.
    pub(super) async fn begun(&self, whole: Whole) -> Result<(), ApiError> {
        let store = &self.kept.store;
        let is_held = store.renew_lease(&self.lease, &self.owner, LEASE).await.map_err(|_| not_begun())?;
        if !is_held {
            return Err(not_begun());
        }
        self.keep(whole, true).await.map_err(|_| not_begun())
    }

    async fn keep(&self, whole: Whole, unfinished: bool) -> Result<(), StoreError> {
        let recorded = Recorded {
            digest: self.digest.clone(),
            id: self.id.clone(),
            created: self.created,
            collected: whole.collected,
            end: whole.end,
            usage: whole.usage,
            unfinished,
        };
        // Texts and numbers have no way to fail.
        let plain = serde_json::to_vec(&recorded).unwrap_or_default();
        let sealed = self.kept.cipher.seal(&context(&self.user, &self.place), &plain);
        self.kept.store.put_handle(&self.user, &self.place, &sealed, LIFE).await
    }
}

fn lease(user: &UserKey, place: &str) -> String {
    format!("{user}:{place}")
}

fn context(user: &UserKey, place: &str) -> String {
    format!("again|{user}|{place}")
}

fn not_begun() -> ApiError {
    ApiError::unavailable("The server's store is unavailable for the moment, so nothing was written.", None)
}

fn away() -> ApiError {
    ApiError::unavailable("Whether this request ran before cannot be told for the moment.", None)
}

/// Of texts in their order, each with its length so that no two lists look alike.
fn digest(texts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    }
    URL_SAFE_NO_PAD.encode(hasher.finalize())
}
