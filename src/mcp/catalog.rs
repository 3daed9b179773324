//! Answers that do not depend on the request, encoded once per service and version form, and anew when an operator turns
//! a switch.
//!
//! # Shape
//! Every entry is the tail of a response after its id: `"result":{…}}`.

use super::modern::mirror::{Mirrored, mirrored};
use super::tasks::EXTENSION;
use super::version::{Legacy, MODERN};
use crate::domain::ids::ServiceName;
use crate::domain::switches::{Applied, SwitchedOff};
use crate::tools::prompt::{PromptArgument, PromptSpec};
use crate::tools::registry::ToolRegistry;
use crate::tools::resource::{ResourceSet, TemplateEntry};
use crate::tools::tool::{Service, ToolSpec, is_tool_on};
use arc_swap::ArcSwap;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

/// How long a client may keep a modern list. Who listens to changes hears of a switch at once; for everybody else this is
/// how long a tool that an operator switched off may still be shown (calling it fails at once). Asking again costs one
/// ready answer, so it is short. The lists are the same for everybody, hence `public`.
const LIST_TTL_MS: u64 = 60_000;

/// The ready answers of one service.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) name: ServiceName,
    initialize: [Bytes; 4],
    tools: [Bytes; 4],
    prompts: [Bytes; 4],
    templates: [Bytes; 4],
    pub(super) discover: Bytes,
    pub(super) modern_tools: Bytes,
    pub(super) modern_prompts: Bytes,
    pub(super) modern_templates: Bytes,
    /// Closes a modern result: `"resultType"`, `_meta` and both braces.
    pub(super) modern_close: Bytes,
    /// `_meta` of a modern result.
    pub(super) modern_meta: Value,
    pub(super) offers: Offers,
    /// Arguments that are repeated in headers, by tool.
    headers: HashMap<&'static str, Vec<Mirrored>>,
}

/// What the service has beside tools and prompts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Offers {
    pub(super) resources: bool,
    pub(super) subscriptions: bool,
    pub(super) completions: bool,
    pub(super) logging: bool,
    pub(super) tasks: bool,
}

impl Offers {
    fn of(service: &dyn Service) -> Self {
        Self {
            resources: service.resources().is_some(),
            subscriptions: service.resources().is_some_and(ResourceSet::is_subscribable),
            completions: service.completer().is_some(),
            logging: service.logs(),
            tasks: service.runs_tasks(),
        }
    }
}

impl Ready {
    pub(super) fn initialize(&self, version: Legacy) -> &[u8] {
        at(&self.initialize, version)
    }

    pub(super) fn tools(&self, version: Legacy) -> &[u8] {
        at(&self.tools, version)
    }

    pub(super) fn prompts(&self, version: Legacy) -> &[u8] {
        at(&self.prompts, version)
    }

    pub(super) fn templates(&self, version: Legacy) -> &[u8] {
        at(&self.templates, version)
    }

    /// The arguments of `tool` that are repeated in headers.
    pub(super) fn mirrored(&self, tool: &str) -> &[Mirrored] {
        self.headers.get(tool).map_or(&[], Vec::as_slice)
    }
}

fn at(table: &[Bytes; 4], version: Legacy) -> &[u8] {
    table.get(version.index()).map_or(&[], |b| b)
}

/// The services that are on.
pub(super) struct Catalog {
    registry: ToolRegistry,
    server_version: String,
    built: ArcSwap<Built>,
}

/// What was encoded under one state of the switches.
struct Built {
    under: Arc<Applied>,
    services: HashMap<String, Arc<Ready>>,
}

impl Catalog {
    pub(super) fn new(registry: &ToolRegistry, server_version: &str) -> Self {
        let nothing = Built { under: Arc::default(), services: HashMap::new() };
        let catalog = Self {
            registry: registry.clone(),
            server_version: server_version.to_owned(),
            built: ArcSwap::from_pointee(nothing),
        };
        catalog.build();
        catalog
    }

