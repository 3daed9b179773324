//! Where the browser comes back to: a port of this machine that is open for one sign-in (RFC 8252 §7.3).

use super::{RemoteError, clean};
use std::time::Duration;
use subtle::ConstantTimeEq;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

const PATH: &str = "/callback";
/// Longest time that a person takes to sign in.
const PATIENCE: Duration = Duration::from_mins(10);
/// Longest time for one request.
const REQUEST: Duration = Duration::from_secs(10);
const MAX_HEAD: usize = 32 * 1024;

/// The open port.
pub(super) struct Loopback {
    listener: TcpListener,
    port: u16,
}

impl Loopback {
    pub(super) async fn open() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    /// What clients of this kind register; the port is free to differ.
    pub(super) fn registered() -> String {
        format!("http://127.0.0.1{PATH}")
    }

    pub(super) fn redirect_uri(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}", self.port)
    }

    /// The code that the browser brings for `state` from `issuer`. Whatever else arrives is turned away.
    pub(super) async fn code(self, state: &str, issuer: &str) -> Result<String, RemoteError> {
        let wait = async {
            loop {
                let Ok((mut stream, _)) = self.listener.accept().await else { continue };
                let target = tokio::time::timeout(REQUEST, head(&mut stream)).await.ok().flatten();
                let outcome = target.and_then(|target| read(&target, state, issuer));
                let (status, text) = match &outcome {
                    Some(Ok(_)) => ("200 OK", "You are signed in. You may close this page."),
                    Some(Err(_)) => ("200 OK", "You are not signed in. The terminal says why."),
                    None => ("404 Not Found", "There is nothing here."),
                };
                let _ = tokio::time::timeout(REQUEST, stream.write_all(page(status, text).as_bytes())).await;
                let _ = stream.shutdown().await;
                if let Some(outcome) = outcome {
                    return outcome;
                }
            }
        };
        let late = || Err(RemoteError::Declined("nobody came back from the browser in time".to_owned()));
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| late())
    }
}

/// The target of a GET.
async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut piece = [0; 2048];
    while !bytes.windows(4).any(|part| part == b"\r\n\r\n") {
        let count = stream.read(&mut piece).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(piece.get(..count)?);
        if bytes.len() > MAX_HEAD {
            return None;
        }
    }
    let head = String::from_utf8(bytes).ok()?;
    let mut words = head.lines().next()?.split(' ');
    (words.next() == Some("GET")).then(|| words.next().map(ToOwned::to_owned)).flatten()
}

/// What a request means for this sign-in; none: nothing.
fn read(target: &str, state: &str, issuer: &str) -> Option<Result<String, RemoteError>> {
    let url = Url::parse("http://127.0.0.1/").ok()?.join(target).ok()?;
    if url.path() != PATH {
        return None;
    }
    let value =
        |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let is_ours: bool = value("state")?.as_bytes().ct_eq(state.as_bytes()).into();
    if !is_ours {
        return None;
    }
    // An answer of another server is none (RFC 9207 §2.4).
    if value("iss").is_some_and(|named| named != issuer) {
        return Some(Err(RemoteError::Declined("the answer comes from another server".to_owned())));
    }
    if let Some(error) = value("error") {
        let text = value("error_description").unwrap_or(error);
        return Some(Err(RemoteError::Declined(clean(&text))));
    }
    value("code").map(Ok)
}

fn page(status: &str, text: &str) -> String {
    let body = format!("<!doctype html><meta charset=\"utf-8\"><title>Entrada</title><p>{text}</p>");
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\
         Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\nReferrer-Policy: no-referrer\r\n\
         Cache-Control: no-store\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_to_this_sign_in_counts() {
        let read = |target: &str| read(target, "s1", "https://door.example");
        let code = |target: &str| read(target).unwrap().unwrap();
        assert_eq!(code("/callback?code=a%20b&state=s1&iss=https%3A%2F%2Fdoor.example"), "a b");
        assert_eq!(code("/callback?code=c&state=s1"), "c");
        for nothing in [
            "/",
            "/favicon.ico",
            "/callback",
            "/callback?code=c",
            "/callback?code=c&state=s2",
            "/callback?state=s1",
        ] {
            assert!(read(nothing).is_none(), "{nothing}");
        }
        let refused = |target: &str| read(target).unwrap().unwrap_err().to_string();
        assert!(
            refused("/callback?code=c&state=s1&iss=https%3A%2F%2Fevil.example").contains("another server")
        );
        let declined = refused("/callback?error=access_denied&error_description=no%1B%5B2J&state=s1");
        assert_eq!(declined, "nobody is signed in: no[2J");
    }
}
