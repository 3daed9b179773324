//! How this server proves to Entra that it is the application: a secret, a certificate, or a token of the platform it
//! runs on. Files are read at each use: a renewed certificate and a token that Kubernetes rotates count at once.

use super::endpoint::unavailable;
use crate::domain::clock::Timestamp;
use crate::domain::secret::Secret;
use crate::ports::identity::{IdentityError, IdentityFault};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const ASSERTION_LIFE_S: i64 = 300;

/// The one credential in use.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    /// `client_secret` in the body.
    Secret(Secret<String>),
    /// PEM file with private key and certificate; the assertion is signed with PS256 (RFC 7523 §2.2).
    Certificate(PathBuf),
    /// File with a token that Entra's federation accepts as assertion.
    Federated(PathBuf),
}

impl Credential {
    /// The first that is set, in this order: a secret, a certificate, a federated token. An empty text is not set.
    pub(crate) fn choose(secret: &str, certificate: &str, federated: &str) -> Self {
        if !secret.is_empty() {
            Self::Secret(Secret::new(secret.to_owned()))
        } else if certificate.is_empty() {
            Self::Federated(federated.into())
        } else {
            Self::Certificate(certificate.into())
        }
    }

    /// For operators; names files, never contents.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Secret(_) => "client secret".to_owned(),
            Self::Certificate(path) => format!("certificate {}", path.display()),
            Self::Federated(path) => format!("federated token {}", path.display()),
        }
    }

    /// The parameters that authenticate a token request.
    pub(super) async fn parameters(
        &self,
        client_id: &str,
        token_endpoint: &str,
        now: Timestamp,
    ) -> Result<Vec<(&'static str, Secret<String>)>, IdentityError> {
        let assertion = match self {
            Self::Secret(secret) => return Ok(vec![("client_secret", secret.clone())]),
            Self::Certificate(path) => {
                let pem = read(path).await?;
                sign(&pem, client_id, token_endpoint, now).ok_or_else(|| {
                    unusable(path, "holds no RSA private key with a certificate, both as PEM")
                })?
            }
            Self::Federated(path) => {
                let token = read(path).await?.trim().to_owned();
                if token.is_empty() {
                    return Err(unusable(path, "is empty"));
                }
                Secret::new(token)
            }
        };
        let kind = Secret::new(ASSERTION_TYPE.to_owned());
        Ok(vec![("client_assertion_type", kind), ("client_assertion", assertion)])
    }
}

async fn read(path: &Path) -> Result<Zeroizing<String>, IdentityError> {
    let text = tokio::fs::read_to_string(path).await;
    text.map(Zeroizing::new).map_err(|error| {
        // A file that is being replaced is away for a moment.
        if error.kind() == std::io::ErrorKind::NotFound {
            unavailable(format!("{}: {error}", path.display()), None)
        } else {
            unusable(path, &error.to_string())
        }
    })
}

fn unusable(path: &Path, problem: &str) -> IdentityError {
    IdentityError::new(IdentityFault::CredentialRefused, format!("{} {problem}", path.display()))
}

/// The assertion of RFC 7523 §3 as Entra wants it: PS256, the certificate named by its SHA-256 thumbprint.
fn sign(pem: &str, client_id: &str, audience: &str, now: Timestamp) -> Option<Secret<String>> {
    let certificate = block(pem, "CERTIFICATE")?;
    let body: String = certificate.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    let der = STANDARD.decode(body).ok()?;
    let key = block(pem, "PRIVATE KEY").or_else(|| block(pem, "RSA PRIVATE KEY"))?;
    let key = EncodingKey::from_rsa_pem(key.as_bytes()).ok()?;
    let mut header = Header::new(Algorithm::PS256);
    header.x5t_s256 = Some(URL_SAFE_NO_PAD.encode(Sha256::digest(der)));
    let now = now.as_secs();
    let claims = json!({
        "aud": audience, "iss": client_id, "sub": client_id, "jti": uuid::Uuid::new_v4(),
        "nbf": now, "iat": now, "exp": now + ASSERTION_LIFE_S,
    });
    jsonwebtoken::encode(&header, &claims, &key).ok().map(Secret::new)
}

