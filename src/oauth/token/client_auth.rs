//! Client authentication at the token endpoint: one way per request, the way the client registered (RFC 6749 §2.3).

use super::error::TokenError;
use crate::domain::client::{ClientAuthMethod, ClientRecord};
use crate::domain::ids::ClientId;
use crate::domain::secret::Secret;
use crate::oauth::params::Params;
use crate::oauth::register::SECRET_PURPOSE;
use crate::oauth::state::OauthState;
use actix_web::http::header::{self, HeaderMap};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use subtle::ConstantTimeEq;

/// What a request shows of its client.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    id: String,
    secret: Option<Secret<String>>,
    method: ClientAuthMethod,
}

/// The client of the request, proven by the method it registered with.
pub(in crate::oauth) async fn authenticate(
    state: &OauthState,
    headers: &HeaderMap,
    params: &Params,
) -> Result<ClientRecord, TokenError> {
    let shown = shown(headers, params)?;
    let refused = || TokenError::Client { basic: shown.method == ClientAuthMethod::ClientSecretBasic };
    let client = state.store.client(&ClientId::new(shown.id.as_str())).await?.ok_or_else(refused)?;
    if client.auth_method != shown.method {
        return Err(refused());
    }
    match (&client.secret_hash, &shown.secret) {
        (None, None) => Ok(client),
        (Some(hash), Some(secret)) if is_secret(state, hash, secret.expose()) => Ok(client),
        _ => Err(refused()),
    }
}

fn is_secret(state: &OauthState, hash: &str, secret: &str) -> bool {
    let same = |candidate: String| bool::from(candidate.as_bytes().ct_eq(hash.as_bytes()));
    state.hasher.hashes(SECRET_PURPOSE, secret).any(|h| same(h.to_text()))
}

fn shown(headers: &HeaderMap, params: &Params) -> Result<Shown, TokenError> {
    let mut all = headers.get_all(header::AUTHORIZATION);
    let first = all.next();
    if all.next().is_some() {
        return Err(TokenError::TwoCredentials);
    }
    let (id, secret) = (params.get("client_id"), params.get("client_secret"));
    let Some(value) = first else {
        let id = id.ok_or(TokenError::Client { basic: false })?.to_owned();
        let method =
            if secret.is_some() { ClientAuthMethod::ClientSecretPost } else { ClientAuthMethod::None };
        return Ok(Shown { id, secret: secret.map(|text| Secret::new(text.to_owned())), method });
    };
    if secret.is_some() {
        return Err(TokenError::TwoCredentials);
    }
    let (user, password) = value.to_str().ok().and_then(basic).ok_or(TokenError::Client { basic: true })?;
    // A repeated `client_id` beside Basic is harmless while it names the same client.
    if id.is_some_and(|id| id != user) {
        return Err(TokenError::TwoCredentials);
    }
    Ok(Shown { id: user, secret: Some(Secret::new(password)), method: ClientAuthMethod::ClientSecretBasic })
}

/// Id and secret of `Basic`, each form-encoded before they were joined (RFC 6749 §2.3.1).
fn basic(value: &str) -> Option<(String, String)> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let joined = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = joined.split_once(':')?;
    let decode = |text: &str| {
        percent_decode_str(&text.replace('+', " ")).decode_utf8().ok().map(std::borrow::Cow::into_owned)
    };
    Some((decode(id)?, decode(secret)?)).filter(|(id, _)| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn read(authorization: Option<&str>, body: &str) -> Result<Shown, TokenError> {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        shown(&headers, &Params::parse(body.as_bytes()).unwrap())
    }

    fn basic_header(text: &str) -> String {
        format!("basic {}", STANDARD.encode(text))
    }

    #[test]
    fn exactly_one_way_is_accepted() {
        let both = read(Some(&basic_header("a:s")), "client_id=a&client_secret=s");
        assert!(matches!(both, Err(TokenError::TwoCredentials)));
        let other = read(Some(&basic_header("a:s")), "client_id=b");
        assert!(matches!(other, Err(TokenError::TwoCredentials)));
        assert!(matches!(read(None, ""), Err(TokenError::Client { basic: false })));
        for wrong in ["Basic !!", "Basic", "Bearer x", &basic_header("nocolon"), &basic_header(":s")] {
            assert!(matches!(read(Some(wrong), ""), Err(TokenError::Client { basic: true })), "{wrong}");
        }
    }

    #[test]
    fn basic_credentials_are_form_decoded() {
        let shown = read(Some(&basic_header("a%3Ab:s%2B+x")), "client_id=a:b").unwrap();
        assert_eq!((shown.id.as_str(), shown.secret), ("a:b", Some(Secret::new("s+ x".to_owned()))));
        let post = read(None, "client_id=a&client_secret=s").unwrap();
        assert_eq!(post.method, ClientAuthMethod::ClientSecretPost);
        let public = read(None, "client_id=a&client_secret=").unwrap();
        assert_eq!(public.method, ClientAuthMethod::None);
    }
}
