//! A service as an MCP client of 2026-07-28 asks it: every request stands for itself, no handshake.

use super::address::Address;
use super::key::{self, Key};
use super::{RemoteError, clean};
use crate::cli::CommandError;
use crate::config::Sources;
use crate::domain::event_stream::Events;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use reqwest::{Client, RequestBuilder, Response, StatusCode, header};
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::time::Duration;

pub(super) const VERSION: &str = "2026-07-28";
/// Longest answer.
pub(super) const TOTAL: Duration = Duration::from_mins(15);
/// Longest silence in an answer; a server that works keeps its stream open by comments.
pub(super) const SILENCE: Duration = Duration::from_mins(2);
/// Longest answer that is no stream.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// JSON-RPC's numbers for what the caller did wrong.
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;

/// Which service, and what opens it.
#[derive(Debug, Args)]
pub(super) struct Where {
    /// Address of a service, such as https://host/mail-query; that of its /mcp will do as well.
    pub(super) url: String,
    /// What the server calls itself, where it is reached at another address, e.g. through `kubectl port-forward`. Sign-ins
    /// and keys are those of this name; requests go to the address of the service.
    #[arg(long, value_name = "URL")]
    pub(super) public_url: Option<String>,
    /// File with the key: a personal key of the service, or a bearer. Without it ENTRADA_KEY or ENTRADA_KEY_FILE counts,
    /// then the sign-in of `entrada login`.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Sends the key to another machine by http:// as well; without it only to this one.
    #[arg(long)]
    plain_http: bool,
}

impl Where {
    /// Everything that it takes to ask.
    pub(super) fn open(self, sources: &Sources) -> Result<Service, CommandError> {
        let address = Address::parse(&self.url)?.known_as(self.public_url.as_deref())?;
        let http = address.client(self.plain_http)?;
        let key = key::find(self.key_file, &sources.environment, &address, self.plain_http)?;
        Ok(Service { address, http, key })
    }
}

/// A service with what opens it.
pub(super) struct Service {
    pub(super) address: Address,
    pub(super) http: Client,
    pub(super) key: Key,
}

impl Service {
    /// The result of a request; `name` is the tool it is about. A bearer that was refused is renewed once.
    pub(super) async fn ask(
        &mut self,
        method: &str,
        name: Option<&str>,
        params: Value,
    ) -> Result<Value, CommandError> {
        self.key.keep_alive(&self.http).await?;
        match self.post(method, name, &params).await {
            Err(CommandError::Remote(RemoteError::Key { .. })) if self.key.renew(&self.http).await? => {
                self.post(method, name, &params).await
            }
            answer => answer,
        }
    }

    async fn post(&self, method: &str, name: Option<&str>, params: &Value) -> Result<Value, CommandError> {
        let mut params = params.as_object().cloned().unwrap_or_default();
        params.insert("_meta".to_owned(), meta());
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let mut request = self.http.post(self.address.mcp()).bearer_auth(self.key.bearer());
        request = request.header("MCP-Protocol-Version", VERSION).header("Mcp-Method", method);
        if let Some(name) = name {
            request = request.header("Mcp-Name", header_value(name));
        }
        let response = send(accepting(request).timeout(TOTAL).json(&body), &self.address).await?;
        let message = answer(response).await?;
        result(message)
    }
}

/// What every request says of its sender. Questions of the server's are not answered: what needs one is confirmed by token.
fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": VERSION,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": { "name": "entrada", "version": env!("CARGO_PKG_VERSION") },
    })
}

/// A name as a header can hold it (2026-07-28, header encoding).
pub(super) fn header_value(name: &str) -> String {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_graphic()) && !name.starts_with("=?base64?");
    if is_plain { name.to_owned() } else { format!("=?base64?{}?=", STANDARD.encode(name)) }
}

pub(super) fn accepting(request: RequestBuilder) -> RequestBuilder {
    request.header(header::ACCEPT, "application/json, text/event-stream")
}

/// The answer, if it is none that refuses.
async fn send(request: RequestBuilder, address: &Address) -> Result<Response, CommandError> {
    let response =
        request.send().await.map_err(|error| RemoteError::unreachable(address.server(), &error))?;
    let status = response.status();
    if status.is_success() || status == StatusCode::BAD_REQUEST && is_json(&response) {
        return Ok(response);
    }
    let seconds = response.headers().get(header::RETRY_AFTER);
    let seconds = seconds.and_then(|value| value.to_str().ok()?.parse().ok());
    let body = body(response).await.unwrap_or_default();
    Err(refusal(status, &body, seconds, address).into())
}

