//! Redis in its other forms, as backends: behind TLS and an ACL, with Sentinel, as a cluster. Started once for all cases.

use super::Backend;
use super::redis_forms::cluster::ClusterServers;
use super::redis_forms::guard::{Guard, SENTINEL_PASSWORD};
use super::redis_forms::node::Node;
use super::redis_forms::sentinel::SentinelServers;
use super::samples::cipher;
use crate::adapters::redis::RedisStore;
use crate::domain::clock::SystemClock;
use crate::domain::redis_place::{RedisForm, RedisLogin, RedisPlace};
use crate::domain::secret::Secret;
use crate::ports::store::Store;
use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use redis::{Value, cmd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Servers of one form.
enum Servers {
    Guarded(Box<Node>),
    Sentinel(Box<SentinelServers>),
    Cluster(Box<ClusterServers>),
}

/// A form under test, and two replicas on it: a handshake of TLS is slow in a test build, so there are no more.
pub(super) struct Fleet {
    servers: Servers,
    stores: [Arc<RedisStore>; 2],
    turn: AtomicUsize,
}

/// The place of `url`, with what goes beside the URL.
pub(super) fn place(url: &str, guard: Option<&Arc<Guard>>) -> RedisPlace {
    let mut place = RedisPlace::parse(url).unwrap();
    if let Some(guard) = guard {
        place.tls.as_mut().unwrap().authorities = Some(std::fs::read(guard.ca_file()).unwrap());
        if matches!(place.form, RedisForm::Sentinel { .. }) {
            let password = Some(Secret::new(SENTINEL_PASSWORD.to_owned()));
            place.sentinel_login = RedisLogin { user: None, password };
        }
    }
    place
}

pub(super) fn store_at(place: &RedisPlace) -> RedisStore {
    RedisStore::connect_from(place, cipher(), Arc::new(SystemClock)).unwrap()
}

pub(super) async fn guarded() -> Option<Fleet> {
    let guard = Arc::new(Guard::new());
    let node = Node::server(Some(guard.clone()), &[]).await?;
    let place = place(&node.url(), Some(&guard));
    Some(Fleet::new(Servers::Guarded(Box::new(node)), &place))
}

pub(super) async fn sentinel() -> Option<Fleet> {
    let servers = SentinelServers::start_guarded().await?;
    let place = place(&servers.url(), servers.guard());
    Some(Fleet::new(Servers::Sentinel(Box::new(servers)), &place))
}

pub(super) async fn cluster() -> Option<Fleet> {
    let servers = ClusterServers::start_guarded().await?;
    let place = place(&servers.url(), servers.guard());
    Some(Fleet::new(Servers::Cluster(Box::new(servers)), &place))
}

impl Fleet {
    fn new(servers: Servers, place: &RedisPlace) -> Self {
        let stores = [Arc::new(store_at(place)), Arc::new(store_at(place))];
        Self { servers, stores, turn: AtomicUsize::new(0) }
    }

    /// Forgets everything.
    pub(super) async fn clear(&self) {
        for mut master in self.masters().await {
            let () = cmd("FLUSHALL").query_async(&mut master).await.unwrap();
        }
    }

    /// Connections of an administrator to every master.
    async fn masters(&self) -> Vec<MultiplexedConnection> {
        let nodes = match &self.servers {
            Servers::Guarded(node) => vec![&**node],
            Servers::Sentinel(all) => vec![&all.servers[all.master().await]],
            Servers::Cluster(all) => all.masters().await.into_iter().map(|at| &all.nodes[at]).collect(),
        };
        let mut masters = Vec::new();
        for node in nodes {
            masters.push(node.connect().await.unwrap());
        }
        masters
    }
}

/// All keys of one server.
async fn keys(master: &mut MultiplexedConnection) -> Vec<Vec<u8>> {
    cmd("KEYS").arg("*").query_async(master).await.unwrap()
}

#[async_trait]
impl Backend for Fleet {
    fn store(&self) -> Arc<dyn Store> {
        self.stores[self.turn.fetch_add(1, Ordering::Relaxed) % self.stores.len()].clone()
    }

    async fn travel(&self, by: Duration) {
        for mut master in self.masters().await {
            for key in keys(&mut master).await {
                let left: i64 = cmd("PTTL").arg(&key).query_async(&mut master).await.unwrap();
                assert_ne!(left, -1, "a key without an end of life: {}", String::from_utf8_lossy(&key));
                let left = left - i64::try_from(by.as_millis()).unwrap();
                let () = cmd("PEXPIRE").arg(&key).arg(left).query_async(&mut master).await.unwrap();
            }
        }
    }

    async fn dump(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for mut master in self.masters().await {
            for key in keys(&mut master).await {
                let kind: String = cmd("TYPE").arg(&key).query_async(&mut master).await.unwrap();
                let read = match kind.as_str() {
                    "zset" => cmd("ZRANGE").arg(&key).arg(0).arg(-1).clone(),
                    "list" => cmd("LRANGE").arg(&key).arg(0).arg(-1).clone(),
                    "hash" => cmd("HVALS").arg(&key).clone(),
                    "set" => cmd("SMEMBERS").arg(&key).clone(),
                    _ => cmd("MGET").arg(&key).clone(),
                };
                let found: Value = read.query_async(&mut master).await.unwrap();
                let values: Vec<Vec<u8>> = redis::from_redis_value(found).unwrap();
                all.extend(key);
                all.extend(values.concat());
            }
        }
        all
    }
}
