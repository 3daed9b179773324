//! The tasks extension of 2026-07-28 (`io.modelcontextprotocol/tasks`): calls that go on after their answer.
//!
//! # Shape
//! The record lies in the store under the user, sealed; the replica that runs the task writes it. Answers and the wish
//! to cancel are handles of their own beside it, so that any replica takes them and no two writers share one.

use super::encode;
use super::error::{INTERNAL_ERROR, INVALID_PARAMS, RpcError};
use super::exchange::Answer;
use super::flight::Flight;
use super::mrtr;
use super::state::McpState;
use super::tool_result;
use super::work::{Done, Work};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{ServiceName, UserKey};
use crate::domain::random;
use crate::ports::store::StoreError;
use crate::tools::dispatch::Invocation;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::outlet::{Outlet, Question};
use actix_web::{rt, web};
use futures_util::FutureExt;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Name of the extension.
pub(super) const EXTENSION: &str = "io.modelcontextprotocol/tasks";
/// How long a task can be asked about.
const LIFE: Duration = Duration::from_hours(1);
/// How often clients should ask, and how often a waiting task looks for what other replicas took.
const POLL: Duration = Duration::from_millis(500);

/// State of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Working,
    InputRequired,
    Completed,
    Failed,
    Cancelled,
}

impl Status {
    fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// A task as the store keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    id: String,
    status: Status,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// `inputRequests`, `result` or `error`, by status.
    #[serde(default)]
    detail: Map<String, Value>,
}

impl Record {
    /// The members of a task on the wire.
    fn json(&self) -> Value {
        let mut out = json!({
            "taskId": self.id,
            "status": self.status,
            "createdAt": iso(self.created_at),
            "lastUpdatedAt": iso(self.updated_at),
            "ttlMs": LIFE.as_millis() as u64,
            "pollIntervalMs": POLL.as_millis() as u64,
        });
        for (name, value) in &self.detail {
            encode::set(&mut out, name, value.clone());
        }
        out
    }
}

fn iso(at: Timestamp) -> String {
    chrono::DateTime::from_timestamp_millis(at.as_millis())
        .map(|t| t.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
        .unwrap_or_default()
}

/// Tasks that run on this replica.
#[derive(Default)]
pub(super) struct Tasks {
    live: Mutex<HashMap<String, Handle>>,
}

#[derive(Clone, Default)]
struct Handle {
    cancel: CancellationToken,
    /// Rung when an answer came.
    bell: Arc<Notify>,
}

/// Whose tasks.
pub(super) struct Owner<'a> {
    pub(super) state: &'a McpState,
    pub(super) user: &'a UserKey,
    pub(super) service: &'a ServiceName,
}

