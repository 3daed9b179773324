//! Graph v1.0 of the simulated tenant.

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use serde_json::json;

use super::{directory::Directory, options::TenantOptions, state::SimState};

/// What Graph holds besides the directory.
#[derive(Debug)]
pub(crate) struct GraphState {}

impl GraphState {
    pub(crate) fn new(_directory: &Directory, _options: &TenantOptions) -> Self {
        Self {}
    }
}

/// Mounts `/v1.0`.
pub(crate) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(web::scope("/v1.0").route("/me", web::get().to(me)));
}

async fn me(request: HttpRequest, state: web::Data<SimState>) -> HttpResponse {
    let person = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .and_then(|token| state.tokens.verify(token))
        .and_then(|claims| state.directory.by_oid(&claims.oid));
    match person {
        Some(person) => HttpResponse::Ok().json(json!({
            "id": person.oid,
            "displayName": person.display_name,
            "mail": person.mail,
            "userPrincipalName": person.upn,
        })),
        None => HttpResponse::Unauthorized().json(json!({
            "error": { "code": "InvalidAuthenticationToken", "message": "Access token validation failure." }
        })),
    }
}
