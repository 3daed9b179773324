//! The tasks extension of 2026-07-28 (`io.modelcontextprotocol/tasks`): calls that go on after their answer.
//!
//! # Shape
//! The record lies in the store under the user, sealed, and changes by compare-and-swap until it is final. The replica
//! that runs a task holds a lease on it. A task without a lease is one whose replica died: whoever asks about it next
//! ends it as failed. Answers lie beside the record, so that any replica takes them; the bus wakes the runner.

mod record;
mod run;

use self::record::{PREFIX, Record, Status};
use self::run::{Run, failed};
use super::error::{INTERNAL_ERROR, INVALID_PARAMS, RpcError};
use super::exchange::Answer;
use super::flight::Flight;
use super::hold;
use super::state::McpState;
use crate::domain::ids::{ServiceName, UserKey};
use crate::domain::random;
use crate::ports::hearing::{Hears, follow};
use crate::ports::store::{Store, StoreError};
use crate::tools::error::{ToolError, ToolErrorKind};
use actix_web::{rt, web};
use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;

pub(super) use self::record::Owner;

/// Name of the extension.
pub(super) const EXTENSION: &str = "io.modelcontextprotocol/tasks";
/// Where the ids of tasks are announced that their runner should look at.
const TOPIC: &str = "tasks";

/// Tasks that run on this replica, each with the bell that makes its runner look at the store.
#[derive(Default)]
pub(super) struct Tasks {
    live: Mutex<HashMap<String, Arc<Notify>>>,
}

impl Tasks {
    /// An empty table that hears of the other replicas. Must run inside a runtime.
    pub(super) fn start(store: &Arc<dyn Store>) -> Arc<Self> {
        let tasks = Arc::new(Self::default());
        follow(store.subscribe(TOPIC), &tasks);
        tasks
    }

    fn runs(&self, id: &str) -> bool {
        self.live.lock().contains_key(id)
    }

    fn ring(&self, id: &str) {
        if let Some(bell) = self.live.lock().get(id) {
            bell.notify_one();
        }
    }
}

#[async_trait]
impl Hears for Tasks {
    async fn heard(&self, id: Bytes) {
        self.ring(&String::from_utf8_lossy(&id));
    }

    async fn missed(&self) {
        for bell in self.live.lock().values() {
            bell.notify_one();
        }
    }
}

/// A task's place in the table; given back when dropped.
struct Live {
    tasks: Arc<Tasks>,
    id: String,
    bell: Arc<Notify>,
}

impl Live {
    fn enter(tasks: &Arc<Tasks>, id: &str) -> Self {
        let bell = Arc::<Notify>::default();
        tasks.live.lock().insert(id.to_owned(), Arc::clone(&bell));
        Self { tasks: Arc::clone(tasks), id: id.to_owned(), bell }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.tasks.live.lock().remove(&self.id);
    }
}

impl Owner<'_> {
    /// Whether a task can be asked about.
    pub(super) async fn knows(&self, id: &str) -> bool {
        matches!(self.record(id).await, Ok(Some(_)))
    }

    /// `tasks/get`: the members of the result.
    pub(super) async fn get(&self, id: &str) -> Result<Option<Value>, StoreError> {
        Ok(self.seen(id).await?.map(|record| record.json()))
    }

    /// The record as it stands, after a look whether anybody runs the task.
    async fn seen(&self, id: &str) -> Result<Option<Record>, StoreError> {
        let Some(record) = self.record(id).await? else { return Ok(None) };
        Ok(Some(if self.is_orphan(&record).await? { self.bury(record).await? } else { record }))
    }

    /// Whether a task has not ended; one whose replica died ends here.
    async fn goes_on(&self, id: &str) -> bool {
        match self.seen(id).await {
            Ok(record) => record.is_some_and(|record| !record.status.is_final()),
            Err(_) => true,
        }
    }

    /// Whether nobody runs a task any more that should be running.
    async fn is_orphan(&self, record: &Record) -> Result<bool, StoreError> {
        if record.status.is_final() || self.state.tasks.runs(&record.id) {
            return Ok(false);
        }
        hold::inherit(self.state.store.as_ref(), &self.name(&record.id)).await
    }

    /// Ends a task whose replica died; one that ended in time stays as it is.
    async fn bury(&self, record: Record) -> Result<Record, StoreError> {
        let message =
            "The server that ran this task stopped before it was done. Please start the task again.";
        match self.settle(&record.id, &failed(message, INTERNAL_ERROR)).await? {
            Some(ended) => Ok(ended),
            None => Ok(self.record(&record.id).await?.unwrap_or(record)),
        }
    }

    /// `tasks/update`: keeps the answers to open questions; others are ignored.
    pub(super) async fn update(&self, id: &str, given: &Map<String, Value>) -> Result<bool, StoreError> {
        let Some(record) = self.record(id).await? else { return Ok(false) };
        let open = record.detail.get("inputRequests").and_then(Value::as_object);
        for (key, value) in given {
            if open.is_some_and(|open| open.contains_key(key)) {
                self.keep_answer(id, key, value).await?;
            }
        }
        self.wake(id).await;
        Ok(true)
    }

    /// `tasks/cancel`; asking twice or too late changes nothing.
    pub(super) async fn cancel(&self, id: &str) -> Result<bool, StoreError> {
        if self.settle(id, &(Status::Cancelled, None)).await?.is_none() {
            return Ok(self.record(id).await?.is_some());
        }
        self.wake(id).await;
        Ok(true)
    }

    /// Makes the runner look, wherever it is; without the bus it looks by itself, later.
    async fn wake(&self, id: &str) {
        self.state.tasks.ring(id);
        if let Err(error) = self.state.store.publish(TOPIC, Bytes::copy_from_slice(id.as_bytes())).await {
            tracing::warn!(%error, "the runner of a task was not woken");
        }
    }
}

/// Turns a request into a task: lease and record stand before the client hears of it.
pub(super) async fn begin(flight: &mut Flight) -> Answer {
    let id = format!("{PREFIX}{}", random::text::<18>());
    let record = Record::new(id, flight.state.clock.now());
    let run = Run::new(flight, &record.id);
    if let Err(error) = run.hold_and_keep(&record).await {
        let refused = ToolError::new(
            ToolErrorKind::UpstreamUnavailable { retry_after: Some(Duration::from_secs(2)) },
            "The server's store is unavailable for the moment. Please try again shortly.",
        );
        return flight.addressee().failed(&flight.work, &refused.with_source(error));
    }
    rt::spawn(run.finish());
    flight.typed(&mut record.json(), "task")
}

/// Looks after tasks that somebody listens to until the last has ended: that their replica died is news from nobody
/// else.
pub(super) async fn watch(
    state: web::Data<McpState>,
    user: UserKey,
    service: ServiceName,
    mut ids: Vec<String>,
) {
    while !ids.is_empty() {
        sleep(hold::LEASE).await;
        let owner = Owner { state: &state, user: &user, service: &service };
        let mut open = Vec::new();
        for id in ids {
            if owner.goes_on(&id).await {
                open.push(id);
            }
        }
        ids = open;
    }
}

/// −32602 for a task that does not exist for the caller.
pub(super) fn unknown() -> RpcError {
    RpcError::new(INVALID_PARAMS, "There is no such task.")
}
