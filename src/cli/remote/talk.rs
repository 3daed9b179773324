//! One conversation: what is sent, and what of the answer is shown.

use super::address::Address;
use super::chat::no_front;
use super::key::Key;
use super::{RemoteError, clean, whisper};
use crate::cli::CommandError;
use crate::domain::event_stream::Events;
use reqwest::{Client, RequestBuilder, Response, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write;
use std::time::Duration;

/// Longest answer. A server that works keeps its stream open by comments.
const TOTAL: Duration = Duration::from_mins(15);
/// Longest silence in an answer.
const SILENCE: Duration = Duration::from_mins(2);
/// Longest refusal, or answer that is no stream, that is read.
const MAX_BODY: usize = 4 * 1024 * 1024;
/// Longest arguments of a call that are shown.
const MAX_ARGUMENTS: usize = 300;

/// A chunk of an answer, or the whole of one that is no stream.
#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    error: Option<Fault>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default, alias = "message")]
    delta: Delta,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Delta {
    #[serde(default)]
    content: Option<String>,
    /// Calls that the service ran for this answer.
    #[serde(default)]
    tool_results: Vec<Ran>,
}

#[derive(Deserialize)]
struct Ran {
    name: String,
    #[serde(default)]
    arguments: String,
    #[serde(default)]
    content: String,
    #[serde(default)]
    is_error: bool,
}

#[derive(Default, Deserialize)]
struct Fault {
    #[serde(default)]
    message: String,
}

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error: Option<Fault>,
}

/// A conversation with one service.
pub(super) struct Talk {
    address: Address,
    key: Key,
    http: Client,
    model: String,
    /// So far; answers without the calls behind them, which the service makes anew when it needs them.
    messages: Vec<Value>,
}

impl Talk {
    /// Finds out what the service is called; the key is tried with it.
    pub(super) async fn open(address: Address, http: Client, key: Key) -> Result<Self, CommandError> {
        let mut talk = Self { address, key, http, model: String::new(), messages: Vec::new() };
        talk.key.keep_alive(&talk.http).await?;
        let list = match talk.models().await {
            Err(CommandError::Remote(RemoteError::Key { .. })) if talk.key.renew(&talk.http).await? => {
                talk.models().await?
            }
            list => list?,
        };
        let id = list.pointer("/data/0/id").and_then(Value::as_str);
        id.ok_or_else(|| no_front(&talk.address))?.clone_into(&mut talk.model);
        Ok(talk)
    }

    async fn models(&self) -> Result<Value, CommandError> {
        let answer = self.send(self.http.get(self.address.front("models"))).await?;
        Ok(serde_json::from_slice(&self.body(answer).await?).unwrap_or_default())
    }

    /// What the service calls itself.
    pub(super) fn model(&self) -> &str {
        &self.model
    }

    /// Sends a message and shows the answer as it comes. A message that failed is not part of the conversation.
    pub(super) async fn ask(&mut self, message: &str) -> Result<(), CommandError> {
        self.key.keep_alive(&self.http).await?;
        self.messages.push(json!({ "role": "user", "content": message }));
        match self.answer().await {
            Ok(text) => {
                self.messages.push(json!({ "role": "assistant", "content": text }));
                Ok(())
            }
            Err(error) => {
                self.messages.pop();
                Err(error)
            }
        }
    }

    async fn answer(&self) -> Result<String, CommandError> {
        let body = json!({ "model": self.model, "messages": self.messages, "stream": true });
        let request = self.http.post(self.address.front("chat/completions")).json(&body);
        let mut response = self.send(request.timeout(TOTAL)).await?;
        let mut shown = Shown::default();
        if !is_stream(&response) {
            shown.chunk(&self.body(response).await?)?;
            return shown.end();
        }
        let mut events = Events::default();
        while let Some(piece) = self.piece(&mut response).await? {
            for data in events.take(&piece).map_err(|error| RemoteError::Broken(error.to_string()))? {
                if data == "[DONE]" {
                    return shown.end();
                }
                shown.chunk(data.as_bytes())?;
            }
        }
        shown.line()?;
        Err(RemoteError::Broken("it broke off before its end".to_owned()).into())
    }

    async fn piece(&self, response: &mut Response) -> Result<Option<Vec<u8>>, CommandError> {
        let Ok(piece) = tokio::time::timeout(SILENCE, response.chunk()).await else {
            return Err(RemoteError::Broken("the server has fallen silent".to_owned()).into());
        };
        let broken = |_| RemoteError::Broken("the connection was lost".to_owned());
        Ok(piece.map_err(broken)?.map(|piece| piece.to_vec()))
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, CommandError> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece(&mut response).await? {
            body.extend(piece);
            if body.len() > MAX_BODY {
                return Err(RemoteError::Broken("it is too long".to_owned()).into());
            }
        }
        Ok(body)
    }

