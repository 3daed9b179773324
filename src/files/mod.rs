//! Files for whoever holds a one-time link or an upload ticket: `GET /download/{ticket}`, `PUT /upload/{ticket}`. The
//! ticket is the permission; nobody signs in here. What it is for, and the bytes, are the core's ([`Porter`]).
//!
//! Routes are logged as patterns, so no ticket is in the request line.

mod disposition;
mod download;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod upload;

use crate::oauth::limits::{self, Endpoint};
use crate::tools::transfer::porter::Porter;
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, guard, web};
use std::time::Duration;

/// What the endpoints work with.
pub(crate) struct FilesState {
    porter: Porter,
}

impl FilesState {
    pub(crate) fn new(porter: Porter) -> Self {
        Self { porter }
    }
}

/// Mounts the endpoints; expects `web::Data<FilesState>` and the state of the budgets (`web::Data<OauthState>`), and to
/// be called before those of the services, which would take the first segment for one of theirs.
pub(crate) fn configure(cfg: &mut web::ServiceConfig) {
    let read = guard::Any(guard::Get()).or(guard::Head());
    cfg.service(
        web::resource("/download/{ticket}")
            .route(web::route().guard(read).to(download::get))
            .default_service(web::to(async |request: HttpRequest| wrong_method(&request, "GET, HEAD")))
            .wrap(from_fn(|request, next| limits::json(Endpoint::Other, request, next))),
    );
    cfg.service(
        web::resource("/upload/{ticket}")
            .route(web::put().to(upload::put))
            .default_service(web::to(async |request: HttpRequest| wrong_method(&request, "PUT")))
            .wrap(from_fn(|request, next| limits::json(Endpoint::Other, request, next))),
    );
}

/// An answer that nobody keeps, frames, guesses at or tells others of.
fn private(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox"));
    response
}

fn wrong_method(request: &HttpRequest, allowed: &'static str) -> HttpResponse {
    let mut response = private(StatusCode::METHOD_NOT_ALLOWED);
    response.insert_header((header::ALLOW, allowed));
    if request.method() == Method::HEAD {
        return response.finish();
    }
    response.content_type("text/plain; charset=utf-8").body(format!("Use {allowed} here.\n"))
}

/// A wait as `Retry-After` (RFC 9110 §10.2.3).
fn seconds(wait: Duration) -> header::HeaderValue {
    header::HeaderValue::from(wait.as_secs().max(1))
}
