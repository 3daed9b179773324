//! Personal keys: making, using and losing them.

use super::support::{Browser, ISSUER, Reply, World, field, presenting};
use crate::domain::client::ClientAuthMethod;
use crate::domain::clock::Clock;
use crate::domain::ids::{ServiceName, UserKey};
use crate::domain::secret::Secret;
use crate::oauth::bearer::AuthFailure;
use crate::oauth::{ConfiguredClient, OauthSettings};
use crate::ports::identity::IdentityFault;
use crate::ports::store::StoreError;
use crate::ports::tokens::TokenError;
use actix_web::http::header;
use actix_web::test::TestRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::time::Duration;

const HOME: &str = "/account/connections";
const KEYS: &str = "/account/keys";
const MAIL: [(&str, &str); 3] = [("service", "mail-query"), ("name", "Open WebUI"), ("days", "30")];

/// Signs `user` in to the account page.
async fn account<'a>(world: &'a World, user: &str) -> Browser<'a> {
    let browser = Browser::new(world);
    let away = browser.get(HOME).await;
    assert_eq!(away.status, 303, "{away:?}");
    let back = browser.come_back(&away.redirected("state").unwrap(), user).await;
    assert_eq!((back.status, back.location()), (302, HOME), "{back:?}");
    browser
}

/// Posts the form with these fields.
async fn ask(browser: &Browser<'_>, fields: &[(&str, &str)]) -> Reply {
    let page = browser.get(&format!("{KEYS}?service=mail-query")).await;
    page.assert_page(200);
    let csrf = field(&page, "csrf");
    let mut form = vec![("csrf", csrf.as_str())];
    form.extend_from_slice(fields);
    browser.post(KEYS, &form).await
}

/// The key on a page.
fn key_on(page: &Reply) -> Option<String> {
    let (_, rest) = page.body.split_once("dcr_pk_")?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')?;
    Some(format!("dcr_pk_{}", &rest[..end]))
}

/// The whole way: a key of `user` for mail.
async fn made(world: &World, user: &str) -> String {
    let browser = account(world, user).await;
    let away = ask(&browser, &MAIL).await;
    assert_eq!(away.status, 303, "{away:?}");
    let page = browser.come_back(&away.redirected("state").unwrap(), user).await;
    page.assert_page(200);
    key_on(&page).unwrap()
}

/// How a key is taken at a service.
async fn taken(world: &World, key: &str, service: &str) -> Result<String, AuthFailure> {
    let request = presenting(&format!("Bearer {key}"));
    let bearer = world.guard.authenticate(request.head(), &ServiceName::new(service)).await?;
    Ok(format!("{} {}", bearer.caller.user.oid, bearer.caller.scopes))
}

#[actix_web::test]
async fn a_key_opens_one_service_for_its_person_and_is_seen_once() {
    let world = World::new();
    let browser = account(&world, "ada").await;
    let away = ask(&browser, &[MAIL[0], MAIL[1], MAIL[2], ("scope.Mail.Send", "yes")]).await;
    assert_eq!(away.status, 303, "{away:?}");
    let state = away.redirected("state").unwrap();
    let page = browser.come_back(&state, "ada").await;
    page.assert_page(200);
    let key = key_on(&page).unwrap();
    for part in [&format!("{ISSUER}/mail-query/v1"), &format!("{ISSUER}/mail-query/mcp"), "Open WebUI"] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    assert_eq!(taken(&world, &key, "mail-query").await.unwrap(), "ada Mail.Read Mail.Send User.Read");
    assert!(matches!(taken(&world, &key, "calendar").await, Err(AuthFailure::WrongAudience)));
    browser.come_back(&state, "ada").await.assert_page(400);
    let listed = browser.get(HOME).await;
    assert!(listed.body.contains("Open WebUI") && !listed.body.contains("dcr_pk_"), "{}", listed.body);
    let dump = world.dump();
    let secret = &key[key.len() - 40..];
    assert!(!dump.windows(secret.len()).any(|part| part == secret.as_bytes()));
    // Nobody else sees it, and naming it ends nothing.
    let (bob, grant) = (account(&world, "bob").await, field(&listed, "revoke"));
    let his = bob.get(HOME).await;
    assert!(!his.body.contains("Open WebUI"));
    let csrf = field(&his, "csrf");
    assert_eq!(bob.post(HOME, &[("csrf", &csrf), ("revoke", &grant)]).await.status, 303);
    assert!(taken(&world, &key, "mail-query").await.is_ok());
    let csrf = field(&listed, "csrf");
    assert_eq!(browser.post(HOME, &[("csrf", &csrf), ("revoke", &grant)]).await.status, 303);
    assert!(matches!(taken(&world, &key, "mail-query").await, Err(AuthFailure::Invalid)));
    assert!(!browser.get(HOME).await.body.contains("Open WebUI"));
}

