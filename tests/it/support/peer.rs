//! One client, whatever the framing and the version: a request goes out, its answer comes back.

use super::mcp::{MODERN, Mcp, hello, last_message, request};
use super::socket::Socket;
use super::sse::{Event, Stream};
use super::wire::Framing;

use super::{http, tapped};
use serde_json::Value;

/// Every way to speak to a service: framing and version.
pub(crate) const WAYS: [(Framing, &str); 13] = [
    (Framing::Post, "2024-11-05"),
    (Framing::Post, "2025-03-26"),
    (Framing::Post, "2025-06-18"),
    (Framing::Post, "2025-11-25"),
    (Framing::Post, MODERN),
    (Framing::HttpSse, "2024-11-05"),
    (Framing::HttpSse, "2025-03-26"),
    (Framing::HttpSse, "2025-11-25"),
    (Framing::WebSocket, "2024-11-05"),
    (Framing::WebSocket, "2025-03-26"),
    (Framing::WebSocket, "2025-06-18"),
    (Framing::WebSocket, "2025-11-25"),
    (Framing::WebSocket, MODERN),
];

const NOTE: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

enum Way {
    Post(Mcp),
    HttpSse(HttpSse),
    WebSocket(Box<Socket>),
}

/// A client with an open session, where its version has sessions.
pub(crate) struct Peer {
    way: Way,
    pub(crate) version: String,
    /// The result of `initialize`; null without one.
    pub(crate) opened: Value,
}

impl Peer {
    /// Connects to `mail-query` at `base`.
    pub(crate) async fn open(base: &str, bearer: &str, (framing, version): (Framing, &str)) -> Self {
        let way = match framing {
            Framing::Post | Framing::Get => {
                let mut mcp = Mcp::modern(base, bearer);
                version.clone_into(&mut mcp.version);
                Way::Post(mcp)
            }
            Framing::HttpSse => Way::HttpSse(HttpSse::open(base, bearer).await),
            Framing::WebSocket => Way::WebSocket(Box::new(Socket::open(base, bearer).await)),
        };
        let mut peer = Self { way, version: version.to_owned(), opened: Value::Null };
        if version != MODERN {
            let (status, text) = peer.ask("\"hello\"", "initialize", hello(version)).await;
            assert_eq!(status, 200, "{text}");
            peer.opened = serde_json::from_str::<Value>(&text).unwrap()["result"].clone();
            assert_eq!(peer.opened["protocolVersion"], version, "{text}");
            peer.tell(NOTE).await;
        }
        peer
    }

    /// The HTTP status, 200 where the answer comes another way, and the text of the answer.
    pub(crate) async fn ask(&mut self, id: &str, method: &str, params: Value) -> (u16, String) {
        match &mut self.way {
            Way::Post(mcp) => {
                let answer = mcp.ask(id, method, params).await;
                if method == "initialize" && answer.status == 200 {
                    mcp.session = Some(answer.header("mcp-session-id").to_owned());
                }
                (answer.status, last_message(&answer.text))
            }
            Way::HttpSse(_) | Way::WebSocket(_) => {
                let request = request(&self.version, id, method, params);
                self.raw(&request).await
            }
        }
    }

    /// Sends any text; the status, and the answer unless there is none to come.
    pub(crate) async fn raw(&mut self, text: &str) -> (u16, String) {
        match &mut self.way {
            Way::Post(mcp) => {
                let answer = mcp.post(text.to_owned(), &[]).await;
                (answer.status, last_message(&answer.text))
            }
            Way::HttpSse(sse) => {
                let (status, body) = sse.post(text).await;
                if status == 202 { (200, sse.next().await.data) } else { (status, body) }
            }
            Way::WebSocket(socket) => (200, socket.answer(text).await),
        }
    }

    /// The result of a request that must succeed.
    pub(crate) async fn result(&mut self, method: &str, params: Value) -> Value {
        let (status, text) = self.ask("1", method, params).await;
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert!(status == 200 && answer.get("result").is_some(), "{method}: {status} {text}");
        answer["result"].clone()
    }

    /// Sends a notification.
    pub(crate) async fn tell(&mut self, note: &str) {
        match &mut self.way {
            Way::Post(mcp) => assert_eq!(mcp.post(note.to_owned(), &[]).await.status, 202),
            Way::HttpSse(sse) => assert_eq!(sse.post(note).await.0, 202),
            Way::WebSocket(socket) => socket.say(note).await,
        }
    }
}

/// HTTP+SSE of 2024-11-05: an event stream, and an address to post to.
pub(crate) struct HttpSse {
    http: reqwest::Client,
    bearer: String,
    /// Where to post.
    pub(crate) url: String,
    stream: Stream,
}

impl HttpSse {
    pub(crate) async fn open(base: &str, bearer: &str) -> Self {
        let http = http::client();
        let request = http.get(format!("{base}/mail-query/sse")).bearer_auth(bearer);
        let response = tapped::send(request.header("Accept", "text/event-stream")).await.unwrap();
        assert_eq!(response.status(), 200);
        let (stream, bearer) = (Stream::of(response), bearer.to_owned());
        let mut sse = Self { http, bearer, url: String::new(), stream };
        let endpoint = sse.next().await;
        assert_eq!(endpoint.name, "endpoint");
        sse.url = format!("{base}{}", endpoint.data);
        sse
    }

    /// Posts a message; status and body.
    pub(crate) async fn post(&self, text: &str) -> (u16, String) {
        let request = self.http.post(&self.url).bearer_auth(&self.bearer);
        let request = request.header("Content-Type", "application/json").body(text.to_owned());
        let response = tapped::send(request).await.unwrap();
        (response.status().as_u16(), tapped::text(response).await.unwrap())
    }

    /// The next event, which must come.
    pub(crate) async fn next(&mut self) -> Event {
        let next = tokio::time::timeout(http::GUARD, self.stream.next()).await;
        next.expect("nothing comes").expect("the stream stays open")
    }
}
