//! Sessions of the legacy era: opened by `initialize`, kept in the store, bound to user and service.

use super::super::error::{
    INVALID_PARAMS, INVALID_REQUEST, LEGACY_TRANSPORT, RpcError, SESSION_NOT_FOUND, message, refuse,
    unavailable,
};
use super::super::exchange::Exchange;
use super::super::jsonrpc::{Call, Id, text};
use super::super::state::McpState;
use super::super::version::Legacy;
use super::super::{encode, headers};
use crate::domain::ids::{ServiceName, SessionId};
use crate::domain::random;
use crate::domain::session::SessionRecord;
use crate::oauth::bearer::Bearer;
use crate::ports::store::{Crowd, SessionUpdate, StoreError};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use futures_util::future::try_join;
use serde_json::Value;
use serde_json::value::RawValue;
use std::time::Duration;

/// Life of a session that nobody used since it was opened; some hosts open one per tool call and never come back.
const UNUSED_TTL: Duration = Duration::from_hours(1);
/// Longest `clientInfo` and `capabilities` worth keeping.
const MAX_CLIENT_TEXT: usize = 8 * 1024;
/// Longest session id worth asking the store about; ours are shorter.
const MAX_ID: usize = 64;

/// The id in the header, or the refusal of a header that cannot be one.
pub(super) fn presented<'a>(x: &Exchange<'a>, id: Option<Id<'_>>) -> Result<Option<&'a str>, HttpResponse> {
    headers::single(x.headers, headers::SESSION_ID).map_err(|_| {
        let error = RpcError::new(INVALID_REQUEST, "Send one Mcp-Session-Id header of visible ASCII.");
        refuse(StatusCode::BAD_REQUEST, id.map(Id::raw), &error)
    })
}

/// 400 for a request that needs the header and came without.
pub(super) fn required(id: Option<Id<'_>>) -> HttpResponse {
    let error = RpcError::new(LEGACY_TRANSPORT, "Mcp-Session-Id is required; `initialize` answers one.");
    refuse(StatusCode::BAD_REQUEST, id.map(Id::raw), &error)
}

/// 404: the client starts over with `initialize`.
pub(in crate::mcp) fn not_found(id: Option<Id<'_>>) -> HttpResponse {
    refuse(StatusCode::NOT_FOUND, id.map(Id::raw), &RpcError::new(SESSION_NOT_FOUND, "Session not found"))
}

/// 503: the store is away and the session, for all we know, alive.
pub(in crate::mcp) fn store_failed(error: &StoreError, id: Option<Id<'_>>) -> HttpResponse {
    tracing::warn!(error = %error, "session without store");
    unavailable(id.map(Id::raw))
}

/// Finds the session and renews its life. A foreign user's and another service's session do not exist for the caller.
pub(in crate::mcp) async fn find(
    x: &Exchange<'_>,
    presented: &str,
    id: Option<Id<'_>>,
) -> Result<SessionRecord, HttpResponse> {
    if presented.is_empty() || presented.len() > MAX_ID || !presented.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(not_found(id));
    }
    let found = x.state.store.session(&SessionId::new(presented), x.state.settings.session_ttl).await;
    match found {
        Ok(Some(s)) if s.user == x.bearer.caller.user && s.service == x.ready.name => Ok(s),
        Ok(_) => Err(not_found(id)),
        Err(error) => Err(store_failed(&error, id)),
    }
}

/// The version a session speaks.
pub(in crate::mcp) fn version(session: &SessionRecord) -> Legacy {
    Legacy::negotiate(&session.protocol_version)
}

/// Why no session was opened.
pub(in crate::mcp) enum NotOpened {
    Bad(RpcError),
    Store(StoreError),
}

/// Negotiates and stores a session, whatever the framing. `catalog` has the answer: `ready.initialize(version)`.
pub(in crate::mcp) async fn open(
    state: &McpState,
    service: &ServiceName,
    bearer: &Bearer,
    call: &Call<'_>,
) -> Result<SessionRecord, NotOpened> {
    let Some(requested) = call.params.protocol_version.and_then(text) else {
        let error = RpcError::new(INVALID_PARAMS, "`protocolVersion` must be a string.");
        return Err(NotOpened::Bad(error));
    };
    let version = Legacy::negotiate(&requested);
    let session = SessionRecord {
        id: SessionId::new(random::text::<24>()),
        service: service.clone(),
        user: bearer.caller.user.clone(),
        client: bearer.caller.client.clone(),
        protocol_version: version.as_str().to_owned(),
        client_info: kept(call.params.client_info),
        capabilities: kept(call.params.capabilities),
        log_level: None,
        subscriptions: Vec::new(),
        initialized: false,
        created_at: state.clock.now(),
        revision: 0,
    };
    keep(state, &session, state.settings.session_ttl.min(UNUSED_TTL)).await.map_err(NotOpened::Store)?;
    tracing::info!(service.name = %session.service, client.id = %session.client, version = version.as_str(), "session opened");
    Ok(session)
}

