//! Clients that sign (`private_key_jwt`), and clients of the settings.

use super::support::{OLD_KEY, REDIRECT, Reply, World};
use crate::domain::client::ClientAuthMethod;
use crate::domain::secret::Secret;
use crate::oauth::{ConfiguredClient, OauthSettings};
use actix_web::http::header;
use actix_web::test::TestRequest;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use p256::SecretKey;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::pkcs8::EncodePrivateKey;
use serde_json::{Value, json};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const NOW: i64 = 1_800_000_000;
const KEYS_AT: &str = "https://keys.example/jwks.json";

fn secret(byte: u8) -> SecretKey {
    SecretKey::from_slice(&[byte; 32]).unwrap()
}

fn jwks(byte: u8, kid: &str) -> Value {
    let point = secret(byte).public_key().to_encoded_point(false);
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let (x, y) = (text(point.x().unwrap()), text(point.y().unwrap()));
    json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": kid, "x": x, "y": y}]})
}

fn signed(byte: u8, kid: Option<&str>, claims: &Value) -> String {
    let der = secret(byte).to_pkcs8_der().unwrap();
    let header = Header { kid: kid.map(ToOwned::to_owned), ..Header::new(Algorithm::ES256) };
    encode(&header, claims, &EncodingKey::from_ec_der(der.as_bytes())).unwrap()
}

fn claims(id: &str, jti: &str) -> Value {
    json!({"iss": id, "sub": id, "aud": "https://entrada.example/token", "exp": NOW + 300, "iat": NOW, "jti": jti})
}

async fn ask(world: &World, assertion: &str) -> Reply {
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", "dcr_rt_x"),
        ("client_assertion_type", TYPE),
        ("client_assertion", assertion),
    ];
    world.token(&form).await
}

/// `invalid_grant` means that the client is proven: only the refresh token is wrong.
async fn proven(world: &World, assertion: &str) -> bool {
    let reply = ask(world, assertion).await;
    match (reply.status, reply.error().as_str()) {
        (400, "invalid_grant") => true,
        (401, "invalid_client") => false,
        other => panic!("{other:?}"),
    }
}