/// The first PEM block (RFC 7468) with this label, its marks included.
fn block<'a>(pem: &'a str, label: &str) -> Option<&'a str> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let start = pem.find(&begin)?;
    let rest = pem.get(start..)?;
    let length = rest.find(&end)? + end.len();
    rest.get(..length)
}

#[cfg(test)]
#[cfg(feature = "sim")]
mod tests {
    use super::*;
    use jsonwebtoken::jwk::Jwk;
    use jsonwebtoken::{DecodingKey, Validation};
    use serde_json::Value;

    const KEY: &str = include_str!("../../sim/entra/simulator-only-key.pem");
    const ENDPOINT: &str = "https://login.example/t/oauth2/v2.0/token";
    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn with_certificate(der: &[u8]) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n{KEY}", STANDARD.encode(der))
    }

    async fn assertion(credential: &Credential) -> String {
        let sent = credential.parameters("app", ENDPOINT, NOW).await.unwrap();
        assert_eq!(sent[0].1.expose(), ASSERTION_TYPE);
        sent[1].1.expose().clone()
    }

    #[tokio::test]
    async fn a_certificate_signs_what_entra_asks_for_and_is_read_again() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("app.pem");
        std::fs::write(&path, with_certificate(b"first")).unwrap();
        let credential = Credential::choose("", path.to_str().unwrap(), "/federated");
        let jwt = assertion(&credential).await;
        let jwk =
            Jwk::from_encoding_key(&EncodingKey::from_rsa_pem(KEY.as_bytes()).unwrap(), Algorithm::PS256);
        let mut rules = Validation::new(Algorithm::PS256);
        rules.validate_exp = false;
        rules.set_audience(&[ENDPOINT]);
        let public = DecodingKey::from_jwk(&jwk.unwrap()).unwrap();
        let token = jsonwebtoken::decode::<Value>(&jwt, &public, &rules).unwrap();
        let thumbprint = |der: &[u8]| Some(URL_SAFE_NO_PAD.encode(Sha256::digest(der)));
        assert_eq!(token.header.x5t_s256, thumbprint(b"first"));
        assert_eq!((&token.claims["iss"], &token.claims["sub"]), (&json!("app"), &json!("app")));
        let life = token.claims["exp"].as_i64().unwrap() - token.claims["nbf"].as_i64().unwrap();
        assert!((300..=600).contains(&life), "{life}");
        std::fs::write(&path, with_certificate(b"second")).unwrap();
        let renewed = jsonwebtoken::decode_header(assertion(&credential).await).unwrap();
        assert_eq!(renewed.x5t_s256, thumbprint(b"second"));
    }

    #[tokio::test]
    async fn a_federated_token_is_read_at_each_use() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("token");
        let credential = Credential::choose("", "", path.to_str().unwrap());
        let away = credential.parameters("app", ENDPOINT, NOW).await.unwrap_err();
        assert_eq!(away.fault, IdentityFault::Unavailable);
        for text in ["one\n", "two"] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(assertion(&credential).await, text.trim());
        }
        std::fs::write(&path, "\n").unwrap();
        let empty = credential.parameters("app", ENDPOINT, NOW).await.unwrap_err();
        assert_eq!(empty.fault, IdentityFault::CredentialRefused);
    }

    #[tokio::test]
    async fn a_secret_wins_and_a_broken_certificate_is_named() {
        let secret = Credential::choose("s", "/certificate", "/federated");
        assert_eq!(secret.parameters("app", ENDPOINT, NOW).await.unwrap()[0].0, "client_secret");
        assert_eq!(secret.describe(), "client secret");
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("app.pem");
        std::fs::write(&path, KEY).unwrap();
        let credential = Credential::choose("", path.to_str().unwrap(), "");
        let error = credential.parameters("app", ENDPOINT, NOW).await.unwrap_err();
        assert_eq!(error.fault, IdentityFault::CredentialRefused);
        assert!(error.detail.contains("app.pem") && error.detail.contains("certificate"), "{error}");
    }
}