impl Owner<'_> {
    fn context(&self, id: &str) -> String {
        format!("task|{}|{}|{id}", self.service, self.user)
    }

    async fn put(&self, id: &str, value: &(impl Serialize + Sync)) -> Result<(), StoreError> {
        // Records and JSON have no way to fail.
        let plain = serde_json::to_vec(value).unwrap_or_default();
        let sealed = self.state.cipher.seal(&self.context(id), &plain);
        self.state.store.put_handle(self.user, id, &sealed, LIFE).await
    }

    async fn read<T: for<'de> Deserialize<'de>>(&self, id: &str) -> Result<Option<T>, StoreError> {
        let Some(sealed) = self.state.store.handle(self.user, id).await? else { return Ok(None) };
        let plain = self.state.cipher.open(&self.context(id), &sealed).ok();
        Ok(plain.and_then(|plain| serde_json::from_slice(&plain).ok()))
    }

    /// A task of this user and service. Foreign and unknown ones are the same.
    async fn record(&self, id: &str) -> Result<Option<Record>, StoreError> {
        if !id.starts_with("task_") || id.len() > 64 || id.contains('.') {
            return Ok(None);
        }
        self.read(id).await
    }

    /// Whether a task can be asked about.
    pub(super) async fn knows(&self, id: &str) -> bool {
        matches!(self.record(id).await, Ok(Some(_)))
    }

    /// `tasks/get`: the members of the result.
    pub(super) async fn get(&self, id: &str) -> Result<Option<Value>, StoreError> {
        Ok(self.record(id).await?.map(|record| record.json()))
    }

    /// `tasks/update`: keeps the answers to open questions; others are ignored.
    pub(super) async fn update(&self, id: &str, given: &Map<String, Value>) -> Result<bool, StoreError> {
        let Some(record) = self.record(id).await? else { return Ok(false) };
        let open = record.detail.get("inputRequests").and_then(Value::as_object);
        for (key, value) in given {
            if open.is_some_and(|open| open.contains_key(key)) {
                self.put(&answer_id(id, key), value).await?;
            }
        }
        if let Some(handle) = self.state.tasks.live.lock().get(id) {
            handle.bell.notify_one();
        }
        Ok(true)
    }

    /// `tasks/cancel`; asking twice or too late changes nothing.
    pub(super) async fn cancel(&self, id: &str) -> Result<bool, StoreError> {
        let Some(mut record) = self.record(id).await? else { return Ok(false) };
        if !record.status.is_final() {
            self.settle(&mut record, Status::Cancelled, None).await?;
        }
        if let Some(handle) = self.state.tasks.live.lock().get(id) {
            handle.cancel.cancel();
        }
        Ok(true)
    }

    /// Writes a new status and tells who listens.
    async fn settle(
        &self,
        record: &mut Record,
        status: Status,
        detail: Option<(&str, Value)>,
    ) -> Result<(), StoreError> {
        record.status = status;
        record.updated_at = self.state.clock.now();
        record.detail = detail.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.put(&record.id, record).await?;
        self.state.hub.announce_task(self.service, &record.id, &record.json()).await;
        Ok(())
    }
}

fn answer_id(task: &str, key: &str) -> String {
    format!("{task}.{key}")
}

/// Turns a request into a task: the record stands before the client hears of it.
pub(super) async fn begin(flight: &mut Flight) -> Answer {
    let now = flight.state.clock.now();
    let id = format!("task_{}", random::text::<18>());
    let record = Record {
        id: id.clone(),
        status: Status::Working,
        created_at: now,
        updated_at: now,
        detail: Map::new(),
    };
    let owner = Owner { state: &flight.state, user: &flight.caller.user, service: &flight.ready.name };
    if let Err(error) = owner.put(&id, &record).await {
        let failed = ToolError::new(
            ToolErrorKind::UpstreamUnavailable { retry_after: Some(Duration::from_secs(2)) },
            "The server's store is unavailable for the moment. Please try again shortly.",
        );
        return flight.addressee().failed(&flight.work, &failed.with_source(error));
    }
    let handle = Handle::default();
    flight.state.tasks.live.lock().insert(id.clone(), handle.clone());
    let mut members = record.json();
    rt::spawn(run(
        Run {
            state: flight.state.clone(),
            service: flight.ready.name.clone(),
            close: flight.form.clone(),
            asked: Invocation {
                caller: flight.caller.clone(),
                outlet: Outlet {
                    sink: None,
                    features: flight.terms.features,
                    answers: Arc::new(flight.terms.answers.known.clone()),
                    resumed: flight.terms.answers.resumed,
                    is_task: true,
                },
                cancel: handle.cancel.clone(),
            },
            work: flight.work.clone(),
            handle,
        },
        record,
    ));
    flight.typed(&mut members, "task")
}

/// A task in progress.
struct Run {
    state: web::Data<McpState>,
    service: ServiceName,
    close: tool_result::Form,
    asked: Invocation,
    work: Work,
    handle: Handle,
}

async fn run(mut run: Run, mut record: Record) {
    let ended = AssertUnwindSafe(Box::pin(run.rounds(&mut record))).catch_unwind().await;
    let failure = match ended {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => {
            let error = json!({ "code": INTERNAL_ERROR, "message": RpcError::internal().message });
            run.owner()
                .settle(&mut record, Status::Failed, Some(("error", error)))
                .await
                .err()
                .map(|e| e.to_string())
        }
    };
    if let Some(failure) = failure {
        tracing::warn!(error = %failure, "a task could not keep its record");
    }
    run.state.tasks.live.lock().remove(&record.id);
}

