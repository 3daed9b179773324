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

/// Tries at most, where trying again is safe.
const ATTEMPTS: usize = 3;

/// Runs `$run` on this thread's connection, again where [`Links::worth_repeating`] says so.
macro_rules! attempt {
    ($links:expr, $harmless:expr, |$link:ident| $run:expr) => {{
        let mut tries = 0;
        loop {
            let mut $link = $links.link()?;
            tries += 1;
            match $run.await {
                Err(error) if $links.worth_repeating(&error, $harmless) && tries < ATTEMPTS => {}
                answer => return answer.map_err(|error| explain(&error)),
            }
        }
    }};
}

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
        attempt!(self, true, |link| command.query_async(&mut link))
    }

    /// Runs a command that must not run twice.
    pub(super) async fn write<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        attempt!(self, false, |link| command.query_async(&mut link))
    }

    /// Runs several commands in one round trip; none of them twice.
    pub(super) async fn pipe<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, StoreError> {
        attempt!(self, false, |link| pipeline.query_async(&mut link))
    }

    /// Runs a script that may safely run twice.
    pub(super) async fn script_again<T: FromRedisValue>(
        &self,
        call: &ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        attempt!(self, true, |link| call.invoke_async(&mut link))
    }

    /// Runs a script, once.
    pub(super) async fn script<T: FromRedisValue>(
        &self,
        call: &ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        attempt!(self, false, |link| call.invoke_async(&mut link))
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
    if scheme == "rediss" {
        // Fails when a provider is installed already, which is all that is wanted.
        let _ = rustls::crypto::ring::default_provider().install_default();
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