    /// Names of the services that list resources, switched off or not.
    pub(super) fn with_resources(&self) -> HashSet<ServiceName> {
        let all = self.registry.services().iter();
        all.filter(|service| service.resources().is_some())
            .map(|service| service.info().name.clone())
            .collect()
    }

    /// The ready answers of a service that is on.
    pub(super) fn service(&self, name: &str) -> Option<Arc<Ready>> {
        let built = self.built.load();
        if Arc::ptr_eq(&built.under, &self.registry.switches().now()) {
            return built.services.get(name).cloned();
        }
        self.build().services.get(name).cloned()
    }

    /// Encodes what the switches have changed. Requests that meet here at once may do so twice, which is harmless.
    fn build(&self) -> Arc<Built> {
        let (before, under) = (self.built.load(), self.registry.switches().kept());
        let changed = self.registry.changed(&under.off, &before.under.off);
        let mut services = HashMap::new();
        for service in self.registry.services() {
            let name = service.info().name.as_str();
            if under.off.has_service(name) {
                continue;
            }
            let known = before.services.get(name).filter(|_| !changed.contains(&service.info().name));
            let ready = known
                .cloned()
                .unwrap_or_else(|| Arc::new(Ready::new(service.as_ref(), &under.off, &self.server_version)));
            services.insert(name.to_owned(), ready);
        }
        let built = Arc::new(Built { under, services });
        self.built.store(Arc::clone(&built));
        built
    }
}

