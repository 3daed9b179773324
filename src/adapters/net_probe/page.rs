//! Pages: each hop of a redirect is resolved and checked anew.

use super::NetProbe;
use crate::ports::probe::{Page, Probe, ProbeError};
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, LOCATION};
use reqwest::{Response, redirect};
use std::net::SocketAddr;
use std::time::Duration;
use url::Url;

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
    let port = url.port_or_known_default().filter(|port| ports.contains(port));
    let (Some(port), Some(host), "http" | "https") = (port, url.host(), url.scheme()) else {
        return Err(ProbeError::Forbidden);
    };
    let addresses: Vec<SocketAddr> = probe
        .resolve(&host.to_owned())
        .await?
        .into_iter()
        .map(|address| SocketAddr::new(address, port))
        .collect();
    // A client of its own: it knows these addresses and asks nobody else.
    let client = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(redirect::Policy::none())
        .user_agent(concat!("entrada/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .no_gzip()
        .resolve_to_addrs(url.host_str().unwrap_or_default(), &addresses)
        .build();
    let client = client.map_err(|error| ProbeError::Unreachable(error.to_string()))?;
    let request = client.get(url.clone()).header(ACCEPT, "*/*").header(ACCEPT_ENCODING, "identity");
    request.send().await.map_err(|error| ProbeError::Unreachable(reason(&error)))
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
    while let Some(chunk) = response.chunk().await.map_err(|error| ProbeError::Unreachable(reason(&error)))? {
        let room = max_bytes - page.body.len();
        page.body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if chunk.len() > room {
            page.truncated = true;
            break;
        }
    }
    Ok(page)
}
