//! What holds for everything that comes from where Entra should be: nobody signs in by it, and nothing of it gets out.

use super::endpoint::read_answer;
use super::error::{ErrorBody, Stage, classify};
use super::id_token::{self, Claims, Expected};
use super::{Discovery, tokens};
use crate::domain::clock::Timestamp;
use crate::domain::scope::ScopeSet;
use crate::domain::secret::Secret;
use crate::domain::upstream::Profile;
use crate::ports::identity::IdentityError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use reqwest::StatusCode;
use serde_json::{Map, Value};
use std::time::Duration;

const NOW: Timestamp = Timestamp::from_millis(1_795_219_200_000);
const ISSUER: &str = "https://login.example/{tenantid}/v2.0";

/// A document, an answer of the token endpoint, a claim set, or a token.
pub(crate) fn answer(data: &[u8]) {
    let Some((how, body)) = data.split_first() else { return };
    let status = match how & 3 {
        0 => StatusCode::OK,
        1 => StatusCode::BAD_REQUEST,
        2 => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::BAD_GATEWAY,
    };
    match read_answer(status, body, Some(Duration::from_secs(7))) {
        Ok(answer) => {
            assert!(status.is_success());
            let scopes = ScopeSet::parse("Mail.Read");
            let kept = tokens(&answer, Secret::new(String::new()), &scopes, Profile::default(), NOW);
            assert!(kept.access_expires_at >= NOW && !kept.scopes.is_empty());
        }
        Err(classified) => told(&classified.error),
    }
    for stage in [Stage::Callback, Stage::Token] {
        if let Ok(error) = serde_json::from_slice::<ErrorBody>(body) {
            told(&classify(&error, stage, None).error);
        }
    }
    let _ = serde_json::from_slice::<Discovery>(body);
    signed(body);
}

/// An error as operators see it: bounded, one line, no address; and a claims challenge that is one.
fn told(error: &IdentityError) {
    assert!(error.detail.chars().count() <= 420 && !error.detail.chars().any(char::is_control), "{error:?}");
    assert!(!error.detail.contains('@'), "{error:?}");
    if let Some(claims) = &error.claims {
        assert!(claims.len() <= 4096 && serde_json::from_str::<Map<String, Value>>(claims).is_ok());
    }
}

/// Keys and token of a stranger: lines of a key set, a header and claims.
fn signed(body: &[u8]) {
    let text = String::from_utf8_lossy(body);
    let mut lines = text.splitn(3, '\n');
    let (keys, header, claims) = (
        lines.next().unwrap_or_default(),
        lines.next().unwrap_or_default(),
        lines.next().unwrap_or_default(),
    );
    let expected = Expected { issuer: ISSUER, audience: "app", nonce: Some("nonce"), now: NOW };
    let token = format!("{}.{}.AAAA", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let keys = serde_json::from_str::<JwkSet>(keys).unwrap_or(JwkSet { keys: Vec::new() });
    for token in [token.as_str(), &text] {
        assert!(id_token::verify(token, &keys, expected).is_err(), "nothing was signed");
    }
    let Ok(said) = serde_json::from_str::<Claims>(claims) else { return };
    if id_token::check(&said, expected).is_ok() {
        let value: Value = serde_json::from_str(claims).unwrap_or_default();
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
        let tenant = text("tid");
        assert!(!tenant.is_empty() && !text("oid").is_empty() && !tenant.contains('/'), "{claims}");
        assert_eq!(text("iss"), format!("https://login.example/{tenant}/v2.0"));
        assert_eq!((text("aud"), text("nonce"), text("ver")), ("app", "nonce", "2.0"));
        let expires = value.get("exp").and_then(Value::as_i64).unwrap_or_default();
        assert!(expires.saturating_add(120) > NOW.as_secs(), "{claims}");
    }
}
