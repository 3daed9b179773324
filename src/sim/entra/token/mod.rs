//! `/{tenant}/oauth2/v2.0/token`

mod app;
mod client;
mod code;
mod refresh;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
    web,
};
use serde::Serialize;

use super::{
    error::{AadError, Trace},
    grants::Grant,
    id_token,
    params::Params,
    scopes::{Asked, ScopeFault},
    tenants::TenantPath,
};
use crate::sim::{clock, directory::Person, state::SimState, tokens::AccessClaims};

/// The success answer.
#[derive(Debug, Serialize)]
pub(super) struct Issued {
    token_type: &'static str,
    /// Absent from tokens of applications.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    expires_in: u64,
    ext_expires_in: u64,
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
}

/// The token endpoint, for any method: Entra answers a GET in JSON too.
pub(super) async fn token(
    request: HttpRequest,
    tenant: web::Path<String>,
    state: web::Data<SimState>,
    body: Result<web::Bytes, actix_web::Error>,
) -> HttpResponse {
    let trace = Trace::of(&request);
    let answer = match body {
        Ok(body) => exchange(&request, &tenant, &state, &body),
        Err(_) => Err(AadError::body_too_large()),
    };
    match answer {
        Ok(issued) => trace.stamp(&mut HttpResponse::Ok()).json(issued),
        Err(error) => error.json(&state.url, &trace),
    }
}

fn exchange(request: &HttpRequest, tenant: &str, state: &SimState, body: &[u8]) -> Result<Issued, AadError> {
    if request.method() != Method::POST {
        return Err(AadError::post_only(request.method().as_str()));
    }
    TenantPath::parse(tenant)?;
    let params = if is_form(request) { Params::parse(body)? } else { Params::default() };
    let grant_type = params.need("grant_type")?;
    if !matches!(grant_type, "authorization_code" | "refresh_token" | "client_credentials") {
        return Err(AadError::unsupported_grant(grant_type));
    }
    state.counters.grant(grant_type);
    client::authenticate(request, &params, state)?;
    if params.has("resource") {
        return Err(AadError::resource_given());
    }
    let issued = match grant_type {
        "authorization_code" => code::redeem(state, &params)?,
        "client_credentials" => app::issue(tenant, &params)?,
        _ => refresh::refresh(state, &params)?,
    };
    state.counters.grant_issued(grant_type);
    Ok(issued)
}

fn is_form(request: &HttpRequest) -> bool {
    request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

/// What a token request asks for, by its `scope` or as granted; never more than is consented now.
fn asked_now(state: &SimState, params: &Params, grant: &Grant) -> Result<Asked, AadError> {
    let asked = match params.get("scope") {
        Some(scope) => Asked::parse(scope).map_err(ScopeFault::at_token)?,
        None => grant.asked.clone(),
    };
    let consented = state.grants.consented(&grant.oid);
    if asked.graph.iter().all(|scope| consented.contains(scope)) {
        Ok(asked)
    } else {
        Err(AadError::consent_missing())
    }
}

/// The person of a grant, unless the account was blocked.
fn active_person<'a>(state: &'a SimState, grant: &Grant) -> Result<&'a Person, AadError> {
    let person = state.directory.by_oid(&grant.oid).ok_or_else(AadError::bad_grant)?;
    if person.is_disabled() { Err(AadError::disabled_user()) } else { Ok(person) }
}

/// Issues the tokens of a checked grant.
fn issue(state: &SimState, person: &Person, grant: Grant, nonce: Option<&str>) -> Result<Issued, AadError> {
    let expires_in = state.options.access_token_seconds().unwrap_or_else(|| rand::random_range(3600..=5399));
    let granted = state.grants.consented(&grant.oid);
    let scope = grant.asked.answer(&granted);
    let id_token = grant.asked.openid.then(|| id_token::issue(state, person, &grant, nonce)).transpose()?;
    let claims = AccessClaims {
        oid: grant.oid.clone(),
        app_id: grant.app_id.clone(),
        scopes: granted,
        expires_at: clock::now_secs().saturating_add_unsigned(expires_in),
    };
    let access_token = state.tokens.issue(person, &state.directory.tenant_id, claims);
    let refresh_token = grant.asked.offline.then(|| state.grants.add_refresh(grant));
    Ok(Issued {
        token_type: "Bearer",
        scope: Some(scope),
        expires_in,
        ext_expires_in: expires_in,
        access_token,
        refresh_token,
        id_token,
    })
}
