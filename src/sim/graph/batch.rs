//! `POST /$batch`: up to 20 parts, each checked, counted and answered on its own.
use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::call::{Call, Query, decode};
use super::error::GraphError;
use super::gate::Slot;
use super::http::{Caller, enter_notes, error_body};
use super::notes;
use super::prefer::Prefer;
use super::routes::{is_outlook, target};
use crate::sim::directory::Directory;
use crate::sim::state::SimState;

const MAX_PARTS: usize = 20;
/// Parts of one batch that run at once on a mailbox.
const LANES: usize = 4;

#[derive(Deserialize)]
struct Body {
    requests: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    id: String,
    method: String,
    url: String,
    #[serde(default)]
    headers: HashMap<String, String>,
    body: Option<Value>,
    #[serde(default)]
    depends_on: Vec<String>,
}

/// A batch that may run.
pub(super) struct Batch {
    parts: Vec<Part>,
}

impl Batch {
    /// Reads and checks the body.
    pub(super) fn parse(body: &[u8]) -> Result<Self, GraphError> {
        let Ok(Body { requests: parts }) = serde_json::from_slice(body) else {
            return Err(GraphError::bad_request("Invalid batch payload format."));
        };
        if parts.is_empty() || parts.len() > MAX_PARTS {
            return Err(GraphError::bad_request(format!(
                "Number of batch request steps must be between 1 and {MAX_PARTS}."
            )));
        }
        let mut seen: Vec<&str> = Vec::new();
        for part in &parts {
            if seen.contains(&part.id.as_str()) {
                return Err(GraphError::bad_request(format!(
                    "Request Id {} was used more than once.",
                    part.id
                )));
            }
            if part.depends_on.iter().any(|d| !seen.contains(&d.as_str())) {
                return Err(GraphError::bad_request(format!(
                    "Request {} depends on a request that does not precede it.",
                    part.id
                )));
            }
            seen.push(&part.id);
        }
        Ok(Self { parts })
    }

    /// Mailboxes of the parts that run at once: a chain needs one lane.
    pub(super) fn lanes<'a>(&self, directory: &'a Directory, caller: &'a Caller) -> Vec<&'a str> {
        let free =
            self.parts.iter().filter(|part| part.depends_on.is_empty()).map(|part| segments(&part.url));
        let mailboxes =
            free.filter(|path| is_outlook(path)).map(|path| target(directory, &path, &caller.claims.oid));
        mailboxes.take(LANES).collect()
    }

    /// How often the answer time passes while the parts run through the lanes.
    pub(super) fn rounds(&self, lanes: usize) -> u64 {
        self.parts.len().div_ceil(lanes.max(1)) as u64
    }

    /// Runs every part and gives the answer body. Lanes hold the mailbox's slots while this waits.
    pub(super) fn run(
        &self,
        state: &SimState,
        caller: &Caller,
        lanes: &[Result<Slot, GraphError>],
    ) -> Vec<u8> {
        let mut statuses: HashMap<&str, u16> = HashMap::new();
        let mut responses = Vec::with_capacity(self.parts.len());
        for (at, part) in self.parts.iter().enumerate() {
            let failed = part.depends_on.iter().any(|d| statuses.get(d.as_str()).is_none_or(|s| *s >= 400));
            let outcome = if failed {
                Err(GraphError::new(424, "FailedDependency", "A request that this one depends on failed."))
            } else {
                answer(state, caller, part, lanes.get(at % lanes.len().max(1)), at >= lanes.len())
            };
            let value = match outcome {
                Ok(value) => value,
                Err(error) => refused(&part.id, caller, &error),
            };
            statuses.insert(&part.id, value.0);
            responses.push(value.1);
        }
        serde_json::to_vec(&json!({ "responses": responses })).unwrap_or_default()
    }
}

fn segments(url: &str) -> Vec<String> {
    let path = url.split('?').next().unwrap_or_default();
    path.split('/').filter(|s| !s.is_empty()).map(|s| decode(s, false).unwrap_or_default()).collect()
}

fn answer(
    state: &SimState,
    caller: &Caller,
    part: &Part,
    lane: Option<&Result<Slot, GraphError>>,
    count: bool,
) -> Result<(u16, Value), GraphError> {
    let relative =
        part.url.starts_with('/') && !part.url.starts_with("/v1.0") && !part.url.starts_with("/beta");
    if !relative {
        return Err(GraphError::bad_request(
            "The URL of a batch part must be relative, without host and version.",
        ));
    }
    let path = segments(&part.url);
    if path.first().map(String::as_str) == Some("$batch") {
        return Err(GraphError::bad_request("A batch cannot hold a batch."));
    }
    if is_outlook(&path) {
        if let Some(Err(refused)) = lane {
            return Err(GraphError::throttled(&refused.message, 1));
        }
        if count {
            // The lane's first part was counted with its slot.
            let mailbox = target(&state.directory, &path, &caller.claims.oid);
            state.graph.gate.count_one(&caller.claims.app_id, mailbox)?;
        }
    }
    let _note = if notes::is_notes(&path) { Some(enter_notes(state, caller)?) } else { None };
    let prefer =
        part.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("prefer")).map(|(_, v)| v.as_str());
    let body = part.body.as_ref().and_then(|b| serde_json::to_vec(b).ok()).unwrap_or_default();
    let raw_path = format!("/v1.0{}", part.url.split('?').next().unwrap_or_default());
    let call = Call {
        method: &part.method,
        path,
        raw_path: &raw_path,
        query: Query::parse(part.url.split_once('?').map_or("", |(_, q)| q))?,
        prefer: Prefer::parse(prefer)?,
        origin: &caller.origin,
        oid: &caller.claims.oid,
        delegated: false,
        scopes: &caller.claims.scopes,
        body: &body,
        if_match: part
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("if-match"))
            .map(|(_, v)| v.as_str()),
        eventual: part
            .headers
            .iter()
            .any(|(name, v)| name.eq_ignore_ascii_case("consistencylevel") && v == "eventual"),
    };
    let answer = super::routes::dispatch(&state.graph, &state.directory, &call)?;
    let mut headers = Map::new();
    if !answer.content_type.is_empty() {
        headers.insert("Content-Type".to_owned(), answer.content_type.as_str().into());
    }
    if let Some(applied) = call.prefer.applied() {
        headers.insert("Preference-Applied".to_owned(), applied.into());
    }
    headers.extend(answer.headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())));
    let mut told = json!({ "id": part.id, "status": answer.status, "headers": headers });
    let is_json = answer.content_type.starts_with("application/json");
    if let (Value::Object(told), false) = (&mut told, answer.body.is_empty()) {
        let body = if is_json {
            serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
        } else {
            STANDARD.encode(&answer.body).into()
        };
        told.insert("body".to_owned(), body);
    }
    Ok((answer.status, told))
}

fn refused(id: &str, caller: &Caller, error: &GraphError) -> (u16, Value) {
    let mut headers = Map::new();
    headers.insert("Content-Type".to_owned(), "application/json".into());
    for (name, value) in &error.headers {
        headers.insert((*name).to_owned(), value.as_str().into());
    }
    (
        error.status,
        json!({ "id": id, "status": error.status, "headers": headers, "body": error_body(error, caller) }),
    )
}
