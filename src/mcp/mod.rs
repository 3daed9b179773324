//! The MCP front: streamable HTTP at `/{service}/mcp` for both eras of the protocol.
//!
//! # One request
//! `endpoint` checks size, Host, Origin, route, bearer and negotiation, reads the body and parses it into borrowed
//! messages (`jsonrpc`); `classify` decides the era; `legacy` finds the session and runs the method, `modern` climbs
//! its `ladder` of checks and runs the method; both call `tools::dispatch::Dispatcher` and write the outcome with
//! `tool_result`. Answers that do not depend on the request lie ready in the `catalog`.
//!
//! # Must not know
//! Graph, Entra, how a bearer is checked, what a tool does. Authorization, validation, limits and logging of calls
//! belong to the dispatcher.

mod catalog;
mod classify;
mod edge;
mod encode;
mod endpoint;
mod error;
mod exchange;
mod feed;
mod headers;
mod jsonrpc;
mod legacy;
mod modern;
mod state;
#[cfg(test)]
mod tests;
mod tool_result;
mod version;

pub(crate) use state::{McpParts, McpSettings, McpState};

use actix_web::guard::{GuardContext, fn_guard};
use actix_web::web;

/// Mounts the endpoint of every service in the catalogue; needs `web::Data<McpState>`. All spellings are one route
/// without redirects, because clients drop the body or the bearer on the way through one.
pub(crate) fn configure(cfg: &mut web::ServiceConfig) {
    let paths = ["/{svc}/mcp", "/{svc}/mcp/", "/{svc}", "/{svc}/"];
    cfg.service(
        web::resource(paths).guard(fn_guard(names_a_service)).route(web::route().to(endpoint::serve)),
    );
}

/// Leaves `/token` and its like to the other fronts.
fn names_a_service(context: &GuardContext<'_>) -> bool {
    let first = context.head().uri.path().trim_start_matches('/').split('/').next().unwrap_or_default();
    context.app_data::<web::Data<McpState>>().is_some_and(|state| state.catalog.service(first).is_some())
}
