//! The official JSON schemas, one for each protocol version, from the folder beside the checkout.

use jsonschema::Validator;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

/// The schema of one protocol version.
pub(crate) struct Schema {
    document: Value,
    /// Member of the document that holds the definitions.
    root: &'static str,
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Schema {
    /// The schema of `version`; none on a plain clone, or when there is no such version.
    pub(crate) fn of(version: &str) -> Option<Arc<Self>> {
        static LOADED: OnceLock<Mutex<HashMap<String, Option<Arc<Schema>>>>> = OnceLock::new();
        let mut loaded = LOADED.get_or_init(Mutex::default).lock().unwrap();
        loaded.entry(version.to_owned()).or_insert_with(|| Self::load(version).map(Arc::new)).clone()
    }

    fn load(version: &str) -> Option<Self> {
        let text = std::fs::read(folder()?.join(format!("{version}.json"))).ok()?;
        let document: Value = serde_json::from_slice(&text).unwrap();
        let root = if document.get("$defs").is_some() { "$defs" } else { "definitions" };
        Some(Self { document, root, compiled: Mutex::default() })
    }

    /// Whether this version knows `definition`.
    pub(crate) fn defines(&self, definition: &str) -> bool {
        self.document[self.root].get(definition).is_some()
    }

    /// Whether objects of `definition` must have `member`.
    pub(crate) fn requires(&self, definition: &str, member: &str) -> bool {
        let required = self.document[self.root][definition]["required"].as_array();
        required.is_some_and(|names| names.iter().any(|name| name == member))
    }

    /// What of `value` does not fit `definition`, which must exist.
    pub(crate) fn faults(&self, definition: &str, value: &Value) -> Vec<String> {
        let validator = self.validator(definition);
        let describe = |error: jsonschema::ValidationError<'_>| {
            format!("{definition}{}: {error}", error.instance_path())
        };
        validator.iter_errors(value).map(describe).collect()
    }

    fn validator(&self, definition: &str) -> Arc<Validator> {
        assert!(self.defines(definition), "the schema has no {definition}");
        let mut compiled = self.compiled.lock().unwrap();
        let compile = || {
            let mut schema = self.document.clone();
            schema["$ref"] = json!(format!("#/{}/{definition}", self.root));
            Arc::new(jsonschema::validator_for(&schema).unwrap())
        };
        Arc::clone(compiled.entry(definition.to_owned()).or_insert_with(compile))
    }

    /// The definition of `method` in a union such as `ClientRequest`; none when this version has no such method.
    pub(crate) fn message(&self, union: &str, method: &str) -> Option<String> {
        let definitions = &self.document[self.root];
        let is_it = |name: &str| definitions[name]["properties"]["method"]["const"] == method;
        let members = definitions[union]["anyOf"].as_array();
        // A union of one is written as its only member.
        let Some(members) = members else { return is_it(union).then(|| union.to_owned()) };
        let names = members.iter().filter_map(|member| member["$ref"].as_str()?.rsplit('/').next());
        names.into_iter().find(|name| is_it(name)).map(ToOwned::to_owned)
    }
}

/// The schemas beside the checkout; absent on a plain clone, which is said once, past the capture of the test runner.
pub(crate) fn folder() -> Option<PathBuf> {
    static TOLD: OnceLock<()> = OnceLock::new();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/mcp-schema");
    if !folder.is_dir() {
        TOLD.get_or_init(|| {
            let note = "skipped: no ../shared/mcp-schema, MCP messages are checked for shape and nulls only";
            let _ = writeln!(std::io::stderr(), "{note}");
        });
        return None;
    }
    Some(folder)
}
