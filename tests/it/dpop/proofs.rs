//! Proofs that prove nothing, algorithms that are taken, and who says what URL a proof is for.

use super::{ALICE, Key, MCP, ask, bound, call, challenges, stores};
use crate::support::cluster::{Cluster, Plan, Store};
use crate::support::http;
use crate::support::login::Client;
use crate::support::signing::{Signer, unsigned};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

/// Octets of a shared secret.
const SHARED: &[u8] = b"a-secret-that-server-and-client-would-share";

/// Proofs with right claims whose header or signature proves no key.
fn worthless(key: &Key, claims: impl Fn() -> Value) -> Vec<(&'static str, String)> {
    let with = |member: &str, value: Value| {
        let mut header = key.header();
        header[member] = value;
        header
    };
    let mut private = key.signer.jwk();
    private["d"] = json!(URL_SAFE_NO_PAD.encode([7; 32]));
    let mut shared = with("jwk", json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode(SHARED) }));
    shared["alg"] = json!("HS256");
    let public = key.signer.jwk()["x"].as_str().unwrap().to_owned();
    let confused = with("alg", json!("HS256"));
    let mut keyless = key.header();
    keyless.as_object_mut().unwrap().remove("jwk");
    let signed = |header: &Value| key.signer.sign_as(header, &claims());
    vec![
        ("a private key", signed(&with("jwk", private))),
        ("alg none", unsigned(key.header(), &claims())),
        ("HS256 and a key for everybody", Signer::sharing(SHARED).sign_as(&shared, &claims())),
        ("HS256 with the public key", Signer::sharing(public.as_bytes()).sign_as(&confused, &claims())),
        ("HS256 that is said only", signed(&confused)),
        ("ES384 with a key of ES256", signed(&with("alg", json!("ES384")))),
        ("ES512", signed(&with("alg", json!("ES512")))),
        ("another type", signed(&with("typ", json!("JWT")))),
        ("no key", signed(&keyless)),
        ("the key of another", Key::new(8).signer.sign_as(&key.header(), &claims())),
        ("no JWT", "x.y.z".to_owned()),
        ("nothing", String::new()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_proves_no_key_is_refused_at_both_ends_and_spends_nothing() {
    for store in stores() {
        let cluster = Cluster::start(store, Plan::default()).await;
        let base = &*cluster.url;
        let (key, client) = (Key::new(7), Client::register(base).await);
        let (access, _) = bound(&client, ALICE, &key).await;
        let (token, mcp) = (format!("{base}/token"), format!("{base}{MCP}"));
        let code = client.code(ALICE).await;
        for (what, proof) in worthless(&key, || Key::claims("POST", &token, None)) {
            let (status, answer, _) = ask(base, &client.code_form(&code), Some(&proof)).await;
            assert_eq!((status, &answer["error"]), (400, &json!("invalid_dpop_proof")), "{what}: {answer}");
        }
        for (what, proof) in worthless(&key, || Key::claims("POST", &mcp, Some(&access))) {
            let refused = call(base, &format!("DPoP {access}"), &[&proof]).await;
            let told = challenges(&refused);
            assert_eq!(refused.status(), 401, "{what}");
            assert!(told[1].starts_with("DPoP error=\"invalid_dpop_proof\""), "{what}: {told:?}");
        }
        let proof = key.proof("POST", &token, None);
        assert_eq!(ask(base, &client.code_form(&code), Some(&proof)).await.0, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_in_the_host_header_is_nobodys_url() {
    let settings = [("ENTRADA_SERVER__ALLOWED_HOSTS", "evil.example")];
    let cluster = Cluster::start(Store::embedded(), Plan { settings: &settings, ..Plan::default() }).await;
    let base = &*cluster.url;
    let (key, client) = (Key::new(7), Client::register(base).await);
    let code = client.code(ALICE).await;
    let forged = |request: reqwest::RequestBuilder| {
        let request = request.header("host", "evil.example").header("x-forwarded-host", "evil.example");
        request.header("x-forwarded-proto", "http").header("forwarded", "host=evil.example;proto=http")
    };
    let here = cluster.replica_url(0);
    let redeem = async |htu: &str| {
        let request = forged(http::client().post(format!("{here}/token")).form(&client.code_form(&code)));
        let response = request.header("DPoP", key.proof("POST", htu, None)).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let (status, refused) = redeem("http://evil.example/token").await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_dpop_proof")), "{refused}");
    let (status, answer) = redeem(&format!("{base}/token")).await;
    assert_eq!((status, &answer["token_type"]), (200, &json!("DPoP")), "{answer}");
    let access = answer["access_token"].as_str().unwrap();
    let userinfo = async |htu: &str| {
        let request = forged(http::client().get(format!("{here}/userinfo")));
        let request = request.header("authorization", format!("DPoP {access}"));
        let response = request.header("DPoP", key.proof("GET", htu, Some(access))).send().await.unwrap();
        let told = challenges(&response).join(" ");
        (response.status().as_u16(), told.contains("invalid_dpop_proof"))
    };
    assert_eq!(userinfo("http://evil.example/userinfo").await, (401, true));
    // What is missing now is the scope openid; the proof counts.
    assert_eq!(userinfo(&format!("{base}/userinfo")).await, (403, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_algorithm_that_metadata_names_proves_a_key_and_no_other_does() {
    let cluster = Cluster::embedded().await;
    let (base, client) = (&*cluster.url, Client::register(&cluster.url).await);
    let read = async |path: &str| {
        let response = http::client().get(format!("{base}/.well-known/{path}")).send().await.unwrap();
        response.json::<Value>().await.unwrap()["dpop_signing_alg_values_supported"].clone()
    };
    let named = read("oauth-authorization-server").await;
    assert_eq!(read("oauth-protected-resource/mail-query/mcp").await, named);
    assert_eq!(named, json!(["ES256", "ES384", "RS256", "PS256", "EdDSA"]));
    let url = format!("{base}{MCP}");
    for algorithm in serde_json::from_value::<Vec<Algorithm>>(named).unwrap() {
        let key = Key::of(algorithm);
        let (access, _) = bound(&client, ALICE, &key).await;
        let proof = key.proof("POST", &url, Some(&access));
        assert_eq!(call(base, &format!("DPoP {access}"), &[&proof]).await.status(), 200, "{algorithm:?}");
    }
    let code = client.code(ALICE).await;
    for algorithm in [Algorithm::RS384, Algorithm::RS512, Algorithm::PS384, Algorithm::PS512] {
        let proof = Key::of(algorithm).proof("POST", &format!("{base}/token"), None);
        let (status, answer, _) = ask(base, &client.code_form(&code), Some(&proof)).await;
        assert_eq!((status, &answer["error"]), (400, &json!("invalid_dpop_proof")), "{algorithm:?}");
    }
}
