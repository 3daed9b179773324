//! WebSocket.

use super::super::McpSettings;
use super::support::{Ask, Replica, World, bare, initialize, modern, post, read_until, request, rpc};
use crate::domain::ids::SessionId;
use crate::edge::EdgeSettings;
use crate::ports::sessions::SessionRouter;
use crate::services::conformance::Conformance;
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// A client that answers pings unless told otherwise.
struct Socket {
    stream: TcpStream,
    head: String,
    pongs: bool,
}

fn upgrade(path: &str) -> Ask {
    bare("GET", path)
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("Sec-WebSocket-Protocol", "chat, mcp")
}

fn with_bearer(bearer: &str) -> Ask {
    upgrade("/mail-query/ws").header("Authorization", &format!("Bearer {bearer}"))
}

impl Socket {
    async fn open(ask: &Ask, replica: &Replica) -> Self {
        let mut socket = ask.open(replica).await;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 101"), "{head}");
        Self { stream: socket, head, pongs: true }
    }

    async fn write(&mut self, opcode: u8, payload: &[u8]) {
        let mut frame = vec![0x80 | opcode];
        match u16::try_from(payload.len()) {
            Ok(short) if short < 126 => frame.push(0x80 | short as u8),
            Ok(long) => {
                frame.push(0xfe);
                frame.extend(long.to_be_bytes());
            }
            Err(_) => {
                frame.push(0xff);
                frame.extend((payload.len() as u64).to_be_bytes());
            }
        }
        // A mask of zeros is a mask.
        frame.extend([0; 4]);
        frame.extend(payload);
        let _ = self.stream.write_all(&frame).await;
    }

    async fn say(&mut self, text: &str) {
        self.write(TEXT, text.as_bytes()).await;
    }

    /// The next frame; none when the connection just ended.
    async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let first = self.stream.read_u8().await.ok()?;
        let length = match self.stream.read_u8().await.ok()? {
            126 => u64::from(self.stream.read_u16().await.ok()?),
            127 => self.stream.read_u64().await.ok()?,
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut payload).await.ok()?;
        Some((first & 0x0f, payload))
    }

    /// The next message.
    async fn hear(&mut self) -> Value {
        loop {
            match self.frame().await {
                Some((TEXT, text)) => return serde_json::from_slice(&text).unwrap(),
                Some((PING, payload)) if self.pongs => self.write(PONG, &payload).await,
                Some((PING | PONG, _)) => {}
                other => panic!("no message: {other:?}"),
            }
        }
    }

    /// The code with which the server closes.
    async fn closed(&mut self) -> u16 {
        loop {
            match self.frame().await {
                Some((CLOSE, payload)) => return u16::from_be_bytes([payload[0], payload[1]]),
                Some(_) => {}
                None => return 1006,
            }
        }
    }

    async fn ask(&mut self, id: &str, method: &str, params: Value) -> Value {
        self.say(&rpc(&json!(id), method, &params)).await;
        let answer = self.hear().await;
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    /// Opens a session and answers its id.
    async fn initialize(&mut self, version: &str) -> String {
        self.say(&initialize(version)).await;
        let answer = self.hear().await;
        assert_eq!(answer["result"]["protocolVersion"], version, "{answer}");
        self.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string()).await;
        answer["result"]["_meta"]["io.entrada/sessionId"].as_str().unwrap().to_owned()
    }
}

fn hello(bearer: &str, session: Option<&str>) -> String {
    let mut params = json!({"token": bearer});
    if let Some(session) = session {
        params["sessionId"] = json!(session);
    }
    rpc(&json!("auth"), "authenticate", &params)
}

