//! Everything that runs during the bench.

use crate::driver::{self, Ask, Subject};
use crate::peers::{self, Running};
use crate::reference;
use crate::support::cluster::{self, Store};
use crate::support::login::Client;
use crate::support::process::Process;
use crate::support::tenant::Tenant;
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};

const ALICE: &str = "alice@contoso.example";
/// Workers of every subject that counts them.
const WORKERS: &str = "2";

/// The product, the references, the peers, and what they need.
pub(crate) struct World {
    pub(crate) tenant: Tenant,
    /// The product's URL.
    pub(crate) url: String,
    pub(crate) entrada: Subject,
    pub(crate) cold_start_ms: f64,
    pub(crate) idle_mb: f64,
    echo_list: Subject,
    echo_call: Subject,
    hand_list: Subject,
    hand_call: Subject,
    peers: Vec<Running>,
    _redis: Store,
    _server: Process,
    _references: [Process; 2],
}

impl World {
    pub(crate) async fn start() -> Self {
        let tenant = Tenant::start(&["--messages", "500"]);
        let limits = json!({ "concurrent": 1_000_000, "budget": 1_000_000_000 });
        tenant.control(Method::POST, "graph/limits", Some(limits)).await;
        let redis = Store::redis().expect("the bench needs redis-server");
        let store = redis.url();
        let mut settings = cluster::settings(&tenant, "", &store);
        settings.retain(|(name, _)| name != "ENTRADA_PUBLIC_URL");
        for (name, value) in [
            ("ENTRADA_SERVER__WORKERS", WORKERS),
            ("ENTRADA_GRAPH__OUTLOOK_CONCURRENT", "1000"),
            ("ENTRADA_GRAPH__OUTLOOK_REQUESTS", "100000000"),
            ("ENTRADA_LIMITS__ENABLED", "false"),
            ("ENTRADA_LOG", "warn"),
        ] {
            settings.push((name.to_owned(), value.to_owned()));
        }
        let cold_start_ms = cold_start_ms(&settings).await;
        let mut server = Process::entrada(&["serve"], &settings);
        let url = server.wait_for("entrada listening on ");
        cluster::ready(&url).await;
        let idle_mb = driver::resident_mb(server.id());
        let login = Client::register(&url).await.sign_in(ALICE).await;
        let subject = |id, url: String, bearer: &str| Subject { process: id, url, bearer: bearer.to_owned() };
        let entrada = subject(server.id(), format!("{url}/mail-query/mcp"), &login.access);
        let folder = tempfile::TempDir::new().unwrap();
        for (name, ask) in [("tools-list", Ask::method("tools/list")), ("tools-call", Ask::ten_messages())] {
            let answer = answered(&entrada, &ask).await;
            println!("{name}: an answer of {} bytes", answer.len());
            std::fs::write(folder.path().join(name), answer).unwrap();
        }
        let folder = folder.path().to_str().unwrap();
        let mut echo = reference::child(&["reference-echo", folder]);
        let echo_url = echo.wait_for("reference listening on ");
        let graph = format!("{}/v1.0", tenant.url);
        let graph_token = tenant.graph_token(ALICE).await;
        let bearer = reference::seed(&store, &graph_token).await;
        let mut by_hand = reference::child(&["reference-by-hand", &store, &graph, folder]);
        let hand_url = by_hand.wait_for("reference listening on ");
        let peers = peers::start(&reference::ten_messages(&graph), &graph_token);
        for peer in &peers {
            let answer = answered(&peer.subject, &Ask::ten_messages()).await;
            println!("{}: an answer of {} bytes", peer.name, answer.len());
        }
        Self {
            url,
            entrada,
            cold_start_ms,
            idle_mb,
            echo_list: subject(echo.id(), format!("{echo_url}/tools-list"), &bearer),
            echo_call: subject(echo.id(), format!("{echo_url}/tools-call"), &bearer),
            hand_list: subject(by_hand.id(), format!("{hand_url}/list"), &bearer),
            hand_call: subject(by_hand.id(), format!("{hand_url}/mcp"), &bearer),
            peers,
            tenant,
            _redis: redis,
            _server: server,
            _references: [echo, by_hand],
        }
    }

    /// Who takes part in lists, in an order that has no favourite: the product in the middle.
    pub(crate) fn for_lists(&self) -> Vec<(&'static str, &Subject)> {
        self.around([("echo", &self.echo_list), ("entrada", &self.entrada), ("by hand", &self.hand_list)])
    }

    /// Who takes part in calls.
    pub(crate) fn for_calls(&self) -> Vec<(&'static str, &Subject)> {
        self.around([("echo", &self.echo_call), ("entrada", &self.entrada), ("by hand", &self.hand_call)])
    }

    fn around<'a>(&'a self, own: [(&'static str, &'a Subject); 3]) -> Vec<(&'static str, &'a Subject)> {
        own.into_iter().chain(self.peers.iter().map(|peer| (peer.name, &peer.subject))).collect()
    }

    /// What Graph takes to answer from now on.
    pub(crate) async fn graph_delay(&self, ms: u64) {
        self.tenant.control(Method::POST, "options", Some(json!({ "graph_delay_ms": ms }))).await;
    }
}

/// The answer to `ask`, which must be what it is for.
async fn answered(subject: &Subject, ask: &Ask) -> String {
    let answer = driver::once(subject, ask).await;
    assert!(answer.contains("\"result\"") && !answer.contains("\"isError\":true"), "{answer}");
    answer
}

/// Milliseconds from the start of the process to its first 200, median of five.
async fn cold_start_ms(settings: &[(String, String)]) -> f64 {
    let mut samples = Vec::new();
    for _ in 0..5 {
        let started = Instant::now();
        let mut process = Process::entrada(&["serve"], settings);
        let health = format!("{}/health/live", process.wait_for("entrada listening on "));
        while crate::support::http::status(&health).await != Some(200) {
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
        samples.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    crate::report::median(&mut samples)
}
