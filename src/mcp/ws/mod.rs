//! WebSocket (RFC 6455) at `/{svc}/ws`, subprotocol `mcp`: one JSON-RPC message per text message, both eras, served as
//! the HTTP endpoint serves them.
//!
//! A session outlives its connection. Its id is in `_meta` of the answer to `initialize` and, when a connection
//! resumes it, in the header of the upgrade; what the client missed is said first.

mod connection;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod hello;

use super::door;
use super::encode::Framing;
use super::error::unavailable;
use super::exchange::Exchange;
use super::headers;
use super::legacy::session;
use super::place::Place;
use super::state::McpState;
use super::version::VersionHeader;
use crate::domain::ids::{ServiceName, SessionId, UserKey};
use crate::domain::peer::{self, FORWARDED_FOR};
use crate::domain::resource::Endpoint;
use crate::oauth::bearer::Bearer;
use crate::ports::sessions::AttachError;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, rt, web};
use connection::Connection;

/// Subprotocol of MCP.
const PROTOCOL: &str = "mcp";

/// Serves `/{svc}/ws`.
pub(super) async fn open(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<McpState>,
) -> HttpResponse {
    let served = Box::pin(admit(&request, payload, &state)).await;
    let mut response = served.unwrap_or_else(|refusal| refusal);
    state.edge.decorate(&mut response, request.head());
    state.guard.stamp(&mut response);
    response
}

async fn admit(
    request: &HttpRequest,
    payload: web::Payload,
    state: &web::Data<McpState>,
) -> Result<HttpResponse, HttpResponse> {
    let ready = door::service(request, state)?;
    // Browsers cannot set headers here; they say who they are in the first message instead.
    let bearer = if request.headers().contains_key(header::AUTHORIZATION) {
        Some(door::bearer(request, state, &ready).await?)
    } else {
        None
    };
    let asked = headers::single(request.headers(), headers::SESSION_ID)
        .map_err(|_| door::refused(StatusCode::BAD_REQUEST, "Send one Mcp-Session-Id header."))?;
    let asked = asked.map(str::to_owned).or_else(|| door::query(request, "sessionId"));
    let resumed = match (&bearer, &asked) {
        (Some(bearer), Some(id)) => Some(find(state, &ready.name, bearer, id).await?),
        _ => None,
    };
    let handled = actix_ws::handle_with_protocols(request, payload, &[PROTOCOL]);
    let (mut response, socket, messages) = handled.map_err(|error| error.error_response())?;
    let user = bearer.as_ref().map_or_else(|| stranger(request, state), |bearer| bearer.caller.user.clone());
    let place = place(state, user).await?;
    if let Some(id) = &resumed
        && let Ok(value) = header::HeaderValue::from_str(id.as_str())
    {
        response.headers_mut().insert(header::HeaderName::from_static(headers::SESSION_ID), value);
    }
    let limit = state.settings.max_body;
    let messages = messages.max_frame_size(limit).aggregate_continuations().max_continuation_size(limit);
    let connection =
        Connection { state: state.clone(), service: ready.name.clone(), socket, place, session: resumed };
    rt::spawn(Box::pin(connection.run(messages, bearer, asked)));
    Ok(response)
}

/// The caller's own session, or the refusal.
async fn find(
    state: &web::Data<McpState>,
    service: &ServiceName,
    bearer: &Bearer,
    id: &str,
) -> Result<SessionId, HttpResponse> {
    let Some(ready) = state.catalog.service(service.as_str()) else {
        return Err(session::not_found(None));
    };
    let none = header::HeaderMap::new();
    let x = Exchange {
        state,
        ready: &ready,
        endpoint: Endpoint::Ws,
        headers: &none,
        bearer: bearer.clone(),
        framing: Framing::Json,
        streams: false,
        version: VersionHeader::Absent,
    };
    session::find(&x, id, None).await.map(|record| record.id)
}

/// Takes a place among the open streams.
async fn place(state: &McpState, user: UserKey) -> Result<Place, HttpResponse> {
    Place::take(&state.router, "ws", user).await.map_err(|error| match error {
        AttachError::TooMany => door::too_many("Too many connections are open."),
        AttachError::Unavailable => unavailable(None),
    })
}

/// On whose account a connection is that has not yet said whose it is: its address. Strangers of one network share
/// the places of one user, so they keep nobody else out.
fn stranger(request: &HttpRequest, state: &McpState) -> UserKey {
    let forwarded = request.headers().get_all(FORWARDED_FOR).map(|value| value.to_str().unwrap_or_default());
    let address = peer::client_address(request.peer_addr(), forwarded, &state.settings.trusted_proxies);
    UserKey::new("", peer::neighbourhood(address).to_string())
}
