//! Client authentication at the token endpoint.

use actix_web::{HttpRequest, http::header};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::super::{apps::APP_ID, error::AadError, params::Params};
use crate::sim::state::SimState;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Checks application and credential: a secret in the body or as HTTP Basic, or an assertion.
pub(super) fn authenticate(request: &HttpRequest, params: &Params, state: &SimState) -> Result<(), AadError> {
    let basic = basic(request);
    let client_id = match (params.get("client_id"), &basic) {
        (Some(id), _) => id,
        (None, Some((id, _))) => id,
        (None, None) => return Err(AadError::missing("client_id")),
    };
    if client_id != APP_ID {
        return Err(AadError::unknown_app(client_id));
    }
    if params.has("client_assertion") {
        if params.need("client_assertion_type")? != ASSERTION_TYPE {
            return Err(AadError::bad_value("client_assertion_type"));
        }
        return state.credentials.check_assertion(params.need("client_assertion")?, &state.url);
    }
    let secret = params
        .get("client_secret")
        .or(basic.as_ref().map(|(_, secret)| secret.as_str()))
        .ok_or_else(AadError::no_secret)?;
    // A browser's request with a secret shows that the secret is public.
    if request.headers().contains_key(header::ORIGIN) {
        return Err(AadError::cross_origin());
    }
    state.credentials.check_secret(secret)
}

/// RFC 6749 2.3.1: id and secret are form-encoded before they are joined.
fn basic(request: &HttpRequest) -> Option<(String, String)> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let decoded = String::from_utf8(STANDARD.decode(value.strip_prefix("Basic ")?).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((form_decode(id), form_decode(secret)))
}

fn form_decode(text: &str) -> String {
    percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}
