//! The OpenAI front: every service as one model of an OpenAI-compatible API below `/{service}/v1`, with the same bearer,
//! the same tools and the same isolation as its MCP endpoint.
//!
//! # One request
//! `door` checks size, Host, Origin, service and bearer and reads the body; `chat` or `responses` turns it into a
//! `conversation`, `idempotency` tells a repetition from a new one, `answering` runs the `engine` in a task of its own and
//! writes what it says through the API's `Wire`, whole or as events. The engine answers by rules, or lets a language model
//! work with the tools (`ports::language_model`). `convert` is the one place where tools become functions and results
//! become messages.
//!
//! # Sources
//! OpenAI API reference: chat completions, responses, models, errors. What it leaves open is in `engine::rules`.
//!
//! # Must not know
//! Graph, Entra, how a bearer is checked, what a tool does, MCP's wire.

mod answering;
mod body;
mod budget;
mod chat;
mod conversation;
mod convert;
mod door;
mod engine;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod handler;
mod idempotency;
mod members;
mod models;
mod responses;
mod running;
mod sse;
mod state;
mod usage;

pub(crate) use state::{ModelLimits, OpenAiParts, OpenAiSettings, OpenAiState};

use crate::domain::resource::ROOT;
use crate::edge;
use actix_web::guard::{GuardContext, fn_guard};
use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use error::ApiError;

/// Mounts the API of every service; needs `web::Data<OpenAiState>`.
pub(crate) fn configure(cfg: &mut web::ServiceConfig) {
    for place in ["", "/{svc}"] {
        let at = |path: &str| {
            let path = format!("{place}/v1{path}");
            web::resource([path.clone(), format!("{path}/")]).guard(fn_guard(names_a_service))
        };
        cfg.service(at("/models").route(web::get().to(models::list)).default_service(web::to(other)));
        cfg.service(
            at("/models/{id}").route(web::get().to(models::retrieve)).default_service(web::to(other)),
        );
        cfg.service(at("/functions").route(web::get().to(models::functions)).default_service(web::to(other)));
        let chat = at("/chat/completions").route(web::post().to(handler::serve::<chat::ChatRequest>));
        cfg.service(chat.default_service(web::to(other)));
        let responses = at("/responses").route(web::post().to(handler::serve::<responses::ResponseRequest>));
        cfg.service(responses.default_service(web::to(other)));
        cfg.service(at("/{rest:.*}").route(web::route().to(unknown)));
    }
}

/// Leaves what is below no service's name to the other fronts.
fn names_a_service(context: &GuardContext<'_>) -> bool {
    let first = context.head().uri.path().trim_start_matches('/').split('/').next().unwrap_or_default();
    let name = match first {
        "v1" => ROOT,
        ROOT => return false,
        name => name,
    };
    let state = context.app_data::<web::Data<OpenAiState>>();
    state.is_some_and(|state| state.dispatcher.registry().service(name).is_some())
}

/// Preflights, and methods that a path does not have.
async fn other(request: HttpRequest, state: web::Data<OpenAiState>) -> HttpResponse {
    if request.method() == Method::OPTIONS {
        let mut response = edge::preflight(request.headers());
        state.edge.decorate(&mut response, request.head());
        return response;
    }
    let message = "This path does not have that method.";
    let refused = ApiError::refused(StatusCode::METHOD_NOT_ALLOWED, message);
    let mut response = door::finish(Err(refused), &request, &state);
    let is_reading = request.path().contains("/models") || request.path().contains("/functions");
    let allowed = if is_reading { "GET, OPTIONS" } else { "POST, OPTIONS" };
    response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static(allowed));
    response
}

/// Paths of OpenAI's API that are not served here.
async fn unknown(request: HttpRequest, state: web::Data<OpenAiState>) -> HttpResponse {
    if request.method() == Method::OPTIONS {
        return other(request, state).await;
    }
    let message = "This path is not served. There are /models, /chat/completions, /responses and /functions.";
    door::finish(Err(ApiError::refused(StatusCode::NOT_FOUND, message)), &request, &state)
}
