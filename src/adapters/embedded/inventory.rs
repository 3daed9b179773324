//! Looking through the table, in the order of its keys.

use super::EmbeddedStore;
use crate::adapters::{keys, records};
use crate::domain::client::ClientRecord;
use crate::domain::grant::GrantRecord;
use crate::domain::ids::UserKey;
use crate::domain::session::SessionRecord;
use crate::ports::inventory::{Inventory, Page, Walk, Walked};
use crate::ports::store::{GrantStore, StoreError};
use async_trait::async_trait;
use std::sync::Arc;

/// Keys that one page looks at, at most: the lock is held meanwhile.
const LOOKS: usize = 5_000;

#[async_trait]
impl Inventory for EmbeddedStore {
    async fn clients(&self, walk: Walk<'_>) -> Walked<ClientRecord> {
        self.walk(walk, keys::CLIENTS, |_, value| records::decode("client", value).map(Some))
    }

    async fn grants(&self, walk: Walk<'_>) -> Walked<GrantRecord> {
        let named = self.walk(walk, keys::GRANTS, |key, _| Ok(keys::grant_of_info(key)))?;
        let Some(Page { items, next }) = named else { return Ok(None) };
        let mut grants = Vec::with_capacity(items.len());
        for id in items {
            grants.extend(self.grant(&id).await?);
        }
        Ok(Some(Page { items: grants, next }))
    }

    async fn sessions(&self, walk: Walk<'_>) -> Walked<SessionRecord> {
        self.walk(walk, keys::SESSIONS, |key, value| {
            if keys::is_session(key) { records::decode("session", value).map(Some) } else { Ok(None) }
        })
    }

    async fn users(&self, walk: Walk<'_>) -> Walked<UserKey> {
        let page = self.walk(walk, keys::USERS, |key, _| Ok(keys::user_of_entry(key)))?;
        Ok(page.map(|mut page| {
            // One key per grant, so a user's keys are neighbours.
            page.items.dedup();
            page
        }))
    }
}

impl EmbeddedStore {
    /// A page of what `read` makes of the keys under `prefix`.
    fn walk<T>(
        &self,
        walk: Walk<'_>,
        prefix: &str,
        read: impl Fn(&str, &[u8]) -> Result<Option<T>, StoreError>,
    ) -> Walked<T> {
        let from = walk.from.unwrap_or(prefix);
        if !from.starts_with(prefix) {
            return Ok(None);
        }
        let (table, now) = (self.table.lock(), self.clock.now());
        let (mut items, mut last) = (Vec::new(), None::<Arc<str>>);
        for (looked, (key, value)) in table.beyond(from, now).enumerate() {
            if !key.starts_with(prefix) {
                break;
            }
            if items.len() >= walk.about || looked >= LOOKS {
                return Ok(Some(Page { items, next: last.map(|key| key.to_string()) }));
            }
            items.extend(read(key, value)?);
            last = Some(Arc::clone(key));
        }
        Ok(Some(Page { items, next: None }))
    }
}
