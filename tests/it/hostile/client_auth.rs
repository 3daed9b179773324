//! Clients that prove themselves at the token endpoint: H67, H68.

use super::{Table, outcome, rows};
use crate::support::cluster::Cluster;
use crate::support::http;
use crate::support::login::REDIRECT;
use crate::support::signing::{Signer, now, unsigned};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Response;
use serde_json::{Value, json};

rows!(on_both: h67, h68, h68_algorithms);
rows!(on_a_pair: h68_replayed);

/// What a client that is proven hears of a refresh token that does not exist.
pub(super) const PROVEN: &str = "400 invalid_grant";
pub(super) const REFUSED: &str = "401 invalid_client";
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Registers with further metadata.
async fn register(cluster: &Cluster, mut metadata: Value) -> Value {
    metadata["redirect_uris"] = json!([REDIRECT]);
    let response =
        http::client().post(format!("{}/register", cluster.url)).json(&metadata).send().await.unwrap();
    assert_eq!(response.status(), 201, "{metadata}");
    response.json().await.unwrap()
}

/// Refreshes something that does not exist, with the proof given.
async fn ask(base: &str, headers: &[String], proof: &[(&str, &str)]) -> Response {
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", "dcr_rt_x")];
    form.extend(proof);
    let mut request = http::client().post(format!("{base}/token")).form(&form);
    for value in headers {
        request = request.header("authorization", value);
    }
    request.send().await.unwrap()
}

