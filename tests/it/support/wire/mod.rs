//! Every MCP message of the tests, in both directions and every framing, against the schema of its protocol version,
//! and against null members anywhere.
//!
//! A `Tap` hangs on one HTTP exchange or one connection and is told what either side says. Which request a response
//! answers, and which version a session speaks, is kept for all taps of a `Recorder`: an answer may come on another
//! connection than its request. What the server says is always checked. What a client says is checked once the server
//! has accepted it, because tests send broken messages on purpose; those must be refused.

mod check;
pub(crate) mod schema;

use check::{Asked, Kind, MODERN, Party, WITH_BATCHES, faults};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock};

/// Newest version that is opened by a handshake.
const NEWEST_LEGACY: &str = "2025-11-25";

/// How messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Framing {
    /// Answers of `/mcp`, JSON or a stream.
    Post,
    /// The standalone or resumed stream of `/mcp`.
    Get,
    /// `/sse` and `/messages` of 2024-11-05.
    HttpSse,
    /// `/ws`.
    WebSocket,
}

impl Framing {
    /// The framing of a request; none when it is no MCP.
    fn of(method: &str, path: &str) -> Option<Self> {
        let path = path.split('?').next().unwrap_or_default().trim_end_matches('/');
        if path.starts_with("/.well-known") {
            return None;
        }
        match (path.rsplit('/').next()?, method) {
            ("mcp", "GET") => Some(Self::Get),
            ("mcp", _) => Some(Self::Post),
            ("sse" | "messages", _) => Some(Self::HttpSse),
            ("ws", _) => Some(Self::WebSocket),
            _ => None,
        }
    }

    /// What is spoken when nothing says so (mcp.md 3.6.2 and 4).
    fn default_version(self) -> &'static str {
        if self == Self::HttpSse { "2024-11-05" } else { "2025-03-26" }
    }
}

/// One sort of message that was heard from the server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Heard {
    pub(crate) version: String,
    pub(crate) framing: Framing,
    /// Method of the message, or of the request that it answers.
    pub(crate) method: String,
    kind: Kind,
}

impl Heard {
    /// Whether it was a result.
    pub(crate) fn is_result(&self) -> bool {
        self.kind == Kind::Result
    }
}

#[derive(Default)]
struct Known {
    /// Negotiated version by session.
    versions: HashMap<String, String>,
    /// Requests by session, who asked, and id.
    asked: HashMap<(String, Party, String), Asked>,
    heard: BTreeSet<Heard>,
    checked: usize,
    faults: Vec<String>,
}

/// The messages of one cluster, or of one test process.
#[derive(Clone, Default)]
pub(crate) struct Recorder {
    known: Arc<Mutex<Known>>,
    /// A fault fails the test that causes it at once; without this it waits for `assert_valid`.
    strict: bool,
}

impl Recorder {
    /// The recorder of clients that talk past the balancer. Session ids are unique, so all tests share it.
    pub(crate) fn direct() -> Self {
        static DIRECT: OnceLock<Arc<Mutex<Known>>> = OnceLock::new();
        Self { known: Arc::clone(DIRECT.get_or_init(Arc::default)), strict: true }
    }

    /// A tap on one exchange; none when `path` is no MCP. `version` and `session` are the request's headers.
    pub(crate) fn tap(
        &self,
        method: &str,
        path: &str,
        version: Option<&str>,
        session: Option<&str>,
    ) -> Option<Tap> {
        let framing = Framing::of(method, path)?;
        let in_query = path.split_once("sessionId=").map(|(_, id)| id.split('&').next().unwrap_or_default());
        let line = Line {
            framing,
            header: version.map(ToOwned::to_owned),
            session: session.or(in_query).map(ToOwned::to_owned),
            version: None,
            spoken: None,
            asked: HashMap::new(),
            held: Vec::new(),
        };
        Some(Tap { recorder: self.clone(), line: Arc::new(Mutex::new(line)) })
    }

    /// Every sort of message heard so far.
    pub(crate) fn heard(&self) -> BTreeSet<Heard> {
        self.known.lock().unwrap().heard.clone()
    }

    /// How many messages were checked, of both sides.
    pub(crate) fn checked(&self) -> usize {
        self.known.lock().unwrap().checked
    }

    /// What was wrong so far.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.known.lock().unwrap().faults.clone()
    }

    /// Fails when anything was wrong.
    pub(crate) fn assert_valid(&self) {
        let faults = self.faults();
        assert!(faults.is_empty(), "{} faults on the wire:\n{}", faults.len(), faults.join("\n"));
    }

    fn keep(&self, faults: Vec<String>) {
        if faults.is_empty() {
            return;
        }
        assert!(!self.strict, "faults on the wire:\n{}", faults.join("\n"));
        self.known.lock().unwrap().faults.extend(faults);
    }
}

