//! The tenant's signing key and `/{tenant}/discovery/v2.0/keys`.

use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse, web};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{AlgorithmParameters, Jwk, RSAKeyParameters},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{error::Trace, tenants::TenantPath};
use crate::sim::{directory::TENANT_ID, state::SimState};

/// Key id of the signing key, as in the header of tokens and in the JWKS.
pub(crate) const KEY_ID: &str = "sim-tenant-key-1";

#[expect(clippy::expect_used, reason = "the key is compiled in and a test loads it")]
static SIGNING_KEY: LazyLock<EncodingKey> = LazyLock::new(|| {
    EncodingKey::from_rsa_pem(include_bytes!("simulator-only-key.pem")).expect("the built-in key is RSA")
});

/// Signs claims as Entra does: RS256, the key named in the header.
pub(super) fn sign(claims: &impl Serialize) -> jsonwebtoken::errors::Result<String> {
    sign_as(KEY_ID, claims)
}

/// The same with a key id of the caller's.
pub(super) fn sign_as(kid: &str, claims: &impl Serialize) -> jsonwebtoken::errors::Result<String> {
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(kid.to_owned());
    jsonwebtoken::encode(&header, claims, &SIGNING_KEY)
}

/// The public key, as the number that is published.
pub(super) fn modulus() -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(parts()?.n).ok()
}

fn parts() -> Option<RSAKeyParameters> {
    let jwk = Jwk::from_encoding_key(&SIGNING_KEY, Algorithm::RS256).ok()?;
    let AlgorithmParameters::RSA(rsa) = jwk.algorithm else { return None };
    Some(rsa)
}

/// `GET /{tenant}/discovery/v2.0/keys`
pub(super) async fn keys(
    request: HttpRequest,
    tenant: web::Path<String>,
    state: web::Data<SimState>,
) -> HttpResponse {
    let trace = Trace::of(&request);
    let tenant = match TenantPath::parse(&tenant) {
        Ok(tenant) => tenant,
        Err(error) => return error.json(&state.url, &trace),
    };
    let issuer = match tenant {
        TenantPath::Own => format!("{}/{TENANT_ID}/v2.0", state.url),
        TenantPath::Shared(_) => format!("{}/{{tenantid}}/v2.0", state.url),
    };
    match jwk(&issuer) {
        Some(key) => trace.stamp(&mut HttpResponse::Ok()).json(json!({ "keys": [key] })),
        None => HttpResponse::InternalServerError().finish(),
    }
}

fn jwk(issuer: &str) -> Option<Value> {
    let rsa = parts()?;
    Some(json!({
        "kty": "RSA", "use": "sig", "kid": KEY_ID, "x5t": KEY_ID,
        "n": rsa.n, "e": rsa.e,
        "cloud_instance_name": "microsoftonline.com",
        "issuer": issuer,
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_built_in_key_signs_and_is_published() {
        assert_eq!(super::sign(&serde_json::json!({ "a": 1 })).unwrap().split('.').count(), 3);
        assert_eq!(super::jwk("i").unwrap()["e"], "AQAB");
    }
}
