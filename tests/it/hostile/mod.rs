//! The acceptance list of hostile requests (H01 to H87), each row a test of that name against both stores, and against
//! two replicas where it matters. Every row that held prints one line: `H14 | what was sent | what came back | ok`.

mod authorize;
mod bearer;
mod client_auth;
mod code;
mod consent;
mod hardening;
mod id_token;
mod later;
mod membership;
mod operators;
mod published;
mod refresh;
mod registration;
mod registration_flood;
mod upstream;

use published::on_the_internet;

use super::support::cluster::{Cluster, Plan, Store};
use super::support::operator;
use reqwest::Response;
use serde_json::Value;
use std::fmt::Display;
use std::io::{Read, Write};
use std::net::TcpStream;

pub(crate) const ALICE: &str = "alice@contoso.example";
pub(crate) const BOB: &str = "bob@contoso.example";

/// Where the rows of one run are written.
#[derive(Clone, Copy)]
pub(crate) struct Table(&'static str);

impl Table {
    /// For rows that are tests elsewhere.
    pub(crate) fn on(place: &'static str) -> Self {
        Self(place)
    }

    /// The line of a row that held; a row that did not has panicked before.
    pub(crate) fn held(self, id: &str, what: impl Display, seen: impl Display) {
        println!("{id} | {what} ({}) | {seen} | ok", self.0);
    }
}

/// Runs a row on the embedded store and on Redis.
pub(crate) async fn on_both(row: impl AsyncFn(&mut Cluster, Table)) {
    row(&mut Cluster::embedded().await, Table("embedded")).await;
    if let Some(mut cluster) = Cluster::start_on_redis().await {
        row(&mut cluster, Table("redis")).await;
    }
}

/// As [`on_both`], for rows that sign in more often than one address may.
pub(crate) async fn without_limits(row: impl AsyncFn(&mut Cluster, Table)) {
    let plan = || Plan { settings: &[("ENTRADA_LIMITS__ENABLED", "false")], ..Plan::default() };
    row(&mut Cluster::start(Store::embedded(), plan()).await, Table("embedded")).await;
    if let Some(store) = Store::redis() {
        row(&mut Cluster::start(store, plan()).await, Table("redis")).await;
    }
}

/// As [`on_both`], with the operators' listener open.
pub(crate) async fn with_operators(row: impl AsyncFn(&mut Cluster, Table)) {
    let plan = || Plan { settings: &operator::SETTINGS, ..Plan::default() };
    row(&mut Cluster::start(Store::embedded(), plan()).await, Table("embedded")).await;
    if let Some(store) = Store::redis() {
        row(&mut Cluster::start(store, plan()).await, Table("redis")).await;
    }
}

/// Runs a row on two replicas.
pub(crate) async fn on_a_pair(row: impl AsyncFn(&mut Cluster, Table)) {
    if let Some(mut cluster) = Cluster::pair().await {
        row(&mut cluster, Table("two replicas")).await;
    }
}

/// Makes a test of each row.
macro_rules! rows {
    ($runner:ident: $($row:ident),+ $(,)?) => {
        mod $runner { $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $row() {
                crate::hostile::$runner(super::$row).await;
            }
        )+ }
    };
}
pub(crate) use rows;

/// Status and OAuth error of an answer, e.g. `400 invalid_grant`.
pub(crate) async fn outcome(response: Response) -> String {
    let status = response.status().as_u16();
    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default();
    match body["error"].as_str() {
        Some(error) => format!("{status} {error}"),
        None => status.to_string(),
    }
}

/// A page of ours that leads nowhere.
pub(crate) fn page(response: &Response) -> String {
    let headers = response.headers();
    assert!(!headers.contains_key("location"));
    assert!(headers["content-type"].to_str().unwrap().starts_with("text/html"));
    format!("{} page", response.status().as_u16())
}

/// Sends bytes as they are, for what no HTTP client would send; the answer's status, and everything as text.
pub(crate) fn raw(base: &str, head_and_body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(base.strip_prefix("http://").unwrap()).unwrap();
    // A server may refuse and close before it has read everything.
    let _ = stream.write_all(head_and_body.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, text)
}
