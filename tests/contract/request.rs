//! What may be wrong with a request: the description's word, and the rules that OpenAPI cannot say.

use super::description::{Description, Operation};
use super::record::Exchange;
use serde_json::{Value, json};

/// Options that only a link of Graph's holds, which nobody may take apart.
const POSITION: [&str; 3] = ["$skiptoken", "$skip", "$deltatoken"];
const JSON_BODY: &str = "/requestBody/content/application~1json/schema";

pub(crate) fn faults(description: &Description, operation: &Operation, exchange: &Exchange) -> Vec<String> {
    let mut all = parameters(description, operation, exchange);
    all.extend(body(description, operation, exchange));
    all.extend(searches(operation, exchange));
    all.extend(order(operation, exchange));
    all.extend(headers(operation, exchange));
    all
}

/// Every option is declared, known by its schema, and none that is required is missing.
fn parameters(description: &Description, operation: &Operation, exchange: &Exchange) -> Vec<String> {
    let declared = description.parameters(operation);
    let mut all = Vec::new();
    for (name, value) in exchange.query() {
        let known = declared.iter().find(|one| one["in"] == "query" && one["name"] == name.as_str());
        match known {
            Some(one) => {
                let wrong = description.check(one["schema"].clone(), &typed(&one["schema"], &value));
                all.extend(wrong.into_iter().map(|fault| format!("{name}: {fault}")));
            }
            None if POSITION.contains(&name.as_str()) => {}
            None => all.push(format!("the operation has no option {name}")),
        }
    }
    for one in declared {
        let name = one["name"].as_str().unwrap_or_default();
        match one["in"].as_str() {
            Some("query") if one["required"] == true && exchange.option(name).is_none() => {
                // The link of a page carries what the first request said.
                if !POSITION.iter().any(|position| exchange.option(position).is_some()) {
                    all.push(format!("the option {name} is required"));
                }
            }
            Some("header") => {
                let value = exchange.header(&name.to_lowercase());
                let wrong = value.map(|value| description.check(one["schema"].clone(), &json!(value)));
                all.extend(wrong.into_iter().flatten().map(|fault| format!("{name}: {fault}")));
            }
            _ => {}
        }
    }
    all
}

/// A value of a query as its schema sees it.
fn typed(schema: &Value, value: &str) -> Value {
    match schema["type"].as_str() {
        Some("integer") => value.parse::<i64>().map_or_else(|_| json!(value), |number| json!(number)),
        Some("boolean") => value.parse::<bool>().map_or_else(|_| json!(value), |flag| json!(flag)),
        Some("array") => value.split(',').collect(),
        _ => json!(value),
    }
}

fn body(description: &Description, operation: &Operation, exchange: &Exchange) -> Vec<String> {
    let declared = description.at(operation, "/requestBody");
    match (declared, exchange.body.is_null()) {
        (None, false) => vec!["the operation takes no body".to_owned()],
        (Some(declared), true) if declared["required"] == true => {
            vec!["the operation needs a body".to_owned()]
        }
        (Some(declared), false) => {
            let is_json = declared["content"].get("application/json").is_some();
            let is_text = exchange.body.get("bytes").is_some();
            if is_json && !is_text {
                description.misfits(operation, JSON_BODY, &exchange.body)
            } else {
                Vec::new()
            }
        }
        (Some(_) | None, true) => Vec::new(),
    }
}

/// `$search` of mail stands alone; a search or a count of the directory wants its header.
fn searches(operation: &Operation, exchange: &Exchange) -> Vec<String> {
    let has = |name: &str| exchange.option(name).is_some();
    let mut all = Vec::new();
    if operation.template.ends_with("/messages") && has("$search") {
        let others = ["$orderby", "$filter", "$skip"].into_iter().filter(|other| has(other));
        all.extend(others.map(|other| format!("$search of messages excludes {other}")));
    }
    let is_directory = operation.template == "/users";
    if is_directory
        && (has("$search") || has("$count"))
        && exchange.header("consistencylevel") != Some("eventual")
    {
        all.push("a search of the directory needs ConsistencyLevel: eventual".to_owned());
    }
    all
}

/// Properties that order messages must lead the filter, in the same order (else `InefficientFilter`).
fn order(operation: &Operation, exchange: &Exchange) -> Option<String> {
    if !operation.template.ends_with("/messages") || operation.template.starts_with("/chats") {
        return None;
    }
    let (filter, order) = (exchange.option("$filter")?, exchange.option("$orderby")?);
    let mut from = 0;
    for property in order.split(',').filter_map(|part| part.split_whitespace().next()) {
        let Some(at) = filter.get(from..).and_then(|rest| rest.find(property)) else {
            return Some(format!("$orderby has {property}, the filter has it not, or later"));
        };
        let is_first = from > 0 || filter.trim_start_matches('(').starts_with(property);
        if !is_first {
            return Some(format!("the filter must begin with {property}, which orders"));
        }
        from += at + property.len();
    }
    None
}

/// Each request is named for support, and ids of mail stay the same when a message moves.
fn headers(operation: &Operation, exchange: &Exchange) -> Vec<String> {
    let mut all = Vec::new();
    if !exchange.is_part && exchange.header("client-request-id").is_none() {
        all.push("client-request-id is missing".to_owned());
    }
    let is_mail = ["/messages", "/mailFolders/{mailFolder-id}/messages"]
        .iter()
        .any(|path| operation.template.starts_with(&format!("/me{path}")));
    if is_mail && !exchange.header("prefer").is_some_and(|prefer| prefer.contains("IdType=\"ImmutableId\"")) {
        all.push("a request of messages without immutable ids".to_owned());
    }
    all
}