#[actix_web::test]
async fn a_form_that_does_not_fit_is_shown_again_with_what_was_filled_in() {
    let world = World::with(
        OauthSettings { personal_key_ttl: Duration::from_hours(31 * 24), ..OauthSettings::default() },
        Some("mail-query"),
    );
    let browser = account(&world, "ada").await;
    let with = |change: (&'static str, &'static str)| {
        let mut all: Vec<_> = MAIL.into_iter().filter(|(name, _)| *name != change.0).collect();
        all.push(change);
        all
    };
    let long = "x".repeat(61);
    let mut too_long = with(("name", ""));
    too_long.push(("name", &long));
    for (fields, said) in [
        (with(("name", "")), "at most 60 characters"),
        (with(("name", "\u{202e}")), "at most 60 characters"),
        (too_long[..2].iter().copied().chain([("name", long.as_str())]).collect(), "at most 60 characters"),
        (with(("days", "31")), "how long"),
        (with(("days", "365")), "how long"),
        (with(("days", "-7")), "how long"),
        (with(("scope.Files.Read", "yes")), "does not have one of these permissions"),
    ] {
        let page = ask(&browser, &fields).await;
        page.assert_page(400);
        assert!(page.body.contains(said), "{said}: {}", page.body);
    }
    let page = ask(
        &browser,
        &[MAIL[0], ("name", "<b>"), ("days", "7"), ("scope.Mail.Send", "yes"), ("scope.x", "1")],
    );
    let page = page.await.body;
    assert!(page.contains("value=\"&lt;b&gt;\"") && page.contains("value=\"7\" checked"), "{page}");
    assert!(page.contains("name=\"scope.Mail.Send\" value=\"yes\" checked"), "{page}");
    assert!(!page.contains("value=\"365\""), "longer than the operator allows");
    ask(&browser, &with(("service", "nothing"))).await.assert_page(400);
    // Without the token of the page, or from elsewhere, a form is none.
    browser.post(KEYS, &MAIL).await.assert_page(403);
    Browser::new(&world).post(KEYS, &MAIL).await.assert_page(403);
}

#[actix_web::test]
async fn only_the_person_who_asked_brings_a_key_home() {
    let world = World::new();
    let browser = account(&world, "ada").await;
    let state = ask(&browser, &MAIL).await.redirected("state").unwrap();
    let page = browser.come_back(&state, "bob").await;
    page.assert_page(403);
    assert!(page.body.contains("another account") && key_on(&page).is_none());
    assert!(world.state.store.upstream(&UserKey::new("t-1", "bob")).await.unwrap().is_none());
    let state = ask(&browser, &MAIL).await.redirected("state").unwrap();
    Browser::new(&world).come_back(&state, "ada").await.assert_page(403);
    let state = ask(&browser, &MAIL).await.redirected("state").unwrap();
    let page = browser.get(&format!("/callback?error=admin&state={state}")).await;
    page.assert_page(403);
    assert!(page.body.contains("administrator") && page.body.contains("/account/keys?service=mail-query"));
    // What Entra wants to ask the person about is asked, once.
    *world.identity.exchange_fault.lock() = Some(IdentityFault::ConsentRequired);
    let state = ask(&browser, &MAIL).await.redirected("state").unwrap();
    let again = browser.come_back(&state, "ada").await;
    assert_eq!(again.status, 303, "{again:?}");
    browser.come_back(&again.redirected("state").unwrap(), "ada").await.assert_page(403);
    *world.identity.exchange_fault.lock() = None;
    assert!(!browser.get(HOME).await.body.contains("Open WebUI"));
}

#[actix_web::test]
async fn a_key_ends_when_its_person_is_no_longer_let_in() {
    let settings =
        OauthSettings { allowed_domains: vec!["contoso.example".to_owned()], ..OauthSettings::default() };
    let hour = settings.access_ttl;
    let world = World::with(settings, Some("mail-query"));
    let key = made(&world, "ada").await;
    assert!(taken(&world, &key, "mail-query").await.is_ok());
    *world.tokens.domain.lock() = Some("elsewhere.example");
    world.wait(hour.saturating_sub(Duration::from_secs(1)));
    assert!(taken(&world, &key, "mail-query").await.is_ok(), "a bearer would live on as well");
    world.wait(Duration::from_secs(1));
    assert!(matches!(taken(&world, &key, "mail-query").await, Err(AuthFailure::Invalid)));
    *world.tokens.domain.lock() = None;
    assert!(matches!(taken(&world, &key, "mail-query").await, Err(AuthFailure::Invalid)), "it is over");
    assert!(world.state.store.grants_of_user(&UserKey::new("t-1", "ada")).await.unwrap().is_empty());
}

