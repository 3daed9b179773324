//! The modern era, 2026-07-28: no session, no handshake; every request carries what it needs, and ends with its
//! connection.

mod ladder;

use super::encode;
use super::error::{RpcError, refuse};
use super::exchange::{Answer, Exchange, ToolCall, check_cursor, unknown_prompt};
use super::jsonrpc::{Body, Call, Id, Message};
use super::tool_result::Form;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use futures_util::FutureExt;
use ladder::Fault;
use std::panic::AssertUnwindSafe;
use tokio_util::sync::CancellationToken;

/// Serves a POST.
pub(super) async fn post(x: &Exchange<'_>, body: Body<'_>) -> HttpResponse {
    match body {
        Body::Single(Message::Request(id, call)) => match ladder::climb(x.headers, &call) {
            Ok(()) => x.respond(request(x, id, &call).await),
            Err(Fault { status, error }) => refuse(status, Some(id.raw()), &error),
        },
        // No notification of this era changes anything over HTTP: a request is cancelled by closing it.
        Body::Single(Message::Notification(call)) => match ladder::notification(x.headers, &call) {
            Ok(()) => HttpResponse::Accepted().finish(),
            Err(Fault { status, error }) => refuse(status, None, &error),
        },
        Body::Single(Message::Response) | Body::Batch(_) => HttpResponse::BadRequest().finish(),
    }
}

async fn request(x: &Exchange<'_>, id: Id<'_>, call: &Call<'_>) -> Answer {
    let listed = |tail: &[u8]| match check_cursor(&call.params) {
        Ok(()) => Answer::Body(encode::splice(id.raw(), tail)),
        Err(error) => Answer::error(id, &error),
    };
    if let Err(error) = ladder::log_level(&call.meta) {
        return Answer::error(id, &error);
    }
    match call.method.as_ref() {
        "server/discover" => Answer::Body(encode::splice(id.raw(), &x.ready.discover)),
        "tools/list" => listed(&x.ready.modern_tools),
        "tools/call" => tools_call(x, id, call).await,
        "prompts/list" => listed(&x.ready.modern_prompts),
        "prompts/get" => Answer::error(id, &unknown_prompt(&call.params)),
        method => Answer::Challenge(refuse(
            StatusCode::NOT_FOUND,
            Some(id.raw()),
            &RpcError::method_not_found(method),
        )),
    }
}

/// Runs a tool inside of the request: when the client leaves, this future is dropped and the work stops.
async fn tools_call(x: &Exchange<'_>, id: Id<'_>, call: &Call<'_>) -> Answer {
    let ToolCall { name, arguments } = match ToolCall::read(&call.params) {
        Ok(read) => read,
        Err(error) => return Answer::error(id, &error),
    };
    let form = Form::modern(&x.ready.modern_close);
    let caller = x.bearer.caller.clone();
    if let Err(refused) = x.state.dispatcher.authorize(&x.ready.name, &name, &caller) {
        return x.outcome(id, &Err(refused), form, false);
    }
    let cancel = CancellationToken::new();
    let _stop = cancel.clone().drop_guard();
    let work = x.state.dispatcher.call(&x.ready.name, &name, arguments, caller, cancel);
    if let Ok(result) = AssertUnwindSafe(Box::pin(work)).catch_unwind().await {
        return x.outcome(id, &result, form, false);
    }
    tracing::error!(service.name = %x.ready.name, "a tool panicked");
    Answer::error(id, &RpcError::internal())
}
