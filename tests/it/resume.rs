//! Streams over replicas: one is killed in mid-stream and nothing is lost or repeated; clients that vanish are noticed.

use super::support::cluster::{Cluster, Plan, Store};
use super::support::http::{self, eventually};
use super::support::login::Client;
use super::support::sse::Stream;
use super::support::tapped;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const ALICE: &str = "alice@contoso.example";
pub(crate) const SERVICE: &str = "mail-query";

pub(crate) struct Caller {
    pub(crate) http: reqwest::Client,
    pub(crate) bearer: String,
    pub(crate) session: String,
}

impl Caller {
    pub(crate) async fn open(replica: &str, bearer: &str) -> Self {
        let mut caller = Self { http: http::client(), bearer: bearer.to_owned(), session: String::new() };
        let response = caller.post(&format!("{replica}/{SERVICE}/mcp"), &hello()).await;
        assert_eq!(response.status(), 200);
        caller.session = response.headers()["mcp-session-id"].to_str().unwrap().to_owned();
        caller
    }

    pub(crate) async fn post(&self, url: &str, body: &Value) -> reqwest::Response {
        let mut request = self
            .http
            .post(url)
            .bearer_auth(&self.bearer)
            .header("Accept", "application/json, text/event-stream")
            .json(body);
        if !self.session.is_empty() {
            request = request.header("Mcp-Session-Id", &self.session);
        }
        tapped::send(request).await.unwrap()
    }

    pub(crate) async fn get(&self, replica: &str, last: Option<&str>) -> Stream {
        let mut request = self
            .http
            .get(format!("{replica}/{SERVICE}/mcp"))
            .bearer_auth(&self.bearer)
            .header("Accept", "text/event-stream")
            .header("Mcp-Session-Id", &self.session);
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let response = tapped::send(request).await.unwrap();
        assert_eq!(response.status(), 200);
        Stream::of(response)
    }
}

pub(crate) fn hello() -> Value {
    json!({
        "jsonrpc": "2.0", "id": "hello", "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": { "name": "entrada-tests", "version": "1" },
        },
    })
}

pub(crate) async fn open_streams(replica: &str) -> u64 {
    let response = http::client().get(format!("{replica}/health/ready")).send().await.unwrap();
    response.json::<Value>().await.unwrap()["open_streams"].as_u64().unwrap()
}

/// A session whose messages are answered on its own stream: HTTP+SSE opened it, and its replica died. Answers the
/// path to post to.
async fn orphan(cluster: &mut Cluster, caller: &mut Caller) -> String {
    let request = caller.http.get(format!("{}/{SERVICE}/sse", cluster.replica_url(0)));
    let request = request.bearer_auth(&caller.bearer).header("Accept", "text/event-stream");
    let mut stream = Stream::of(tapped::send(request).await.unwrap());
    let path = stream.next().await.unwrap().data;
    path.split_once("sessionId=").unwrap().1.clone_into(&mut caller.session);
    let url = format!("{}{path}", cluster.replica_url(2));
    assert_eq!(caller.post(&url, &hello()).await.status(), 202);
    stream.next().await.expect("the answer to initialize");
    cluster.replicas[0].kill();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_at_another_replica_when_its_holder_is_killed() {
    let Some(store) = Store::redis() else { return };
    let mut cluster = Cluster::start(store, Plan { replicas: 3, ..Plan::default() }).await;
    let login = Client::register(&cluster.url).await.sign_in(ALICE).await;
    let mut caller = Caller { http: http::client(), bearer: login.access.clone(), session: String::new() };
    let path = orphan(&mut cluster, &mut caller).await;
    let (holder, other) = (cluster.replica_url(1).to_owned(), cluster.replica_url(2).to_owned());

    let mut stream = caller.get(&holder, None).await;
    let opening = stream.next().await.unwrap();
    assert!(opening.data.is_empty() && !opening.id.is_empty(), "{opening:?}");
    let ping = |n: u32| json!({ "jsonrpc": "2.0", "id": n, "method": "ping" });
    let mut events = Vec::new();
    for n in 0..60 {
        assert_eq!(caller.post(&format!("{other}{path}"), &ping(n)).await.status(), 202);
        if n < 20 {
            events.push(stream.next().await.unwrap());
        } else if n == 30 {
            // Ten answers are on their way to a stream that dies with its replica.
            cluster.replicas[1].kill();
        }
    }
    while let Some(event) = stream.next().await {
        events.push(event);
    }
    let last = events.last().unwrap().id.clone();
    let mut resumed = caller.get(&other, Some(&last)).await;
    let again = resumed.next().await.unwrap();
    assert_eq!((again.id, again.data), (last, String::new()), "it goes on from where it was");
    while events.len() < 60 {
        events.push(resumed.next().await.expect("the stream stays open"));
    }
    let ids: BTreeSet<&str> = events.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids.len(), 60, "no event came twice: {events:?}");
    let answered: BTreeSet<u64> = events
        .iter()
        .map(|event| serde_json::from_str::<Value>(&event.data).unwrap()["id"].as_u64().unwrap())
        .collect();
    assert_eq!(answered, (0..60).collect(), "no answer is missing");
    println!("{} events, {} to {}", events.len(), events[0].id, events[59].id);
}

