//! The nodes of a cluster. A command goes straight to the master of its slot, over the same kind of connection as to a
//! Redis by itself.
//!
//! The crate's own cluster connection is not used, for three reasons that its source shows (1.8,
//! `cluster_handling/async_connection`): it repeats any command whose connection was lost, so a code would be redeemed
//! twice, and with repeating switched off it follows no redirection either; while it looks for nodes, commands for all
//! others wait, up to the time-out of one that hangs; and each command takes a detour over a task and two channels.

use super::node::Node;
use super::place::client;
use super::slots::{Range, range_of, redirection, table};
use crate::domain::redis_place::{RedisAddress, RedisPlace};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use parking_lot::{Mutex, RwLock};
use redis::{Cmd, ErrorKind, RedisError, RedisResult, ServerErrorKind, Value, cmd};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::timeout;

/// How long nodes are given to say who has which slot.
const LOOK: Duration = Duration::from_secs(1);

/// A cluster as it was seen last.
pub(super) struct Cluster {
    place: RedisPlace,
    table: RwLock<Arc<[Range]>>,
    nodes: RwLock<HashMap<RedisAddress, Arc<Node>>>,
    /// Times that a table was read.
    seen: AtomicU64,
    looking: tokio::sync::Mutex<Option<RedisError>>,
    /// Whether somebody looks in the background.
    busy: AtomicBool,
    doubted: Mutex<Option<RedisAddress>>,
}

/// A master with all its slots.
pub(super) struct Shard {
    pub(super) first_slot: u16,
    pub(super) id: String,
    pub(super) node: Arc<Node>,
}

impl Cluster {
    /// Prepares for the cluster of `place`; asks nobody yet.
    pub(super) fn new(place: &RedisPlace) -> Self {
        Self {
            place: place.clone(),
            table: RwLock::new(Arc::new([])),
            nodes: RwLock::default(),
            seen: AtomicU64::new(0),
            looking: tokio::sync::Mutex::default(),
            busy: AtomicBool::new(false),
            doubted: Mutex::default(),
        }
    }

    /// The master of `slot`.
    pub(super) async fn master(&self, slot: u16) -> RedisResult<Arc<Node>> {
        if let Some(address) = self.address(slot) {
            return self.node(&address);
        }
        self.look().await?;
        match self.address(slot) {
            Some(address) => self.node(&address),
            None => Err(nobody("no node has the slot")),
        }
    }

    fn address(&self, slot: u16) -> Option<RedisAddress> {
        range_of(&self.table.read(), slot).map(|range| range.master.clone())
    }

    /// The node at `address`, whether the table has it or not.
    pub(super) fn node(&self, address: &RedisAddress) -> RedisResult<Arc<Node>> {
        if let Some(node) = self.nodes.read().get(address) {
            return Ok(node.clone());
        }
        let node = Arc::new(Node::new(client(&self.place, address)?));
        Ok(self.nodes.write().entry(address.clone()).or_insert(node).clone())
    }

    /// All masters, by their slots.
    pub(super) async fn shards(&self) -> RedisResult<Vec<Shard>> {
        self.look().await?;
        let table = self.table.read().clone();
        let mut shards: Vec<Shard> = Vec::new();
        for range in &*table {
            if shards.iter().all(|shard| shard.id != range.id) {
                let node = self.node(&range.master)?;
                shards.push(Shard { first_slot: range.first, id: range.id.clone(), node });
            }
        }
        Ok(shards)
    }

    /// Any node, another one for each `turn`.
    pub(super) async fn any(&self, turn: usize) -> RedisResult<Arc<Node>> {
        if self.table.read().is_empty() {
            self.look().await?;
        }
        let all = self.known();
        match all.get(turn % all.len().max(1)) {
            Some(address) => self.node(address),
            None => Err(nobody("no node is known")),
        }
    }

    /// Whether `node` is part of the cluster.
    pub(super) fn has(&self, node: &Node) -> bool {
        let (host, port) = node.host_and_port();
        self.known().iter().any(|known| known.host == host && known.port == port)
    }

