//! Forged and stale id_tokens against one real RSA key.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://login.example/{tenantid}/v2.0";
const KEY: &str = include_str!("test-only-key.pem");

fn signing_key() -> EncodingKey {
    EncodingKey::from_rsa_pem(KEY.as_bytes()).unwrap()
}

fn keys() -> JwkSet {
    let mut jwk = Jwk::from_encoding_key(&signing_key(), Algorithm::RS256).unwrap();
    jwk.common.key_id = Some("k1".to_owned());
    JwkSet { keys: vec![jwk] }
}

fn claims() -> Value {
    json!({
        "iss": "https://login.example/t-1/v2.0", "aud": "app", "exp": NOW + 3600, "nbf": NOW - 10, "iat": NOW,
        "nonce": "n", "tid": "t-1", "oid": "o-1", "ver": "2.0", "preferred_username": "a@example", "name": "A",
    })
}

fn signed(claims: &Value) -> String {
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some("k1".to_owned());
    encode(&header, claims, &signing_key()).unwrap()
}

fn verify_at(token: &str, now_s: i64) -> Result<Identified, IdTokenFault> {
    let now = Timestamp::from_millis(now_s * 1000);
    verify(token, &keys(), Expected { issuer: ISSUER, audience: "app", nonce: Some("n"), now })
}

fn with(name: &str, value: Value) -> String {
    let mut claims = claims();
    claims[name] = value;
    signed(&claims)
}

#[test]
fn a_good_token_names_tenant_and_object() {
    let who = verify_at(&signed(&claims()), NOW).unwrap();
    assert_eq!(who.user, UserKey::new("t-1", "o-1"));
    assert_eq!(who.username, "a@example");
    assert_eq!((who.roles.len(), who.groups), (0, None));
}

#[test]
fn groups_that_are_told_elsewhere_are_not_known() {
    let groups = |token: &str| verify_at(token, NOW).unwrap().groups;
    assert_eq!(groups(&with("groups", json!(["g-1"]))), Some(vec!["g-1".to_owned()]));
    assert_eq!(groups(&with("groups", json!([]))), Some(Vec::new()));
    let mut both = claims();
    both["groups"] = json!(["g-1"]);
    both["hasgroups"] = json!(true);
    assert_eq!(groups(&signed(&both)), None);
    assert_eq!(groups(&with("_claim_names", json!({ "groups": "src1" }))), None);
}

#[test]
fn each_wrong_claim_is_refused_by_name() {
    let table = [
        ("iss", json!("https://login.example/t-2/v2.0"), IdTokenFault::Issuer),
        ("tid", json!("t-2"), IdTokenFault::Issuer),
        ("tid", json!(""), IdTokenFault::Identity),
        ("oid", json!(""), IdTokenFault::Identity),
        ("aud", json!("other"), IdTokenFault::Audience),
        ("aud", json!(["app", "other"]), IdTokenFault::Signature),
        ("azp", json!("other"), IdTokenFault::Audience),
        ("nonce", json!("m"), IdTokenFault::Nonce),
        ("exp", json!(NOW - SKEW_S), IdTokenFault::Lifetime),
        ("nbf", json!(NOW + SKEW_S + 1), IdTokenFault::Lifetime),
        ("ver", json!("1.0"), IdTokenFault::Version),
    ];
    for (name, value, fault) in table {
        assert_eq!(verify_at(&with(name, value.clone()), NOW), Err(fault), "{name} = {value}");
    }
}

#[test]
fn the_issuer_of_one_tenant_vouches_for_nobody_of_another() {
    let issuer = "https://login.example/t-1/v2.0";
    let now = Timestamp::from_millis(NOW * 1000);
    let expected = Expected { issuer, audience: "app", nonce: Some("n"), now };
    assert!(verify(&signed(&claims()), &keys(), expected).is_ok());
    for tid in ["t-2", "v2.0", "login.example", "-"] {
        let forged = with("tid", json!(tid));
        let fault = verify(&forged, &keys(), expected).unwrap_err();
        assert!(matches!(fault, IdTokenFault::Issuer), "{tid}: {fault}");
    }
}

#[test]
fn the_skew_of_two_minutes_is_tolerated() {
    assert!(verify_at(&with("exp", json!(NOW - SKEW_S + 1)), NOW).is_ok());
    assert!(verify_at(&with("nbf", json!(NOW + SKEW_S)), NOW).is_ok());
}

#[test]
fn unsigned_symmetric_and_tampered_tokens_are_refused() {
    let good = signed(&claims());
    let parts: Vec<&str> = good.split('.').collect();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let none = format!("{}.{}.", part(&json!({"alg": "none", "kid": "k1"})), parts[1]);
    assert!(matches!(verify_at(&none, NOW), Err(IdTokenFault::Malformed | IdTokenFault::Algorithm)));
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("k1".to_owned());
    let symmetric = encode(&header, &claims(), &EncodingKey::from_secret(KEY.as_bytes())).unwrap();
    assert_eq!(verify_at(&symmetric, NOW), Err(IdTokenFault::Algorithm));
    let mut changed = claims();
    changed["oid"] = json!("o-2");
    let tampered = format!("{}.{}.{}", parts[0], part(&changed), parts[2]);
    assert_eq!(verify_at(&tampered, NOW), Err(IdTokenFault::Signature));
}

#[test]
fn an_unpublished_key_is_refused() {
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some("k2".to_owned());
    let token = encode(&header, &claims(), &signing_key()).unwrap();
    assert_eq!(verify_at(&token, NOW), Err(IdTokenFault::UnknownKey));
    assert_eq!(verify_at("not.a.jwt", NOW), Err(IdTokenFault::Malformed));
}
