//! `grant_type=authorization_code`.

use super::support::{Browser, REDIRECT, World, authorize_uri, code_form};
use crate::oauth::pkce;
use actix_web::http::header;
use actix_web::test::TestRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use serde_json::json;
use std::time::Duration;

#[actix_web::test]
async fn a_code_becomes_a_bearer_for_one_service() {
    let world = World::new();
    let client = world.public_client().await;
    let code = Browser::new(&world).sign_in(&client, "alice").await;
    let reply = world.redeem(&client, &code).await;
    assert_eq!((reply.status, reply.header(header::CACHE_CONTROL)), (200, "no-store"));
    assert_eq!(reply.header(header::PRAGMA), "no-cache");
    let answer = reply.json();
    assert_eq!((answer["token_type"].as_str(), answer["expires_in"].as_u64()), (Some("Bearer"), Some(3600)));
    assert_eq!(answer["scope"], "Mail.Read User.Read");
    assert!(world.works(answer["access_token"].as_str().unwrap()).await);
    world.wait(Duration::from_hours(1));
    assert!(!world.works(answer["access_token"].as_str().unwrap()).await);
}

#[actix_web::test]
async fn fifty_parallel_redemptions_have_one_winner() {
    let world = World::new();
    let client = world.public_client().await;
    let code = Browser::new(&world).sign_in(&client, "alice").await;
    let replies = join_all((0..50).map(|_| world.redeem(&client, &code))).await;
    let winners: Vec<_> = replies.iter().filter(|r| r.status == 200).collect();
    assert_eq!(winners.len(), 1);
    assert!(replies.iter().filter(|r| r.status != 200).all(|r| r.error() == "invalid_grant"));
    // The same client within two seconds is retrying: what it won stays.
    assert!(world.works(winners[0].json()["access_token"].as_str().unwrap()).await);
}

#[actix_web::test]
async fn a_replay_ends_what_the_code_produced() {
    let world = World::new();
    let client = world.public_client().await;
    let code = Browser::new(&world).sign_in(&client, "alice").await;
    let answer = world.redeem(&client, &code).await.json();
    world.wait(Duration::from_secs(3));
    let replay = world.redeem(&client, &code).await;
    assert_eq!((replay.status, replay.error().as_str()), (400, "invalid_grant"));
    assert!(!world.works(answer["access_token"].as_str().unwrap()).await);
    let refresh = world.refresh(&client, answer["refresh_token"].as_str().unwrap()).await;
    assert_eq!(refresh.error(), "invalid_grant");
}

#[actix_web::test]
async fn a_mismatch_burns_the_code_and_a_bad_shape_does_not() {
    let world = World::new();
    let client = world.public_client().await;
    let other = pkce::new_verifier();
    let wrong = [
        (("code_verifier", other.as_str()), "invalid_grant"),
        (("redirect_uri", "https://app.example/other"), "invalid_grant"),
        (("resource", "https://entrada.example/calendar/mcp"), "invalid_target"),
        (("resource", "https://entrada.example/mail-query/mcp#f"), "invalid_target"),
    ];
    for (change, error) in wrong {
        let code = Browser::new(&world).sign_in(&client, "alice").await;
        let mut form = code_form(&client, &code);
        form.retain(|(name, _)| *name != change.0);
        form.push(change);
        let reply = world.token(&form).await;
        assert_eq!((reply.status, reply.error().as_str()), (400, error), "{change:?}");
        assert_eq!(world.redeem(&client, &code).await.error(), "invalid_grant", "{change:?}");
    }
    let code = Browser::new(&world).sign_in(&client, "alice").await;
    for length in [0, 42, 129] {
        let verifier = "a".repeat(length);
        let mut form = code_form(&client, &code);
        form.retain(|(name, _)| *name != "code_verifier");
        form.push(("code_verifier", &verifier));
        assert_eq!(world.token(&form).await.error(), "invalid_request", "{length}");
    }
    assert_eq!(world.redeem(&client, &code).await.status, 200);
}

