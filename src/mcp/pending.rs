//! Requests of ours that wait for a client's answer (legacy era): asked on the stream of the request that needs it,
//! answered by a later POST of the same session.

use super::encode;
use super::jsonrpc::Response;
use crate::domain::ids::SessionId;
use crate::domain::random;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::outlet::{Ask, Features, Question};
use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How long a person may take.
const PATIENCE: Duration = Duration::from_mins(5);

struct Waiting {
    session: SessionId,
    answer: oneshot::Sender<Result<Value, ()>>,
}

/// The open questions of this replica.
#[derive(Default)]
pub(super) struct Pending {
    table: Mutex<HashMap<String, Waiting>>,
}

/// An open question; forgotten when dropped.
struct Open {
    pending: Arc<Pending>,
    id: String,
    answer: oneshot::Receiver<Result<Value, ()>>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.pending.table.lock().remove(&self.id);
    }
}

impl Pending {
    /// Takes a client's answer; false when nothing of its session waits for it.
    pub(super) fn answer(&self, session: &SessionId, response: &Response<'_>) -> bool {
        let Some(id) = serde_json::from_str::<String>(response.id.raw()).ok() else { return false };
        let mut table = self.table.lock();
        if table.get(&id).is_none_or(|waiting| waiting.session != *session) {
            return false;
        }
        let Some(waiting) = table.remove(&id) else { return false };
        let value = response.result.and_then(|raw| serde_json::from_str(raw.get()).ok());
        waiting.answer.send(value.ok_or(())).is_ok()
    }

    /// Asks all questions on `out` and waits for the answers.
    pub(super) async fn ask(
        self: &Arc<Self>,
        session: &SessionId,
        questions: &[Question],
        out: &mpsc::Sender<Bytes>,
        form: fn(&Ask) -> (&'static str, Value),
    ) -> Result<Map<String, Value>, ToolError> {
        let mut open = Vec::new();
        for question in questions {
            let place = self.enter(session);
            let (method, params) = form(&question.ask);
            let id = json!(place.id).to_string();
            let request = encode::request(&id, method, &params);
            if out.send(Bytes::from(request)).await.is_err() {
                return Err(ToolError::new(ToolErrorKind::Cancelled, "The client left before it was asked."));
            }
            open.push((question.key.clone(), place));
        }
        let mut answers = Map::new();
        for (key, mut place) in open {
            match tokio::time::timeout(PATIENCE, &mut place.answer).await {
                Ok(Ok(Ok(value))) => {
                    answers.insert(key, value);
                }
                Ok(Ok(Err(())) | Err(_)) => {
                    return Err(refused("The client did not answer the question of this call."));
                }
                Err(_) => {
                    let params = json!({ "requestId": place.id, "reason": "no answer in time" });
                    let note = encode::notification("notifications/cancelled", &params);
                    let _ = out.send(Bytes::from(note)).await;
                    return Err(refused("Nobody answered the question of this call in time."));
                }
            }
        }
        Ok(answers)
    }

    fn enter(self: &Arc<Self>, session: &SessionId) -> Open {
        let id = format!("ask-{}", random::text::<16>());
        let (sender, answer) = oneshot::channel();
        self.table.lock().insert(id.clone(), Waiting { session: session.clone(), answer: sender });
        Open { pending: Arc::clone(self), id, answer }
    }
}

fn refused(message: &'static str) -> ToolError {
    ToolError::new(ToolErrorKind::InvalidInput { field: None }, message)
}

/// The request that a question becomes in 2025-11-25 and before.
pub(super) fn legacy_form(ask: &Ask) -> (&'static str, Value) {
    match ask {
        Ask::Url { message, url } => {
            let id = random::text::<12>();
            (
                "elicitation/create",
                json!({ "mode": "url", "message": message, "url": url, "elicitationId": id }),
            )
        }
        Ask::Form { .. } | Ask::Sample(_) | Ask::Roots => form(ask),
    }
}

/// The request that a question becomes in 2026-07-28.
pub(super) fn form(ask: &Ask) -> (&'static str, Value) {
    match ask {
        Ask::Form { message, schema } => {
            ("elicitation/create", json!({ "message": message, "requestedSchema": schema }))
        }
        Ask::Url { message, url } => {
            ("elicitation/create", json!({ "mode": "url", "message": message, "url": url }))
        }
        Ask::Sample(params) => ("sampling/createMessage", params.clone()),
        Ask::Roots => ("roots/list", json!({})),
    }
}

/// Features from a `capabilities` object of either era.
pub(super) fn features(capabilities: &Value) -> Features {
    let has = |name: &str| capabilities.get(name).is_some_and(Value::is_object);
    let elicitation = capabilities.get("elicitation").and_then(Value::as_object);
    Features {
        // An empty object means forms only.
        form: elicitation.is_some_and(|e| e.is_empty() || e.contains_key("form")),
        url: elicitation.is_some_and(|e| e.contains_key("url")),
        sampling: has("sampling"),
        roots: has("roots"),
        tasks: false,
    }
}
