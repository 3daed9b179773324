//! The server's side of the bridge: one message in, its answers out, over whatever happens to the connection.

use super::service::{SILENCE, Service, VERSION, accepting, body, header_value, is_json, piece, refusal};
use super::{RemoteError, whisper};
use crate::cli::CommandError;
use crate::domain::event_stream::Events;
use parking_lot::Mutex;
use reqwest::{RequestBuilder, Response, StatusCode, header};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Longest life of one connection; a stream that ends is opened anew.
const STREAM: Duration = Duration::from_hours(24);
/// Tries of what was never sent, or of a stream that broke.
const TRIES: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// JSON-RPC's number for a line that is no message, and ours for what the way to the server did.
const PARSE_ERROR: i64 = -32700;
const UNAVAILABLE: i64 = -32000;

/// A message of the client.
#[derive(Clone, Debug)]
pub(super) struct Line(Value);

impl Line {
    /// Reads a line; what to answer if it is no message.
    pub(super) fn read(line: &[u8]) -> Result<Self, Value> {
        match serde_json::from_slice(line) {
            Ok(message @ (Value::Object(_) | Value::Array(_))) => Ok(Self(message)),
            Ok(_) | Err(_) => Err(failed(&Value::Null, PARSE_ERROR, "the line is no JSON-RPC message")),
        }
    }

    fn method(&self) -> Option<&str> {
        self.0.get("method")?.as_str()
    }

    /// The id of a request; responses and notifications have none here.
    pub(super) fn id(&self) -> Option<&Value> {
        self.method()?;
        self.0.get("id")
    }

    /// Whether what follows has to wait for it: what opens a session, and all that is not answered.
    pub(super) fn goes_in_order(&self) -> bool {
        self.is_initialize() || self.id().is_none()
    }

    fn is_initialize(&self) -> bool {
        self.method() == Some("initialize")
    }

    /// The request that it cancels.
    pub(super) fn cancels(&self) -> Option<String> {
        let cancels = self.method()? == "notifications/cancelled";
        cancels.then(|| self.0.pointer("/params/requestId").map(Value::to_string)).flatten()
    }

    /// The version that a request of the modern era names itself.
    fn version(&self) -> Option<&str> {
        self.0.pointer("/params/_meta/io.modelcontextprotocol~1protocolVersion")?.as_str()
    }

    /// The headers that repeat what it is about.
    fn headers(&self, mut request: RequestBuilder) -> RequestBuilder {
        let Some(version) = self.version() else { return request };
        request = request.header("MCP-Protocol-Version", version);
        if version < VERSION {
            return request;
        }
        request = request.header("Mcp-Method", header_value(self.method().unwrap_or_default()));
        let name = ["/params/name", "/params/uri", "/params/taskId"]
            .iter()
            .find_map(|place| self.0.pointer(place)?.as_str());
        match name {
            Some(name) => request.header("Mcp-Name", header_value(name)),
            None => request,
        }
    }
}

/// A session of the server, and how it was opened.
#[derive(Clone, Debug)]
struct Session {
    id: String,
    version: String,
    opened_with: Line,
}

/// The bridge's connection.
pub(super) struct Wire {
    service: tokio::sync::Mutex<Service>,
    session: Mutex<Option<Session>>,
    /// Held by who opens a session anew.
    opening: tokio::sync::Mutex<()>,
    /// The server's own stream of the session.
    listening: Mutex<Option<tokio::task::AbortHandle>>,
    out: mpsc::Sender<Value>,
}

impl Wire {
    pub(super) fn new(service: Service, out: mpsc::Sender<Value>) -> Self {
        Self {
            service: service.into(),
            session: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            listening: Mutex::default(),
            out,
        }
    }

    pub(super) fn has_session(&self) -> bool {
        self.session.lock().is_some()
    }

    pub(super) async fn print(&self, message: Value) {
        // Fails when nobody reads any more; then stdin ends as well.
        let _ = self.out.send(message).await;
    }

