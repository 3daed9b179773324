//! Every rule of a proof, broken once.

use super::check::{Dpop, DpopSettings, Target};
use super::proof::{Proof, ProofFault};
use crate::adapters::embedded::EmbeddedStore;
use crate::domain::clock::{Clock, TestClock};
use crate::domain::ids::KeyThumbprint;
use crate::domain::keyring::KeyRing;
use crate::domain::resource::Resources;
use crate::domain::token::Hasher;
use actix_web::http::header::HeaderMap;
use actix_web::test::TestRequest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use p256::SecretKey;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::pkcs8::EncodePrivateKey;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

const NOW: i64 = 1_800_000_000;
const URL: &str = "https://door.example/mail-query/mcp";
const TOKEN: &str = "dcr_at_token";
const A: &str = "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const B: &str = "b:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn secret(seed: u8) -> SecretKey {
    SecretKey::from_slice(&[seed; 32]).unwrap()
}

fn jwk(seed: u8) -> Value {
    let point = secret(seed).public_key().to_encoded_point(false);
    json!({"kty": "EC", "crv": "P-256", "x": text(point.x().unwrap()), "y": text(point.y().unwrap())})
}

fn header(seed: u8) -> Value {
    json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk(seed)})
}

fn claims(jti: &str) -> Value {
    let ath = text(&Sha256::digest(TOKEN));
    json!({"htm": "POST", "htu": URL, "iat": NOW, "jti": jti, "ath": ath})
}

/// Signs whatever header, with the key of `seed`.
fn signed(seed: u8, header: &Value, claims: &Value) -> String {
    let message = format!("{}.{}", text(header.to_string().as_bytes()), text(claims.to_string().as_bytes()));
    let key = EncodingKey::from_ec_der(secret(seed).to_pkcs8_der().unwrap().as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::ES256).unwrap();
    format!("{message}.{signature}")
}

fn proof(jti: &str) -> String {
    signed(7, &header(7), &claims(jti))
}

fn jkt(seed: u8) -> KeyThumbprint {
    let proof = signed(seed, &header(seed), &json!({}));
    Proof::read(&proof).unwrap().thumbprint
}

struct World {
    clock: Arc<TestClock>,
    store: Arc<EmbeddedStore>,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(TestClock::at(NOW * 1000));
        let store = Arc::new(EmbeddedStore::memory(clock.clone()));
        Self { clock, store }
    }

    fn replica(&self, keys: &str, settings: DpopSettings) -> Dpop {
        let resources = Arc::new(Resources::new("https://door.example".to_owned(), Vec::new(), None));
        let hasher = Hasher::new(&KeyRing::from_list(keys).unwrap());
        Dpop::new(self.store.clone(), hasher, resources, self.clock.clone(), settings)
    }
}

/// The check of a POST to the mail service.
async fn check(dpop: &Dpop, proof: &str) -> Result<(), ProofFault> {
    let target = Target { method: "POST", path: "/mail-query/mcp" };
    dpop.check(Some(proof), target, (TOKEN, &jkt(7))).await
}

fn same(one: &ProofFault, other: &ProofFault) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

/// Modulus of the key in RFC 7638 §3.1.
const MODULUS: &str = concat!(
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3okn",
    "jhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6q",
    "MQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awap",
    "JzKnqDKgw",
);

