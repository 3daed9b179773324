//! Whether a value fits a schema of ours: a second opinion beside `tools::schema`.

use serde_json::Value;

/// Where and why it does not.
pub(super) fn fault(schema: &Value, value: &Value) -> Option<String> {
    find(schema, value, "")
}

fn find(schema: &Value, value: &Value, at: &str) -> Option<String> {
    let keyword = |name: &str| schema.get(name);
    let wrong = |what: &str| Some(format!("{at}: {what}"));
    let kinds: Vec<&str> = match keyword("type") {
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        Some(kind) => kind.as_str().into_iter().collect(),
        None => Vec::new(),
    };
    if !kinds.is_empty() && !kinds.iter().any(|kind| is(kind, value)) {
        return wrong(&format!("is no {}", kinds.join(" or ")));
    }
    if keyword("enum").and_then(Value::as_array).is_some_and(|words| !words.contains(value)) {
        return wrong("is none of the words");
    }
    let bound = |name: &str| keyword(name).and_then(Value::as_f64);
    let (size, low, high) = match value {
        Value::Number(number) => (number.as_f64(), "minimum", "maximum"),
        Value::String(text) => (Some(text.chars().count() as f64), "minLength", "maxLength"),
        Value::Array(items) => (Some(items.len() as f64), "minItems", "maxItems"),
        Value::Null | Value::Bool(_) | Value::Object(_) => (None, "", ""),
    };
    if let Some(size) = size
        && (bound(low).is_some_and(|least| size < least) || bound(high).is_some_and(|most| size > most))
    {
        return wrong("is out of bounds");
    }
    match value {
        Value::Array(items) => {
            let inner = keyword("items")?;
            items.iter().enumerate().find_map(|(index, item)| find(inner, item, &format!("{at}[{index}]")))
        }
        Value::Object(members) => {
            let needed =
                keyword("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            for name in needed {
                if !members.contains_key(name) {
                    return wrong(&format!("lacks {name}"));
                }
            }
            let properties = keyword("properties").and_then(Value::as_object);
            let closed = keyword("additionalProperties") == Some(&Value::Bool(false));
            members.iter().find_map(|(name, member)| match properties.and_then(|known| known.get(name)) {
                Some(schema) => find(schema, member, &format!("{at}.{name}")),
                None if closed => wrong(&format!("has {name}")),
                None => None,
            })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    }
}
