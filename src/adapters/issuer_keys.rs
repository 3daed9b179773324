//! Keys of trusted issuers over HTTP: bounded, cached, fetched anew for an unknown key but not in a storm.

use crate::adapters::http::Clients;
use crate::domain::clock::{SharedClock, Timestamp};
use crate::ports::issuers::{IssuerKeys, KeysUnavailable};
use async_trait::async_trait;
use jsonwebtoken::jwk::JwkSet;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// Key sets are a few kilobytes.
const MAX_BODY: usize = 256 * 1024;
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long keys are used without asking again.
const MAX_AGE: Duration = Duration::from_hours(1);
/// How soon a missing key makes us ask again.
const COOL_DOWN: Duration = Duration::from_mins(5);

/// What was fetched, and when it was tried last.
#[derive(Default)]
struct Known {
    tried: Option<Timestamp>,
    fetched: Option<(Timestamp, Arc<JwkSet>)>,
}

/// The issuers' keys; the URLs are the operator's, so there are few.
pub(crate) struct HttpIssuerKeys {
    http: Clients,
    clock: SharedClock,
    /// By URL, each with a turn of its own: an issuer that does not answer holds up nobody else's people.
    known: parking_lot::Mutex<HashMap<String, Arc<Mutex<Known>>>>,
}

impl HttpIssuerKeys {
    pub(crate) fn new(http: Clients, clock: SharedClock) -> Self {
        Self { http, clock, known: parking_lot::Mutex::default() }
    }

    async fn fetch(&self, url: &str) -> Result<JwkSet, KeysUnavailable> {
        let failed = |error: &reqwest::Error| KeysUnavailable(error.to_string());
        let mut response = self.http.here().get(url).timeout(TIMEOUT).send().await.map_err(|e| failed(&e))?;
        if !response.status().is_success() {
            return Err(KeysUnavailable(format!("{url} answered {}", response.status())));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| failed(&e))? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(KeysUnavailable(format!("{url} answered more than {MAX_BODY} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).map_err(|_| KeysUnavailable(format!("{url} is no key set")))
    }
}

#[async_trait]
impl IssuerKeys for HttpIssuerKeys {
    async fn keys(&self, url: &str, kid: &str) -> Result<Arc<JwkSet>, KeysUnavailable> {
        let known = Arc::clone(self.known.lock().entry(url.to_owned()).or_default());
        // Held while fetching: whoever comes meanwhile waits for the same answer.
        let mut known = known.lock().await;
        let now = self.clock.now();
        let tried_lately = known.tried.is_some_and(|at| now.since(at) < COOL_DOWN);
        if let Some((at, keys)) = &known.fetched {
            let usable = now.since(*at) < MAX_AGE && (keys.find(kid).is_some() || tried_lately);
            if usable {
                return Ok(Arc::clone(keys));
            }
        }
        known.tried = Some(now);
        let keys = Arc::new(self.fetch(url).await?);
        known.fetched = Some((now, Arc::clone(&keys)));
        Ok(keys)
    }
}