#[actix_web::test]
async fn both_eras_are_served_with_the_bearer_in_the_header_or_first_message() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    for in_header in [true, false] {
        let ask = if in_header { with_bearer(&bearer) } else { upgrade("/mail-query/ws") };
        let mut socket = Socket::open(&ask, &replica).await;
        assert!(socket.head.contains("sec-websocket-protocol: mcp\r\n"), "{}", socket.head);
        if !in_header {
            socket.say(&hello(&bearer, None)).await;
            assert_eq!(socket.hear().await, json!({"jsonrpc": "2.0", "id": "auth", "result": {}}));
        }
        let session = socket.initialize("2025-11-25").await;
        let echo = json!({"name": "echo", "arguments": {"text": "t"}});
        let answer = socket.ask("1", "tools/call", echo.clone()).await;
        assert_eq!(answer["result"]["structuredContent"]["user"], "alice");
        assert_eq!(socket.ask("2", "no/such", json!({})).await["error"]["code"], -32601);
        let mut params = echo;
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let answer = socket.ask("3", "tools/call", params).await;
        assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
        let refused = socket.ask("4", "tools/call", json!({"name": "send"})).await;
        assert_eq!(refused["error"]["data"]["status"], 403, "{refused}");
        socket.say("{").await;
        assert_eq!(socket.hear().await["error"]["code"], -32700);
        // The session is one like any other: messages to it come here, and HTTP knows it.
        let message = Bytes::from_static(br#"{"jsonrpc":"2.0","method":"n"}"#);
        assert!(world.replica().router.deliver(&SessionId::new(session.as_str()), message).await);
        assert_eq!(socket.hear().await["method"], "n");
        let list = post(&bearer, rpc(&json!(1), "tools/list", &json!({}))).session(&session);
        assert_eq!(list.send(&replica).await.status, 200);
    }
    let listed = modern(&bearer, "tools/list", json!({})).send(&replica).await;
    assert_eq!(listed.status, 200);
}

#[actix_web::test]
async fn a_connection_is_closed_with_a_code_that_says_why() {
    let world = World::new();
    let settings = McpSettings {
        edge: EdgeSettings::loopback(),
        max_body: 4096,
        ws_greeting: Duration::from_millis(50),
        ..McpSettings::default()
    };
    let replica = world.replica_with(settings, None);
    let bearer = world.bearer("alice", "mail-query").await;
    let open = async || Socket::open(&with_bearer(&bearer), &replica).await;

    let mut mute = Socket::open(&upgrade("/mail-query/ws"), &replica).await;
    assert_eq!(mute.closed().await, 4401);
    for first in [hello("wrong", None), rpc(&json!(1), "ping", &json!({})), "nonsense".to_owned()] {
        let mut stranger = Socket::open(&upgrade("/mail-query/ws"), &replica).await;
        stranger.say(&first).await;
        assert_eq!(stranger.closed().await, 4401, "{first}");
    }
    let mut lost = Socket::open(&upgrade("/mail-query/ws"), &replica).await;
    lost.say(&hello(&bearer, Some("unknown"))).await;
    assert_eq!(lost.closed().await, 4404);
    let brief = world.bearer_for("alice", "mail-query", Duration::from_millis(200)).await;
    assert_eq!(Socket::open(&with_bearer(&brief), &replica).await.closed().await, 4401);
    let mut large = open().await;
    large.say(&"x".repeat(5000)).await;
    assert_eq!(large.closed().await, 1009);
    let mut binary = open().await;
    binary.write(BINARY, b"{}").await;
    assert_eq!(binary.closed().await, 1003);
    let mut polite = open().await;
    polite.write(CLOSE, &1000_u16.to_be_bytes()).await;
    assert_eq!(polite.closed().await, 1000);
    let mut ended = open().await;
    let session = ended.initialize("2025-11-25").await;
    assert_eq!(ended.ask("1", "ping", json!({})).await["result"], json!({}));
    assert_eq!(request("DELETE", &bearer).session(&session).send(&replica).await.status, 204);
    assert_eq!(ended.closed().await, 4409);
    let mut drained = open().await;
    drained.write(PING, b"here?").await;
    while drained.frame().await.unwrap() != (PONG, b"here?".to_vec()) {}
    replica.router.drain().await;
    assert_eq!(drained.closed().await, 1001);
}

#[actix_web::test]
async fn strangers_are_refused_before_the_upgrade() {
    let world = World::new();
    let replica = world.replica();
    let (alice, bob) = (world.bearer("alice", "mail-query").await, world.bearer("bob", "mail-query").await);
    let mut socket = Socket::open(&with_bearer(&alice), &replica).await;
    let session = socket.initialize("2025-06-18").await;
    for (ask, status) in [
        (with_bearer("wrong"), 401),
        (with_bearer(&alice).header("Origin", "https://evil.example"), 403),
        (with_bearer(&alice).header("Host", "evil.example"), 403),
        (with_bearer(&alice).path("/nothing/ws"), 404),
        (with_bearer(&bob).header("Mcp-Session-Id", &session), 404),
        (with_bearer(&alice).header("Sec-WebSocket-Version", "8"), 426),
        (with_bearer(&alice).header("Upgrade", "").header("Connection", "close"), 400),
    ] {
        let mut socket = ask.open(&replica).await;
        let head = read_until(&mut socket, "\r\n\r\n").await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{status}: {head}");
    }
}

