//! Registered clients.

use super::{Durability, EmbeddedStore};
use crate::adapters::{keys, records};
use crate::domain::client::ClientRecord;
use crate::domain::ids::ClientId;
use crate::ports::store::{ClientStore, StoreError};
use async_trait::async_trait;
use std::time::Duration;

#[async_trait]
impl ClientStore for EmbeddedStore {
    async fn register_client(
        &self,
        client: &ClientRecord,
        ttl: Duration,
    ) -> Result<ClientRecord, StoreError> {
        let value = records::encode("client", client)?;
        let fold = keys::fold(&client.digest);
        self.transact(Durability::Committed, |view| {
            if client.is_public() {
                if let Some(standing) = view.get(&fold) {
                    let standing: ClientRecord = records::decode("client", &standing)?;
                    view.extend(&fold, ttl);
                    view.extend(&keys::client(&standing.id), ttl);
                    return Ok(standing);
                }
                view.put(&fold, value.clone(), ttl);
            }
            view.put(&keys::client(&client.id), value, ttl);
            Ok(client.clone())
        })
        .await
    }

    async fn client(&self, id: &ClientId) -> Result<Option<ClientRecord>, StoreError> {
        self.get(&keys::client(id)).map(|bytes| records::decode("client", &bytes)).transpose()
    }

    async fn touch_client(&self, id: &ClientId, ttl: Duration) -> Result<(), StoreError> {
        let Some(client) = self.client(id).await? else { return Ok(()) };
        self.transact(Durability::Soon, |view| {
            view.extend(&keys::client(id), ttl);
            if client.is_public() {
                view.extend(&keys::fold(&client.digest), ttl);
            }
            Ok(())
        })
        .await
    }

    async fn replace_client(&self, client: &ClientRecord) -> Result<bool, StoreError> {
        let value = records::encode("client", client)?;
        let key = keys::client(&client.id);
        self.transact(Durability::Committed, |view| {
            let stands = view.get(&key).is_some();
            view.replace(&key, value);
            Ok(stands)
        })
        .await
    }

    async fn delete_client(&self, id: &ClientId) -> Result<(), StoreError> {
        let Some(client) = self.client(id).await? else { return Ok(()) };
        self.transact(Durability::Committed, |view| {
            view.delete(&keys::client(id));
            let fold = keys::fold(&client.digest);
            if let Some(standing) = view.get(&fold) {
                let standing: ClientRecord = records::decode("client", &standing)?;
                if standing.id == *id {
                    view.delete(&fold);
                }
            }
            Ok(())
        })
        .await
    }
}
