//! A real `redis-server` on a free loopback port, ended by its id.

use redis::aio::MultiplexedConnection;
use rustix::process::{Pid, Signal, kill_process};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Found by the search path.
const BINARY: &str = "redis-server";
/// Says that Redis tests may be left out on this machine.
const OPT_OUT: &str = "ENTRADA_TEST_NO_REDIS";

pub(super) struct RedisServer {
    port: u16,
    process: Child,
}

impl RedisServer {
    /// Starts one; `None` only where the machine opted out.
    #[expect(clippy::disallowed_methods, reason = "a switch of the test run, not a setting")]
    pub(super) async fn start() -> Option<Self> {
        if std::env::var(OPT_OUT).is_ok_and(|value| value == "1") {
            println!("skipped: {OPT_OUT}=1");
            return None;
        }
        loop {
            let port = free_port();
            let mut server = Self { port, process: spawn(port) };
            if server.answers().await {
                return Some(server);
            }
        }
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills it, as a machine that dies would.
    pub(super) fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Sends it a signal.
    pub(super) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// Starts it again on the same port, empty.
    pub(super) async fn start_again(&mut self) {
        self.process = spawn(self.port);
        assert!(self.answers().await, "the port of the stopped server was taken by somebody else");
    }

    /// A connection beside the store's.
    pub(super) async fn connection(&self) -> MultiplexedConnection {
        let client = redis::Client::open(self.url()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    pub(super) async fn keys(&self) -> Vec<Vec<u8>> {
        redis::cmd("KEYS").arg("*").query_async(&mut self.connection().await).await.unwrap()
    }

    /// Waits until it serves; false when it ended, because another process took the port.
    async fn answers(&mut self) -> bool {
        let client = redis::Client::open(self.url()).unwrap();
        loop {
            if self.process.try_wait().unwrap().is_some() {
                return false;
            }
            if client.get_multiplexed_async_connection().await.is_ok() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn spawn(port: u16) -> Child {
    let mut command = Command::new(BINARY);
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    command
        .args(["--dir", std::env::temp_dir().to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().unwrap_or_else(|error| {
        panic!("`{BINARY}` cannot be started ({error}): install it, or set {OPT_OUT}=1 to leave Redis out")
    })
}