#[actix_web::test]
async fn a_code_is_for_its_client_and_its_minute() {
    let world = World::new();
    let client = world.public_client().await;
    let body =
        json!({"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none", "client_name": "Other"});
    let other = world.register(body).await.json()["client_id"].as_str().unwrap().to_owned();
    let code = Browser::new(&world).sign_in(&client, "alice").await;
    assert_eq!(world.redeem(&other, &code).await.error(), "invalid_grant");
    let code = Browser::new(&world).sign_in(&client, "alice").await;
    world.wait(Duration::from_mins(1));
    assert_eq!(world.redeem(&client, &code).await.error(), "invalid_grant");
}

#[actix_web::test]
async fn malformed_requests_are_told_apart() {
    let world = World::new();
    let client = world.public_client().await;
    let json_body = TestRequest::post().uri("/token").set_json(json!({"grant_type": "refresh_token"}));
    assert_eq!(world.call(json_body).await.error(), "invalid_request");
    assert_eq!(world.call(TestRequest::post().uri("/token")).await.error(), "invalid_request");
    let form = |text: Vec<u8>| {
        TestRequest::post()
            .uri("/token")
            .insert_header((header::CONTENT_TYPE, "application/x-www-form-urlencoded"))
            .set_payload(text)
    };
    for text in ["grant_type=refresh_token&code=1&code=2", "grant_type=%FF", "code=%00", "code="] {
        let reply = world.call(form(text.into())).await;
        assert_eq!((reply.status, reply.error().as_str()), (400, "invalid_request"), "{text}");
    }
    assert_eq!(world.call(form(vec![b'a'; 1_000_000])).await.status, 413);
    for kind in ["password", "client_credentials", "x"] {
        let reply = world.token(&[("grant_type", kind), ("client_id", &client)]).await;
        assert_eq!((reply.status, reply.error().as_str()), (400, "unsupported_grant_type"));
    }
    let get = world.get("/token").await;
    assert_eq!((get.status, get.header(header::ALLOW)), (405, "POST, OPTIONS"));
}

#[actix_web::test]
async fn a_client_proves_itself_the_way_it_registered() {
    let world = World::new();
    let registered = world.register(json!({"redirect_uris": [REDIRECT]})).await.json();
    let id = registered["client_id"].as_str().unwrap();
    let secret = registered["client_secret"].as_str().unwrap();
    let basic =
        |user: &str, password: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    let redeem = async |authorization: Option<String>, extra: &[(&str, &str)]| {
        let code = Browser::new(&world).sign_in(id, "alice").await;
        let mut form: Vec<(&str, &str)> = code_form(id, &code);
        form.extend(extra);
        let mut request = TestRequest::post().uri("/token").set_form(form);
        if let Some(value) = authorization {
            request = request.insert_header((header::AUTHORIZATION, value));
        }
        world.call(request).await
    };
    assert_eq!(redeem(Some(basic(id, secret)), &[]).await.status, 200);
    let wrong = redeem(Some(basic(id, "wrong")), &[]).await;
    assert_eq!((wrong.status, wrong.error().as_str()), (401, "invalid_client"));
    assert!(wrong.header(header::WWW_AUTHENTICATE).starts_with("Basic "));
    assert_eq!(redeem(None, &[]).await.error(), "invalid_client");
    assert_eq!(redeem(None, &[("client_secret", secret)]).await.error(), "invalid_client");
    let both = redeem(Some(basic(id, secret)), &[("client_secret", secret)]).await;
    assert_eq!((both.status, both.error().as_str()), (400, "invalid_request"));
    let public = world.public_client().await;
    let form = [("grant_type", "refresh_token"), ("client_id", public.as_str()), ("client_secret", "s")];
    assert_eq!(world.token(&form).await.error(), "invalid_client");
    assert_eq!(world.redeem("dcr_unknown", "x").await.status, 401);
}

#[actix_web::test]
async fn the_token_aliases_work() {
    let world = World::new();
    let client = world.public_client().await;
    for path in ["/oauth/token", "/mail-query/token"] {
        let state_uri = authorize_uri(&client, &[]);
        let browser = Browser::new(&world);
        let state = browser.approve(&state_uri).await;
        let code = browser.come_back(&state, "alice").await.redirected("code").unwrap();
        let reply = world.call(TestRequest::post().uri(path).set_form(code_form(&client, &code))).await;
        assert_eq!(reply.status, 200, "{path}");
    }
}