/// Status and error; whoever tried `Basic` is told that it is the scheme (RFC 6749 §5.2).
async fn answer(response: Response, tried_basic: bool) -> String {
    let challenge =
        response.headers().get("www-authenticate").map(|value| value.to_str().unwrap().to_owned());
    let seen = outcome(response).await;
    let wanted = seen.starts_with("401") && tried_basic;
    assert_eq!(challenge.is_some_and(|challenge| challenge.starts_with("Basic ")), wanted, "{seen}");
    seen
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

async fn h67(cluster: &mut Cluster, table: Table) {
    let by_header = register(cluster, json!({"token_endpoint_auth_method": "client_secret_basic"})).await;
    let by_body = register(cluster, json!({"token_endpoint_auth_method": "client_secret_post"})).await;
    let public = register(cluster, json!({"token_endpoint_auth_method": "none"})).await;
    let text = |client: &Value, name: &str| client[name].as_str().unwrap().to_owned();
    let (id, secret) = (text(&by_header, "client_id"), text(&by_header, "client_secret"));
    let (post_id, post_secret) = (text(&by_body, "client_id"), text(&by_body, "client_secret"));
    let public = text(&public, "client_id");
    let right = basic(&id, &secret);
    let base = &cluster.url;
    for (what, headers, body, expected) in [
        ("the right header", vec![right.clone()], vec![], PROVEN),
        ("the right header and its own id", vec![right.clone()], vec![("client_id", id.as_str())], PROVEN),
        ("the right body", vec![], vec![("client_id", &*post_id), ("client_secret", &*post_secret)], PROVEN),
        ("the public one", vec![], vec![("client_id", &*public)], PROVEN),
        (
            "header and body",
            vec![right.clone()],
            vec![("client_id", &*id), ("client_secret", &*secret)],
            "400 invalid_request",
        ),
        ("header and another id", vec![right.clone()], vec![("client_id", &*post_id)], "400 invalid_request"),
        ("two headers", vec![right.clone(), right.clone()], vec![], "400 invalid_request"),
        (
            "header and assertion",
            vec![right.clone()],
            vec![("client_assertion_type", TYPE), ("client_assertion", "x.y.z")],
            "400 invalid_request",
        ),
        ("no base64", vec!["Basic !!".to_owned()], vec![], REFUSED),
        ("no credentials", vec!["Basic".to_owned()], vec![], REFUSED),
        ("no colon", vec![format!("Basic {}", STANDARD.encode(&id))], vec![], REFUSED),
        ("not UTF-8", vec![format!("Basic {}", STANDARD.encode([0xff, b':', 0xff]))], vec![], REFUSED),
        ("another scheme", vec![format!("Bearer {secret}")], vec![], REFUSED),
        ("a wrong secret", vec![basic(&id, "dcr_cs_wrong")], vec![], REFUSED),
        ("no secret", vec![basic(&id, "")], vec![], REFUSED),
        ("an unknown client", vec![basic("dcr_unknown", &secret)], vec![], REFUSED),
        ("the secret of another client", vec![basic(&id, &post_secret)], vec![], REFUSED),
        ("body instead of header", vec![], vec![("client_id", &*id), ("client_secret", &*secret)], REFUSED),
        ("header instead of body", vec![basic(&post_id, &post_secret)], vec![], REFUSED),
        ("nothing", vec![], vec![("client_id", &*id)], REFUSED),
        (
            "a secret of the public one",
            vec![],
            vec![("client_id", &*public), ("client_secret", "s")],
            REFUSED,
        ),
        ("a header of the public one", vec![basic(&public, "s")], vec![], REFUSED),
    ] {
        let seen = answer(ask(base, &headers, &body).await, !headers.is_empty()).await;
        assert_eq!(seen, expected, "{what}");
    }
    table.held(
        "H67",
        "Basic and body at once; malformed Basic; secret of a public client",
        "400 invalid_request; 401 invalid_client with WWW-Authenticate: Basic",
    );
}

/// A client that registered the key of `signer`.
async fn signing_client(cluster: &Cluster, signer: &Signer) -> String {
    let metadata = json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": signer.jwks("k1")});
    register(cluster, metadata).await["client_id"].as_str().unwrap().to_owned()
}

pub(super) fn claims(cluster: &Cluster, id: &str, jti: &str) -> Value {
    let now = now();
    json!({"iss": id, "sub": id, "aud": format!("{}/token", cluster.url), "iat": now, "exp": now + 300, "jti": jti})
}

pub(super) async fn assert_by(base: &str, assertion: &str) -> String {
    outcome(ask(base, &[], &[("client_assertion_type", TYPE), ("client_assertion", assertion)]).await).await
}

async fn h68(cluster: &mut Cluster, table: Table) {
    let signer = Signer::new(7);
    let id = signing_client(cluster, &signer).await;
    let other = signing_client(cluster, &Signer::new(8)).await;
    let good = |jti: &str| claims(cluster, &id, jti);
    for (jti, member, value) in [
        ("1", "aud", json!("https://other.example/token")),
        ("2", "aud", json!([cluster.url, "https://other.example"])),
        ("3", "iss", json!("somebody")),
        ("4", "iss", json!(other)),
        ("5", "sub", json!(other)),
        ("6", "sub", json!("dcr_unknown")),
        ("7", "exp", json!(now() + 900)),
        ("8", "exp", json!(now() - 300)),
        ("9", "exp", Value::Null),
        ("10", "nbf", json!(now() + 300)),
        ("11", "iat", json!(now() + 300)),
        ("12", "jti", json!("")),
        ("13", "jti", json!("x".repeat(1000))),
    ] {
        let mut wrong = good(jti);
        wrong[member] = value;
        assert_eq!(
            assert_by(&cluster.url, &signer.sign(&signer.header("k1"), &wrong)).await,
            REFUSED,
            "{wrong}"
        );
    }
    let public = signer.jwks("k1")["keys"][0]["x"].as_str().unwrap().to_owned();
    let symmetric = Header { kid: Some("k1".to_owned()), ..Header::new(Algorithm::HS256) };
    let symmetric =
        |key: &[u8]| jsonwebtoken::encode(&symmetric, &good("14"), &EncodingKey::from_secret(key)).unwrap();
    for (what, assertion) in [
        ("alg none", unsigned(json!({"typ": "JWT", "kid": "k1"}), &good("15"))),
        ("HS256 with the public key", symmetric(public.as_bytes())),
        ("HS256 with nothing", symmetric(b"")),
        ("unknown kid", signer.sign(&signer.header("k2"), &good("16"))),
        ("the key of another client", Signer::new(8).sign(&signer.header("k1"), &good("17"))),
        ("no JWT", "x.y.z".to_owned()),
    ] {
        assert_eq!(assert_by(&cluster.url, &assertion).await, REFUSED, "{what}");
    }
    // None of those refusals used up an id, and a right statement counts once.
    let right = signer.sign(&signer.header("k1"), &good("1"));
    assert_eq!(assert_by(&cluster.url, &right).await, PROVEN);
    assert_eq!(assert_by(&cluster.url, &right).await, REFUSED);
    let only_named = outcome(ask(&cluster.url, &[], &[("client_id", &id)]).await).await;
    assert_eq!(only_named, REFUSED, "it registered to sign");
    table.held("H68", "private_key_jwt: aud, iss, sub, exp, nbf, jti, alg, kid, replay", REFUSED);
}

/// Metadata names the algorithms that are taken, and no other is.
async fn h68_algorithms(cluster: &mut Cluster, table: Table) {
    let url = format!("{}/.well-known/oauth-authorization-server", cluster.url);
    let metadata: Value = http::client().get(url).send().await.unwrap().json().await.unwrap();
    let named = &metadata["token_endpoint_auth_signing_alg_values_supported"];
    assert_eq!(*named, json!(["ES256", "ES384", "RS256", "PS256", "EdDSA"]));
    for list in ["revocation", "introspection"] {
        assert_eq!(metadata[format!("{list}_endpoint_auth_signing_alg_values_supported")], *named);
    }
    for algorithm in ["ES256", "ES384", "RS256", "PS256", "EdDSA", "RS384", "RS512", "PS384", "PS512"] {
        let signer = Signer::of(serde_json::from_value(json!(algorithm)).unwrap());
        let id = signing_client(cluster, &signer).await;
        let assertion = signer.sign(&signer.header("k1"), &claims(cluster, &id, algorithm));
        let expected = if named.as_array().unwrap().contains(&json!(algorithm)) { PROVEN } else { REFUSED };
        assert_eq!(assert_by(&cluster.url, &assertion).await, expected, "{algorithm}");
    }
    table.held("H68", "private_key_jwt with each algorithm of the metadata, and with others", REFUSED);
}

async fn h68_replayed(cluster: &mut Cluster, table: Table) {
    let signer = Signer::new(7);
    let id = signing_client(cluster, &signer).await;
    let once = signer.sign(&signer.header("k1"), &claims(cluster, &id, "1"));
    assert_eq!(assert_by(cluster.replica_url(0), &once).await, PROVEN);
    assert_eq!(assert_by(cluster.replica_url(1), &once).await, REFUSED);
    // Fifty at once over both: one counts.
    let raced = signer.sign(&signer.header("k1"), &claims(cluster, &id, "2"));
    let running: Vec<_> = (0..50)
        .map(|index| {
            let (base, raced) = (cluster.replica_url(index % 2).to_owned(), raced.clone());
            tokio::spawn(async move { assert_by(&base, &raced).await })
        })
        .collect();
    let mut seen = Vec::new();
    for task in running {
        seen.push(task.await.unwrap());
    }
    let count = |wanted: &str| seen.iter().filter(|one| *one == wanted).count();
    assert_eq!((count(PROVEN), count(REFUSED)), (1, 49), "{seen:?}");
    table.held("H68", "one jti at the other replica; 50 times at once", format!("{REFUSED}; one counts"));
}
