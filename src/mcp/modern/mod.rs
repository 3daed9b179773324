//! The modern era, 2026-07-28: no session, no handshake; every request carries what it needs, and ends with its
//! connection.

pub(super) mod ladder;
mod listen;
pub(super) mod mirror;
mod task_methods;

use super::encode;
use super::error::{METHOD_NOT_FOUND, RpcError, refuse};
use super::exchange::{Answer, Exchange};
use super::flight::{Flight, Terms};
use super::jsonrpc::{Body, Call, Id, Message, text};
use super::mrtr::{self, Binding};
use super::notes::Threshold;
use super::pending;
use super::tasks::EXTENSION;
use super::tool_result::Form;
use super::work::Work;
use super::{cursor, post_stream};
use crate::tools::outlet::{Features, LogLevel};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use ladder::Fault;
use serde_json::Value;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Serves a POST.
pub(super) async fn post(x: &Exchange<'_>, body: Body<'_>) -> HttpResponse {
    match body {
        Body::Single(Message::Request(id, call)) => match ladder::climb(x.headers, &call, x.ready.offers) {
            Ok(()) => request(x, id, &call).await,
            Err(Fault { status, error }) => refuse(status, Some(id.raw()), &error),
        },
        // No notification of this era changes anything over HTTP: a request is cancelled by closing it.
        Body::Single(Message::Notification(call)) => match ladder::notification(x.headers, &call) {
            Ok(()) => HttpResponse::Accepted().finish(),
            Err(Fault { status, error }) => refuse(status, None, &error),
        },
        Body::Single(Message::Response(_)) | Body::Batch(_) => HttpResponse::BadRequest().finish(),
    }
}

async fn request(x: &Exchange<'_>, id: Id<'_>, call: &Call<'_>) -> HttpResponse {
    let params = &call.params;
    let listed = |tail: &[u8]| {
        x.respond(match cursor::none(params) {
            Ok(()) => Answer::Body(encode::splice(id.raw(), tail)),
            Err(error) => Answer::error(id, &error),
        })
    };
    let log_level = match ladder::log_level(&call.meta) {
        Ok(level) => level,
        Err(error) => return x.respond(Answer::error(id, &error)),
    };
    let features = features(call);
    let work = match call.method.as_ref() {
        "server/discover" => return x.respond(Answer::Body(encode::splice(id.raw(), &x.ready.discover))),
        "tools/list" => return listed(&x.ready.modern_tools),
        "prompts/list" => return listed(&x.ready.modern_prompts),
        "resources/templates/list" => return listed(&x.ready.modern_templates),
        "subscriptions/listen" => return listen::open(x, id, call, features.tasks).await,
        "tasks/get" | "tasks/update" | "tasks/cancel" => {
            return task_methods::serve(x, id, call, features).await;
        }
        "tools/call" => Work::tool(params),
        "prompts/get" => Work::prompt(params),
        "resources/read" => Work::read(params),
        "resources/list" => cursor::open(&x.state.cipher, &x.bearer.caller, &x.ready.name, params)
            .map(|from| Work::List { from }),
        "completion/complete" => Work::complete(params),
        method => Err(RpcError::new(METHOD_NOT_FOUND, method.to_owned())),
    };
    match work.and_then(|work| flight(x, id, call, work, (features, log_level))) {
        Ok(flight) => post_stream::answer(x, flight).await,
        Err(error) if error.code == super::error::HEADER_MISMATCH => {
            refuse(StatusCode::BAD_REQUEST, Some(id.raw()), &error)
        }
        Err(error) => x.respond(Answer::error(id, &error)),
    }
}

/// Readies the work: parameter headers, answers of earlier rounds, what the client declared.
fn flight(
    x: &Exchange<'_>,
    id: Id<'_>,
    call: &Call<'_>,
    work: Work,
    (features, log_level): (Features, Option<LogLevel>),
) -> Result<Flight, RpcError> {
    if let Work::Tool { name, arguments } = &work {
        mirror::check(x.ready.mirrored(name), x.headers, arguments)?;
    }
    let binding = Binding { user: &x.bearer.caller.user, service: &x.ready.name, work: &work };
    let answers = mrtr::read(&call.params, &binding, &x.state.cipher, x.state.clock.now())?;
    let terms = Terms {
        features,
        progress_token: call.meta.progress(),
        threshold: Threshold::new(log_level),
        answers,
        ..Terms::default()
    };
    Ok(Flight {
        state: x.state.clone(),
        ready: Arc::clone(x.ready),
        endpoint: x.endpoint,
        caller: x.bearer.caller.clone(),
        id: id.raw().to_owned(),
        work,
        form: Form::modern(x.ready.modern_close.clone()),
        terms,
        cancel: CancellationToken::new(),
    })
}

/// What the client declared on this request.
fn features(call: &Call<'_>) -> Features {
    let declared = call.meta.client_capabilities.map(|raw| serde_json::from_str::<Value>(raw.get()));
    let Some(Ok(declared)) = declared else { return Features::default() };
    let extensions = declared.get("extensions");
    let tasks = extensions.and_then(|e| e.get(EXTENSION)).is_some_and(Value::is_object);
    Features { tasks, ..pending::features(&declared) }
}

/// A string parameter.
fn string(raw: Option<&serde_json::value::RawValue>) -> Option<String> {
    raw.and_then(text).map(std::borrow::Cow::into_owned)
}
