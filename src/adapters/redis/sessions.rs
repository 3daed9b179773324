//! MCP sessions and handles.

use super::{RedisStore, millis};
use crate::adapters::{keys, records};
use crate::domain::ids::{SessionId, UserKey};
use crate::domain::secret::Sealed;
use crate::domain::session::SessionRecord;
use crate::ports::store::{HandleStore, SessionStore, StoreError};
use async_trait::async_trait;
use redis::{Cmd, Expiry, Pipeline, cmd};
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

    async fn update_session(&self, session: &SessionRecord, ttl: Duration) -> Result<bool, StoreError> {
        let value = records::encode("session", session)?;
        let mut set = cmd("SET");
        set.arg(keys::session(&session.id)).arg(value).arg("XX").arg("PX").arg(millis(ttl));
        let replaced: Option<String> = self.links.read(&set).await?;
        Ok(replaced.is_some())
    }

    async fn crowded_out(
        &self,
        group: &str,
        newcomer: &SessionId,
        most: usize,
    ) -> Result<Vec<SessionId>, StoreError> {
        let key = keys::crowd(group);
        let mut join = Pipeline::with_capacity(3);
        join.sadd(&key, newcomer.as_str()).ignore();
        join.pexpire(&key, records::CROWD_LIFE.as_millis() as i64).ignore();
        join.smembers(&key);
        let (mut others,): (Vec<String>,) = self.links.pipe(&join).await?;
        others.retain(|id| id != newcomer.as_str());
        if others.len() < most {
            return Ok(Vec::new());
        }
        let mut look = Pipeline::with_capacity(others.len());
        for id in &others {
            look.pttl(keys::session(&SessionId::new(id.as_str())));
        }
        let lives: Vec<i64> = self.links.pipe(&look).await?;
        let (standing, mut gone): (Vec<_>, Vec<_>) =
            lives.into_iter().zip(others).partition(|(life, _)| *life > 0);
        let leaving = records::too_many(standing, most);
        gone.extend(leaving.iter().map(|id| (0, id.clone())));
        if !gone.is_empty() {
            let names: Vec<String> = gone.into_iter().map(|(_, id)| id).collect();
            self.links.write::<u64>(&Cmd::srem(&key, names)).await?;
        }
        Ok(leaving.into_iter().map(SessionId::new).collect())
    }

    async fn end_session(&self, id: &SessionId) -> Result<bool, StoreError> {
        let mut call = self.scripts.end_session.prepare_invoke();
        call.key(keys::session(id)).key(keys::streams(id)).arg(keys::of_session(id));
        self.links.script(&call).await
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
