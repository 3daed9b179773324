//! Looking through the keys with SCAN, some at a time.

use super::RedisStore;
use super::census::Scan;
use crate::adapters::{keys, records};
use crate::domain::client::ClientRecord;
use crate::domain::grant::GrantRecord;
use crate::domain::ids::UserKey;
use crate::domain::session::SessionRecord;
use crate::ports::inventory::{Inventory, Page, Walk, Walked};
use crate::ports::store::{ClientStore, GrantStore};
use async_trait::async_trait;
use redis::Cmd;

/// Steps that one page takes, at most.
const STEPS: usize = 40;

#[async_trait]
impl Inventory for RedisStore {
    async fn clients(&self, walk: Walk<'_>) -> Walked<ClientRecord> {
        let named = self.walk(walk, &format!("{}*", keys::CLIENTS), keys::client_of_key).await?;
        let Some(Page { items, next }) = named else { return Ok(None) };
        let mut clients = Vec::with_capacity(items.len());
        for id in items {
            clients.extend(self.client(&id).await?);
        }
        Ok(Some(Page { items: clients, next }))
    }

    async fn grants(&self, walk: Walk<'_>) -> Walked<GrantRecord> {
        let named = self.walk(walk, &format!("{}*}}:info", keys::GRANTS), keys::grant_of_info).await?;
        let Some(Page { items, next }) = named else { return Ok(None) };
        let mut grants = Vec::with_capacity(items.len());
        for id in items {
            grants.extend(self.grant(&id).await?);
        }
        Ok(Some(Page { items: grants, next }))
    }

    async fn sessions(&self, walk: Walk<'_>) -> Walked<SessionRecord> {
        let pattern = format!("{}*}}:session", keys::SESSIONS);
        let named = self.walk(walk, &pattern, |key| Some(key.to_owned())).await?;
        let Some(Page { items, next }) = named else { return Ok(None) };
        let mut sessions = Vec::with_capacity(items.len());
        for key in items {
            // Not `GETEX`: an operator who looks is no use of the session.
            let value: Option<Vec<u8>> = self.links.read(&Cmd::get(key)).await?;
            sessions.extend(value.map(|bytes| records::decode("session", &bytes)).transpose()?);
        }
        Ok(Some(Page { items: sessions, next }))
    }

    async fn users(&self, walk: Walk<'_>) -> Walked<UserKey> {
        self.walk(walk, &format!("{}*", keys::USERS), keys::user_of_key).await
    }
}

impl RedisStore {
    /// A page of what `read` makes of the keys that match. It ends with a step, so it may hold somewhat more than was
    /// asked for: the cursor of Redis cannot stop within one.
    async fn walk<T>(
        &self,
        walk: Walk<'_>,
        pattern: &str,
        read: impl Fn(&str) -> Option<T> + Send,
    ) -> Walked<T>
    where
        T: Send,
    {
        let scan = match walk.from {
            None => Some(Scan::start(&self.links, pattern).await?),
            Some(place) => Scan::resume(&self.links, pattern, place).await?,
        };
        let Some(mut scan) = scan else { return Ok(None) };
        let mut items = Vec::new();
        for _ in 0..STEPS {
            let Some(found) = scan.next().await? else { break };
            items.extend(found.iter().filter_map(|key| read(key)));
            if items.len() >= walk.about {
                break;
            }
        }
        Ok(Some(Page { items, next: scan.place() }))
    }
}
