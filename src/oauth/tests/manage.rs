//! Who may register, and what a registrant may do later (RFC 7592).

use super::support::{REDIRECT, Reply, World};
use crate::domain::secret::Secret;
use crate::oauth::{OauthSettings, RegistrationMode, RegistrationSettings};
use actix_web::http::header;
use actix_web::test::TestRequest;
use serde_json::{Value, json};
use std::time::Duration;

fn in_mode(mode: RegistrationMode) -> World {
    let registration = RegistrationSettings { mode, ..RegistrationSettings::default() };
    World::with(OauthSettings { registration, ..OauthSettings::default() }, Some("mail-query"))
}

async fn managed(world: &World, request: TestRequest, token: &str) -> Reply {
    world.call(request.insert_header((header::AUTHORIZATION, format!("Bearer {token}")))).await
}

fn text<'a>(answer: &'a Value, member: &str) -> &'a str {
    answer[member].as_str().unwrap_or_else(|| panic!("no {member}: {answer}"))
}

#[actix_web::test]
async fn the_operator_decides_who_registers() {
    let body = json!({"redirect_uris": [REDIRECT]});
    let off = in_mode(RegistrationMode::Off);
    let reply = off.register(body.clone()).await;
    assert_eq!((reply.status, reply.error().as_str()), (403, "access_denied"));
    let metadata = off.get("/.well-known/oauth-authorization-server").await.json();
    assert!(metadata.get("registration_endpoint").is_none());
    let gated = in_mode(RegistrationMode::Token(Secret::new("the-initial-token".to_owned())));
    let reply = gated.register(body.clone()).await;
    assert_eq!((reply.status, reply.error().as_str()), (401, "invalid_token"));
    assert!(reply.header(header::WWW_AUTHENTICATE).starts_with("Bearer"));
    for (token, status) in [("wrong", 401), ("", 401), ("the-initial-token", 201)] {
        let request = TestRequest::post().uri("/register").set_json(&body);
        assert_eq!(managed(&gated, request, token).await.status, status, "{token}");
    }
}

#[actix_web::test]
async fn a_registrant_reads_changes_and_ends_its_own_registration_only() {
    let world = World::new();
    let body = json!({"redirect_uris": [REDIRECT], "client_name": "One"});
    let mine = world.register(body.clone()).await.json();
    let other = world.register(body).await.json();
    let (uri, token) = (text(&mine, "registration_client_uri"), text(&mine, "registration_access_token"));
    let path = uri.strip_prefix(super::support::ISSUER).unwrap();
    let told = managed(&world, TestRequest::get().uri(path), token).await;
    assert_eq!((told.status, text(&told.json(), "client_name")), (200, "One"));
    assert!(
        told.json().get("client_secret").is_none()
            && told.json().as_object().unwrap().values().all(|v| !v.is_null())
    );
    let foreign = text(&other, "registration_access_token");
    for wrong in [foreign, "", "dcr_reg_x"] {
        let reply = managed(&world, TestRequest::get().uri(path), wrong).await;
        assert_eq!((reply.status, reply.error().as_str()), (401, "invalid_token"));
        assert_eq!(managed(&world, TestRequest::delete().uri(path), wrong).await.status, 401);
    }
    let id = text(&mine, "client_id");
    let change = json!({"client_id": id, "redirect_uris": ["https://new.example/cb"], "client_name": "Two"});
    let changed = managed(&world, TestRequest::put().uri(path).set_json(&change), token).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(changed.json()["redirect_uris"], json!(["https://new.example/cb"]));
    for (member, value) in [
        ("client_id", json!("dcr_other")),
        ("registration_access_token", json!(token)),
        ("client_secret", json!("not mine")),
        ("token_endpoint_auth_method", json!("none")),
        ("redirect_uris", json!(["javascript:alert(1)"])),
    ] {
        let mut bad = change.clone();
        bad[member] = value;
        let reply = managed(&world, TestRequest::put().uri(path).set_json(&bad), token).await;
        assert_eq!(reply.status, 400, "{member}: {reply:?}");
    }
    assert_eq!(managed(&world, TestRequest::delete().uri(path), token).await.status, 204);
    assert_eq!(managed(&world, TestRequest::get().uri(path), token).await.status, 401);
    let form =
        [("grant_type", "refresh_token"), ("client_id", id), ("client_secret", text(&mine, "client_secret"))];
    assert_eq!(world.token(&form).await.error(), "invalid_client");
}

#[actix_web::test]
async fn nobody_manages_a_client_that_is_shared() {
    let world = World::new();
    let id = world.public_client().await;
    for request in [TestRequest::get(), TestRequest::put(), TestRequest::delete()] {
        let reply = managed(&world, request.uri(&format!("/register/{id}")).set_json(json!({})), "").await;
        assert_eq!(reply.status, 401);
    }
    let reply = world.call(TestRequest::post().uri(&format!("/register/{id}"))).await;
    assert_eq!((reply.status, reply.header(header::ALLOW)), (405, "GET, PUT, DELETE, OPTIONS"));
}

#[actix_web::test]
async fn an_unused_client_ends_after_a_day_and_a_used_one_outlives_its_grants() {
    let world = World::new();
    let used = world.public_client().await;
    let body = json!({"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"});
    let unused = text(&world.register(body).await.json(), "client_id").to_owned();
    let tokens = world.signed_in(&used, "alice").await;
    world.wait(Duration::from_hours(25));
    assert_eq!(world.refresh(&unused, "dcr_rt_x").await.error(), "invalid_client");
    let refreshed = world.refresh(&used, text(&tokens, "refresh_token")).await;
    assert_eq!(refreshed.status, 200, "{refreshed:?}");
}
