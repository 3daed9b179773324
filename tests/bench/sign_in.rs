//! W4: registration, sign-in with the pages of both sides, code for tokens, refresh; what a cycle costs the product.

use crate::driver;
use crate::support::login::{Client, tokens};
use crate::world::World;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// People who sign in at the same time.
const CONCURRENT: usize = 8;
const PEOPLE: [&str; 3] = ["alice@contoso.example", "bob@contoso.example", "minji@contoso.example"];

/// What was measured.
pub(crate) struct Cycles {
    pub(crate) cpu_ms: f64,
    pub(crate) per_second: f64,
}

/// Runs `cycles` of them.
pub(crate) async fn run(world: &World, cycles: usize) -> Cycles {
    let left = Arc::new(AtomicUsize::new(cycles));
    let (cpu, started) = (driver::cpu_seconds(world.entrada.process), Instant::now());
    let workers: Vec<_> = (0..CONCURRENT)
        .map(|_| {
            let (url, left) = (world.url.clone(), Arc::clone(&left));
            tokio::spawn(async move {
                while let Ok(n) = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
                {
                    // Another name makes another client.
                    let client = Client::register_as(&url, &format!("Bench {n}")).await;
                    let login = client.sign_in(PEOPLE[n % PEOPLE.len()]).await;
                    tokens(client.refresh(&login.refresh).await).await;
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    let cpu = driver::cpu_seconds(world.entrada.process) - cpu;
    let per_second = cycles as f64 / started.elapsed().as_secs_f64();
    Cycles { cpu_ms: cpu * 1000.0 / cycles as f64, per_second }
}
