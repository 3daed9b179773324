//! `grant_type=client_credentials`: for clients of the operator alone.

use super::support::{ISSUER, REDIRECT, RESOURCE, Reply, World, presenting};
use crate::domain::client::{ClientAuthMethod, ClientOrigin, ClientRecord};
use crate::domain::ids::{ClientId, ServiceName};
use crate::oauth::OauthSettings;
use crate::oauth::register::SECRET_PURPOSE;
use actix_web::http::header;
use actix_web::test::TestRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::time::Duration;

const SECRET: &str = "operators-secret";

async fn world() -> World {
    let settings = OauthSettings { client_credentials: true, ..OauthSettings::default() };
    let world = World::with(settings, Some("mail-query"));
    let registered = world.register(json!({"redirect_uris": [REDIRECT]})).await.json();
    let id = ClientId::new(registered["client_id"].as_str().unwrap());
    let mut template = world.state.store.client(&id).await.unwrap().unwrap();
    template.metadata.insert("grant_types".to_owned(), json!(["client_credentials"]));
    let gateway = ClientRecord {
        id: ClientId::new("gateway"),
        origin: ClientOrigin::Configured,
        auth_method: ClientAuthMethod::ClientSecretBasic,
        secret_hash: Some(world.state.hasher.hash(SECRET_PURPOSE, SECRET).to_text()),
        ..template
    };
    world.state.store.register_client(&gateway, Duration::from_hours(1)).await.unwrap();
    world
}

async fn ask(world: &World, path: &str, id: &str, secret: &str, form: &[(&str, &str)]) -> Reply {
    let credentials = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let request = TestRequest::post().uri(path).set_form(form);
    world.call(request.insert_header((header::AUTHORIZATION, credentials))).await
}

async fn token(world: &World, extra: &[(&str, &str)]) -> Reply {
    let mut form = vec![("grant_type", "client_credentials")];
    form.extend(extra);
    ask(world, "/token", "gateway", SECRET, &form).await
}

#[actix_web::test]
async fn an_operators_client_gets_a_bearer_of_its_own_for_one_service() {
    let world = world().await;
    let extra = [("resource", RESOURCE), ("scope", "Mail.Read offline_access openid")];
    let reply = token(&world, &extra).await;
    assert_eq!((reply.status, reply.header(header::CACHE_CONTROL)), (200, "no-store"));
    let answer = reply.json();
    assert_eq!(answer["scope"], "Mail.Read User.Read");
    assert!(answer.get("refresh_token").is_none() && answer.get("id_token").is_none());
    let bearer = answer["access_token"].as_str().unwrap();
    let request = presenting(&format!("Bearer {bearer}"));
    let caller =
        world.guard.authenticate(request.head(), &ServiceName::new("mail-query")).await.unwrap().caller;
    assert!(caller.user.is_application());
    assert!(world.guard.authenticate(request.head(), &ServiceName::new("calendar")).await.is_err());
    // The operator's client may ask about every token, its own included.
    let told = ask(&world, "/introspect", "gateway", SECRET, &[("token", bearer)]).await.json();
    assert_eq!(
        (&told["active"], &told["client_id"], &told["iss"]),
        (&json!(true), &json!("gateway"), &json!(ISSUER))
    );
    let person = world.public_client().await;
    let person = world.signed_in(&person, "alice").await;
    let form = [("token", person["access_token"].as_str().unwrap())];
    assert_eq!(ask(&world, "/introspect", "gateway", SECRET, &form).await.json()["active"], true);
    let document = world.get("/.well-known/oauth-authorization-server").await.json();
    assert!(document["grant_types_supported"].as_array().unwrap().contains(&json!("client_credentials")));
}

#[actix_web::test]
async fn nobody_else_does() {
    let world = world().await;
    let registered = world.register(json!({"redirect_uris": [REDIRECT]})).await.json();
    let text = |name: &str| registered[name].as_str().unwrap().to_owned();
    let form = [("grant_type", "client_credentials")];
    let own = ask(&world, "/token", &text("client_id"), &text("client_secret"), &form).await;
    assert_eq!((own.status, own.error().as_str()), (400, "unauthorized_client"));
    let wrong = ask(&world, "/token", "gateway", "wrong", &form).await;
    assert_eq!((wrong.status, wrong.error().as_str()), (401, "invalid_client"));
    let public = world.public_client().await;
    let public = world.token(&[("grant_type", "client_credentials"), ("client_id", &public)]).await;
    assert_eq!(public.error(), "unauthorized_client");
    for resource in ["https://other.example/mail-query/mcp", "https://entrada.example/mail-query/mcp#f"] {
        assert_eq!(token(&world, &[("resource", resource)]).await.error(), "invalid_target");
    }
    let twice = [("resource", RESOURCE), ("resource", "https://entrada.example/calendar/mcp")];
    assert_eq!(token(&world, &twice).await.error(), "invalid_target");
    assert_eq!(token(&world, &[("scope", "No.Such")]).await.error(), "invalid_scope");
}
