//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a repeated request is answered and not done twice.
//!
//! A key is its user's and client's, at one service, for ten minutes. While the first request runs, repetitions are told to come back
//! (409, which the official packages do); afterwards those of a request that wrote something get its answer again.
//! Nothing is kept of requests that only read: doing them again is harmless, and what people read is not for our store.
//! A request with a key runs to its end even when its client leaves, since the client will come back for the answer.

use super::answering::Whole;
use super::engine::{Collected, End};
use super::error::ApiError;
use super::usage::Usage;
use crate::domain::cipher::Cipher;
use crate::domain::ids::{ClientId, ServiceName, UserKey};
use crate::domain::random;
use crate::ports::store::Store;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

const HEADER: &str = "idempotency-key";
/// How long an answer can be had again.
const LIFE: Duration = Duration::from_mins(10);
const MAX_KEY: usize = 255;

/// The answers kept.
#[derive(Clone)]
pub(super) struct Kept {
    store: Arc<dyn Store>,
    cipher: Cipher,
    /// Longer than any answer takes; a replica that died gives the key back then.
    lease: Duration,
}

/// An answer that was given.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Recorded {
    /// Of the request that it answers.
    digest: String,
    pub(super) id: String,
    pub(super) created: i64,
    collected: Collected,
    end: End,
    usage: Usage,
}

impl Recorded {
    pub(super) fn whole(self) -> Whole {
        Whole { collected: self.collected, end: self.end, usage: self.usage }
    }
}

/// A key that is held for a running request.
pub(super) struct Claim {
    kept: Kept,
    hold: Hold,
    user: UserKey,
    place: String,
    digest: String,
    id: String,
    created: i64,
}

/// A lease that is given back when dropped, whatever becomes of the request.
struct Hold {
    store: Arc<dyn Store>,
    lease: String,
    owner: String,
}

impl Hold {
    /// Keeps the lease to its end.
    fn keep(mut self) {
        self.lease.clear();
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let (lease, owner) = (std::mem::take(&mut self.lease), std::mem::take(&mut self.owner));
        let store = Arc::clone(&self.store);
        if !lease.is_empty()
            && let Ok(runtime) = Handle::try_current()
        {
            // A lease that cannot be given back ends by itself.
            runtime.spawn(async move { drop(store.release_lease(&lease, &owner).await) });
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
    /// `longest` is how long a request may run.
    pub(super) fn new(store: Arc<dyn Store>, cipher: Cipher, longest: Duration) -> Self {
        Self { store, cipher, lease: longest + Duration::from_mins(2) }
    }

    /// Takes the key for this request, or tells what became of the one that had it.
    pub(super) async fn claim(&self, key: &str, asked: &Asked<'_>) -> Result<Standing, ApiError> {
        let place = format!("again:{}", digest(&[asked.client.as_str(), asked.service.as_str(), key]));
        let digest = digest(&[asked.path, asked.body]);
        let lease = lease(asked.user, &place);
        let owner = random::text::<12>();
        let is_free = self.store.try_lease(&lease, &owner, self.lease).await.map_err(|_| away())?;
        let hold = is_free.then(|| Hold { store: self.store.clone(), lease, owner });
        // Looked at after the lease was asked for: whoever had it has written its answer before letting go.
        if let Some(recorded) = self.recorded(asked.user, &place).await? {
            if recorded.digest != digest {
                let message =
                    "This Idempotency-Key was used for another request. Take a new one for each request.";
                return Err(ApiError::refused(StatusCode::UNPROCESSABLE_ENTITY, message));
            }
            return Ok(Standing::Answered(recorded));
        }
        let Some(hold) = hold else { return Err(ApiError::in_progress()) };
        let (user, id, created) = (asked.user.clone(), asked.id.to_owned(), asked.created);
        Ok(Standing::Free(Claim { kept: self.clone(), hold, user, place, digest, id, created }))
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
    /// Keeps the answer of a request that wrote something, and lets go of the key. One that failed after it had written
    /// is answered again with the calls that were made.
    pub(super) async fn settle(self, outcome: Result<&Whole, Collected>) {
        let whole = match outcome {
            Ok(whole) => whole.clone(),
            Err(collected) => Whole::broken_off(collected),
        };
        if whole.collected.wrote {
            let recorded = Recorded {
                digest: self.digest,
                id: self.id,
                created: self.created,
                collected: whole.collected,
                end: whole.end,
                usage: whole.usage,
            };
            // Texts and numbers have no way to fail.
            let plain = serde_json::to_vec(&recorded).unwrap_or_default();
            let sealed = self.kept.cipher.seal(&context(&self.user, &self.place), &plain);
            if let Err(error) = self.kept.store.put_handle(&self.user, &self.place, &sealed, LIFE).await {
                tracing::warn!(%error, "an answer cannot be given again");
                // Nobody would know that this was done: repetitions wait instead of doing it again.
                self.hold.keep();
            }
        }
    }
}

fn lease(user: &UserKey, place: &str) -> String {
    format!("{user}:{place}")
}

fn context(user: &UserKey, place: &str) -> String {
    format!("again|{user}|{place}")
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
