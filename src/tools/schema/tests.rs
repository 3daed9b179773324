use super::{lint::lint, prepare};
use crate::tools::error::ToolErrorKind;
use crate::tools::tool::{Annotations, ToolSpec};
use serde_json::{Value, json};

fn spec(input: Value) -> ToolSpec {
    ToolSpec {
        name: "probe",
        title: "Probe",
        description: "A tool that only the tests know.",
        input_schema: input,
        output_schema: json!({"type": "object", "properties": {"ok": {"type": "boolean"}}}),
        annotations: Annotations::READ,
        scopes: &[],
        aliases: &[("top", "limit"), ("query_context", ""), ("user_id", "user_id")],
    }
}

fn sample() -> ToolSpec {
    spec(json!({"type": "object", "properties": {
        "limit": {"type": "integer", "description": "d", "minimum": 1, "maximum": 200},
        "ratio": {"type": "number", "description": "d"},
        "unread_only": {"type": "boolean", "description": "d"},
        "subject": {"type": "string", "description": "d"},
        "order": {"type": "string", "description": "d", "enum": ["newest", "oldest"]},
        "people": {"type": "array", "description": "d", "items": {"type": "string"}, "maxItems": 3},
        "keyword_filter": {"type": "object", "description": "d", "properties": {
            "and_keywords": {"type": "array", "items": {"type": "string"}}}},
    }}))
}

#[test]
fn arguments_are_repaired_from_the_schema() {
    for (given, expected) in [
        (json!({"limit": "10"}), json!({"limit": 10})),
        (json!({"limit": "\"25\""}), json!({"limit": 25})),
        (json!({"limit": 10.0}), json!({"limit": 10})),
        (json!({"limit": "null", "subject": "", "order": null}), json!({})),
        (json!({"ratio": "0.5"}), json!({"ratio": 0.5})),
        (json!({"unread_only": "yes"}), json!({"unread_only": true})),
        (json!({"unread_only": "Y"}), json!({"unread_only": true})),
        (json!({"unread_only": 1}), json!({"unread_only": true})),
        (json!({"unread_only": "False"}), json!({"unread_only": false})),
        (json!({"unreadOnly": true}), json!({"unread_only": true})),
        (json!({"unread-only": true}), json!({"unread_only": true})),
        (json!({"top": 5}), json!({"limit": 5})),
        (json!({"limit": 7, "top": 5}), json!({"limit": 7})),
        (json!({"top": 5, "limit": 7}), json!({"limit": 7})),
        (json!({"order": "Oldest"}), json!({"order": "oldest"})),
        (json!({"subject": 42}), json!({"subject": "42"})),
        (json!({"subject": r"C:\new\table"}), json!({"subject": r"C:\new\table"})),
        (json!({"people": "a@x.example, b@x.example"}), json!({"people": ["a@x.example", "b@x.example"]})),
        (json!({"people": r#"["a","b"]"#}), json!({"people": ["a", "b"]})),
        (json!({"people": ["a", null, ""]}), json!({"people": ["a"]})),
        (
            json!({"keyword_filter": r#"{"andKeywords": "x,y"}"#}),
            json!({"keyword_filter": {"and_keywords": ["x", "y"]}}),
        ),
        (json!({"query_context": {"is_first_query": true}}), json!({})),
        (json!({"user_id": "bob"}), json!({"user_id": "bob"})),
        (Value::Null, json!({})),
        (json!(r#"{"limit":3}"#), json!({"limit": 3})),
    ] {
        let prepared = prepare(&sample(), given.clone()).unwrap();
        assert_eq!(Value::Object(prepared.args), expected, "{given}");
        assert!(prepared.warnings.is_empty(), "{given}");
    }
}

#[test]
fn unknown_names_are_ignored_and_listed() {
    let prepared = prepare(&sample(), json!({"colour": 1, "limit": 2})).unwrap();
    assert_eq!(Value::Object(prepared.args), json!({"limit": 2}));
    assert_eq!(prepared.warnings, ["Ignored unknown arguments: `colour`."]);
}

#[test]
fn what_cannot_be_repaired_is_refused_by_name() {
    let mut required = sample();
    required.input_schema["required"] = json!(["subject"]);
    for (given, field, part) in [
        (json!({"subject": "s", "limit": "ten"}), "limit", "must be an integer, got \"ten\""),
        (json!({"subject": "s", "limit": 0}), "limit", "at least 1, got 0"),
        (json!({"subject": "s", "limit": 1000}), "limit", "at most 200, got 1000"),
        (json!({"subject": "s", "unread_only": "perhaps"}), "unread_only", "must be a boolean"),
        (json!({"subject": "s", "order": "random"}), "order", "one of \"newest\", \"oldest\""),
        (json!({"subject": "s", "people": {"a": 1}}), "people", "an array of strings"),
        (json!({"subject": "s", "people": ["a", "b", "c", "d"]}), "people", "at most 3 items, got 4 items"),
        (json!({"subject": "s", "people": [{"a": 1}]}), "people[0]", "must be a string"),
        (json!({"subject": "s", "keyword_filter": "x"}), "keyword_filter", "must be an object"),
        (
            json!({"subject": "s", "keyword_filter": {"and_keywords": {}}}),
            "keyword_filter.and_keywords",
            "array of strings",
        ),
        (json!({}), "subject", "is required"),
        (json!({"subject": "null"}), "subject", "is required"),
        (json!([1]), "arguments", "must be a JSON object"),
    ] {
        let error = prepare(&required, given.clone()).unwrap_err();
        assert_eq!(error.kind, ToolErrorKind::InvalidInput { field: Some(field.to_owned()) }, "{given}");
        assert!(error.public.contains(part), "{given}: {}", error.public);
    }
}

#[test]
fn the_lint_finds_what_strict_clients_refuse() {
    assert_eq!(lint(&sample()), Vec::<String>::new());
    for (property, fault) in [
        (json!({"anyOf": [{"type": "string"}], "type": "string", "description": "d"}), "uses anyOf"),
        (json!({"type": "string", "format": "email", "description": "d"}), "uses format"),
        (json!({"type": ["string", "null"], "description": "d"}), "exactly one type"),
        (json!({"type": "boolean", "default": true, "description": "d"}), "must not be true"),
        (json!({"type": "string", "default": null, "description": "d"}), "must not be null"),
        (json!({"type": "array", "description": "d"}), "needs items"),
        (json!({"type": "string"}), "needs a description"),
        (json!({"$ref": "#/x"}), "uses $ref"),
    ] {
        let faults = lint(&spec(json!({"type": "object", "properties": {"p": property}})));
        assert!(faults.iter().any(|f| f.contains(fault)), "{property}: {faults:?}");
    }
}