#[actix_web::test]
async fn an_outage_keeps_a_key_and_the_end_of_the_sign_in_ends_it() {
    let world = World::new();
    let ada = UserKey::new("t-1", "ada");
    let key = made(&world, "ada").await;
    let fail = |failure| *world.tokens.failure.lock() = failure;
    fail(Some(TokenError::Unavailable { retry_after: Duration::from_secs(5) }));
    let unavailable = taken(&world, &key, "mail-query").await;
    assert!(matches!(unavailable, Err(AuthFailure::Store(StoreError::Unavailable(_)))), "{unavailable:?}");
    // Microsoft wants to see the person: until then the key waits.
    fail(Some(TokenError::SignInRequired));
    assert!(matches!(taken(&world, &key, "mail-query").await, Err(AuthFailure::SignIn)));
    fail(None);
    assert!(taken(&world, &key, "mail-query").await.is_ok());
    // The sign-in is over and forgotten, which a call of a tool finds out.
    fail(Some(TokenError::SignInRequired));
    let version = world.state.store.upstream(&ada).await.unwrap().unwrap().version;
    world.state.store.forget_upstream(&ada, version).await.unwrap();
    assert!(taken(&world, &key, "mail-query").await.is_ok(), "it was checked a moment ago");
    let request = presenting(&format!("Bearer {key}"));
    let mail = ServiceName::new("mail-query");
    let bearer = world.guard.authenticate(request.head(), &mail).await.unwrap();
    let at = (&mail, crate::domain::resource::Endpoint::Mcp);
    let told = world.guard.sign_in_required(at, &bearer.caller);
    assert_eq!(told.status(), 401);
    assert!(format!("{:?}", told.headers()).contains("make a new key"));
    assert!(matches!(taken(&world, &key, "mail-query").await, Err(AuthFailure::Invalid)));
    fail(None);
    assert!(matches!(taken(&world, &key, "mail-query").await, Err(AuthFailure::Invalid)), "for good");
}

#[actix_web::test]
async fn the_last_use_is_noted_at_most_once_a_minute() {
    let world = World::new();
    let key = made(&world, "ada").await;
    let ada = UserKey::new("t-1", "ada");
    let noted = async || world.state.store.grants_of_user(&ada).await.unwrap()[0].last_used_at;
    let settled = async || {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        noted().await
    };
    let born = noted().await;
    world.wait(Duration::from_secs(90));
    let first = world.clock.now();
    taken(&world, &key, "mail-query").await.unwrap();
    assert_eq!(settled().await, first);
    world.wait(Duration::from_secs(59));
    taken(&world, &key, "mail-query").await.unwrap();
    assert_eq!(settled().await, first);
    world.wait(Duration::from_secs(1));
    taken(&world, &key, "mail-query").await.unwrap();
    assert_eq!(settled().await, world.clock.now());
    assert!(first > born);
}

#[actix_web::test]
async fn a_person_has_twenty_keys_at_most_and_a_key_lives_as_long_as_it_says() {
    let world = World::with(
        OauthSettings {
            limits: crate::oauth::LimitSettings { enabled: false, ..crate::oauth::LimitSettings::default() },
            ..OauthSettings::default()
        },
        Some("mail-query"),
    );
    let browser = account(&world, "ada").await;
    let mut keys = Vec::new();
    // One more is on its way before the last one is there.
    let late = ask(&browser, &MAIL).await.redirected("state").unwrap();
    for _ in 0..20 {
        let state = ask(&browser, &MAIL).await.redirected("state").unwrap();
        keys.push(key_on(&browser.come_back(&state, "ada").await).unwrap());
    }
    let refused = ask(&browser, &MAIL).await;
    refused.assert_page(400);
    assert!(refused.body.contains("20 keys"));
    browser.come_back(&late, "ada").await.assert_page(429);
    for key in &keys {
        assert!(taken(&world, key, "mail-query").await.is_ok());
    }
    world.wait(Duration::from_hours(30 * 24));
    for key in &keys {
        assert!(matches!(taken(&world, key, "mail-query").await, Err(AuthFailure::Invalid)));
    }
}

