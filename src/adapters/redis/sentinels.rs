//! The master that sentinels name. They are asked when there is no connection yet, and again whenever one ends, a
//! server is silent, or one turns out to take no writes; the crate then asks several at once and makes sure, by `ROLE`,
//! that who they name is a master (the client rules at redis.io/docs/latest/develop/reference/sentinel-clients).

use super::node::{Node, TIMEOUT};
use super::place::{certificates, endpoint};
use crate::domain::redis_place::RedisPlace;
use parking_lot::RwLock;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{Client, ProtocolVersion, RedisError, RedisResult, TlsMode};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// Sentinels, and whom they named last.
pub(super) struct Sentinels {
    client: Mutex<Asked>,
    /// Times they were asked.
    asked: AtomicU64,
    master: RwLock<Option<Arc<Node>>>,
}

struct Asked {
    client: SentinelClient,
    failure: Option<RedisError>,
}

impl Sentinels {
    /// Prepares for the sentinels of `place`, who watch `master`; asks nobody yet.
    pub(super) fn new(place: &RedisPlace, master: &str) -> RedisResult<Self> {
        let nodes = place.nodes.iter().map(|address| endpoint(place, address));
        let mut builder = SentinelClientBuilder::new(nodes, master, SentinelServerType::Master)?
            .set_client_to_redis_db(i64::from(place.database))
            .set_client_to_redis_protocol(ProtocolVersion::RESP3);
        if let Some(user) = &place.login.user {
            builder = builder.set_client_to_redis_username(user);
        }
        if let Some(password) = &place.login.password {
            builder = builder.set_client_to_redis_password(password.expose());
        }
        if let Some(user) = &place.sentinel_login.user {
            builder = builder.set_client_to_sentinel_username(user);
        }
        if let Some(password) = &place.sentinel_login.password {
            builder = builder.set_client_to_sentinel_password(password.expose());
        }
        if let Some(tls) = &place.tls {
            builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
            if let Some(certificates) = certificates(tls) {
                builder = builder
                    .set_client_to_redis_certificates(certificates.clone())
                    .set_client_to_sentinel_certificates(certificates);
            }
        }
        let client = Mutex::new(Asked { client: builder.build()?, failure: None });
        Ok(Self { client, asked: AtomicU64::new(0), master: RwLock::default() })
    }

    /// The master.
    pub(super) async fn master(&self) -> RedisResult<Arc<Node>> {
        match self.named() {
            Some(node) => Ok(node),
            None => self.ask().await,
        }
    }

    /// The master as it is known, unless it is in doubt.
    fn named(&self) -> Option<Arc<Node>> {
        self.master.read().clone().filter(|node| !node.is_lost())
    }

    /// Whether `node` is still where the master is.
    pub(super) fn is_master(&self, node: &Node) -> bool {
        self.named().is_none_or(|master| master.host_and_port() == node.host_and_port())
    }

    /// `node` answers no more, or not as a master.
    pub(super) fn doubt(&self, node: &Arc<Node>) {
        let mut master = self.master.write();
        if master.as_ref().is_some_and(|master| Arc::ptr_eq(master, node)) {
            *master = None;
        }
    }

    /// Asks the sentinels, once for all who wait.
    async fn ask(&self) -> RedisResult<Arc<Node>> {
        let before = self.asked.load(Ordering::SeqCst);
        let mut asked = self.client.lock().await;
        if let Some(node) = self.named() {
            return Ok(node);
        }
        if let Some(failure) = asked.failure.clone().filter(|_| self.asked.load(Ordering::SeqCst) != before) {
            return Err(failure);
        }
        let answer = self.look_up(&mut asked).await;
        asked.failure = answer.as_ref().err().cloned();
        let node = Arc::new(Node::watched(answer?));
        *self.master.write() = Some(node.clone());
        Ok(node)
    }

    /// Asks although nothing is in doubt: a master that was cut off from everybody but us goes on answering.
    pub(super) async fn verify(&self) -> RedisResult<()> {
        let mut asked = self.client.lock().await;
        let found = Node::watched(self.look_up(&mut asked).await?);
        let mut master = self.master.write();
        if master.as_ref().is_none_or(|known| known.host_and_port() != found.host_and_port()) {
            *master = Some(Arc::new(found));
        }
        Ok(())
    }

    async fn look_up(&self, asked: &mut Asked) -> RedisResult<Client> {
        let answer = timeout(TIMEOUT, asked.client.async_get_client()).await;
        self.asked.fetch_add(1, Ordering::SeqCst);
        answer.unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()))
    }
}
