//! The fault matrix: what breaks while people work, and what they notice of it. Each row prints one line of the table of
//! `src/docs/FAULTS.md`; nothing may be lost, done twice, or seen by somebody else.

mod clocks;
mod disk;
mod failover;
mod redis;
mod replicas;
mod upstream;

use super::crowd::ledger::Figures;
use super::crowd::{Crowd, Load, SETTINGS};
use super::support::cluster::{Cluster, Plan, Store};
use super::support::tenant::Tenant;
use std::path::PathBuf;

/// Answers that every client gets before, between and after faults; the environment may ask for more.
fn rounds() -> u64 {
    let asked = std::env::vars().find(|(name, _)| name == "ENTRADA_FAULTS_ROUNDS");
    asked.map_or(3, |(_, rounds)| rounds.parse().expect("ENTRADA_FAULTS_ROUNDS is a number"))
}

/// Two replicas on a Redis that keeps its data; none where there is no Redis.
async fn pair() -> Option<Cluster> {
    let plan = Plan { replicas: 2, settings: &SETTINGS, ..Plan::default() };
    Some(Cluster::start(Store::durable_redis()?, plan).await)
}

/// Ends a row: everybody finishes, what was written is compared with what is there, and nothing may be wrong.
async fn row(load: Load, name: &str, tenant: &Tenant) {
    tally(load, name, tenant).await.1.assert_clean(name);
}

/// The same, without a judgement; the crowd can go on.
async fn tally(load: Load, name: &str, tenant: &Tenant) -> (Crowd, Figures) {
    let (crowd, ledger) = load.stop().await;
    ledger.reconcile(tenant).await;
    let figures = ledger.figures();
    print(&figures, name);
    (crowd, figures)
}

/// Prints a row, and keeps it for the table that `tests/run` puts together.
fn print(figures: &Figures, row: &str) {
    println!("{}", figures.line(row));
    println!("  longest pause: {}", figures.slowest);
    if figures.open > 0 {
        println!(
            "  of which {} writes whose answer was lost; each happened once or not at all",
            figures.open
        );
    }
    for (reason, count) in &figures.reasons {
        println!("  repeated {count} times: {reason}");
    }
    let folder = PathBuf::from(concat!(env!("CARGO_TARGET_TMPDIR"), "/faults"));
    std::fs::create_dir_all(&folder).unwrap();
    let name: String = row.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    std::fs::write(folder.join(format!("{name}.tsv")), figures.line(row) + "\n").unwrap();
}
