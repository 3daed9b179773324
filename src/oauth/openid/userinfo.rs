//! `GET|POST /userinfo` (OpenID Connect Core §5.3) and `GET /jwks.json` (RFC 7517).

use super::{JWKS_MAX_AGE, person, subject};
use crate::oauth::bearer::{self, AuthFailure};
use crate::oauth::state::OauthState;
use crate::oauth::wire::{self, Refusal};
use crate::ports::tokens::TokenError;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

/// `GET|POST /userinfo`: who the bearer belongs to. Every service's bearer will do, if `openid` was granted.
pub(in crate::oauth) async fn get(request: HttpRequest, state: web::Data<OauthState>) -> HttpResponse {
    match claims(&request, &state).await {
        Ok(claims) => wire::private_json(StatusCode::OK).json(claims),
        Err(refusal) => refusal.response(),
    }
}

async fn claims(request: &HttpRequest, state: &OauthState) -> Result<Value, Refusal> {
    let found = bearer::lookup(&*state.store, &state.hasher, &*state.clock, request.headers()).await;
    let (_, record) = found.map_err(|failure| refusal(&failure))?;
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
            Refusal::new(StatusCode::UNAUTHORIZED, "invalid_token", text).challenging("Bearer")
        }
        AuthFailure::Ambiguous => {
            let challenge = "Bearer error=\"invalid_request\"";
            Refusal::bad("invalid_request", "send exactly one Authorization header").challenging(challenge)
        }
        AuthFailure::Invalid | AuthFailure::WrongAudience => {
            invalid("the token is unknown, expired or revoked")
        }
        AuthFailure::Store(error) => Refusal::store(error),
    }
}

fn invalid(text: &str) -> Refusal {
    let refusal = Refusal::new(StatusCode::UNAUTHORIZED, "invalid_token", text);
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
