//! A language model that follows a script: an OpenAI-compatible server of one endpoint.

use parking_lot::Mutex;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What it does with one request.
#[derive(Clone)]
pub(crate) enum Step {
    /// Says these words and ends.
    Say(&'static [&'static str]),
    /// Calls functions, each with its arguments.
    Call(Vec<(&'static str, Value)>),
    /// Calls a function with `${token}` in its arguments replaced by the confirmation token that it was shown.
    Echo(&'static str, Value),
    /// Says a word and then nothing more.
    Stall,
    /// Sends what is no answer.
    Garbage(&'static str),
    /// Refuses.
    Refuse(u16, Value),
}

/// A running model. The last step of its script goes on for ever.
pub(crate) struct Model {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Value>>>,
    /// What is left of the script.
    script: Arc<Mutex<Vec<Step>>>,
    left: watch::Receiver<usize>,
}

impl Model {
    pub(crate) async fn start(script: Vec<Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Value>>> = Arc::default();
        let (leaving, left) = watch::channel(0);
        let script = Arc::new(Mutex::new(script));
        let (seen, steps, told) = (asked.clone(), script.clone(), Arc::new(Mutex::new(String::new())));
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (seen, script, told) = (seen.clone(), steps.clone(), told.clone());
                let leaving = leaving.clone();
                tokio::spawn(serve(connection, seen, script, told, leaving));
            }
        });
        Self { url, asked, script, left }
    }

    /// Settings of a server that uses it.
    pub(crate) fn settings(&self) -> [(&str, &str); 4] {
        [
            ("ENTRADA_LLM_URL", &self.url),
            ("ENTRADA_LLM_KEY", "key-of-the-operator"),
            ("ENTRADA_LLM_MODEL", "scripted"),
            ("ENTRADA_LLM__ALLOW_HTTP", "true"),
        ]
    }

    /// Follows another script from here on.
    pub(crate) fn goes_on_with(&self, script: Vec<Step>) {
        *self.script.lock() = script;
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> Vec<Value> {
        self.asked.lock().clone()
    }

    /// Waits until a client has hung up on a stalled answer.
    pub(crate) async fn hung_up(&self) {
        let mut left = self.left.clone();
        tokio::time::timeout(super::http::GUARD, left.wait_for(|count| *count > 0)).await.unwrap().unwrap();
    }
}

async fn serve(
    mut connection: TcpStream,
    seen: Arc<Mutex<Vec<Value>>>,
    script: Arc<Mutex<Vec<Step>>>,
    told: Arc<Mutex<String>>,
    leaving: watch::Sender<usize>,
) {
    let Some((head, body)) = Box::pin(request(&mut connection)).await else { return };
    let shown =
        body["messages"].as_array().and_then(|all| all.last()?["content"].as_str().map(str::to_owned));
    let token =
        shown.as_deref().and_then(|text| text.split("confirm_token: ").nth(1)?.split_whitespace().next());
    // A model that was told a token once knows it for ever.
    let token = {
        let mut known = told.lock();
        if let Some(token) = token {
            token.clone_into(&mut known);
        }
        known.clone()
    };
    let step = {
        let mut seen = seen.lock();
        let mut body = body;
        body["authorization"] =
            json!(head.to_ascii_lowercase().contains("authorization: bearer key-of-the-operator"));
        seen.push(body);
        let mut script = script.lock();
        if script.len() > 1 { script.remove(0) } else { script[0].clone() }
    };
    let step = match &step {
        Step::Echo(name, arguments) => {
            let text = arguments.to_string().replace("${token}", &token);
            Step::Call(vec![(*name, serde_json::from_str(&text).unwrap())])
        }
        Step::Say(_) | Step::Call(_) | Step::Stall | Step::Garbage(_) | Step::Refuse(..) => step,
    };
    let answer = match &step {
        Step::Refuse(status, body) => {
            let body = body.to_string();
            let head = "retry-after: 7\r\ncontent-type: application/json\r\nconnection: close";
            format!("HTTP/1.1 {status} Scripted\r\n{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        }
        Step::Garbage(text) => format!("{}{text}", opening()),
        Step::Stall => format!("{}{}", opening(), chunk(&json!({"content": "One moment"}), None)),
        Step::Say(words) => {
            let said: String = words.iter().map(|word| chunk(&json!({ "content": word }), None)).collect();
            format!("{}{said}{}", opening(), ending("stop"))
        }
        Step::Echo(..) => unreachable!("became a call"),
        Step::Call(calls) => {
            let call = |(at, (name, arguments)): (usize, &(&str, Value))| {
                // Arguments come in parts, as real models send them.
                let text = arguments.to_string();
                let (first, second) = text.split_at(text.len() / 2);
                let begin = json!({"tool_calls": [{"index": at, "id": format!("call_{at}"), "type": "function",
                    "function": {"name": name, "arguments": first}}]});
                let rest = json!({"tool_calls": [{"index": at, "function": {"arguments": second}}]});
                chunk(&begin, None) + &chunk(&rest, None)
            };
            let called: String = calls.iter().enumerate().map(call).collect();
            format!("{}{called}{}", opening(), ending("tool_calls"))
        }
    };
    let _ = connection.write_all(answer.as_bytes()).await;
    if matches!(step, Step::Stall) {
        let mut rest = [0_u8; 64];
        while connection.read(&mut rest).await.is_ok_and(|read| read > 0) {}
        leaving.send_modify(|count| *count += 1);
    }
}

/// Head and JSON body of a request.
async fn request(connection: &mut TcpStream) -> Option<(String, Value)> {
    let mut bytes = Vec::new();
    let mut part = [0_u8; 16 * 1024];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
            });
            if bytes.len() >= end + 4 + length? {
                return Some((head, serde_json::from_slice(&bytes[end + 4..]).unwrap()));
            }
        }
        match connection.read(&mut part).await {
            Ok(read) if read > 0 => bytes.extend_from_slice(&part[..read]),
            _ => return None,
        }
    }
}

fn opening() -> String {
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n".to_owned()
}

fn chunk(delta: &Value, reason: Option<&str>) -> String {
    let choice = json!({ "index": 0, "delta": delta, "finish_reason": reason });
    format!("data: {}\n\n", json!({ "object": "chat.completion.chunk", "choices": [choice] }))
}

fn ending(reason: &str) -> String {
    let usage = json!({ "choices": [], "usage": { "prompt_tokens": 100, "completion_tokens": 10 } });
    format!("{}data: {usage}\n\ndata: [DONE]\n\n", chunk(&json!({}), Some(reason)))
}
