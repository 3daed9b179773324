//! Every MCP answer against the schema of its protocol version, and against null members anywhere.

use serde_json::Value;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

/// One JSON-RPC request and what came back.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    version: Option<String>,
    method: Option<String>,
    status: u16,
    answer: Value,
}

impl Exchange {
    /// Reads both bodies; what is not JSON becomes null and is not checked.
    pub(crate) fn read(version: Option<&str>, request: &[u8], status: u16, answer: &[u8]) -> Self {
        let request: Value = serde_json::from_slice(request).unwrap_or_default();
        let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
        let requested = request["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"].as_str();
        let negotiated = answer["result"]["protocolVersion"].as_str();
        let version = requested.or(negotiated).or(version).map(ToOwned::to_owned);
        Self { version, method: request["method"].as_str().map(ToOwned::to_owned), status, answer }
    }

    /// What is wrong with the answer, if anything.
    fn faults(&self) -> Vec<String> {
        if self.answer.get("jsonrpc").is_none() {
            return Vec::new();
        }
        let mut faults = Vec::new();
        nulls(&self.answer, "$", &mut faults);
        let version = self.version.as_deref().unwrap_or("2025-03-26");
        if let Some(schema) = schema(version) {
            faults.extend(schema.check(self.method.as_deref(), &self.answer));
        }
        let place = format!("{version} {} {}", self.method.as_deref().unwrap_or("?"), self.status);
        faults.into_iter().map(|fault| format!("{place}: {fault}\n  {}", self.answer)).collect()
    }
}

/// Exchanges of one cluster.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Exchange>>>);

impl Recorder {
    pub(crate) fn keep(&self, exchange: Exchange) {
        self.0.lock().unwrap().push(exchange);
    }

    /// Versions and methods seen with a result.
    pub(crate) fn seen(&self) -> Vec<(String, String)> {
        let exchanges = self.0.lock().unwrap();
        let with_result = exchanges.iter().filter(|exchange| exchange.answer.get("result").is_some());
        with_result
            .map(|e| (e.version.clone().unwrap_or_default(), e.method.clone().unwrap_or_default()))
            .collect()
    }

    pub(crate) fn assert_valid(&self) {
        let exchanges = self.0.lock().unwrap();
        assert!(!exchanges.is_empty(), "no MCP exchange was recorded");
        let faults: Vec<String> = exchanges.iter().flat_map(Exchange::faults).collect();
        assert!(faults.is_empty(), "{} faults on the wire:\n{}", faults.len(), faults.join("\n"));
    }
}

/// Paths of null members; `id` of an error answer may be null by JSON-RPC 2.0 §5.
fn nulls(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Null if path != "$.id" => found.push(format!("null at {path}")),
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
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Compiled schema of one protocol version.
struct Schema {
    by_definition: HashMap<String, jsonschema::Validator>,
}

impl Schema {
    fn load(version: &str) -> Option<Self> {
        let file = folder()?.join(format!("{version}.json"));
        let document: Value = serde_json::from_slice(&std::fs::read(file).ok()?).unwrap();
        let root = if document.get("$defs").is_some() { "$defs" } else { "definitions" };
        let wanted = [
            "JSONRPCMessage",
            "InitializeResult",
            "ListToolsResult",
            "CallToolResult",
            "DiscoverResult",
            "InputRequiredResult",
        ];
        let mut by_definition = HashMap::new();
        for name in wanted.iter().filter(|name| document[root].get(**name).is_some()) {
            let mut schema = document.clone();
            schema["$ref"] = Value::String(format!("#/{root}/{name}"));
            by_definition.insert((*name).to_owned(), jsonschema::validator_for(&schema).unwrap());
        }
        Some(Self { by_definition })
    }

    fn check(&self, method: Option<&str>, answer: &Value) -> Vec<String> {
        let mut faults = self.errors("JSONRPCMessage", answer);
        if let Some(result) = answer.get("result") {
            let definition = match method {
                Some(_) if result["resultType"] == "input_required" => "InputRequiredResult",
                Some("initialize") => "InitializeResult",
                Some("tools/list") => "ListToolsResult",
                Some("tools/call") => "CallToolResult",
                Some("server/discover") => "DiscoverResult",
                _ => return faults,
            };
            faults.extend(self.errors(definition, result));
        }
        faults
    }

    fn errors(&self, definition: &str, value: &Value) -> Vec<String> {
        let Some(validator) = self.by_definition.get(definition) else { return Vec::new() };
        let describe = |error: jsonschema::ValidationError<'_>| {
            format!("{definition}{}: {error}", error.instance_path())
        };
        validator.iter_errors(value).map(describe).collect()
    }
}

/// The schemas beside the checkout; absent on a plain clone.
fn folder() -> Option<PathBuf> {
    static TOLD: OnceLock<()> = OnceLock::new();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/mcp-schema");
    if !folder.is_dir() {
        TOLD.get_or_init(|| {
            println!("skipped: no ../shared/mcp-schema, MCP answers are checked for nulls only");
        });
        return None;
    }
    Some(folder)
}

fn schema(version: &str) -> Option<Arc<Schema>> {
    static LOADED: OnceLock<Mutex<HashMap<String, Option<Arc<Schema>>>>> = OnceLock::new();
    let mut loaded = LOADED.get_or_init(Mutex::default).lock().unwrap();
    loaded.entry(version.to_owned()).or_insert_with(|| Schema::load(version).map(Arc::new)).clone()
}
