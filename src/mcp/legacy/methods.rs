//! The method table of the legacy era. It knows no framing: POST, HTTP+SSE and sockets bring messages here.

use super::super::error::{INVALID_PARAMS, RpcError, SESSION_NOT_FOUND, message};
use super::super::exchange::Answer;
use super::super::flight::{Flight, Terms};
use super::super::jsonrpc::{Call, Id, Message, text};
use super::super::notes::Threshold;
use super::super::result::Addressee;
use super::super::tool_result::Form;
use super::super::work::Work;
use super::super::{cursor, encode, pending};
use super::running::Entrant;
use super::{Scope, session};
use crate::domain::session::SessionRecord;
use crate::ports::store::StoreError;
use crate::tools::outlet::{Features, LogLevel};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Most subscriptions of a session.
const MAX_SUBSCRIPTIONS: usize = 256;

/// How a request goes on.
pub(in crate::mcp) enum Step {
    /// Answered already.
    Ready(Answer),
    /// Work, for the framing to let fly.
    Flight(Box<Flight>),
}

/// Whether a message can be served without a session.
pub(super) fn needs_no_session(message: &Message<'_>) -> bool {
    match message {
        Message::Request(_, call) => matches!(
            call.method.as_ref(),
            "ping"
                | "tools/list"
                | "tools/call"
                | "prompts/list"
                | "prompts/get"
                | "resources/list"
                | "resources/templates/list"
                | "resources/read"
                | "completion/complete"
        ),
        Message::Notification(_) => true,
        Message::Response(_) => false,
    }
}

/// Begins a request other than `initialize`.
pub(in crate::mcp) async fn request(scope: &Scope, id: Id<'_>, call: &Call<'_>) -> Step {
    let (ready, params, version) = (&scope.ready, &call.params, scope.version);
    let listed = |tail: &[u8]| {
        Step::Ready(match cursor::none(params) {
            Ok(()) => Answer::Body(encode::splice(id.raw(), tail)),
            Err(error) => Answer::error(id, &error),
        })
    };
    let work = match call.method.as_ref() {
        "ping" => return Step::Ready(empty(id)),
        "tools/list" => return listed(ready.tools(version)),
        "prompts/list" => return listed(ready.prompts(version)),
        "resources/templates/list" if ready.offers.resources => return listed(ready.templates(version)),
        "logging/setLevel" if ready.offers.logging => return Step::Ready(set_level(scope, id, call).await),
        "resources/subscribe" | "resources/unsubscribe" if ready.offers.subscriptions => {
            return Step::Ready(subscribe(scope, id, call).await);
        }
        "tools/call" => Work::tool(params),
        "prompts/get" => Work::prompt(params),
        "resources/read" if ready.offers.resources => Work::read(params),
        "resources/list" if ready.offers.resources => {
            cursor::open(&scope.state.cipher, &scope.bearer.caller, &ready.name, params)
                .map(|from| Work::List { from })
        }
        "completion/complete" if ready.offers.completions => Work::complete(params),
        method => Err(RpcError::method_not_found(method)),
    };
    match work {
        Ok(work) => Step::Flight(Box::new(flight(scope, id, call, work))),
        Err(error) => Step::Ready(Answer::error(id, &error)),
    }
}

