//! The one place that builds HTTP clients: TLS, time-outs, no redirects, pooled connections.
//!
//! A redirect would carry a bearer or a client secret to a host that nobody configured, hence none is followed.

use crate::adapters::crypto;
use reqwest::redirect;
use std::sync::Arc;
use std::time::Duration;
use thread_local::ThreadLocal;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longer than any single answer of Entra or Graph; callers set their own, shorter limit per request.
const TOTAL_TIMEOUT: Duration = Duration::from_mins(1);
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(90);
const POOL_PER_HOST: usize = 64;

/// Whether `http://` upstreams may be called at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlainHttp {
    Refused,
    /// Explicit test mode (`ENTRADA_INSECURE_UPSTREAM`): a simulated tenant on loopback.
    Allowed,
}

/// The HTTP client could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client could not be built: {0}")]
pub(crate) struct ClientError(#[from] reqwest::Error);

/// A client for Entra or Graph. Cloning it shares the connection pool.
pub(crate) fn client(plain: PlainHttp) -> Result<reqwest::Client, ClientError> {
    crypto::install();
    let mut builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        .redirect(redirect::Policy::none())
        .user_agent(concat!("entrada/", env!("CARGO_PKG_VERSION")))
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .pool_max_idle_per_host(POOL_PER_HOST)
        .https_only(plain == PlainHttp::Refused);
    if plain == PlainHttp::Allowed {
        // A simulated tenant lives on loopback, where an outbound proxy has no business.
        builder = builder.no_proxy();
    }
    Ok(builder.build()?)
}

/// A client for every thread that asks. A connection is driven by the loop of the thread that opened it, so a pool of all
/// workers makes them wake each other for every answer.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    plain: PlainHttp,
    /// Proof that one can be built, and the client of the thread that did.
    first: reqwest::Client,
    made: Arc<ThreadLocal<reqwest::Client>>,
}

impl Clients {
    pub(crate) fn new(plain: PlainHttp) -> Result<Self, ClientError> {
        let (first, made) = (client(plain)?, ThreadLocal::new());
        made.get_or(|| first.clone());
        Ok(Self { plain, first, made: Arc::new(made) })
    }

    /// The client of this thread.
    pub(crate) fn here(&self) -> &reqwest::Client {
        // What could be built once can be built again; if not, a shared pool is slower and just as right.
        self.made.get_or(|| client(self.plain).unwrap_or_else(|_| self.first.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn plain_http_is_refused_unless_allowed() {
        let refused = client(PlainHttp::Refused).unwrap().get("http://127.0.0.1:9/").send().await;
        assert!(refused.unwrap_err().is_builder());
        let allowed = client(PlainHttp::Allowed).unwrap().get("http://127.0.0.1:9/").send().await;
        assert!(allowed.unwrap_err().is_connect());
    }
}
