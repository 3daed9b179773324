//! A host of the internet as far as the product knows: TLS with a certificate of the test's own authority, answers
//! that a well-behaved server would never give, and a record of who asked. And a door that nobody may touch.

use super::http::{eventually, install_tls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Most that an endless answer sends before it gives up on a reader that never has enough.
const ENDLESS: usize = 256 << 20;

/// What comes back for a path.
#[derive(Clone)]
pub(crate) enum Reply {
    /// These bytes, and the end of the connection.
    Whole(Vec<u8>),
    /// These bytes, then blanks for ever.
    Endless(Vec<u8>),
    /// These bytes, then one blank a second.
    Drip(Vec<u8>),
    /// Nothing, with the connection left open.
    Mute,
}

impl Reply {
    /// An answer with a length and a body.
    pub(crate) fn new(status: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let length = body.len().to_string();
        let all = [headers, &[("Content-Length", &length), ("Connection", "close")]].concat();
        Self::Whole([head(status, &all).as_slice(), body].concat())
    }

    /// A JSON document.
    pub(crate) fn json(body: impl AsRef<[u8]>) -> Self {
        Self::new("200 OK", &[("Content-Type", "application/json")], body)
    }
}

/// Status line and headers.
pub(crate) fn head(status: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut lines = vec![format!("HTTP/1.1 {status}")];
    lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
    format!("{}\r\n\r\n", lines.join("\r\n")).into_bytes()
}

#[derive(Default)]
struct Shared {
    pages: Mutex<HashMap<String, Reply>>,
    asked: Mutex<Vec<String>>,
    sent: Mutex<HashMap<String, usize>>,
}

/// A running host. All its names lead to one address.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    folder: TempDir,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl Site {
    /// Starts one with no pages that proves to be each of `names`.
    pub(crate) async fn start(names: &[&str]) -> Self {
        install_tls();
        let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("authority.pem"), authority.pem()).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        let server = tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), Arc::clone(&shared)));
        Self { address, folder, shared, server }
    }

    /// File with the authority that signed its certificate.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// Answers `path` with this from here on.
    pub(crate) fn publish(&self, path: &str, reply: Reply) {
        self.shared.pages.lock().unwrap().insert(path.to_owned(), reply);
    }

    /// Paths asked for, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// Bytes sent for `path` after its head before the reader had enough; `None` while it still reads.
    pub(crate) fn sent(&self, path: &str) -> Option<usize> {
        self.shared.sent.lock().unwrap().get(path).copied()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: tokio::net::TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            // Whoever does not trust the certificate ends here.
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let Some(path) = requested(&mut stream).await else { return };
            shared.asked.lock().unwrap().push(path.clone());
            let reply = shared.pages.lock().unwrap().get(&path).cloned();
            let reply = reply.unwrap_or_else(|| Reply::new("404 Not Found", &[], ""));
            let sent = send(&mut stream, reply).await;
            shared.sent.lock().unwrap().insert(path, sent);
        });
    }
}

/// The path of the request line.
async fn requested(stream: &mut TlsStream<tokio::net::TcpStream>) -> Option<String> {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        read.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8_lossy(&read).split(' ').nth(1).map(ToOwned::to_owned)
}

/// Sends until all is sent or the reader goes away; what it took after the head.
async fn send(stream: &mut TlsStream<tokio::net::TcpStream>, reply: Reply) -> usize {
    let mut sent = 0;
    let (head, blanks, pause) = match reply {
        Reply::Whole(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
            return 0;
        }
        Reply::Endless(head) => (head, vec![b' '; 16 * 1024], Duration::ZERO),
        Reply::Drip(head) => (head, vec![b' '], Duration::from_secs(1)),
        Reply::Mute => {
            let _ = stream.read_u8().await;
            return 0;
        }
    };
    let mut going = stream.write_all(&head).await.is_ok();
    while going && sent < ENDLESS {
        tokio::time::sleep(pause).await;
        going = stream.write_all(&blanks).await.is_ok() && stream.flush().await.is_ok();
        sent += blanks.len();
    }
    sent
}

/// A listener that must see no connection.
pub(crate) struct Trap(TcpListener);

impl Trap {
    /// Listens at `address`; port 0 takes a free one.
    pub(crate) fn at(address: &str) -> Self {
        Self(TcpListener::bind(address).unwrap())
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// Fails when anybody connected since the last question: connections are handed out in the order they came.
    pub(crate) fn assert_untouched(&self) {
        let mut address = self.0.local_addr().unwrap();
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        let own = TcpStream::connect(address).unwrap().local_addr().unwrap();
        let (_, first) = self.0.accept().unwrap();
        assert_eq!(first.port(), own.port(), "somebody connected from {first}");
    }

    /// Waits for a connection and drops it.
    pub(crate) async fn touched(&self) {
        self.0.set_nonblocking(true).unwrap();
        eventually("somebody connects", || async { self.0.accept().ok().map(drop) }).await;
        self.0.set_nonblocking(false).unwrap();
    }
}
