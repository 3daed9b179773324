//! Soak: people at work for half an hour on three replicas, while everything breaks in turn.
//!
//! `cargo bench --bench soak` (`-- --minutes 2` for a look; `cargo test --bench soak` with the debug build, and
//! `ENTRADA_BIN=path` with any other). Needs `redis-server`. Prints the ledger of each minute, with memory and open files
//! of each replica, and at the end what product, tenant and clients have counted in a calm minute. Fails when anything was
//! lost, done twice, seen by somebody else or wrongly refused, when the counts differ, or when memory grows.
//!
//! Replicas 0 and 1 live from the beginning to the end, so that their memory can be followed; what kills or replaces
//! replicas strikes replica 2.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program that nobody runs in production and that should stop at the first surprise"
)]

#[path = "../crowd/mod.rs"]
mod crowd;
#[expect(dead_code, reason = "shared with the integration tests, which use all of it")]
#[path = "../it/support/mod.rs"]
mod support;

use crowd::ledger::{Figures, Known, Ledger};
use crowd::{Crowd, Load, SETTINGS};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use support::cluster::{Cluster, Plan, Store};
use support::http;
use support::line::Line;
use support::operator::{Operator, TOKEN};
use tokio::time::sleep;

/// Time between two requests of a client.
const PACE: Duration = Duration::from_millis(250);
/// How long what ends by time lasts; well below the grace of a rotated refresh token.
const STRETCH: Duration = Duration::from_secs(4);
/// So many requests have to meet a fault before it ends.
const TROUBLE: u64 = 6;
/// Memory may grow by so much from the warm state to the end.
const GROWTH: f64 = 1.2;

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
                let figures = std::mem::take(&mut *load.ledger.figures.lock().unwrap());
                world.sample(minute, &figures);
                add(&mut total, figures);
                if minute >= u64::from(minutes) {
                    break 'minutes;
                }
            }
        }
    }
    let (crowd, ledger) = load.stop().await;
    ledger.reconcile(&world.cluster.tenant).await;
    add(&mut total, ledger.figures());
    let (done, open) = writes(&ledger);
    println!("{}", total.line("all"));
    println!(
        "writes: {done} confirmed, each there once; {open} whose answer was lost, there once or not at all"
    );
    for (reason, count) in &total.reasons {
        println!("  repeated {count} times: {reason}");
    }
    for (fault, times) in &world.struck {
        println!("  {times} times: {fault}");
    }
    total.assert_clean("soak");
    world.compare_counters(crowd).await;
    world.assert_flat();
}

/// In rotation.
const FAULTS: [&str; 19] = [
    "replica killed",
    "Entra 503",
    "Redis killed",
    "Graph 429",
    "replica rolled",
    "Graph 503",
    "Redis hangs",
    "Entra reset",
    "connections cut",
    "Graph reset",
    "line slow",
    "Graph answers lost",
    "line cut",
    "Entra malformed",
    "line silent",
    "Graph slow",
    "clock ahead",
    "Graph malformed",
    "clock behind",
];

struct World {
    cluster: Cluster,
    line: Line,
    struck: BTreeMap<&'static str, u32>,
    /// By minute: kB of the replicas that live on.
    memory: Vec<[u64; 2]>,
}

