//! `/callback`: states are spent once, in the browser that approved.

use super::support::{Browser, ISSUER, REDIRECT, World, authorize_uri};
use crate::oauth::OauthSettings;
use crate::ports::identity::IdentityFault;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[actix_web::test]
async fn a_sign_in_ends_with_code_state_and_issuer() {
    let world = World::new();
    let client = world.public_client().await;
    let browser = Browser::new(&world);
    let state = browser.approve(&authorize_uri(&client, &[])).await;
    let reply = browser.come_back(&state, "alice").await;
    assert!(reply.location().starts_with(&format!("{REDIRECT}?code=dcr_ac_")));
    assert_eq!(reply.redirected("state").as_deref(), Some("s&t=\u{e9}"));
    assert_eq!(reply.redirected("iss").as_deref(), Some(ISSUER));
    assert_eq!(world.tokens.forgotten.load(Ordering::SeqCst), 1);
    browser.come_back(&state, "alice").await.assert_page(400);
}

#[actix_web::test]
async fn the_aliases_are_the_same_callback() {
    let world = World::new();
    let client = world.public_client().await;
    for path in ["/oauth/azure_callback", "/auth/callback", "/mail-query/callback"] {
        let browser = Browser::new(&world);
        let state = browser.approve(&authorize_uri(&client, &[])).await;
        let reply = browser.get(&format!("{path}?code=alice&state={state}")).await;
        assert!(reply.redirected("code").is_some(), "{path}");
    }
}

#[actix_web::test]
async fn a_foreign_browser_burns_the_sign_in() {
    let world = World::new();
    let client = world.public_client().await;
    let (victim, attacker) = (Browser::new(&world), Browser::new(&world));
    let state = attacker.approve(&authorize_uri(&client, &[])).await;
    victim.come_back(&state, "alice").await.assert_page(403);
    attacker.come_back(&state, "mallory").await.assert_page(400);
}

#[actix_web::test]
async fn unknown_late_missing_and_huge_states_are_pages() {
    let world = World::new();
    let client = world.public_client().await;
    let browser = Browser::new(&world);
    let state = browser.approve(&authorize_uri(&client, &[])).await;
    world.wait(Duration::from_mins(10));
    browser.come_back(&state, "alice").await.assert_page(400);
    browser.come_back("unknown", "alice").await.assert_page(400);
    browser.get("/callback?code=alice").await.assert_page(400);
    browser.come_back(&"x".repeat(10_000), "alice").await.assert_page(400);
}

#[actix_web::test]
async fn upstream_errors_are_mapped_and_their_text_kept_back() {
    let world = World::new();
    let client = world.public_client().await;
    for (sent, error) in [("access_denied", "access_denied"), ("%0d%0a%3Cb%3E", "temporarily_unavailable")] {
        let browser = Browser::new(&world);
        let state = browser.approve(&authorize_uri(&client, &[])).await;
        let reply =
            browser.get(&format!("/callback?error={sent}&error_description=%3Cb%3E&state={state}")).await;
        assert_eq!(reply.redirected("error").as_deref(), Some(error));
        assert_eq!(reply.redirected("iss").as_deref(), Some(ISSUER));
        assert!(!reply.location().contains("%3Cb"));
    }
    let browser = Browser::new(&world);
    let state = browser.approve(&authorize_uri(&client, &[])).await;
    let page = browser.get(&format!("/callback?error=admin&state={state}")).await;
    page.assert_page(403);
    assert!(page.body.contains("Mail.Read") && page.body.contains("error=access_denied"));
}

#[actix_web::test]
async fn a_failed_exchange_never_yields_a_code() {
    let world = World::new();
    let client = world.public_client().await;
    for (fault, error) in [
        (IdentityFault::InvalidIdToken, "access_denied"),
        (IdentityFault::NotAllowed, "access_denied"),
        (IdentityFault::GrantDead, "server_error"),
        (IdentityFault::Misconfigured, "server_error"),
        (IdentityFault::Unavailable, "temporarily_unavailable"),
    ] {
        let browser = Browser::new(&world);
        let state = browser.approve(&authorize_uri(&client, &[])).await;
        *world.identity.exchange_fault.lock() = Some(fault);
        let reply = browser.come_back(&state, "alice").await;
        *world.identity.exchange_fault.lock() = None;
        assert_eq!(reply.redirected("error").as_deref(), Some(error), "{fault:?}");
        assert_eq!(reply.redirected("code"), None);
    }
}

#[actix_web::test]
async fn people_outside_the_lists_are_turned_away() {
    let settings =
        OauthSettings { allowed_users: vec!["bob@contoso.example".to_owned()], ..OauthSettings::default() };
    let world = World::with(settings, Some("mail-query"));
    let client = world.public_client().await;
    let browser = Browser::new(&world);
    let state = browser.approve(&authorize_uri(&client, &[])).await;
    let reply = browser.come_back(&state, "alice").await;
    assert_eq!(reply.redirected("error").as_deref(), Some("access_denied"));
    Browser::new(&world).sign_in(&client, "bob").await;
}
