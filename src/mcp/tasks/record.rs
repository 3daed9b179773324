//! Records of tasks, as the store keeps them and as clients see them.

use super::super::encode;
use super::super::state::McpState;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{ServiceName, UserKey};
use crate::domain::secret::Sealed;
use crate::ports::store::{StoreError, Swap};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How long a task can be asked about.
const LIFE: Duration = Duration::from_hours(1);
/// How often clients should ask.
const POLL: Duration = Duration::from_millis(500);
/// How all ids begin, and how long they may be.
pub(super) const PREFIX: &str = "task_";
const MAX_ID: usize = 64;

/// State of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Working,
    InputRequired,
    Completed,
    Failed,
    Cancelled,
}

impl Status {
    pub(super) fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// A new status and what belongs to it: `inputRequests`, `result` or `error`.
pub(super) type Outcome = (Status, Option<(&'static str, Value)>);

/// A task as the store keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) status: Status,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// `inputRequests`, `result` or `error`, by status.
    #[serde(default)]
    pub(super) detail: Map<String, Value>,
}

impl Record {
    pub(super) fn new(id: String, now: Timestamp) -> Self {
        Self { id, status: Status::Working, created_at: now, updated_at: now, detail: Map::new() }
    }

    /// The members of a task on the wire.
    pub(super) fn json(&self) -> Value {
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

/// Whose tasks.
#[derive(Clone, Copy)]
pub(in crate::mcp) struct Owner<'a> {
    pub(in crate::mcp) state: &'a McpState,
    pub(in crate::mcp) user: &'a UserKey,
    pub(in crate::mcp) service: &'a ServiceName,
}

impl Owner<'_> {
    /// Names the record and its lease, and binds the seals: a task is found by its own user only.
    pub(super) fn name(&self, id: &str) -> String {
        format!("task|{}|{}|{id}", self.service, self.user)
    }

    fn seal(&self, id: &str, value: &impl Serialize) -> Sealed {
        // Records and JSON have no way to fail.
        self.state.cipher.seal(&self.name(id), &serde_json::to_vec(value).unwrap_or_default())
    }

    fn open<T: for<'de> Deserialize<'de>>(&self, id: &str, sealed: &Sealed) -> Option<T> {
        let plain = self.state.cipher.open(&self.name(id), sealed).ok()?;
        serde_json::from_slice(&plain).ok()
    }

    /// The record and its version. Foreign and unknown ones are the same.
    async fn stored(&self, id: &str) -> Result<Option<(Record, u64)>, StoreError> {
        if !id.starts_with(PREFIX) || id.len() > MAX_ID || id.contains('.') {
            return Ok(None);
        }
        let shared = self.state.store.shared(&self.name(id)).await?;
        Ok(shared.and_then(|kept| Some((self.open(id, &kept.sealed)?, kept.version))))
    }

    /// A task of this user and service.
    pub(super) async fn record(&self, id: &str) -> Result<Option<Record>, StoreError> {
        Ok(self.stored(id).await?.map(|(record, _)| record))
    }

    /// Writes a task that nobody knows of yet.
    pub(super) async fn create(&self, record: &Record) -> Result<(), StoreError> {
        let sealed = self.seal(&record.id, record);
        self.state.store.swap_shared(&self.name(&record.id), 0, &sealed, LIFE).await.map(drop)
    }

    /// Writes a new status and tells who listens; `None` when the task has ended already, as ends are final.
    pub(super) async fn settle(&self, id: &str, to: &Outcome) -> Result<Option<Record>, StoreError> {
        loop {
            let Some((mut record, version)) = self.stored(id).await? else { return Ok(None) };
            if record.status.is_final() {
                return Ok(None);
            }
            let (status, detail) = to;
            record.status = *status;
            record.updated_at = self.state.clock.now();
            record.detail = detail.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            let sealed = self.seal(id, &record);
            match self.state.store.swap_shared(&self.name(id), version, &sealed, LIFE).await? {
                Swap::Done => {
                    self.state.hub.announce_task(self.service, id, &record.json()).await;
                    return Ok(Some(record));
                }
                Swap::Conflict { .. } => {}
            }
        }
    }

    /// Keeps the answer to a question of the task beside its record: any replica takes it, one reads it.
    pub(super) async fn keep_answer(&self, id: &str, key: &str, answer: &Value) -> Result<(), StoreError> {
        let place = answer_id(id, key);
        let sealed = self.seal(&place, answer);
        self.state.store.put_handle(self.user, &place, &sealed, LIFE).await
    }

    pub(super) async fn answer(&self, id: &str, key: &str) -> Result<Option<Value>, StoreError> {
        let place = answer_id(id, key);
        let kept = self.state.store.handle(self.user, &place).await?;
        Ok(kept.and_then(|sealed| self.open(&place, &sealed)))
    }
}

fn answer_id(task: &str, key: &str) -> String {
    format!("{task}.{key}")
}
