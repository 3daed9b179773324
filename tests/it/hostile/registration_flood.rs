//! Registrations by the thousand: H71.
//!
//! 30,000 of them, as the row has it. A debug build on two cores takes 60 to 90 seconds for that, longer than an unused
//! client lives here (20 seconds), so they are never all there at once: what one costs is told by those that are, and that
//! the store does not grow with the flood by what is left of it.

use super::{ALICE, Table};
use crate::support::cluster::{Cluster, Plan, Store};
use crate::support::http::{self, eventually};
use crate::support::login::{Client, REDIRECT};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

const FLOOD: usize = 30_000;
/// Most that a registration may cost Redis, in bytes: two sealed copies and their keys.
const COST: u64 = 4096;
/// Most that Redis may hold afterwards beyond what it held before, in bytes: the used client, and its own structures.
const LEFT: u64 = 4 << 20;
/// How many register at the same time.
const CONNECTIONS: usize = 16;

/// One connection that registers again and again. A debug build of a whole HTTP client would cost more than the server.
struct Registrar {
    stream: BufStream<TcpStream>,
    host: String,
}

impl Registrar {
    async fn connect(base: &str) -> Self {
        let host = base.strip_prefix("http://").unwrap().to_owned();
        Self { stream: BufStream::new(TcpStream::connect(&host).await.unwrap()), host }
    }

    /// Registers under a name of its own; the id.
    async fn register(&mut self, number: usize) -> String {
        let body = json!({
            "client_name": format!("flood {number}"), "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none",
        });
        let (body, host) = (body.to_string(), &self.host);
        let head = format!(
            "POST /register HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len(),
        );
        self.stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        self.stream.flush().await.unwrap();
        let (mut line, mut length) = (String::new(), 0);
        self.stream.read_line(&mut line).await.unwrap();
        assert!(line.starts_with("HTTP/1.1 201 "), "{line}");
        while line != "\r\n" {
            line.clear();
            self.stream.read_line(&mut line).await.unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer).await.unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        answer["client_id"].as_str().unwrap().to_owned()
    }
}

/// Whether a sign-in of the client can begin.
async fn is_known(cluster: &Cluster, id: &str) -> bool {
    let url = Client::known(&cluster.url, id).authorize_url("s");
    let status = http::client().get(url).send().await.unwrap().status().as_u16();
    assert!(matches!(status, 302 | 400), "{status}");
    status == 302
}

/// Registers the flood; the first and the last of it.
async fn flood(cluster: &Cluster) -> [String; 2] {
    let next = Arc::new(AtomicUsize::new(0));
    let all = (0..CONNECTIONS).map(|_| {
        let (next, base) = (Arc::clone(&next), cluster.replica_url(0).to_owned());
        tokio::spawn(async move {
            let mut registrar = Registrar::connect(&base).await;
            let mut ids = BTreeMap::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= FLOOD {
                    return ids;
                }
                ids.insert(number, registrar.register(number).await);
            }
        })
    });
    let mut ids = BTreeMap::new();
    for task in all.collect::<Vec<_>>() {
        ids.append(&mut task.await.unwrap());
    }
    assert_eq!(ids.values().collect::<BTreeSet<_>>().len(), FLOOD);
    [ids[&0].clone(), ids[&(FLOOD - 1)].clone()]
}

/// Bytes that Redis holds, and how many records of clients are among them.
async fn held(mut connection: redis::aio::MultiplexedConnection) -> (u64, usize) {
    let info: String = redis::cmd("INFO").arg("memory").query_async(&mut connection).await.unwrap();
    let bytes = info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
    let keys: Vec<String> =
        redis::cmd("KEYS").arg("ent:client:*").query_async(&mut connection).await.unwrap();
    (bytes.trim().parse().unwrap(), keys.len())
}

/// Registers the flood beside a client that is used, looks at the store at the end of it, and waits until it is forgotten.
async fn forgets(store: Store, at_the_end: impl AsyncFnOnce()) -> Cluster {
    let settings = [("ENTRADA_REGISTRATION__UNUSED_TTL_S", "20"), ("ENTRADA_LIMITS__ENABLED", "false")];
    let cluster = Cluster::start(store, Plan { settings: &settings, ..Plan::default() }).await;
    let used = Client::register(&cluster.url).await;
    let login = used.sign_in(ALICE).await;
    let [first, last] = flood(&cluster).await;
    assert!(is_known(&cluster, &last).await);
    at_the_end().await;
    eventually("the flood is forgotten", || async {
        let gone = !is_known(&cluster, &first).await && !is_known(&cluster, &last).await;
        gone.then_some(())
    })
    .await;
    assert!(is_known(&cluster, &used.id).await);
    assert_eq!(used.refresh(&login.refresh).await.status(), 200);
    cluster
}

#[tokio::test(flavor = "multi_thread")]
async fn h71_embedded() {
    forgets(Store::embedded(), async || ()).await;
    let what = format!("{FLOOD} registrations, then idle");
    Table("embedded").held("H71", what, "unused ones gone after their time, the used one stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn h71_redis() {
    let Some(store) = Store::redis() else { return };
    let client = redis::Client::open(store.url()).unwrap();
    let connection = client.get_multiplexed_async_connection().await.unwrap();
    let (before, _) = held(connection.clone()).await;
    let (mut each, mut there) = (0, 0);
    let _cluster = forgets(store, async || {
        let (bytes, clients) = held(connection.clone()).await;
        each = bytes.saturating_sub(before) / clients as u64;
        there = clients;
    })
    .await;
    assert!(each < COST, "{each} bytes for each of {there}");
    // Redis frees what has expired a little at a time.
    let left = eventually("Redis frees the flood", || async {
        let (bytes, clients) = held(connection.clone()).await;
        (clients == 1).then_some(bytes.saturating_sub(before))
    })
    .await;
    assert!(left < LEFT, "{left} bytes are left");
    Table("redis").held(
        "H71",
        format!("{FLOOD} registrations, then idle"),
        format!(
            "{each} bytes for each of {there} at the end; then unused ones gone, the used one stays; {left} bytes left"
        ),
    );
}
