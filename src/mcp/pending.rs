//! Requests of ours that wait for a client's answer (legacy era): asked on the stream of the request that needs it,
//! answered by a later POST of the same session, at any replica.
//!
//! The replica that asks leaves a mark in the store. One that gets an answer to a question that it did not ask looks
//! for the mark, leaves the answer beside it and says so on the bus; a replica that may have missed that looks for
//! itself. Marks and answers are sealed to question, session and user, so nobody answers for anybody else.

use super::encode;
use super::jsonrpc::Response;
use crate::domain::cipher::Cipher;
use crate::domain::ids::{SessionId, UserKey};
use crate::domain::random;
use crate::ports::hearing::{Hears, follow};
use crate::ports::store::{Store, StoreError};
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::outlet::{Ask, Features, Question};
use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// Where the ids of answered questions are announced.
const TOPIC: &str = "answers";

/// How ids of questions begin, and how long they may be.
const PREFIX: &str = "ask-";
const MAX_ID: usize = 64;
/// How long a person may take.
const PATIENCE: Duration = Duration::from_mins(5);
/// How often the store is looked at while a person takes it.
const LOOK: Duration = Duration::from_secs(5);

struct Waiting {
    session: SessionId,
    user: UserKey,
    answer: oneshot::Sender<Result<Value, ()>>,
}

/// The open questions of this replica.
pub(super) struct Pending {
    table: Mutex<HashMap<String, Waiting>>,
    store: Arc<dyn Store>,
    cipher: Cipher,
}

/// Which question of whose; what the seals are bound to.
#[derive(Clone, Copy)]
struct Asked<'a> {
    id: &'a str,
    session: &'a SessionId,
    user: &'a UserKey,
}

impl Asked<'_> {
    fn context(&self, what: &str) -> String {
        format!("{what}|{}|{}|{}", self.session, self.user, self.id)
    }
}

#[async_trait]
impl Hears for Pending {
    async fn heard(&self, id: Bytes) {
        self.look(&String::from_utf8_lossy(&id)).await;
    }

    async fn missed(&self) {
        let open: Vec<String> = self.table.lock().keys().cloned().collect();
        for id in open {
            self.look(&id).await;
        }
    }
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
    /// An empty table that hears of the other replicas. Must run inside a runtime.
    pub(super) fn start(store: &Arc<dyn Store>, cipher: &Cipher) -> Arc<Self> {
        let notes = store.subscribe(TOPIC);
        let pending =
            Arc::new(Self { table: Mutex::default(), store: Arc::clone(store), cipher: cipher.clone() });
        follow(notes, &pending);
        pending
    }

    /// Takes a client's answer, whichever replica asked. One that nothing of its session waits for is dropped: late
    /// answers are normal.
    pub(super) async fn answer(&self, session: &SessionId, user: &UserKey, response: &Response<'_>) {
        let Some(id) = serde_json::from_str::<String>(response.id.raw()).ok() else { return };
        let value: Option<Value> = response.result.and_then(|raw| serde_json::from_str(raw.get()).ok());
        let asked = Asked { id: &id, session, user };
        if self.is_open_here(&id) {
            self.settle(asked, value);
        } else if let Err(error) = self.pass_on(asked, value.as_ref()).await {
            tracing::warn!(%error, "an answer did not reach the replica that waits for it");
        }
    }

    fn is_open_here(&self, id: &str) -> bool {
        self.table.lock().contains_key(id)
    }

    /// Hands an answer to the question here, once, and only from its own session and user.
    fn settle(&self, asked: Asked<'_>, value: Option<Value>) {
        let mut table = self.table.lock();
        let fits = |waiting: &Waiting| waiting.session == *asked.session && waiting.user == *asked.user;
        if table.get(asked.id).is_some_and(fits)
            && let Some(waiting) = table.remove(asked.id)
        {
            // Fails only when nobody waits any more.
            let _ = waiting.answer.send(value.ok_or(()));
        }
    }