impl Run {
    fn owner(&self) -> Owner<'_> {
        Owner { state: &self.state, user: &self.asked.caller.user, service: &self.service }
    }

    async fn rounds(&mut self, record: &mut Record) -> Result<(), StoreError> {
        loop {
            let result = self.attempt(&record.id).await?;
            if let Err(error) = &result
                && let ToolErrorKind::InputRequired { questions } = &error.kind
            {
                if !self.wait_for_answers(questions, record).await? {
                    return Ok(());
                }
                continue;
            }
            // Another replica may have taken the wish to cancel.
            let stands = self.owner().record(&record.id).await?;
            if stands.is_none_or(|stands| stands.status.is_final()) {
                return Ok(());
            }
            let (status, detail) = self.outcome(&result);
            return self.owner().settle(record, status, detail).await;
        }
    }

    /// One run of the work, watching for a cancellation that another replica took.
    async fn attempt(&self, id: &str) -> Result<Result<Done, ToolError>, StoreError> {
        let mut work = Box::pin(self.work.run(&self.state.dispatcher, &self.service, self.asked.clone()));
        loop {
            tokio::select! {
                result = &mut work => return Ok(result),
                () = tokio::time::sleep(POLL) => {
                    let stands = self.owner().record(id).await?;
                    if stands.is_some_and(|record| record.status == Status::Cancelled) {
                        self.handle.cancel.cancel();
                    }
                }
            }
        }
    }

    /// False when the task ended instead.
    async fn wait_for_answers(
        &mut self,
        questions: &[Question],
        record: &mut Record,
    ) -> Result<bool, StoreError> {
        let mut open = questions.to_vec();
        let mut answers = (*self.asked.outlet.answers).clone();
        let ask = |open: &[Question]| Some(("inputRequests", mrtr::requests(open)));
        self.owner().settle(record, Status::InputRequired, ask(&open)).await?;
        while !open.is_empty() {
            tokio::select! {
                () = self.handle.cancel.cancelled() => return Ok(false),
                () = self.handle.bell.notified() => {}
                () = tokio::time::sleep(POLL) => {}
            }
            match self.owner().record(&record.id).await? {
                Some(stands) if !stands.status.is_final() => {}
                Some(_) | None => return Ok(false),
            }
            let before = open.len();
            let mut left = Vec::new();
            for question in open {
                match self.owner().read::<Value>(&answer_id(&record.id, &question.key)).await? {
                    Some(value) => drop(answers.insert(question.key.clone(), value)),
                    None => left.push(question),
                }
            }
            open = left;
            if open.len() < before && !open.is_empty() {
                self.owner().settle(record, Status::InputRequired, ask(&open)).await?;
            }
        }
        self.asked.outlet.answers = Arc::new(answers);
        self.owner().settle(record, Status::Working, None).await?;
        Ok(true)
    }

    /// Only protocol errors fail a task; a result that tells of a failure completes it.
    fn outcome(&self, result: &Result<Done, ToolError>) -> (Status, Option<(&'static str, Value)>) {
        let failed = |message: &str, code: i32| {
            (Status::Failed, Some(("error", json!({ "code": code, "message": message }))))
        };
        let body = match result {
            Ok(Done::Tool(output)) => tool_result::success("0", output, &self.close),
            Ok(Done::Prompt { .. } | Done::Read(_) | Done::List(_) | Done::Complete { .. }) => {
                return failed("Only tools run as tasks.", INTERNAL_ERROR);
            }
            Err(error) => match tool_result::failure(error) {
                tool_result::Failure::Protocol(rpc) => return failed(&rpc.message, rpc.code),
                tool_result::Failure::Silent => return (Status::Cancelled, None),
                tool_result::Failure::Scope(_)
                | tool_result::Failure::SignIn
                | tool_result::Failure::Result => tool_result::error("0", error, &self.close),
            },
        };
        let mut body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let result = body.get_mut("result").map(Value::take).unwrap_or_default();
        (Status::Completed, Some(("result", result)))
    }
}

/// −32602 for a task that does not exist for the caller.
pub(super) fn unknown() -> RpcError {
    RpcError::new(INVALID_PARAMS, "There is no such task.")
}