/// What is known of one exchange or connection.
struct Line {
    framing: Framing,
    /// `MCP-Protocol-Version` of the request.
    header: Option<String>,
    session: Option<String>,
    /// Negotiated on this connection.
    version: Option<String>,
    /// Version of the client's last request.
    spoken: Option<String>,
    asked: HashMap<(Party, String), Asked>,
    /// Said by the client and not accepted yet.
    held: Vec<Value>,
}

impl Line {
    /// The version of what the server says beside an answer: that of the request which the exchange is about.
    fn answers_in(&self, message: &Value) -> Option<String> {
        let listens = message["params"]["_meta"].get("io.modelcontextprotocol/subscriptionId").is_some();
        self.spoken.clone().filter(|_| !listens && self.version.is_none())
    }
}

/// Listens to one exchange or connection.
#[derive(Clone)]
pub(crate) struct Tap {
    recorder: Recorder,
    line: Arc<Mutex<Line>>,
}

impl Tap {
    /// The client sends `body`: a message or a batch. What is not JSON must be refused, and is not kept.
    pub(crate) fn client_says(&self, body: &[u8]) {
        let Ok(body) = serde_json::from_slice::<Value>(body) else { return };
        let mut line = self.line.lock().unwrap();
        for message in items(body) {
            if Kind::of(&message) == Some(Kind::Request) {
                let version = self.version_of(&line, &message);
                line.spoken = Some(version.clone());
                self.remember(&mut line, Party::Client, &version, &message);
            } else if Kind::of(&message).is_some() || line.framing != Framing::WebSocket {
                line.held.push(message);
            }
        }
        let at_once = line.framing == Framing::WebSocket;
        drop(line);
        if at_once {
            self.accepted();
        }
    }

    /// The server has answered the head of the exchange: its status and the session that it opened.
    pub(crate) fn answered(&self, status: u16, session: Option<&str>) {
        if let Some(session) = session {
            self.line.lock().unwrap().session = Some(session.to_owned());
        }
        if status == 202 {
            self.accepted();
        }
    }

    /// Checks what the client said and the server accepted.
    fn accepted(&self) {
        let mut line = self.line.lock().unwrap();
        let held = std::mem::take(&mut line.held);
        let mut found = Vec::new();
        for message in held {
            let asked = self.asked(&line, Party::Server, &message);
            if asked.is_none() && Kind::of(&message) == Some(Kind::Result) {
                // Not an answer to anything: the server ignores it.
                continue;
            }
            let version = asked.as_ref().map(|asked| asked.version.clone());
            let version = version.unwrap_or_else(|| self.version_of(&line, &message));
            found.extend(self.judge(&line, &version, Party::Client, &message, asked.as_ref()));
        }
        drop(line);
        self.recorder.keep(found);
    }

    /// The body of an answer that is no stream. What is not JSON-RPC may only refuse.
    pub(crate) fn body(&self, status: u16, body: &[u8]) {
        let json = serde_json::from_slice::<Value>(body);
        let is_rpc = |json: &Value| json.is_array() || json.get("jsonrpc").is_some();
        match json {
            Ok(json) if is_rpc(&json) => self.server_says(json),
            _ if body.is_empty() || !(200..300).contains(&status) => {}
            // The customary acknowledgement (mcp.md 4.3).
            _ if self.line.lock().unwrap().framing == Framing::HttpSse && status == 202 => {}
            _ => {
                self.recorder.keep(vec![format!("{status}: no JSON-RPC: {}", String::from_utf8_lossy(body))]);
            }
        }
    }

    /// The data of one event of a stream.
    pub(crate) fn event(&self, data: &[u8]) {
        let mut line = self.line.lock().unwrap();
        let text = String::from_utf8_lossy(data);
        match serde_json::from_slice::<Value>(data) {
            Ok(message) => {
                drop(line);
                self.server_says(message);
            }
            // The priming event.
            Err(_) if data.is_empty() => {}
            Err(_) if line.framing == Framing::HttpSse && text.contains("sessionId=") => {
                line.session = text.split_once("sessionId=").map(|(_, id)| id.to_owned());
            }
            Err(error) => {
                drop(line);
                self.recorder.keep(vec![format!("an event with {error}: {text}")]);
            }
        }
    }

