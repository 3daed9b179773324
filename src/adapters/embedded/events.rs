//! Logs of streams, and the bus, which never leaves the process.

use super::table::View;
use super::{Durability, EmbeddedStore};
use crate::adapters::{keys, records};
use crate::domain::secret::Sealed;
use crate::ports::events::{Appended, Bus, Claim, Claiming, EventLog, LogLimits, LogName, LogPage, Note};
use crate::ports::store::StoreError;
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::sync::broadcast;

/// Numbers of a log.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Head {
    /// Oldest entry that is kept; one past `last` when there is none.
    first: u64,
    last: u64,
    bytes: usize,
    epoch: u64,
    finished: bool,
    acked: Option<u64>,
}

fn entry(log: LogName<'_>, seq: u64) -> String {
    format!("{}:{seq:020}", keys::log(log))
}

fn read(view: &View<'_>, log: LogName<'_>) -> Result<Option<Head>, StoreError> {
    view.get(&keys::head(log)).map(|bytes| records::decode("stream head", &bytes)).transpose()
}

/// A new log counts on from the current time, so that no number is given out twice.
fn fresh(view: &View<'_>) -> Head {
    let last = u64::try_from(view.now().as_millis()).unwrap_or_default();
    Head { first: last + 1, last, bytes: 0, epoch: 0, finished: false, acked: None }
}

fn write(view: &mut View<'_>, log: LogName<'_>, head: &Head, ttl: Duration) -> Result<(), StoreError> {
    view.put(&keys::head(log), records::encode("stream head", head)?, ttl);
    Ok(())
}

fn alive(view: &View<'_>, log: LogName<'_>) -> bool {
    view.get(&keys::session(log.session)).is_some()
}

impl EmbeddedStore {
    async fn amend(&self, log: LogName<'_>, change: impl FnOnce(&mut Head) + Send) -> Result<(), StoreError> {
        self.transact(Durability::Soon, |view| {
            if let Some(mut head) = read(view, log)? {
                change(&mut head);
                view.replace(&keys::head(log), records::encode("stream head", &head)?);
            }
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl EventLog for EmbeddedStore {
    async fn append(
        &self,
        log: LogName<'_>,
        payload: &Sealed,
        limits: &LogLimits,
        last: bool,
    ) -> Result<Option<Appended>, StoreError> {
        self.transact(Durability::Committed, |view| {
            if !alive(view, log) {
                return Ok(None);
            }
            let mut head = read(view, log)?.unwrap_or_else(|| fresh(view));
            head.last += 1;
            head.bytes += payload.as_bytes().len();
            head.finished |= last;
            view.put(&entry(log, head.last), payload.as_bytes().to_vec(), limits.ttl);
            while head.first < head.last
                && (head.last - head.first >= limits.events as u64 || head.bytes > limits.bytes)
            {
                let oldest = entry(log, head.first);
                head.bytes -= view.get(&oldest).map_or(0, |bytes| bytes.len()).min(head.bytes);
                view.delete(&oldest);
                head.first += 1;
            }
            for seq in head.first..head.last {
                view.extend(&entry(log, seq), limits.ttl);
            }
            write(view, log, &head, limits.ttl)?;
            Ok(Some(Appended { seq: head.last, epoch: head.epoch }))
        })
        .await
    }

    async fn claim(
        &self,
        log: LogName<'_>,
        how: Claiming,
        ttl: Duration,
    ) -> Result<Option<Claim>, StoreError> {
        self.transact(Durability::Committed, |view| {
            let standing = read(view, log)?;
            if !alive(view, log) || (standing.is_none() && how == Claiming::Existing) {
                return Ok(None);
            }
            let mut head = standing.unwrap_or_else(|| fresh(view));
            head.epoch += 1;
            write(view, log, &head, ttl)?;
            Ok(Some(Claim { epoch: head.epoch, last: head.last }))
        })
        .await
    }

    async fn after(
        &self,
        log: LogName<'_>,
        seq: u64,
        max: usize,
        ttl: Duration,
    ) -> Result<Option<LogPage>, StoreError> {
        self.transact(Durability::Soon, |view| {
            let Some(head) = read(view, log)? else { return Ok(None) };
            view.slide(&keys::head(log), ttl);
            let from = head.first.max(seq.saturating_add(1));
            let to = head.last.min(from.saturating_add(max as u64).saturating_sub(1));
            let mut events = Vec::new();
            for at in from..=to {
                let key = entry(log, at);
                view.slide(&key, ttl);
                if let Some(bytes) = view.get(&key) {
                    events.push((at, Sealed::from_bytes(bytes.to_vec())));
                }
            }
            let gap = seq.saturating_add(1) < head.first || seq > head.last;
            let finished = head.finished && to.saturating_add(1).max(from) > head.last;
            Ok(Some(LogPage { epoch: head.epoch, events, gap, finished }))
        })
        .await
    }

    async fn finish(&self, log: LogName<'_>) -> Result<(), StoreError> {
        self.amend(log, |head| head.finished = true).await
    }

    async fn acknowledge(&self, log: LogName<'_>, seq: u64) -> Result<(), StoreError> {
        self.amend(log, |head| head.acked = Some(seq)).await
    }

    async fn acknowledged(&self, log: LogName<'_>) -> Result<Option<u64>, StoreError> {
        let head: Option<Head> =
            self.get(&keys::head(log)).map(|bytes| records::decode("stream head", &bytes)).transpose()?;
        Ok(head.and_then(|head| head.acked))
    }
}

#[async_trait]
impl Bus for EmbeddedStore {
    async fn publish(&self, topic: &'static str, message: Bytes) -> Result<(), StoreError> {
        self.topics.publish(topic, message);
        Ok(())
    }

    fn subscribe(&self, topic: &'static str) -> broadcast::Receiver<Note> {
        self.topics.subscribe(topic)
    }
}
