//! Pages: each hop of a redirect is resolved and checked anew.

use super::{Names, NetProbe};
use crate::adapters::crypto;
use crate::ports::probe::{Page, Probe, ProbeError};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, LOCATION};
use reqwest::{Client, Response, redirect};
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

const HOPS: usize = 5;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

pub(super) async fn get(
    probe: &NetProbe,
    mut url: Url,
    ports: &[u16],
    max_bytes: usize,
) -> Result<Page, ProbeError> {
    for _ in 0..=HOPS {
        let response = hop(probe, &url, ports).await?;
        let status = response.status();
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        match location.and_then(|to| url.join(to).ok()) {
            Some(next) if status.is_redirection() => url = next,
            _ => return read(url, response, max_bytes).await,
        }
    }
    Err(ProbeError::Unreachable("too many redirects".to_owned()))
}

async fn hop(probe: &NetProbe, url: &Url, ports: &[u16]) -> Result<Response, ProbeError> {
    let is_known = url.port_or_known_default().is_some_and(|port| ports.contains(&port));
    let (true, Some(host), "http" | "https") = (is_known, url.host(), url.scheme()) else {
        return Err(ProbeError::Forbidden);
    };
    // The connector asks no resolver about a host that is an address already.
    if !matches!(host, Host::Domain(_)) {
        probe.resolve(&host.to_owned()).await?;
    }
    let client = probe.client.get_or_try_init(async || client(&probe.names)).await?;
    let request = client.get(url.clone()).header(ACCEPT, "*/*").header(ACCEPT_ENCODING, "identity");
    request.send().await.map_err(|error| fault(&error))
}

fn client(names: &Arc<Names>) -> Result<Client, ProbeError> {
    crypto::install();
    let builder = Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(redirect::Policy::none())
        .user_agent(concat!("entrada/", env!("CARGO_PKG_VERSION")))
        // A proxy would resolve the name by itself, and an old connection would skip the check.
        .no_proxy()
        .pool_max_idle_per_host(0)
        .no_gzip()
        .dns_resolver(Dialled(Arc::clone(names)));
    builder.build().map_err(|error| ProbeError::Unreachable(error.to_string()))
}

/// Resolves what is dialled.
struct Dialled(Arc<Names>);

impl Resolve for Dialled {
    fn resolve(&self, name: Name) -> Resolving {
        let names = Arc::clone(&self.0);
        Box::pin(async move {
            let addresses = names.look_up(name.as_str()).await?;
            Ok(Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

/// A refusal of [`Dialled`], or what else went wrong.
fn fault(error: &reqwest::Error) -> ProbeError {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(refused) = inner.downcast_ref::<ProbeError>() {
            return refused.clone();
        }
        source = inner.source();
    }
    ProbeError::Unreachable(reason(error))
}

/// What went wrong, without the address: that is the caller's own.
fn reason(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "the connection was not accepted"
    } else {
        "the answer is not HTTP, or broke off"
    };
    what.to_owned()
}

async fn read(url: Url, mut response: Response, max_bytes: usize) -> Result<Page, ProbeError> {
    let text = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    let headers = response.headers().iter().filter_map(text).collect();
    let mut page =
        Page { url, status: response.status().as_u16(), headers, body: Vec::new(), truncated: false };
    while let Some(chunk) = response.chunk().await.map_err(|error| fault(&error))? {
        let room = max_bytes - page.body.len();
        page.body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if chunk.len() > room {
            page.truncated = true;
            break;
        }
    }
    Ok(page)
}
