//! The consent page: who may decide, and what a decision does.

use super::support::{Browser, ISSUER, World, authorize_uri, field};
use actix_web::http::header;
use serde_json::json;

#[actix_web::test]
async fn the_page_names_client_host_and_scopes_and_escapes_them() {
    let world = World::new();
    let name = "Claude<script>\u{202e}\"x\r\n";
    let body = json!({
        "redirect_uris": ["https://evil.example/cb"], "token_endpoint_auth_method": "none", "client_name": name,
        "client_uri": "javascript:alert(1)",
    });
    let client = world.register(body).await.json()["client_id"].as_str().unwrap().to_owned();
    let uri = authorize_uri(&client, &[("redirect_uri", "https://evil.example/cb"), ("scope", "Mail.Send")]);
    let page = Browser::new(&world).consent_page(&uri).await;
    assert!(page.body.contains("Claude&lt;script&gt;"));
    assert!(page.body.contains("not verified") && page.body.contains("evil.example"));
    assert!(page.body.contains("Send mail as you") && page.body.contains("Read your mail"));
    assert!(!page.body.contains("<script") && !page.body.contains('\u{202e}'));
    assert!(!page.body.contains("javascript:"));
    assert!(page.header(header::CONTENT_SECURITY_POLICY).contains("form-action 'self' https:"));
    assert_eq!(page.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "");
}

#[actix_web::test]
async fn a_decision_needs_the_form_token_and_the_browser() {
    let world = World::new();
    let client = world.public_client().await;
    let browser = Browser::new(&world);
    let page = browser.consent_page(&authorize_uri(&client, &[])).await;
    let flow = field(&page, "flow");
    browser.post("/consent", &[("flow", &flow), ("decision", "approve")]).await.assert_page(403);
    let wrong = [("flow", flow.as_str()), ("csrf", "x"), ("decision", "approve")];
    browser.post("/consent", &wrong).await.assert_page(403);
    Browser::new(&world).decide(&page, "approve").await.assert_page(403);
    let other = Browser::new(&world);
    other.consent_page(&authorize_uri(&client, &[])).await;
    other.decide(&page, "approve").await.assert_page(403);
    other.get(&format!("/consent?flow={flow}")).await.assert_page(403);
    browser.decide(&page, "perhaps").await.assert_page(400);
    assert_eq!(browser.decide(&page, "approve").await.status, 303);
}

#[actix_web::test]
async fn a_second_click_repeats_the_first_answer() {
    let world = World::new();
    let client = world.public_client().await;
    let browser = Browser::new(&world);
    let page = browser.consent_page(&authorize_uri(&client, &[])).await;
    let first = browser.decide(&page, "approve").await;
    assert_eq!(browser.decide(&page, "approve").await.location(), first.location());
    assert_eq!(browser.decide(&page, "deny").await.location(), first.location());
}

#[actix_web::test]
async fn a_refusal_reaches_the_client() {
    let world = World::new();
    let client = world.public_client().await;
    let browser = Browser::new(&world);
    let page = browser.consent_page(&authorize_uri(&client, &[])).await;
    let reply = browser.decide(&page, "deny").await;
    assert_eq!(reply.redirected("error").as_deref(), Some("access_denied"));
    assert_eq!(reply.redirected("iss").as_deref(), Some(ISSUER));
}

#[actix_web::test]
async fn an_approval_is_remembered_for_exactly_this_request_and_person() {
    let world = World::new();
    let client = world.public_client().await;
    let browser = Browser::new(&world);
    let uri = authorize_uri(&client, &[]);
    browser.sign_in(&client, "alice").await;
    let again = browser.get(&uri).await;
    assert!(again.location().starts_with("https://login.example/"), "{again:?}");
    for changes in [
        vec![("scope", "Mail.Send")],
        vec![("resource", "https://entrada.example/calendar/mcp")],
        vec![("prompt", "consent")],
    ] {
        let reply = browser.get(&authorize_uri(&client, &changes)).await;
        assert!(reply.location().starts_with("/consent"), "{changes:?}");
    }
    assert!(Browser::new(&world).get(&uri).await.location().starts_with("/consent"));
    // Somebody else signs in where alice had approved: they are asked for themselves.
    let state = again.redirected("state").unwrap();
    let reply = browser.come_back(&state, "bob").await;
    assert!(reply.location().starts_with("/consent"), "{reply:?}");
}

#[actix_web::test]
async fn a_client_that_wants_no_page_gets_none_whoever_signs_in() {
    let world = World::new();
    let client = world.public_client().await;
    let browser = Browser::new(&world);
    browser.sign_in(&client, "alice").await;
    let silent = browser.get(&authorize_uri(&client, &[("prompt", "none")])).await;
    let reply = browser.come_back(&silent.redirected("state").unwrap(), "bob").await;
    assert_eq!(reply.redirected("error").as_deref(), Some("consent_required"), "{reply:?}");
    assert_eq!(reply.redirected("code"), None);
}

#[actix_web::test]
async fn programs_on_the_own_device_are_asked_about_every_time() {
    let world = World::new();
    let redirect = "http://127.0.0.1:5555/cb";
    let body = json!({"redirect_uris": [redirect]});
    let client = world.register(body).await.json()["client_id"].as_str().unwrap().to_owned();
    let uri = authorize_uri(&client, &[("redirect_uri", redirect)]);
    let browser = Browser::new(&world);
    let state = browser.approve(&uri).await;
    assert!(browser.come_back(&state, "alice").await.redirected("code").is_some());
    assert!(browser.get(&uri).await.location().starts_with("/consent"));
}

#[actix_web::test]
async fn while_entra_is_away_the_page_says_so_and_the_click_still_counts_later() {
    let world = World::new();
    let client = world.public_client().await;
    let browser = Browser::new(&world);
    let page = browser.consent_page(&authorize_uri(&client, &[])).await;
    *world.identity.away.lock() = true;
    browser.decide(&page, "approve").await.assert_page(503);
    *world.identity.away.lock() = false;
    assert_eq!(browser.decide(&page, "approve").await.status, 303);
}
