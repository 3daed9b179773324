//! Public keys of clients (RFC 7517): which are taken, and where a key set may be fetched.

use serde_json::{Map, Value};
use url::{Host, Url};

const MAX_KEYS: usize = 10;
/// Members of a public key; certificates and the like are not used and not kept.
const PUBLIC: [&str; 9] = ["kty", "kid", "use", "alg", "n", "e", "crv", "x", "y"];
/// Members that only private and symmetric keys have (RFC 7518 §6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Why a key set is refused.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum KeyFault {
    #[error("it must be an object with 1 to {MAX_KEYS} `keys`")]
    Shape,
    #[error("it holds a private or symmetric key; make a new key and register its public part only")]
    Private,
}

/// The key set with public members only.
pub(super) fn public_part(keys: &Value) -> Result<Value, KeyFault> {
    let all = keys.get("keys").and_then(Value::as_array).ok_or(KeyFault::Shape)?;
    if all.is_empty() || all.len() > MAX_KEYS {
        return Err(KeyFault::Shape);
    }
    let all: Result<Vec<Value>, KeyFault> = all.iter().map(public_key).collect();
    let mut set = Map::new();
    set.insert("keys".to_owned(), Value::Array(all?));
    Ok(Value::Object(set))
}

/// One key with public members only.
pub(super) fn public_key(key: &Value) -> Result<Value, KeyFault> {
    let key = key.as_object().ok_or(KeyFault::Shape)?;
    if PRIVATE.iter().any(|member| key.contains_key(*member)) {
        return Err(KeyFault::Private);
    }
    let kept = key.iter().filter(|(name, value)| PUBLIC.contains(&name.as_str()) && value.is_string());
    Ok(Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect()))
}

/// Whether a `jwks_uri` can be fetched at all: https at a name. Where the name leads is checked when it is fetched.
pub(super) fn is_fetchable(uri: &str) -> bool {
    let Ok(url) = Url::parse(uri) else { return false };
    let named = matches!(url.host(), Some(Host::Domain(host)) if host.contains('.'));
    named && url.scheme() == "https" && url.username().is_empty() && url.password().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_public_keys_are_kept_and_only_their_public_members() {
        let set = json!({"keys": [{"kty": "RSA", "n": "AQ", "e": "AQAB", "kid": "1", "x5c": ["…"], "kid2": 1}], "x": 1});
        let kept = json!({"keys": [{"kty": "RSA", "n": "AQ", "e": "AQAB", "kid": "1"}]});
        assert_eq!(public_part(&set), Ok(kept));
        for private in [json!({"kty": "EC", "d": "AQ"}), json!({"kty": "oct", "k": "AQ"})] {
            assert_eq!(public_part(&json!({ "keys": [private] })), Err(KeyFault::Private));
        }
        for shape in
            [json!([]), json!({"keys": []}), json!({"keys": [1]}), json!({"keys": vec![json!({}); 11]})]
        {
            assert_eq!(public_part(&shape), Err(KeyFault::Shape));
        }
    }

    #[test]
    fn key_sets_lie_at_https_names() {
        assert!(is_fetchable("https://keys.example/jwks.json"));
        for bad in
            ["http://keys.example/", "https://127.0.0.1/k", "https://2130706433/k", "https://localhost/k"]
        {
            assert!(!is_fetchable(bad), "{bad}");
        }
    }
}
