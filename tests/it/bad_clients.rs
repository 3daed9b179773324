//! Clients that stop half-way, never read, or carry a question's state where it does not belong.

use super::hostile::raw;
use super::support::cluster::{Cluster, Plan, Store};
use super::support::http::eventually;
use super::support::login::Client;
use super::support::mcp::{MODERN, Mcp, request};
use super::support::peer::HttpSse;
use super::support::socket::Socket;
use serde_json::json;
use std::io::Write;
use std::time::Duration;

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn half_a_body_harms_nobody() {
    let mut cluster = Cluster::embedded().await;
    let bearer = Client::register(&cluster.url).await.sign_in(ALICE).await.access;
    let base = cluster.replica_url(0).to_owned();
    let sse = HttpSse::open(&base, &bearer).await;
    let messages = sse.url.strip_prefix(&base).unwrap();
    let host = base.strip_prefix("http://").unwrap();
    let mut held = Vec::new();
    for path in ["/mail-query/mcp", messages] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {bearer}\r\nContent-Type: application/json\r\n"
        );
        for body in
            ["Content-Length: 500\r\n\r\n{\"jsonrpc\":", "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"jso\r\n"]
        {
            let mut stream = std::net::TcpStream::connect(host).unwrap();
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
            held.push(stream);
        }
        // After a broken chunk nothing is known of where the next request begins: the connection may just end.
        let broken: [(&str, &[u16]); 3] = [
            ("Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}   ", &[400]),
            ("Content-Length: x\r\n\r\n{}", &[400]),
            ("Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", &[0, 400]),
        ];
        for (framing, expected) in broken {
            let (status, answer) = raw(&base, &format!("{head}Connection: close\r\n{framing}"));
            assert!(expected.contains(&status), "{path} {framing:?}: {answer}");
        }
    }
    // Others are served while halves wait, and after they vanish.
    let mcp = Mcp::modern(&base, &bearer);
    mcp.call("list_mail_folders", json!({})).await.output();
    drop(held);
    mcp.call("list_mail_folders", json!({})).await.output();
    assert!(cluster.replicas[0].is_alive());
    assert!(!cluster.replicas[0].stderr().contains("panicked"));
}

/// Resident memory of a process, in bytes.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}

/// More than what is kept for a client, several times.
const FLOOD: usize = 4000;
/// What clients that do not read may cost together. What they asked for is some 90 MB each.
const ROOM: u64 = 64 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_never_read_cost_little_and_are_dropped() {
    let settings = [("ENTRADA_MCP__HEARTBEAT_S", "1")];
    let cluster = Cluster::start(Store::embedded(), Plan { settings: &settings, ..Plan::default() }).await;
    let client = Client::register(&cluster.url).await;
    let (alice, bob) = (client.sign_in(ALICE).await.access, client.sign_in(BOB).await.access);
    let base = cluster.replica_url(0).to_owned();
    let pid = cluster.replicas[0].id();
    let other = Mcp::modern(&base, &bob);
    let list = request("2025-11-25", "1", "tools/list", json!({}));
    other.send("tools/list", json!({})).await.result();
    let before = resident(pid);
    let mut most = before;

    let sse = HttpSse::open(&base, &alice).await;
    let mut dropped = false;
    for turn in 0..FLOOD {
        let (status, _) = sse.post(&list).await;
        if turn % 100 == 0 {
            most = most.max(resident(pid));
            other.send("tools/list", json!({})).await.result();
        }
        if status == 404 {
            dropped = true;
            break;
        }
        assert_eq!(status, 202);
    }
    if !dropped {
        eventually("HTTP+SSE is dropped", || async { (sse.post(PING).await.0 == 404).then_some(()) }).await;
    }

    let mut socket = Socket::open(&base, &alice).await;
    let bare = request(MODERN, "1", "tools/list", json!({}));
    let mut takes = true;
    for turn in 0..FLOOD {
        takes = socket.try_say(&bare, Duration::from_secs(30)).await;
        if !takes {
            break;
        }
        if turn % 100 == 0 {
            most = most.max(resident(pid));
        }
    }
    other.call("list_mail_folders", json!({})).await.output();
    eventually("the WebSocket is dropped", || async {
        (super::resume::open_streams(&base).await == 0).then_some(())
    })
    .await;
    most = most.max(resident(pid));
    assert!(most - before < ROOM, "{} KB more", (most - before) >> 10);
    println!("{} KB more at most; the socket took everything: {takes}", (most - before) >> 10);
    other.call("list_mail_folders", json!({})).await.output();
}

/// The state of a question is its user's, its request's and its tool's; any replica takes it.
#[cfg(feature = "conformance")]
#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_a_question_is_worthless_when_altered_or_elsewhere() {
    const TOOL: &str = "test_input_required_result_request_state";
    let Some(cluster) = Cluster::pair().await else { return };
    let client = Client::register(&cluster.url).await;
    let client = client.for_resource(&format!("{}/conformance/mcp", cluster.url));
    let (alice, bob) = (client.sign_in(ALICE).await.access, client.sign_in(BOB).await.access);
    let at = |replica: usize, bearer: &str| {
        let mut mcp = Mcp::modern(cluster.replica_url(replica), bearer);
        mcp.endpoint = format!("{}/conformance/mcp", cluster.replica_url(replica));
        mcp
    };
    let params = |tool: &str, state: Option<&str>| {
        let can = json!({ "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} } });
        let mut params = json!({ "name": tool, "arguments": {}, "_meta": can });
        if let Some(state) = state {
            params["requestState"] = json!(state);
            params["inputResponses"] =
                json!({ "confirm": { "action": "accept", "content": { "ok": true } } });
        }
        params
    };
    let asked = at(0, &alice).send("tools/call", params(TOOL, None)).await;
    let state = asked.result()["requestState"].as_str().unwrap().to_owned();
    let mut altered = Vec::new();
    for place in [0, state.len() / 2, state.len() - 1] {
        let mut bytes = state.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        altered.push(String::from_utf8(bytes).unwrap());
    }
    altered.extend([
        String::new(),
        "x".to_owned(),
        state[..state.len() - 4].to_owned(),
        format!("{state}{state}"),
    ]);
    for state in &altered {
        let answer = at(0, &alice).send("tools/call", params(TOOL, Some(state))).await;
        assert_eq!(answer.error_code(), -32602, "{state}");
    }
    let answer = at(0, &bob).send("tools/call", params(TOOL, Some(&state))).await;
    assert_eq!(answer.error_code(), -32602, "another user");
    let other = params("test_input_required_result_tampered_state", Some(&state));
    assert_eq!(at(0, &alice).send("tools/call", other).await.error_code(), -32602, "another tool");
    let done = at(1, &alice).send("tools/call", params(TOOL, Some(&state))).await;
    assert_eq!(done.result()["content"][0]["text"], "Confirmed: state-ok");
}
