//! Soak: people at work for half an hour, while everything breaks in turn: on three replicas and one Redis behind a line,
//! on two replicas and Sentinel, and on two replicas and a Cluster of six.
//!
//! `cargo bench --bench soak` (`-- --minutes 2` for a look; `cargo test --bench soak` with the debug build, and
//! `ENTRADA_BIN=path` with any other). Needs `redis-server`. Prints the ledger of each minute, with memory and open files
//! of each replica, and at the end what product, tenant and clients have counted in a calm minute. Fails when anything was
//! lost, done twice, seen by somebody else or wrongly refused, when the counts differ, or when memory grows.
//!
//! What kills or replaces replicas strikes replica 2 of the three; all others live from the beginning to the end, so that
//! their memory can be followed.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program that nobody runs in production and that should stop at the first surprise"
)]

#[path = "soak/beside.rs"]
mod beside;
#[path = "soak/counters.rs"]
mod counters;
#[path = "../crowd/mod.rs"]
mod crowd;
#[path = "soak/memory.rs"]
mod memory;
#[expect(dead_code, reason = "shared with the integration tests, which use all of it")]
#[path = "../it/support/mod.rs"]
mod support;

use beside::Beside;
use counters::{compare, writes};
use crowd::ledger::Figures;
use crowd::{Crowd, Load, SETTINGS};
use memory::Memory;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use support::cluster::{Cluster, Plan, Store};
use support::line::Line;
use support::process::Process;
use tokio::time::sleep;

/// Time between two requests of a client.
const PACE: Duration = Duration::from_millis(250);
/// How long what ends by time lasts; well below the grace of a rotated refresh token.
const STRETCH: Duration = Duration::from_secs(4);
/// So many requests have to meet a fault before it ends.
const TROUBLE: u64 = 6;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let minutes = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => 30,
        ["--minutes", minutes] => minutes.parse().expect("--minutes N"),
        _ => panic!("soak [--minutes N]"),
    };
    run(minutes);
}

#[tokio::main]
async fn run(minutes: u32) {
    let mut world = World::start().await;
    let mut crowd = Crowd::gather(&mut world.cluster).await;
    crowd.pace = PACE;
    let load = crowd.work();
    let (began, mut minute, mut total) = (Instant::now(), 0, Figures::default());
    println!(
        "| minute | sent | answered | retried | lost | doubled | crossed | longest pause ms | memory MB | files |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    'minutes: loop {
        for fault in FAULTS {
            world.strike(fault, &load).await;
            load.go_on(2).await;
            if began.elapsed().as_secs() / 60 > minute {
                minute = began.elapsed().as_secs() / 60;
                let mut figures = Figures::default();
                for load in [&load, &world.sentinel.load, &world.nodes.load] {
                    add(&mut figures, std::mem::take(&mut *load.ledger.figures.lock().unwrap()));
                }
                println!("{} {}", figures.line(&minute.to_string()), world.sample());
                add(&mut total, figures);
                if minute >= u64::from(minutes) {
                    break 'minutes;
                }
            }
        }
    }
    let World { cluster, sentinel, nodes, struck, memory, .. } = world;
    let (mut crowds, mut done, mut open) = (Vec::new(), 0, 0);
    for (cluster, load) in [(cluster, load), (sentinel.cluster, sentinel.load), (nodes.cluster, nodes.load)] {
        let (crowd, ledger) = load.stop().await;
        ledger.reconcile(&cluster.tenant).await;
        add(&mut total, ledger.figures());
        let of_these = writes(&ledger);
        done += of_these.0;
        open += of_these.1;
        crowds.push((cluster, crowd));
    }
    println!("{}", total.line("all"));
    println!(
        "writes: {done} confirmed, each there once; {open} whose answer was lost, there once or not at all"
    );
    println!("longest pause: {}", total.slowest);
    for (reason, count) in &total.reasons {
        println!("  repeated {count} times: {reason}");
    }
    for (fault, times) in &struck {
        println!("  {times} times: {fault}");
    }
    total.assert_clean("soak");
    for (name, (mut cluster, crowd)) in ["one Redis", "Sentinel", "Cluster"].into_iter().zip(crowds) {
        println!("a calm minute on {name}");
        compare(&mut cluster, crowd).await;
    }
    memory.assert_flat();
}

/// In rotation.
const FAULTS: [&str; 23] = [
    "replica killed",
    "Entra 503",
    "Sentinel: master killed",
    "Redis killed",
    "Graph 429",
    "replica rolled",
    "Graph 503",
    "Redis hangs",
    "Entra reset",
    "Cluster: master killed",
    "connections cut",
    "Graph reset",
    "line slow",
    "Graph answers lost",
    "Sentinel: master hangs",
    "line cut",
    "Entra malformed",
    "line silent",
    "Graph slow",
    "Cluster: slots moved",
    "clock ahead",
    "Graph malformed",
    "clock behind",
];

struct World {
    cluster: Cluster,
    line: Line,
    sentinel: Beside,
    nodes: Beside,
    struck: BTreeMap<&'static str, u32>,
    memory: Memory,
}

