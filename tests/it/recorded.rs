//! Two replicas behind round robin, one killed in mid-stream: recorded event by event, with the ids, and checked for
//! anything lost or repeated. The record is left in the build folder for whoever wants to see it.

use super::resume::{Caller, SERVICE, hello, open_streams};
use super::support::cluster::Cluster;
use super::support::http::{self, eventually};
use super::support::login::Client;
use super::support::sse::{Event, Stream};
use redis::AsyncCommands;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;

const ALICE: &str = "alice@contoso.example";

/// What happened, in order.
#[derive(Default)]
struct Record {
    text: String,
    events: Vec<Event>,
}

impl Record {
    fn note(&mut self, what: &str) {
        writeln!(self.text, "# {what}").unwrap();
    }

    fn keep(&mut self, event: Event) {
        writeln!(self.text, "id: {} data: {}", event.id, event.data).unwrap();
        self.events.push(event);
    }

    /// Reads what a stream still brings until it ends or `enough` messages are there.
    async fn read(&mut self, stream: &mut Stream, enough: usize) {
        while self.messages().len() < enough
            && let Some(event) = stream.next().await
        {
            self.keep(event);
        }
    }

    /// Events with something in them.
    fn messages(&self) -> Vec<&Event> {
        self.events.iter().filter(|event| !event.data.is_empty()).collect()
    }

    fn last_id(&self) -> String {
        self.events.last().unwrap().id.clone()
    }

    /// The ids of the answered requests, after a check that no event came twice.
    fn answered(&self) -> Vec<Value> {
        let messages = self.messages();
        let ids: BTreeSet<&str> = messages.iter().map(|event| event.id.as_str()).collect();
        assert_eq!(ids.len(), messages.len(), "no event comes twice:\n{}", self.text);
        let read = |event: &&Event| serde_json::from_str::<Value>(&event.data).unwrap()["id"].clone();
        messages.iter().map(read).collect()
    }

    fn save(&self, name: &str) {
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, &self.text).unwrap();
        println!("recorded run: {}", path.display());
    }
}

async fn caller(cluster: &Cluster) -> Caller {
    let login = Client::register(&cluster.url).await.sign_in(ALICE).await;
    Caller { http: http::client(), bearer: login.access, session: String::new() }
}

/// The replica that has a stream open.
async fn holder(cluster: &Cluster) -> usize {
    eventually("one replica has the stream", || async {
        for index in 0..2 {
            if http::status(&format!("{}/health/ready", cluster.replica_url(index))).await == Some(200)
                && open_streams(cluster.replica_url(index)).await == 1
            {
                return Some(index);
            }
        }
        None
    })
    .await
}

