//! The OpenID Connect unit, and introspection beside it.

use super::support::{Browser, ISSUER, OLD_KEY, REDIRECT, RESOURCE, Reply, World, authorize_uri};
use crate::oauth::OauthSettings;
use actix_web::http::header;
use actix_web::test::TestRequest;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::time::Duration;

async fn sign_in(world: &World, client: &str, user: &str, scope: &str) -> Value {
    let browser = Browser::new(world);
    let state = browser.approve(&authorize_uri(client, &[("scope", scope), ("nonce", "n-1")])).await;
    let code = browser.come_back(&state, user).await.redirected("code").unwrap();
    world.redeem(client, &code).await.json()
}

/// The claims of an id_token that verifies with the published keys.
async fn verified(world: &World, id_token: &str, client: &str) -> Value {
    let keys: JwkSet = serde_json::from_str(&world.get("/jwks.json").await.body).unwrap();
    let kid = jsonwebtoken::decode_header(id_token).unwrap().kid.unwrap();
    let key = DecodingKey::from_jwk(keys.find(&kid).expect("the key is published")).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[client]);
    validation.set_issuer(&[ISSUER]);
    // The test's clock stands in the future.
    validation.validate_exp = false;
    jsonwebtoken::decode::<Value>(id_token, &key, &validation).unwrap().claims
}

async fn userinfo(world: &World, bearer: &str) -> Reply {
    let request = TestRequest::get().uri("/userinfo");
    world.call(request.insert_header((header::AUTHORIZATION, format!("Bearer {bearer}")))).await
}

#[actix_web::test]
async fn an_id_token_says_who_signed_in_where_and_for_whom() {
    let world = World::new();
    let client = world.public_client().await;
    let answer = sign_in(&world, &client, "alice", "openid profile email").await;
    assert_eq!(answer["scope"], "Mail.Read User.Read email openid profile");
    let bearer = answer["access_token"].as_str().unwrap();
    let claims = verified(&world, answer["id_token"].as_str().unwrap(), &client).await;
    assert_eq!((&claims["nonce"], &claims["email"]), (&json!("n-1"), &json!("alice@contoso.example")));
    assert_eq!(claims["name"], "A Person");
    assert_eq!(claims["at_hash"], URL_SAFE_NO_PAD.encode(&Sha256::digest(bearer)[..16]));
    assert!(claims["exp"].as_i64().unwrap() > claims["iat"].as_i64().unwrap());
    let info = userinfo(&world, bearer).await;
    assert_eq!((info.status, info.header(header::CACHE_CONTROL)), (200, "no-store"));
    assert_eq!(info.json()["sub"], claims["sub"]);
    assert_eq!(info.json()["email_verified"], true);
    // Somebody else is somebody else, and has the same name at every client.
    let bob = sign_in(&world, &client, "bob", "openid").await;
    let bob = verified(&world, bob["id_token"].as_str().unwrap(), &client).await;
    assert_ne!(bob["sub"], claims["sub"]);
    assert!(bob.get("email").is_none());
}

#[actix_web::test]
async fn nobody_gets_an_id_token_unasked() {
    let world = World::new();
    let client = world.public_client().await;
    let answer = world.signed_in(&client, "alice").await;
    assert!(answer.get("id_token").is_none());
    let refused = userinfo(&world, answer["access_token"].as_str().unwrap()).await;
    assert_eq!((refused.status, refused.error().as_str()), (403, "insufficient_scope"));
    for bearer in ["dcr_at_x", "x"] {
        let refused = userinfo(&world, bearer).await;
        assert_eq!((refused.status, refused.error().as_str()), (401, "invalid_token"));
        assert!(refused.header(header::WWW_AUTHENTICATE).starts_with("Bearer error=\"invalid_token\""));
    }
    assert_eq!(world.get("/userinfo").await.header(header::WWW_AUTHENTICATE), "Bearer");
}

#[actix_web::test]
async fn keys_rotate_without_a_gap_on_all_replicas() {
    let settings = OauthSettings { id_token_key_ttl: Duration::from_hours(48), ..OauthSettings::default() };
    let world = World::with(settings, Some("mail-query"));
    let replica = world.replica(OLD_KEY);
    let client = world.public_client().await;
    let first = sign_in(&world, &client, "alice", "openid").await;
    let first = first["id_token"].as_str().unwrap();
    verified(&replica, first, &client).await;
    let kids = async |world: &World| {
        let document = world.get("/jwks.json").await.json();
        document["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect::<Vec<_>>()
    };
    let before = kids(&world).await;
    assert_eq!(before, kids(&replica).await);
    world.wait(Duration::from_hours(48));
    let both = kids(&replica).await;
    assert_eq!((both.len(), &both[..1]), (2, &before[..]));
    assert_eq!(kids(&world).await, both);
    verified(&world, first, &client).await;
    world.wait(Duration::from_mins(11));
    let second = sign_in(&world, &client, "alice", "openid").await;
    let kid = jsonwebtoken::decode_header(second["id_token"].as_str().unwrap()).unwrap().kid;
    assert_eq!(json!(kid), both[1]);
    world.wait(Duration::from_hours(25));
    assert_eq!(kids(&replica).await, both[1..]);
    let dump = world.dump();
    assert!(!String::from_utf8_lossy(&dump).contains("signs_from"), "the keys are stored in the clear");
}

#[actix_web::test]
async fn only_confidential_clients_introspect_and_only_their_own_tokens() {
    let world = World::new();
    let registered = world.register(json!({"redirect_uris": [REDIRECT]})).await.json();
    let (id, secret) =
        (registered["client_id"].as_str().unwrap(), registered["client_secret"].as_str().unwrap());
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let ask = async |token: &str| {
        let request = TestRequest::post().uri("/introspect").set_form([("token", token)]);
        world.call(request.insert_header((header::AUTHORIZATION, basic.clone()))).await
    };
    let browser = Browser::new(&world);
    let state = browser.approve(&authorize_uri(id, &[])).await;
    let code = browser.come_back(&state, "alice").await.redirected("code").unwrap();
    let form = super::support::code_form(id, &code);
    let request = TestRequest::post().uri("/token").set_form(form);
    let answer = world.call(request.insert_header((header::AUTHORIZATION, basic.clone()))).await.json();
    let own = ask(answer["access_token"].as_str().unwrap()).await;
    assert_eq!((own.status, own.header(header::CACHE_CONTROL)), (200, "no-store"));
    let told = own.json();
    assert_eq!(
        (&told["active"], &told["client_id"], &told["aud"]),
        (&json!(true), &json!(id), &json!(RESOURCE))
    );
    assert_eq!((&told["token_type"], &told["iss"]), (&json!("Bearer"), &json!(ISSUER)));
    assert!(!own.body.contains("alice"), "{}", own.body);
    let refresh = ask(answer["refresh_token"].as_str().unwrap()).await.json();
    assert_eq!(refresh["token_type"], "refresh_token");
    let public = world.public_client().await;
    let foreign = world.signed_in(&public, "bob").await;
    for token in [foreign["access_token"].as_str().unwrap(), "dcr_at_x", "eyJhbGciOiJub25lIn0.e30."] {
        assert_eq!(ask(token).await.body, r#"{"active":false}"#, "{token}");
    }
    for form in [vec![("token", "x")], vec![("token", "x"), ("client_id", &*public)]] {
        let refused = world.call(TestRequest::post().uri("/introspect").set_form(form)).await;
        assert_eq!((refused.status, refused.error().as_str()), (401, "invalid_client"));
    }
}
