//! `/register`.

use super::support::{REDIRECT, World};
use actix_web::http::header;
use actix_web::test::TestRequest;
use serde_json::json;

#[actix_web::test]
async fn equal_public_registrations_share_a_client_and_confidential_ones_never_do() {
    let world = World::new();
    let public =
        json!({"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none", "client_name": null});
    let (one, two) = (world.register(public.clone()).await, world.register(public).await);
    assert_eq!(one.status, 201);
    assert_eq!(one.header(header::CACHE_CONTROL), "no-store");
    assert_eq!(one.json()["client_id"], two.json()["client_id"]);
    assert!(one.json().get("client_secret").is_none());
    assert!(one.json().as_object().unwrap().values().all(|v| !v.is_null()));
    let secret = json!({"redirect_uris": [REDIRECT]});
    let (one, two) = (world.register(secret.clone()).await.json(), world.register(secret).await.json());
    assert_ne!(one["client_id"], two["client_id"]);
    assert_ne!(one["client_secret"], two["client_secret"]);
    assert_eq!(one["client_secret_expires_at"], 0);
}

#[actix_web::test]
async fn hostile_registrations_get_their_own_error() {
    let world = World::new();
    for uri in
        ["javascript:alert(1)", "http://evil.example/cb", "https://x.example/cb#f", "https://a@x.example/"]
    {
        let reply = world.register(json!({"redirect_uris": [uri]})).await;
        assert_eq!((reply.status, reply.error().as_str()), (400, "invalid_redirect_uri"), "{uri}");
    }
    for body in [
        json!([]),
        json!({"redirect_uris": []}),
        json!({"redirect_uris": [REDIRECT], "grant_types": ["implicit"]}),
    ] {
        let reply = world.register(body.clone()).await;
        assert_eq!((reply.status, reply.error().as_str()), (400, "invalid_client_metadata"), "{body}");
    }
    let form = world.call(TestRequest::post().uri("/register").set_form([("redirect_uris", REDIRECT)])).await;
    assert_eq!((form.status, form.error().as_str()), (400, "invalid_client_metadata"));
    let huge = json!({"redirect_uris": [REDIRECT], "client_name": "x".repeat(1_000_000)});
    assert_eq!(world.register(huge).await.status, 413);
}

#[actix_web::test]
async fn aliases_register_and_unknown_services_do_not() {
    let world = World::new();
    for (path, status) in
        [("/oauth/register", 201), ("/mail-query/register", 201), ("/nothing/register", 404)]
    {
        let body = json!({"redirect_uris": ["http://127.0.0.1/cb"]});
        let reply = world.call(TestRequest::post().uri(path).set_json(body)).await;
        assert_eq!(reply.status, status, "{path}");
        reply.json();
    }
}

#[actix_web::test]
async fn other_methods_are_named_and_preflights_answered() {
    let world = World::new();
    let reply = world.get("/register").await;
    assert_eq!((reply.status, reply.header(header::ALLOW)), (405, "POST, OPTIONS"));
    for path in ["/register", "/token", "/.well-known/oauth-authorization-server"] {
        let request = TestRequest::with_uri(path).method(actix_web::http::Method::OPTIONS);
        let reply = world.call(request.insert_header((header::ORIGIN, "http://localhost:6274"))).await;
        assert_eq!((reply.status, reply.header(header::ACCESS_CONTROL_ALLOW_ORIGIN)), (204, "*"), "{path}");
        assert!(reply.header(header::ACCESS_CONTROL_ALLOW_HEADERS).contains("mcp-protocol-version"));
        assert_eq!(reply.header(header::ACCESS_CONTROL_ALLOW_CREDENTIALS), "");
    }
}