    /// The server sends a message, or a batch of them.
    fn server_says(&self, said: Value) {
        let is_batch = said.is_array();
        let mut found = Vec::new();
        let mut line = self.line.lock().unwrap();
        for message in items(said) {
            let asked = self.asked(&line, Party::Client, &message);
            if let Some(version) = message["result"]["protocolVersion"].as_str() {
                self.negotiated(&mut line, version);
            }
            let asked = asked.map(|asked| match message["result"]["protocolVersion"].as_str() {
                Some(version) => Asked { version: version.to_owned(), ..asked },
                None => asked,
            });
            let version = asked.as_ref().map(|asked| asked.version.clone());
            let version = version.or_else(|| line.answers_in(&message));
            let version = version.unwrap_or_else(|| self.version_of(&line, &message));
            if is_batch && !WITH_BATCHES.contains(&version.as_str()) {
                found.push(format!("a batch in {version}: {message}"));
            }
            found.extend(self.judge(&line, &version, Party::Server, &message, asked.as_ref()));
            match (Kind::of(&message), &asked) {
                (Some(Kind::Request), _) => self.remember(&mut line, Party::Server, &version, &message),
                // The server has accepted this request; a tool that refuses its arguments has not.
                (Some(Kind::Result), Some(asked)) if message["result"]["isError"] != true => {
                    found.extend(self.judge(&line, &version, Party::Client, &asked.message, None));
                }
                _ => {}
            }
        }
        drop(line);
        self.recorder.keep(found);
    }

    fn judge(
        &self,
        line: &Line,
        version: &str,
        party: Party,
        message: &Value,
        asked: Option<&Asked>,
    ) -> Vec<String> {
        let own = message["method"].as_str();
        let method = own.or(asked.map(Asked::method)).unwrap_or("?").to_owned();
        let place = format!("{version} {:?} {party:?} {method}", line.framing);
        let mut known = self.recorder.known.lock().unwrap();
        known.checked += 1;
        if let (Party::Server, Some(kind)) = (party, Kind::of(message)) {
            known.heard.insert(Heard { version: version.to_owned(), framing: line.framing, method, kind });
        }
        drop(known);
        let found = faults(version, party, message, asked);
        found.into_iter().map(|fault| format!("{place}: {fault}\n  {message}")).collect()
    }

    fn negotiated(&self, line: &mut Line, version: &str) {
        line.version = Some(version.to_owned());
        if let Some(session) = &line.session {
            let mut known = self.recorder.known.lock().unwrap();
            known.versions.insert(session.clone(), version.to_owned());
        }
    }

    fn remember(&self, line: &mut Line, party: Party, version: &str, message: &Value) {
        let asked = Asked { version: version.to_owned(), message: message.clone() };
        let id = message["id"].to_string();
        if let Some(session) = line.session.clone() {
            let mut known = self.recorder.known.lock().unwrap();
            known.asked.insert((session, party, id.clone()), asked.clone());
        }
        line.asked.insert((party, id), asked);
    }

    /// The request of `party` that `message` answers: made here, or anywhere in the session.
    fn asked(&self, line: &Line, party: Party, message: &Value) -> Option<Asked> {
        let id = message.get("id")?.to_string();
        if message.get("method").is_some() {
            return None;
        }
        let here = line.asked.get(&(party, id.clone()));
        let elsewhere = || {
            let known = self.recorder.known.lock().unwrap();
            known.asked.get(&(line.session.clone()?, party, id)).cloned()
        };
        here.cloned().or_else(elsewhere)
    }

    /// The version in which a message is said that answers nothing.
    fn version_of(&self, line: &Line, message: &Value) -> String {
        let meta = &message["params"]["_meta"];
        let stated = meta["io.modelcontextprotocol/protocolVersion"].as_str();
        if meta.get("io.modelcontextprotocol/subscriptionId").is_some() {
            return MODERN.to_owned();
        }
        let of_session = || {
            let known = self.recorder.known.lock().unwrap();
            known.versions.get(line.session.as_deref()?).cloned()
        };
        if message["method"] == "initialize" {
            // What is negotiated is known with the answer.
            return NEWEST_LEGACY.to_owned();
        }
        let spoken = stated.map(ToOwned::to_owned).or_else(|| line.version.clone()).or_else(of_session);
        let spoken = spoken.or_else(|| line.header.clone()).filter(|version| is_version(version));
        spoken.unwrap_or_else(|| line.framing.default_version().to_owned())
    }
}

/// Whether a version is one that the tests may have to do with at all; tests also make some up.
fn is_version(version: &str) -> bool {
    ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"].contains(&version)
}

fn items(body: Value) -> Vec<Value> {
    if let Value::Array(items) = body { items } else { vec![body] }
}