/// Stores a new session. Who has too many loses those not used for longest, as some hosts open one per call and end
/// none; a client whose session is gone opens another (404).
pub(in crate::mcp) async fn keep(
    state: &McpState,
    session: &SessionRecord,
    ttl: Duration,
) -> Result<(), StoreError> {
    let settings = &state.settings;
    state.store.put_session(session, ttl).await?;
    let crowd = |name, most| Crowd { name, most, ttl: settings.session_ttl };
    let (user, now) = (session.user.to_string(), state.clock.now());
    let client = format!("{user}|{}", session.client);
    let (of_client, of_user) = try_join(
        state.store.crowded_out(crowd(&client, settings.max_sessions_per_client), &session.id, now),
        state.store.crowded_out(crowd(&user, settings.max_sessions_per_user), &session.id, now),
    )
    .await?;
    for old in of_client.iter().chain(&of_user) {
        state.store.end_session(old).await?;
        end_open(state, old).await;
    }
    Ok(())
}

/// `initialize`: opens a session, then tells its id.
pub(super) async fn initialize(x: &Exchange<'_>, id: Id<'_>, call: &Call<'_>) -> HttpResponse {
    match presented(x, Some(id)) {
        Ok(None) => {}
        Ok(Some(old)) => return reinitialize(x, old, id, call).await,
        Err(refusal) => return refusal,
    }
    let session = match open(x.state, &x.ready.name, &x.bearer, call).await {
        Ok(session) => session,
        Err(NotOpened::Bad(error)) => {
            return encode::respond(x.framing, message(Some(id.raw()), &error));
        }
        Err(NotOpened::Store(error)) => return store_failed(&error, Some(id)),
    };
    let opened = x.ready.initialize(version(&session));
    let mut response = encode::respond(x.framing, encode::splice(id.raw(), opened));
    if let Ok(value) = HeaderValue::from_str(session.id.as_str()) {
        response.headers_mut().insert(HeaderName::from_static(headers::SESSION_ID), value);
    }
    response
}

/// A session is initialised once; a client that starts over sends no id. One that its transport opened before (HTTP+SSE)
/// still waits for it.
async fn reinitialize(x: &Exchange<'_>, old: &str, id: Id<'_>, call: &Call<'_>) -> HttpResponse {
    match find(x, old, Some(id)).await {
        Ok(waiting) if waiting.protocol_version.is_empty() => complete(x, waiting, id, call).await,
        Ok(_) => {
            let error = RpcError::new(INVALID_REQUEST, "This session is initialised already.");
            refuse(StatusCode::BAD_REQUEST, Some(id.raw()), &error)
        }
        Err(refusal) => refusal,
    }
}

/// Negotiates in a session that stands.
async fn complete(x: &Exchange<'_>, waiting: SessionRecord, id: Id<'_>, call: &Call<'_>) -> HttpResponse {
    let Some(requested) = call.params.protocol_version.and_then(text) else {
        let error = RpcError::new(INVALID_PARAMS, "`protocolVersion` must be a string.");
        return encode::respond(x.framing, message(Some(id.raw()), &error));
    };
    let version = Legacy::negotiate(&requested);
    let (client_info, capabilities) = (kept(call.params.client_info), kept(call.params.capabilities));
    let negotiate = |session: &mut SessionRecord| {
        version.as_str().clone_into(&mut session.protocol_version);
        session.client_info.clone_from(&client_info);
        session.capabilities.clone_from(&capabilities);
    };
    match edit(x.state, &waiting.id, negotiate).await {
        Ok(true) => encode::respond(x.framing, encode::splice(id.raw(), x.ready.initialize(version))),
        Ok(false) => not_found(Some(id)),
        Err(error) => store_failed(&error, Some(id)),
    }
}

fn kept(raw: Option<&RawValue>) -> Value {
    raw.filter(|r| r.get().len() <= MAX_CLIENT_TEXT)
        .and_then(|r| serde_json::from_str(r.get()).ok())
        .unwrap_or_default()
}

/// Notes that the handshake is complete.
pub(super) async fn mark_initialized(state: &McpState, session: &SessionRecord) -> Result<(), StoreError> {
    if session.initialized {
        return Ok(());
    }
    edit(state, &session.id, |session| session.initialized = true).await.map(drop)
}

/// Changes a session as it stands now, whoever else changes it meanwhile; false when it has ended.
pub(in crate::mcp) async fn edit(
    state: &McpState,
    id: &SessionId,
    change: impl Fn(&mut SessionRecord),
) -> Result<bool, StoreError> {
    let ttl = state.settings.session_ttl;
    loop {
        let Some(mut session) = state.store.session(id, ttl).await? else { return Ok(false) };
        change(&mut session);
        match state.store.update_session(&session, ttl).await? {
            SessionUpdate::Done => return Ok(true),
            SessionUpdate::Ended => return Ok(false),
            SessionUpdate::Stale => {}
        }
    }
}

/// Stops what a session that has ended still runs and has open, on every replica.
pub(in crate::mcp) async fn end_open(state: &McpState, session: &SessionId) {
    state.running.cancel_all(session);
    state.router.close(session).await;
}

/// DELETE: ends the session everywhere.
pub(in crate::mcp) async fn delete(x: &Exchange<'_>) -> HttpResponse {
    let presented = match presented(x, None) {
        Ok(Some(id)) => id,
        Ok(None) => return required(None),
        Err(refusal) => return refusal,
    };
    let session = match find(x, presented, None).await {
        Ok(session) => session,
        Err(refusal) => return refusal,
    };
    match x.state.end_session(&session.id).await {
        Ok(true) => HttpResponse::NoContent().finish(),
        Ok(false) => not_found(None),
        Err(error) => store_failed(&error, None),
    }
}
