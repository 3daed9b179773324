//! A Redis that dies, hangs, is slow, or cannot be reached.

use super::super::crowd::{Crowd, Load, SETTINGS};
use super::super::support::cluster::{Cluster, Plan, Store};
use super::super::support::line::Line;
use super::{pair, rounds, row};
use std::time::Duration;

/// So many requests have to meet a fault before it ends.
const TROUBLE: u64 = 12;

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_killed_and_comes_back_with_its_data() {
    let Some(mut cluster) = pair().await else { return };
    let load = Crowd::gather(&mut cluster).await.work();
    load.go_on(rounds()).await;
    for _ in 0..2 {
        cluster.redis().kill();
        load.trouble(TROUBLE).await;
        cluster.redis().restart();
        load.go_on(rounds()).await;
    }
    row(load, "Redis killed and restarted", &cluster.tenant).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_hangs_and_goes_on() {
    let Some(mut cluster) = pair().await else { return };
    let load = Crowd::gather(&mut cluster).await.work();
    load.go_on(rounds()).await;
    for _ in 0..2 {
        cluster.redis().pause();
        load.trouble(TROUBLE).await;
        cluster.redis().go_on();
        load.go_on(rounds()).await;
    }
    row(load, "Redis hangs", &cluster.tenant).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_to_redis_are_cut() {
    let Some(mut cluster) = pair().await else { return };
    let load = Crowd::gather(&mut cluster).await.work();
    for _ in 0..4 {
        load.go_on(rounds()).await;
        cluster.redis().cut_connections().await;
    }
    load.go_on(rounds()).await;
    row(load, "connections to Redis ended by it", &cluster.tenant).await;
}

/// What it has may be read; nothing may be written until there is room.
#[tokio::test(flavor = "multi_thread")]
async fn redis_is_full_until_there_is_room() {
    let Some(mut cluster) = pair().await else { return };
    let load = Crowd::gather(&mut cluster).await.work();
    load.go_on(rounds()).await;
    for _ in 0..2 {
        let () = cluster.redis().ask(&["CONFIG", "SET", "maxmemory", "1"]).await;
        load.trouble(TROUBLE).await;
        let () = cluster.redis().ask(&["CONFIG", "SET", "maxmemory", "0"]).await;
        load.go_on(rounds()).await;
    }
    row(load, "Redis full (noeviction)", &cluster.tenant).await;
}

/// Two replicas behind one line to Redis.
async fn behind_a_line() -> Option<(Cluster, Line, Load)> {
    let mut store = Store::durable_redis()?;
    let Store::Redis(redis) = &mut store else { return None };
    let line = Line::to(redis.port()).await;
    let url = line.url();
    let mut settings = SETTINGS.to_vec();
    settings.push(("ENTRADA_STORE", &url));
    let plan = Plan { replicas: 2, settings: &settings, ..Plan::default() };
    let mut cluster = Cluster::start(store, plan).await;
    let load = Crowd::gather(&mut cluster).await.work();
    load.go_on(rounds()).await;
    Some((cluster, line, load))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_to_redis_is_slow() {
    let Some((cluster, line, load)) = behind_a_line().await else { return };
    // Shorter than the patience of a replica: nobody notices anything but time.
    line.slow(Duration::from_millis(150));
    load.go_on(rounds()).await;
    line.slow(Duration::ZERO);
    load.go_on(rounds()).await;
    row(load, "line to Redis slow (150 ms each way)", &cluster.tenant).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_to_redis_is_slower_than_anybody_waits() {
    let Some((cluster, line, load)) = behind_a_line().await else { return };
    line.slow(Duration::from_millis(1500));
    load.trouble(TROUBLE).await;
    line.slow(Duration::ZERO);
    load.go_on(rounds()).await;
    row(load, "line to Redis slower than its timeout", &cluster.tenant).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_to_redis_breaks_in_the_middle_of_work() {
    let Some((cluster, line, load)) = behind_a_line().await else { return };
    for _ in 0..4 {
        line.cut();
        load.go_on(rounds()).await;
    }
    row(load, "line to Redis cut", &cluster.tenant).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_to_redis_falls_silent() {
    let Some((cluster, line, load)) = behind_a_line().await else { return };
    for _ in 0..2 {
        line.silence(true);
        load.trouble(TROUBLE).await;
        line.silence(false);
        load.go_on(rounds()).await;
    }
    // And one that never wakes again: new connections find their way.
    line.silence(true);
    load.trouble(TROUBLE).await;
    line.cut();
    line.silence(false);
    load.go_on(rounds()).await;
    row(load, "line to Redis silent (half open)", &cluster.tenant).await;
}
