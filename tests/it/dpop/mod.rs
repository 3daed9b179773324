//! Tokens that are bound to a key of the client (DPoP, RFC 9449), from the first request to the last.

#[cfg(test)]
mod clients;
#[cfg(test)]
mod framings;
#[cfg(test)]
mod nonces;
#[cfg(test)]
mod proofs;
#[cfg(test)]
mod tokens;

use super::support::cluster::{Cluster, Store};
use super::support::http;
use super::support::login::Client;
use super::support::mcp::{self, MODERN};
use super::support::signing::{Signer, now};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use reqwest::Response;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicU64, Ordering};

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
/// The path of most requests here.
const MCP: &str = "/mail-query/mcp";

/// A client's key, which makes proofs.
struct Key {
    signer: Signer,
}

impl Key {
    /// Equal seeds, equal keys.
    fn new(seed: u8) -> Self {
        Self { signer: Signer::new(seed) }
    }

    fn of(algorithm: Algorithm) -> Self {
        Self { signer: Signer::of(algorithm) }
    }

    /// Header of a proof.
    fn header(&self) -> Value {
        json!({ "typ": "dpop+jwt", "alg": self.signer.algorithm, "jwk": self.signer.jwk() })
    }

    /// Claims of a proof for a request to `url`.
    fn claims(method: &str, url: &str, token: Option<&str>) -> Value {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let jti = format!("proof-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let mut claims = json!({ "htm": method, "htu": url, "iat": now(), "jti": jti });
        if let Some(token) = token {
            claims["ath"] = json!(URL_SAFE_NO_PAD.encode(Sha256::digest(token)));
        }
        claims
    }

    fn sign(&self, claims: &Value) -> String {
        self.signer.sign_as(&self.header(), claims)
    }

    fn proof(&self, method: &str, url: &str, token: Option<&str>) -> String {
        self.sign(&Self::claims(method, url, token))
    }
}

/// Asks `/token` at `base`, with a proof if there is one.
async fn ask(base: &str, form: &[(&str, &str)], proof: Option<&str>) -> (u16, Value, Option<String>) {
    let request = http::client().post(format!("{base}/token")).form(form);
    let request = if let Some(proof) = proof { request.header("DPoP", proof) } else { request };
    let response = request.send().await.unwrap();
    let nonce = response.headers().get("dpop-nonce").map(|value| value.to_str().unwrap().to_owned());
    (response.status().as_u16(), response.json().await.unwrap(), nonce)
}

/// Signs in with a proof: access and refresh token.
async fn bound(client: &Client, user: &str, key: &Key) -> (String, String) {
    let code = client.code(user).await;
    let proof = key.proof("POST", &format!("{}/token", client.base), None);
    let (status, answer, _) = ask(&client.base, &client.code_form(&code), Some(&proof)).await;
    assert_eq!((status, &answer["token_type"]), (200, &json!("DPoP")), "{answer}");
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

/// A request to the endpoint at `base`, with these credentials.
async fn call(base: &str, authorization: &str, proofs: &[&str]) -> Response {
    let body =
        mcp::request(MODERN, "7", "tools/call", json!({ "name": "list_mail_folders", "arguments": {} }));
    let mut request = http::client()
        .post(format!("{base}{MCP}"))
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", MODERN)
        .header("mcp-method", "tools/call")
        .header("mcp-name", "list_mail_folders")
        .header("authorization", authorization)
        .header("x-forwarded-host", "evil.example")
        .body(body);
    for proof in proofs {
        request = request.header("DPoP", *proof);
    }
    request.send().await.unwrap()
}

fn challenges(response: &Response) -> Vec<String> {
    let all = response.headers().get_all("www-authenticate").iter();
    all.map(|value| value.to_str().unwrap().to_owned()).collect()
}

async fn clusters() -> Vec<Cluster> {
    let mut all = vec![Cluster::embedded().await];
    all.extend(Cluster::pair().await);
    all
}

/// The stores that one replica may run on.
fn stores() -> impl Iterator<Item = Store> {
    [Some(Store::embedded()), Store::redis()].into_iter().flatten()
}
