//! The store of replicas: Redis 7 or newer, also read as Valkey. Every verb is one command or one script.
//!
//! Expiry is counted by Redis, and the moments inside records come from the store's clock, which is that of Redis too:
//! replicas whose clocks differ agree.

mod bus;
mod census;
mod clients;
mod cluster;
mod errors;
mod events;
mod examine;
mod flows;
mod grants;
mod inventory;
mod lending;
mod link;
mod node;
mod place;
mod recent;
mod resealing;
mod scripts;
mod sealed;
mod sentinels;
mod sessions;
mod shared;
mod slots;
mod time;
mod upstream;

use crate::domain::cipher::Cipher;
use crate::domain::clock::SharedClock;
use crate::domain::redis_place::RedisPlace;
use crate::ports::store::{Store, StoreError};
use async_trait::async_trait;
use bus::Listener;
use link::Links;
use redis::Cmd;
use scripts::Scripts;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use time::StoreTime;

/// The Redis store. One object serves all threads; each thread gets a connection of its own.
pub(crate) struct RedisStore {
    links: Arc<Links>,
    scripts: Scripts,
    cipher: Cipher,
    listener: Listener,
    time: Arc<StoreTime>,
    /// Whether Redis was found to be what the URL says.
    examined: AtomicBool,
}

impl RedisStore {
    #[cfg(test)]
    pub(crate) fn connect(url: &str, cipher: Cipher) -> Result<Self, StoreError> {
        let place = RedisPlace::parse(url).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Self::connect_from(&place, cipher, Arc::new(crate::domain::clock::SystemClock))
    }

    /// Prepares for `place`, from a machine with the clock `local`. Connects with the first command only, so a server
    /// starts while Redis is away and serves when it is back.
    pub(crate) fn connect_from(
        place: &RedisPlace,
        cipher: Cipher,
        local: SharedClock,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            links: Arc::new(Links::new(place)?),
            scripts: Scripts::new(),
            cipher,
            listener: Listener::default(),
            time: Arc::new(StoreTime::new(local)),
            examined: AtomicBool::new(false),
        })
    }

    /// Reads one value.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.links.read(&Cmd::get(key)).await
    }

    /// Writes one value.
    async fn put(&self, key: &str, value: &[u8], life: Duration) -> Result<(), StoreError> {
        self.links.write_kept(&Cmd::pset_ex(key, value, millis(life))).await
    }
}

#[async_trait]
impl Store for RedisStore {
    /// Also refuses a server that answers and does not take writes: a replica, or one without its master; and one that
    /// is not what the URL says, or too old.
    async fn ping(&self) -> Result<(), StoreError> {
        self.examine_once().await?;
        self.measure().await?;
        let ping = Cmd::pset_ex(crate::adapters::keys::PING, b"1", 1000);
        self.links.write(&ping).await
    }

    fn clock(&self) -> SharedClock {
        self.time.clone()
    }

    async fn keep_time(&self) -> Result<(), StoreError> {
        self.measure().await?;
        self.links.verify().await
    }

    async fn census(&self) -> Result<Vec<(String, u64)>, StoreError> {
        census::count(&self.links).await
    }

    async fn advice(&self) -> Result<Vec<String>, StoreError> {
        self.examine().await
    }
}

/// A life as Redis takes it; never zero, which it refuses.
fn millis(life: Duration) -> u64 {
    u64::try_from(life.as_millis()).unwrap_or(u64::MAX).clamp(1, i64::MAX as u64 / 2)
}
