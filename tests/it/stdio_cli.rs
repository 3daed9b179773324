//! `entrada stdio` as a local MCP client starts it: the official client over the bridge, and lines as they go.

use super::support::cluster::Cluster;
use super::support::http::{GUARD, eventually};
use super::support::login::Client;
use super::support::official;
use rmcp::ClientServiceExt;
use rmcp::model::CallToolRequestParams;
use serde_json::{Value, json};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

const ALICE: &str = "alice@contoso.example";

fn start(url: &str, key: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_entrada"));
    command.args(["stdio", url]).env_clear().env("ENTRADA_KEY", key);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true).spawn().unwrap()
}

async fn alice(cluster: &Cluster) -> String {
    Client::register(&cluster.url).await.sign_in(ALICE).await.access
}

/// A client that writes and reads lines.
struct Bridge {
    child: Child,
    to: Option<ChildStdin>,
    from: Lines<BufReader<ChildStdout>>,
}

impl Bridge {
    fn start(url: &str, key: &str) -> Self {
        let mut child = start(url, key);
        let (to, from) = (child.stdin.take(), child.stdout.take().unwrap());
        Self { child, to, from: BufReader::new(from).lines() }
    }

    async fn say(&mut self, message: &str) {
        let to = self.to.as_mut().unwrap();
        to.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    /// The next line, which is a message whatever it is.
    async fn hear(&mut self) -> Value {
        let line =
            tokio::time::timeout(GUARD, self.from.next_line()).await.expect("a line").unwrap().unwrap();
        let message: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(message["jsonrpc"], "2.0", "{line}");
        message
    }

    async fn ask(&mut self, id: u64, method: &str, params: Value) -> Value {
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string())
            .await;
        let answer = self.hear().await;
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    async fn open(&mut self) {
        let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "lines", "version": "1" } });
        let answer = self.ask(0, "initialize", hello).await;
        assert_eq!(answer["result"]["protocolVersion"], "2025-11-25", "{answer}");
        self.say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    }

    async fn folders(&mut self, id: u64) -> Value {
        let call = json!({ "name": "list_mail_folders", "arguments": {} });
        let answer = self.ask(id, "tools/call", call).await;
        answer["result"]["structuredContent"]["items"].clone()
    }

    /// Ends stdin; the rest of stdout, what was said on stderr, and the exit code.
    async fn end(mut self) -> (Vec<String>, String, i32) {
        self.to = None;
        let mut rest = Vec::new();
        while let Some(line) = self.from.next_line().await.unwrap() {
            rest.push(line);
        }
        let mut beside = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut beside).await.unwrap();
        (rest, beside, self.child.wait().await.unwrap().code().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_client_works_over_the_bridge_in_both_eras() {
    let cluster = Cluster::embedded().await;
    let (url, bearer) = (format!("{}/mail-query", cluster.url), alice(&cluster).await);
    for mode in [official::legacy(), official::modern()] {
        let mut child = start(&url, &bearer);
        let transport = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
        let service = ().serve_with_lifecycle(transport, mode).await.unwrap();
        let tools = service.list_all_tools().await.unwrap();
        assert!(tools.iter().any(|tool| tool.name == "list_mail_folders"), "{tools:?}");
        let calls = (0..6).map(|_| service.call_tool(CallToolRequestParams::new("list_mail_folders")));
        for result in futures_util::future::join_all(calls).await {
            assert!(result.unwrap().structured_content.unwrap()["items"].is_array());
        }
        service.cancel().await.unwrap();
        assert!(child.wait().await.unwrap().success());
    }
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_is_answered_and_nothing_else_is_printed() {
    let cluster = Cluster::embedded().await;
    let mut bridge = Bridge::start(&format!("{}/mail-query/mcp", cluster.url), &alice(&cluster).await);
    bridge.say("this is no message").await;
    assert_eq!(bridge.hear().await["error"]["code"], -32700);
    bridge.open().await;
    assert!(bridge.folders(1).await.is_array());
    assert_eq!(bridge.ask(2, "no/such/method", json!({})).await["error"]["code"], -32601);
    // What is under way when the client has said all is answered still.
    let last = json!({ "name": "list_mail_folders", "arguments": {} });
    bridge
        .say(&json!({ "jsonrpc": "2.0", "id": "last", "method": "tools/call", "params": last }).to_string())
        .await;
    let (rest, beside, code) = bridge.end().await;
    assert_eq!((rest.len(), code), (1, 0), "{rest:?} {beside}");
    assert_eq!(serde_json::from_str::<Value>(&rest[0]).unwrap()["id"], "last");
    assert!(!beside.contains("dcr_"), "{beside}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bridge_outlives_a_replica_and_a_lost_session() {
    let Some(mut cluster) = Cluster::start_on_redis().await else { return };
    let mut bridge = Bridge::start(&format!("{}/mail-query", cluster.url), &alice(&cluster).await);
    bridge.open().await;
    assert!(bridge.folders(1).await.is_array());
    cluster.crash_and_restart(0).await;
    assert!(bridge.folders(2).await.is_array());
    // The session ends at the server, and nobody has told the client.
    let redis = redis::Client::open(cluster.store.url()).unwrap();
    let mut connection = redis.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> =
        redis::cmd("KEYS").arg("ent:{s:*}:session").query_async(&mut connection).await.unwrap();
    assert_eq!(keys.len(), 1);
    let () = redis::cmd("DEL").arg(&keys).query_async(&mut connection).await.unwrap();
    assert!(bridge.folders(3).await.is_array());
    let (rest, beside, code) = bridge.end().await;
    assert!(rest.is_empty() && code == 0 && beside.contains("a new one is open"), "{rest:?} {beside}");
    eventually("the session is ended with the client", || async {
        let mut connection = redis.get_multiplexed_async_connection().await.unwrap();
        let keys: Vec<String> =
            redis::cmd("KEYS").arg("ent:{s:*}:session").query_async(&mut connection).await.unwrap();
        keys.is_empty().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_signed_in_is_told_in_the_clients_own_words() {
    let cluster = Cluster::embedded().await;
    let mut bridge = Bridge::start(&format!("{}/mail-query", cluster.url), "dcr_pk_unknown");
    let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "lines", "version": "1" } });
    let refused = bridge.ask(0, "initialize", hello).await;
    assert!(refused["error"]["message"].as_str().unwrap().contains("account/keys"), "{refused}");
    let (rest, _, code) = bridge.end().await;
    assert!(rest.is_empty() && code == 0, "{rest:?}");
}
