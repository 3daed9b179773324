//! The code flow as a client sees it.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use reqwest::{StatusCode, header};
use serde_json::{Value, json};

use super::support::{REDIRECT, SCOPE, World, form, landed, with};
use crate::sim::TenantOptions;

/// Verifies signature, audience and issuer against the published keys.
async fn verify(world: &World, id_token: &str) -> Value {
    let keys: JwkSet =
        serde_json::from_value(world.json(&format!("/{}/discovery/v2.0/keys", world.tenant_id)).await)
            .unwrap();
    let header = jsonwebtoken::decode_header(id_token).unwrap();
    assert_eq!(header.alg, Algorithm::RS256);
    let key = DecodingKey::from_jwk(keys.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[&world.app_id]);
    validation.set_issuer(&[format!("{}/{}/v2.0", world.url, world.tenant_id)]);
    jsonwebtoken::decode::<Value>(id_token, &key, &validation).unwrap().claims
}

#[actix_web::test]
async fn the_code_flow_ends_with_tokens_of_the_person() {
    let world = World::start(TenantOptions::default());
    let response = world.submit(&world.request(), "Minji@contoso.example ", "accept").await;
    let answer = landed(&response);
    assert_eq!(answer["state"], "st&te=1 ü");
    assert!(!answer["session_state"].is_empty());

    let response = world.token(&world.redemption(&answer["code"])).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store, no-cache");
    let tokens: Value = response.json().await.unwrap();
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["scope"], "Mail.Read User.Read openid profile email");
    assert!((3600..5400).contains(&tokens["expires_in"].as_u64().unwrap()));
    assert_eq!(tokens["expires_in"], tokens["ext_expires_in"]);

    let claims = verify(&world, tokens["id_token"].as_str().unwrap()).await;
    assert_eq!(claims["nonce"], "n-0S6");
    assert_eq!(claims["tid"], world.tenant_id.as_str());
    assert_eq!(claims["oid"], "313170e1-2f6b-4e38-b0c4-6d7a1f9c0003");
    assert_eq!(claims["preferred_username"], "minji@contoso.example");
    assert_eq!(claims["email"], "minji@contoso.example");
    assert_eq!(claims["name"], "김민지");
    assert_eq!(claims["ver"], "2.0");
    assert_ne!(claims["sub"], claims["oid"]);
    assert_eq!(world.me(tokens["access_token"].as_str().unwrap()).await, StatusCode::OK);
    assert_eq!(world.me("eyJ0eXAiOiJKV1QifQ.e30.c2ln").await, StatusCode::UNAUTHORIZED);
    world.stop().await;
}

#[actix_web::test]
async fn openid_and_offline_access_decide_what_is_issued() {
    let world = World::start(TenantOptions { access_token_seconds: Some(77), ..TenantOptions::default() });
    let code = world.code(&with(world.request(), &[("scope", "Mail.Read")]), "bob").await;
    let tokens: Value = world.token(&world.redemption(&code)).await.json().await.unwrap();
    assert!(tokens.get("id_token").is_none());
    assert!(tokens.get("refresh_token").is_none());
    assert_eq!(tokens["scope"], "Mail.Read");
    assert_eq!(tokens["expires_in"], 77);
    world.stop().await;
}

#[actix_web::test]
async fn discovery_names_what_the_tenant_path_asks_for() {
    let world = World::start(TenantOptions::default());
    for (path, segment, issuer) in [
        (world.tenant_id.as_str(), world.tenant_id.as_str(), world.tenant_id.as_str()),
        ("contoso.example", &world.tenant_id, &world.tenant_id),
        ("common", "common", "{tenantid}"),
        ("organizations", "organizations", "{tenantid}"),
    ] {
        let document = world.json(&format!("/{path}/v2.0/.well-known/openid-configuration")).await;
        assert_eq!(document["issuer"], format!("{}/{issuer}/v2.0", world.url));
        assert_eq!(document["token_endpoint"], format!("{}/{segment}/oauth2/v2.0/token", world.url));
        assert!(document.get("code_challenge_methods_supported").is_none());
        let keys = document["jwks_uri"].as_str().unwrap().strip_prefix(&world.url).unwrap().to_owned();
        assert_eq!(world.json(&keys).await["keys"][0]["kty"], "RSA");
    }
    let unknown = world.json("/nowhere.example/v2.0/.well-known/openid-configuration").await;
    assert_eq!(unknown["error_codes"], json!([90002]));
    world.stop().await;
}

