//! Load bench: what one request costs the server process, beside two hand-written references in the same run.
//!
//! `cargo bench --bench load` (`-- --quick` for a fast look, `-- streams` for idle streams). Needs `redis-server`. Every subject is a process of its
//! own, so that its CPU time is counted apart from the driver's; rounds are interleaved, so that a noisy machine is
//! noisy for all of them. Read the ratios: absolute figures belong to the machine.
//!
//! - `entrada`: the product, `serve` on Redis, before the simulated Graph.
//! - `echo`: an actix-web handler that answers the same bytes, and does nothing else.
//! - `by hand`: a handler that does the same work for one call without a product around it: keyed hash, Redis GET,
//!   XChaCha20-Poly1305, upstream call, typed projection, text and structured part.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program that nobody runs in production and that should stop at the first surprise"
)]

mod driver;
mod reference;
mod report;
mod streams;
#[expect(dead_code, reason = "shared with the integration tests, which use all of it")]
#[path = "../it/support/mod.rs"]
mod support;

use driver::{Load, Subject};
use report::Table;
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use support::cluster::{self, Store};
use support::login::Client;
use support::mcp::MODERN;
use support::process::Process;
use support::tenant::Tenant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How much to send.
struct Plan {
    rounds: usize,
    fast: usize,
    slow: usize,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.first().map(String::as_str) {
        Some("reference-echo") => reference::echo(&arguments[1]),
        Some("hold-streams") => match arguments.get(1..) {
            Some([address, host, bearer, kind, count]) => streams::hold(address, host, bearer, kind, count),
            _ => panic!("hold-streams ADDRESS HOST BEARER KIND COUNT"),
        },
        Some("streams") => streams::run(arguments.get(1).map_or(10_000, |count| count.parse().unwrap())),
        Some("reference-by-hand") => reference::by_hand(&arguments[1], &arguments[2]),
        Some("--quick") => run(&Plan { rounds: 1, fast: 1_000, slow: 500 }),
        _ => run(&Plan { rounds: 3, fast: 8_000, slow: 4_000 }),
    }
}

#[tokio::main]
async fn run(plan: &Plan) {
    let mut table = Table::default();
    let world = World::start().await;
    println!("cold start, spawn to first 200: {:.0} ms (median of 5)", cold_start_ms().await);
    for _ in 0..plan.rounds {
        for (name, subject, body) in world.subjects("tools/list") {
            let load = Load { connections: 32, warm_up: plan.fast / 10, requests: plan.fast };
            table.add("tools/list", name, load.run(subject, &body).await);
        }
        for delay in [0, 30] {
            let options = json!({ "graph_delay_ms": delay });
            world.tenant.control(Method::POST, "options", Some(options)).await;
            let title = if delay == 0 { "tools/call, Graph at 0 ms" } else { "tools/call, Graph at 30 ms" };
            let load = if delay == 0 {
                Load { connections: 32, warm_up: plan.fast / 10, requests: plan.fast }
            } else {
                Load { connections: 64, warm_up: plan.slow / 10, requests: plan.slow }
            };
            for (name, subject, body) in world.subjects("tools/call") {
                table.add(title, name, load.run(subject, &body).await);
            }
        }
    }
    table.print();
}

/// Everything that runs during the bench.
struct World {
    tenant: Tenant,
    _redis: Store,
    _server: Process,
    _references: [Process; 2],
    entrada: Subject,
    echo_list: Subject,
    echo_call: Subject,
    hand: Subject,
}

impl World {
    async fn start() -> Self {
        let tenant = Tenant::start(&["--messages", "500"]);
        let limits = json!({ "concurrent": 1_000_000, "budget": 1_000_000_000 });
        tenant.control(Method::POST, "graph/limits", Some(limits)).await;
        let redis = Store::redis().expect("the bench needs redis-server");
        let store = redis.url();
        let mut settings = cluster::settings(&tenant, "", &store);
        settings.retain(|(name, _)| name != "ENTRADA_PUBLIC_URL");
        for (name, value) in [
            ("ENTRADA_SERVER__WORKERS", "2"),
            ("ENTRADA_GRAPH__OUTLOOK_CONCURRENT", "1000"),
            ("ENTRADA_GRAPH__OUTLOOK_REQUESTS", "100000000"),
            ("ENTRADA_LOG", "warn"),
        ] {
            settings.push((name.to_owned(), value.to_owned()));
        }
        let mut server = Process::entrada(&["serve"], &settings);
        let url = server.wait_for("entrada listening on ");
        cluster::ready(&url).await;
        println!("idle: {:.1} MB resident once ready", driver::resident_mb(server.id()));
        let login = Client::register(&url).await.sign_in("alice@contoso.example").await;
        let subject = |id, url: String, bearer: &str| Subject { process: id, url, bearer: bearer.to_owned() };
        let entrada = subject(server.id(), format!("{url}/mail-query/mcp"), &login.access);
        let folder = tempfile::TempDir::new().unwrap();
        for method in ["tools/list", "tools/call"] {
            let answer = driver::once(&entrada, &body(method)).await;
            assert!(answer.contains("\"result\"") && !answer.contains("\"isError\":true"), "{answer}");
            println!("{method}: an answer of {} bytes", answer.len());
            std::fs::write(folder.path().join(method.replace('/', "-")), answer).unwrap();
        }
        let mut echo = reference::child(&["reference-echo", folder.path().to_str().unwrap()]);
        let echo_url = echo.wait_for("reference listening on ");
        let bearer = reference::seed(&store, &tenant.graph_token("alice@contoso.example").await).await;
        let mut by_hand = reference::child(&["reference-by-hand", &store, &format!("{}/v1.0", tenant.url)]);
        let hand_url = by_hand.wait_for("reference listening on ");
        let hand = subject(by_hand.id(), format!("{hand_url}/mcp"), &bearer);
        let echo_list = subject(echo.id(), format!("{echo_url}/tools-list"), &bearer);
        let echo_call = subject(echo.id(), format!("{echo_url}/tools-call"), &bearer);
        Self {
            tenant,
            _redis: redis,
            _server: server,
            _references: [echo, by_hand],
            entrada,
            echo_list,
            echo_call,
            hand,
        }
    }

    /// Who takes part, in an order that has no favourite: the product in the middle.
    fn subjects(&self, method: &str) -> Vec<(&'static str, &Subject, String)> {
        let body = body(method);
        if method == "tools/list" {
            return vec![("echo", &self.echo_list, body.clone()), ("entrada", &self.entrada, body)];
        }
        vec![
            ("echo", &self.echo_call, body.clone()),
            ("entrada", &self.entrada, body.clone()),
            ("by hand", &self.hand, body),
        ]
    }
}

/// One request of the modern era, which needs no session.
fn body(method: &str) -> String {
    let mut params = json!({
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    });
    if method == "tools/call" {
        params["name"] = "query_email".into();
        params["arguments"] = json!({ "days_back": 3650, "max_mails": 10 });
    }
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
}

/// Milliseconds from the start of the process to its first 200, median of five.
async fn cold_start_ms() -> f64 {
    let tenant = Tenant::start(&[]);
    let mut settings = cluster::settings(&tenant, "", "embedded:memory");
    settings.retain(|(name, _)| name != "ENTRADA_PUBLIC_URL");
    let mut samples = Vec::new();
    for _ in 0..5 {
        let started = std::time::Instant::now();
        let mut process = Process::entrada(&["serve"], &settings);
        let health = format!("{}/health/live", process.wait_for("entrada listening on "));
        while support::http::status(&health).await != Some(200) {
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
        samples.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    report::median(&mut samples)
}
