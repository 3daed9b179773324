//! Graph's own description (OpenAPI 3.1), and which operation of it a request is.

use super::record::Exchange;
use jsonschema::{Registry, Validator};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/graph-openapi.json");
const ROOT: &str = "https://graph.example/description.json";
const PLAIN: AsciiSet = NON_ALPHANUMERIC.remove(b'/').remove(b'~').remove(b'-').remove(b'_').remove(b'.');
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// A path and a method of the description.
pub(crate) struct Operation {
    pub(crate) template: String,
    pub(crate) method: String,
    /// The path's pieces between its parameters.
    pattern: Vec<Piece>,
}

enum Piece {
    Text(String),
    /// One segment.
    Segment,
    /// The rest of a path of a drive.
    Path,
}

pub(crate) struct Description {
    document: Value,
    operations: Vec<Operation>,
    registry: Registry<'static>,
    validators: RefCell<HashMap<String, Rc<Validator>>>,
}

impl Description {
    /// `None`, and a word about it, where the folder of shared papers is not there.
    pub(crate) fn load() -> Option<Self> {
        let Ok(text) = std::fs::read_to_string(PATH) else {
            println!("skipped: ../shared/graph-openapi.json is not there");
            return None;
        };
        let document: Value = serde_json::from_str(&text).unwrap();
        let mut operations = Vec::new();
        for (template, methods) in document["paths"].as_object().unwrap() {
            for method in METHODS.iter().filter(|method| methods.get(**method).is_some()) {
                operations.push(Operation {
                    template: template.clone(),
                    method: (*method).to_owned(),
                    pattern: pattern(template),
                });
            }
        }
        // The most literal route is the one meant: `/messages/delta` before `/messages/{id}`.
        operations.sort_by_key(|operation| std::cmp::Reverse(literal(&operation.pattern)));
        let registry = Registry::new().add(ROOT, document.clone()).unwrap().prepare().unwrap();
        Some(Self { document, operations, registry, validators: RefCell::default() })
    }

    pub(crate) fn operation(&self, method: &str, path: &str) -> Option<&Operation> {
        let path = path.replace("%27", "'").replace("%28", "(").replace("%29", ")").replace("%3A", ":");
        self.operations.iter().find(|operation| {
            operation.method.eq_ignore_ascii_case(method) && matches(&operation.pattern, &path)
        })
    }

    /// The template of an exchange's path; the path itself when there is none.
    pub(crate) fn template<'a>(&'a self, exchange: &'a Exchange) -> &'a str {
        let operation = self.operation(&exchange.method, exchange.path());
        operation.map_or(exchange.path(), |operation| &operation.template)
    }

    /// `GET /me/messages`.
    pub(crate) fn name(&self, exchange: &Exchange) -> String {
        format!("{} {}", exchange.method.to_uppercase(), self.template(exchange))
    }

    pub(crate) fn names(&self) -> BTreeSet<String> {
        let name = |one: &Operation| format!("{} {}", one.method.to_uppercase(), one.template);
        self.operations.iter().map(name).collect()
    }

    /// What stands at `rest` below an operation.
    pub(crate) fn at(&self, operation: &Operation, rest: &str) -> Option<&Value> {
        self.document.pointer(&format!("{}{rest}", pointer(operation)))
    }

    /// The parameters of an operation and of its path, resolved.
    pub(crate) fn parameters(&self, operation: &Operation) -> Vec<&Value> {
        let own = self.at(operation, "/parameters").and_then(Value::as_array);
        let own = own.into_iter().flatten();
        own.map(|one| match one["$ref"].as_str() {
            Some(target) => self.document.pointer(target.trim_start_matches('#')).unwrap(),
            None => one,
        })
        .collect()
    }

    /// The first things of `value` that do not fit the schema at `rest` below an operation.
    pub(crate) fn misfits(&self, operation: &Operation, rest: &str, value: &Value) -> Vec<String> {
        self.check(
            json!({ "$ref": format!("{ROOT}#{}", encoded(&format!("{}{rest}", pointer(operation)))) }),
            value,
        )
    }

    /// The same for a named schema.
    pub(crate) fn misfits_of(&self, schema: &str, value: &Value) -> Vec<String> {
        self.check(json!({ "$ref": format!("{ROOT}#/components/schemas/{schema}") }), value)
    }

    /// The same for a schema that stands elsewhere.
    pub(crate) fn check(&self, schema: Value, value: &Value) -> Vec<String> {
        let key = schema.to_string();
        let known = self.validators.borrow().get(&key).cloned();
        let validator = known.unwrap_or_else(|| {
            let options = jsonschema::options().with_registry(&self.registry);
            let made = options.should_validate_formats(true).build(&schema).unwrap();
            Rc::clone(self.validators.borrow_mut().entry(key).or_insert(Rc::new(made)))
        });
        let errors = validator.iter_errors(value).take(3);
        let told = |text: String| text.chars().take(300).collect::<String>();
        errors
            .map(|error| {
                format!("{} at {}", told(error.to_string()), places(&error.instance_path().to_string()))
            })
            .collect()
    }
}

/// Which element of a list is wrong says nothing about what is wrong.
fn places(path: &str) -> String {
    let is_index = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    path.split('/').map(|part| if is_index(part) { "*" } else { part }).collect::<Vec<_>>().join("/")
}

/// JSON pointer of an operation (RFC 6901).
fn pointer(operation: &Operation) -> String {
    let template = operation.template.replace('~', "~0").replace('/', "~1");
    format!("/paths/{template}/{}", operation.method)
}

/// A pointer as part of a URI (RFC 6901 §6).
fn encoded(pointer: &str) -> String {
    percent_encoding::utf8_percent_encode(pointer, &PLAIN).to_string()
}

fn pattern(template: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (index, part) in template.split(['{', '}']).enumerate() {
        pieces.push(match (index % 2, part) {
            (0, text) => Piece::Text(text.to_owned()),
            (_, "item-path") => Piece::Path,
            _ => Piece::Segment,
        });
    }
    pieces
}

fn literal(pattern: &[Piece]) -> usize {
    let length = |piece: &Piece| match piece {
        Piece::Text(text) => text.len(),
        Piece::Segment | Piece::Path => 0,
    };
    pattern.iter().map(length).sum()
}

fn matches(pattern: &[Piece], path: &str) -> bool {
    match pattern {
        [] => path.is_empty(),
        [Piece::Text(text), rest @ ..] => {
            path.strip_prefix(text.as_str()).is_some_and(|left| matches(rest, left))
        }
        [piece @ (Piece::Segment | Piece::Path), rest @ ..] => {
            let stops_at_slash = matches!(piece, Piece::Segment);
            let end = if stops_at_slash { path.find('/').unwrap_or(path.len()) } else { path.len() };
            let ends = path.char_indices().map(|(at, c)| at + c.len_utf8()).filter(|at| *at <= end);
            ends.rev().any(|at| path.get(at..).is_some_and(|left| matches(rest, left)))
        }
    }
}
