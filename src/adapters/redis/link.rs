//! Asking Redis, in whichever form it is run: which server is asked, and what is done when it does not answer as hoped.

use super::cluster::{Cluster, Shard};
use super::errors::explain;
use super::node::{ATTEMPTS, Node};
use super::place::{client, prepare, sentinel_client};
use super::scripts::Call;
use super::sentinels::Sentinels;
use super::slots::slot_of_command;
use crate::domain::redis_place::{RedisForm, RedisPlace};
use crate::ports::store::StoreError;
use futures_util::future::try_join_all;
use redis::aio::ConnectionManager;
use redis::{Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, ServerErrorKind, Value};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// Tries at most while a cluster sends elsewhere or asks to wait; nothing is done in any but the last.
const DIRECTIONS: u32 = 8;
/// Wait before the second of those, and twice as long before each further one: half a second in all.
const FIRST_PAUSE: Duration = Duration::from_millis(4);

/// The servers behind one store.
pub(super) struct Links {
    place: RedisPlace,
    way: Way,
}

enum Way {
    Standalone(Arc<Node>),
    Sentinel(Box<Sentinels>),
    Cluster(Arc<Cluster>),
}

/// What follows from an error.
enum Next {
    /// The caller is told of it.
    Stop,
    /// It was never sent, or may run twice.
    Again,
    /// It was refused, and will be taken elsewhere or later.
    Later,
    /// It was refused, and is taken there if it says that it was sent.
    Ask(Arc<Node>),
}

/// How a command may be treated.
#[derive(Clone, Copy)]
struct Care {
    /// It may run twice.
    again: bool,
    /// It is done only when a replica has it as well.
    kept: bool,
}

impl Links {
    /// Prepares for `place`; does not connect.
    pub(super) fn new(place: &RedisPlace) -> Result<Self, StoreError> {
        prepare(place)?;
        let way = match &place.form {
            RedisForm::Standalone => {
                let address = place.nodes.first().ok_or_else(nowhere)?;
                Way::Standalone(Arc::new(Node::new(client(place, address).map_err(|e| explain(&e))?)))
            }
            RedisForm::Sentinel { master } => {
                Way::Sentinel(Box::new(Sentinels::new(place, master).map_err(|e| explain(&e))?))
            }
            RedisForm::Cluster => Way::Cluster(Arc::new(Cluster::new(place))),
        };
        Ok(Self { place: place.clone(), way })
    }

    pub(super) fn place(&self) -> &RedisPlace {
        &self.place
    }

