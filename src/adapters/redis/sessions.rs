//! MCP sessions and handles.

use super::{RedisStore, millis};
use crate::adapters::records::Member;
use crate::adapters::{keys, records};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{SessionId, UserKey};
use crate::domain::secret::Sealed;
use crate::domain::session::SessionRecord;
use crate::ports::events::LogName;
use crate::ports::store::{Crowd, HandleStore, SessionStore, SessionUpdate, StoreError};
use async_trait::async_trait;
use redis::{Cmd, Expiry};
use std::time::Duration;

#[async_trait]
impl SessionStore for RedisStore {
    async fn put_session(&self, session: &SessionRecord, ttl: Duration) -> Result<(), StoreError> {
        self.put(&keys::session(&session.id), &records::encode("session", session)?, ttl).await
    }

    async fn session(&self, id: &SessionId, ttl: Duration) -> Result<Option<SessionRecord>, StoreError> {
        let get = Cmd::get_ex(keys::session(id), Expiry::PX(millis(ttl)));
        let bytes: Option<Vec<u8>> = self.links.read(&get).await?;
        bytes.map(|bytes| records::decode("session", &bytes)).transpose()
    }

    async fn update_session(
        &self,
        session: &SessionRecord,
        ttl: Duration,
    ) -> Result<SessionUpdate, StoreError> {
        let next = SessionRecord { revision: session.revision + 1, ..session.clone() };
        let mut call = self.scripts.update_session.call();
        call.key(keys::session(&session.id)).arg(session.revision);
        call.arg(records::encode("session", &next)?).arg(millis(ttl));
        Ok(match self.links.script_kept::<u8>(&call).await? {
            0 => SessionUpdate::Ended,
            1 => SessionUpdate::Stale,
            _ => SessionUpdate::Done,
        })
    }

    async fn crowded_out(
        &self,
        crowd: Crowd<'_>,
        newcomer: &SessionId,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        let key = keys::crowd(crowd.name);
        let mut join = self.scripts.join_crowd.call();
        join.key(&key).arg(newcomer.as_str()).arg(now.as_millis()).arg(millis(records::CROWD_LIFE));
        let members: usize = self.links.script_again(&join).await?;
        // Mostly there is room, and nobody has to be looked at.
        if members <= crowd.most {
            return Ok(Vec::new());
        }
        let mut others: Vec<(String, i64)> = self.links.read(&Cmd::zrange_withscores(&key, 0, -1)).await?;
        others.retain(|(id, _)| id != newcomer.as_str());
        let lives = others.iter().map(|(id, _)| Cmd::pttl(keys::session(&SessionId::new(id.as_str()))));
        let left: Vec<i64> = self.links.read_all(&lives.collect::<Vec<_>>()).await?;
        let (mut standing, mut leaving) = (Vec::new(), Vec::new());
        for ((id, joined), left) in others.into_iter().zip(left) {
            match u64::try_from(left) {
                Ok(left) => standing.push(Member {
                    id,
                    joined: Timestamp::from_millis(joined),
                    left: Duration::from_millis(left),
                }),
                // Redis answers a negative number for what is gone.
                Err(_) => leaving.push(id),
            }
        }
        let crowded = records::too_many(standing, crowd, now);
        leaving.extend(crowded.iter().cloned());
        if !leaving.is_empty() {
            self.links.write::<u64>(&Cmd::zrem(&key, leaving)).await?;
        }
        Ok(crowded.into_iter().map(SessionId::new).collect())
    }

    async fn end_session(&self, id: &SessionId) -> Result<bool, StoreError> {
        let mut streams: Vec<String> = self.links.read(&Cmd::smembers(keys::streams(id))).await?;
        let mut ended = false;
        loop {
            let mut call = self.scripts.end_session.call();
            call.key(keys::session(id)).key(keys::streams(id));
            for stream in &streams {
                let log = LogName { session: id, stream };
                call.key(keys::head(log)).key(keys::log(log)).arg(stream);
            }
            let (sessions, left): (u64, Vec<String>) = self.links.script_kept(&call).await?;
            ended |= sessions > 0;
            // Those that began since the names were read; from the first run on none begins.
            if left.is_empty() {
                return Ok(ended);
            }
            streams = left;
        }
    }
}

#[async_trait]
impl HandleStore for RedisStore {
    async fn put_handle(
        &self,
        user: &UserKey,
        id: &str,
        value: &Sealed,
        ttl: Duration,
    ) -> Result<(), StoreError> {
        self.put(&keys::handle(user, id), value.as_bytes(), ttl).await
    }

    async fn handle(&self, user: &UserKey, id: &str) -> Result<Option<Sealed>, StoreError> {
        Ok(self.get(&keys::handle(user, id)).await?.map(Sealed::from_bytes))
    }
}