#[tokio::test(flavor = "multi_thread")]
async fn http_sse_is_answered_on_the_stream_whatever_replica_takes_the_post() {
    let Some(cluster) = Cluster::pair().await else { return };
    let login = Client::register(&cluster.url).await.sign_in(ALICE).await;
    let caller = Caller { http: http::client(), bearer: login.access.clone(), session: String::new() };
    let replicas = [cluster.replica_url(0).to_owned(), cluster.replica_url(1).to_owned()];
    let request = caller.http.get(format!("{}/{SERVICE}/sse", replicas[0])).bearer_auth(&caller.bearer);
    let request = request.header("Accept", "text/event-stream");
    let mut stream = Stream::of(tapped::send(request).await.unwrap());
    let endpoint = stream.next().await.unwrap();
    assert_eq!(endpoint.name, "endpoint");
    let mut expected = BTreeSet::from(["hello".to_owned()]);
    assert_eq!(caller.post(&format!("{}{}", replicas[1], endpoint.data), &hello()).await.status(), 202);
    let mut heard = BTreeSet::new();
    let answer: Value = serde_json::from_str(&stream.next().await.unwrap().data).unwrap();
    heard.insert(answer["id"].as_str().unwrap().to_owned());
    for n in 0..20 {
        let body = json!({
            "jsonrpc": "2.0", "id": format!("call-{n}"), "method": "tools/call",
            "params": { "name": "list_mail_folders", "arguments": {} },
        });
        let url = format!("{}{}", replicas[n % 2], endpoint.data);
        assert_eq!(caller.post(&url, &body).await.status(), 202);
        expected.insert(format!("call-{n}"));
    }
    while heard.len() < expected.len() {
        let event = stream.next().await.expect("the stream stays open");
        let answer: Value = serde_json::from_str(&event.data).unwrap();
        assert_ne!(answer["result"]["isError"], true, "{answer}");
        assert!(heard.insert(answer["id"].as_str().unwrap().to_owned()), "said twice: {answer}");
    }
    assert_eq!(heard, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_vanish_without_reading_are_noticed() {
    let settings = [("ENTRADA_MCP__HEARTBEAT_S", "1"), ("ENTRADA_MCP__MAX_STREAMS_PER_USER", "1000")];
    let plan = Plan { settings: &settings, ..Plan::default() };
    let cluster = Cluster::start(Store::embedded(), plan).await;
    let login = Client::register(&cluster.url).await.sign_in(ALICE).await;
    let replica = cluster.replica_url(0).to_owned();
    let mut held = Vec::new();
    for _ in 0..100 {
        let caller = Caller::open(&replica, &login.access).await;
        held.push(caller.get(&replica, None).await);
    }
    assert_eq!(open_streams(&replica).await, 100);
    drop(held);
    eventually("no stream is open", || async { (open_streams(&replica).await == 0).then_some(()) }).await;
}
