//! The check of the wire itself: broken messages must be found, or it proves nothing about the whole ones.

use super::support::wire::schema::Schema;
use super::support::wire::{Framing, Recorder};
use serde_json::{Value, json};

const MODERN: &str = "2026-07-28";
const LEGACY: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

fn envelope(version: &str, mut params: Value) -> Value {
    if version == MODERN {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": { "name": "t", "version": "1" },
        });
    }
    params
}

fn request(version: &str, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": envelope(version, params) })
}

/// What is found when `asked` is answered with `answer` over POST.
fn faults(version: &str, asked: &Value, answer: &Value) -> Vec<String> {
    let recorder = Recorder::default();
    let tap = recorder.tap("POST", "/mail-query/mcp", Some(version), None).unwrap();
    tap.client_says(asked.to_string().as_bytes());
    tap.answered(200, None);
    tap.body(200, answer.to_string().as_bytes());
    recorder.faults()
}

/// What is found in one event beside an answer.
fn event_faults(version: &str, event: &Value) -> Vec<String> {
    let recorder = Recorder::default();
    let tap = recorder.tap("GET", "/mail-query/mcp", Some(version), None).unwrap();
    tap.answered(200, None);
    tap.event(event.to_string().as_bytes());
    recorder.faults()
}

fn result(result: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "result": result })
}

/// A whole result of `tools/list` in `version`.
fn tools(version: &str) -> Value {
    let mut list = json!({ "tools": [{ "name": "a", "inputSchema": { "type": "object" } }] });
    if version == MODERN {
        list["resultType"] = json!("complete");
        list["ttlMs"] = json!(0);
        list["cacheScope"] = json!("private");
    }
    list
}

fn has_schemas() -> bool {
    Schema::of(MODERN).is_some()
}

#[test]
fn whole_messages_pass_and_each_broken_one_is_found_in_every_version() {
    if !has_schemas() {
        return;
    }
    for version in LEGACY.into_iter().chain([MODERN]) {
        let list = request(version, "tools/list", json!({}));
        let good = tools(version);
        assert_eq!(faults(version, &list, &result(&good)), Vec::<String>::new(), "{version}");
        let broken = |edit: &dyn Fn(&mut Value)| {
            let mut answer = result(&good);
            edit(&mut answer);
            answer
        };
        for (what, answer, words) in [
            (
                "null member",
                broken(&|a| a["result"]["tools"][0]["title"] = Value::Null),
                "null at $.result.tools[0].title",
            ),
            (
                "deep null",
                broken(&|a| a["result"]["_meta"] = json!({ "x": [{ "y": null }] })),
                "null at $.result._meta.x[0].y",
            ),
            ("wrong type", broken(&|a| a["result"]["tools"] = json!({})), "/tools"),
            (
                "missing member",
                broken(&|a| drop(a["result"].as_object_mut().unwrap().remove("tools"))),
                "tools",
            ),
            (
                "missing in an item",
                broken(&|a| drop(a["result"]["tools"][0].as_object_mut().unwrap().remove("inputSchema"))),
                "inputSchema",
            ),
            ("unknown form", broken(&|a| a["result"]["resultType"] = json!("later")), "unknown form"),
            ("another id", broken(&|a| a["id"] = json!("1")), "nobody asked"),
            ("no id", broken(&|a| drop(a.as_object_mut().unwrap().remove("id"))), "neither"),
            ("both", broken(&|a| a["error"] = json!({ "code": 1, "message": "" })), "neither"),
            ("no jsonrpc", broken(&|a| drop(a.as_object_mut().unwrap().remove("jsonrpc"))), "no JSON-RPC"),
            ("error without code", json!({ "jsonrpc": "2.0", "id": 1, "error": { "message": "m" } }), "code"),
            (
                "error with text code",
                json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": "1", "message": "m" } }),
                "code",
            ),
            (
                "null id of an error",
                json!({ "jsonrpc": "2.0", "id": null, "error": { "code": 1, "message": "m" } }),
                "null at $.id",
            ),
        ] {
            let found = faults(version, &list, &answer);
            assert!(found.iter().any(|fault| fault.contains(words)), "{version} {what}: {found:?}");
        }
        let unknown = request(version, "tools/invent", json!({}));
        let found = faults(version, &unknown, &result(&good));
        assert!(found.iter().any(|fault| fault.contains("does not have")), "{version}: {found:?}");
    }
}

