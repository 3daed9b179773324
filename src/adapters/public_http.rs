//! Documents at URLs that strangers name, fetched so that nobody can make us knock at a door of the inner network
//! (server-side request forgery). A name is resolved once per connection, every address that it has must be public,
//! and the connection goes to exactly those addresses: what DNS says a moment later (rebinding) is never asked.

use crate::adapters::crypto;
use crate::domain::reach::{self, Policy};
use crate::domain::turns::Turns;
use crate::ports::documents::{Document, DocumentSource, FetchError};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use reqwest::redirect;
use reqwest::{Certificate, StatusCode};
use std::collections::{HashMap, VecDeque};
use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::{Host, Url};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// From waiting for a turn to the last byte.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);
/// Fetches under way at once, at one host and in all: nobody can use us to load a third party.
const PER_HOST: usize = 2;
const IN_ALL: usize = 32;

/// What tests set instead of the internet: where hosts are, and who signs their certificates.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stand {
    /// Answers for a name, given one after the other, the last one for ever. An address with a port is dialled as it
    /// is; one with port 0 is what DNS says, and is checked like anything that DNS says.
    pub(crate) addresses: HashMap<String, VecDeque<SocketAddr>>,
    /// Certificate authorities as PEM, trusted instead of the system's.
    pub(crate) authorities: Vec<u8>,
}

type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Fetches documents from the public internet.
pub(crate) struct PublicHttp {
    client: reqwest::Client,
    hosts: Turns<String>,
    all: Arc<Semaphore>,
}

/// The client could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client for public documents could not be built: {0}")]
pub(crate) struct PublicHttpError(#[from] reqwest::Error);

/// The answer of DNS names an address that is not public.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to an address that is not public")]
struct NotPublic;

impl PublicHttp {
    pub(crate) fn new(stand: Stand) -> Result<Self, PublicHttpError> {
        Self::with_lookup(stand, Arc::new(|host| Box::pin(system_lookup(host))))
    }

    fn with_lookup(stand: Stand, lookup: Lookup) -> Result<Self, PublicHttpError> {
        crypto::install();
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("entrada/", env!("CARGO_PKG_VERSION")))
            // A proxy would resolve the name by itself, and an old connection would skip the check.
            .no_proxy()
            .pool_max_idle_per_host(0)
            .no_gzip()
            .https_only(true);
        if !stand.authorities.is_empty() {
            builder = builder.tls_certs_only(Certificate::from_pem_bundle(&stand.authorities)?);
        }
        let resolver = Guarded { lookup, stand: Mutex::new(stand.addresses) };
        let client = builder.dns_resolver(resolver).build()?;
        Ok(Self { client, hosts: Turns::new(PER_HOST), all: Arc::new(Semaphore::new(IN_ALL)) })
    }

    /// A turn at a host.
    async fn turn(&self, host: &str) -> Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)> {
        Some((
            self.hosts.of(host.to_owned()).acquire_owned().await.ok()?,
            Arc::clone(&self.all).acquire_owned().await.ok()?,
        ))
    }

    async fn get(&self, url: &Url, max_bytes: usize) -> Result<Document, FetchError> {
        let request = self.client.get(url.clone()).header(ACCEPT, "application/json");
        let response = request.send().await.map_err(|error| cause(&error))?;
        check_head(response.status(), response.headers())?;
        let max_age = max_age(response.headers());
        Ok(Document { body: read(response, max_bytes).await?, max_age })
    }
}

#[async_trait]
impl DocumentSource for PublicHttp {
    async fn fetch(&self, url: &Url, max_bytes: usize) -> Result<Document, FetchError> {
        // The connector asks no resolver about a host that is an address already.
        let host = match url.host() {
            Some(Host::Domain(host)) if url.scheme() == "https" => host,
            Some(Host::Ipv4(address)) if reach::is_public(IpAddr::V4(address)) => "",
            Some(Host::Ipv6(address)) if reach::is_public(IpAddr::V6(address)) => "",
            _ => return Err(FetchError::Forbidden),
        };
        let work = async {
            let _turn = self.turn(host).await;
            self.get(url, max_bytes).await
        };
        let in_time = tokio::time::timeout(TOTAL_TIMEOUT, work).await;
        in_time.unwrap_or_else(|_| Err(FetchError::Unreachable("no answer in time".to_owned())))
    }
}

async fn system_lookup(host: String) -> std::io::Result<Vec<IpAddr>> {
    Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
}

/// Resolves names to public addresses only.
struct Guarded {
    lookup: Lookup,
    stand: Mutex<HashMap<String, VecDeque<SocketAddr>>>,
}

impl Guarded {
    /// The stand's next answer for a host that it knows.
    fn staged(&self, host: &str) -> Option<SocketAddr> {
        let mut stand = self.stand.lock();
        let answers = stand.get_mut(host)?;
        if answers.len() > 1 { answers.pop_front() } else { answers.front().copied() }
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().trim_end_matches('.').to_ascii_lowercase();
        let answer = match self.staged(&host) {
            Some(door) if door.port() != 0 => {
                return Box::pin(async move { Ok(Box::new(std::iter::once(door)) as Addrs) });
            }
            Some(answer) => Box::pin(async move { Ok(vec![answer.ip()]) }),
            None => (self.lookup)(host),
        };
        Box::pin(async move {
            let addresses = answer.await?;
            if !Policy::default().permits_all(&addresses) {
                return Err(NotPublic.into());
            }
            Ok(Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

fn cause(error: &reqwest::Error) -> FetchError {
    let mut source = error.source();
    while let Some(inner) = source {
        if inner.is::<NotPublic>() {
            return FetchError::Forbidden;
        }
        source = inner.source();
    }
    FetchError::Unreachable(error.to_string())
}

/// Refuses answers that are not the document, and tells apart the hosts that are merely indisposed.
fn check_head(status: StatusCode, headers: &HeaderMap) -> Result<(), FetchError> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // A challenge for browsers (`cf-mitigated`) keeps servers out whatever the document says.
    let kept_out = status == StatusCode::FORBIDDEN && headers.contains_key("cf-mitigated");
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS || kept_out {
        return Err(FetchError::Unreachable(format!("its host answers {}", status.as_u16())));
    }
    if status != StatusCode::OK {
        return Err(FetchError::Refused(format!("its host answers {}", status.as_u16())));
    }
    let kind = text(CONTENT_TYPE).split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind != "application/json" && !(kind.starts_with("application/") && kind.ends_with("+json")) {
        return Err(FetchError::Refused("its content type is not JSON".to_owned()));
    }
    match text(CONTENT_ENCODING) {
        "" | "identity" => Ok(()),
        _ => Err(FetchError::Refused("it is compressed, which nobody asked for".to_owned())),
    }
}

/// Collects the body, and stops as soon as it is too large.
async fn read(mut response: reqwest::Response, limit: usize) -> Result<Bytes, FetchError> {
    let too_large = || FetchError::Refused(format!("it is larger than {limit} bytes"));
    if response.content_length().is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| cause(&error))? {
        if body.len() + chunk.len() > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// `max-age` of `Cache-Control` (RFC 9111 §5.2.2); zero where nothing may be kept.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let all = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let directives: Vec<String> =
        all.flat_map(|value| value.split(',')).map(|one| one.trim().to_ascii_lowercase()).collect();
    if directives.iter().any(|one| one == "no-store" || one == "no-cache") {
        return Some(Duration::ZERO);
    }
    let seconds = |one: &String| one.strip_prefix("max-age=")?.trim_matches('"').parse().ok();
    directives.iter().find_map(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests;
