//! Validation of repaired arguments: the few keywords that our schemas use, with messages that name the field, what
//! came and what was expected.

use crate::tools::error::ToolError;
use serde_json::{Map, Value};

/// Checks `members` against the object schema; `path` is empty at the top.
pub(super) fn object(schema: &Value, members: &Map<String, Value>, path: &str) -> Result<(), ToolError> {
    let required = schema.get("required").and_then(Value::as_array);
    for name in required.into_iter().flatten().filter_map(Value::as_str) {
        if !members.contains_key(name) {
            let field = joined(path, name);
            return Err(ToolError::invalid(&field, format!("The argument `{field}` is required.")));
        }
    }
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Ok(()) };
    for (name, value) in members {
        if let Some(schema) = properties.get(name) {
            check(schema, value, &joined(path, name))?;
        }
    }
    Ok(())
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn check(schema: &Value, value: &Value, path: &str) -> Result<(), ToolError> {
    let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default();
    if !fits(kind, value) {
        return Err(wrong(path, &shown(value), &expectation(schema, kind)));
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array)
        && !words.contains(value)
    {
        let words: Vec<_> = words.iter().map(shown).collect();
        return Err(wrong(path, &shown(value), &format!("one of {}", words.join(", "))));
    }
    bounds(schema, value, path)?;
    match value {
        Value::Array(items) => {
            let plain = Value::Null;
            let inner = schema.get("items").unwrap_or(&plain);
            items.iter().enumerate().try_for_each(|(at, item)| check(inner, item, &format!("{path}[{at}]")))
        }
        Value::Object(members) => object(schema, members, path),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn fits(kind: &str, value: &Value) -> bool {
    match kind {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

fn bounds(schema: &Value, value: &Value, path: &str) -> Result<(), ToolError> {
    let (size, low, high, noun) = match value {
        Value::Number(number) => (number.as_f64(), "minimum", "maximum", ""),
        Value::Array(items) => (Some(items.len() as f64), "minItems", "maxItems", " items"),
        Value::String(text) => (Some(text.chars().count() as f64), "minLength", "maxLength", " characters"),
        Value::Null | Value::Bool(_) | Value::Object(_) => return Ok(()),
    };
    let Some(size) = size else { return Ok(()) };
    let limit = |name: &str| schema.get(name).and_then(Value::as_f64);
    if let Some(least) = limit(low).filter(|least| size < *least) {
        return Err(wrong(path, &format!("{size}{noun}"), &format!("at least {least}{noun}")));
    }
    if let Some(most) = limit(high).filter(|most| size > *most) {
        return Err(wrong(path, &format!("{size}{noun}"), &format!("at most {most}{noun}")));
    }
    Ok(())
}

fn expectation(schema: &Value, kind: &str) -> String {
    let article = if matches!(kind, "integer" | "array" | "object") { "an" } else { "a" };
    match schema.get("items").and_then(|items| items.get("type")).and_then(Value::as_str) {
        Some(inner) => format!("{article} {kind} of {inner}s"),
        None => format!("{article} {kind}"),
    }
}

fn wrong(path: &str, got: &str, expected: &str) -> ToolError {
    ToolError::invalid(path, format!("The argument `{path}` must be {expected}, got {got}."))
}

/// What came, short enough for a message.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let cut: String = text.chars().filter(|c| !c.is_control()).take(40).collect();
            format!("\"{cut}\"")
        }
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null => "null".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