    /// The answer, if it is none that refuses.
    async fn send(&self, request: RequestBuilder) -> Result<Response, CommandError> {
        let unreachable = |error: reqwest::Error| RemoteError::unreachable(self.address.server(), &error);
        let response = request.bearer_auth(self.key.bearer()).send().await.map_err(unreachable)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let seconds = response.headers().get(header::RETRY_AFTER);
        let seconds = seconds.and_then(|value| value.to_str().ok()?.parse().ok());
        // A refusal that cannot be read is one all the same.
        let body = self.body(response).await.unwrap_or_default();
        Err(self.refusal(status, &body, seconds).into())
    }

    fn refusal(&self, status: StatusCode, body: &[u8], seconds: Option<u64>) -> RemoteError {
        let refusal: Refusal = serde_json::from_slice(body).unwrap_or_default();
        let message = clean(&refusal.error.unwrap_or_default().message);
        let said = |otherwise: &str| if message.is_empty() { otherwise.to_owned() } else { message.clone() };
        match status {
            StatusCode::UNAUTHORIZED => RemoteError::Key {
                message: said("the server does not know it"),
                page: self.address.server().clone(),
            },
            StatusCode::FORBIDDEN => RemoteError::Permission(said("the server refuses it")),
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                RemoteError::NoService { url: self.address.front(""), message: said("nothing is there") }
            }
            StatusCode::TOO_MANY_REQUESTS => RemoteError::TooMany { message: said("wait a little"), seconds },
            _ => RemoteError::Server { status: status.as_u16(), message: said("it says no more"), seconds },
        }
    }
}

fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/event-stream"))
}

/// What of an answer is on the screen.
#[derive(Default)]
struct Shown {
    text: String,
    /// The last line is not ended yet.
    is_open: bool,
}

impl Shown {
    /// Shows a chunk: the calls beside the answer, the text as the answer.
    fn chunk(&mut self, data: &[u8]) -> Result<(), CommandError> {
        let Ok(chunk) = serde_json::from_slice::<Chunk>(data) else {
            return Err(RemoteError::Broken("a part of it is no chat completion".to_owned()).into());
        };
        if let Some(fault) = chunk.error {
            self.line()?;
            return Err(RemoteError::Broken(clean(&fault.message)).into());
        }
        for choice in chunk.choices {
            for ran in &choice.delta.tool_results {
                whisper(&told(ran))?;
            }
            if let Some(text) = choice.delta.content.filter(|text| !text.is_empty()) {
                let mut out = std::io::stdout().lock();
                out.write_all(clean(&text).as_bytes())?;
                out.flush()?;
                self.is_open = !text.ends_with('\n');
                self.text.push_str(&text);
            }
            if choice.finish_reason.as_deref() == Some("length") {
                self.line()?;
                whisper("(The answer was cut: it was too long.)")?;
            }
        }
        Ok(())
    }

    /// Ends the last line.
    fn line(&mut self) -> std::io::Result<()> {
        if !std::mem::take(&mut self.is_open) {
            return Ok(());
        }
        let mut out = std::io::stdout().lock();
        out.write_all(b"\n")?;
        out.flush()
    }

    fn end(mut self) -> Result<String, CommandError> {
        self.line()?;
        Ok(self.text)
    }
}

/// A call that was made, in one line.
fn told(ran: &Ran) -> String {
    let mut arguments: String = clean(&ran.arguments).replace('\n', " ");
    if arguments.chars().count() > MAX_ARGUMENTS {
        arguments = arguments.chars().take(MAX_ARGUMENTS).chain(['…']).collect();
    }
    let line = format!("→ {} {arguments}", clean(&ran.name));
    if !ran.is_error {
        return line.trim_end().to_owned();
    }
    let why = clean(&ran.content);
    format!("{} ✗ {}", line.trim_end(), why.lines().next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_one_line_and_no_command_to_the_terminal() {
        let ran = |arguments: &str, is_error| Ran {
            name: "query_email".to_owned(),
            arguments: arguments.to_owned(),
            content: "No such\u{1b}[2J folder.\nMore.".to_owned(),
            is_error,
        };
        assert_eq!(told(&ran("{\"a\":\n1}", false)), "→ query_email {\"a\": 1}");
        assert_eq!(told(&ran("", false)), "→ query_email");
        assert_eq!(told(&ran("{}", true)), "→ query_email {} ✗ No such[2J folder.");
        assert!(told(&ran(&"x".repeat(1000), false)).chars().count() < 320);
        assert_eq!(clean("a\u{1b}]0;t\u{7}\u{9b}31mb\tc\r\n"), "a]0;t31mb\tc\n");
    }
}
