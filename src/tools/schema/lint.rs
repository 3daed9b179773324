//! Lint of tool specifications (design section 7): what strict clients refuse must never be listed.

use crate::domain::resource::ROOT;
use crate::tools::tool::{Service, ToolSpec};
use serde_json::{Value, json};

/// Most tools of one sub-path.
pub(crate) const MAX_TOOLS: usize = 18;
/// Largest `tools/list` of one sub-path, in bytes.
pub(crate) const MAX_LIST_BYTES: usize = 24 * 1024;
/// Largest `tools/list` of everything behind one connector, in bytes.
const MAX_ALL_BYTES: usize = 110 * 1024;

const KEYWORDS: [&str; 12] = [
    "type",
    "description",
    "enum",
    "items",
    "properties",
    "required",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "default",
    "title",
];

/// Everything that is wrong with a specification; empty when it may be listed.
pub(crate) fn lint(spec: &ToolSpec) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fault = |text: String| faults.push(format!("{}: {text}", spec.name));
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if spec.name.is_empty() || spec.name.len() > 64 || !spec.name.chars().all(plain) {
        fault("name must be 1 to 64 letters, digits, _ or -".to_owned());
    }
    if spec.title.is_empty() || spec.description.len() < 20 {
        fault("title and a real description are needed".to_owned());
    }
    if spec.annotations.read_only && spec.annotations.destructive {
        fault("a read-only tool cannot be destructive".to_owned());
    }
    for (which, schema) in [("inputSchema", &spec.input_schema), ("outputSchema", &spec.output_schema)] {
        if schema.get("type").and_then(Value::as_str) != Some("object") || !schema["properties"].is_object() {
            fault(format!("{which} must be an object with properties"));
        }
        walk(schema, which, which == "inputSchema", &mut fault);
    }
    for (alias, declared) in spec.aliases {
        let known = spec.input_schema["properties"].get(*declared).is_some();
        if !declared.is_empty() && !known && alias != declared {
            fault(format!("alias {alias} points to the undeclared {declared}"));
        }
    }
    faults
}

fn walk(schema: &Value, path: &str, described: bool, fault: &mut impl FnMut(String)) {
    let Some(members) = schema.as_object() else {
        return fault(format!("{path} must be a schema object"));
    };
    for (keyword, value) in members {
        if !KEYWORDS.contains(&keyword.as_str()) {
            fault(format!("{path} uses {keyword}"));
        }
        if value.is_null() || (keyword == "default" && value.is_boolean()) {
            fault(format!("{path}.{keyword} must not be {value}"));
        }
    }
    if !schema["type"].is_string() {
        fault(format!("{path} needs exactly one type"));
    }
    let properties = schema["properties"].as_object();
    for name in schema["required"].as_array().into_iter().flatten() {
        if properties.is_none_or(|known| !known.contains_key(name.as_str().unwrap_or_default())) {
            fault(format!("{path} requires the undeclared {name}"));
        }
    }
    for (name, property) in properties.into_iter().flatten() {
        if described && property["description"].as_str().is_none_or(str::is_empty) {
            fault(format!("{path}.{name} needs a description"));
        }
        walk(property, &format!("{path}.{name}"), false, fault);
    }
    if schema["type"] == "array" && schema.get("items").is_none() {
        fault(format!("{path} needs items"));
    }
    if let Some(items) = schema.get("items") {
        walk(items, &format!("{path}[]"), false, fault);
    }
}

/// Lints all tools of a service and the size of its `tools/list`.
pub(crate) fn lint_service(service: &dyn Service) -> Vec<String> {
    let tools = service.tools();
    let mut faults: Vec<String> = tools.iter().flat_map(|tool| lint(tool.spec())).collect();
    let (most_tools, most_bytes) = match service.info().name.as_str() {
        ROOT => (usize::MAX, MAX_ALL_BYTES),
        _ => (MAX_TOOLS, MAX_LIST_BYTES),
    };
    if tools.len() > most_tools {
        faults.push(format!("{} tools are listed, {most_tools} allowed", tools.len()));
    }
    // The list's own envelope is a few bytes and not counted.
    let bytes: usize = tools.iter().map(|tool| listed(tool.spec()).to_string().len() + 1).sum();
    if bytes > most_bytes {
        faults.push(format!("tools/list has {bytes} bytes, {most_bytes} allowed"));
    }
    let mut names: Vec<_> = tools.iter().map(|tool| tool.spec().name).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        faults.push("two tools share a name".to_owned());
    }
    faults
}

/// The entry as MCP lists it.
fn listed(spec: &ToolSpec) -> Value {
    json!({
        "name": spec.name, "title": spec.title, "description": spec.description,
        "inputSchema": spec.input_schema, "outputSchema": spec.output_schema,
        "annotations": {
            "readOnlyHint": spec.annotations.read_only, "destructiveHint": spec.annotations.destructive,
            "idempotentHint": spec.annotations.idempotent, "openWorldHint": spec.annotations.open_world,
        },
    })
}
