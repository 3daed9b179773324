//! Exchange's limits over HTTP, and in batches.
use futures_util::future::join_all;
use serde_json::json;

use super::{ALL, Lab};

#[actix_web::test]
async fn the_fifth_request_at_once_is_refused() {
    let lab = Lab::new(0);
    lab.state.options.set_graph_delay_ms(200);
    let results = join_all((0..6).map(|_| lab.get("alice", "/me/messages?$top=1"))).await;
    let refused: Vec<_> = results.iter().filter(|r| r.status == 429).collect();
    assert_eq!(refused.len(), 2);
    assert_eq!(refused[0].code(), "ApplicationThrottled");
    assert_eq!(refused[0].header("Retry-After"), "1");
    lab.state.options.set_graph_delay_ms(0);
    assert_eq!(lab.get("alice", "/me/messages?$top=1").await.status, 200);
    let marks = lab.state.counters.totals().marks;
    assert_eq!((marks["graph.max_concurrent"], marks["graph.throttled"]), (4, 2));
    let report = lab.send("", "GET", "/_sim/graph/limits", &[], "").await.json();
    assert_eq!(report["usage"][0]["max_concurrent"], 4);
}

#[actix_web::test]
async fn the_budget_can_be_made_small() {
    let lab = Lab::new(0);
    assert_eq!(
        lab.send("", "POST", "/_sim/graph/limits", &[("Content-Type", "application/json")], "{\"budget\":2}")
            .await
            .status,
        204
    );
    for wanted in [200, 200, 429] {
        assert_eq!(lab.get("bob", "/me/mailFolders").await.status, wanted);
    }
    assert_eq!(lab.get("bob", "/me").await.status, 200, "the directory has limits of its own");
    lab.state.graph.reset();
    assert_eq!(lab.get("bob", "/me/mailFolders").await.status, 200);
}

#[actix_web::test]
async fn batch_parts_have_their_own_answers() {
    let lab = Lab::new(0);
    let token = lab.token("alice", &ALL);
    let body = json!({ "requests": [
        { "id": "a", "method": "GET", "url": "/me/messages?$top=1&$select=subject" },
        { "id": "b", "method": "GET", "url": "/me/messages/nonsense" },
        { "id": "c", "method": "GET", "url": "https://graph.microsoft.com/v1.0/me" },
        { "id": "d", "method": "GET", "url": "/me", "dependsOn": ["b"] },
        { "id": "e", "method": "GET", "url": "/me/mailFolders/inbox", "headers": { "Prefer": "IdType=\"ImmutableId\"" } },
    ]});
    let got = lab.send(&token, "POST", "/v1.0/$batch", &[], &body.to_string()).await;
    let answers = got.json();
    let status: Vec<_> =
        answers["responses"].as_array().unwrap().iter().map(|r| r["status"].as_u64().unwrap()).collect();
    assert_eq!(status, [200, 400, 400, 424, 200]);
    assert_eq!(answers["responses"][1]["body"]["error"]["code"], "ErrorInvalidIdMalformed");
    assert_eq!(answers["responses"][4]["headers"]["Preference-Applied"], "IdType=\"ImmutableId\"");
}

#[actix_web::test]
async fn a_parallel_batch_takes_the_slots_of_the_mailbox() {
    let lab = Lab::new(0);
    lab.state.options.set_graph_delay_ms(200);
    let token = lab.token("alice", &ALL);
    let requests: Vec<_> = (0..8)
        .map(|i| json!({ "id": i.to_string(), "method": "GET", "url": "/me/messages?$top=1" }))
        .collect();
    let body = json!({ "requests": requests }).to_string();
    let batch = lab.send(&token, "POST", "/v1.0/$batch", &[], &body);
    let (batch, single) = futures_util::future::join(batch, lab.get("alice", "/me/messages?$top=1")).await;
    assert_eq!(single.status, 429);
    assert!(batch.json()["responses"].as_array().unwrap().iter().all(|r| r["status"] == 200));
}

#[actix_web::test]
async fn broken_batches_are_refused_whole() {
    let lab = Lab::new(0);
    let token = lab.token("alice", &ALL);
    let many: Vec<_> =
        (0..21).map(|i| json!({ "id": i.to_string(), "method": "GET", "url": "/me" })).collect();
    for body in [
        "{".to_owned(),
        json!({ "requests": [] }).to_string(),
        json!({ "requests": many }).to_string(),
        json!({ "requests": [{ "id": "1", "method": "GET", "url": "/me" }, { "id": "1", "method": "GET", "url": "/me" }] }).to_string(),
    ] {
        let got = lab.send(&token, "POST", "/v1.0/$batch", &[], &body).await;
        assert_eq!((got.status, got.code().as_str()), (400, "BadRequest"));
    }
}