#[test]
fn what_is_of_another_version_or_direction_is_found() {
    if !has_schemas() {
        return;
    }
    let elicit = json!({
        "jsonrpc": "2.0", "id": 5, "method": "elicitation/create",
        "params": { "message": "m", "requestedSchema": { "type": "object", "properties": {} } },
    });
    assert!(event_faults("2025-06-18", &elicit).is_empty());
    for version in ["2024-11-05", "2025-03-26", MODERN] {
        assert!(!event_faults(version, &elicit).is_empty(), "{version} has no such request");
    }
    let note = |method: &str, params: Value| json!({ "jsonrpc": "2.0", "method": method, "params": params });
    assert!(event_faults("2025-11-25", &note("notifications/tools/list_changed", json!({}))).is_empty());
    for (event, words) in [
        (note("notifications/invented", json!({})), "ServerNotification has no"),
        (note("notifications/initialized", json!({})), "ServerNotification has no"),
        (note("notifications/resources/updated", json!({})), "uri"),
        (note("notifications/progress", json!({ "progressToken": 1, "progress": "half" })), "progress"),
        (note("notifications/message", json!({ "level": "loud", "data": "x" })), "level"),
        (result(&json!({})), "nobody asked"),
        (json!(5), "neither"),
    ] {
        let found = event_faults("2025-11-25", &event);
        assert!(found.iter().any(|fault| fault.contains(words)), "{event}: {found:?}");
    }
    let call = request(MODERN, "tools/call", json!({ "name": "a" }));
    assert!(
        faults(MODERN, &call, &result(&json!({ "resultType": "input_required" }))).len() == 1,
        "asks nothing"
    );
    let list = request(MODERN, "tools/list", json!({}));
    let asks = result(&json!({ "resultType": "input_required", "requestState": "s" }));
    assert!(!faults(MODERN, &list, &asks).is_empty(), "only calls, prompts and resources may ask");
    assert!(faults(MODERN, &call, &asks).is_empty());
    let mismatch = json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": -32022, "message": "m" } });
    assert!(!faults(MODERN, &list, &mismatch).is_empty(), "the versions are missing");
}

/// What a client says counts once the server accepts it.
#[test]
fn what_a_client_says_is_checked_when_the_server_accepts_it() {
    if !has_schemas() {
        return;
    }
    for version in LEGACY.into_iter().chain([MODERN]) {
        let call = request(version, "tools/call", json!({ "arguments": {} }));
        let mut done = json!({ "content": [] });
        if version == MODERN {
            done["resultType"] = json!("complete");
        }
        assert!(!faults(version, &call, &result(&done)).is_empty(), "{version}: a call without a name");
        let refused = json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": -32602, "message": "m" } });
        assert_eq!(faults(version, &call, &refused), Vec::<String>::new(), "{version}");
    }
    let bare = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    assert!(!faults(MODERN, &bare, &result(&tools(MODERN))).is_empty(), "no envelope");
    for (message, status, is_found) in [
        (
            json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": {} } }),
            202,
            true,
        ),
        (
            json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": {} } }),
            400,
            false,
        ),
        (
            json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } }),
            202,
            false,
        ),
        (json!({ "jsonrpc": "1.0", "method": "x" }), 202, true),
    ] {
        let recorder = Recorder::default();
        let tap = recorder.tap("POST", "/mail-query/mcp", Some("2025-11-25"), None).unwrap();
        tap.client_says(message.to_string().as_bytes());
        tap.answered(status, None);
        assert_eq!(!recorder.faults().is_empty(), is_found, "{status} {message}");
    }
}

#[test]
fn batches_are_checked_one_by_one_and_only_where_they_exist() {
    if !has_schemas() {
        return;
    }
    let ping = |id: u32| json!({ "jsonrpc": "2.0", "id": id, "method": "ping" });
    let pong = |id: u32| json!({ "jsonrpc": "2.0", "id": id, "result": {} });
    let asked = json!([ping(1), ping(2)]);
    assert!(faults("2025-03-26", &asked, &json!([pong(1), pong(2)])).is_empty());
    let holed = json!([pong(1), { "jsonrpc": "2.0", "id": 2, "result": { "_meta": { "x": null } } }]);
    assert_eq!(faults("2025-03-26", &asked, &holed).len(), 1);
    assert_eq!(faults("2025-03-26", &asked, &json!([pong(1), pong(3)])).len(), 1, "nobody asked 3");
    assert!(!faults("2025-06-18", &asked, &json!([pong(1), pong(2)])).is_empty());
}

/// An answer is told from a stranger's by what its session asked, wherever that was.
#[test]
fn answers_find_their_request_over_exchanges_of_one_session() {
    if !has_schemas() {
        return;
    }
    let recorder = Recorder::default();
    let stream = recorder.tap("GET", "/mail-query/sse", None, None).unwrap();
    stream.event(b"/mail-query/messages?sessionId=abc");
    let post = || recorder.tap("POST", "/mail-query/messages?sessionId=abc", None, None).unwrap();
    let hello = json!({
        "protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" },
    });
    let opening = json!({ "jsonrpc": "2.0", "id": "h", "method": "initialize", "params": hello });
    post().client_says(opening.to_string().as_bytes());
    let opened = json!({
        "protocolVersion": "2024-11-05", "capabilities": {}, "serverInfo": { "name": "s", "version": "1" },
    });
    stream.event(json!({ "jsonrpc": "2.0", "id": "h", "result": opened }).to_string().as_bytes());
    post().client_says(json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" }).to_string().as_bytes());
    stream.event(result(&json!({})).to_string().replace(":1,", ":2,").as_bytes());
    let found = recorder.faults();
    assert!(!found.is_empty() && found.iter().all(|fault| fault.contains("ListToolsResult")), "{found:?}");
    let heard = recorder.heard();
    assert!(
        heard.iter().all(|one| one.version == "2024-11-05" && one.framing == Framing::HttpSse),
        "{heard:?}"
    );
    let other = recorder.tap("GET", "/mail-query/mcp", None, Some("xyz")).unwrap();
    other.event(json!({ "jsonrpc": "2.0", "id": "h", "result": {} }).to_string().as_bytes());
    assert!(recorder.faults().iter().any(|fault| fault.contains("nobody asked")));
}
