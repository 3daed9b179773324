//! Entra and Graph that fail in every way they can, with tokens that have to be refreshed meanwhile.

use super::super::crowd::Crowd;
use super::{pair, rounds, row, tally};
use reqwest::Method;
use serde_json::{Value, json};

const TOKEN: &str = "*/oauth2/v2.0/token";

/// How often a rule strikes: often enough that everybody meets it, seldom enough that it ends by itself.
const STRIKES: u64 = 12;

fn entra_faults() -> Vec<(&'static str, Value)> {
    let refused = json!({ "error": "temporarily_unavailable", "error_description": "AADSTS90033: later",
        "error_codes": [90_033] });
    vec![
        ("Entra: 503", json!({ "path": TOKEN, "status": 503, "body": refused })),
        (
            "Entra: 503 with Retry-After",
            json!({ "path": TOKEN, "status": 503, "headers": { "Retry-After": "1" } }),
        ),
        ("Entra: 429", json!({ "path": TOKEN, "status": 429, "headers": { "Retry-After": "1" } })),
        ("Entra: slow (3 s)", json!({ "path": TOKEN, "delay_ms": 3_000 })),
        ("Entra: connection reset", json!({ "path": TOKEN, "reset": true })),
        ("Entra: answer lost", json!({ "path": TOKEN, "reset": true, "after": true })),
        ("Entra: truncated JSON", json!({ "path": TOKEN, "status": 200, "body": "{\"access_token\":\"ey" })),
        (
            "Entra: a page instead of JSON",
            json!({ "path": TOKEN, "status": 200, "body": "<html>busy</html>" }),
        ),
        (
            "Entra: a page with status 400",
            json!({ "path": TOKEN, "status": 400, "body": "<html>bad</html>" }),
        ),
        ("Entra: keys unreachable", json!({ "path": "*/discovery/v2.0/keys", "status": 503 })),
        (
            "Entra: keys malformed",
            json!({ "path": "*/discovery/v2.0/keys", "status": 200, "body": "{\"keys\":[" }),
        ),
    ]
}

fn graph_faults() -> Vec<(&'static str, Value)> {
    let mail = "/v1.0/me/";
    let throttled = json!({ "error": { "code": "ApplicationThrottled", "message": "Over its limit." } });
    vec![
        (
            "Graph: 429 with Retry-After",
            json!({ "path": mail, "status": 429, "headers": { "Retry-After": "1" },
            "body": throttled }),
        ),
        ("Graph: 503", json!({ "path": mail, "status": 503 })),
        (
            "Graph: 503 with Retry-After",
            json!({ "path": mail, "status": 503, "headers": { "Retry-After": "1" } }),
        ),
        ("Graph: 504", json!({ "path": mail, "status": 504, "body": "<html>gateway</html>" })),
        ("Graph: 500", json!({ "path": mail, "status": 500 })),
        ("Graph: slow (2 s)", json!({ "path": mail, "delay_ms": 2_000 })),
        ("Graph: no answer in time", json!({ "path": mail, "delay_ms": 10_000 })),
        ("Graph: connection reset", json!({ "path": mail, "reset": true })),
        ("Graph: answer lost after the work", json!({ "path": mail, "reset": true, "after": true })),
        ("Graph: 503 after the work", json!({ "path": mail, "status": 503, "after": true })),
        (
            "Graph: truncated answer after the work",
            json!({ "path": mail, "status": 200, "body": "{\"id\":\"AA", "after": true }),
        ),
        (
            "Graph: a page instead of JSON",
            json!({ "path": mail, "status": 200, "body": "<html>hello</html>",
            "after": true }),
        ),
        (
            "Graph: 401",
            json!({ "path": mail, "status": 401,
            "body": { "error": { "code": "InvalidAuthenticationToken", "message": "Lifetime validation failed." } } }),
        ),
    ]
}

/// Each fault in turn, under one load.
async fn every(faults: Vec<(&'static str, Value)>, expire: bool) {
    let Some(mut cluster) = pair().await else { return };
    let mut crowd = Crowd::gather(&mut cluster).await;
    let (tenant, mut all) = (&cluster.tenant, Vec::new());
    for (name, mut rule) in faults {
        rule["times"] = json!(STRIKES * rounds() / 3);
        let load = crowd.work();
        load.go_on(1).await;
        tenant.fault(rule).await;
        if expire {
            tenant.expire_tokens().await;
        }
        load.go_on(rounds()).await;
        tenant.clear_faults().await;
        load.go_on(1).await;
        let (idle, figures) = tally(load, name, tenant).await;
        crowd = idle;
        all.push((name, figures));
    }
    for (name, figures) in all {
        figures.assert_clean(name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entra_fails_in_every_way_while_tokens_are_refreshed() {
    every(entra_faults(), true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn graph_fails_in_every_way() {
    every(graph_faults(), false).await;
}

/// id_tokens signed by keys that nobody published, and tokens that live shorter than they are refreshed ahead of.
#[tokio::test(flavor = "multi_thread")]
async fn entra_changes_its_keys_and_shortens_its_tokens() {
    let Some(mut cluster) = pair().await else { return };
    let load = Crowd::gather(&mut cluster).await.work();
    load.go_on(rounds()).await;
    cluster.tenant.forge(json!({ "kid": "a-new-key", "times": STRIKES })).await;
    load.go_on(rounds()).await;
    let short = json!({ "access_token_seconds": 5 });
    cluster.tenant.control(Method::POST, "options", Some(short)).await;
    cluster.tenant.expire_tokens().await;
    load.go_on(2 * rounds()).await;
    row(load, "Entra: unknown keys, tokens of 5 s", &cluster.tenant).await;
}