#[actix_web::test]
async fn where_keys_are_off_none_is_made_and_none_counts() {
    let world = World::new();
    let key = made(&world, "ada").await;
    let off = world.replica_with(OauthSettings { personal_keys: false, ..OauthSettings::default() });
    assert!(matches!(taken(&off, &key, "mail-query").await, Err(AuthFailure::Invalid)));
    let browser = account(&off, "ada").await;
    assert_eq!(browser.get(KEYS).await.status, 404);
    assert_eq!(browser.post(KEYS, &MAIL).await.status, 404);
    // It can still be seen and ended.
    let page = browser.get(HOME).await;
    assert!(page.body.contains("Open WebUI") && !page.body.contains("href=\"/account/keys\""));
    let (csrf, grant) = (field(&page, "csrf"), field(&page, "revoke"));
    assert_eq!(browser.post(HOME, &[("csrf", &csrf), ("revoke", &grant)]).await.status, 303);
    assert!(taken(&world, &key, "mail-query").await.is_err());
}

#[actix_web::test]
async fn the_token_endpoints_take_a_key_for_what_it_is() {
    let world = World::new();
    let client = world.public_client().await;
    let key = made(&world, "ada").await;
    for reply in [world.refresh(&client, &key).await, world.redeem(&client, &key).await] {
        assert_eq!((reply.status, reply.error().as_str()), (400, "invalid_grant"));
    }
    assert!(taken(&world, &key, "mail-query").await.is_ok());
    let request = presenting(&format!("DPoP {key}"));
    let as_bound = world.guard.authenticate(request.head(), &ServiceName::new("mail-query")).await;
    assert!(matches!(as_bound, Err(AuthFailure::Unbound)), "{as_bound:?}");
    let mistyped = key.replace("dcr_pk_", "dcr_at_");
    assert!(matches!(taken(&world, &mistyped, "mail-query").await, Err(AuthFailure::Invalid)));
    // Whoever holds it may end it, and needs no client for that.
    let end = async |token: &str| {
        let request = TestRequest::post().uri("/revoke").set_form([("token", token)]);
        world.call(request).await.status
    };
    let other = made(&world, "bob").await;
    assert_eq!(end(&key).await, 200);
    assert!(matches!(taken(&world, &key, "mail-query").await, Err(AuthFailure::Invalid)));
    assert!(taken(&world, &other, "mail-query").await.is_ok());
    assert_eq!(end(&key).await, 200, "an unknown one is no error");
}

#[actix_web::test]
async fn gateways_of_the_operator_learn_what_a_key_is_and_others_nothing() {
    let gateway = ConfiguredClient {
        id: "gateway".to_owned(),
        name: "Our gateway".to_owned(),
        redirect_uris: Vec::new(),
        auth_method: ClientAuthMethod::ClientSecretPost,
        secret: Some(Secret::new("a secret of the gateway".to_owned())),
        jwks: None,
        jwks_uri: None,
        grant_types: Vec::new(),
        dpop_bound_access_tokens: false,
    };
    let disguised = ConfiguredClient { id: "personal-key:x".to_owned(), ..gateway.clone() };
    assert_eq!(gateway.validate(), Ok(()));
    assert!(disguised.validate().is_err(), "nobody stands in for a key");
    let settings = OauthSettings { clients: vec![gateway], ..OauthSettings::default() };
    let world = World::with(settings, Some("mail-query"));
    let key = made(&world, "ada").await;
    let other = world.register(json!({ "redirect_uris": [super::support::REDIRECT] })).await.json();
    let other = (other["client_id"].as_str().unwrap(), other["client_secret"].as_str().unwrap());
    let ask = async |(id, secret): (&str, &str), token: &str| {
        let authorization = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
        let form = vec![("token", token)];
        let mut request = TestRequest::post().uri("/introspect");
        request = if id == "gateway" {
            request.set_form([("token", token), ("client_id", id), ("client_secret", secret)])
        } else {
            request.set_form(form).insert_header((header::AUTHORIZATION, authorization))
        };
        world.call(request).await
    };
    let told = ask(("gateway", "a secret of the gateway"), &key).await.json();
    assert_eq!((&told["active"], &told["token_type"]), (&json!(true), &json!("Bearer")), "{told}");
    assert_eq!(told["aud"], format!("{ISSUER}/mail-query/mcp"));
    assert!(told["client_id"].as_str().unwrap().starts_with("personal-key:"));
    assert_eq!(ask(other, &key).await.body, r#"{"active":false}"#);
    let end = TestRequest::post().uri("/revoke").set_form([("token", &key)]);
    assert_eq!(world.call(end).await.status, 200);
    let told = ask(("gateway", "a secret of the gateway"), &key).await;
    assert_eq!(told.body, r#"{"active":false}"#);
}
