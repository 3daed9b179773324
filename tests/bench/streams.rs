//! Idle streams: what each costs the server in memory, whether it still answers calls meanwhile, and how soon it
//! notices that the clients have gone.
//!
//! `cargo bench --bench load -- streams [N]` (10,000 unless given). The clients are a process of their own, ended with
//! SIGKILL. As root with iproute2 there is a harder round: the clients live in a network namespace whose link is cut,
//! so that not even the kernel says goodbye.

use crate::driver::{self, Ask, Subject};
use crate::reference;
use crate::support::cluster::{self, Store};
use crate::support::http::{self, eventually};
use crate::support::login::Client;
use crate::support::mcp::MODERN;
use crate::support::process::Process;
use crate::support::tenant::Tenant;
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Connections that are opened at the same time.
const OPENING: usize = 64;
/// The two ends of the link to the namespace.
const HERE: &str = "10.211.77.1";
const THERE: &str = "10.211.77.2";
const NAMESPACE: &str = "entrada-bench";

/// Kinds of streams, by the name that the holder is told.
const KINDS: [(&str, &str); 2] =
    [("get", "GET of a session, 2025-11-25"), ("listen", "subscriptions/listen, 2026-07-28")];

/// Opens `count` streams of `kind`, says so, and holds them until it is ended.
#[tokio::main]
pub(crate) async fn hold(address: &str, host: &str, bearer: &str, kind: &str, count: &str) {
    let streams: Vec<TcpStream> = stream::iter(0..count.parse().unwrap())
        .map(|n: usize| open(address, host, bearer, kind, n))
        .buffer_unordered(OPENING)
        .collect()
        .await;
    println!("holding {}", streams.len());
    std::future::pending::<()>().await;
}

async fn open(address: &str, host: &str, bearer: &str, kind: &str, n: usize) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = format!("HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {bearer}\r\n");
    let post = |body: &Value, more: &str| {
        let body = body.to_string();
        format!(
            "POST /mail-query/mcp {head}Accept: application/json, text/event-stream\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n{more}\r\n{body}",
            body.len()
        )
    };
    let request = if kind == "get" {
        let hello = json!({
            "jsonrpc": "2.0", "id": n, "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25", "capabilities": {},
                "clientInfo": { "name": "bench", "version": "1" },
            },
        });
        socket.write_all(post(&hello, "").as_bytes()).await.unwrap();
        let answer = read_answer(&mut socket).await;
        let session = header(&answer, "mcp-session-id").expect("a session").to_owned();
        format!("GET /mail-query/mcp {head}Accept: text/event-stream\r\nMcp-Session-Id: {session}\r\n\r\n")
    } else {
        let listen = json!({
            "jsonrpc": "2.0", "id": n, "method": "subscriptions/listen",
            "params": {
                "notifications": { "toolsListChanged": true },
                "_meta": {
                    "io.modelcontextprotocol/protocolVersion": MODERN,
                    "io.modelcontextprotocol/clientCapabilities": {},
                },
            },
        });
        post(&listen, &format!("MCP-Protocol-Version: {MODERN}\r\nMcp-Method: subscriptions/listen\r\n"))
    };
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    while !text.contains("\r\n\r\n") || !text.contains("\n\n") {
        let mut chunk = [0; 2048];
        let count = socket.read(&mut chunk).await.unwrap();
        assert!(count > 0, "stream {n} ended: {text}");
        text.push_str(&String::from_utf8_lossy(&chunk[..count]));
        assert!("HTTP/1.1 200".starts_with(&text[..text.len().min(12)]), "stream {n}: {text}");
    }
    socket
}

/// A whole answer with Content-Length, head and body.
async fn read_answer(socket: &mut TcpStream) -> String {
    let mut text = String::new();
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length: usize = header(head, "content-length").expect("a length").parse().unwrap();
            if body.len() >= length {
                return text;
            }
        }
        let mut chunk = [0; 4096];
        let count = socket.read(&mut chunk).await.unwrap();
        assert!(count > 0, "the connection ended: {text}");
        text.push_str(&String::from_utf8_lossy(&chunk[..count]));
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// Runs every round and prints the table.
#[tokio::main]
pub(crate) async fn run(count: usize) {
    println!(
        "streams | resident before, MB | after, MB | KB per stream | calls p50 / p99, ms | all gone after"
    );
    for kind in KINDS {
        for count in [count / 10, count] {
            round(kind, count, false).await;
        }
    }
    match Namespace::make() {
        Some(_namespace) => {
            for kind in KINDS {
                round(kind, count, true).await;
            }
        }
        None => println!("no network namespace can be made here: the round with a cut link was left out"),
    }
}

async fn round((kind, title): (&str, &str), count: usize, cut: bool) {
    let server = Server::start(if cut { HERE } else { "127.0.0.1" }).await;
    // Everything that is made once is made before the first look.
    server.calls(200).await;
    let before = driver::resident_mb(server.process.id());
    let count_text = count.to_string();
    let arguments =
        ["hold-streams", &server.address, &server.host, &server.subject.bearer, kind, &count_text];
    let mut holder = if cut { Namespace::child(&arguments) } else { reference::child(&arguments) };
    assert_eq!(holder.wait_for("holding "), count_text);
    assert_eq!(server.open_streams().await, count);
    let after = driver::resident_mb(server.process.id());
    let (p50, p99) = server.calls(500).await;
    let started = Instant::now();
    if cut {
        Namespace::cut();
    }
    let why = if cut { "link cut" } else { "SIGKILL" };
    if !cut {
        holder.kill();
    }
    eventually("all streams are gone", || async { (server.open_streams().await == 0).then_some(()) }).await;
    println!(
        "{count} x {title} | {before:.1} | {after:.1} | {:.1} | {:.1} / {:.1} | {:.1} s ({why})",
        (after - before) * 1024.0 / count as f64,
        p50.as_secs_f64() * 1000.0,
        p99.as_secs_f64() * 1000.0,
        started.elapsed().as_secs_f64(),
    );
    holder.kill();
    if cut {
        Namespace::mend();
    }
}

