//! Answers that do not depend on the request, encoded once per service and version form.
//!
//! # Shape
//! Every entry is the tail of a response after its id: `"result":{…}}`.

use super::version::{Legacy, MODERN};
use crate::domain::ids::ServiceName;
use crate::tools::registry::ToolRegistry;
use crate::tools::tool::{Service, ToolSpec};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// How long a client may keep a modern list, which changes with a deployment only.
const LIST_TTL_MS: u64 = 300_000;

/// The ready answers of one service.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) name: ServiceName,
    initialize: [Bytes; 4],
    tools: [Bytes; 4],
    pub(super) prompts: Bytes,
    pub(super) discover: Bytes,
    pub(super) modern_tools: Bytes,
    pub(super) modern_prompts: Bytes,
    /// Closes a modern result: `"resultType"`, `_meta` and both braces.
    pub(super) modern_close: Bytes,
}

impl Ready {
    pub(super) fn initialize(&self, version: Legacy) -> &[u8] {
        self.initialize.get(version.index()).map_or(&[], |b| b)
    }

    pub(super) fn tools(&self, version: Legacy) -> &[u8] {
        self.tools.get(version.index()).map_or(&[], |b| b)
    }
}

/// All services.
#[derive(Debug)]
pub(super) struct Catalog {
    services: HashMap<String, Ready>,
}

impl Catalog {
    pub(super) fn new(registry: &ToolRegistry, server_version: &str) -> Self {
        let ready = |s: &std::sync::Arc<dyn Service>| {
            (s.info().name.as_str().to_owned(), Ready::new(s.as_ref(), server_version))
        };
        Self { services: registry.services().iter().map(ready).collect() }
    }

    pub(super) fn service(&self, name: &str) -> Option<&Ready> {
        self.services.get(name)
    }
}

impl Ready {
    fn new(service: &dyn Service, server_version: &str) -> Self {
        let info = json!({ "name": service.info().name.as_str(), "version": server_version });
        let meta = json!({ "io.modelcontextprotocol/serverInfo": info });
        let modern = |mut result: Map<String, Value>| {
            result.insert("ttlMs".to_owned(), json!(LIST_TTL_MS));
            // The lists are the same for everybody: tools beyond a token's scopes are shown, so that a client can
            // step up.
            result.insert("cacheScope".to_owned(), json!("public"));
            result.insert("resultType".to_owned(), json!("complete"));
            result.insert("_meta".to_owned(), meta.clone());
            tail(&Value::Object(result))
        };
        let specs: Vec<&ToolSpec> = service.tools().iter().map(|t| t.spec()).collect();
        let newest: Vec<Value> = specs.iter().map(|s| tool(s, Legacy::NEWEST)).collect();
        Self {
            name: service.info().name.clone(),
            initialize: Legacy::ALL.map(|v| tail(&initialize(service, server_version, v))),
            tools: Legacy::ALL
                .map(|v| tail(&json!({ "tools": specs.iter().map(|s| tool(s, v)).collect::<Vec<_>>() }))),
            prompts: tail(&json!({ "prompts": [] })),
            discover: modern(members(json!({
                "supportedVersions": [MODERN],
                "capabilities": { "tools": {}, "prompts": {} },
                "instructions": service.instructions(),
            }))),
            modern_tools: modern(members(json!({ "tools": newest }))),
            modern_prompts: modern(members(json!({ "prompts": [] }))),
            modern_close: Bytes::from(format!(r#","resultType":"complete","_meta":{meta}}}}}"#)),
        }
    }
}

fn tail(result: &Value) -> Bytes {
    Bytes::from(format!(r#""result":{result}}}"#))
}

fn members(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { Map::new() }
}

fn initialize(service: &dyn Service, server_version: &str, version: Legacy) -> Value {
    let mut info = members(json!({ "name": service.info().name.as_str(), "version": server_version }));
    if version.has_structured_output() {
        info.insert("title".to_owned(), json!(service.info().title));
    }
    json!({
        "protocolVersion": version.as_str(),
        "capabilities": {
            "experimental": {},
            "tools": { "listChanged": true },
            "prompts": { "listChanged": true },
        },
        "serverInfo": info,
        "instructions": service.instructions(),
    })
}

/// A tool as a revision knows it; members newer than the revision stay out.
fn tool(spec: &ToolSpec, version: Legacy) -> Value {
    let mut out = members(json!({ "name": spec.name }));
    if version.has_structured_output() {
        out.insert("title".to_owned(), json!(spec.title));
    }
    out.insert("description".to_owned(), json!(spec.description));
    out.insert("inputSchema".to_owned(), spec.input_schema.clone());
    if version.has_structured_output() {
        out.insert("outputSchema".to_owned(), published_output(&spec.output_schema));
    }
    if version.has_annotations() {
        let hints = spec.annotations;
        out.insert(
            "annotations".to_owned(),
            json!({
                "title": spec.title,
                "readOnlyHint": hints.read_only,
                "destructiveHint": hints.destructive,
                "idempotentHint": hints.idempotent,
                "openWorldHint": hints.open_world,
            }),
        );
    }
    Value::Object(out)
}

/// The output schema with room for `error`. Clients on the TypeScript SDK 1.x validate the structured part of failed
/// results as well and hide the error text when it does not fit, so a failure must fit what is published.
fn published_output(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(map) = schema.as_object_mut() {
        map.remove("required");
        if let Some(properties) = map.get_mut("properties").and_then(Value::as_object_mut) {
            properties.entry("error").or_insert_with(
                || json!({ "type": "object", "description": "Instead of the rest when the call failed." }),
            );
        }
    }
    schema
}
