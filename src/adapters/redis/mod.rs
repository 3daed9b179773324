//! The store of replicas: Redis 7 or newer, also read as Valkey. Every verb is one command or one script.
//!
//! Expiry is counted by Redis, and the moments inside records come from the store's clock, which is that of Redis too:
//! replicas whose clocks differ agree.

mod bus;
mod census;
mod clients;
mod events;
mod flows;
mod grants;
mod inventory;
mod link;
mod recent;
mod resealing;
mod scripts;
mod sealed;
mod sessions;
mod shared;
mod time;
mod upstream;

use crate::domain::cipher::Cipher;
use crate::domain::clock::SharedClock;
use crate::ports::store::{Store, StoreError};
use async_trait::async_trait;
use bus::Listener;
use link::Links;
use redis::Cmd;
use scripts::Scripts;
use std::sync::Arc;
use std::time::Duration;
use time::StoreTime;

/// The Redis store. One object serves all threads; each thread gets a connection of its own.
pub(crate) struct RedisStore {
    links: Links,
    scripts: Scripts,
    cipher: Cipher,
    listener: Listener,
    time: Arc<StoreTime>,
}

impl RedisStore {
    #[cfg(test)]
    pub(crate) fn connect(url: &str, cipher: Cipher) -> Result<Self, StoreError> {
        Self::connect_from(url, cipher, Arc::new(crate::domain::clock::SystemClock))
    }

    /// Checks `url` (`redis://` or `rediss://`) and prepares for it, from a machine with the clock `local`. Connects with
    /// the first command only, so a server starts while Redis is away and serves when it is back.
    pub(crate) fn connect_from(url: &str, cipher: Cipher, local: SharedClock) -> Result<Self, StoreError> {
        Ok(Self {
            links: Links::new(url)?,
            scripts: Scripts::new(),
            cipher,
            listener: Listener::default(),
            time: Arc::new(StoreTime::new(local)),
        })
    }

    /// Reads one value.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.links.read(&Cmd::get(key)).await
    }

    /// Writes one value.
    async fn put(&self, key: &str, value: &[u8], life: Duration) -> Result<(), StoreError> {
        self.links.write(&Cmd::pset_ex(key, value, millis(life))).await
    }
}

#[async_trait]
impl Store for RedisStore {
    /// Also refuses a server that answers and does not take writes: a replica, or one without its master.
    async fn ping(&self) -> Result<(), StoreError> {
        self.measure().await?;
        self.put(crate::adapters::keys::PING, b"1", Duration::from_secs(1)).await
    }

    fn clock(&self) -> SharedClock {
        self.time.clone()
    }

    async fn keep_time(&self) -> Result<(), StoreError> {
        self.measure().await
    }

    async fn census(&self) -> Result<Vec<(String, u64)>, StoreError> {
        census::count(&self.links).await
    }
}

/// A life as Redis takes it; never zero, which it refuses.
fn millis(life: Duration) -> u64 {
    u64::try_from(life.as_millis()).unwrap_or(u64::MAX).clamp(1, i64::MAX as u64 / 2)
}