/// What an HTTP status that refuses means, in the words of the body, where it has any.
pub(super) fn refusal(
    status: StatusCode,
    body: &[u8],
    seconds: Option<u64>,
    address: &Address,
) -> RemoteError {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let words = ["/error/message", "/error_description", "/error"];
    let message = words.iter().find_map(|place| body.pointer(place)?.as_str()).map(clean);
    let said = |otherwise: &str| message.clone().unwrap_or_else(|| otherwise.to_owned());
    match status {
        StatusCode::UNAUTHORIZED => {
            RemoteError::Key { message: said("the server does not know it"), page: address.server().clone() }
        }
        StatusCode::FORBIDDEN => RemoteError::Permission(said("the server refuses it")),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
            RemoteError::NoService { url: address.mcp(), message: said("nothing is there") }
        }
        StatusCode::TOO_MANY_REQUESTS => RemoteError::TooMany { message: said("wait a little"), seconds },
        _ => RemoteError::Server { status: status.as_u16(), message: said("it says no more"), seconds },
    }
}

/// The response message of an answer, which is JSON or a stream.
async fn answer(mut response: Response) -> Result<Value, CommandError> {
    let unreadable = || RemoteError::Broken("it is no answer of an MCP server".to_owned());
    if is_json(&response) {
        return Ok(serde_json::from_slice(&body(response).await?).map_err(|_| unreadable())?);
    }
    let mut events = Events::default();
    while let Some(piece) = piece(&mut response).await? {
        for data in events.take(&piece).map_err(|error| RemoteError::Broken(error.to_string()))? {
            let message: Value = serde_json::from_str(&data).unwrap_or_default();
            if message.get("result").is_some() || message.get("error").is_some() {
                return Ok(message);
            }
        }
    }
    Err(RemoteError::Broken("it broke off before its end".to_owned()).into())
}

/// What a response message says.
fn result(mut message: Value) -> Result<Value, CommandError> {
    if let Some(result) = message.get_mut("result") {
        return Ok(result.take());
    }
    let code = message.pointer("/error/code").and_then(Value::as_i64).unwrap_or_default();
    let text = message.pointer("/error/message").and_then(Value::as_str).unwrap_or("it gives no reason");
    let text = clean(text);
    Err(match code {
        METHOD_NOT_FOUND | INVALID_PARAMS => RemoteError::Asked(text),
        _ => RemoteError::Broken(text),
    }
    .into())
}

pub(super) fn is_json(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/json"))
}

pub(super) async fn piece(response: &mut Response) -> Result<Option<Vec<u8>>, RemoteError> {
    let Ok(piece) = tokio::time::timeout(SILENCE, response.chunk()).await else {
        return Err(RemoteError::Broken("the server has fallen silent".to_owned()));
    };
    let broken = |_| RemoteError::Broken("the connection was lost".to_owned());
    Ok(piece.map_err(broken)?.map(|piece| piece.to_vec()))
}

pub(super) async fn body(mut response: Response) -> Result<Vec<u8>, RemoteError> {
    let mut body = Vec::new();
    while let Some(piece) = piece(&mut response).await? {
        body.extend(piece);
        if body.len() > MAX_BODY {
            return Err(RemoteError::Broken("it is too long".to_owned()));
        }
    }
    Ok(body)
}

/// Texts of a tool's answer.
pub(super) fn text_of(result: &Value) -> String {
    let parts = result.get("content").and_then(Value::as_array).into_iter().flatten();
    let texts: Vec<&str> = parts.filter_map(|part| part.get("text")?.as_str()).collect();
    clean(&texts.join("\n"))
}

/// An object's members, or none.
pub(super) fn members(value: Option<&Value>) -> Map<String, Value> {
    value.and_then(Value::as_object).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_into_headers_and_words_of_refusals_come_out() {
        assert_eq!(header_value("query_email"), "query_email");
        assert_eq!(header_value("메일"), format!("=?base64?{}?=", STANDARD.encode("메일")));
        assert!(header_value("a b").starts_with("=?base64?"));
        let address = Address::parse("https://door.example/mail-query").unwrap();
        let said = |status: u16, body: &str| {
            refusal(StatusCode::from_u16(status).unwrap(), body.as_bytes(), Some(7), &address).to_string()
        };
        assert!(said(401, r#"{"error":{"message":"it has ended"}}"#).contains("it has ended"));
        assert!(
            said(403, r#"{"error":"insufficient_scope","error_description":"needs Mail.Send"}"#)
                .contains("Mail.Send")
        );
        assert!(said(429, "<html>").contains("Try again in 7 s"));
        assert!(said(502, "").contains("502"));
        assert!(result(json!({"error": {"code": -32602, "message": "no such tool"}})).is_err());
    }
}
