//! Connections: one multiplexed, self-healing connection per thread, so that no worker wakes another one to talk to
//! Redis. Nothing is connected before the first command, and nothing has to be restarted after an outage.

use crate::ports::store::StoreError;
use parking_lot::RwLock;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Cmd, ErrorKind, FromRedisValue, IntoConnectionInfo, Pipeline, ProtocolVersion};
use redis::{RedisError, ScriptInvocation, ServerErrorKind};
use std::collections::HashMap;
use std::thread::ThreadId;
use std::time::Duration;

/// Longest wait for a connection, and for an answer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Commands that may queue in one connection's pipeline before callers wait.
const PIPELINE_DEPTH: usize = 1024;

/// The connections of one store.
pub(super) struct Links {
    client: Client,
    managers: RwLock<HashMap<ThreadId, ConnectionManager>>,
}

impl Links {
    /// Checks `url` and prepares for it; does not connect.
    pub(super) fn new(url: &str) -> Result<Self, StoreError> {
        Ok(Self { client: client(url)?, managers: RwLock::default() })
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Runs a command that may safely run twice.
    pub(super) async fn read<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        for _ in 0..2 {
            match command.query_async(&mut self.link()?).await {
                Err(error) if self.worth_repeating(&error, true) => {}
                other => return other.map_err(|error| explain(&error)),
            }
        }
        self.write(command).await
    }

    /// Runs a command that must not run twice.
    pub(super) async fn write<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        match command.query_async(&mut self.link()?).await {
            Err(error) if self.worth_repeating(&error, false) => {
                command.query_async(&mut self.link()?).await.map_err(|error| explain(&error))
            }
            other => other.map_err(|error| explain(&error)),
        }
    }

    /// Runs several commands in one round trip.
    pub(super) async fn pipe<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, StoreError> {
        match pipeline.query_async(&mut self.link()?).await {
            Err(error) if self.worth_repeating(&error, false) => {
                pipeline.query_async(&mut self.link()?).await.map_err(|error| explain(&error))
            }
            other => other.map_err(|error| explain(&error)),
        }
    }

    /// Runs a script.
    pub(super) async fn script<T: FromRedisValue>(
        &self,
        call: &ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        match call.invoke_async(&mut self.link()?).await {
            Err(error) if self.worth_repeating(&error, false) => {
                call.invoke_async(&mut self.link()?).await.map_err(|error| explain(&error))
            }
            other => other.map_err(|error| explain(&error)),
        }
    }

    /// This thread's connection.
    fn link(&self) -> Result<ConnectionManager, StoreError> {
        let thread = std::thread::current().id();
        if let Some(manager) = self.managers.read().get(&thread) {
            return Ok(manager.clone());
        }
        let manager = ConnectionManager::new_lazy_with_config(self.client.clone(), config())
            .map_err(|error| explain(&error))?;
        Ok(self.managers.write().entry(thread).or_insert(manager).clone())
    }

    /// Whether a failed command may go again at once. Refused connections are safe to repeat, and often stale news:
    /// the manager keeps the outcome of its last attempt until somebody asks. A dropped one is safe for reads only.
    fn worth_repeating(&self, error: &RedisError, harmless: bool) -> bool {
        let readonly = error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly);
        if error.is_timeout() || readonly {
            // A silent or demoted server: the next command connects anew, perhaps to another one.
            self.managers.write().remove(&std::thread::current().id());
        }
        error.is_connection_refusal() || (harmless && error.is_connection_dropped())
    }
}

fn config() -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        .set_number_of_retries(0)
        .set_connection_timeout(Some(TIMEOUT))
        .set_response_timeout(Some(TIMEOUT))
        .set_pipeline_buffer_size(PIPELINE_DEPTH)
}

/// The URL may hold a password, so no error repeats it.
fn client(url: &str) -> Result<Client, StoreError> {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    if scheme != "redis" && scheme != "rediss" {
        return Err(StoreError::Unavailable(
            "the store URL must begin with `redis://` or, for TLS, `rediss://`".to_owned(),
        ));
    }
    let malformed = || {
        let shape = format!("{scheme}://[user:password@]host[:port][/database]");
        StoreError::Unavailable(format!("the store URL is malformed; it must look like `{shape}`"))
    };
    let info = url.into_connection_info().map_err(|_| malformed())?;
    // RESP3 tells of a lost connection at once instead of at the next command.
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Client::open(info.set_redis_settings(settings)).map_err(|_| malformed())
}

/// Only the class and code of a Redis error: its text may quote keys or arguments.
pub(super) fn explain(error: &RedisError) -> StoreError {
    let cause = if error.is_timeout() {
        "Redis did not answer in time"
    } else if error.is_connection_refusal() {
        "Redis refuses the connection"
    } else if error.is_connection_dropped() {
        "the connection to Redis was lost"
    } else if error.is_io_error() {
        "Redis cannot be reached"
    } else {
        let code = error.code().unwrap_or("no code");
        return StoreError::Unavailable(format!("Redis failed: {} ({code})", error.category()));
    };
    StoreError::Unavailable(cause.to_owned())
}