fn empty(id: Id<'_>) -> Answer {
    Answer::Body(encode::splice(id.raw(), br#""result":{}}"#))
}

/// Readies the work. It is not tied to the connection: a client that drops it has not cancelled anything.
fn flight(scope: &Scope, id: Id<'_>, call: &Call<'_>, work: Work) -> Flight {
    let cancel = CancellationToken::new();
    let session = scope.session.as_ref();
    let threshold = Threshold::of(session);
    let enter = |s: &SessionRecord| {
        let call = Entrant { key: id.key(), cancel: cancel.clone(), threshold: threshold.clone() };
        Arc::clone(&scope.state.running).enter(&s.id, call)
    };
    let terms = Terms {
        session: session.cloned(),
        _entry: session.map(enter),
        features: session.filter(|_| scope.streams).map(|s| features(scope, s)).unwrap_or_default(),
        progress_token: call.meta.progress(),
        threshold,
        ..Terms::default()
    };
    Flight {
        state: scope.state.clone(),
        ready: Arc::clone(&scope.ready),
        endpoint: scope.endpoint,
        caller: scope.bearer.caller.clone(),
        id: id.raw().to_owned(),
        work,
        form: Form::legacy(scope.version),
        terms,
        cancel,
    }
}

/// What the client declared at `initialize` and its revision knows.
fn features(scope: &Scope, session: &SessionRecord) -> Features {
    // Before it is initialized a client is asked nothing (specification, lifecycle).
    if !session.initialized {
        return Features::default();
    }
    let declared = pending::features(&session.capabilities);
    Features {
        form: declared.form && scope.version.has_elicitation(),
        url: declared.url && scope.version.has_url_elicitation(),
        ..declared
    }
}

/// `logging/setLevel`: for the whole session, calls that run already included, whatever replica they are at.
async fn set_level(scope: &Scope, id: Id<'_>, call: &Call<'_>) -> Answer {
    let level = call.params.level.and_then(text).and_then(|t| LogLevel::parse(&t));
    let Some(level) = level else {
        return Answer::error(id, &RpcError::new(INVALID_PARAMS, "Unknown log level."));
    };
    let answer = change(scope, id, |session| session.log_level = Some(level.as_str().to_owned())).await;
    if let (Answer::Body(_), Some(session)) = (&answer, &scope.session) {
        scope.state.running.set_level(&session.id, level);
    }
    answer
}

/// `resources/subscribe` and its opposite; both may be repeated.
async fn subscribe(scope: &Scope, id: Id<'_>, call: &Call<'_>) -> Answer {
    let bad = |text: &'static str| Answer::error(id, &RpcError::new(INVALID_PARAMS, text));
    let Some(uri) = call.params.uri.and_then(text) else { return bad("`uri` must be a string.") };
    let subscribes = call.method == "resources/subscribe";
    let full = scope.session.as_ref().is_some_and(|s| s.subscriptions.len() >= MAX_SUBSCRIPTIONS);
    if subscribes && full {
        return bad("This session has too many subscriptions.");
    }
    let caller = &scope.bearer.caller;
    if subscribes && let Err(failed) = scope.state.may_read(&scope.ready.name, caller, &uri).await {
        let form = Form::legacy(scope.version);
        let addressee = Addressee {
            state: &scope.state,
            ready: &scope.ready,
            endpoint: scope.endpoint,
            caller,
            id: id.raw(),
            form: &form,
        };
        return addressee.failed(&Work::Read { uri: uri.into_owned() }, &failed);
    }
    change(scope, id, |session| {
        session.subscriptions.retain(|known| *known != uri);
        if subscribes {
            session.subscriptions.push(uri.to_string());
        }
    })
    .await
}

/// Changes the session in the store.
async fn change(scope: &Scope, id: Id<'_>, edit: impl Fn(&mut SessionRecord)) -> Answer {
    let Some(session) = &scope.session else {
        return Answer::Refused {
            response: session::required(Some(id)),
            in_band: message(Some(id.raw()), &RpcError::internal()),
        };
    };
    match session::edit(&scope.state, &session.id, edit).await {
        Ok(true) => empty(id),
        Ok(false) => Answer::Refused {
            response: session::not_found(Some(id)),
            in_band: message(Some(id.raw()), &RpcError::new(SESSION_NOT_FOUND, "Session not found")),
        },
        Err(error) => Answer::Refused {
            response: session::store_failed(&error, Some(id)),
            in_band: message(Some(id.raw()), &RpcError::internal()),
        },
    }
}

/// Takes note of a notification; unknown ones are ignored.
pub(in crate::mcp) async fn notification(scope: &Scope, call: &Call<'_>) -> Result<(), StoreError> {
    let Some(session) = &scope.session else { return Ok(()) };
    match call.method.as_ref() {
        "notifications/initialized" => session::mark_initialized(&scope.state, session).await,
        "notifications/cancelled" => {
            if let Some(request) = call.params.request_id.and_then(Id::of) {
                scope.state.running.cancel(&session.id, &request.key());
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
