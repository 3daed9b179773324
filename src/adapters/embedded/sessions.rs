//! MCP sessions and handles.

use super::{Durability, EmbeddedStore};
use crate::adapters::records::Member;
use crate::adapters::{keys, records};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{SessionId, UserKey};
use crate::domain::secret::Sealed;
use crate::domain::session::SessionRecord;
use crate::ports::store::{Crowd, HandleStore, SessionStore, SessionUpdate, StoreError};
use async_trait::async_trait;
use std::time::Duration;

#[async_trait]
impl SessionStore for EmbeddedStore {
    async fn put_session(&self, session: &SessionRecord, ttl: Duration) -> Result<(), StoreError> {
        self.put(keys::session(&session.id), records::encode("session", session)?, ttl).await
    }

    async fn session(&self, id: &SessionId, ttl: Duration) -> Result<Option<SessionRecord>, StoreError> {
        let key = keys::session(id);
        let value = self
            .transact(Durability::Soon, |view| {
                view.slide(&key, ttl);
                Ok(view.get(&key))
            })
            .await?;
        value.map(|bytes| records::decode("session", &bytes)).transpose()
    }

    async fn update_session(
        &self,
        session: &SessionRecord,
        ttl: Duration,
    ) -> Result<SessionUpdate, StoreError> {
        let key = keys::session(&session.id);
        let next = SessionRecord { revision: session.revision + 1, ..session.clone() };
        let value = records::encode("session", &next)?;
        self.transact(Durability::Committed, |view| {
            let Some(bytes) = view.get(&key) else { return Ok(SessionUpdate::Ended) };
            if records::decode::<SessionRecord>("session", &bytes)?.revision != session.revision {
                return Ok(SessionUpdate::Stale);
            }
            view.put(&key, value, ttl);
            Ok(SessionUpdate::Done)
        })
        .await
    }

    async fn crowded_out(
        &self,
        crowd: Crowd<'_>,
        newcomer: &SessionId,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        let key = keys::crowd(crowd.name);
        self.transact(Durability::Soon, |view| {
            let known: Vec<(String, Timestamp)> = match view.get(&key) {
                Some(bytes) => records::decode("group of sessions", &bytes)?,
                None => Vec::new(),
            };
            let here = view.now();
            let mut members: Vec<Member> = Vec::new();
            for (id, joined) in known {
                if id != newcomer.as_str()
                    && let Some(until) = view.expiry(&keys::session(&SessionId::new(id.as_str())))
                {
                    members.push(Member { id, joined, left: until.since(here) });
                }
            }
            let leaving = records::too_many(members.clone(), crowd, now);
            members.retain(|member| !leaving.contains(&member.id));
            let mut stay: Vec<_> = members.into_iter().map(|member| (member.id, member.joined)).collect();
            stay.push((newcomer.as_str().to_owned(), now));
            view.put(&key, records::encode("group of sessions", &stay)?, records::CROWD_LIFE);
            Ok(leaving.into_iter().map(SessionId::new).collect())
        })
        .await
    }

    async fn end_session(&self, id: &SessionId) -> Result<bool, StoreError> {
        let key = keys::session(id);
        let all = keys::of_session(id);
        self.transact(Durability::Committed, |view| {
            let stood = view.delete(&key);
            for rest in view.under(&all) {
                view.delete(&rest);
            }
            Ok(stood)
        })
        .await
    }
}

#[async_trait]
impl HandleStore for EmbeddedStore {
    async fn put_handle(
        &self,
        user: &UserKey,
        id: &str,
        value: &Sealed,
        ttl: Duration,
    ) -> Result<(), StoreError> {
        let key = keys::handle(user, id);
        self.transact(Durability::Committed, |view| {
            view.put(&key, value.as_bytes().to_vec(), ttl);
            Ok(())
        })
        .await
    }

    async fn handle(&self, user: &UserKey, id: &str) -> Result<Option<Sealed>, StoreError> {
        Ok(self.get(&keys::handle(user, id)).map(|bytes| Sealed::from_bytes(bytes.to_vec())))
    }
}
