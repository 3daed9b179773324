//! What holds for every proof, key and target that a client makes up.

use super::proof::{Claims, Proof};
use super::{is_thumbprint, target};
use crate::oauth::jwks;
use crate::oauth::jwt::{self, ALLOWED};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use url::Url;

const ISSUER: &str = "https://door.example";
const PATH: &str = "/mail-query/mcp";

/// A proof as it stands, or the lines of one: header, claims, signature.
pub(crate) fn proof(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let parts: Vec<String> = text.splitn(3, '\n').map(|part| URL_SAFE_NO_PAD.encode(part)).collect();
    let made = parts.join(".");
    for text in [&*text, &made] {
        let Ok(proof) = Proof::read(text) else { continue };
        assert!(text.len() <= 4096 && is_thumbprint(proof.thumbprint.as_str()));
        // A key may be sound and its signature nonsense: that is an answer, whatever the crate thinks of it.
        let _ = proof.verified();
    }
    htu(&text);
    keys(data);
}

/// A key of a stranger takes part in no panic.
fn keys(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(data) else { return };
    let set = serde_json::json!({ "keys": [value] });
    let Ok(kept) = jwks::public_part(&set) else { return };
    let Some(Ok(key)) = kept.pointer("/keys/0").map(|key| serde_json::from_value::<Jwk>(key.clone())) else {
        return;
    };
    for algorithm in ALLOWED {
        assert!(jwt::claims::<Claims>("e30.e30.AAAA", &key, algorithm).is_err());
    }
}

/// What counts as the URL of a request is that URL to a parser as well.
fn htu(text: &str) {
    if !target::is(text, ISSUER, PATH) {
        return;
    }
    let Ok(said) = Url::parse(text) else { unreachable!("a target is a URL: {text}") };
    assert!(matches!(said.scheme(), "https" | "wss"), "{text}");
    assert_eq!((said.host_str(), said.port_or_known_default()), (Some("door.example"), Some(443)), "{text}");
    assert_eq!(said.path().strip_suffix('/').unwrap_or(said.path()), PATH, "{text}");
}