async fn register(world: &World, keys: (&str, Value)) -> String {
    let mut body = json!({"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "private_key_jwt"});
    body[keys.0] = keys.1;
    let reply = world.register(body).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    assert!(reply.json().get("client_secret").is_none());
    reply.json()["client_id"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn a_signed_statement_proves_the_client_once() {
    let world = World::new();
    let id = register(&world, ("jwks", jwks(7, "k1"))).await;
    let good = signed(7, Some("k1"), &claims(&id, "1"));
    assert!(proven(&world, &good).await);
    assert!(!proven(&world, &good).await, "used before");
    let replica = world.replica(OLD_KEY);
    assert!(!proven(&replica, &good).await, "used before at the other replica");
    assert!(proven(&replica, &signed(7, None, &claims(&id, "2"))).await, "a single key needs no kid");
}

#[actix_web::test]
async fn statements_for_somebody_else_or_for_too_long_prove_nothing() {
    let world = World::new();
    let id = register(&world, ("jwks", jwks(7, "k1"))).await;
    for (n, (member, value)) in [
        ("aud", json!("https://other.example/token")),
        ("aud", json!(["https://entrada.example", "https://other.example"])),
        ("iss", json!("somebody")),
        ("exp", json!(NOW + 3600)),
        ("exp", json!(NOW - 300)),
        ("nbf", json!(NOW + 300)),
        ("jti", json!("")),
        ("sub", json!("dcr_unknown")),
    ]
    .into_iter()
    .enumerate()
    {
        let mut wrong = claims(&id, &n.to_string());
        wrong[member] = value;
        assert!(!proven(&world, &signed(7, Some("k1"), &wrong)).await, "{wrong}");
    }
    assert!(!proven(&world, &signed(8, Some("k1"), &claims(&id, "x"))).await, "another key");
    assert!(!proven(&world, &signed(7, Some("k2"), &claims(&id, "y"))).await, "unknown kid");
    let body = URL_SAFE_NO_PAD.encode(claims(&id, "z").to_string());
    let none = format!("{}.{body}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#));
    assert!(!proven(&world, &none).await);
    let public = jwks(7, "k1")["keys"][0]["x"].as_str().unwrap().to_owned();
    let hmac = EncodingKey::from_secret(public.as_bytes());
    let symmetric = encode(&Header::new(Algorithm::HS256), &claims(&id, "h"), &hmac).unwrap();
    assert!(!proven(&world, &symmetric).await);
    let public = world.token(&[("grant_type", "refresh_token"), ("client_id", &id)]).await;
    assert_eq!(public.error(), "invalid_client", "it registered to sign");
}

#[actix_web::test]
async fn an_unknown_key_is_looked_for_once_in_a_while() {
    let world = World::new();
    world.documents.publish(KEYS_AT, &jwks(7, "old"));
    let id = register(&world, ("jwks_uri", json!(KEYS_AT))).await;
    assert!(proven(&world, &signed(7, Some("old"), &claims(&id, "1"))).await);
    world.documents.publish(KEYS_AT, &jwks(8, "new"));
    assert!(proven(&world, &signed(8, Some("new"), &claims(&id, "2"))).await, "keys were replaced");
    for n in 0..10 {
        assert!(!proven(&world, &signed(9, Some(&format!("made up {n}")), &claims(&id, "3"))).await);
    }
    assert_eq!(world.documents.asked.load(std::sync::atomic::Ordering::SeqCst), 2);
}

#[actix_web::test]
async fn one_way_per_request() {
    let world = World::new();
    let id = register(&world, ("jwks", jwks(7, "k1"))).await;
    let good = signed(7, Some("k1"), &claims(&id, "1"));
    let form =
        [("grant_type", "refresh_token"), ("client_assertion_type", TYPE), ("client_assertion", &good)];
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:x")));
    let request =
        TestRequest::post().uri("/token").set_form(form).insert_header((header::AUTHORIZATION, basic));
    assert_eq!(world.call(request).await.error(), "invalid_request");
    let other = [form[0], form[1], form[2], ("client_id", "dcr_other")];
    assert_eq!(world.token(&other).await.error(), "invalid_client");
    let kind = [form[0], form[2], ("client_assertion_type", "saml")];
    assert_eq!(world.token(&kind).await.error(), "invalid_request");
}

#[actix_web::test]
async fn a_client_of_the_settings_needs_no_registration_and_keeps_to_its_grants() {
    let client = ConfiguredClient {
        id: "gateway".to_owned(),
        name: "Our gateway".to_owned(),
        redirect_uris: vec![REDIRECT.to_owned()],
        auth_method: ClientAuthMethod::ClientSecretBasic,
        secret: Some(Secret::new("s+e cret".to_owned())),
        jwks: None,
        jwks_uri: None,
        grant_types: vec!["authorization_code".to_owned()],
        dpop_bound_access_tokens: false,
    };
    assert_eq!(client.validate(), Ok(()));
    assert!(ConfiguredClient { secret: None, ..client.clone() }.validate().is_err());
    assert!(
        ConfiguredClient { redirect_uris: vec!["javascript:x".to_owned()], ..client.clone() }
            .validate()
            .is_err()
    );
    let settings = OauthSettings { clients: vec![client], ..OauthSettings::default() };
    let world = World::with(settings, Some("mail-query"));
    let ask = async |password: &str, grant: &str| {
        let basic = format!("Basic {}", STANDARD.encode(format!("gateway:{password}")));
        let form = [("grant_type", grant), ("code", "dcr_ac_x"), ("code_verifier", super::support::VERIFIER)];
        let request = TestRequest::post().uri("/token").set_form(form);
        world.call(request.insert_header((header::AUTHORIZATION, basic))).await.error()
    };
    assert_eq!(ask("s%2Be+cret", "authorization_code").await, "invalid_grant");
    assert_eq!(ask("wrong", "authorization_code").await, "invalid_client");
    assert_eq!(ask("s%2Be+cret", "refresh_token").await, "unauthorized_client");
    let managed = world.call(TestRequest::delete().uri("/register/gateway")).await;
    assert_eq!(managed.status, 401);
}
