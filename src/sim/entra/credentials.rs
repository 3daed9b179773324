//! What the application may authenticate with, and the checks of assertions (RFC 7523) as Entra makes them.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, jwk::JwkSet};
use parking_lot::RwLock;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{
    apps::{APP_ID, APP_SECRET},
    error::AadError,
};
use crate::sim::{clock, directory::TENANT_ID};

const SKEW_SECONDS: i64 = 300;

/// What `POST /_sim/app` changes; what is absent stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CredentialChange {
    /// Whether the client secret counts.
    secret: Option<bool>,
    /// PEM texts of the registered certificates.
    certificates: Option<Vec<String>>,
    federated: Option<Vec<Federated>>,
}

/// A federated credential: whose tokens count as proof, and the keys that the issuer publishes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Federated {
    issuer: String,
    subject: String,
    audience: String,
    jwks: JwkSet,
}

struct Certificate {
    /// `x5t#S256`.
    thumbprint: String,
    key: DecodingKey,
}

struct Registered {
    secret: bool,
    certificates: Vec<Certificate>,
    federated: Vec<Federated>,
}

/// The credentials of the registration as they are now.
pub(crate) struct AppCredentials(RwLock<Registered>);

impl Default for AppCredentials {
    fn default() -> Self {
        Self(RwLock::new(Registered { secret: true, certificates: Vec::new(), federated: Vec::new() }))
    }
}

impl fmt::Debug for AppCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppCredentials(..)")
    }
}

/// The claims that are looked at.
#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    iss: String,
    #[serde(default)]
    sub: String,
    #[serde(default)]
    aud: String,
    #[serde(default)]
    exp: i64,
    #[serde(default)]
    nbf: i64,
}

impl AppCredentials {
    /// Changes them; says what is wrong with a certificate.
    pub(crate) fn change(&self, change: CredentialChange) -> Result<(), String> {
        let certificates = change.certificates.map(|all| all.iter().map(|pem| certificate(pem)).collect());
        let certificates: Option<Vec<_>> = certificates.transpose()?;
        let mut registered = self.0.write();
        registered.secret = change.secret.unwrap_or(registered.secret);
        if let Some(certificates) = certificates {
            registered.certificates = certificates;
        }
        if let Some(federated) = change.federated {
            registered.federated = federated;
        }
        Ok(())
    }

    /// Checks a client secret.
    pub(super) fn check_secret(&self, secret: &str) -> Result<(), AadError> {
        if self.0.read().secret && secret == APP_SECRET { Ok(()) } else { Err(AadError::wrong_secret()) }
    }

    /// Checks a `client_assertion` that was sent to the tenant at `base`.
    pub(super) fn check_assertion(&self, assertion: &str, base: &str) -> Result<(), AadError> {
        let header = jsonwebtoken::decode_header(assertion).map_err(|_| AadError::malformed_assertion())?;
        let claims = jsonwebtoken::dangerous::insecure_decode::<Claims>(assertion)
            .map_err(|_| AadError::malformed_assertion())?
            .claims;
        let registered = self.0.read();
        if claims.iss == APP_ID {
            registered.check_certificate(assertion, &header, &claims, base)
        } else {
            registered.check_federated(assertion, &header, &claims)
        }
    }
}

impl Registered {
    fn check_certificate(
        &self,
        assertion: &str,
        header: &Header,
        claims: &Claims,
        base: &str,
    ) -> Result<(), AadError> {
        if claims.sub != APP_ID {
            return Err(AadError::assertion_of_other_app());
        }
        let thumbprint = header.x5t_s256.as_deref().unwrap_or_default();
        let found = self.certificates.iter().find(|certificate| certificate.thumbprint == thumbprint);
        let found = found.ok_or_else(|| AadError::wrong_assertion("The key was not found.", thumbprint))?;
        let right = matches!(header.alg, Algorithm::PS256 | Algorithm::RS256)
            && is_signed(assertion, &found.key, header.alg);
        if !right {
            return Err(AadError::wrong_assertion(
                "The key was found, the signature does not match.",
                thumbprint,
            ));
        }
        let audiences = [TENANT_ID, "common", "organizations"].into_iter().flat_map(|tenant| {
            [format!("{base}/{tenant}/oauth2/v2.0/token"), format!("{base}/{tenant}/v2.0")]
        });
        if !audiences.into_iter().any(|audience| audience == claims.aud) {
            return Err(AadError::assertion_for_others());
        }
        check_time(claims)
    }

    fn check_federated(&self, assertion: &str, header: &Header, claims: &Claims) -> Result<(), AadError> {
        let mut found: Vec<&Federated> = self.federated.iter().collect();
        found.retain(|federated| federated.issuer == claims.iss);
        if found.is_empty() {
            return Err(AadError::no_federation(700_211, "issuer", &claims.iss));
        }
        found.retain(|federated| federated.subject == claims.sub);
        if found.is_empty() {
            return Err(AadError::no_federation(700_213, "subject", &claims.sub));
        }
        found.retain(|federated| federated.audience == claims.aud);
        let Some(federated) = found.first() else {
            return Err(AadError::no_federation(700_212, "audience", &claims.aud));
        };
        check_time(claims)?;
        let jwk = header.kid.as_deref().and_then(|kid| federated.jwks.find(kid));
        let key = jwk.and_then(|jwk| DecodingKey::from_jwk(jwk).ok());
        // Entra takes tokens of other issuers with RS256 only.
        let right =
            header.alg == Algorithm::RS256 && key.is_some_and(|key| is_signed(assertion, &key, header.alg));
        if right { Ok(()) } else { Err(AadError::unsigned_federation()) }
    }
}

fn check_time(claims: &Claims) -> Result<(), AadError> {
    let now = clock::now_secs();
    let live =
        now < claims.exp.saturating_add(SKEW_SECONDS) && claims.nbf <= now.saturating_add(SKEW_SECONDS);
    if live { Ok(()) } else { Err(AadError::assertion_out_of_time()) }
}

fn is_signed(assertion: &str, key: &DecodingKey, algorithm: Algorithm) -> bool {
    let mut rules = Validation::new(algorithm);
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    jsonwebtoken::decode::<serde_json::Value>(assertion, key, &rules).is_ok()
}

fn certificate(pem: &str) -> Result<Certificate, String> {
    let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
    let start = pem.find(begin).ok_or("no certificate")?;
    let block = pem.get(start..).and_then(|rest| rest.split_once(end)).ok_or("no end of a certificate")?.0;
    let body: String = block.lines().skip(1).map(str::trim).collect();
    let der = STANDARD.decode(body).map_err(|error| error.to_string())?;
    let block = format!("{block}{end}\n");
    let key = DecodingKey::from_rsa_pem(block.as_bytes()).map_err(|error| error.to_string())?;
    Ok(Certificate { thumbprint: URL_SAFE_NO_PAD.encode(Sha256::digest(der)), key })
}