/// A server of its own for each round, on a fresh Redis.
struct Server {
    process: Process,
    subject: Subject,
    url: String,
    /// Where the holder connects, and what it calls the server.
    address: String,
    host: String,
    _tenant: Tenant,
    _redis: Store,
}

impl Server {
    async fn start(ip: &str) -> Self {
        let tenant = Tenant::start(&["--messages", "200"]);
        let redis = Store::redis().expect("the bench needs redis-server");
        let port = std::net::TcpListener::bind((ip, 0)).unwrap().local_addr().unwrap().port();
        let url = format!("http://127.0.0.1:{port}");
        let mut settings = cluster::settings(&tenant, &url, &redis.url());
        let listen = format!("{ip}:{port}");
        for (name, value) in [
            ("ENTRADA_LISTEN", listen.as_str()),
            // The calls that are timed go to where the server really is.
            ("ENTRADA_SERVER__ALLOWED_HOSTS", ip),
            ("ENTRADA_SERVER__WORKERS", "2"),
            ("ENTRADA_MCP__MAX_STREAMS", "20000"),
            ("ENTRADA_MCP__MAX_STREAMS_PER_USER", "20000"),
            ("ENTRADA_MCP__MAX_SESSIONS_PER_USER", "20000"),
            ("ENTRADA_MCP__MAX_SESSIONS_PER_CLIENT", "20000"),
            ("ENTRADA_LOG", "warn"),
        ] {
            settings.retain(|(known, _)| known != name);
            settings.push((name.to_owned(), value.to_owned()));
        }
        let mut process = Process::entrada(&["serve"], &settings);
        process.wait_for("entrada listening on ");
        let reached = format!("http://{listen}");
        cluster::ready(&reached).await;
        let bearer = if ip == "127.0.0.1" {
            Client::register(&url).await.sign_in("alice@contoso.example").await.access
        } else {
            relayed(&url, &listen).await
        };
        let subject = Subject { process: process.id(), url: format!("{reached}/mail-query/mcp"), bearer };
        let host = format!("127.0.0.1:{port}");
        Self { process, subject, url: reached, address: listen, host, _tenant: tenant, _redis: redis }
    }

    async fn open_streams(&self) -> usize {
        let response = http::client().get(format!("{}/health/ready", self.url)).send().await.unwrap();
        let body: Value = response.json().await.unwrap();
        usize::try_from(body["open_streams"].as_u64().unwrap()).unwrap()
    }

    /// Latencies of tool calls, one after the other.
    async fn calls(&self, count: usize) -> (Duration, Duration) {
        let mut latencies = Vec::with_capacity(count);
        for _ in 0..count {
            let started = Instant::now();
            let answer = driver::once(&self.subject, &Ask::ten_messages()).await;
            assert!(answer.contains("\"result\""), "{answer}");
            latencies.push(started.elapsed());
        }
        latencies.sort_unstable();
        (latencies[count / 2], latencies[count * 99 / 100])
    }
}

/// Signs in at a server that does not listen where its public URL says: through a forwarder on that address.
async fn relayed(url: &str, listen: &str) -> String {
    let port = url.rsplit(':').next().unwrap();
    let front = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.unwrap();
    let target = listen.to_owned();
    let relay = tokio::spawn(async move {
        while let Ok((mut near, _)) = front.accept().await {
            let target = target.clone();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(target).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    let access = Client::register(url).await.sign_in("alice@contoso.example").await.access;
    relay.abort();
    access
}

/// A network namespace joined to this host by one link.
struct Namespace;

impl Namespace {
    fn make() -> Option<Self> {
        let commands = [
            format!("netns add {NAMESPACE}"),
            format!("link add ent-here type veth peer name ent-there netns {NAMESPACE}"),
            format!("addr add {HERE}/30 dev ent-here"),
            "link set ent-here up".to_owned(),
            format!("-n {NAMESPACE} addr add {THERE}/30 dev ent-there"),
            format!("-n {NAMESPACE} link set ent-there up"),
        ];
        let namespace = Self;
        commands.iter().all(|command| ip(command)).then_some(namespace)
    }

    fn child(arguments: &[&str]) -> Process {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", NAMESPACE]).arg(std::env::current_exe().unwrap()).args(arguments);
        Process::start("holder", command)
    }

    /// From here on nothing arrives at the other side, and nobody is told.
    fn cut() {
        assert!(ip(&format!("-n {NAMESPACE} link set ent-there down")));
    }

    fn mend() {
        assert!(ip(&format!("-n {NAMESPACE} link set ent-there up")));
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        ip(&format!("netns del {NAMESPACE}"));
    }
}

/// Whether `ip` did it.
fn ip(arguments: &str) -> bool {
    let status = Command::new("ip").args(arguments.split(' ')).stderr(std::process::Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
