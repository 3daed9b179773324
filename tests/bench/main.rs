//! Load bench: what one request costs the server process, beside two hand-written references and, where
//! `tests/bench/run` has installed them, servers by others, all in the same run.
//!
//! `cargo bench --bench load` (`-- --quick` for a fast look, `-- --only W2` for loads of that title, `-- streams` for idle
//! streams, `-- store` for connections to Redis). Needs `redis-server`. Every subject is a process of its own, so that its
//! CPU time is counted apart from the driver's; rounds are interleaved, so that a noisy machine is noisy for all of them.
//! Read the ratios: absolute figures belong to the machine.
//!
//! - `entrada`: the product, `serve` on Redis, before the simulated Graph.
//! - `echo`: an actix-web handler that answers the same bytes, and does nothing else.
//! - `by hand`: a handler that does the same work without a product around it: keyed hash, Redis GET,
//!   XChaCha20-Poly1305; for a call also upstream request, typed projection, text and structured part.
//! - the peers: one tool each on the official Rust and TypeScript SDKs and on FastMCP. They know one bearer, kept in
//!   memory, and decrypt nothing, so the comparison is in their favour.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program that nobody runs in production and that should stop at the first surprise"
)]

mod driver;
mod goals;
mod peers;
mod reference;
mod report;
mod sign_in;
mod store;
mod streams;
#[expect(dead_code, reason = "shared with the integration tests, which use all of it")]
#[path = "../it/support/mod.rs"]
mod support;
mod world;

use driver::{Ask, Load};
use report::Table;
use world::World;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How much to send.
struct Plan {
    rounds: usize,
    fast: usize,
    slow: usize,
    sign_ins: usize,
    /// Loads whose titles begin so; all of them when empty.
    only: String,
}

impl Plan {
    fn full(only: &str) -> Self {
        Self { rounds: 3, fast: 8_000, slow: 4_000, sign_ins: 400, only: only.to_owned() }
    }

    fn has(&self, title: &str) -> bool {
        title.starts_with(&self.only)
    }
}

/// Loads, by the names of the table.
pub(crate) const LISTS: &str = "W1 discover, tools/list";
pub(crate) const CALLS: &str = "W2 tools/call, Graph at 0 ms";
pub(crate) const SLOW_64: &str = "W3 tools/call, Graph at 30 ms, 64";
pub(crate) const SLOW_256: &str = "W3 tools/call, Graph at 30 ms, 256";
const SIGN_INS: &str = "W4 sign-in cycles";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.first().map(String::as_str) {
        Some("reference-echo") => reference::echo(&arguments[1]),
        Some("hold-streams") => match arguments.get(1..) {
            Some([address, host, bearer, kind, count]) => streams::hold(address, host, bearer, kind, count),
            _ => panic!("hold-streams ADDRESS HOST BEARER KIND COUNT"),
        },
        Some("streams") => streams::run(arguments.get(1).map_or(10_000, |count| count.parse().unwrap())),
        Some("store") => store::run(),
        Some("reference-by-hand") => reference::by_hand(&arguments[1], &arguments[2], &arguments[3]),
        Some("--quick") => run(&Plan { rounds: 1, fast: 1_000, slow: 500, sign_ins: 50, ..Plan::full("") }),
        Some("--only") => run(&Plan::full(&arguments[1])),
        _ => run(&Plan::full("")),
    }
}

/// A slow subject is told by fewer requests: nobody waits minutes for it.
const SLOW_SUBJECT: [&str; 2] = ["TypeScript SDK 2.4.0", "FastMCP 4.2.3"];
const SLOW_SHARE: usize = 8;

#[tokio::main]
async fn run(plan: &Plan) {
    let mut table = Table::default();
    let world = World::start().await;
    let lists = [Ask::method("server/discover"), Ask::method("tools/list")];
    let calls = [Ask::ten_messages()];
    for _ in 0..plan.rounds {
        for (title, delay_ms, connections) in
            [(LISTS, 0, 32), (CALLS, 0, 32), (SLOW_64, 30, 64), (SLOW_256, 30, 256)]
        {
            if !plan.has(title) {
                continue;
            }
            world.graph_delay(delay_ms).await;
            let requests = if delay_ms == 0 { plan.fast } else { plan.slow };
            let (subjects, asks) = if title == LISTS {
                (world.for_lists(), &lists[..])
            } else {
                (world.for_calls(), &calls[..])
            };
            for (name, subject) in subjects {
                table.add(title, name, load(connections, requests, name).run(subject, asks).await);
            }
        }
    }
    world.graph_delay(0).await;
    let cycles = if plan.has(SIGN_INS) { Some(sign_in::run(&world, plan.sign_ins).await) } else { None };
    table.print();
    goals::print(&table, &world, cycles.as_ref());
}

fn load(connections: usize, requests: usize, subject: &str) -> Load {
    let requests = if SLOW_SUBJECT.contains(&subject) { requests / SLOW_SHARE } else { requests };
    Load { connections, warm_up: (requests / 10).max(connections), requests }
}
