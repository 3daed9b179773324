//! What is wrong with one message: its JSON-RPC shape, null members, and the schema of its protocol version.

use super::schema::{Schema, folder};
use serde_json::{Value, json};

/// Protocol versions with batches (mcp.md 3.4).
pub(crate) const WITH_BATCHES: [&str; 2] = ["2024-11-05", "2025-03-26"];
/// The version whose results have several forms.
pub(crate) const MODERN: &str = "2026-07-28";
/// Requests that no schema has: the tasks extension of 2026-07-28, and our own greeting over WebSocket.
const EXTENSION_REQUESTS: [&str; 4] = ["tasks/get", "tasks/update", "tasks/cancel", "authenticate"];
/// Notifications of the tasks extension.
const EXTENSION_NOTIFICATIONS: [&str; 1] = ["notifications/tasks"];
/// Methods that may ask back in their result (mcp.md 5.7).
const MAY_ASK: [&str; 3] = ["tools/call", "prompts/get", "resources/read"];
/// Errors with a definition of their own, in the versions that have it.
const ERRORS: [(i64, &str); 4] = [
    (-32020, "HeaderMismatchError"),
    (-32021, "MissingRequiredClientCapabilityError"),
    (-32022, "UnsupportedProtocolVersionError"),
    (-32042, "URLElicitationRequiredError"),
];

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Party {
    Client,
    Server,
}

impl Party {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Client => "Client",
            Self::Server => "Server",
        }
    }
}

/// The four kinds of JSON-RPC messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Request,
    Notification,
    Result,
    Error,
}

impl Kind {
    /// The kind of `message`; none when it is none of them.
    pub(crate) fn of(message: &Value) -> Option<Self> {
        let has = |name: &str| message.get(name).is_some();
        if message.get("jsonrpc")? != "2.0" {
            return None;
        }
        match (has("method"), has("result"), has("error")) {
            (true, false, false) if message["method"].is_string() => {
                Some(if has("id") { Self::Request } else { Self::Notification })
            }
            (false, true, false) if has("id") => Some(Self::Result),
            (false, false, true) => Some(Self::Error),
            _ => None,
        }
    }
}

/// A request and the version it was made in.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) version: String,
    pub(crate) message: Value,
}

impl Asked {
    pub(crate) fn method(&self) -> &str {
        self.message["method"].as_str().unwrap_or_default()
    }
}

/// What is wrong with `message`, said by `party` in `version`; `asked` is the request that it answers.
pub(crate) fn faults(version: &str, party: Party, message: &Value, asked: Option<&Asked>) -> Vec<String> {
    let mut found = Vec::new();
    if party == Party::Server {
        nulls(message, "$", &mut found);
    }
    let Some(kind) = Kind::of(message) else {
        found.push("neither a request nor a notification, result or error".to_owned());
        return found;
    };
    let Some(schema) = Schema::of(version) else {
        if folder().is_some() {
            found.push(format!("there is no version {version}"));
        }
        return found;
    };
    match kind {
        Kind::Request | Kind::Notification => found.extend(said(&schema, party, kind, message)),
        Kind::Result => found.extend(result(&schema, version, party, message, asked)),
        Kind::Error => found.extend(error(&schema, message)),
    }
    found
}

/// Requests and notifications.
fn said(schema: &Schema, party: Party, kind: Kind, message: &Value) -> Vec<String> {
    let (envelope, extensions) = if kind == Kind::Request {
        ("JSONRPCRequest", EXTENSION_REQUESTS.as_slice())
    } else {
        ("JSONRPCNotification", EXTENSION_NOTIFICATIONS.as_slice())
    };
    let method = message["method"].as_str().unwrap_or_default();
    let mut found = schema.faults(envelope, message);
    let union = format!("{}{}", party.name(), if kind == Kind::Request { "Request" } else { "Notification" });
    match schema.message(&union, method) {
        Some(definition) => found.extend(schema.faults(&definition, message)),
        None if extensions.contains(&method) => {}
        // Servers ignore notifications that they do not know.
        None if party == Party::Client && kind == Kind::Notification => {}
        None => found.push(format!("{union} has no {method}")),
    }
    found
}

fn result(
    schema: &Schema,
    version: &str,
    party: Party,
    message: &Value,
    asked: Option<&Asked>,
) -> Vec<String> {
    let envelope =
        if schema.defines("JSONRPCResultResponse") { "JSONRPCResultResponse" } else { "JSONRPCResponse" };
    let result = &message["result"];
    let mut found = schema.faults(envelope, message);
    let Some(asked) = asked else {
        found.push("a result that nobody asked for".to_owned());
        return found;
    };
    let method = asked.method();
    let Some(request) = schema.message(&format!("{}Request", party.other().name()), method) else {
        if !EXTENSION_REQUESTS.contains(&method) {
            found.push(format!("a result of {method}, which {version} does not have"));
        }
        return found;
    };
    let own = request.replace("Request", "Result");
    let complete = if schema.defines(&own) { own.as_str() } else { "EmptyResult" };
    let form = result.get("resultType");
    match (version == MODERN, form.and_then(Value::as_str)) {
        (false, None) if form.is_none() => found.extend(schema.faults(complete, result)),
        (true, Some("complete")) => found.extend(schema.faults(complete, result)),
        (true, Some("input_required")) if MAY_ASK.contains(&method) => {
            found.extend(schema.faults("InputRequiredResult", result));
            if result.get("inputRequests").is_none() && result.get("requestState").is_none() {
                found.push("InputRequiredResult asks for nothing".to_owned());
            }
        }
        (true, Some("task")) if method == "tools/call" => {
            if !result["taskId"].is_string() {
                found.push("a task without taskId".to_owned());
            }
        }
        _ => found.push(format!("unknown form {form:?} of a result of {method}")),
    }
    found
}

fn error(schema: &Schema, message: &Value) -> Vec<String> {
    let envelope =
        if schema.defines("JSONRPCErrorResponse") { "JSONRPCErrorResponse" } else { "JSONRPCError" };
    let mut message = message.clone();
    if message.get("id").is_none() && schema.requires(envelope, "id") {
        // The older schemas have no place for an answer to what could not be read (mcp.md 1.2).
        message["id"] = json!("unread");
    }
    let mut found = schema.faults(envelope, &message);
    let own = ERRORS.iter().find(|(code, _)| message["error"]["code"] == *code).map(|(_, name)| *name);
    if let Some(definition) = own.filter(|name| schema.defines(name)) {
        found.extend(schema.faults(definition, &message));
    }
    found
}

/// Paths of null members.
fn nulls(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Null => found.push(format!("null at {path}")),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                nulls(item, &format!("{path}[{index}]"), found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                nulls(member, &format!("{path}.{name}"), found);
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
