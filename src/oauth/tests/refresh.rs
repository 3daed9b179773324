//! `grant_type=refresh_token`.

use super::support::{REDIRECT, World};
use crate::oauth::OauthSettings;
use crate::ports::tokens::TokenError;
use actix_web::http::header;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::Duration;

fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap()
}

#[actix_web::test]
async fn fifty_parallel_refreshes_get_one_answer_from_one_upstream_call() {
    let world = World::new();
    let client = world.public_client().await;
    let first = world.signed_in(&client, "alice").await;
    let token = text(&first, "refresh_token");
    let replies = join_all((0..50).map(|_| world.refresh(&client, token))).await;
    assert!(replies.iter().all(|r| r.status == 200 && r.body == replies[0].body));
    assert_eq!(world.tokens.upstream_calls.load(Ordering::SeqCst), 1);
    assert!(world.works(text(&replies[0].json(), "access_token")).await);
    let next = world.refresh(&client, text(&replies[0].json(), "refresh_token")).await;
    assert_eq!(next.status, 200);
    assert_eq!(world.tokens.upstream_calls.load(Ordering::SeqCst), 2);
}

#[actix_web::test]
async fn a_retry_within_the_grace_repeats_and_later_ends_the_grant() {
    let world = World::new();
    let client = world.public_client().await;
    let first = world.signed_in(&client, "alice").await;
    let token = text(&first, "refresh_token");
    let once = world.refresh(&client, token).await;
    world.wait(Duration::from_mins(1));
    assert_eq!(world.refresh(&client, token).await.body, once.body);
    world.wait(Duration::from_secs(1));
    let reuse = world.refresh(&client, token).await;
    assert_eq!((reuse.status, reuse.error().as_str()), (400, "invalid_grant"));
    assert!(!world.works(text(&once.json(), "access_token")).await);
    assert_eq!(world.refresh(&client, text(&once.json(), "refresh_token")).await.error(), "invalid_grant");
}

#[actix_web::test]
async fn a_token_two_generations_old_ends_the_grant_at_once() {
    let world = World::new();
    let client = world.public_client().await;
    let first = world.signed_in(&client, "alice").await;
    let second = world.refresh(&client, text(&first, "refresh_token")).await.json();
    let third = world.refresh(&client, text(&second, "refresh_token")).await.json();
    assert_eq!(world.refresh(&client, text(&first, "refresh_token")).await.error(), "invalid_grant");
    assert_eq!(world.refresh(&client, text(&third, "refresh_token")).await.error(), "invalid_grant");
}

#[actix_web::test]
async fn foreign_and_malformed_tokens_change_nothing() {
    let world = World::new();
    let client = world.public_client().await;
    let body =
        json!({"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none", "client_name": "Other"});
    let other = world.register(body).await.json()["client_id"].as_str().unwrap().to_owned();
    let first = world.signed_in(&client, "alice").await;
    let token = text(&first, "refresh_token");
    let cut = &token[..token.len() - 1];
    for wrong in ["dcr_rt_x", cut, text(&first, "access_token"), "x"] {
        let reply = world.refresh(&client, wrong).await;
        assert_eq!((reply.status, reply.error().as_str()), (400, "invalid_grant"), "{wrong}");
    }
    assert_eq!(world.refresh(&other, token).await.error(), "invalid_grant");
    assert_eq!(world.refresh(&client, token).await.status, 200);
}

#[actix_web::test]
async fn scopes_shrink_and_resources_stay() {
    let world = World::new();
    let client = world.public_client().await;
    let first = world.signed_in(&client, "alice").await;
    let with = async |token: &str, name: &str, value: &str| {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", &client),
            ("refresh_token", token),
            (name, value),
        ];
        world.token(&form).await
    };
    let token = text(&first, "refresh_token");
    assert_eq!(with(token, "scope", "Mail.Read Mail.Send").await.error(), "invalid_scope");
    for foreign in ["https://entrada.example/calendar/mcp", "https://entrada.example/mail-query/mcp#f"] {
        assert_eq!(with(token, "resource", foreign).await.error(), "invalid_target");
    }
    let narrow = with(token, "scope", "Mail.Read").await.json();
    assert_eq!(narrow["scope"], "Mail.Read");
    let wide = with(text(&narrow, "refresh_token"), "scope", "offline_access").await.json();
    assert_eq!(wide["scope"], "Mail.Read User.Read");
}

#[actix_web::test]
async fn an_outage_upstream_costs_nobody_the_login() {
    let world = World::new();
    let client = world.public_client().await;
    let first = world.signed_in(&client, "alice").await;
    let token = text(&first, "refresh_token");
    let pause = Duration::from_secs(17);
    *world.tokens.failure.lock() = Some(TokenError::Unavailable { retry_after: pause });
    let reply = world.refresh(&client, token).await;
    assert_eq!((reply.status, reply.error().as_str()), (503, "temporarily_unavailable"));
    assert_eq!(reply.header(header::RETRY_AFTER), "17");
    assert!(world.works(text(&first, "access_token")).await);
    *world.tokens.failure.lock() = None;
    assert_eq!(world.refresh(&client, token).await.status, 200);
}

#[actix_web::test]
async fn an_ended_sign_in_ends_the_grant() {
    let world = World::new();
    let client = world.public_client().await;
    let first = world.signed_in(&client, "alice").await;
    *world.tokens.failure.lock() = Some(TokenError::SignInRequired);
    let reply = world.refresh(&client, text(&first, "refresh_token")).await;
    assert_eq!((reply.status, reply.error().as_str()), (400, "invalid_grant"));
    assert!(!world.works(text(&first, "access_token")).await);
}

#[actix_web::test]
async fn a_grant_slides_for_thirty_days_and_ends_after_ninety() {
    let world = World::new();
    let client = world.public_client().await;
    let day = Duration::from_hours(24);
    let mut answer = world.signed_in(&client, "alice").await;
    for _ in 0..4 {
        world.wait(20 * day);
        let reply = world.refresh(&client, text(&answer, "refresh_token")).await;
        assert_eq!(reply.status, 200);
        answer = reply.json();
    }
    world.wait(9 * day + Duration::from_mins(23 * 60 + 50));
    let last = world.refresh(&client, text(&answer, "refresh_token")).await.json();
    assert_eq!(last["expires_in"], 600);
    world.wait(Duration::from_mins(10));
    assert_eq!(world.refresh(&client, text(&last, "refresh_token")).await.error(), "invalid_grant");
    let idle = World::new();
    let client = idle.public_client().await;
    let answer = idle.signed_in(&client, "alice").await;
    idle.wait(30 * day);
    assert_eq!(idle.refresh(&client, text(&answer, "refresh_token")).await.error(), "invalid_grant");
}

#[actix_web::test]
async fn the_lists_are_checked_again_at_each_refresh() {
    let settings =
        OauthSettings { allowed_domains: vec!["contoso.example".to_owned()], ..OauthSettings::default() };
    let world = World::with(settings, Some("mail-query"));
    let client = world.public_client().await;
    let first = world.signed_in(&client, "alice").await;
    let second = world.refresh(&client, text(&first, "refresh_token")).await;
    assert_eq!(second.status, 200);
    *world.tokens.domain.lock() = Some("elsewhere.example");
    let second = second.json();
    assert_eq!(world.refresh(&client, text(&second, "refresh_token")).await.error(), "invalid_grant");
    assert!(!world.works(text(&second, "access_token")).await);
}
