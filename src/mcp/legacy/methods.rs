//! The method table of the legacy era.

use super::super::encode;
use super::super::error::RpcError;
use super::super::exchange::{Answer, Exchange, ToolCall, check_cursor, unknown_prompt};
use super::super::jsonrpc::{Call, Id, Message};
use super::super::tool_result::Form;
use super::{Scope, session};
use crate::ports::store::StoreError;
use actix_web::rt;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Whether a message can be served without a session.
pub(super) fn needs_no_session(message: &Message<'_>) -> bool {
    match message {
        Message::Request(_, call) => {
            matches!(
                call.method.as_ref(),
                "ping" | "tools/list" | "tools/call" | "prompts/list" | "prompts/get"
            )
        }
        Message::Notification(_) => true,
        Message::Response => false,
    }
}

/// Answers a request other than `initialize`.
pub(super) async fn request(
    x: &Exchange<'_>,
    scope: &Scope,
    id: Id<'_>,
    call: &Call<'_>,
    batch: bool,
) -> Answer {
    let listed = |tail: &[u8]| match check_cursor(&call.params) {
        Ok(()) => Answer::Body(encode::splice(id.raw(), tail)),
        Err(error) => Answer::error(id, &error),
    };
    match call.method.as_ref() {
        "ping" => Answer::Body(encode::splice(id.raw(), br#""result":{}}"#)),
        "tools/list" => listed(x.ready.tools(scope.version)),
        "tools/call" => tools_call(x, scope, id, call, batch).await,
        "prompts/list" => listed(&x.ready.prompts),
        "prompts/get" => Answer::error(id, &unknown_prompt(&call.params)),
        method => Answer::error(id, &RpcError::method_not_found(method)),
    }
}

/// Runs a tool. The work is not tied to the connection: a client that drops it has not cancelled anything.
async fn tools_call(x: &Exchange<'_>, scope: &Scope, id: Id<'_>, call: &Call<'_>, batch: bool) -> Answer {
    let ToolCall { name, arguments } = match ToolCall::read(&call.params) {
        Ok(read) => read,
        Err(error) => return Answer::error(id, &error),
    };
    let form = Form::legacy(scope.version.has_structured_output());
    let dispatcher = x.state.dispatcher.clone();
    let (service, caller) = (x.ready.name.clone(), x.bearer.caller.clone());
    if let Err(refused) = dispatcher.authorize(&service, &name, &caller) {
        return x.outcome(id, &Err(refused), form, batch);
    }
    let cancel = CancellationToken::new();
    let entry =
        scope.session.as_ref().map(|s| Arc::clone(&x.state.running).enter(&s.id, id.key(), cancel.clone()));
    let name = name.into_owned();
    let work = async move {
        let _entry = entry;
        let call = dispatcher.call(&service, &name, arguments, caller, cancel);
        AssertUnwindSafe(call).catch_unwind().await
    };
    if let Ok(Ok(result)) = rt::spawn(Box::pin(work)).await {
        return x.outcome(id, &result, form, batch);
    }
    tracing::error!(service.name = %x.ready.name, "a tool panicked");
    Answer::error(id, &RpcError::internal())
}

/// Takes note of a notification; unknown ones are ignored.
pub(super) async fn notification(
    x: &Exchange<'_>,
    scope: &Scope,
    message: &Message<'_>,
) -> Result<(), StoreError> {
    let (Some(session), Some(call)) = (&scope.session, message.call()) else { return Ok(()) };
    match call.method.as_ref() {
        "notifications/initialized" => session::mark_initialized(x, session).await,
        "notifications/cancelled" => {
            if let Some(request) = call.params.request_id.and_then(Id::of) {
                x.state.running.cancel(&session.id, &request.key());
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