impl World {
    async fn start() -> Self {
        let mut store = Store::durable_redis().expect("the soak needs redis-server");
        let Store::Redis(redis) = &mut store else { panic!("that is Redis") };
        let line = Line::to(redis.port()).await;
        let url = line.url();
        let mut settings = SETTINGS.to_vec();
        settings.push(("ENTRADA_STORE", &url));
        let plan = Plan { replicas: 3, settings: &settings, ..Plan::default() };
        let cluster = Cluster::start(store, plan).await;
        Self { cluster, line, struck: BTreeMap::new(), memory: Vec::new() }
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

    fn sample(&mut self, minute: u64, figures: &Figures) {
        let kilobytes: Vec<u64> =
            self.cluster.replicas.iter().map(|replica| resident_kb(replica.id())).collect();
        let files: Vec<usize> =
            self.cluster.replicas.iter().map(|replica| open_files(replica.id())).collect();
        let megabytes: Vec<String> =
            kilobytes.iter().map(|kb| format!("{:.1}", *kb as f64 / 1024.0)).collect();
        println!("{} {} | {files:?} |", figures.line(&minute.to_string()), megabytes.join(" "));
        self.memory.push([kilobytes[0], kilobytes[1]]);
    }

    /// Memory of the replicas that live on, from the warm state (minute 5, or two fifths of a short run) to the end.
    fn assert_flat(&self) {
        let warm = 4.min(self.memory.len() * 2 / 5);
        for replica in 0..2 {
            let series: Vec<f64> = self.memory[warm..].iter().map(|sample| sample[replica] as f64).collect();
            let slope = slope(&series);
            let (first, last) = (series[0], series[series.len() - 1]);
            println!(
                "memory of replica {replica}: {:.1} MB warm, {:.1} MB at the end, {slope:.1} kB a minute",
                first / 1024.0,
                last / 1024.0
            );
            assert!(last < first * GROWTH, "memory of replica {replica} grows");
        }
    }

    /// A calm minute, counted by the clients, the product and the tenant.
    async fn compare_counters(&mut self, crowd: Crowd) {
        let before = self.counted().await;
        let load = crowd.work();
        load.go_on(20).await;
        let (_, ledger) = load.stop().await;
        let after = self.counted().await;
        ledger.reconcile(&self.cluster.tenant).await;
        let figures = ledger.figures();
        figures.assert_clean("the calm minute");
        let of = |what: &str| figures.kinds.get(what).copied().unwrap_or(0);
        let all: u64 = figures.kinds.values().sum();
        let grew = |name: &str| after[name] - before[name];
        let (done, open) = writes(&ledger);
        assert_eq!((open, figures.retried), (0, 0), "the calm minute is calm: {figures:#?}");
        for (what, clients, product, tenant) in [
            ("tool calls", Some(all - of("refresh")), Some(grew("calls")), None),
            ("rotations", Some(of("refresh") / 2), Some(grew("rotations")), None),
            ("refreshes at Entra", None, Some(grew("refreshes")), Some(grew("grants"))),
            ("requests to Graph", None, Some(grew("graph")), Some(grew("tenant graph"))),
            ("mails made", Some(done as u64), None, Some(grew("made"))),
            ("mails sent", Some(of("send_email")), None, Some(grew("sent"))),
        ] {
            let told: Vec<u64> = [clients, product, tenant].into_iter().flatten().collect();
            println!("{what}: clients {clients:?}, product {product:?}, tenant {tenant:?}");
            assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "{what}: the counts differ");
        }
    }

    /// What the replicas and the tenant have counted.
    async fn counted(&mut self) -> BTreeMap<&'static str, u64> {
        let mut all: BTreeMap<&'static str, u64> = BTreeMap::new();
        for index in 0..self.cluster.replicas.len() {
            let base = Operator::of(&mut self.cluster, index).base;
            let url = format!("{}/metrics", base.trim_end_matches("/admin/v1"));
            let text = http::client().get(url).bearer_auth(TOKEN).send().await.unwrap().text().await.unwrap();
            for (name, series) in [
                ("calls", "entrada_tool_calls_total{"),
                ("graph", "entrada_graph_requests_total{"),
                ("refreshes", "entrada_entra_token_requests_total{operation=\"refresh\""),
                ("rotations", "entrada_audit_events_total{event=\"refresh\"}"),
            ] {
                let values = text.lines().filter(|line| line.starts_with(series));
                let values = values.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap());
                *all.entry(name).or_default() += values.sum::<u64>();
            }
        }
        let tenant = self.cluster.tenant.counters().await;
        let routes = tenant["routes"].as_object().unwrap();
        let count = |wanted: &dyn Fn(&str) -> bool| -> u64 {
            routes.iter().filter(|(route, _)| wanted(route)).filter_map(|(_, count)| count.as_u64()).sum()
        };
        all.insert("tenant graph", count(&|route| route.contains(" /v1.0/")));
        all.insert("made", count(&|route| route == "POST /v1.0/me/messages"));
        all.insert(
            "sent",
            count(&|route| route.starts_with("POST /v1.0/me/messages/") && route.ends_with("/send")),
        );
        all.insert("grants", tenant["grants"]["refresh_token"].as_u64().unwrap_or(0));
        all
    }
}

/// Resident memory of a process, in kB.
fn resident_kb(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Open file descriptors of a process.
fn open_files(process: u32) -> usize {
    std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().count()
}

/// Slope of the straight line through evenly spaced values, per step.
fn slope(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let (mean_x, mean_y) = ((count - 1.0) / 2.0, values.iter().sum::<f64>() / count);
    let (mut above, mut below) = (0.0, 0.0);
    for (x, y) in values.iter().enumerate() {
        above += (x as f64 - mean_x) * (y - mean_y);
        below += (x as f64 - mean_x).powi(2);
    }
    if below == 0.0 { 0.0 } else { above / below }
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

/// How many writes are confirmed, and how many open.
fn writes(ledger: &Ledger) -> (usize, usize) {
    let writes = ledger.writes.lock().unwrap();
    let done = writes.values().filter(|write| write.known == Known::Done).count();
    (done, writes.len() - done)
}
