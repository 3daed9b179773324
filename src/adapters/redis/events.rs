//! Logs of streams: a list of messages, and a hash with the numbers.

use super::{RedisStore, millis};
use crate::adapters::keys;
use crate::domain::secret::Sealed;
use crate::ports::events::{Appended, Claim, Claiming, EventLog, LogLimits, LogName, LogPage};
use crate::ports::store::StoreError;
use async_trait::async_trait;
use redis::Cmd;
use std::time::Duration;

/// What `after.lua` answers: claim, gap, end, first number, messages.
type Page = (u64, bool, bool, u64, Vec<Vec<u8>>);

#[async_trait]
impl EventLog for RedisStore {
    async fn append(
        &self,
        log: LogName<'_>,
        payload: &Sealed,
        limits: &LogLimits,
        last: bool,
    ) -> Result<Option<Appended>, StoreError> {
        let mut call = self.scripts.append.call();
        call.key(keys::session(log.session)).key(keys::head(log)).key(keys::log(log));
        call.key(keys::streams(log.session)).arg(payload.as_bytes()).arg(limits.events).arg(limits.bytes);
        call.arg(millis(limits.ttl)).arg(log.stream).arg(u8::from(last));
        let answer: Option<(u64, u64)> = self.links.script_kept(&call).await?;
        Ok(answer.map(|(seq, epoch)| Appended { seq, epoch }))
    }

    async fn claim(
        &self,
        log: LogName<'_>,
        how: Claiming,
        ttl: Duration,
    ) -> Result<Option<Claim>, StoreError> {
        let mut call = self.scripts.claim.call();
        call.key(keys::session(log.session)).key(keys::head(log)).key(keys::log(log));
        call.key(keys::streams(log.session)).arg(millis(ttl)).arg(log.stream);
        call.arg(u8::from(how == Claiming::OrCreate));
        let answer: Option<(u64, u64)> = self.links.script(&call).await?;
        Ok(answer.map(|(epoch, last)| Claim { epoch, last }))
    }

    async fn after(
        &self,
        log: LogName<'_>,
        seq: u64,
        max: usize,
        ttl: Duration,
    ) -> Result<Option<LogPage>, StoreError> {
        let mut call = self.scripts.after.call();
        call.key(keys::head(log)).key(keys::log(log)).key(keys::streams(log.session));
        call.arg(seq).arg(max).arg(millis(ttl));
        let answer: Option<Page> = self.links.script(&call).await?;
        Ok(answer.map(|(epoch, gap, finished, first, events)| LogPage {
            epoch,
            gap,
            finished,
            events: (first..).zip(events.into_iter().map(Sealed::from_bytes)).collect(),
        }))
    }

    async fn finish(&self, log: LogName<'_>) -> Result<(), StoreError> {
        self.mark(log, "done", 1).await
    }

    async fn acknowledge(&self, log: LogName<'_>, seq: u64) -> Result<(), StoreError> {
        self.mark(log, "acked", seq).await
    }

    async fn acknowledged(&self, log: LogName<'_>) -> Result<Option<u64>, StoreError> {
        self.links.read(&Cmd::hget(keys::head(log), "acked")).await
    }
}

impl RedisStore {
    async fn mark(&self, log: LogName<'_>, field: &str, value: u64) -> Result<(), StoreError> {
        let mut call = self.scripts.mark.call();
        call.key(keys::head(log)).arg(field).arg(value);
        self.links.script::<u8>(&call).await.map(drop)
    }
}
