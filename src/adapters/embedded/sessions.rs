//! MCP sessions and handles.

use super::{Durability, EmbeddedStore};
use crate::adapters::{keys, records};
use crate::domain::ids::{SessionId, UserKey};
use crate::domain::secret::Sealed;
use crate::domain::session::SessionRecord;
use crate::ports::store::{HandleStore, SessionStore, StoreError};
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

    async fn update_session(&self, session: &SessionRecord, ttl: Duration) -> Result<bool, StoreError> {
        let key = keys::session(&session.id);
        let value = records::encode("session", session)?;
        self.transact(Durability::Committed, |view| {
            let stands = view.get(&key).is_some();
            if stands {
                view.put(&key, value, ttl);
            }
            Ok(stands)
        })
        .await
    }

    async fn crowded_out(
        &self,
        group: &str,
        newcomer: &SessionId,
        most: usize,
    ) -> Result<Vec<SessionId>, StoreError> {
        let key = keys::crowd(group);
        self.transact(Durability::Soon, |view| {
            let known = view.get(&key).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            let mut standing: Vec<(i64, String)> = known
                .iter()
                .flat_map(|text| text.lines())
                .filter(|id| *id != newcomer.as_str())
                .filter_map(|id| {
                    let until = view.expiry(&keys::session(&SessionId::new(id)))?;
                    Some((until.as_millis(), id.to_owned()))
                })
                .collect();
            let leaving = records::too_many(standing.clone(), most);
            standing.retain(|(_, id)| !leaving.contains(id));
            let stay = standing.iter().map(|(_, id)| id.as_str()).chain([newcomer.as_str()]);
            view.put(&key, stay.collect::<Vec<_>>().join("\n").into_bytes(), records::CROWD_LIFE);
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
        self.transact(Durability::Soon, |view| {
            view.put(&key, value.as_bytes().to_vec(), ttl);
            Ok(())
        })
        .await
    }

    async fn handle(&self, user: &UserKey, id: &str) -> Result<Option<Sealed>, StoreError> {
        Ok(self.get(&keys::handle(user, id)).map(|bytes| Sealed::from_bytes(bytes.to_vec())))
    }
}