    /// Notes that `slot` has gone to `target`, as a node says, and looks what else has changed.
    pub(super) fn moved(self: &Arc<Self>, slot: u16, target: &str, from: &Node) {
        let (host, port) = from.host_and_port();
        let from = RedisAddress { host: host.to_owned(), port };
        if let Some(master) = redirection(target, &from) {
            let mut table = self.table.write();
            let mut fresh: Vec<Range> = Vec::with_capacity(table.len() + 2);
            for range in table.iter() {
                if range.first > slot || range.last < slot {
                    fresh.push(range.clone());
                    continue;
                }
                if range.first < slot {
                    fresh.push(Range { last: slot - 1, ..range.clone() });
                }
                fresh.push(Range { first: slot, last: slot, master: master.clone(), ..range.clone() });
                if range.last > slot {
                    fresh.push(Range { first: slot + 1, ..range.clone() });
                }
            }
            *table = fresh.into();
        }
        self.look_in_background();
    }

    /// Where `ASK` sends one command.
    pub(super) fn asked(&self, target: &str, from: &Node) -> RedisResult<Option<Arc<Node>>> {
        let (host, port) = from.host_and_port();
        let from = RedisAddress { host: host.to_owned(), port };
        redirection(target, &from).map(|address| self.node(&address)).transpose()
    }

    /// `node` does not answer, or not as a master: looks who has its slots now.
    pub(super) fn doubt(self: &Arc<Self>, node: &Node) {
        let (host, port) = node.host_and_port();
        *self.doubted.lock() = Some(RedisAddress { host: host.to_owned(), port });
        self.look_in_background();
    }

    fn look_in_background(self: &Arc<Self>) {
        if !self.busy.swap(true, Ordering::SeqCst) {
            let this = self.clone();
            tokio::spawn(async move {
                // Whoever needs the answer and does not find one looks again.
                let _ = this.look().await;
                this.busy.store(false, Ordering::SeqCst);
            });
        }
    }

    /// Reads the table anew, once for all who wait.
    async fn look(&self) -> RedisResult<()> {
        let before = self.seen.load(Ordering::SeqCst);
        let mut failure = self.looking.lock().await;
        if self.seen.load(Ordering::SeqCst) != before {
            return failure.clone().map_or(Ok(()), Err);
        }
        let found = timeout(LOOK, self.read_table()).await;
        let found = found.unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()));
        self.seen.fetch_add(1, Ordering::SeqCst);
        *failure = found.as_ref().err().cloned();
        *self.table.write() = found?.into();
        let known = self.known();
        self.nodes.write().retain(|address, _| known.contains(address));
        Ok(())
    }

    /// Asks all nodes at once. The first answer counts, unless it still names who is in doubt: then a better one is waited
    /// for.
    async fn read_table(&self) -> RedisResult<Vec<Range>> {
        let doubted = self.doubted.lock().take();
        let mut answers: FuturesUnordered<_> =
            self.known().into_iter().map(|address| self.ask_for_table(address)).collect();
        let (mut second_best, mut failure) = (None, None);
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(table) if table.is_empty() => {}
                Ok(table) => {
                    if table.iter().all(|range| Some(&range.master) != doubted.as_ref()) {
                        return Ok(table);
                    }
                    second_best = Some(table);
                }
                Err(error) => failure = Some(error),
            }
        }
        match (second_best, failure) {
            (Some(table), _) => Ok(table),
            (None, Some(error)) => Err(error),
            (None, None) => Err(nobody("no node knows the slots")),
        }
    }

    async fn ask_for_table(&self, address: RedisAddress) -> RedisResult<Vec<Range>> {
        let answer: Value = self.node(&address)?.ask(&slots_command()).await?;
        Ok(table(&answer, &address))
    }

    /// Every address that may be a node: those of the settings and those of the table.
    fn known(&self) -> Vec<RedisAddress> {
        let mut known = self.place.nodes.clone();
        for range in self.table.read().iter() {
            for address in [&range.master].into_iter().chain(&range.replicas) {
                if !known.contains(address) {
                    known.push(address.clone());
                }
            }
        }
        known
    }
}

fn nobody(what: &'static str) -> RedisError {
    (ErrorKind::Server(ServerErrorKind::ClusterDown), what).into()
}

fn slots_command() -> Cmd {
    let mut command = cmd("CLUSTER");
    command.arg("SLOTS");
    command
}
