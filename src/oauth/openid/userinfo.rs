//! `GET|POST /userinfo` (OpenID Connect Core §5.3) and `GET /jwks.json` (RFC 7517).

use super::{JWKS_MAX_AGE, person, subject};
use crate::oauth::bearer::AuthFailure;
use crate::oauth::dpop;
use crate::oauth::state::OauthState;
use crate::oauth::wire::{self, Refusal};
use crate::ports::tokens::TokenError;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

const INVALID: &str = "invalid_token";
/// Challenge of a request that brought no bearer at all.
const NO_BEARER: &str = "Bearer";

/// `GET|POST /userinfo`: who the bearer belongs to. Every service's bearer will do, if `openid` was granted.
pub(in crate::oauth) async fn get(request: HttpRequest, state: web::Data<OauthState>) -> HttpResponse {
    let mut response = match claims(&request, &state).await {
        Ok(claims) => wire::private_json(StatusCode::OK).json(claims),
        Err(refusal) => {
            let mut response = refusal.response();
            let is_challenge = refusal.challenge.is_some() && state.guard.dpop().is_offered();
            let line = is_challenge.then(|| dpop_challenge(&refusal));
            if let Some(Ok(line)) = line.as_deref().map(header::HeaderValue::from_str) {
                response.headers_mut().append(header::WWW_AUTHENTICATE, line);
            }
            response
        }
    };
    state.guard.stamp(&mut response);
    response
}

async fn claims(request: &HttpRequest, state: &OauthState) -> Result<Value, Refusal> {
    let found = state.guard.identify(request.head()).await;
    let record = found.map_err(|failure| refusal(&failure))?;
    if !record.scopes.contains("openid") {
        let text = "the token was granted without the scope openid";
        let challenge = "Bearer error=\"insufficient_scope\", scope=\"openid\"";
        let refusal = Refusal::new(StatusCode::FORBIDDEN, "insufficient_scope", text);
        return Err(refusal.challenging(challenge));
    }
    let access = state.tokens.get(&record.user).await.map_err(|error| match error {
        TokenError::SignInRequired => invalid("the Microsoft sign-in behind this token has ended"),
        TokenError::Unavailable { retry_after } => Refusal::unavailable(retry_after),
    })?;
    let mut claims = person(&record.scopes, &access.profile);
    claims.insert("sub".to_owned(), json!(subject(state.resources.issuer(), &record.user)));
    Ok(Value::Object(claims))
}

fn refusal(failure: &AuthFailure) -> Refusal {
    match failure {
        AuthFailure::Missing => {
            let text = "send Authorization: Bearer with an access token";
            Refusal::new(StatusCode::UNAUTHORIZED, INVALID, text).challenging(NO_BEARER)
        }
        AuthFailure::Ambiguous => {
            let challenge = "Bearer error=\"invalid_request\"";
            let text = "send exactly one Authorization header";
            Refusal::new(StatusCode::UNAUTHORIZED, "invalid_request", text).challenging(challenge)
        }
        AuthFailure::Invalid | AuthFailure::WrongAudience => {
            invalid("the token is unknown, expired or revoked")
        }
        AuthFailure::Unproven | AuthFailure::Unbound | AuthFailure::SignIn => invalid(&failure.to_string()),
        AuthFailure::Store(error) => Refusal::store(error),
        AuthFailure::Proof(fault) => {
            Refusal::new(StatusCode::UNAUTHORIZED, fault.code(), fault.to_string()).challenging(NO_BEARER)
        }
    }
}

/// The challenge for clients that prove a key (RFC 9449 §7.1), behind the one for bearers.
fn dpop_challenge(refusal: &Refusal) -> String {
    let is_about_bearers = refusal.challenge == Some(NO_BEARER) && refusal.error == INVALID;
    let error = if is_about_bearers { String::new() } else { format!("error=\"{}\", ", refusal.error) };
    dpop::challenge(&error)
}

fn invalid(text: &str) -> Refusal {
    let refusal = Refusal::new(StatusCode::UNAUTHORIZED, INVALID, text);
    refusal.challenging("Bearer error=\"invalid_token\"")
}

/// `GET /jwks.json`: the keys that sign id_tokens.
pub(in crate::oauth) async fn jwks(state: web::Data<OauthState>) -> HttpResponse {
    match state.signing_keys().await {
        Ok(keys) => {
            let mut response = HttpResponse::Ok();
            wire::open_cors(&mut response);
            let age = format!("public, max-age={}", JWKS_MAX_AGE.as_secs());
            response
                .insert_header((header::CONTENT_TYPE, "application/jwk-set+json"))
                .insert_header((header::CACHE_CONTROL, age))
                .body(keys.jwks.clone())
        }
        Err(error) => Refusal::store(&error).response(),
    }
}
