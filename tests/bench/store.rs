//! What a look-up in Redis costs, by the kind of connection: `cargo bench --bench load -- store`.
//!
//! One thread, as a worker of the server is, reads a record of 2.5 KB: over one multiplexed connection per server (what
//! the product does), and over a pool that lends one connection per command. On one server and on a cluster of six, where
//! each key is read at the master of its slot.

use crate::driver::cpu_seconds;
use crate::support::redis_forms::cluster::ClusterServers;
use crate::support::redis_forms::node::Node;
use deadpool_redis::{Manager, Pool, Runtime};
use redis::aio::ConnectionManager;
use redis::{Client, Cmd};
use std::cell::Cell;
use std::future::Future;
use std::time::{Duration, Instant};

const ROUND: Duration = Duration::from_secs(2);
const VALUE: usize = 2500;
const KEYS: usize = 96;

/// A key and the number of the server that has it.
type Key = (String, usize);

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run() {
    println!("| servers | connections | in flight | look-ups/s | CPU us each |\n|---|---|---|---|---|");
    let single = Node::server(None, &[]).await.expect("redis-server");
    let keys = (0..KEYS).map(|at| (format!("key-{at}"), 0)).collect::<Vec<_>>();
    compare("one", &[&single], &keys).await;
    let cluster = ClusterServers::start().await.expect("redis-server");
    let masters = cluster.masters().await;
    let mut keys = Vec::new();
    for at in 0..KEYS {
        let key = format!("key-{at}");
        let master = cluster.master_of(cluster.slot(&key).await).await;
        keys.push((key, masters.iter().position(|known| *known == master).unwrap()));
    }
    let nodes: Vec<&Node> = masters.iter().map(|at| &cluster.nodes[*at]).collect();
    compare("cluster", &nodes, &keys).await;
}

async fn compare(servers: &str, nodes: &[&Node], keys: &[Key]) {
    let value = "x".repeat(VALUE);
    for (key, at) in keys {
        let () = nodes[*at].ask(&["SET", key, &value]).await;
    }
    let clients: Vec<Client> = nodes.iter().map(|node| node.client()).collect();
    let mut managers = Vec::new();
    for client in &clients {
        managers.push(ConnectionManager::new(client.clone()).await.unwrap());
    }
    for in_flight in [1, 16, 64] {
        let pool = |client: &Client| {
            let manager = Manager::new(client.get_connection_info().clone()).unwrap();
            Pool::builder(manager).max_size(in_flight).runtime(Runtime::Tokio1).build().unwrap()
        };
        let pools: Vec<Pool> = clients.iter().map(pool).collect();
        let multiplexed = measure(in_flight, keys, async |key: &str, at: usize| {
            let mut link = managers[at].clone();
            let value: Vec<u8> = Cmd::get(key).query_async(&mut link).await.unwrap();
            assert_eq!(value.len(), VALUE);
        });
        print_row(servers, "multiplexed", in_flight, multiplexed.await);
        let pooled = measure(in_flight, keys, async |key: &str, at: usize| {
            let mut link = pools[at].get().await.unwrap();
            let value: Vec<u8> = Cmd::get(key).query_async(&mut link).await.unwrap();
            assert_eq!(value.len(), VALUE);
        });
        print_row(servers, "pool", in_flight, pooled.await);
    }
}

fn print_row(servers: &str, kind: &str, in_flight: usize, (rate, cpu_us): (f64, f64)) {
    println!("| {servers} | {kind} | {in_flight} | {rate:.0} | {cpu_us:.1} |");
}

/// Look-ups per second, and CPU time of this process for each in microseconds.
async fn measure(in_flight: usize, keys: &[Key], look_up: impl AsyncFn(&str, usize)) -> (f64, f64) {
    // Connections are made before anybody looks at the clock.
    rounds(in_flight, keys, Duration::from_millis(200), &look_up).await;
    let (began, cpu) = (Instant::now(), cpu_seconds(std::process::id()));
    let done = rounds(in_flight, keys, ROUND, &look_up).await as f64;
    (done / began.elapsed().as_secs_f64(), (cpu_seconds(std::process::id()) - cpu) * 1e6 / done)
}

async fn rounds(
    in_flight: usize,
    keys: &[Key],
    time: Duration,
    look_up: &impl AsyncFn(&str, usize),
) -> usize {
    let (end, done) = (Instant::now() + time, Cell::new(0));
    let workers: Vec<_> =
        (0..in_flight).map(|worker| one_after_the_other(worker, keys, end, &done, look_up)).collect();
    all(workers).await;
    done.get()
}

async fn one_after_the_other(
    worker: usize,
    keys: &[Key],
    end: Instant,
    done: &Cell<usize>,
    look_up: &impl AsyncFn(&str, usize),
) {
    let mut at = worker;
    while Instant::now() < end {
        let (key, server) = &keys[at % keys.len()];
        look_up(key, *server).await;
        done.set(done.get() + 1);
        at += 7;
    }
}

async fn all(futures: Vec<impl Future<Output = ()>>) {
    futures_util::future::join_all(futures).await;
}
