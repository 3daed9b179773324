//! A Redis of the test's own, on a free port: in memory, or with a file that every write reaches before its answer.

use super::process::Process;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A running `redis-server`.
pub(crate) struct Redis {
    process: Option<Process>,
    port: u16,
    /// Where its data are; none: it forgets them when it ends.
    folder: Option<TempDir>,
}

impl Redis {
    /// Starts one; `None` only when the environment says that this machine has none.
    pub(crate) fn start() -> Option<Self> {
        Self::start_in(None)
    }

    /// Starts one whose data outlive it (`appendfsync always`).
    pub(crate) fn durable() -> Option<Self> {
        Self::start_in(Some(TempDir::new().unwrap()))
    }

    fn start_in(folder: Option<TempDir>) -> Option<Self> {
        if std::env::vars().any(|(name, value)| name == "ENTRADA_TEST_NO_REDIS" && value == "1") {
            println!("skipped: ENTRADA_TEST_NO_REDIS=1 says that there is no redis-server here");
            return None;
        }
        // Between choosing a port and Redis taking it somebody else may: then the next one.
        for _ in 0..20 {
            let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
            if let Some(process) = launch(port, folder.as_ref().map(TempDir::path)) {
                return Some(Self { process: Some(process), port, folder });
            }
        }
        panic!("no free port for redis-server")
    }

    /// Store setting that points here.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Asks something, over a connection of the test's own.
    pub(crate) async fn ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(*word);
        }
        command.query_async(&mut connection).await.unwrap()
    }

    /// Ends every connection to it; clients connect again.
    pub(crate) async fn cut_connections(&self) {
        for kind in ["pubsub", "normal"] {
            let _: i64 = self.ask(&["CLIENT", "KILL", "TYPE", kind]).await;
        }
    }

    /// The port it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Stops it in mid-work (`SIGSTOP`): connections stay open and nothing is answered.
    pub(crate) fn pause(&self) {
        self.running().pause();
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self) {
        self.running().go_on();
    }

    fn running(&self) -> &Process {
        self.process.as_ref().expect("this Redis was killed")
    }

    /// Kills it; its data is gone unless it is durable.
    pub(crate) fn kill(&mut self) {
        self.process = None;
    }

    /// Starts one in the same place, with the data of a durable one.
    pub(crate) fn restart(&mut self) {
        let folder = self.folder.as_ref().map(TempDir::path);
        self.process = Some(launch(self.port, folder).expect("the port of the killed Redis is free"));
    }
}

fn launch(port: u16, folder: Option<&Path>) -> Option<Process> {
    let mut command = Command::new("redis-server");
    let keep = if folder.is_some() { "yes" } else { "no" };
    command
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", keep, "--appendfsync", "always", "--logfile", ""])
        .current_dir(folder.map_or_else(std::env::temp_dir, Path::to_path_buf));
    let mut process = Process::start("redis-server", command);
    // Redis logs to stdout: "... * Ready to accept connections tcp".
    process.wait_for_line("Ready to accept connections").then_some(process)
}