#[actix_web::test]
async fn the_page_carries_the_request_and_prefills_the_hint() {
    let world = World::start(TenantOptions::default());
    let hinted =
        with(world.request(), &[("login_hint", "bob@contoso.example"), ("state", "\"><script>x</script>")]);
    let page = world.authorize(&hinted).await.text().await.unwrap();
    assert!(page.contains("Simulated Microsoft sign-in"));
    assert!(!page.contains("<script>x"));
    let (_, fields) = form(&page);
    assert_eq!(fields["username"], "bob@contoso.example");
    assert_eq!(fields["scope"], SCOPE);
    assert_eq!(fields["state"], "\"><script>x</script>");

    let wrong = world.submit(&world.request(), "mallory@contoso.example", "accept").await;
    assert_eq!(wrong.status(), StatusCode::OK);
    let page = wrong.text().await.unwrap();
    assert!(page.contains("no such account"), "{page}");
    assert_eq!(form(&page).1["username"], "mallory@contoso.example");
    world.stop().await;
}

#[actix_web::test]
async fn declining_is_reported_to_the_reply_url() {
    let world = World::start(TenantOptions::default());
    let response = world.submit(&world.request(), "", "cancel").await;
    let answer = landed(&response);
    assert_eq!(answer["error"], "access_denied");
    assert!(answer["error_description"].starts_with("AADSTS65004: "));
    assert_eq!(answer["state"], "st&te=1 ü");
    world.stop().await;
}

#[actix_web::test]
async fn prompt_none_needs_a_session_and_consent() {
    let world = World::start(TenantOptions::default());
    let silent = with(world.request(), &[("prompt", "none")]);
    assert_eq!(landed(&world.authorize(&silent).await)["error"], "login_required");

    let signed_in = world.submit(&world.request(), "alice@contoso.example", "accept").await;
    let cookie =
        signed_in.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let ask = async |request: &Vec<(&str, String)>| {
        let url = world.at("/oauth2/v2.0/authorize");
        let response =
            world.http.get(url).query(request).header(header::COOKIE, &cookie).send().await.unwrap();
        landed(&response)
    };
    assert!(ask(&silent).await.contains_key("code"));
    assert_eq!(ask(&with(silent.clone(), &[("scope", "Mail.Send")])).await["error"], "interaction_required");
    let other = with(silent.clone(), &[("login_hint", "bob@contoso.example")]);
    assert_eq!(ask(&other).await["error"], "login_required");
    world.control("/users/alice@contoso.example", json!({ "revoke_sessions": true })).await;
    assert_eq!(ask(&silent).await["error"], "login_required");
    world.stop().await;
}

#[actix_web::test]
async fn answers_travel_by_fragment_or_form_when_asked() {
    let world = World::start(TenantOptions::default());
    let fragment = with(world.request(), &[("response_mode", "fragment")]);
    let response = world.submit(&fragment, "bob@contoso.example", "accept").await;
    let location = response.headers()[header::LOCATION].to_str().unwrap().to_owned();
    assert!(location.starts_with(&format!("{REDIRECT}#code=")), "{location}");

    let posted = with(world.request(), &[("response_mode", "form_post")]);
    let page = world.submit(&posted, "bob@contoso.example", "accept").await.text().await.unwrap();
    let (action, fields) = form(&page);
    assert_eq!(action, REDIRECT);
    assert_eq!(fields["state"], "st&te=1 ü");
    assert!(fields.contains_key("code"));
    world.stop().await;
}
