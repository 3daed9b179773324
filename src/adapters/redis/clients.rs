//! Registered clients. A public client is kept twice: under its id and as the fold of its metadata digest. The two
//! keys lie in different slots, so they are written one after the other in an order that needs no transaction: the
//! fold decides, and whoever is answered a client has seen it stored. Both hold the same sealed bytes, so what binds
//! them to their keys is the id and the digest inside.

use super::{RedisStore, millis};
use crate::adapters::keys;
use crate::domain::client::ClientRecord;
use crate::domain::ids::ClientId;
use crate::ports::store::{ClientStore, StoreError};
use async_trait::async_trait;
use redis::cmd;
use std::time::Duration;

const RECORD: &str = "client";

#[async_trait]
impl ClientStore for RedisStore {
    async fn register_client(
        &self,
        client: &ClientRecord,
        ttl: Duration,
    ) -> Result<ClientRecord, StoreError> {
        let value = self.seal(RECORD, keys::CLIENT_PLACE, client)?;
        if !client.is_public() {
            self.put(&keys::client(&client.id), &value, ttl).await?;
            return Ok(client.clone());
        }
        let fold = keys::fold(&client.digest);
        let mut call = self.scripts.register_client.call();
        call.key(&fold).arg(&value).arg(millis(ttl));
        let standing: Vec<u8> = self.links.script_kept(&call).await?;
        let found: Option<ClientRecord> = self.unseal(RECORD, keys::CLIENT_PLACE, &standing)?;
        let (client, standing) = if let Some(found) = found.filter(|found| found.digest == client.digest) {
            (found, standing)
        } else {
            // Forged, or sealed with a key that has left the ring: nobody can use it, so it gives way.
            self.put(&fold, &value, ttl).await?;
            (client.clone(), value)
        };
        let key = keys::client(&client.id);
        // A folded one may be older and live longer: written if absent, then extended.
        let mut set = cmd("SET");
        set.arg(&key).arg(&standing).arg("NX").arg("PX").arg(millis(ttl));
        let _: Option<String> = self.links.read(&set).await?;
        self.extend(&key, ttl).await?;
        Ok(client)
    }

    async fn client(&self, id: &ClientId) -> Result<Option<ClientRecord>, StoreError> {
        let Some(bytes) = self.get(&keys::client(id)).await? else { return Ok(None) };
        let client: Option<ClientRecord> = self.unseal(RECORD, keys::CLIENT_PLACE, &bytes)?;
        Ok(client.filter(|client| client.id == *id))
    }

    async fn touch_client(&self, id: &ClientId, ttl: Duration) -> Result<(), StoreError> {
        let Some(client) = self.client(id).await? else { return Ok(()) };
        if client.is_public() {
            self.extend(&keys::fold(&client.digest), ttl).await?;
        }
        self.extend(&keys::client(id), ttl).await
    }

    async fn replace_client(&self, client: &ClientRecord) -> Result<bool, StoreError> {
        let value = self.seal(RECORD, keys::CLIENT_PLACE, client)?;
        let mut set = cmd("SET");
        set.arg(keys::client(&client.id)).arg(&value).arg("XX").arg("KEEPTTL");
        let done: Option<String> = self.links.read(&set).await?;
        Ok(done.is_some())
    }

    async fn delete_client(&self, id: &ClientId) -> Result<(), StoreError> {
        let key = keys::client(id);
        let Some(bytes) = self.get(&key).await? else { return Ok(()) };
        let client: Option<ClientRecord> = self.unseal(RECORD, keys::CLIENT_PLACE, &bytes)?;
        if let Some(client) = client.filter(ClientRecord::is_public) {
            let mut call = self.scripts.end_client.call();
            call.key(keys::fold(&client.digest)).arg(bytes);
            self.links.script::<()>(&call).await?;
        }
        self.links.write(&redis::Cmd::del(key)).await
    }
}

impl RedisStore {
    /// Lets a record live `life` from now, unless it lives longer anyway.
    async fn extend(&self, key: &str, life: Duration) -> Result<(), StoreError> {
        self.links.read(cmd("PEXPIRE").arg(key).arg(millis(life)).arg("GT")).await
    }
}
