//! Looking at hosts over the real network. A name is resolved once; every address that it has must be permitted, and
//! exactly those addresses are dialled, so what DNS says a moment later (rebinding) does not matter.

mod echo;
mod page;

use crate::domain::reach::Policy;
use crate::ports::probe::{Echoes, Page, Probe, ProbeError};
use async_trait::async_trait;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use url::{Host, Url};

/// Looks under way at once, over all users.
const IN_ALL: usize = 64;
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(3);

/// The prober.
pub(crate) struct NetProbe {
    policy: Policy,
    turns: Arc<Semaphore>,
}

impl NetProbe {
    pub(crate) fn new(policy: Policy) -> Self {
        // Fails when a provider is installed already, which is all that is wanted.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { policy, turns: Arc::new(Semaphore::new(IN_ALL)) }
    }

    fn turn(&self) -> Result<SemaphorePermit<'_>, ProbeError> {
        self.turns.try_acquire().map_err(|_| ProbeError::Busy)
    }

    fn check(&self, address: IpAddr) -> Result<(), ProbeError> {
        if self.policy.permits(address) { Ok(()) } else { Err(ProbeError::Forbidden) }
    }
}

#[async_trait]
impl Probe for NetProbe {
    async fn resolve(&self, host: &Host<String>) -> Result<Vec<IpAddr>, ProbeError> {
        let name = match host {
            Host::Ipv4(address) => return self.check(IpAddr::V4(*address)).map(|()| vec![(*address).into()]),
            Host::Ipv6(address) => return self.check(IpAddr::V6(*address)).map(|()| vec![(*address).into()]),
            Host::Domain(name) => name.as_str(),
        };
        let found = timeout(LOOKUP_TIMEOUT, tokio::net::lookup_host((name, 0))).await;
        let Ok(Ok(found)) = found else { return Err(ProbeError::NoSuchHost) };
        let mut addresses: Vec<IpAddr> = found.map(|socket| socket.ip()).collect();
        addresses.dedup();
        if addresses.is_empty() {
            return Err(ProbeError::NoSuchHost);
        }
        // One private address among public ones is an attack or a mistake; none is dialled.
        addresses.iter().try_for_each(|address| self.check(*address))?;
        Ok(addresses)
    }

    async fn echo(&self, address: IpAddr, count: u16, limit: Duration) -> Result<Echoes, ProbeError> {
        self.check(address)?;
        let _turn = self.turn()?;
        Ok(echo::ask(address, count, limit).await)
    }

    async fn is_open(&self, address: SocketAddr, limit: Duration) -> Result<bool, ProbeError> {
        self.check(address.ip())?;
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
