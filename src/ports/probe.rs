//! Looking at hosts that a user names: do they answer, which ports are open, what does a page say. Nothing is dialled
//! that the operator's policy does not let strangers reach.

use async_trait::async_trait;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use url::{Host, Url};

/// Why a host was not looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProbeError {
    /// The address is not one that users may make us connect to; nothing was sent.
    #[error("the address is not on the public internet")]
    Forbidden,
    /// The name does not resolve.
    #[error("the name cannot be resolved")]
    NoSuchHost,
    /// No connection, no answer, or a broken one.
    #[error("{0}")]
    Unreachable(String),
    /// Too much is under way already.
    #[error("too many look-ups are under way")]
    Busy,
}

/// How an echo was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EchoBy {
    Icmp,
    /// A TCP connection to this port; a refusal is an answer as well.
    Tcp(u16),
}

/// The echoes of one look: how, and the time of each, in order; none where nothing came back in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Echoes {
    pub(crate) by: EchoBy,
    pub(crate) times: Vec<Option<Duration>>,
}

/// A page, or the beginning of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// Where it was found, after redirects.
    pub(crate) url: Url,
    pub(crate) status: u16,
    /// In the order in which they came; values that are no text are left out.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// There was more.
    pub(crate) truncated: bool,
}

/// Looks at hosts, within the operator's policy.
#[async_trait]
pub(crate) trait Probe: Send + Sync {
    /// The addresses of a host, all of which may be looked at; at least one.
    async fn resolve(&self, host: &Host<String>) -> Result<Vec<IpAddr>, ProbeError>;
    /// Asks `count` times for an echo, each for at most `timeout`.
    async fn echo(&self, address: IpAddr, count: u16, timeout: Duration) -> Result<Echoes, ProbeError>;
    /// Whether a connection is accepted within `timeout`.
    async fn is_open(&self, address: SocketAddr, timeout: Duration) -> Result<bool, ProbeError>;
    /// GET of at most `max_bytes`, over plain HTTP or TLS; redirects are followed where the policy and `ports` let
    /// them lead.
    async fn get(
        &self,
        url: &Url,
        ports: &[u16],
        max_bytes: usize,
        timeout: Duration,
    ) -> Result<Page, ProbeError>;
}