/// RFC 7638 is about the members that make the key and nothing else. The values are those of RFC 9449 §6.1, RFC 7638
/// §3.1 and RFC 8037 A.3.
#[test]
fn the_thumbprints_are_those_of_the_rfcs() {
    let ec = json!({
        "kty": "EC", "crv": "P-256", "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA", "kid": "whatever", "use": "sig",
    });
    let rsa = json!({"kty": "RSA", "n": MODULUS, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"});
    let ed = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    for (algorithm, key, expected) in [
        ("ES256", ec, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"),
        ("RS256", rsa.clone(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),
        ("PS256", rsa, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),
        ("EdDSA", ed, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
    ] {
        let said = text(json!({"typ": "dpop+jwt", "alg": algorithm, "jwk": key}).to_string().as_bytes());
        let thumbprint = Proof::read(&format!("{said}.e30.x")).unwrap().thumbprint;
        assert_eq!(thumbprint.as_str(), expected, "{algorithm}");
        assert!(super::is_thumbprint(thumbprint.as_str()));
    }
    for wrong in
        ["", "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4", "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I="]
    {
        assert!(!super::is_thumbprint(wrong), "{wrong}");
    }
}

#[actix_web::test]
async fn a_header_that_breaks_one_rule_proves_nothing() {
    let dpop = World::new().replica(A, DpopSettings::default());
    let with = |member: &str, value: Value| {
        let mut header = header(7);
        header[member] = value;
        signed(7, &header, &claims("h"))
    };
    let without = |member: &str| {
        let mut header = header(7);
        header.as_object_mut().unwrap().remove(member);
        signed(7, &header, &claims("h"))
    };
    let key_with = |member: &str, value: Value| {
        let mut key = jwk(7);
        key[member] = value;
        with("jwk", key)
    };
    let x = jwk(7)["x"].as_str().unwrap().to_owned();
    let good = proof("g");
    let deep = text(
        format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{}{}}}"#, "[".repeat(600), "]".repeat(600))
            .as_bytes(),
    );
    let twice =
        text(format!(r#"{{"typ":"dpop+jwt","alg":"none","alg":"ES256","jwk":{}}}"#, jwk(7)).as_bytes());
    let [_, body, signature] = good.split('.').collect::<Vec<_>>()[..] else { unreachable!() };
    let mut wrong = Vec::new();
    for (sent, expected) in [
        (String::new(), ProofFault::Malformed),
        ("x".to_owned(), ProofFault::Malformed),
        ("a.b".to_owned(), ProofFault::Malformed),
        (format!("{good}.x"), ProofFault::Malformed),
        (format!("{good},{good}"), ProofFault::Malformed),
        (format!("{deep}.{body}.{signature}"), ProofFault::Malformed),
        (format!("{twice}.{body}.{signature}"), ProofFault::Malformed),
        (format!("{}.{body}.{signature}", text(b"[]")), ProofFault::Type),
        (with("crit", json!(["exp"])), ProofFault::Malformed),
        (with("pad", json!("x".repeat(4096))), ProofFault::TooLong),
        (without("typ"), ProofFault::Type),
        (with("typ", json!("JWT")), ProofFault::Type),
        (with("typ", json!("at+jwt")), ProofFault::Type),
        (without("alg"), ProofFault::Algorithm),
        (with("alg", json!("none")), ProofFault::Algorithm),
        (with("alg", json!("HS256")), ProofFault::Algorithm),
        (with("alg", json!("ES512")), ProofFault::Algorithm),
        (with("alg", json!("RS256")), ProofFault::Key),
        (without("jwk"), ProofFault::Key),
        (with("jwk", json!("x")), ProofFault::Key),
        (with("jwk", json!({"kty": "EC"})), ProofFault::Key),
        (key_with("crv", json!("P-384")), ProofFault::Key),
        (key_with("x", json!("AQ")), ProofFault::Key),
        (key_with("x", json!(format!("{x}="))), ProofFault::Key),
        (key_with("d", json!("AQ")), ProofFault::PrivateKey),
        (with("jwk", json!({"kty": "oct", "k": "AQ"})), ProofFault::PrivateKey),
        (with("jwk", json!({"kty": "RSA", "n": "AQ", "e": "AQAB", "dp": "AQ"})), ProofFault::PrivateKey),
        // A point that is not on the curve, and a signature by another key, of another text, of nothing.
        (key_with("x", json!(text(&[1; 32]))), ProofFault::OtherKey),
        (signed(8, &header(8), &claims("h")), ProofFault::OtherKey),
        (signed(8, &header(7), &claims("h")), ProofFault::Signature),
        (good.replace(body, &text(claims("z").to_string().as_bytes())), ProofFault::Signature),
        (good.replace(signature, ""), ProofFault::Signature),
        (good.replace(signature, &text(&[0; 64])), ProofFault::Signature),
        (signed(7, &header(7), &json!([])), ProofFault::Signature),
    ] {
        let seen = check(&dpop, &sent).await.unwrap_err();
        if !same(&seen, &expected) {
            wrong.push(format!("{seen:?} instead of {expected:?}: {sent}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    check(&dpop, &good).await.unwrap();
    let missing = dpop.check(None, Target { method: "POST", path: "/" }, (TOKEN, &jkt(7))).await;
    assert!(same(&missing.unwrap_err(), &ProofFault::Missing));
}

#[actix_web::test]
async fn claims_that_break_one_rule_prove_nothing_and_cost_no_jti() {
    let dpop = World::new().replica(A, DpopSettings::default());
    let with = |member: &str, value: Value| {
        let mut claims = claims("c");
        claims[member] = value;
        signed(7, &header(7), &claims)
    };
    let other = text(&Sha256::digest("dcr_at_another"));
    for (sent, expected) in [
        (with("htm", json!("GET")), ProofFault::Method),
        (with("htm", json!("post")), ProofFault::Method),
        (with("htm", json!("")), ProofFault::Method),
        (with("htm", json!(1)), ProofFault::Signature),
        (with("htu", json!("https://door.example/mail-query/sse")), ProofFault::Target),
        (with("htu", json!("https://evil.example/mail-query/mcp")), ProofFault::Target),
        (with("htu", json!("/mail-query/mcp")), ProofFault::Target),
        (with("htu", json!("")), ProofFault::Target),
        (with("iat", json!(NOW - 301)), ProofFault::Time),
        (with("iat", json!(NOW + 301)), ProofFault::Time),
        (with("iat", json!(i64::MIN)), ProofFault::Time),
        (with("iat", json!(i64::MAX)), ProofFault::Time),
        (with("iat", json!("now")), ProofFault::Signature),
        (with("jti", json!("")), ProofFault::Id),
        (with("jti", json!("x".repeat(257))), ProofFault::Id),
        (with("ath", Value::Null), ProofFault::TokenHash),
        (with("ath", json!("")), ProofFault::TokenHash),
        (with("ath", json!(other)), ProofFault::TokenHash),
    ] {
        let seen = check(&dpop, &sent).await.unwrap_err();
        assert!(same(&seen, &expected), "{seen:?} instead of {expected:?}: {sent}");
    }
    for (member, value) in [
        ("htu", json!(format!("{URL}/?x=1#y"))),
        ("iat", json!(NOW - 300)),
        ("iat", json!(NOW + 300)),
        ("nonce", json!("not asked for")),
        ("unknown", json!({"a": [1]})),
    ] {
        let mut good = claims(&format!("{member}{value}"));
        good[member] = value;
        check(&dpop, &signed(7, &header(7), &good)).await.unwrap();
    }
    check(&dpop, &signed(7, &header(7), &claims("c"))).await.unwrap();
}

#[actix_web::test]
async fn a_proof_counts_once_at_all_replicas_together_whatever_key_they_hash_with() {
    let world = World::new();
    let both = format!("{B},{A}");
    let replicas = [A, &both].map(|keys| world.replica(keys, DpopSettings::default()));
    for (first, second) in [(0, 1), (1, 0), (0, 0)] {
        let one = proof(&format!("{first}{second}"));
        check(&replicas[first], &one).await.unwrap();
        let again = check(&replicas[second], &one).await.unwrap_err();
        assert!(same(&again, &ProofFault::Replayed), "{again:?}");
    }
    // For as long as it could count again: to the second.
    let mut early = claims("early");
    early["iat"] = json!(NOW + 300);
    let early = signed(7, &header(7), &early);
    check(&replicas[0], &early).await.unwrap();
    world.clock.advance(Duration::from_mins(10));
    assert!(same(&check(&replicas[0], &early).await.unwrap_err(), &ProofFault::Replayed));
    world.clock.advance(Duration::from_secs(1));
    assert!(same(&check(&replicas[0], &early).await.unwrap_err(), &ProofFault::Time));
}

#[actix_web::test]
async fn of_parallel_uses_one_counts() {
    let dpop = World::new().replica(A, DpopSettings::default());
    let one = proof("parallel");
    let all = futures_util::future::join_all((0..20).map(|_| check(&dpop, &one))).await;
    assert_eq!(all.iter().filter(|outcome| outcome.is_ok()).count(), 1);
}

#[actix_web::test]
async fn a_nonce_is_asked_for_and_given() {
    let world = World::new();
    let dpop = world.replica(A, DpopSettings { nonces: true, ..DpopSettings::default() });
    let asked = check(&dpop, &proof("1")).await.unwrap_err();
    assert_eq!((same(&asked, &ProofFault::Nonce), asked.code()), (true, "use_dpop_nonce"));
    let given = || {
        let mut headers = HeaderMap::new();
        dpop.stamp(&mut headers);
        headers.get("dpop-nonce").unwrap().to_str().unwrap().to_owned()
    };
    let nonce = given();
    let with_nonce = |jti: &str, nonce: &str, iat: i64| {
        let mut claims = claims(jti);
        (claims["nonce"], claims["iat"]) = (json!(nonce), json!(iat));
        signed(7, &header(7), &claims)
    };
    // The jti of a proof without nonce was not spent.
    check(&dpop, &with_nonce("1", &nonce, NOW)).await.unwrap();
    let again = check(&dpop, &with_nonce("1", &nonce, NOW)).await.unwrap_err();
    assert!(same(&again, &ProofFault::Replayed));
    world.clock.advance(Duration::from_mins(3));
    check(&dpop, &with_nonce("2", &nonce, world.clock.now().as_secs())).await.unwrap();
    assert_ne!(given(), nonce);
    world.clock.advance(Duration::from_mins(3));
    let old = check(&dpop, &with_nonce("3", &nonce, world.clock.now().as_secs())).await.unwrap_err();
    assert!(same(&old, &ProofFault::Nonce));
}

#[actix_web::test]
async fn a_request_for_tokens_names_its_own_url_and_needs_no_token() {
    let world = World::new();
    let (on, off) = (DpopSettings::default(), DpopSettings { offered: false, nonces: true });
    let (dpop, off) = (world.replica(A, on), world.replica(A, off));
    let for_url = |jti: &str, path: &str| {
        let htu = format!("https://door.example{path}");
        signed(7, &header(7), &json!({"htm": "POST", "htu": htu, "iat": NOW, "jti": jti}))
    };
    let ask = async |dpop: &Dpop, path: &str, proofs: &[String]| {
        let mut request = TestRequest::post().uri(path).insert_header(("host", "evil.example"));
        for proof in proofs {
            request = request.append_header(("DPoP", proof.as_str()));
        }
        let request = request.insert_header(("x-forwarded-host", "evil.example")).to_http_request();
        dpop.key_of(request.head()).await
    };
    assert_eq!(ask(&dpop, "/token", &[]).await.unwrap(), None);
    for (index, path) in ["/token", "/oauth/token", "/mail-query/token"].into_iter().enumerate() {
        let proof = for_url(&index.to_string(), path);
        assert_eq!(ask(&dpop, path, &[proof]).await.unwrap(), Some(jkt(7)), "{path}");
    }
    let aliased = ask(&dpop, "/oauth/token", &[for_url("a", "/token")]).await.unwrap_err();
    assert!(same(&aliased, &ProofFault::Target));
    let two = [for_url("b", "/token"), for_url("c", "/token")];
    assert!(same(&ask(&dpop, "/token", &two).await.unwrap_err(), &ProofFault::Repeated));
    assert_eq!(ask(&off, "/token", &two).await.unwrap(), None, "nobody looks at it");
    let mut headers = HeaderMap::new();
    off.stamp(&mut headers);
    assert!(headers.is_empty());
}
