//! HTTP+SSE, the transport of 2024-11-05: a stream at `/{svc}/sse` that first names the URL to post to, and
//! `/{svc}/messages` that takes messages and answers on the stream.
//!
//! A POST may reach any replica: what it is answered with goes through the log of the session's stream, which the
//! holder of the stream reads.

mod post;

pub(super) use post::post;

use super::carried;
use super::door;
use super::encode;
use super::feed::{Feed, OpenError, Wanted};
use super::headers;
use super::legacy::session;
use super::legacy::stream::{Keep, Live, Shape};
use super::state::McpState;
use crate::domain::ids::SessionId;
use crate::domain::random;
use crate::domain::resource::Endpoint;
use crate::domain::session::SessionRecord;
use crate::domain::stream::standalone;
use crate::edge;
use crate::oauth::bearer::Bearer;
use crate::ports::events::Claiming;
use crate::ports::sessions::AttachError;
use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::StreamExt;

/// Serves `/{svc}/sse`.
pub(super) async fn open(request: HttpRequest, state: web::Data<McpState>) -> HttpResponse {
    let mut response = Box::pin(admit(&request, &state)).await.unwrap_or_else(|refusal| refusal);
    state.edge.decorate(&mut response, request.head());
    state.guard.stamp(&mut response);
    response
}

async fn admit(request: &HttpRequest, state: &web::Data<McpState>) -> Result<HttpResponse, HttpResponse> {
    let ready = door::service(request, state)?;
    if request.method() == Method::OPTIONS {
        return Ok(edge::preflight(request.headers()));
    }
    let bearer = door::bearer(request, state, &ready).await?;
    if request.method() != Method::GET {
        // Newer clients try a POST here first and fall back to GET on a 405 that is no JSON-RPC answer.
        return Err(HttpResponse::MethodNotAllowed()
            .insert_header((header::ALLOW, "GET"))
            .insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"))
            .body("This URL opens the event stream of HTTP+SSE (2024-11-05): send GET."));
    }
    if !headers::accepts(request.headers(), "text", "event-stream") {
        return Err(door::refused(StatusCode::NOT_ACCEPTABLE, "Accept must allow text/event-stream."));
    }
    let record = SessionRecord {
        id: SessionId::new(random::text::<24>()),
        service: ready.name.clone(),
        user: bearer.caller.user.clone(),
        client: bearer.caller.client.clone(),
        protocol_version: String::new(),
        client_info: serde_json::Value::Null,
        capabilities: serde_json::Value::Null,
        log_level: None,
        subscriptions: Vec::new(),
        initialized: false,
        created_at: state.clock.now(),
        revision: 0,
    };
    let ttl = state.settings.session_ttl;
    session::keep(state, &record, ttl).await.map_err(|error| session::store_failed(&error, None))?;
    let ending = Ending { state: state.clone(), session: record.id.clone() };
    stream(request, state, &bearer, record, ending).await
}

async fn stream(
    request: &HttpRequest,
    state: &web::Data<McpState>,
    bearer: &Bearer,
    record: SessionRecord,
    ending: Ending,
) -> Result<HttpResponse, HttpResponse> {
    let wanted = Wanted {
        session: &record.id,
        user: &record.user,
        stream: standalone(&record.id),
        how: Claiming::OrCreate,
        after: None,
    };
    let feed = match Feed::open(&state.router, wanted).await {
        Ok(Some(feed)) => feed,
        Ok(None) => return Err(session::not_found(None)),
        Err(OpenError::Attach(AttachError::TooMany)) => {
            return Err(door::too_many("Too many streams are open."));
        }
        Err(OpenError::Attach(AttachError::Unavailable)) => {
            return Err(super::error::unavailable(None));
        }
        Err(OpenError::Store(error)) => return Err(session::store_failed(&error, None)),
    };
    state.hub.follow(&record.id, &record.service, feed.epoch());
    let tether = state.tethers.tie(bearer).await;
    let tether = tether.map_err(|failure| state.guard.response(&failure, &record.service, Endpoint::Sse))?;
    let base = request.path().trim_end_matches('/').trim_end_matches("sse");
    let opening = format!("event: endpoint\ndata: {base}messages?sessionId={}\n\n", record.id);
    let shape = Shape {
        primes: false,
        numbers: false,
        heartbeat: state.settings.heartbeat,
        tether,
        opening: Some(Bytes::from(opening)),
    };
    let keep = Keep { store: state.store.clone(), session: record.id, ttl: state.settings.session_ttl };
    let events = Live::new(feed, keep, shape).into_stream().inspect(move |_| {
        let _held_until_the_stream_is_dropped = &ending;
    });
    Ok(encode::event_stream().streaming(events))
}

/// Ends the session with its stream: this transport has no other end.
struct Ending {
    state: web::Data<McpState>,
    session: SessionId,
}

impl Drop for Ending {
    fn drop(&mut self) {
        let (state, id) = (self.state.clone(), self.session.clone());
        actix_web::rt::spawn(async move {
            if let Err(error) = state.store.end_session(&id).await {
                tracing::warn!(%error, "a session outlives its stream until it expires");
            }
            session::end_open(&state, &id).await;
        });
    }
}

/// Serves one body in the session and says the answers on its stream.
async fn answer(state: web::Data<McpState>, bearer: Bearer, record: SessionRecord, bytes: Bytes) {
    // Switched off between the message and its answer.
    let Some(ready) = state.catalog.service(record.service.as_str()) else { return };
    let session = record.id;
    let (sender, mut answers) = tokio::sync::mpsc::channel::<Bytes>(16);
    let speaker =
        carried::Speaker { state: &state, ready, bearer, session: Some(session.clone()), adopts: true };
    let serving = async {
        carried::serve(speaker, &bytes, &sender).await;
        drop(sender);
    };
    let saying = async {
        let stream = standalone(&session);
        while let Some(message) = answers.recv().await {
            if let Err(error) = state.router.append(&session, &stream, &message, false).await {
                tracing::warn!(%error, "an answer was lost");
            }
        }
    };
    futures_util::join!(Box::pin(serving), saying);
}
