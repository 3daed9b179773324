//! One process: a server, a node of a cluster, or a sentinel.

use super::guard::{ADMIN_PASSWORD, ESCAPED, Guard, SENTINEL_PASSWORD, USER};
use super::left_out;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisResult};
use rustix::process::{Pid, Signal, kill_process};
use std::fmt::Write as _;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Found by the search path.
const BINARY: &str = "redis-server";
/// How long anything may take before the test counts as hung. A guard, not a measurement.
const GUARD: Duration = Duration::from_mins(1);
/// Ports tried before the machine counts as full.
const TRIES: usize = 50;

/// What a process is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Server,
    ClusterNode,
    Sentinel,
}

/// A running `redis-server`.
pub(crate) struct Node {
    pub(crate) port: u16,
    kind: Kind,
    folder: TempDir,
    child: Child,
    guard: Option<Arc<Guard>>,
}

impl Node {
    /// A server by itself; `None` where the machine opted out.
    pub(crate) async fn server(guard: Option<Arc<Guard>>, more: &[(&str, &str)]) -> Option<Self> {
        if left_out() {
            return None;
        }
        Some(Self::start(Kind::Server, guard, more).await)
    }

    /// Starts one on a free port.
    pub(super) async fn start(kind: Kind, guard: Option<Arc<Guard>>, more: &[(&str, &str)]) -> Self {
        for _ in 0..TRIES {
            let (port, folder) = (free_port(), TempDir::new().unwrap());
            let mut settings: Vec<(String, String)> = match &guard {
                Some(guard) => guard.tls(port),
                None => vec![("port".to_owned(), port.to_string())],
            };
            if let Some(guard) = guard.as_ref().filter(|_| kind != Kind::Sentinel) {
                settings.extend(guard.accounts());
            }
            let owned = |pairs: &[(&str, &str)]| {
                pairs
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect::<Vec<_>>()
            };
            settings.extend(owned(&[("bind", "127.0.0.1"), ("dir", folder.path().to_str().unwrap())]));
            if kind == Kind::Sentinel && guard.is_some() {
                settings.extend(owned(&[("requirepass", SENTINEL_PASSWORD)]));
            }
            if kind != Kind::Sentinel {
                settings.extend(owned(&[
                    ("save", "\"\""),
                    ("appendonly", "yes"),
                    ("appendfsync", "everysec"),
                ]));
                settings
                    .extend(owned(&[("repl-diskless-sync-delay", "0"), ("repl-ping-replica-period", "1")]));
            }
            if kind == Kind::ClusterNode {
                let bus = free_port().to_string();
                settings.extend(owned(&[("cluster-enabled", "yes"), ("cluster-port", &bus)]));
                settings.extend(owned(&[("cluster-node-timeout", "1500")]));
                settings.extend(owned(&[("cluster-replica-validity-factor", "0")]));
                if guard.is_some() {
                    settings.extend(owned(&[("tls-cluster", "yes")]));
                }
            }
            settings.extend(owned(more));
            let mut text = String::new();
            for (name, value) in settings {
                writeln!(text, "{name} {value}").unwrap();
            }
            std::fs::write(folder.path().join("redis.conf"), text).unwrap();
            let child = spawn(kind, &folder);
            let mut node = Self { port, kind, folder, child, guard: guard.clone() };
            if node.serves().await {
                return node;
            }
        }
        panic!("no free port for {BINARY}")
    }

    /// Setting that points the product here.
    pub(crate) fn url(&self) -> String {
        match &self.guard {
            Some(_) => format!("rediss://{USER}:{ESCAPED}@127.0.0.1:{}/0", self.port),
            None => format!("redis://127.0.0.1:{}/0", self.port),
        }
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// How the tests reach it.
    pub(crate) fn client(&self) -> Client {
        let password = if self.kind == Kind::Sentinel { SENTINEL_PASSWORD } else { ADMIN_PASSWORD };
        match &self.guard {
            Some(guard) => {
                let _ = rustls::crypto::ring::default_provider().install_default();
                let url = format!("rediss://:{password}@127.0.0.1:{}", self.port);
                Client::build_with_tls(url, guard.certificates()).unwrap()
            }
            None => Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap(),
        }
    }

    /// A connection of the tests.
    pub(crate) async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        let patient = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(5)))
            .set_response_timeout(Some(Duration::from_secs(20)));
        self.client().get_multiplexed_async_connection_with_config(&patient).await
    }

    /// Asks something, over a connection of its own.
    pub(crate) async fn try_ask<T: FromRedisValue>(&self, words: &[&str]) -> RedisResult<T> {
        let mut command = Cmd::new();
        for word in words {
            command.arg(*word);
        }
        command.query_async(&mut self.connect().await?).await
    }

    /// The same, where nothing but an answer is expected.
    pub(crate) async fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_ask(words).await.unwrap_or_else(|error| panic!("{words:?}: {error}\n{}", self.log()))
    }

    /// Makes two nodes of clusters know each other.
    pub(super) async fn meet(&self, other: &Self) {
        let bus: Vec<String> = other.ask(&["CONFIG", "GET", "cluster-port"]).await;
        let () = self.ask(&["CLUSTER", "MEET", "127.0.0.1", &other.port.to_string(), &bus[1]]).await;
    }

    /// One line of `INFO`.
    pub(crate) async fn info(&self, section: &str, name: &str) -> Option<String> {
        let text: String = self.try_ask(&["INFO", section]).await.ok()?;
        text.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned()))
    }

    /// Kills it as a machine that dies would.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Stops it without ending it, as a machine that hangs.
    pub(crate) fn freeze(&self) {
        kill_process(Pid::from_child(&self.child), Signal::STOP).unwrap();
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        kill_process(Pid::from_child(&self.child), Signal::CONT).unwrap();
    }

    /// Starts it again in its place, with what it had on its disk.
    pub(crate) async fn revive(&mut self) {
        self.child = spawn(self.kind, &self.folder);
        assert!(self.serves().await, "it does not come back:\n{}", self.log());
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// What it logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Waits until it answers; false when it ended, because another process took its port.
    async fn serves(&mut self) -> bool {
        let deadline = Instant::now() + GUARD;
        while Instant::now() < deadline {
            if !self.is_running() {
                return false;
            }
            if self.try_ask::<String>(&["PING"]).await.is_ok() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{BINARY} does not serve:\n{}", self.log())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(kind: Kind, folder: &TempDir) -> Child {
    let file = |name: &str| folder.path().join(name);
    let mut command = Command::new(BINARY);
    command.arg(file("redis.conf"));
    if kind == Kind::Sentinel {
        // Debian's `redis-sentinel` is this very program.
        command.arg("--sentinel");
    }
    command.args(["--logfile", file("log").to_str().unwrap()]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap_or_else(|error| {
        panic!("`{BINARY}` cannot be started ({error}): install it, or set ENTRADA_TEST_NO_REDIS=1 to leave Redis out")
    })
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Waits until `condition` answers `Some`, asking again and again.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut condition: impl FnMut() -> F,
) -> T {
    let wait = async {
        loop {
            if let Some(value) = condition().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let outcome = tokio::time::timeout(GUARD, wait).await;
    outcome.unwrap_or_else(|_| panic!("did not happen: {what}"))
}
