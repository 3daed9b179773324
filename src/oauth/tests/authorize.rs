//! `/authorize`: pages until the client is known, redirects afterwards.

use super::support::{Browser, ISSUER, REDIRECT, RESOURCE, World, authorize_uri};
use crate::oauth::{OauthSettings, pkce};
use actix_web::http::header;
use actix_web::test::TestRequest;
use serde_json::json;

#[actix_web::test]
async fn nothing_is_redirected_before_client_and_redirect_are_known() {
    let world = World::new();
    let client = world.public_client().await;
    let unknown = world.get(&authorize_uri("dcr_unknown", &[])).await;
    unknown.assert_page(400);
    assert!(unknown.body.contains("<ol "));
    for uri in [
        "https://evil.example/cb",
        "https://app.example/cb/",
        "https://app.example/c",
        "https://app.example/CB",
        "https://app.example/cb?x=1",
        "",
    ] {
        world.get(&authorize_uri(&client, &[("redirect_uri", uri)])).await.assert_page(400);
    }
    for twice in ["client_id", "state", "scope", "redirect_uri"] {
        let uri = format!("{}&{twice}=x&{twice}=x", authorize_uri(&client, &[]));
        world.get(&uri).await.assert_page(400);
    }
    world.get(&authorize_uri(&client, &[("state", &"x".repeat(64_000))])).await.assert_page(414);
}

#[actix_web::test]
async fn later_errors_reach_the_client_with_state_and_issuer() {
    let world = World::new();
    let client = world.public_client().await;
    let challenge = pkce::challenge("x");
    let (long, padded) = (format!("{challenge}A"), format!("{}=", &challenge[..42]));
    let table = [
        (vec![("response_type", "token")], "unsupported_response_type"),
        (vec![("response_type", "code id_token")], "unsupported_response_type"),
        (vec![("code_challenge", "")], "invalid_request"),
        (vec![("code_challenge_method", "plain")], "invalid_request"),
        (vec![("code_challenge_method", "")], "invalid_request"),
        (vec![("code_challenge", "abc")], "invalid_request"),
        (vec![("code_challenge", long.as_str())], "invalid_request"),
        (vec![("code_challenge", padded.as_str())], "invalid_request"),
        (vec![("resource", "https://other.example/mail-query/mcp")], "invalid_target"),
        (vec![("resource", "https://entrada.example/mail-query/mcp#f")], "invalid_target"),
        (vec![("resource", "/mail-query/mcp")], "invalid_target"),
        (vec![("scope", "Nothing.Known")], "invalid_scope"),
        (vec![("prompt", "none")], "login_required"),
    ];
    for (changes, error) in table {
        let reply = world.get(&authorize_uri(&client, &changes)).await;
        assert_eq!(reply.status, 302, "{changes:?}");
        assert!(reply.location().starts_with(&format!("{REDIRECT}?")));
        assert_eq!(reply.redirected("error").as_deref(), Some(error), "{changes:?}");
        assert_eq!(reply.redirected("state").as_deref(), Some("s&t=\u{e9}"));
        assert_eq!(reply.redirected("iss").as_deref(), Some(ISSUER));
    }
    let twice = format!("{}&resource=https://entrada.example/calendar/mcp", authorize_uri(&client, &[]));
    assert_eq!(world.get(&twice).await.redirected("error").as_deref(), Some("invalid_target"));
}

#[actix_web::test]
async fn a_post_is_the_same_and_forgets_the_body() {
    let world = World::new();
    let client = world.public_client().await;
    let query = authorize_uri(&client, &[]).split_once('?').unwrap().1.to_owned();
    let request = TestRequest::post()
        .uri("/authorize")
        .insert_header((header::CONTENT_TYPE, "application/x-www-form-urlencoded"))
        .set_payload(query);
    let reply = world.call(request).await;
    assert_eq!(reply.status, 303);
    assert!(reply.location().starts_with("/consent?flow="));
}

#[actix_web::test]
async fn loopback_clients_may_change_the_port() {
    let world = World::new();
    let body = json!({"redirect_uris": ["http://127.0.0.1:5555/cb"]});
    let client = world.register(body).await.json()["client_id"].as_str().unwrap().to_owned();
    let at = |uri| authorize_uri(&client, &[("redirect_uri", uri)]);
    assert_eq!(world.get(&at("http://127.0.0.1:9/cb")).await.status, 302);
    world.get(&at("http://localhost:5555/cb")).await.assert_page(400);
}

#[actix_web::test]
async fn the_path_of_a_service_fills_in_the_resource() {
    let world = World::with(OauthSettings::default(), None);
    let client = world.public_client().await;
    let bare = authorize_uri(&client, &[("resource", "")]);
    assert_eq!(world.get(&bare).await.redirected("error").as_deref(), Some("invalid_target"));
    let reply = world.get(&format!("/mail-query{bare}")).await;
    assert_eq!((reply.status, reply.redirected("resource").as_deref()), (302, Some(RESOURCE)));
    assert!(world.get(reply.location()).await.location().starts_with("/consent"));
    assert_eq!(world.get(&format!("/nothing{bare}")).await.status, 404);
}

#[actix_web::test]
async fn the_default_service_stands_in_for_a_missing_resource() {
    let world = World::new();
    let client = world.public_client().await;
    let page = Browser::new(&world).consent_page(&authorize_uri(&client, &[("resource", "")])).await;
    assert!(page.body.contains("<dd>Mail</dd>"));
}
