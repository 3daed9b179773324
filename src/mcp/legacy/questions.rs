//! Questions as the revisions with sessions spell them. Forms are written for the newest one; 2025-06-18 knew fewer kinds
//! of fields (its `PrimitiveSchemaDefinition`), so they are told in its words.

use super::super::pending;
use super::super::version::Legacy;
use crate::domain::random;
use crate::tools::outlet::Ask;
use serde_json::{Map, Value, json};

/// The request that a question becomes in `version`.
pub(in crate::mcp) fn form(ask: &Ask, version: Legacy) -> (&'static str, Value) {
    match ask {
        Ask::Url { message, url } => {
            let id = random::text::<12>();
            (
                "elicitation/create",
                json!({ "mode": "url", "message": message, "url": url, "elicitationId": id }),
            )
        }
        Ask::Form { message, schema } if !version.has_rich_forms() => {
            let simple = Ask::Form { message: message.clone(), schema: simplified(schema) };
            pending::form(&simple)
        }
        Ask::Form { .. } | Ask::Sample(_) | Ask::Roots => pending::form(ask),
    }
}

/// A form without what came after 2025-06-18. A choice of several is left out: its revision has no field that could take
/// the answer, so a handler must do without one.
fn simplified(schema: &Value) -> Value {
    let mut simple = schema.clone();
    let mut gone = Vec::new();
    if let Some(fields) = simple.get_mut("properties").and_then(Value::as_object_mut) {
        gone.extend(
            fields.iter().filter(|(_, field)| field["type"] == "array").map(|(name, _)| name.clone()),
        );
        fields.retain(|name, _| !gone.contains(name));
        fields.values_mut().filter_map(Value::as_object_mut).for_each(simplify);
    }
    if let Some(required) = simple.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| !name.as_str().is_some_and(|name| gone.iter().any(|gone| gone == name)));
    }
    simple
}

fn simplify(field: &mut Map<String, Value>) {
    if field.get("type").is_none_or(|kind| kind != "boolean") {
        field.remove("default");
    }
    let Some(Value::Array(choices)) = field.remove("oneOf") else { return };
    let all = |name: &str| choices.iter().filter_map(|choice| choice.get(name)).cloned().collect::<Vec<_>>();
    field.insert("enum".to_owned(), Value::Array(all("const")));
    field.insert("enumNames".to_owned(), Value::Array(all("title")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_clients_get_the_form_in_their_words() {
        let schema = json!({
            "type": "object",
            "properties": {
                "name": { "type": "string", "title": "Name", "default": "Kim" },
                "sure": { "type": "boolean", "default": false },
                "colour": {
                    "type": "string", "default": "r",
                    "oneOf": [{ "const": "r", "title": "Red" }, { "const": "g", "title": "Green" }],
                },
                "days": { "type": "array", "items": { "type": "string", "enum": ["mon", "tue"] } },
            },
            "required": ["name", "days"],
        });
        let ask = Ask::Form { message: "Well?".to_owned(), schema: schema.clone() };
        let (method, params) = form(&ask, Legacy::V2025_11_25);
        assert_eq!((method, &params["requestedSchema"]), ("elicitation/create", &schema));
        let (_, params) = form(&ask, Legacy::V2025_06_18);
        let expected = json!({
            "type": "object",
            "properties": {
                "name": { "type": "string", "title": "Name" },
                "sure": { "type": "boolean", "default": false },
                "colour": { "type": "string", "enum": ["r", "g"], "enumNames": ["Red", "Green"] },
            },
            "required": ["name"],
        });
        assert_eq!(params["requestedSchema"], expected);
    }
}
