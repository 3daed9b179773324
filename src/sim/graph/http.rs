//! The HTTP side: who calls, how long it takes, and the headers every Graph answer has.
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde_json::{Value, json};

use super::batch::Batch;
use super::call::{Answer, Call, Query, decode};
use super::error::GraphError;
use super::gate::{Slot, hold};
use super::notes;
use super::prefer::Prefer;
use super::routes::{dispatch, is_outlook, target};
use crate::sim::clock;
use crate::sim::state::SimState;
use crate::sim::tokens::AccessClaims;

const JSON: &str = "application/json";
const DIAGNOSTIC: &str = "{\"ServerInfo\":{\"DataCenter\":\"Korea \
    Central\",\"Slice\":\"E\",\"Ring\":\"5\",\"ScaleUnit\":\"002\",\"RoleInstance\":\"SE1PEPF00000001\"}}";

/// Who sent a request, and how it is named in logs.
pub(super) struct Caller {
    pub(super) claims: Arc<AccessClaims>,
    pub(super) origin: String,
    pub(super) ids: Ids,
}

/// `request-id` and `client-request-id`.
#[derive(Clone, Debug)]
pub(super) struct Ids {
    request: String,
    client: String,
}

impl Ids {
    fn of(headers: &HeaderMap) -> Self {
        let request = uuid::Uuid::new_v4().to_string();
        let client = headers
            .get("client-request-id")
            .and_then(|v| v.to_str().ok())
            .map_or_else(|| request.clone(), str::to_owned);
        Self { request, client }
    }
}

/// Every Graph route.
pub(super) async fn handle(
    request: HttpRequest,
    body: web::Bytes,
    state: web::Data<SimState>,
) -> HttpResponse {
    let ids = Ids::of(request.headers());
    let outcome = match authenticate(&request, &state, ids.clone()) {
        Ok(caller) => serve(&request, &body, &state, &caller).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(answer) => {
            note(&state, &request, &body, answer.status, &answer.body);
            let mut response = start(answer.status, &ids);
            if let Some(applied) = answer.applied {
                response.insert_header(("Preference-Applied", applied));
            }
            for (name, value) in &answer.headers {
                response.insert_header((*name, value.as_str()));
            }
            if !answer.content_type.is_empty() {
                response.insert_header((header::CONTENT_TYPE, answer.content_type));
            }
            response.body(answer.body)
        }
        Err(error) => {
            let told = error_json(&error, &ids).to_string();
            note(&state, &request, &body, error.status, told.as_bytes());
            let mut response = start(error.status, &ids);
            for (name, value) in &error.headers {
                response.insert_header((*name, value.as_str()));
            }
            response.insert_header((header::CONTENT_TYPE, JSON)).body(told)
        }
    }
}

fn note(state: &SimState, request: &HttpRequest, body: &[u8], status: u16, response: &[u8]) {
    if let Some(record) = &state.record {
        record.write(request, body, status, response);
    }
}

fn start(status: u16, ids: &Ids) -> HttpResponseBuilder {
    let mut response =
        HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    response
        .insert_header(("request-id", ids.request.as_str()))
        .insert_header(("client-request-id", ids.client.as_str()))
        .insert_header(("x-ms-ags-diagnostic", DIAGNOSTIC))
        .insert_header((header::CACHE_CONTROL, "private"));
    response
}

fn authenticate(request: &HttpRequest, state: &SimState, ids: Ids) -> Result<Caller, GraphError> {
    let text = request.headers().get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let token = text
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, t)| t.trim());
    let token = token.filter(|t| !t.is_empty()).ok_or_else(|| GraphError::bad_token(false))?;
    let claims = state.tokens.verify(token).ok_or_else(|| GraphError::bad_token(true))?;
    let info = request.connection_info();
    Ok(Caller { claims, origin: format!("{}://{}", info.scheme(), info.host()), ids })
}

async fn serve(
    request: &HttpRequest,
    body: &[u8],
    state: &SimState,
    caller: &Caller,
) -> Result<Answer, GraphError> {
    let raw_path = request.uri().path();
    let below = raw_path.strip_prefix("/v1.0").unwrap_or(raw_path);
    let path = below
        .split('/')
        .filter(|s| !s.is_empty())
        .map(|s| decode(s, false))
        .collect::<Result<Vec<_>, _>>()?;
    let delay = state.options.graph_delay_ms();
    if path == ["$batch"] {
        return batch(request, body, state, caller, delay).await;
    }
    let outlook = is_outlook(&path);
    let target = target(&state.directory, &path, &caller.claims.oid);
    let _slot = if outlook { Some(enter(state, caller, target)?) } else { None };
    let _note = if notes::is_notes(&path) { Some(enter_notes(state, caller)?) } else { None };
    hold(delay).await;
    let prefer = request.headers().get_all("prefer").filter_map(|v| v.to_str().ok());
    let call = Call {
        method: request.method().as_str(),
        path,
        raw_path,
        query: Query::parse(request.query_string())?,
        prefer: Prefer::parse(prefer)?,
        origin: &caller.origin,
        oid: &caller.claims.oid,
        delegated: false,
        scopes: &caller.claims.scopes,
        body,
        if_match: request.headers().get(header::IF_MATCH).and_then(|value| value.to_str().ok()),
        eventual: request.headers().get("consistencylevel").is_some_and(|value| value == "eventual"),
    };
    let mut answer = dispatch(&state.graph, &state.directory, &call).inspect_err(|error| {
        if error.status == 429 {
            state.counters.mark("graph.throttled");
        }
    })?;
    if outlook {
        answer.applied = call.prefer.applied();
    }
    Ok(answer)
}

async fn batch(
    request: &HttpRequest,
    body: &[u8],
    state: &SimState,
    caller: &Caller,
    delay: u64,
) -> Result<Answer, GraphError> {
    if request.method() != actix_web::http::Method::POST {
        return Err(GraphError::method());
    }
    let batch = Batch::parse(body)?;
    let lanes: Vec<Result<Slot, GraphError>> =
        batch.lanes(&state.directory, caller).iter().map(|mailbox| enter(state, caller, mailbox)).collect();
    hold(delay * batch.rounds(lanes.len())).await;
    Ok(Answer::json(batch.run(state, caller, &lanes)))
}

/// Takes a slot of a mailbox.
fn enter(state: &SimState, caller: &Caller, mailbox: &str) -> Result<Slot, GraphError> {
    let entered = state.graph.gate.enter(&caller.claims.app_id, mailbox);
    match &entered {
        Ok(slot) => state.counters.mark_max("graph.max_concurrent", u64::from(slot.running())),
        Err(_) => state.counters.mark("graph.throttled"),
    }
    entered
}

/// Takes a slot of OneNote's.
pub(super) fn enter_notes(state: &SimState, caller: &Caller) -> Result<notes::NoteSlot, GraphError> {
    let entered = state.graph.notes.limits.enter(&caller.claims.app_id, &caller.claims.oid);
    entered.inspect_err(|_| state.counters.mark("graph.throttled"))
}

/// The body of an error inside a batch.
pub(super) fn error_body(error: &GraphError, caller: &Caller) -> Value {
    error_json(error, &caller.ids)
}

fn error_json(error: &GraphError, ids: &Ids) -> Value {
    json!({ "error": {
        "code": error.code,
        "message": error.message,
        "innerError": {
            "date": clock::now().format("%Y-%m-%dT%H:%M:%S").to_string(),
            "request-id": ids.request,
            "client-request-id": ids.client,
        },
    }})
}
