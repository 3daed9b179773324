//! Faults, counters and the other switches.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{StatusCode, header};
use serde_json::{Value, json};

use super::support::{World, aadsts};
use crate::sim::TenantOptions;

#[actix_web::test]
async fn counters_tell_grants_routes_and_statuses() {
    let world = World::start(TenantOptions::default());
    let tokens = world.tokens("alice").await;
    let refresh = tokens["refresh_token"].as_str().unwrap();
    world.token(&world.refreshment(refresh)).await;
    world.token(&world.refreshment("unknown")).await;
    world.me("wrong").await;
    let counters = world.json("/_sim/counters").await;
    assert_eq!(counters["grants"], json!({ "authorization_code": 1, "refresh_token": 2 }));
    assert_eq!(counters["grants_issued"], json!({ "authorization_code": 1, "refresh_token": 1 }));
    assert_eq!(counters["routes"]["POST /{tenant}/oauth2/v2.0/token"], 3);
    assert_eq!(counters["routes"]["GET /v1.0/me"], 1);
    assert_eq!(counters["statuses"]["400"], 1);
    assert_eq!(counters["statuses"]["401"], 1);
    assert_eq!(counters["statuses"]["302"], 1);
    world.control("/reset", json!({})).await;
    assert_eq!(world.json("/_sim/counters").await["routes"], json!({}));
    world.stop().await;
}

#[actix_web::test]
async fn a_fault_answers_as_often_as_told() {
    let world = World::start(TenantOptions::default());
    let rule = json!({
        "method": "POST", "path": "*/oauth2/v2.0/token", "status": 503, "times": 2,
        "headers": { "Retry-After": "7" }, "body": { "error": "temporarily_unavailable" },
    });
    assert_eq!(world.control("/faults", rule).await.status(), StatusCode::CREATED);
    let form = world.refreshment("unknown");
    for _ in 0..2 {
        let response = world.token(&form).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "7");
        assert_eq!(response.json::<Value>().await.unwrap()["error"], "temporarily_unavailable");
    }
    assert_eq!(world.token(&form).await.status(), StatusCode::BAD_REQUEST);
    let counters = world.json("/_sim/counters").await;
    assert_eq!(counters["faulted"], 2);
    assert_eq!(counters["statuses"]["503"], 2);
    assert_eq!(counters["grants"]["refresh_token"], 1);
    world.stop().await;
}

#[actix_web::test]
async fn faults_delay_break_connections_and_are_cleared() {
    let world = World::start(TenantOptions::default());
    let me = format!("{}/v1.0/me", world.url);
    world.control("/faults", json!({ "path": "/v1.0/", "delay_ms": 150, "times": 1 })).await;
    let start = std::time::Instant::now();
    assert_eq!(world.me("wrong").await, StatusCode::UNAUTHORIZED);
    assert!(start.elapsed().as_millis() >= 150);

    world.control("/faults", json!([{ "path": "/v1.0/", "reset": true, "times": 1 }])).await;
    let broken = match world.http.get(&me).send().await {
        Ok(response) => response.bytes().await.is_err(),
        Err(_) => true,
    };
    assert!(broken);

    world.control("/faults", json!({ "path": "/v1.0/", "status": 500, "body": "<html>oops" })).await;
    for _ in 0..3 {
        let response = world.http.get(&me).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.text().await.unwrap(), "<html>oops");
    }
    assert_eq!(world.json("/_sim/faults").await.as_array().unwrap().len(), 1);
    world.http.delete(format!("{}/_sim/faults", world.url)).send().await.unwrap();
    assert_eq!(world.me("wrong").await, StatusCode::UNAUTHORIZED);
    world.stop().await;
}

#[actix_web::test]
async fn id_tokens_are_forged_as_often_as_told() {
    let world = World::start(TenantOptions::default());
    let part = |tokens: &Value, index: usize| -> Value {
        let token = tokens["id_token"].as_str().unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    world
        .control("/id_token", json!({ "claims": { "aud": "x", "tid": null }, "kid": "k", "times": 2 }))
        .await;
    world.control("/id_token", json!({ "signature": "none" })).await;
    for _ in 0..2 {
        let forged = world.tokens("alice").await;
        let claims = part(&forged, 1);
        assert_eq!(
            (&part(&forged, 0)["kid"], &claims["aud"], claims.get("tid")),
            (&json!("k"), &json!("x"), None)
        );
    }
    let unsigned = world.tokens("alice").await;
    assert_eq!(part(&unsigned, 0)["alg"], "none");
    assert!(unsigned["id_token"].as_str().unwrap().ends_with('.'));
    let right = world.tokens("alice").await;
    assert_eq!((&part(&right, 0)["alg"], &part(&right, 1)["aud"]), (&json!("RS256"), &json!(world.app_id)));
    world.stop().await;
}

#[actix_web::test]
async fn control_input_is_checked() {
    let world = World::start(TenantOptions::default());
    for rule in [
        json!({}),
        json!({ "path": "v1.0" }),
        json!({ "path": "/", "status": 99 }),
        json!({ "path": "/", "sttaus": 500 }),
        json!({ "path": "/", "headers": { "a b": "c" }, "status": 500 }),
        json!([1, 2]),
    ] {
        assert_eq!(world.control("/faults", rule.clone()).await.status(), 400, "{rule}");
    }
    assert_eq!(world.control("/users/nobody@contoso.example", json!({})).await.status(), 404);
    assert_eq!(world.control("/options", json!({ "strict": true })).await.status(), 400);
    assert_eq!(world.control("/id_token", json!({ "signature": "mine" })).await.status(), 400);
    world.stop().await;
}

#[actix_web::test]
async fn access_tokens_end_on_demand() {
    let world = World::start(TenantOptions::default());
    let access = |tokens: Value| tokens["access_token"].as_str().unwrap().to_owned();
    let (alice, bob) = (access(world.tokens("alice").await), access(world.tokens("bob").await));
    world.control("/users/alice@contoso.example", json!({ "revoke_sessions": true })).await;
    assert_eq!(world.me(&alice).await, StatusCode::UNAUTHORIZED);
    assert_eq!(world.me(&bob).await, StatusCode::OK);
    world.control("/tokens/expire", json!({})).await;
    assert_eq!(world.me(&bob).await, StatusCode::UNAUTHORIZED);
    let health = world.json("/_sim/health").await;
    assert_eq!(health["status"], "ok");
    assert_eq!(health["users"].as_array().unwrap().len(), 3);
    world.stop().await;
}

#[actix_web::test]
async fn a_late_fault_loses_the_answer_but_not_the_work() {
    let world = World::start(TenantOptions::default());
    let code = world.code(&world.request(), "alice").await;
    let rule = json!({ "path": "*/oauth2/v2.0/token", "status": 504, "after": true, "times": 1 });
    world.control("/faults", rule).await;
    assert_eq!(world.token(&world.redemption(&code)).await.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(aadsts(world.token(&world.redemption(&code)).await).await.2, 54_005);
    assert_eq!(world.json("/_sim/counters").await["grants_issued"]["authorization_code"], 1);
    world.stop().await;
}

#[test]
fn a_tenant_may_run_on_any_executor() {
    fn sent<T: Send>() {}
    sent::<crate::sim::Tenant>();
    sent::<actix_web::dev::Server>();
}
