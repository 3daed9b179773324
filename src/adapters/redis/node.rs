//! One server, and a multiplexed, self-healing connection to it per thread, so that no worker wakes another one to talk
//! to Redis. Nothing is connected before the first command, and nothing has to be restarted after an outage.

use parking_lot::{Mutex, RwLock};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Cmd, ConnectionAddr, FromRedisValue, PushInfo, PushKind, RedisResult, cmd};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ThreadId;
use std::time::Duration;
use tokio::time::Instant;

/// Longest wait for a connection, and for an answer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(2);
/// Tries at most after lost connections, where trying again is safe.
pub(super) const ATTEMPTS: u32 = 3;
/// Commands that may queue in one connection's pipeline before callers wait.
const PIPELINE_DEPTH: usize = 1024;
/// Longest wait for a replica to have what was written.
const REPLICA_WAIT: Duration = Duration::from_millis(100);
/// A master whose replicas did not answer is not waited for again for so long.
const REPLICA_PAUSE: Duration = Duration::from_secs(5);

/// A server.
pub(super) struct Node {
    client: Client,
    managers: RwLock<HashMap<ThreadId, ConnectionManager>>,
    /// Set when a connection ends, if anybody wants to know: who is at the other end may have changed by then.
    lost: Option<Arc<AtomicBool>>,
    alone_until: Mutex<Option<Instant>>,
}

impl Node {
    pub(super) fn new(client: Client) -> Self {
        Self { client, managers: RwLock::default(), lost: None, alone_until: Mutex::default() }
    }

    /// One that notes when a connection to it ends.
    pub(super) fn watched(client: Client) -> Self {
        Self { lost: Some(Arc::default()), ..Self::new(client) }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn host_and_port(&self) -> (&str, u16) {
        let address = self.client.get_connection_info().addr();
        let (ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. }) = address else {
            // No URL of ours leads to anything else.
            return ("", 0);
        };
        (host, *port)
    }

    /// Whether a connection to it has ended.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.as_ref().is_some_and(|lost| lost.load(Ordering::Relaxed))
    }

    /// This thread's connection.
    pub(super) fn link(&self) -> RedisResult<ConnectionManager> {
        let thread = std::thread::current().id();
        if let Some(manager) = self.managers.read().get(&thread) {
            return Ok(manager.clone());
        }
        let manager = ConnectionManager::new_lazy_with_config(self.client.clone(), self.config())?;
        Ok(self.managers.write().entry(thread).or_insert(manager).clone())
    }

    /// Asks something that may be asked twice. Refused connections are often stale news: a connection keeps the outcome of
    /// its last attempt until somebody asks.
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let mut attempts = 1;
        loop {
            let mut link = self.link()?;
            match command.query_async(&mut link).await {
                Err(error) if error.is_connection_dropped() && attempts < ATTEMPTS => attempts += 1,
                answer => return answer,
            }
        }
    }

    /// Leaves a silent or demoted server: the next command of this thread connects anew, perhaps to another one.
    pub(super) fn hang_up(&self) {
        self.managers.write().remove(&std::thread::current().id());
    }

    /// Waits until a replica has what was written over `link`, if one answers soon. Failing over is quicker than copying,
    /// so without it what was answered as done might be undone.
    ///
    /// # Errors
    /// The server has died, fallen silent or been demoted since it took the write: whoever leads next may not have it.
    pub(super) async fn replicated(&self, link: &mut ConnectionManager) -> RedisResult<()> {
        let now = Instant::now();
        if self.alone_until.lock().is_some_and(|until| now < until) {
            return Ok(());
        }
        let answer: RedisResult<u64> = wait_for_replica().query_async(link).await;
        match answer {
            Ok(0) => {
                tracing::warn!("no replica of Redis confirms what is written; a failover now would lose it");
            }
            // It leads and has taken the write; an account of too little is an operator's to mend.
            Err(error) if error.code() == Some("NOPERM") => {
                tracing::warn!(
                    "the account of store.url may not WAIT; a failover may lose what was just written"
                );
            }
            answer => return answer.map(drop),
        }
        *self.alone_until.lock() = Some(now + REPLICA_PAUSE);
        Ok(())
    }

    fn config(&self) -> ConnectionManagerConfig {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT))
            .set_pipeline_buffer_size(PIPELINE_DEPTH);
        match self.lost.clone() {
            None => config,
            Some(lost) => config.set_push_sender(move |push: PushInfo| {
                if push.kind == PushKind::Disconnection {
                    lost.store(true, Ordering::Relaxed);
                }
                Ok::<(), ()>(())
            }),
        }
    }
}

fn wait_for_replica() -> Cmd {
    let mut wait = cmd("WAIT");
    wait.arg(1).arg(REPLICA_WAIT.as_millis() as u64);
    wait
}