#[actix_web::test]
async fn a_session_is_resumed_on_another_replica_and_the_missed_answer_is_said() {
    let world = World::new();
    let (replica, other) = (world.replica(), world.replica());
    let bearer = world.bearer("alice", "mail-query").await;
    let mut socket = Socket::open(&with_bearer(&bearer), &replica).await;
    let session = socket.initialize("2025-11-25").await;
    socket.say(&rpc(&json!("late"), "tools/call", &json!({"name": "slow", "arguments": {}}))).await;
    world.witness.started.notified().await;
    drop(socket);
    // The server knows that the client is gone before the call ends.
    while replica.router.open_streams().await > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.witness.release.notify_one();
    world.witness.finished.notified().await;
    for in_header in [true, false] {
        let mut resumed = if in_header {
            let ask = with_bearer(&bearer).header("Mcp-Session-Id", &session);
            Socket::open(&ask, &other).await
        } else {
            let mut socket = Socket::open(&upgrade("/mail-query/ws"), &replica).await;
            socket.say(&hello(&bearer, Some(&session))).await;
            assert_eq!(socket.hear().await["id"], "auth");
            socket
        };
        if in_header {
            assert!(resumed.head.contains(&format!("mcp-session-id: {}", session.to_ascii_lowercase())));
            assert_eq!(resumed.hear().await["id"], "late");
        }
        assert_eq!(resumed.ask("1", "ping", json!({})).await["result"], json!({}));
        // A pong tells how far the client is; the ping came before this answer.
        assert_eq!(resumed.ask("2", "ping", json!({})).await["result"], json!({}));
    }
}

#[actix_web::test]
async fn a_client_that_shows_no_life_is_dropped() {
    let world = World::new();
    let heartbeat = Duration::from_millis(30);
    let settings = McpSettings { edge: EdgeSettings::loopback(), heartbeat, ..McpSettings::default() };
    let replica = world.replica_with(settings, None);
    let bearer = world.bearer("alice", "mail-query").await;
    let mut alive = Socket::open(&with_bearer(&bearer), &replica).await;
    let mut dead = Socket::open(&with_bearer(&bearer), &replica).await;
    dead.pongs = false;
    let mut beats = 0;
    while beats < 6 {
        let (opcode, payload) = alive.frame().await.unwrap();
        assert_eq!(opcode, PING);
        alive.write(PONG, &payload).await;
        beats += 1;
    }
    // Six beats with pongs were survived, as this answer shows.
    alive.initialize("2025-11-25").await;
    assert_eq!(dead.closed().await, 1006);
}

#[actix_web::test]
async fn what_is_modern_ends_with_its_socket() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    let mut socket = Socket::open(&with_bearer(&bearer), &replica).await;
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let listen = json!({"notifications": {"toolsListChanged": true}, "_meta": meta});
    socket.say(&rpc(&json!("l"), "subscriptions/listen", &listen)).await;
    assert_eq!(socket.hear().await["method"], "notifications/subscriptions/acknowledged");
    socket.say(&rpc(&json!("s"), "tools/call", &json!({"name": "slow", "_meta": meta}))).await;
    world.witness.started.notified().await;
    drop(socket);
    world.witness.dropped.notified().await;
    while replica.router.open_streams().await > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[actix_web::test]
async fn a_socket_has_no_parameter_headers_and_needs_none() {
    let world = World::new();
    let replica = world.replica_of(vec![Arc::new(Conformance::new())]);
    let bearer = world.bearer("alice", "conformance").await;
    let ask = upgrade("/conformance/ws").header("Authorization", &format!("Bearer {bearer}"));
    let mut socket = Socket::open(&ask, &replica).await;
    for (region, told) in [("eu", "Region: eu"), ("한국", "Region: 한국")] {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let call = json!({ "name": "test_custom_header", "arguments": { "region": region }, "_meta": meta });
        let answer = socket.ask("c", "tools/call", call).await;
        assert_eq!(answer["result"]["content"][0]["text"], told, "{answer}");
    }
}