    /// Passes a message on, and prints everything that comes of it. A request is answered in any case.
    pub(super) async fn pass(self: &Arc<Self>, line: Line) {
        if let Err(error) = self.exchange(&line).await {
            let text = error.to_string();
            let _ = whisper(&format!("entrada: {text}"));
            if let Some(id) = line.id() {
                self.print(failed(id, UNAVAILABLE, &text)).await;
            }
        }
    }

    async fn exchange(self: &Arc<Self>, line: &Line) -> Result<(), CommandError> {
        let before = self.session.lock().clone().filter(|_| !line.is_initialize());
        let response = self.post(line, before.as_ref()).await?;
        if response.status() == StatusCode::NOT_FOUND
            && let Some(lost) = before
        {
            // The session has ended at the server; the client need not know.
            let _ = body(response).await;
            let fresh = self.open_again(&lost).await?;
            let response = self.post(line, Some(&fresh)).await?;
            return self.print_answer(line, response).await;
        }
        if line.is_initialize() {
            return self.opened(line, response).await;
        }
        self.print_answer(line, response).await
    }

    /// Notes the session that an `initialize` has opened, prints the answer, and listens to what the server says by itself.
    async fn opened(self: &Arc<Self>, line: &Line, response: Response) -> Result<(), CommandError> {
        let id = response.headers().get("mcp-session-id").and_then(|value| value.to_str().ok());
        let id = id.map(ToOwned::to_owned);
        let answer = self.answer_of(line, response).await?;
        let version = answer.pointer("/result/protocolVersion").and_then(Value::as_str);
        if let (Some(id), Some(version)) = (id, version) {
            let session = Session { id, version: version.to_owned(), opened_with: line.clone() };
            *self.session.lock() = Some(session);
        }
        self.print(answer).await;
        Ok(())
    }