impl Ready {
    fn new(service: &dyn Service, off: &SwitchedOff, server_version: &str) -> Self {
        let name = service.info().name.as_str();
        let info = json!({ "name": name, "version": server_version });
        let meta = json!({ "io.modelcontextprotocol/serverInfo": info });
        // Tools beyond a token's scopes are shown, so that a client can step up.
        let modern_with = |members: &str, meta: &Value| {
            let close = modern_close(meta);
            Bytes::from(format!(r#""result":{{{members},"ttlMs":{LIST_TTL_MS},"cacheScope":"public"{close}"#))
        };
        let modern = |members: &str| modern_with(members, &meta);
        // People read the title where they choose a server; later answers need not repeat it.
        let titled = json!({ "name": name, "version": server_version, "title": service.info().title });
        let titled = json!({ "io.modelcontextprotocol/serverInfo": titled });
        let offers = Offers::of(service);
        let all = service.tools().iter().map(|tool| tool.spec());
        let specs: Vec<&ToolSpec> = all.filter(|spec| is_tool_on(service, spec.name, off)).collect();
        let tools = |v: Legacy| member("tools", specs.iter().map(|s| tool(s, v)));
        let prompts = |v: Legacy| member("prompts", service.prompts().iter().map(|p| prompt(p.spec(), v)));
        let families = service.resources().map(ResourceSet::templates).unwrap_or_default();
        let templates = |v: Legacy| member("resourceTemplates", families.iter().map(|t| template(t, v)));
        let newest = Legacy::NEWEST;
        Self {
            name: service.info().name.clone(),
            initialize: Legacy::ALL
                .map(|v| Bytes::from(format!(r#""result":{}}}"#, initialize(service, server_version, v)))),
            tools: per_revision(tools),
            prompts: per_revision(prompts),
            templates: per_revision(templates),
            discover: modern_with(
                &format!(
                    r#""supportedVersions":["{MODERN}"],"capabilities":{},"instructions":{}"#,
                    capabilities(offers, None),
                    json!(service.instructions()),
                ),
                &titled,
            ),
            modern_tools: modern(&tools(newest)),
            modern_prompts: modern(&prompts(newest)),
            modern_templates: modern(&templates(newest)),
            modern_close: Bytes::from(modern_close(&meta)),
            modern_meta: meta,
            offers,
            headers: specs.iter().map(|s| (s.name, mirrored(&s.input_schema))).collect(),
        }
    }
}

/// What is declared is handled, and nothing else; `version` is none for the modern era.
fn capabilities(offers: Offers, version: Option<Legacy>) -> Value {
    let mut out = Map::new();
    let mut add = |name: &str, value: Value| drop(out.insert(name.to_owned(), value));
    if version.is_some() {
        add("experimental", json!({}));
    }
    add("tools", json!({ "listChanged": true }));
    add("prompts", json!({ "listChanged": true }));
    if offers.resources {
        add("resources", json!({ "subscribe": offers.subscriptions, "listChanged": offers.subscriptions }));
    }
    if offers.logging {
        add("logging", json!({}));
    }
    if offers.completions && version.is_none_or(Legacy::has_audio) {
        add("completions", json!({}));
    }
    if offers.tasks && version.is_none() {
        add("extensions", json!({ EXTENSION: {} }));
    }
    Value::Object(out)
}

fn prompt(spec: &PromptSpec, version: Legacy) -> Value {
    let argument =
        |a: &PromptArgument| json!({ "name": a.name, "description": a.description, "required": a.required });
    let mut out = named(spec.name, spec.title, version);
    out.insert("description".to_owned(), json!(spec.description));
    if !spec.arguments.is_empty() {
        out.insert("arguments".to_owned(), spec.arguments.iter().map(argument).collect());
    }
    Value::Object(out)
}

fn template(entry: &TemplateEntry, version: Legacy) -> Value {
    let mut out = named(entry.name, entry.title, version);
    out.insert("uriTemplate".to_owned(), json!(entry.uri_template));
    out.insert("description".to_owned(), json!(entry.description));
    out.insert("mimeType".to_owned(), json!(entry.mime_type));
    Value::Object(out)
}

/// `name`, and `title` where the revision has it.
fn named(name: &str, title: &str, version: Legacy) -> Map<String, Value> {
    let mut out = members(json!({ "name": name }));
    if version.has_structured_output() {
        out.insert("title".to_owned(), json!(title));
    }
    out
}

fn modern_close(meta: &Value) -> String {
    format!(r#","resultType":"complete","_meta":{meta}}}}}"#)
}

/// `"name":[…]`, encoded one by one: all items of a service as values at once would be megabytes, and stay resident.
fn member(name: &str, items: impl Iterator<Item = Value>) -> String {
    let mut out = format!(r#""{name}":["#);
    for (at, item) in items.enumerate() {
        let comma = if at == 0 { "" } else { "," };
        // Writing to a string has no way to fail.
        let _ = write!(out, "{comma}{item}");
    }
    out.push(']');
    out
}

/// The tails of a list in every revision; those that do not differ share one.
fn per_revision(list: impl Fn(Legacy) -> String) -> [Bytes; 4] {
    let mut last = Bytes::new();
    Legacy::ALL.map(|version| {
        let tail = format!(r#""result":{{{}}}}}"#, list(version));
        if last != tail {
            last = Bytes::from(tail);
        }
        last.clone()
    })
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
        "capabilities": capabilities(Offers::of(service), Some(version)),
        "serverInfo": info,
        "instructions": service.instructions(),
    })
}

/// A tool as a revision knows it; members newer than the revision stay out.
fn tool(spec: &ToolSpec, version: Legacy) -> Value {
    let mut out = named(spec.name, spec.title, version);
    out.insert("description".to_owned(), json!(spec.description));
    out.insert("inputSchema".to_owned(), spec.input_schema.clone());
    if version.has_structured_output() && spec.output_schema.is_object() {
        out.insert("outputSchema".to_owned(), published_output(&spec.output_schema));
    }
    if version.has_annotations() {
        let hints = spec.annotations;
        let mut annotations = members(json!({
            "readOnlyHint": hints.read_only,
            "destructiveHint": hints.destructive,
            "idempotentHint": hints.idempotent,
            "openWorldHint": hints.open_world,
        }));
        // Later revisions have the title beside the name; twice would only cost the model's context.
        if !version.has_structured_output() {
            annotations.insert("title".to_owned(), json!(spec.title));
        }
        out.insert("annotations".to_owned(), Value::Object(annotations));
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
            properties.entry("error").or_insert_with(|| json!({ "type": "object" }));
        }
    }
    schema
}
