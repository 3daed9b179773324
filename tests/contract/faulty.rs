//! Exchanges with one fault each: a checker that finds nothing wrong must be able to find something.

use super::record::Exchange;
use serde_json::{Value, json};

const ID: &str = "0197fa30-7f2b-7c10-8d5f-5a3cf0a1b2c3";

fn exchange(method: &str, url: &str, body: Value, status: u16, response: Value) -> Exchange {
    let headers = json!({ "client-request-id": ID, "prefer": "IdType=\"ImmutableId\"" });
    Exchange::of(&json!({
        "method": method, "url": url, "headers": headers, "body": body, "status": status, "response": response,
    }))
}

fn list(url: &str) -> Exchange {
    exchange("GET", url, Value::Null, 200, json!({ "value": [] }))
}

/// One that is as it should be.
pub(crate) fn sound() -> Exchange {
    let url = "/me/messages?$filter=receivedDateTime%20ge%202026-01-01T00:00:00Z&$orderby=receivedDateTime%20desc&$top=25&$select=id,subject";
    let message = json!({ "id": "AAMk", "subject": "계약서", "@odata.etag": "W/\"CQ\"" });
    exchange("GET", url, Value::Null, 200, json!({ "value": [message] }))
}

pub(crate) fn exchanges() -> Vec<(&'static str, Exchange)> {
    let message = |property: &str| json!({ "value": [{ "id": "AAMk", property: "x" }] });
    let batch = |part: Value, answer: Value| {
        let answer = json!({ "responses": [answer] });
        exchange("POST", "/$batch", json!({ "requests": [part] }), 200, answer)
    };
    let part = |url: &str| json!({ "id": "1", "method": "GET", "url": url });
    let without = |header: &str| {
        let mut one = sound();
        one.headers.as_object_mut().unwrap().remove(header);
        one
    };
    let preferring = |prefer: &str| {
        let mut one = sound();
        one.headers["prefer"] = json!(prefer);
        one
    };
    vec![
        ("an unknown path", list("/me/mesages")),
        ("an unknown method", exchange("PUT", "/me/messages", json!({}), 200, Value::Null)),
        ("an unknown option", list("/me/messages?$take=5")),
        ("a page beyond the limit", list("/me/messages?$top=1001")),
        ("an unknown property", list("/me/messages?$select=id,colour")),
        ("a search without quotes", list("/me/messages?$search=crane")),
        ("a search with an order", list("/me/messages?$search=%22crane%22&$orderby=subject")),
        ("an order that the filter lacks", list("/me/messages?$filter=isRead%20eq%20true&$orderby=subject")),
        (
            "a filter in another order",
            list("/me/messages?$filter=isRead%20eq%20true%20and%20subject%20eq%20'a'&$orderby=subject"),
        ),
        ("a directory without its header", list("/users?$search=%22displayName:a%22")),
        ("a required option missing", list("/me/calendarView?startDateTime=2026-01-01T00:00:00Z")),
        ("an unknown preference", preferring("IdType=\"Whatever\"")),
        ("ids that change", without("prefer")),
        ("a request without a name", without("client-request-id")),
        ("a body too many", exchange("GET", "/me/messages", json!({ "a": 1 }), 200, json!({ "value": [] }))),
        ("a body too few", exchange("POST", "/me/messages/AAMk/move", Value::Null, 201, message("subject"))),
        (
            "a body with an unknown property",
            exchange("POST", "/me/messages", json!({ "Subject": "x" }), 201, json!({ "id": "AAMk" })),
        ),
        (
            "an answer of an unknown property",
            exchange("GET", "/me/messages", Value::Null, 200, message("colour")),
        ),
        (
            "an answer of an unknown status",
            exchange("GET", "/me/messages", Value::Null, 206, message("subject")),
        ),
        ("an answer without its body", exchange("GET", "/me/messages", Value::Null, 200, Value::Null)),
        (
            "an error without its code",
            exchange("GET", "/me/messages", Value::Null, 404, json!({ "error": {} })),
        ),
        (
            "a batch with an absolute URL",
            batch(part("/v1.0/me"), json!({ "id": "1", "status": 200, "body": {} })),
        ),
        (
            "a fault inside a batch",
            batch(part("/me/messages?$top=0"), json!({ "id": "1", "status": 200, "body": { "value": [] } })),
        ),
    ]
}