impl World {
    async fn start() -> Self {
        let needed = "the soak needs redis-server";
        let mut store = Store::durable_redis().expect(needed);
        let Store::Redis(redis) = &mut store else { panic!("that is Redis") };
        let line = Line::to(redis.port()).await;
        let url = line.url();
        let mut settings = SETTINGS.to_vec();
        settings.push(("ENTRADA_STORE", &url));
        let plan = Plan { replicas: 3, settings: &settings, ..Plan::default() };
        let cluster = Cluster::start(store, plan).await;
        let sentinel = Beside::start(Store::sentinel().await.expect(needed)).await;
        let nodes = Beside::start(Store::cluster().await.expect(needed)).await;
        Self { cluster, line, sentinel, nodes, struck: BTreeMap::new(), memory: Memory::default() }
    }

    /// Memory and files of all replicas; what is printed of them.
    fn sample(&mut self) -> String {
        let [lasting @ .., mortal] = &*self.cluster.replicas else { panic!("there are three") };
        let beside = [("Sentinel", &self.sentinel.cluster), ("Cluster", &self.nodes.cluster)];
        let beside = beside.into_iter().map(|(name, cluster)| (name, &*cluster.replicas));
        let mut all: Vec<(String, &Process)> = Vec::new();
        for (name, replicas) in [("one Redis", lasting)].into_iter().chain(beside) {
            let named = replicas.iter().enumerate();
            all.extend(named.map(|(at, replica)| (format!("replica {at} on {name}"), replica)));
        }
        self.memory.sample(&all, mortal)
    }

    /// Lets one fault come and go.
    async fn strike(&mut self, fault: &'static str, load: &Load) {
        *self.struck.entry(fault).or_default() += 1;
        let (token, mail) = ("*/oauth2/v2.0/token", "/v1.0/me/");
        match fault {
            "replica killed" => self.cluster.crash_and_restart(2).await,
            "replica rolled" => self.cluster.roll(2).await,
            "clock ahead" | "clock behind" => {
                let offset = if fault == "clock ahead" { "900" } else { "-900" };
                self.cluster.set("ENTRADA_SERVER__TEST_CLOCK_OFFSET_S", offset);
                self.cluster.roll(2).await;
                load.go_on(2).await;
                self.cluster.set("ENTRADA_SERVER__TEST_CLOCK_OFFSET_S", "0");
                self.cluster.roll(2).await;
            }
            "Redis killed" => {
                self.cluster.redis().kill();
                load.trouble(TROUBLE).await;
                self.cluster.redis().restart();
            }
            "Redis hangs" => {
                self.cluster.redis().pause();
                load.trouble(TROUBLE).await;
                self.cluster.redis().go_on();
            }
            "Sentinel: master killed" => self.sentinel.master_is_killed().await,
            "Sentinel: master hangs" => self.sentinel.master_hangs().await,
            "Cluster: master killed" => self.nodes.master_is_killed().await,
            "Cluster: slots moved" => self.nodes.slots_move().await,
            "connections cut" => self.cluster.redis().cut_connections().await,
            "line cut" => self.line.cut(),
            "line slow" => {
                self.line.slow(Duration::from_millis(150));
                sleep(STRETCH).await;
                self.line.slow(Duration::ZERO);
            }
            "line silent" => {
                self.line.silence(true);
                load.trouble(TROUBLE).await;
                self.line.silence(false);
            }
            "Entra 503" => self.upstream(json!({ "path": token, "status": 503 })).await,
            "Entra reset" => self.upstream(json!({ "path": token, "reset": true, "after": true })).await,
            "Entra malformed" => {
                self.upstream(json!({ "path": token, "status": 200, "body": "{\"acc" })).await;
            }
            "Graph 429" => {
                let wait = json!({ "Retry-After": "1" });
                self.upstream(json!({ "path": mail, "status": 429, "headers": wait })).await;
            }
            "Graph 503" => self.upstream(json!({ "path": mail, "status": 503 })).await,
            "Graph reset" => self.upstream(json!({ "path": mail, "reset": true })).await,
            "Graph answers lost" => {
                self.upstream(json!({ "path": mail, "reset": true, "after": true })).await;
            }
            "Graph slow" => self.upstream(json!({ "path": mail, "delay_ms": 2_000 })).await,
            "Graph malformed" => {
                self.upstream(json!({ "path": mail, "status": 200, "body": "{\"id\":", "after": true }))
                    .await;
            }
            other => panic!("no such fault: {other}"),
        }
    }

    /// A rule at the tenant for a stretch; tokens have to be refreshed meanwhile.
    async fn upstream(&self, mut rule: Value) {
        rule["times"] = json!(40);
        self.cluster.tenant.fault(rule).await;
        self.cluster.tenant.expire_tokens().await;
        sleep(STRETCH).await;
        self.cluster.tenant.clear_faults().await;
    }
}

/// Adds the figures of a stretch to those of all.
fn add(total: &mut Figures, more: Figures) {
    total.sent += more.sent;
    total.answered += more.answered;
    total.retried += more.retried;
    total.open += more.open;
    total.lost.extend(more.lost);
    total.doubled.extend(more.doubled);
    total.crossed.extend(more.crossed);
    total.refused.extend(more.refused);
    total.waited(more.longest, || more.slowest);
    for (from, to) in [(more.reasons, &mut total.reasons), (more.kinds, &mut total.kinds)] {
        for (name, count) in from {
            *to.entry(name).or_default() += count;
        }
    }
}
