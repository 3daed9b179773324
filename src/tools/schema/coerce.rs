//! Repair of arguments that models send in the wrong shape. What cannot be repaired is left as it is, and the
//! validation names it.

use serde_json::{Map, Number, Value};

/// `value` in the shape that `schema` declares; `None` when it stands for an absent value.
pub(super) fn value(schema: &Value, value: Value) -> Option<Value> {
    let value = present(value)?;
    let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default();
    Some(match kind {
        "integer" => integer(value),
        "number" => number(value),
        "boolean" => boolean(value),
        "string" => string(schema, value),
        "array" => array(schema, value),
        "object" => object(schema, value),
        _ => value,
    })
}

/// Nothing, `null`, `"null"` and the empty string all mean "not given".
pub(super) fn present(value: Value) -> Option<Value> {
    match &value {
        Value::Null => None,
        Value::String(text) => {
            let text = text.trim();
            (!text.is_empty() && !text.eq_ignore_ascii_case("null")).then_some(value)
        }
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(value),
    }
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches(|c| c == '"' || c == '\'').trim()
}

fn integer(value: Value) -> Value {
    match &value {
        Value::String(text) => unquoted(text).parse::<i64>().map_or(value, Value::from),
        // 10.0 is what some clients make of 10.
        Value::Number(number) if !number.is_i64() && !number.is_u64() => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() < 9e15 => Value::from(float as i64),
            Some(_) | None => value,
        },
        Value::Number(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => value,
    }
}

fn number(value: Value) -> Value {
    let parsed =
        value.as_str().and_then(|text| unquoted(text).parse::<f64>().ok()).and_then(Number::from_f64);
    parsed.map_or(value, Value::Number)
}

fn boolean(value: Value) -> Value {
    let text = match &value {
        Value::String(text) => unquoted(text).to_ascii_lowercase(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return value,
    };
    match text.as_str() {
        "true" | "yes" | "y" | "1" | "on" => Value::Bool(true),
        "false" | "no" | "n" | "0" | "off" => Value::Bool(false),
        _ => value,
    }
}

fn string(schema: &Value, value: Value) -> Value {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::String(text) => text,
        Value::Null | Value::Array(_) | Value::Object(_) => return value,
    };
    // An enumerated word is meant, whatever its case.
    let known = schema.get("enum").and_then(Value::as_array).and_then(|words| {
        words.iter().filter_map(Value::as_str).find(|word| word.eq_ignore_ascii_case(text.trim()))
    });
    Value::String(known.map_or(text, ToOwned::to_owned))
}

fn array(schema: &Value, value: Value) -> Value {
    let items = match value {
        Value::Array(items) => items,
        Value::String(text) => match serde_json::from_str::<Value>(&text) {
            Ok(Value::Array(items)) => items,
            Ok(_) | Err(_) => text.split(',').map(|part| Value::String(part.trim().to_owned())).collect(),
        },
        Value::Number(_) | Value::Bool(_) => vec![value],
        Value::Null | Value::Object(_) => return value,
    };
    let plain = Value::Null;
    let inner = schema.get("items").unwrap_or(&plain);
    Value::Array(items.into_iter().filter_map(|item| self::value(inner, item)).collect())
}

fn object(schema: &Value, value: Value) -> Value {
    let members = match value {
        Value::Object(members) => members,
        Value::String(text) => match serde_json::from_str::<Value>(&text) {
            Ok(Value::Object(members)) => members,
            Ok(_) | Err(_) => return Value::String(text),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => return value,
    };
    let properties = schema.get("properties").and_then(Value::as_object);
    let mut out = Map::new();
    for (name, member) in members {
        let declared = properties.and_then(|known| {
            known
                .get_key_value(&name)
                .or_else(|| known.iter().find(|(key, _)| super::folded(key) == super::folded(&name)))
        });
        match declared {
            Some((key, schema)) => {
                if let Some(member) = self::value(schema, member) {
                    out.insert(key.clone(), member);
                }
            }
            None => {
                out.insert(name, member);
            }
        }
    }
    Value::Object(out)
}
