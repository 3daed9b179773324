//! A WebSocket client (RFC 6455) that knows text, pings and closes.

use super::http::GUARD;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// An open connection.
pub(crate) struct Socket(TcpStream);

/// What comes next on it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Text(String),
    /// The server closed, with this code.
    Closed(u16),
    /// The connection just ended.
    Gone,
}

impl Socket {
    /// Upgrades at `{base}/mail-query/ws`.
    pub(crate) async fn open(base: &str, bearer: &str) -> Self {
        let host = base.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).await.unwrap();
        let head = format!(
            "GET /mail-query/ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: mcp\r\nAuthorization: Bearer {bearer}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.unwrap());
        }
        assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
        Self(stream)
    }

    /// Upgrades and opens a session, which listens from here on.
    pub(crate) async fn session(base: &str, bearer: &str) -> Self {
        let mut socket = Self::open(base, bearer).await;
        let hello = json!({
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": { "name": "entrada-tests", "version": "1" },
        });
        // The second answer says that the first is done with.
        for (method, params) in [("initialize", hello), ("ping", json!({}))] {
            let request = json!({ "jsonrpc": "2.0", "id": method, "method": method, "params": params });
            socket.say(&request.to_string()).await;
            assert!(matches!(socket.next().await, Said::Text(_)));
        }
        socket
    }

    async fn write(&mut self, opcode: u8, payload: &[u8]) {
        let length = u16::try_from(payload.len()).unwrap();
        let mut frame = vec![0x80 | opcode, 0xfe];
        frame.extend(length.to_be_bytes());
        // A mask of zeros is a mask.
        frame.extend([0; 4]);
        frame.extend(payload);
        let _ = self.0.write_all(&frame).await;
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.write(TEXT, text.as_bytes()).await;
    }

    /// The next text, or how the connection ended; pings are answered on the way.
    pub(crate) async fn next(&mut self) -> Said {
        tokio::time::timeout(GUARD, self.read()).await.expect("nothing comes")
    }

    async fn read(&mut self) -> Said {
        loop {
            let Ok((opcode, payload)) = self.frame().await else { return Said::Gone };
            match opcode {
                TEXT => return Said::Text(String::from_utf8(payload).unwrap()),
                PING => self.write(PONG, &payload[..payload.len().min(125)]).await,
                CLOSE => return Said::Closed(u16::from_be_bytes([payload[0], payload[1]])),
                _ => {}
            }
        }
    }

    async fn frame(&mut self) -> std::io::Result<(u8, Vec<u8>)> {
        let opcode = self.0.read_u8().await? & 0x0f;
        let length = match self.0.read_u8().await? {
            126 => u64::from(self.0.read_u16().await?),
            127 => self.0.read_u64().await?,
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).await?;
        Ok((opcode, payload))
    }
}