    /// A session in the place of one that was lost; another request may have opened it already.
    async fn open_again(self: &Arc<Self>, lost: &Session) -> Result<Session, CommandError> {
        let _alone = self.opening.lock().await;
        if let Some(current) = self.session.lock().clone().filter(|current| current.id != lost.id) {
            return Ok(current);
        }
        let response = self.post(&lost.opened_with, None).await?;
        let id = response.headers().get("mcp-session-id").and_then(|value| value.to_str().ok());
        let none =
            || RemoteError::Broken("the session has ended, and the server opens no new one".to_owned());
        let session = Session { id: id.ok_or_else(none)?.to_owned(), ..lost.clone() };
        self.answer_of(&lost.opened_with, response).await?;
        *self.session.lock() = Some(session.clone());
        let ready = Line(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        let _ = body(self.post(&ready, Some(&session)).await?).await;
        whisper("entrada: the session had ended; a new one is open")?;
        self.listen(session.clone());
        Ok(session)
    }

    /// Prints what the answer to a message holds.
    async fn print_answer(self: &Arc<Self>, line: &Line, response: Response) -> Result<(), CommandError> {
        if line.method() == Some("notifications/initialized")
            && let Some(session) = self.session.lock().clone()
        {
            self.listen(session);
        }
        if response.status() == StatusCode::ACCEPTED || line.id().is_none() && !line.0.is_array() {
            return self.accepted(response).await;
        }
        let answer = self.answer_of(line, response).await?;
        self.print(answer).await;
        Ok(())
    }

    /// A notification or response has no answer; a refusal is told on stderr.
    async fn accepted(&self, response: Response) -> Result<(), CommandError> {
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let address = self.service.lock().await.address.clone();
        Err(refusal(status, &body(response).await.unwrap_or_default(), None, &address).into())
    }

    /// The response message to a request; what comes before it on its stream is printed.
    async fn answer_of(&self, line: &Line, mut response: Response) -> Result<Value, CommandError> {
        let status = response.status();
        if is_json(&response) || !status.is_success() {
            let bytes = body(response).await?;
            let message = serde_json::from_slice::<Value>(&bytes).ok();
            if let Some(mut message) =
                message.filter(|message| message.get("jsonrpc").is_some() || message.is_array())
            {
                // A refusal at the door may not know what was asked.
                if let Some(id) = line.id()
                    && let Some(unknown) = message.get_mut("id").filter(|id| id.is_null())
                {
                    *unknown = id.clone();
                }
                return Ok(message);
            }
            let address = self.service.lock().await.address.clone();
            return Err(refusal(status, &bytes, None, &address).into());
        }
        let (mut events, mut tries) = (Events::default(), 0);
        loop {
            match self.read(&mut response, &mut events, line.id()).await {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) | Err(_) if events.last_id().is_some() && tries < TRIES => {
                    tokio::time::sleep(pause(tries)).await;
                    tries += 1;
                    if let Some(next) = self.read_on(&events).await? {
                        events.anew();
                        response = next;
                    }
                }
                Ok(None) => return Err(RemoteError::Broken("it broke off before its end".to_owned()).into()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Reads a stream to the response for `id`, or to its end, and prints everything else.
    async fn read(
        &self,
        response: &mut Response,
        events: &mut Events,
        id: Option<&Value>,
    ) -> Result<Option<Value>, RemoteError> {
        while let Some(piece) = piece(response).await? {
            for data in events.take(&piece).map_err(|error| RemoteError::Broken(error.to_string()))? {
                let Ok(message) = serde_json::from_str::<Value>(&data) else { continue };
                let is_response = message.get("method").is_none();
                if is_response && id.is_some() && message.get("id") == id {
                    return Ok(Some(message));
                }
                self.print(message).await;
            }
        }
        Ok(None)
    }

    /// The rest of a stream that broke; none while nobody answers.
    async fn read_on(&self, events: &Events) -> Result<Option<Response>, CommandError> {
        let session = self.session.lock().clone();
        let answer = self.get(session.as_ref(), events.last_id()).await;
        match answer {
            Ok(response) if response.status().is_success() => Ok(Some(response)),
            Ok(response) => {
                let address = self.service.lock().await.address.clone();
                let status = response.status();
                Err(refusal(status, &body(response).await.unwrap_or_default(), None, &address).into())
            }
            Err(CommandError::Remote(RemoteError::Unreachable { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Prints what the server says by itself, for as long as the session stands.
    fn listen(self: &Arc<Self>, session: Session) {
        let hearing = Arc::downgrade(self);
        let task = tokio::task::spawn_local(async move {
            let (mut events, mut tries) = (Events::default(), 0);
            while let Some(wire) = hearing.upgrade() {
                if wire.session.lock().as_ref().is_none_or(|current| current.id != session.id) {
                    return;
                }
                match wire.get(Some(&session), events.last_id()).await {
                    Ok(mut response) if response.status().is_success() => {
                        tries = 0;
                        events.anew();
                        let _ = wire.read(&mut response, &mut events, None).await;
                    }
                    // No such stream here, or no session any more: the next request finds out.
                    Ok(response) if response.status().is_client_error() => return,
                    Ok(_) | Err(_) => tries += 1,
                }
                drop(wire);
                tokio::time::sleep(pause(tries)).await;
            }
        });
        if let Some(older) = self.listening.lock().replace(task.abort_handle()) {
            older.abort();
        }
    }

    /// Ends the session.
    pub(super) async fn close(&self) {
        if let Some(listening) = self.listening.lock().take() {
            listening.abort();
        }
        let Some(session) = self.session.lock().take() else { return };
        let service = self.service.lock().await;
        let request = service.http.delete(service.address.mcp()).bearer_auth(service.key.bearer());
        // A session that is not ended ends by itself.
        let _ = in_session(request, &session).timeout(Duration::from_secs(5)).send().await;
    }

    async fn post(&self, line: &Line, session: Option<&Session>) -> Result<Response, CommandError> {
        self.send(|service| {
            let request = service.http.post(service.address.mcp()).json(&line.0);
            match session {
                Some(session) => in_session(request, session),
                None => line.headers(request),
            }
        })
        .await
    }

    async fn get(&self, session: Option<&Session>, last: Option<&str>) -> Result<Response, CommandError> {
        self.send(|service| {
            let mut request = service.http.get(service.address.mcp());
            if let Some(last) = last {
                request = request.header("Last-Event-ID", last);
            }
            match session {
                Some(session) => in_session(request, session),
                None => request.header("MCP-Protocol-Version", VERSION),
            }
        })
        .await
    }

    /// Sends a request with the key: again when the bearer has ended, and when nobody was there to take it.
    async fn send(&self, request: impl Fn(&Service) -> RequestBuilder) -> Result<Response, CommandError> {
        let (mut tries, mut renewed) = (0, false);
        loop {
            let (request, server) = {
                let mut guard = self.service.lock().await;
                let service = &mut *guard;
                service.key.keep_alive(&service.http).await?;
                let request = accepting(request(service)).bearer_auth(service.key.bearer());
                (request.timeout(STREAM), service.address.server().clone())
            };
            match tokio::time::timeout(SILENCE, request.send()).await {
                Ok(Ok(response)) if response.status() == StatusCode::UNAUTHORIZED && !renewed => {
                    renewed = true;
                    let mut guard = self.service.lock().await;
                    let service = &mut *guard;
                    if !service.key.renew(&service.http).await? {
                        let bytes = body(response).await.unwrap_or_default();
                        return Err(refusal(StatusCode::UNAUTHORIZED, &bytes, None, &service.address).into());
                    }
                }
                Ok(Ok(response)) if is_away(&response) && tries < TRIES => {
                    tokio::time::sleep(pause(tries).max(ordered(&response))).await;
                    tries += 1;
                }
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(error)) if error.is_connect() && tries < TRIES => {
                    tokio::time::sleep(pause(tries)).await;
                    tries += 1;
                }
                Ok(Err(error)) => return Err(RemoteError::unreachable(&server, &error).into()),
                Err(_) => {
                    return Err(RemoteError::Unreachable { url: server, problem: "no answer in time" }.into());
                }
            }
        }
    }
}

fn in_session(request: RequestBuilder, session: &Session) -> RequestBuilder {
    request.header("Mcp-Session-Id", &session.id).header("MCP-Protocol-Version", &session.version)
}

/// Whether the server said that it did nothing and will do so later.
fn is_away(response: &Response) -> bool {
    response.status() == StatusCode::SERVICE_UNAVAILABLE
        && response.headers().contains_key(header::RETRY_AFTER)
}

/// The wait that it asked for, within reason.
fn ordered(response: &Response) -> Duration {
    let seconds =
        response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(0)).min(LONGEST_PAUSE)
}

fn pause(tries: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << tries.min(8)).min(LONGEST_PAUSE)
}

/// A JSON-RPC error.
fn failed(id: &Value, code: i64, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_a_line_is_decides_how_it_goes() {
        let opening = line(r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}"#);
        assert!(opening.is_initialize() && opening.goes_in_order());
        let request = line(r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"x"}}"#);
        assert!(!request.goes_in_order());
        assert_eq!(request.id(), Some(&json!("a")));
        let response = line(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#);
        assert!(response.goes_in_order() && response.id().is_none());
        let cancel =
            line(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"a"}}"#);
        assert_eq!(cancel.cancels(), Some("\"a\"".to_owned()));
        for wrong in ["", "7", "{", "\"x\"", "\u{feff}{}"] {
            assert_eq!(Line::read(wrong.as_bytes()).unwrap_err()["error"]["code"], PARSE_ERROR, "{wrong}");
        }
    }

    #[test]
    fn pauses_grow_and_end() {
        assert_eq!(pause(0), FIRST_PAUSE);
        assert_eq!(pause(40), LONGEST_PAUSE);
    }
}