    /// Leaves an answer for the replica that asked.
    async fn pass_on(&self, asked: Asked<'_>, value: Option<&Value>) -> Result<(), StoreError> {
        if !asked.id.starts_with(PREFIX) || asked.id.len() > MAX_ID {
            return Ok(());
        }
        let Some(mark) = self.store.handle(asked.user, asked.id).await? else { return Ok(()) };
        if self.cipher.open(&asked.context("ask"), &mark).is_err() {
            return Ok(());
        }
        // JSON values have no way to fail; null stands for a refusal.
        let plain = serde_json::to_vec(&value).unwrap_or_default();
        let place = asked.context("answer");
        // The first answer counts.
        self.store.swap_shared(&place, 0, &self.cipher.seal(&place, &plain), PATIENCE).await?;
        self.store.publish(TOPIC, Bytes::copy_from_slice(asked.id.as_bytes())).await
    }

    /// Looks for the answer to a question that is open here.
    async fn look(&self, id: &str) {
        let Some((session, user)) =
            self.table.lock().get(id).map(|waiting| (waiting.session.clone(), waiting.user.clone()))
        else {
            return;
        };
        let asked = Asked { id, session: &session, user: &user };
        let place = asked.context("answer");
        match self.store.shared(&place).await {
            Ok(Some(kept)) => {
                let plain = self.cipher.open(&place, &kept.sealed).ok();
                if let Some(value) = plain.and_then(|plain| serde_json::from_slice(&plain).ok()) {
                    self.settle(asked, value);
                }
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "an answer could not be looked up"),
        }
    }

    /// Asks all questions on `out` and waits for the answers.
    pub(super) async fn ask(
        self: &Arc<Self>,
        (session, user): (&SessionId, &UserKey),
        questions: &[Question],
        out: &mpsc::Sender<Bytes>,
        form: impl Fn(&Ask) -> (&'static str, Value),
    ) -> Result<Map<String, Value>, ToolError> {
        let mut open = Vec::new();
        for question in questions {
            let place = self.enter(session, user);
            self.mark(Asked { id: &place.id, session, user }).await;
            let (method, params) = form(&question.ask);
            let id = json!(place.id).to_string();
            let request = encode::request(&id, method, &params);
            if out.send(Bytes::from(request)).await.is_err() {
                return Err(ToolError::new(ToolErrorKind::Cancelled, "The client left before it was asked."));
            }
            open.push((question, place));
        }
        let mut answers = Map::new();
        for (question, mut place) in open {
            match timeout(PATIENCE, self.hear(&mut place)).await {
                Ok(Ok(value)) if question.ask.is_answered_by(&value) => {
                    answers.insert(question.key.clone(), value);
                }
                Ok(Ok(_) | Err(())) => {
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

    /// Waits for an answer, given here or to another replica; should the bus have lost the word of it, a look finds it.
    async fn hear(&self, place: &mut Open) -> Result<Value, ()> {
        loop {
            match timeout(LOOK, &mut place.answer).await {
                Ok(Ok(answer)) => return answer,
                Ok(Err(_)) => return Err(()),
                Err(_) => self.look(&place.id).await,
            }
        }
    }

    /// Lets other replicas take the answer. Without the store only this one can.
    async fn mark(&self, asked: Asked<'_>) {
        let sealed = self.cipher.seal(&asked.context("ask"), b"1");
        if let Err(error) = self.store.put_handle(asked.user, asked.id, &sealed, PATIENCE).await {
            tracing::warn!(%error, "a question can be answered at this replica only");
        }
    }

    fn enter(self: &Arc<Self>, session: &SessionId, user: &UserKey) -> Open {
        let id = format!("{PREFIX}{}", random::text::<16>());
        let (sender, answer) = oneshot::channel();
        let waiting = Waiting { session: session.clone(), user: user.clone(), answer: sender };
        self.table.lock().insert(id.clone(), waiting);
        Open { pending: Arc::clone(self), id, answer }
    }
}

fn refused(message: &'static str) -> ToolError {
    ToolError::new(ToolErrorKind::InvalidInput { field: None }, message)
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
