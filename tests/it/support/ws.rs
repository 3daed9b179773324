//! MCP over WebSocket. Both sides are checked like everything on the wire.

use super::http::GUARD;
use super::wire::{Recorder, Tap};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

/// An open connection, which answers pings while it is read.
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    tap: Tap,
}

impl Socket {
    /// Connects to `/{service}/ws` with these headers; the status when that is refused.
    pub(crate) async fn open(base: &str, service: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
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

    /// Connects with a bearer.
    pub(crate) async fn with_bearer(base: &str, service: &str, bearer: &str) -> Self {
        let bearer = format!("Bearer {bearer}");
        Self::open(base, service, &[("authorization", &bearer)]).await.unwrap()
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.tap.client_says(text.as_bytes());
        self.stream.send(Message::text(text)).await.unwrap();
    }

    /// The next message.
    pub(crate) async fn hear(&mut self) -> String {
        loop {
            match timeout(GUARD, self.stream.next()).await.expect("nothing is said") {
                Some(Ok(Message::Text(text))) => {
                    self.tap.event(text.as_bytes());
                    return text.as_str().to_owned();
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("no message: {other:?}"),
            }
        }
    }

    /// The answer to the request with this id, JSON text; what else is said is passed over.
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
