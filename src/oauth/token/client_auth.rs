//! Client authentication at the token endpoint: one way per request, the way the client registered (RFC 6749 §2.3).

use super::assertion::{self, AssertionFault};
use super::error::TokenError;
use crate::domain::client::{ClientAuthMethod, ClientRecord};
use crate::domain::secret::Secret;
use crate::oauth::clients::{ClientFault, Occasion, RemoteFault};
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
    /// Secret or signed assertion, as the method has it.
    proof: Option<Secret<String>>,
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
    let client = state.find_client(&shown.id, Occasion::Tokens).await.map_err(|fault| match fault {
        ClientFault::Store(error) => error.into(),
        ClientFault::Remote(RemoteFault::Away) => TokenError::ClientAway,
        fault @ (ClientFault::Unknown
        | ClientFault::Url(_)
        | ClientFault::Host
        | ClientFault::Document(_)
        | ClientFault::Remote(RemoteFault::Refused(_) | RemoteFault::Store(_))) => {
            tracing::debug!(reason = %fault, "a client cannot be used");
            refused()
        }
    })?;
    if !client.authenticates_by(shown.method) {
        return Err(refused());
    }
    let proof = shown.proof.as_ref().map(Secret::expose);
    match (shown.method, proof, &client.secret_hash) {
        (ClientAuthMethod::None, None, _) => Ok(client),
        (
            ClientAuthMethod::ClientSecretBasic | ClientAuthMethod::ClientSecretPost,
            Some(secret),
            Some(hash),
        ) if is_secret(state, hash, secret) => Ok(client),
        (ClientAuthMethod::PrivateKeyJwt, Some(assertion), _) => {
            match assertion::verify(state, &client, assertion).await {
                Ok(()) => Ok(client),
                Err(AssertionFault::Store(error)) => Err(error.into()),
                Err(AssertionFault::Keys(RemoteFault::Away)) => Err(TokenError::ClientAway),
                Err(fault) => {
                    tracing::info!(target: "audit", event = "assertion_refused", client.id = %client.id, reason = %fault, "assertion_refused");
                    Err(refused())
                }
            }
        }
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
    let signed = params.get("client_assertion").or_else(|| params.get("client_assertion_type")).is_some();
    if [first.is_some(), secret.is_some(), signed].into_iter().filter(|shown| *shown).count() > 1 {
        return Err(TokenError::TwoCredentials);
    }
    if signed {
        return by_assertion(id, params);
    }
    let Some(value) = first else {
        let id = id.ok_or(TokenError::Client { basic: false })?.to_owned();
        let method =
            if secret.is_some() { ClientAuthMethod::ClientSecretPost } else { ClientAuthMethod::None };
        return Ok(Shown { id, proof: secret.map(|text| Secret::new(text.to_owned())), method });
    };
    let (user, password) = value.to_str().ok().and_then(basic).ok_or(TokenError::Client { basic: true })?;
    // A repeated `client_id` beside Basic is harmless while it names the same client.
    if id.is_some_and(|id| id != user) {
        return Err(TokenError::TwoCredentials);
    }
    Ok(Shown { id: user, proof: Some(Secret::new(password)), method: ClientAuthMethod::ClientSecretBasic })
}

/// RFC 7521 §4.2: `client_id` may be left out, and must be the subject otherwise.
fn by_assertion(id: Option<&str>, params: &Params) -> Result<Shown, TokenError> {
    if params.get("client_assertion_type") != Some(assertion::TYPE) {
        return Err(TokenError::Malformed("client_assertion_type must be the one of RFC 7523"));
    }
    let text = params.get("client_assertion").ok_or(TokenError::Malformed("client_assertion is missing"))?;
    let subject = assertion::subject(text).ok_or(TokenError::Client { basic: false })?;
    if id.is_some_and(|id| id != subject) {
        return Err(TokenError::Client { basic: false });
    }
    let proof = Some(Secret::new(text.to_owned()));
    Ok(Shown { id: subject, proof, method: ClientAuthMethod::PrivateKeyJwt })
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
        assert_eq!((shown.id.as_str(), shown.proof), ("a:b", Some(Secret::new("s+ x".to_owned()))));
        let post = read(None, "client_id=a&client_secret=s").unwrap();
        assert_eq!(post.method, ClientAuthMethod::ClientSecretPost);
        let public = read(None, "client_id=a&client_secret=").unwrap();
        assert_eq!(public.method, ClientAuthMethod::None);
    }
}
