//! Streams over replicas: one is killed in mid-stream and nothing is lost or repeated; clients that vanish are noticed.

use super::support::cluster::{Cluster, Plan, Store};
use super::support::http::{self, eventually};
use super::support::login::Client;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const ALICE: &str = "alice@contoso.example";
const SERVICE: &str = "mail-query";

/// One event of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Event {
    name: String,
    id: String,
    data: String,
}

/// An open event stream.
struct Stream {
    response: reqwest::Response,
    text: String,
}

impl Stream {
    /// The next event with a name, an id or data; none when the stream has ended or broken.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                let field = |name: &str| {
                    let lines = block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    lines.collect::<Vec<_>>().join("\n")
                };
                let event = Event { name: field("event"), id: field("id"), data: field("data") };
                if event != Event::default() {
                    return Some(event);
                }
                continue;
            }
            let chunk = self.response.chunk().await.ok()??;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

struct Caller {
    http: reqwest::Client,
    bearer: String,
    session: String,
}

impl Caller {
    async fn open(replica: &str, bearer: &str) -> Self {
        let mut caller = Self { http: http::client(), bearer: bearer.to_owned(), session: String::new() };
        let hello = json!({
            "jsonrpc": "2.0", "id": 0, "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25", "capabilities": {},
                "clientInfo": { "name": "entrada-tests", "version": "1" },
            },
        });
        let response = caller.post(&format!("{replica}/{SERVICE}/mcp"), &hello).await;
        assert_eq!(response.status(), 200);
        caller.session = response.headers()["mcp-session-id"].to_str().unwrap().to_owned();
        caller
    }

    async fn post(&self, url: &str, body: &Value) -> reqwest::Response {
        let mut request = self
            .http
            .post(url)
            .bearer_auth(&self.bearer)
            .header("Accept", "application/json, text/event-stream")
            .json(body);
        if !self.session.is_empty() {
            request = request.header("Mcp-Session-Id", &self.session);
        }
        request.send().await.unwrap()
    }

    async fn get(&self, replica: &str, last: Option<&str>) -> Stream {
        let mut request = self
            .http
            .get(format!("{replica}/{SERVICE}/mcp"))
            .bearer_auth(&self.bearer)
            .header("Accept", "text/event-stream")
            .header("Mcp-Session-Id", &self.session);
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        Stream { response, text: String::new() }
    }
}

async fn open_streams(replica: &str) -> u64 {
    let response = http::client().get(format!("{replica}/health/ready")).send().await.unwrap();
    response.json::<Value>().await.unwrap()["open_streams"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_at_the_other_replica_when_its_holder_is_killed() {
    let Some(mut cluster) = Cluster::pair().await else { return };
    let login = Client::register(&cluster.url).await.sign_in(ALICE).await;
    let (first, second) = (cluster.replica_url(0).to_owned(), cluster.replica_url(1).to_owned());
    let caller = Caller::open(&second, &login.access).await;
    // Whatever is posted to this session is answered on its stream, wherever it is open. A WebSocket that ends in
    // mid-call would do the same; HTTP+SSE has the stream's log written by either replica.
    let mut stream = caller.get(&first, None).await;
    let opening = stream.next().await.unwrap();
    assert!(opening.data.is_empty() && !opening.id.is_empty(), "{opening:?}");

    cluster.replicas[0].kill();
    assert_eq!(stream.next().await, None, "the stream broke with its replica");
    let mut resumed = caller.get(&second, Some(&opening.id)).await;
    let again = resumed.next().await.unwrap();
    assert_eq!(again.id, opening.id, "it goes on from where it was");
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    assert_eq!(caller.post(&format!("{second}/{SERVICE}/mcp"), &ping).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn http_sse_is_answered_on_the_stream_whatever_replica_takes_the_post() {
    let Some(cluster) = Cluster::pair().await else { return };
    let login = Client::register(&cluster.url).await.sign_in(ALICE).await;
    let caller = Caller { http: http::client(), bearer: login.access.clone(), session: String::new() };
    let replicas = [cluster.replica_url(0).to_owned(), cluster.replica_url(1).to_owned()];
    let request = caller.http.get(format!("{}/{SERVICE}/sse", replicas[0])).bearer_auth(&caller.bearer);
    let response = request.header("Accept", "text/event-stream").send().await.unwrap();
    let mut stream = Stream { response, text: String::new() };
    let endpoint = stream.next().await.unwrap();
    assert_eq!(endpoint.name, "endpoint");
    let hello = json!({
        "jsonrpc": "2.0", "id": "hello", "method": "initialize",
        "params": {
            "protocolVersion": "2024-11-05", "capabilities": {},
            "clientInfo": { "name": "entrada-tests", "version": "1" },
        },
    });
    let mut expected = BTreeSet::from(["hello".to_owned()]);
    assert_eq!(caller.post(&format!("{}{}", replicas[1], endpoint.data), &hello).await.status(), 202);
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
