//! Fakes for tests: a Graph that answers by script, tokens that can be refused, a gate that counts.

use crate::domain::clock::Timestamp;
use crate::domain::ids::UserKey;
use crate::domain::secret::Secret;
use crate::domain::upstream::{Profile, UpstreamAccess};
use crate::ports::gate::{GateKey, Permit, RateGate, Throttled};
use crate::ports::graph::{Elsewhere, GraphRequest, GraphResponse, GraphTransport, TransportError};
use crate::ports::tokens::{AccessTokens, TokenError};
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use parking_lot::Mutex;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

pub(crate) type Reply = Result<GraphResponse, TransportError>;
type Script = dyn Fn(&GraphRequest, usize) -> Reply + Send + Sync;

/// A Graph that answers what the script says, and remembers what it was asked.
pub(crate) struct FakeGraph {
    script: Box<Script>,
    pub(crate) seen: Mutex<Vec<GraphRequest>>,
}

impl FakeGraph {
    /// `script` gets the request and its number, from 0.
    pub(crate) fn new(script: impl Fn(&GraphRequest, usize) -> Reply + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { script: Box::new(script), seen: Mutex::default() })
    }

    /// Targets in the order asked, percent-decoded for reading.
    pub(crate) fn targets(&self) -> Vec<String> {
        let seen = self.seen.lock();
        seen.iter()
            .map(|r| percent_encoding::percent_decode_str(&r.target).decode_utf8_lossy().into_owned())
            .collect()
    }
}

#[async_trait]
impl GraphTransport for FakeGraph {
    async fn send(&self, request: GraphRequest) -> Reply {
        let number = {
            let mut seen = self.seen.lock();
            seen.push(request.clone());
            seen.len() - 1
        };
        (self.script)(&request, number)
    }

    async fn fetch(&self, request: Elsewhere<'_>) -> Reply {
        let Elsewhere { method, url, headers, body, max_bytes, timeout } = request;
        let (target, token) = (url.to_owned(), Secret::new(String::new()));
        self.send(GraphRequest { method, target, token, headers, body, max_bytes, timeout }).await
    }
}

/// A JSON answer.
pub(crate) fn json(status: u16, body: &Value) -> Reply {
    raw(status, &[], body.to_string().as_bytes())
}

/// Any answer.
#[expect(clippy::unnecessary_wraps, reason = "scripts answer with it as it is")]
pub(crate) fn raw(status: u16, headers: &[(&'static str, &str)], body: &[u8]) -> Reply {
    let mut map: HeaderMap =
        headers.iter().map(|(k, v)| (k.parse().unwrap(), HeaderValue::from_str(v).unwrap())).collect();
    map.insert("request-id", HeaderValue::from_static("req-1"));
    Ok(GraphResponse {
        status: StatusCode::from_u16(status).unwrap(),
        headers: map,
        body: Bytes::copy_from_slice(body),
    })
}

/// Tokens `token-1`, `token-2`, …: each renewal makes the next.
#[derive(Default)]
pub(crate) struct FakeTokens {
    pub(crate) renewals: Mutex<Vec<u64>>,
    pub(crate) dead: bool,
    /// Versions that other replicas wrote since the cache was filled; seen once it is forgotten.
    pub(crate) elsewhere: u64,
    pub(crate) forgotten: Mutex<bool>,
}

fn access(user: &UserKey, version: u64) -> Arc<UpstreamAccess> {
    Arc::new(UpstreamAccess {
        token: Secret::new(format!("token-{}-{version}", user.oid)),
        version,
        expires_at: Timestamp::from_millis(i64::MAX),
        profile: Profile {
            username: format!("{}@contoso.example", user.oid),
            name: user.oid.to_string(),
            ..Profile::default()
        },
        settled: true,
    })
}

#[async_trait]
impl AccessTokens for FakeTokens {
    async fn get(&self, user: &UserKey) -> Result<Arc<UpstreamAccess>, TokenError> {
        if self.dead {
            return Err(TokenError::SignInRequired);
        }
        let elsewhere = if *self.forgotten.lock() { self.elsewhere } else { 0 };
        Ok(access(user, 1 + elsewhere + self.renewals.lock().len() as u64))
    }

    async fn renew(&self, user: &UserKey, seen: u64) -> Result<Arc<UpstreamAccess>, TokenError> {
        self.renewals.lock().push(seen);
        Ok(access(user, seen + 1))
    }

    async fn challenged(&self, _: &UserKey, _: u64, _: &str) -> Result<(), TokenError> {
        Ok(())
    }

    fn forget(&self, _user: &UserKey) {
        *self.forgotten.lock() = true;
    }
}

/// Lets everybody in and remembers penalties.
#[derive(Default)]
pub(crate) struct OpenGate {
    pub(crate) penalties: Mutex<Vec<Duration>>,
    pub(crate) admissions: Mutex<usize>,
}

#[async_trait]
impl RateGate for OpenGate {
    async fn admit(&self, _key: &GateKey, _units: u32, _patience: Duration) -> Result<Permit, Throttled> {
        *self.admissions.lock() += 1;
        Ok(Permit::new(Box::new(())))
    }

    fn penalise(&self, _key: &GateKey, pause: Duration) {
        self.penalties.lock().push(pause);
    }
}
