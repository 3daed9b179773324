//! A key rotation, one replica after the other, in the middle of everything.

use super::support::{Browser, REDIRECT, ROTATED_KEYS, World, authorize_uri, code_form};
use actix_web::http::header;
use actix_web::test::TestRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

#[actix_web::test]
async fn sign_ins_codes_and_tokens_survive_a_key_rotation() {
    let old = World::new();
    let new = old.replica(ROTATED_KEYS);
    let client = old.public_client().await;

    let browser = Browser::new(&old);
    let page = browser.consent_page(&authorize_uri(&client, &[])).await;
    let browser = browser.at(&new);
    let approved = browser.decide(&page, "approve").await;
    assert_eq!(approved.status, 303, "{approved:?}");

    let code = Browser::new(&old).sign_in(&client, "alice").await;
    let answer = new.redeem(&client, &code).await;
    assert_eq!(answer.status, 200, "{answer:?}");

    let signed_in = old.signed_in(&client, "alice").await;
    assert!(new.works(signed_in["access_token"].as_str().unwrap()).await);
    let refresh_token = signed_in["refresh_token"].as_str().unwrap();
    let first = old.refresh(&client, refresh_token).await;
    assert_eq!(new.refresh(&client, refresh_token).await.body, first.body);
    let next = first.json()["refresh_token"].as_str().unwrap().to_owned();
    assert_eq!(new.refresh(&client, &next).await.status, 200);
}

#[actix_web::test]
async fn a_retry_at_a_replica_without_the_newest_key_is_no_theft() {
    let old = World::new();
    let new = old.replica(ROTATED_KEYS);
    let client = old.public_client().await;
    let signed_in = old.signed_in(&client, "alice").await;
    let token = signed_in["refresh_token"].as_str().unwrap();
    let first = new.refresh(&client, token).await;
    assert_eq!(old.refresh(&client, token).await.body, first.body);
    let next = first.json()["refresh_token"].as_str().unwrap().to_owned();
    assert_eq!(new.refresh(&client, &next).await.status, 200, "the grant lives on");
}

#[actix_web::test]
async fn a_remembered_approval_and_a_client_secret_survive_too() {
    let old = World::new();
    let new = old.replica(ROTATED_KEYS);
    let registered = old.register(json!({"redirect_uris": [REDIRECT]})).await.json();
    let id = registered["client_id"].as_str().unwrap();
    let browser = Browser::new(&old);
    let code = browser.sign_in(id, "alice").await;
    let again = browser.at(&new).get(&authorize_uri(id, &[])).await;
    assert!(again.location().starts_with("https://login.example/"), "{again:?}");
    let credentials = format!("{id}:{}", registered["client_secret"].as_str().unwrap());
    let request = TestRequest::post().uri("/token").set_form(code_form(id, &code));
    let basic = format!("Basic {}", STANDARD.encode(credentials));
    let reply = new.call(request.insert_header((header::AUTHORIZATION, basic))).await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

#[actix_web::test]
async fn nothing_secret_stands_in_the_store() {
    let world = World::new();
    let client = world.public_client().await;
    let browser = Browser::new(&world);
    let state = browser.approve(&authorize_uri(&client, &[("login_hint", "alice@contoso.example")])).await;
    let code = browser.come_back(&state, "alice").await.redirected("code").unwrap();
    let answer = world.redeem(&client, &code).await.json();
    let dump = world.dump();
    let held = |secret: &str| dump.windows(secret.len()).any(|part| part == secret.as_bytes());
    assert!(held(&client), "the dump shows what is stored");
    let tokens = ["access_token", "refresh_token"].map(|name| answer[name].as_str().unwrap());
    for secret in [tokens[0], tokens[1], &code, &state, "alice@contoso.example", "s&t="] {
        assert!(!held(secret), "{secret}");
    }
}
