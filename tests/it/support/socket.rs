//! MCP over WebSocket. Both sides are checked like everything on the wire.

use super::http::GUARD;
use super::wire::{Recorder, Tap};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

/// What comes next on a connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Text(String),
    /// The server closed, with this code.
    Closed(u16),
    /// The connection just ended.
    Gone,
}

/// An open connection, which answers pings while it is read.
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    tap: Tap,
}

impl Socket {
    /// Connects to `/{service}/ws` with these headers; the status when that is refused.
    pub(crate) async fn connect(base: &str, service: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let address = base.strip_prefix("http://").unwrap();
        let path = format!("/{service}/ws");
        let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
        for (name, value) in [("sec-websocket-protocol", "mcp")].iter().chain(headers) {
            let name = reqwest::header::HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let session = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("mcp-session-id"));
        let tap = Recorder::direct().tap("GET", &path, None, session.map(|(_, id)| *id)).unwrap();
        let tcp = TcpStream::connect(address).await.unwrap();
        match tokio_tungstenite::client_async(request, tcp).await {
            Ok((stream, _)) => Ok(Self { stream, tap }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Upgrades at `{base}/mail-query/ws`.
    pub(crate) async fn open(base: &str, bearer: &str) -> Self {
        let bearer = format!("Bearer {bearer}");
        Self::connect(base, "mail-query", &[("authorization", &bearer)]).await.unwrap()
    }

    /// Upgrades and opens a session, which listens from here on.
    pub(crate) async fn session(base: &str, bearer: &str) -> Self {
        let mut socket = Self::open(base, bearer).await;
        let hello = json!({
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": { "name": "entrada-tests", "version": "1" },
        });
        let hello = json!({ "jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": hello });
        socket.answer(&hello.to_string()).await;
        socket.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string()).await;
        // This answer says that all before it is done with.
        socket.answer(&json!({ "jsonrpc": "2.0", "id": "ping", "method": "ping" }).to_string()).await;
        socket
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.tap.client_says(text.as_bytes());
        self.stream.send(Message::text(text)).await.unwrap();
    }

    /// Says it if the other side takes it within this time.
    pub(crate) async fn try_say(&mut self, text: &str, patience: Duration) -> bool {
        self.tap.client_says(text.as_bytes());
        matches!(timeout(patience, self.stream.send(Message::text(text))).await, Ok(Ok(())))
    }

    /// The next text, or how the connection ended; pings are answered on the way.
    pub(crate) async fn next(&mut self) -> Said {
        loop {
            match timeout(GUARD, self.stream.next()).await.expect("nothing comes") {
                Some(Ok(Message::Text(text))) => {
                    self.tap.event(text.as_bytes());
                    return Said::Text(text.as_str().to_owned());
                }
                Some(Ok(Message::Close(Some(frame)))) => return Said::Closed(frame.code.into()),
                Some(Ok(Message::Close(None)) | Err(_)) | None => return Said::Gone,
                Some(Ok(_)) => {}
            }
        }
    }

    /// The next text, which must come.
    pub(crate) async fn hear(&mut self) -> String {
        match self.next().await {
            Said::Text(text) => text,
            other @ (Said::Closed(_) | Said::Gone) => panic!("no message: {other:?}"),
        }
    }

    /// The answer to a request; what else is said is passed over.
    pub(crate) async fn answer(&mut self, request: &str) -> String {
        self.say(request).await;
        loop {
            let text = self.hear().await;
            let message: Value = serde_json::from_str(&text).unwrap();
            if message.get("method").is_none() {
                return text;
            }
        }
    }
}
