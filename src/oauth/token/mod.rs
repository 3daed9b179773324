//! `POST /token` (RFC 6749 §3.2): codes and refresh tokens for bearers.

pub(super) mod assertion;
pub(super) mod client_auth;
mod client_credentials;
mod code;
mod error;
pub(super) mod id_jag;
mod issue;
mod refresh;

use super::audit;
use super::dpop::ProofFault;
use super::params::Params;
use super::state::{OauthSettings, OauthState};
use super::{routes, wire};
use crate::domain::client::{ClientOrigin, ClientRecord};
use crate::domain::ids::KeyThumbprint;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
pub(super) use error::TokenError;

const FORM: &str = "application/x-www-form-urlencoded";
const MAX_SCOPE: usize = 4000;

/// `POST /token` and its aliases.
pub(super) async fn post(
    request: HttpRequest,
    state: web::Data<OauthState>,
    body: Result<web::Bytes, actix_web::Error>,
) -> HttpResponse {
    let mut response = match redeem(&request, &state, body).await {
        Ok(json) => {
            let mut response = wire::private_json(StatusCode::OK);
            response.insert_header((header::CONTENT_TYPE, "application/json")).body(json)
        }
        Err(error) => error.response(),
    };
    state.guard.stamp(&mut response);
    response
}

async fn redeem(
    request: &HttpRequest,
    state: &OauthState,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<Bytes, TokenError> {
    if !routes::path_service_exists(request, state) {
        return Err(TokenError::UnknownService);
    }
    let params = form(request, body)?;
    if params.get("scope").is_some_and(|scope| scope.len() > MAX_SCOPE) {
        return Err(TokenError::Malformed("scope is too long"));
    }
    let kind = params.get("grant_type").ok_or(TokenError::Malformed("grant_type is missing"))?;
    let kind = GrantType::of(kind, &state.settings).ok_or(TokenError::UnsupportedGrant)?;
    let client = client_auth::authenticate(state, request.headers(), &params).await?;
    // What the operator wrote down holds; clients that register often name less than they use.
    if client.origin == ClientOrigin::Configured && !client.may_use(kind.name()) {
        return Err(TokenError::UnauthorizedClient);
    }
    if let Some(wait) = state.client_budget(&client.id).await {
        return Err(TokenError::TooMany { wait });
    }
    let key = proven(request, state, &client).await?;
    let is_bound = key.is_some();
    let answer = match kind {
        GrantType::Code => code::redeem(state, &client, &params, key).await,
        GrantType::Refresh => refresh::redeem(state, &client, &params, key).await,
        GrantType::Assertion => id_jag::redeem(state, &client, &params, key).await,
        GrantType::Client => {
            client_credentials::issue(state, &client, &params, wire::service_in_path(request), key).await
        }
    }?;
    if is_bound {
        audit::event("dpop_bound", &client.id, None);
    }
    Ok(answer)
}

/// The key that the tokens of this request are bound to (RFC 9449 §5). Looked at before a code or a token is spent: a
/// proof that has to be made again, with a nonce, costs nothing but the request.
async fn proven(
    request: &HttpRequest,
    state: &OauthState,
    client: &ClientRecord,
) -> Result<Option<KeyThumbprint>, TokenError> {
    let dpop = state.guard.dpop();
    let key = match Box::pin(dpop.key_of(request.head())).await {
        Ok(None) if client.wants_bound_tokens() => {
            Err(if dpop.is_offered() { ProofFault::Missing } else { ProofFault::Off })
        }
        other => other,
    };
    key.inspect_err(|fault| audit::proof_refused(&client.id, fault)).map_err(TokenError::from)
}

/// What a request offers for tokens.
#[derive(Clone, Copy, Debug)]
enum GrantType {
    Code,
    Refresh,
    Client,
    Assertion,
}

impl GrantType {
    const fn name(self) -> &'static str {
        match self {
            Self::Code => "authorization_code",
            Self::Refresh => "refresh_token",
            Self::Client => "client_credentials",
            Self::Assertion => id_jag::GRANT_TYPE,
        }
    }

    /// `None` for what is unknown or switched off.
    fn of(text: &str, settings: &OauthSettings) -> Option<Self> {
        match text {
            "authorization_code" => Some(Self::Code),
            "refresh_token" => Some(Self::Refresh),
            id_jag::GRANT_TYPE if !settings.trusted_issuers.is_empty() => Some(Self::Assertion),
            "client_credentials" if settings.client_credentials => Some(Self::Client),
            _ => None,
        }
    }
}

/// The form of a request to this endpoint or its sibling for revocation.
pub(super) fn form(
    request: &HttpRequest,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<Params, TokenError> {
    if !wire::has_content_type(request.headers(), FORM) {
        return Err(TokenError::ContentType);
    }
    let body = wire::within_limit(body, "invalid_request").map_err(TokenError::Body)?;
    Ok(Params::parse(&body)?)
}

/// Whether every `resource` of the request means `service` (RFC 8707 §2); none at all is fine. Nobody loses a login for
/// a service that is switched off for a while.
fn resource_fits(state: &OauthState, params: &Params, service: &str) -> bool {
    params
        .all("resource")
        .all(|resource| state.resources.meant_by(resource).is_some_and(|s| s.name.as_str() == service))
}