/// Messages that the log of a session's streams holds.
async fn kept(cluster: &mut Cluster) -> usize {
    let url = cluster.redis().url();
    let client = redis::Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = connection.keys("ent:*").await.unwrap();
    let mut count = 0;
    for key in keys {
        let kind: String = redis::cmd("TYPE").arg(&key).query_async(&mut connection).await.unwrap();
        if kind == "list" && key.contains(":log:") {
            count += connection.llen::<_, usize>(&key).await.unwrap();
        }
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_of_a_session_loses_and_repeats_nothing_when_its_replica_is_killed() {
    let Some(mut cluster) = Cluster::pair().await else { return };
    let mut caller = caller(&cluster).await;
    let mut record = Record::default();
    // HTTP+SSE answers on the session's own stream, so that there is much to lose. Its replica dies with the first
    // stream, and the client goes on with GET and event ids.
    let request = caller.http.get(format!("{}/{SERVICE}/sse", cluster.url)).bearer_auth(&caller.bearer);
    let mut first = Stream::of(request.header("Accept", "text/event-stream").send().await.unwrap());
    let path = first.next().await.unwrap().data;
    path.split_once("sessionId=").unwrap().1.clone_into(&mut caller.session);
    let messages = format!("{}{path}", cluster.url);
    assert_eq!(caller.post(&messages, &hello()).await.status(), 202);
    first.next().await.expect("the answer to initialize");
    let one = holder(&cluster).await;
    cluster.crash_and_restart(one).await;

    let mut stream = caller.get(&cluster.url, None).await;
    record.keep(stream.next().await.unwrap());
    let two = holder(&cluster).await;
    record.note(&format!("the stream is open at replica {two}; 40 requests go to both replicas in turn"));
    for n in 0..40 {
        let ping = json!({ "jsonrpc": "2.0", "id": n, "method": "ping" });
        assert_eq!(caller.post(&messages, &ping).await.status(), 202);
        if n == 19 {
            record.read(&mut stream, 10).await;
            // The answer to initialize and twenty more are kept; ten of them nobody has read.
            while kept(&mut cluster).await < 21 {
                tokio::task::yield_now().await;
            }
            cluster.replicas[two].kill();
            record.note(&format!("replica {two} is killed"));
        }
    }
    record.read(&mut stream, usize::MAX).await;
    record.note(&format!("the client comes back with Last-Event-ID: {}", record.last_id()));
    let mut resumed = caller.get(&cluster.url, Some(&record.last_id())).await;
    record.read(&mut resumed, 40).await;
    record.save("stream-of-a-session.txt");
    let answered: BTreeSet<u64> = record.answered().iter().map(|id| id.as_u64().unwrap()).collect();
    assert_eq!(answered, (0..40).collect(), "no answer is missing:\n{}", record.text);
}

/// Begins a call that takes a while; answers when its stream has its first event.
async fn slow_call(cluster: &Cluster, caller: &Caller, record: &mut Record) {
    let call = json!({
        "jsonrpc": "2.0", "id": "slow", "method": "tools/call",
        "params": { "name": "list_mail_folders", "arguments": {} },
    });
    let mut stream = Stream::of(caller.post(&format!("{}/{SERVICE}/mcp", cluster.url), &call).await);
    record.keep(stream.next().await.unwrap());
    record.note("the client loses the connection of its POST");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_of_a_call_is_resumed_twice_and_answered_once() {
    let Some(mut cluster) = Cluster::pair().await else { return };
    let mut record = Record::default();
    let opened = caller(&cluster).await;
    let caller = Caller::open(&cluster.url, &opened.bearer).await;
    cluster.tenant.fault(json!({ "path": "/v1.0/me/mailFolders", "delay_ms": 8000, "times": 1 })).await;
    slow_call(&cluster, &caller, &mut record).await;
    // Strictly in turn: the replica that does not run the call.
    let mut resumed = caller.get(&cluster.url, Some(&record.last_id())).await;
    record.keep(resumed.next().await.unwrap());
    let other = holder(&cluster).await;
    cluster.replicas[other].kill();
    record.note(&format!("replica {other}, where the client resumed, is killed"));
    record.read(&mut resumed, usize::MAX).await;
    let mut again = caller.get(&cluster.url, Some(&record.last_id())).await;
    record.read(&mut again, usize::MAX).await;
    record.save("stream-of-a-call.txt");
    assert_eq!(record.answered(), [json!("slow")], "{}", record.text);
    let answer: Value = serde_json::from_str(&record.messages()[0].data).unwrap();
    assert_eq!(answer["result"]["isError"], Value::Null, "{answer}");
    // The same from the start: the log still has it.
    let first = record.events[0].id.clone();
    let mut replay = caller.get(&cluster.url, Some(&first)).await;
    let mut copy = Record::default();
    copy.read(&mut replay, usize::MAX).await;
    assert_eq!(copy.messages(), record.messages());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_replica_is_killed_is_answered_with_an_error_at_the_other() {
    let Some(mut cluster) = Cluster::pair().await else { return };
    let mut record = Record::default();
    let opened = caller(&cluster).await;
    let caller = Caller::open(&cluster.url, &opened.bearer).await;
    cluster.tenant.fault(json!({ "path": "/v1.0/me/mailFolders", "delay_ms": 60_000 })).await;
    slow_call(&cluster, &caller, &mut record).await;
    let mut resumed = caller.get(&cluster.url, Some(&record.last_id())).await;
    record.keep(resumed.next().await.unwrap());
    let runner = 1 - holder(&cluster).await;
    cluster.replicas[runner].kill();
    record.note(&format!("replica {runner}, which ran the call, is killed"));
    record.read(&mut resumed, usize::MAX).await;
    record.save("call-of-a-killed-replica.txt");
    assert_eq!(record.answered(), [json!("slow")], "{}", record.text);
    let answer: Value = serde_json::from_str(&record.messages()[0].data).unwrap();
    assert_eq!(answer["error"]["code"], -32603, "{answer}");
}
