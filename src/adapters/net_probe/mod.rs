//! Looking at hosts over the real network. A name is resolved once; every address that it has must be permitted, and
//! exactly those addresses are dialled, so what DNS says a moment later (rebinding) does not matter.

mod echo;
mod page;

use crate::domain::reach::Policy;
use crate::ports::probe::{Echoes, Page, Probe, ProbeError};
use async_trait::async_trait;
use reqwest::Client;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use tokio::time::timeout;
use url::{Host, Url};

/// Looks under way at once, over all users.
const IN_ALL: usize = 64;
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(3);

/// The prober.
pub(crate) struct NetProbe {
    names: Arc<Names>,
    /// Made when the first page is asked for.
    client: OnceCell<Client>,
    turns: Semaphore,
}

impl NetProbe {
    pub(crate) fn new(policy: Policy) -> Self {
        Self { names: Arc::new(Names { policy }), client: OnceCell::new(), turns: Semaphore::new(IN_ALL) }
    }

    fn turn(&self) -> Result<SemaphorePermit<'_>, ProbeError> {
        self.turns.try_acquire().map_err(|_| ProbeError::Busy)
    }
}

/// From hosts to addresses that may be dialled.
struct Names {
    policy: Policy,
}

impl Names {
    fn check(&self, addresses: Vec<IpAddr>) -> Result<Vec<IpAddr>, ProbeError> {
        if self.policy.permits_all(&addresses) { Ok(addresses) } else { Err(ProbeError::Forbidden) }
    }

    async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, ProbeError> {
        let found = timeout(LOOKUP_TIMEOUT, tokio::net::lookup_host((name, 0))).await;
        let Ok(Ok(found)) = found else { return Err(ProbeError::NoSuchHost) };
        let mut addresses: Vec<IpAddr> = found.map(|socket| socket.ip()).collect();
        addresses.dedup();
        if addresses.is_empty() { Err(ProbeError::NoSuchHost) } else { self.check(addresses) }
    }
}

#[async_trait]
impl Probe for NetProbe {
    async fn resolve(&self, host: &Host<String>) -> Result<Vec<IpAddr>, ProbeError> {
        match host {
            Host::Ipv4(address) => self.names.check(vec![IpAddr::V4(*address)]),
            Host::Ipv6(address) => self.names.check(vec![IpAddr::V6(*address)]),
            Host::Domain(name) => self.names.look_up(name).await,
        }
    }

    async fn echo(&self, address: IpAddr, count: u16, limit: Duration) -> Result<Echoes, ProbeError> {
        self.names.check(vec![address])?;
        let _turn = self.turn()?;
        Ok(echo::ask(address, count, limit).await)
    }

    async fn is_open(&self, address: SocketAddr, limit: Duration) -> Result<bool, ProbeError> {
        self.names.check(vec![address.ip()])?;
        let _turn = self.turn()?;
        Ok(matches!(timeout(limit, TcpStream::connect(address)).await, Ok(Ok(_))))
    }

    async fn get(
        &self,
        url: &Url,
        ports: &[u16],
        max_bytes: usize,
        limit: Duration,
    ) -> Result<Page, ProbeError> {
        let _turn = self.turn()?;
        let work = page::get(self, url.clone(), ports, max_bytes);
        timeout(limit, work)
            .await
            .unwrap_or_else(|_| Err(ProbeError::Unreachable("no answer in time".to_owned())))
    }
}

#[cfg(test)]
mod tests;
