//! Input schemas: coercion and validation of arguments from the schema alone, in one place, and the lint that keeps
//! every schema simple enough for every client (design section 7).

mod coerce;
#[cfg(test)]
pub(crate) mod lint;
#[cfg(test)]
mod tests;
mod validate;

use super::error::ToolError;
use super::tool::{Args, ToolSpec};
use serde_json::{Map, Value};

/// Arguments ready for a tool, and what was odd about them.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) args: Args,
    /// For `warnings` of the result: ignored names and the like.
    pub(crate) warnings: Vec<String>,
}

/// Where a name from the wire belongs.
enum Place<'a> {
    Declared(&'a str),
    Ignored,
    Unknown,
}

/// Repairs and validates `arguments` (`Null` counts as no arguments).
pub(crate) fn prepare(spec: &ToolSpec, arguments: Value) -> Result<Prepared, ToolError> {
    let raw = object(arguments)?;
    let empty = Map::new();
    let properties = spec.input_schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let mut args = Args::new();
    let mut unknown = Vec::new();
    for (name, value) in raw {
        match place(spec, properties, &name) {
            Place::Declared(declared) => {
                // The declared spelling wins over a variant of it, whatever their order.
                if args.contains_key(declared) && declared != name {
                    continue;
                }
                let value = match properties.get(declared) {
                    Some(schema) => coerce::value(schema, value),
                    None => coerce::present(value),
                };
                if let Some(value) = value {
                    args.insert(declared.to_owned(), value);
                }
            }
            Place::Ignored => {}
            Place::Unknown => unknown.push(printable(&name)),
        }
    }
    validate::object(&spec.input_schema, &args, "")?;
    let warnings = if unknown.is_empty() {
        Vec::new()
    } else {
        vec![format!("Ignored unknown arguments: {}.", unknown.join(", "))]
    };
    Ok(Prepared { args, warnings })
}

fn object(arguments: Value) -> Result<Args, ToolError> {
    let refused =
        |got: &str| ToolError::invalid("arguments", format!("`arguments` must be a JSON object, got {got}."));
    match arguments {
        Value::Object(args) => Ok(args),
        Value::Null => Ok(Args::new()),
        Value::String(text) => match serde_json::from_str(&text) {
            Ok(Value::Object(args)) => Ok(args),
            Ok(_) | Err(_) => Err(refused("a string")),
        },
        Value::Bool(_) => Err(refused("a boolean")),
        Value::Number(_) => Err(refused("a number")),
        Value::Array(_) => Err(refused("an array")),
    }
}

/// Exact names first, then aliases, then spelling variants of declared names.
fn place<'a>(spec: &ToolSpec, properties: &'a Map<String, Value>, name: &str) -> Place<'a> {
    if let Some((declared, _)) = properties.get_key_value(name) {
        return Place::Declared(declared);
    }
    let key = folded(name);
    if let Some((_, declared)) = spec.aliases.iter().find(|(alias, _)| folded(alias) == key) {
        return if declared.is_empty() { Place::Ignored } else { Place::Declared(declared) };
    }
    match properties.keys().find(|declared| folded(declared) == key) {
        Some(declared) => Place::Declared(declared),
        None => Place::Unknown,
    }
}

/// `maxMails`, `max-mails` and `max_mails` fold into one.
fn folded(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

/// A name from the wire, cut and cleaned for a message.
fn printable(name: &str) -> String {
    format!("`{}`", name.chars().filter(|c| !c.is_control() && *c != '`').take(40).collect::<String>())
}
