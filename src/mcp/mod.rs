//! The MCP front: streamable HTTP at `/{service}/mcp` for both eras of the protocol, HTTP+SSE of 2024-11-05 at
//! `/{service}/sse` and WebSocket at `/{service}/ws`.
//!
//! # One request
//! `endpoint` checks size, Host, Origin, route, bearer and negotiation, reads the body and parses it into borrowed
//! messages (`jsonrpc`); `classify` decides the era; `legacy` finds the session and runs the method, `modern` climbs
//! its `ladder` of checks and runs the method. What needs the core becomes `work`, which a `flight` takes through
//! `tools::dispatch::Dispatcher` in a task of its own; its `notes` and questions go out on the POST's stream
//! (`post_stream`), the outcome is written by `result` and `tool_result`. Answers that do not depend on the request
//! lie ready in the `catalog`. Changes reach those who listen through the `hub`.
//!
//! # Streams
//! What is said on a stream of a session goes into its log first (`ports::events`); whoever holds the stream reads the
//! log (`feed`), on any replica, so resuming is nothing special. `carried` serves messages of the other framings as if
//! they had come over HTTP.
//!
//! # Must not know
//! Graph, Entra, how a bearer is checked, what a tool does. Authorization, validation, limits and logging of calls
//! belong to the dispatcher.

mod carried;
mod catalog;
mod classify;
mod cursor;
mod door;
mod encode;
mod endpoint;
mod error;
mod exchange;
mod feed;
mod flight;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod headers;
mod hold;
mod hub;
mod jsonrpc;
mod legacy;
mod modern;
mod mrtr;
mod notes;
mod pending;
mod place;
mod post_stream;
mod result;
mod sse;
mod state;
mod switched;
mod tasks;
#[cfg(test)]
mod tests;
mod tether;
mod tool_result;
mod version;
mod work;
mod ws;

pub(crate) use state::{McpParts, McpSettings, McpState};

use crate::domain::resource::ROOT;
use actix_web::guard::{GuardContext, fn_guard};
use actix_web::{HttpRequest, web};

/// Mounts the endpoint of every service in the catalogue; needs `web::Data<McpState>`. All spellings are one route
/// without redirects, because clients drop the body or the bearer on the way through one.
pub(crate) fn configure(cfg: &mut web::ServiceConfig) {
    let at =
        |path: &str| web::resource([path.to_owned(), format!("{path}/")]).guard(fn_guard(names_a_service));
    // The busiest first: routes are tried in turn.
    for place in ["/{svc}", ""] {
        cfg.service(at(&format!("{place}/mcp")).route(web::route().to(endpoint::serve)));
        cfg.service(at(&format!("{place}/sse")).route(web::route().to(sse::open)));
        cfg.service(at(&format!("{place}/ws")).route(web::route().to(ws::open)));
        cfg.service(at(&format!("{place}/messages")).route(web::route().to(sse::post)));
    }
    cfg.service(at("/{svc}").route(web::route().to(endpoint::serve)));
}

/// Leaves `/token` and its like to the other fronts.
fn names_a_service(context: &GuardContext<'_>) -> bool {
    let first = context.head().uri.path().trim_start_matches('/').split('/').next().unwrap_or_default();
    let name = match first {
        "mcp" | "sse" | "ws" | "messages" => ROOT,
        // Its place is the root, and one place is enough.
        ROOT => return false,
        name => name,
    };
    context.app_data::<web::Data<McpState>>().is_some_and(|state| state.catalog.service(name).is_some())
}

/// Name of the service that a request is for; what is below no service's name is for the one at the root.
fn named(request: &HttpRequest) -> &str {
    request.match_info().get("svc").unwrap_or(ROOT)
}
