//! A Redis of the test's own: empty, in memory, on a free port.

use super::process::Process;
use std::net::TcpListener;
use std::process::Command;

/// A running `redis-server`.
pub(crate) struct Redis {
    process: Option<Process>,
    port: u16,
}

impl Redis {
    /// Starts one; `None` only when the environment says that this machine has none.
    pub(crate) fn start() -> Option<Self> {
        if std::env::vars().any(|(name, value)| name == "ENTRADA_TEST_NO_REDIS" && value == "1") {
            println!("skipped: ENTRADA_TEST_NO_REDIS=1 says that there is no redis-server here");
            return None;
        }
        // Between choosing a port and Redis taking it somebody else may: then the next one.
        for _ in 0..20 {
            let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
            if let Some(process) = launch(port) {
                return Some(Self { process: Some(process), port });
            }
        }
        panic!("no free port for redis-server")
    }

    /// Store setting that points here.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Ends every connection to it; clients connect again.
    pub(crate) async fn cut_connections(&self) {
        let mut connection =
            redis::Client::open(self.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
        for kind in ["pubsub", "normal"] {
            let mut kill = redis::cmd("CLIENT");
            let () = kill.arg("KILL").arg("TYPE").arg(kind).query_async(&mut connection).await.unwrap();
        }
    }

    /// Kills it; its data is gone.
    pub(crate) fn kill(&mut self) {
        self.process = None;
    }

    /// Starts an empty one in the same place.
    pub(crate) fn restart(&mut self) {
        self.process = Some(launch(self.port).expect("the port of the killed Redis is free"));
    }
}

fn launch(port: u16) -> Option<Process> {
    let mut command = Command::new("redis-server");
    command
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no", "--logfile", ""])
        .current_dir(std::env::temp_dir());
    let mut process = Process::start("redis-server", command);
    // Redis logs to stdout: "... * Ready to accept connections tcp".
    process.wait_for_line("Ready to accept connections").then_some(process)
}
