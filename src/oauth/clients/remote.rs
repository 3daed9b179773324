//! Documents of others, kept as long as their hosts say within limits, in the store for all replicas. Only documents
//! that passed their check are kept; failures are remembered for moments, so that nobody can use us to knock at a host.

use crate::domain::clock::Timestamp;
use crate::oauth::state::OauthState;
use crate::ports::documents::FetchError;
use crate::ports::store::StoreError;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;
use url::Url;

/// Shortest and longest time for which a document is taken for current, whatever its host says.
const MIN_AGE: Duration = Duration::from_mins(5);
const MAX_AGE: Duration = Duration::from_hours(24);
/// Time for which a copy may still serve those who have signed in, while the host is away.
const STALE_AGE: Duration = Duration::from_hours(7 * 24);
/// Time for which a failure answers the next request as well.
const FAILURE_AGE: Duration = Duration::from_secs(20);
const MAX_FAILURES: usize = 1000;
/// Between two fetches that a caller wants although a current copy stands.
const ANEW_PAUSE: Duration = Duration::from_mins(1);

/// Why there is no document.
#[derive(Clone, Debug, thiserror::Error)]
pub(in crate::oauth) enum RemoteFault {
    #[error("its host cannot be reached for the moment")]
    Away,
    #[error("{0}")]
    Refused(String),
    #[error("the store cannot be reached")]
    Store(StoreError),
}

impl From<StoreError> for RemoteFault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What is wanted.
#[derive(Clone, Copy, Debug)]
pub(in crate::oauth) struct Wish {
    /// Keeps apart what is kept for different purposes.
    pub(in crate::oauth) kind: &'static str,
    pub(in crate::oauth) max_bytes: usize,
    /// An old copy will do while the host is away.
    pub(in crate::oauth) stale: bool,
    /// A copy will not do, unless a fetch was made for such a wish a moment ago.
    pub(in crate::oauth) anew: bool,
}

/// A kept document.
#[derive(Serialize, Deserialize)]
struct Copy {
    body: String,
    fresh_until: Timestamp,
}

/// Fetches under way and recent failures of this replica.
#[derive(Debug, Default)]
pub(in crate::oauth) struct Remote {
    flights: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
    failures: Mutex<HashMap<String, (Timestamp, RemoteFault)>>,
}

impl Remote {
    /// One fetch of a document at a time; whoever waited finds it kept.
    fn flight(&self, name: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut flights = self.flights.lock();
        flights.retain(|_, flight| flight.strong_count() > 0);
        let known = flights.get(name).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let flight = Arc::default();
            flights.insert(name.to_owned(), Arc::downgrade(&flight));
            flight
        })
    }

    fn failure(&self, name: &str, now: Timestamp) -> Option<RemoteFault> {
        let failures = self.failures.lock();
        failures.get(name).filter(|(until, _)| *until > now).map(|(_, fault)| fault.clone())
    }

    fn remember(&self, name: &str, now: Timestamp, fault: &RemoteFault) {
        let mut failures = self.failures.lock();
        if failures.len() >= MAX_FAILURES {
            failures.retain(|_, (until, _)| *until > now);
        }
        if failures.len() < MAX_FAILURES {
            failures.insert(name.to_owned(), (now.plus(FAILURE_AGE), fault.clone()));
        }
    }
}

impl OauthState {
    /// The document at `url`, kept or fetched. `check` says whether a fetched one is worth keeping.
    pub(in crate::oauth) async fn remote(
        &self,
        url: &Url,
        wish: Wish,
        check: impl Fn(&[u8]) -> Result<(), String> + Send + Sync,
    ) -> Result<Vec<u8>, RemoteFault> {
        let place = self.hasher.hash(wish.kind, url.as_str());
        let name = format!("document:{}", place.to_text());
        let anew = wish.anew && self.store.spend(&self.hasher.hash("anew", &name), ANEW_PAUSE).await?;
        if let Some(copy) = self.fresh(&name).await?.filter(|_| !anew) {
            return Ok(copy.body.into_bytes());
        }
        let flight = self.remote.flight(&name);
        let _turn = flight.lock().await;
        let kept = self.kept(&name).await?;
        let now = self.clock.now();
        let (version, copy) = kept.map_or((0, None), |(version, copy)| (version, copy));
        if let Some(copy) = copy.as_ref().filter(|copy| copy.fresh_until > now && !anew) {
            return Ok(copy.body.clone().into_bytes());
        }
        match self.fetch(url, &name, wish.max_bytes, &check).await {
            Ok((body, life)) => {
                self.keep(&name, version, Copy { body: body.clone(), fresh_until: now.plus(life) }).await;
                Ok(body.into_bytes())
            }
            Err(RemoteFault::Away) if wish.stale || anew => {
                copy.map(|copy| copy.body.into_bytes()).ok_or(RemoteFault::Away)
            }
            Err(fault) => Err(fault),
        }
    }

    async fn fetch(
        &self,
        url: &Url,
        name: &str,
        max_bytes: usize,
        check: &(impl Fn(&[u8]) -> Result<(), String> + Send + Sync),
    ) -> Result<(String, Duration), RemoteFault> {
        let now = self.clock.now();
        if let Some(fault) = self.remote.failure(name, now) {
            return Err(fault);
        }
        let fetched = match self.documents_of_others.fetch(url, max_bytes).await {
            Ok(document) => {
                let life = document.max_age.unwrap_or(MIN_AGE).clamp(MIN_AGE, MAX_AGE);
                let text =
                    String::from_utf8(document.body.to_vec()).map_err(|_| "it is not UTF-8".to_owned());
                let checked = text.and_then(|text| check(text.as_bytes()).map(|()| text));
                checked.map(|text| (text, life)).map_err(RemoteFault::Refused)
            }
            Err(FetchError::Unreachable(reason)) => {
                tracing::warn!(
                    host = url.host_str().unwrap_or_default(),
                    reason,
                    "a document cannot be fetched"
                );
                Err(RemoteFault::Away)
            }
            Err(error @ (FetchError::Forbidden | FetchError::Refused(_))) => {
                Err(RemoteFault::Refused(error.to_string()))
            }
        };
        if let Err(fault) = &fetched {
            self.remote.remember(name, now, fault);
        }
        fetched
    }

    async fn fresh(&self, name: &str) -> Result<Option<Copy>, StoreError> {
        let copy = self.kept(name).await?.and_then(|(_, copy)| copy);
        Ok(copy.filter(|copy| copy.fresh_until > self.clock.now()))
    }

    /// Version of the record, and the copy if it is one of ours.
    async fn kept(&self, name: &str) -> Result<Option<(u64, Option<Copy>)>, StoreError> {
        let Some(record) = self.store.shared(name).await? else { return Ok(None) };
        let plain = self.cipher.open(name, &record.sealed).ok();
        Ok(Some((record.version, plain.and_then(|plain| serde_json::from_slice(&plain).ok()))))
    }

    /// Keeps a copy; another replica that was faster has kept one as good, and a store that is away costs a fetch.
    async fn keep(&self, name: &str, version: u64, copy: Copy) {
        let sealed = self.cipher.seal(name, &serde_json::to_vec(&copy).unwrap_or_default());
        if let Err(error) = self.store.swap_shared(name, version, &sealed, STALE_AGE).await {
            tracing::warn!(error = %error, "a document of a client could not be kept");
        }
    }
}