    /// Runs a command that may safely run twice.
    pub(super) async fn read<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        answer(self.run(command, Care { again: true, kept: false }).await)
    }

    /// Runs a command that must not run twice.
    pub(super) async fn write<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        answer(self.run(command, Care { again: false, kept: false }).await)
    }

    /// Runs a command that must not run twice, and whose effect should outlive a failover.
    pub(super) async fn write_kept<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        answer(self.run(command, Care { again: false, kept: true }).await)
    }

    /// Runs commands that may safely run twice, all at once; answers in their order.
    pub(super) async fn read_all<T: FromRedisValue>(&self, commands: &[Cmd]) -> Result<Vec<T>, StoreError> {
        // They meet in the pipelines of their connections.
        try_join_all(commands.iter().map(|command| self.read(command))).await
    }

    /// Runs a script that may safely run twice.
    pub(super) async fn script_again<T: FromRedisValue>(&self, call: &Call<'_>) -> Result<T, StoreError> {
        self.call(call, Care { again: true, kept: false }).await
    }

    /// Runs a script, once.
    pub(super) async fn script<T: FromRedisValue>(&self, call: &Call<'_>) -> Result<T, StoreError> {
        self.call(call, Care { again: false, kept: false }).await
    }

    /// Runs a script that may safely run twice, and whose effect should outlive a failover.
    pub(super) async fn script_again_kept<T: FromRedisValue>(
        &self,
        call: &Call<'_>,
    ) -> Result<T, StoreError> {
        self.call(call, Care { again: true, kept: true }).await
    }

    /// Runs a script, once, and its effect should outlive a failover.
    pub(super) async fn script_kept<T: FromRedisValue>(&self, call: &Call<'_>) -> Result<T, StoreError> {
        self.call(call, Care { again: false, kept: true }).await
    }

    async fn call<T: FromRedisValue>(&self, call: &Call<'_>, care: Care) -> Result<T, StoreError> {
        match self.run(&call.by_hash(), care).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                answer(self.run(&call.by_text(), care).await)
            }
            outcome => answer(outcome),
        }
    }

    async fn run(&self, command: &Cmd, care: Care) -> RedisResult<Value> {
        let (mut attempts, mut directions) = (1, 1);
        let mut ask: Option<Arc<Node>> = None;
        loop {
            let asking = ask.is_some();
            let node = match ask.take() {
                Some(node) => node,
                None => self.node(command).await?,
            };
            let mut link = node.link()?;
            let outcome =
                if asking { asked(command, &mut link).await } else { command.query_async(&mut link).await };
            let error = match outcome {
                Ok(value) => match self.keep(&node, &mut link, care).await {
                    Ok(()) => return Ok(value),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            match self.after(command, &node, &error, care.again)? {
                Next::Again if attempts < ATTEMPTS => attempts += 1,
                Next::Later if directions < DIRECTIONS => {
                    if directions > 1 {
                        sleep(FIRST_PAUSE * 2_u32.pow(directions - 1)).await;
                    }
                    directions += 1;
                }
                Next::Ask(target) if directions < DIRECTIONS => {
                    directions += 1;
                    ask = Some(target);
                }
                Next::Stop | Next::Again | Next::Later | Next::Ask(_) => return Err(error),
            }
        }
    }

    /// Has a replica confirm what was just done, where that is asked for. An error counts as that of the command: what was
    /// done is lost perhaps, so nobody may be told that it is done.
    async fn keep(&self, node: &Arc<Node>, link: &mut ConnectionManager, care: Care) -> RedisResult<()> {
        if !care.kept || matches!(self.way, Way::Standalone(_)) {
            return Ok(());
        }
        let outcome = node.replicated(link).await;
        if outcome.as_ref().is_err_and(|error| !error.is_io_error()) {
            // It answers, and as one that does not lead any more.
            node.hang_up();
            self.doubt(node);
        }
        outcome
    }

    /// Who is asked.
    async fn node(&self, command: &Cmd) -> RedisResult<Arc<Node>> {
        match &self.way {
            Way::Standalone(node) => Ok(node.clone()),
            Way::Sentinel(sentinels) => sentinels.master().await,
            Way::Cluster(cluster) => cluster.master(slot_of_command(command)).await,
        }
    }

    /// What an error says about the server and the command. Refused connections are safe to repeat, and often stale news:
    /// a connection keeps the outcome of its last attempt until somebody asks. A dropped one is safe only for what may run
    /// twice.
    fn after(&self, command: &Cmd, node: &Arc<Node>, error: &RedisError, again: bool) -> RedisResult<Next> {
        if let ErrorKind::Server(kind) = error.kind() {
            return self.after_refusal(command, node, error, kind);
        }
        if !error.is_io_error() {
            return Ok(Next::Stop);
        }
        self.doubt(node);
        if error.is_timeout() {
            node.hang_up();
            return Ok(Next::Stop);
        }
        let repeat = error.is_connection_refusal() || (again && error.is_connection_dropped());
        Ok(if repeat { Next::Again } else { Next::Stop })
    }

    /// The server has answered, and done nothing.
    fn after_refusal(
        &self,
        command: &Cmd,
        node: &Arc<Node>,
        error: &RedisError,
        kind: ServerErrorKind,
    ) -> RedisResult<Next> {
        let target = error.redirect_node().map(|(target, _)| target);
        match (kind, &self.way, target) {
            (ServerErrorKind::Moved, Way::Cluster(cluster), Some(target)) => {
                cluster.moved(slot_of_command(command), target, node);
                Ok(Next::Later)
            }
            (ServerErrorKind::Ask, Way::Cluster(cluster), Some(target)) => {
                Ok(cluster.asked(target, node)?.map_or(Next::Stop, Next::Ask))
            }
            (ServerErrorKind::TryAgain, Way::Cluster(_), _) => Ok(Next::Later),
            (ServerErrorKind::ReadOnly, way, _) => {
                node.hang_up();
                self.doubt(node);
                // One by itself answers the same again.
                Ok(if matches!(way, Way::Standalone(_)) { Next::Stop } else { Next::Later })
            }
            (
                ServerErrorKind::ClusterDown | ServerErrorKind::MasterDown | ServerErrorKind::BusyLoading,
                way,
                _,
            ) => {
                self.doubt(node);
                Ok(if matches!(way, Way::Standalone(_)) { Next::Stop } else { Next::Later })
            }
            _ => Ok(Next::Stop),
        }
    }

    /// Makes sure, before the next command, that this is still the one to ask.
    fn doubt(&self, node: &Arc<Node>) {
        match &self.way {
            Way::Standalone(_) => {}
            Way::Sentinel(sentinels) => sentinels.doubt(node),
            Way::Cluster(cluster) => cluster.doubt(node),
        }
    }

    /// Notices what no failing command would tell.
    pub(super) async fn verify(&self) -> Result<(), StoreError> {
        match &self.way {
            Way::Standalone(_) | Way::Cluster(_) => Ok(()),
            Way::Sentinel(sentinels) => sentinels.verify().await.map_err(|error| explain(&error)),
        }
    }

    /// Every master, in the order of its slots; outside of a cluster there is one.
    pub(super) async fn shards(&self) -> Result<Vec<Shard>, StoreError> {
        let shards = match &self.way {
            Way::Standalone(node) => Ok(vec![Shard { first_slot: 0, id: String::new(), node: node.clone() }]),
            Way::Sentinel(sentinels) => sentinels.master().await.map(|node| {
                let (host, port) = node.host_and_port();
                vec![Shard { first_slot: 0, id: format!("{host}:{port}"), node }]
            }),
            Way::Cluster(cluster) => cluster.shards().await,
        };
        shards.map_err(|error| explain(&error))
    }

    /// The servers that the URL names: in front of others, where it names sentinels or some of a cluster.
    pub(super) fn named(&self) -> Result<Vec<Node>, StoreError> {
        let clients = self.place.nodes.iter().map(|address| match self.place.form {
            RedisForm::Sentinel { .. } => sentinel_client(&self.place, address),
            RedisForm::Standalone | RedisForm::Cluster => client(&self.place, address),
        });
        clients.map(|client| client.map(Node::new).map_err(|error| explain(&error))).collect()
    }

    /// A server to listen at; another one for each `turn`, where there are several that hear everything.
    pub(super) async fn listening_post(&self, turn: usize) -> RedisResult<Arc<Node>> {
        match &self.way {
            Way::Standalone(node) => Ok(node.clone()),
            Way::Sentinel(sentinels) => sentinels.master().await,
            Way::Cluster(cluster) => cluster.any(turn).await,
        }
    }

    /// Whether everything is still heard there.
    pub(super) fn is_listening_post(&self, node: &Node) -> bool {
        match &self.way {
            Way::Standalone(_) => true,
            Way::Sentinel(sentinels) => sentinels.is_master(node),
            Way::Cluster(cluster) => cluster.has(node),
        }
    }
}

/// Runs a command on a node that gets its slot just now.
async fn asked(command: &Cmd, link: &mut ConnectionManager) -> RedisResult<Value> {
    let mut both = Pipeline::with_capacity(2);
    both.cmd("ASKING").ignore().add_command(command.clone());
    let (value,) = both.query_async(link).await?;
    Ok(value)
}

fn answer<T: FromRedisValue>(outcome: RedisResult<Value>) -> Result<T, StoreError> {
    let value = outcome.map_err(|error| explain(&error))?;
    redis::from_redis_value(value).map_err(|error| explain(&error.into()))
}

fn nowhere() -> StoreError {
    StoreError::Unavailable("store.url names no host".to_owned())
}
