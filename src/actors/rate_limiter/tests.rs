//! One gate alone, and several over one store as replicas have them.

use super::gate::GraphGate;
use super::table::Table;
use super::*;
use crate::actors::guardian::Guardian;
use crate::adapters::embedded::EmbeddedStore;
use crate::adapters::redis::RedisStore;
use crate::domain::cipher::Cipher;
use crate::domain::clock::{SharedClock, SystemClock, TestClock};
use crate::domain::ids::UserKey;
use crate::domain::keyring::KeyRing;
use crate::domain::token::Hasher;
use crate::ports::gate::{GateKey, Permit, RateGate, Throttled, Workload};
use futures_util::future::join_all;
use proptest::prelude::*;
use std::sync::atomic::AtomicUsize;

const SETTINGS: GateSettings =
    GateSettings { concurrent: 4, requests: 10_000, period: Duration::from_mins(10), file_units: 4 };
/// Longer than any of these waits.
const PATIENT: Duration = Duration::from_mins(2);

fn ring() -> KeyRing {
    KeyRing::from_text("a key that is long enough for the ring").unwrap()
}

/// A gate that has its limits for itself.
fn gate() -> (GraphGate, Guardian) {
    let mut guardian = Guardian::new(Arc::new(|| {}));
    let clock: SharedClock = Arc::new(SystemClock);
    let store: Arc<dyn Store> = Arc::new(EmbeddedStore::memory(clock.clone()));
    let gate = GraphGate::start(SETTINGS, clock, Hasher::new(&ring()), &store, &mut guardian);
    (gate, guardian)
}

/// Replicas over one store, whose clock stands still unless it is moved.
struct Replicas {
    clock: Arc<TestClock>,
    store: Arc<dyn Store>,
    settings: GateSettings,
    gates: Vec<(GraphGate, Guardian)>,
}

impl Replicas {
    fn start(count: usize) -> Self {
        Self::with(SETTINGS, count)
    }

    fn with(settings: GateSettings, count: usize) -> Self {
        let clock = Arc::new(TestClock::at(1_800_000_000_000));
        let store: Arc<dyn Store> = Arc::new(EmbeddedStore::memory(clock.clone()));
        let mut replicas = Self { clock, store, settings, gates: Vec::new() };
        for _ in 0..count {
            replicas.add();
        }
        replicas
    }

    fn add(&mut self) {
        let mut guardian = Guardian::new(Arc::new(|| {}));
        let table = Table::new(self.settings, Hasher::new(&ring()), self.clock.clone(), true);
        self.gates.push((GraphGate::with(table, &self.store, &mut guardian), guardian));
    }

    async fn admit(&self, replica: usize, oid: &str, patience: Duration) -> Result<Permit, Throttled> {
        self.gates[replica].0.admit(&key(oid), 1, patience).await
    }

    async fn hold(&self, replica: usize, oid: &str, count: usize) -> Vec<Permit> {
        let admissions = (0..count).map(|_| self.admit(replica, oid, PATIENT));
        join_all(admissions).await.into_iter().collect::<Result<_, _>>().unwrap()
    }
}

#[actix_rt::test]
async fn two_replicas_share_the_places_of_a_mailbox() {
    let replicas = Replicas::start(2);
    let mut held = replicas.hold(0, "a", 4).await;
    let mut waiting = Box::pin(replicas.admit(1, "a", PATIENT));
    assert!(replicas.admit(0, "a", Duration::from_millis(1)).await.is_err(), "a fifth at the same replica");
    assert!(futures_util::poll!(&mut waiting).is_pending());
    // Another mailbox has nothing to do with it.
    replicas.admit(1, "b", PATIENT).await.unwrap();
    held.pop();
    waiting.await.unwrap();
}

#[actix_rt::test]
async fn idle_places_go_to_whom_needs_them_before_their_lease_ends() {
    let replicas = Replicas::start(2);
    for _ in 0..3 {
        drop(replicas.hold(0, "a", 4).await);
        drop(replicas.hold(1, "a", 4).await);
    }
}

#[actix_rt::test]
async fn both_get_their_share_while_both_have_a_queue() {
    let replicas = Replicas::start(2);
    // A full house at the first replica, with more that wait for each place.
    let first = Arc::new(AtomicUsize::new(0));
    let busy = (0..40).map(|_| async {
        let _permit = replicas.admit(0, "a", PATIENT).await.unwrap();
        first.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
    });
    let other = async {
        while first.load(Ordering::SeqCst) < 4 {
            tokio::task::yield_now().await;
        }
        drop(replicas.admit(1, "a", PATIENT).await.unwrap());
        first.load(Ordering::SeqCst)
    };
    let (_, served) = tokio::join!(join_all(busy), other);
    assert!(served < 40, "the second replica waited until the first had nothing more to do");
}

#[actix_rt::test]
async fn the_places_of_a_replica_that_died_come_back_with_its_lease() {
    let replicas = Replicas::start(2);
    let held = replicas.hold(0, "a", 4).await;
    replicas.gates[0].1.stop();
    // Its thread may be about to renew the lease once more.
    while replicas.gates[0].0.is_alive() {
        tokio::task::yield_now().await;
    }
    let mut waiting = Box::pin(replicas.hold(1, "a", 4));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    replicas.clock.advance(Duration::from_secs(7));
    waiting.await;
    drop(held);
}

#[actix_rt::test]
async fn a_penalty_is_known_to_every_replica_and_to_those_that_come_later() {
    let mut replicas = Replicas::start(2);
    drop(replicas.hold(1, "a", 1).await);
    replicas.gates[0].0.penalise(&key("a"), Duration::from_mins(5));
    while replicas.admit(1, "a", Duration::from_millis(50)).await.is_ok() {
        tokio::task::yield_now().await;
    }
    replicas.add();
    let refused = replicas.admit(2, "a", Duration::from_secs(20)).await.unwrap_err();
    assert!(refused.retry_after > Duration::from_mins(4), "{refused:?}");
    replicas.admit(2, "b", PATIENT).await.unwrap();
}

#[actix_rt::test]
async fn a_tenants_budget_is_one_for_all_replicas() {
    let replicas = Replicas::start(2);
    let files = GateKey::new(&UserKey::new("t", "a"), Workload::Files);
    let take =
        |replica: usize, units| replicas.gates[replica].0.admit(&files, units, Duration::from_secs(10));
    take(0, 2).await.unwrap();
    take(1, 2).await.unwrap();
    for replica in [0, 1] {
        let refused = take(replica, 1).await.unwrap_err();
        assert!(refused.retry_after > Duration::from_secs(10), "{refused:?}");
    }
    replicas.clock.advance(Duration::from_mins(1));
    take(1, 4).await.unwrap();
}

#[actix_rt::test]
async fn without_the_store_a_replica_goes_by_the_limit_for_itself() {
    let mut guardian = Guardian::new(Arc::new(|| {}));
    let nowhere = RedisStore::connect("redis://127.0.0.1:1", Cipher::new(&ring())).unwrap();
    let store: Arc<dyn Store> = Arc::new(nowhere);
    let gate = GraphGate::start(SETTINGS, Arc::new(SystemClock), Hasher::new(&ring()), &store, &mut guardian);
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(gate.admit(&key("a"), 1, PATIENT).await.unwrap());
    }
    assert!(gate.admit(&key("a"), 1, Duration::from_millis(10)).await.is_err());
    gate.admit(&key("b"), 1, PATIENT).await.unwrap();
    held.pop();
    gate.admit(&key("a"), 1, PATIENT).await.unwrap();
}

#[actix_rt::test]
async fn what_nobody_uses_is_forgotten() {
    let replicas = Replicas::start(1);
    let table = replicas.gates[0].0.table();
    let held = replicas.hold(0, "a", 2).await;
    replicas.clock.advance(Duration::from_mins(20));
    table.evict(table.clock.now());
    assert_eq!(table.all().len(), 1, "in use");
    drop(held);
    while !table.all().is_empty() {
        table.evict(table.clock.now());
        tokio::task::yield_now().await;
    }
}

/// Runs admissions at several replicas at once, each for some turns; how many were admitted, and the most at once.
async fn run(replicas: &Replicas, schedule: Vec<(usize, usize)>, patience: Duration) -> (usize, usize) {
    let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let count = replicas.gates.len();
    let calls = schedule.into_iter().enumerate().map(|(at, (replica, turns))| {
        let (running, most) = (&running, &most);
        async move {
            for _ in 0..at % 7 {
                tokio::task::yield_now().await;
            }
            let Ok(_permit) = replicas.admit(replica % count, "a", patience).await else { return 0 };
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
            running.fetch_sub(1, Ordering::SeqCst);
            1
        }
    });
    let admitted: usize = join_all(calls).await.into_iter().sum();
    (admitted, most.into_inner())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn no_schedule_has_more_requests_out_than_places_and_all_get_their_turn(
        count in 2_usize..7, schedule in proptest::collection::vec((0_usize..7, 0_usize..30), 1..60),
    ) {
        let wishes = schedule.len();
        let (admitted, most) = actix_rt::System::new()
            .block_on(async { run(&Replicas::start(count), schedule, PATIENT).await });
        prop_assert_eq!(admitted, wishes);
        prop_assert!(most <= 4, "{} at once", most);
    }

    #[test]
    fn no_schedule_spends_more_than_the_budget(
        count in 2_usize..5, schedule in proptest::collection::vec((0_usize..5, 0_usize..5), 30..60),
    ) {
        let settings = GateSettings { requests: 20, ..SETTINGS };
        let (admitted, _) = actix_rt::System::new()
            .block_on(async { run(&Replicas::with(settings, count), schedule, Duration::from_secs(20)).await });
        // Each replica may be left with the one unit that is its chunk.
        prop_assert!(admitted <= 20 && admitted + count >= 20, "{} of 20", admitted);
    }
}

fn key(oid: &str) -> GateKey {
    GateKey::new(&UserKey::new("t", oid), Workload::Outlook)
}

#[actix_rt::test]
async fn the_fifth_concurrent_request_of_a_mailbox_waits_and_another_mailbox_does_not() {
    let (gate, _guardian) = gate();
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(gate.admit(&key("a"), 1, Duration::from_secs(1)).await.unwrap());
    }
    assert!(gate.admit(&key("a"), 1, Duration::ZERO).await.is_err());
    gate.admit(&key("b"), 1, Duration::ZERO).await.unwrap();
    held.pop();
    gate.admit(&key("a"), 1, Duration::from_secs(1)).await.unwrap();
}

#[actix_rt::test]
async fn a_mailbox_has_one_limit_whoever_asks_and_each_of_theirs_another() {
    let (gate, _guardian) = gate();
    let support = |oid: &str| GateKey::mailbox(&UserKey::new("t", oid), "Support@contoso.example");
    let mut held = Vec::new();
    for oid in ["a", "b", "a", "b"] {
        held.push(gate.admit(&support(oid), 1, Duration::ZERO).await.unwrap());
    }
    assert!(gate.admit(&support("c"), 1, Duration::ZERO).await.is_err());
    let own = GateKey::mailbox(&UserKey::new("t", "a"), "a@contoso.example");
    gate.admit(&own, 1, Duration::ZERO).await.unwrap();
    let foreign = GateKey::mailbox(&UserKey::new("other", "a"), "support@contoso.example");
    gate.admit(&foreign, 1, Duration::ZERO).await.unwrap();
}

#[actix_rt::test]
async fn a_penalty_also_holds_those_back_who_were_queueing() {
    let (gate, _guardian) = gate();
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(gate.admit(&key("a"), 1, Duration::ZERO).await.unwrap());
    }
    let user = key("a");
    let mut queued = gate.admit(&user, 1, Duration::from_secs(20));
    assert!(futures_util::poll!(&mut queued).is_pending());
    gate.penalise(&user, Duration::from_mins(1));
    drop(held);
    assert!(queued.await.unwrap_err().retry_after > Duration::from_secs(50));
}

#[actix_rt::test]
async fn a_chat_has_a_limit_of_its_own_whoever_of_the_tenant_asks_and_notes_are_each_ones_own() {
    let (gate, _guardian) = gate();
    let chat = |oid: &str, id: &str| GateKey::thread(&UserKey::new("t", oid), id);
    gate.admit(&chat("a", "19:x"), 1, Duration::ZERO).await.unwrap();
    gate.admit(&chat("b", "19:x"), 1, Duration::ZERO).await.unwrap();
    let refused = gate.admit(&chat("b", "19:x"), 1, Duration::ZERO).await.unwrap_err();
    assert!(refused.retry_after > Duration::from_millis(100), "{refused:?}");
    for (oid, id) in [("a", "19:y"), ("a", "48:notes"), ("a", "48:notes"), ("b", "48:notes")] {
        gate.admit(&chat(oid, id), 1, Duration::ZERO).await.unwrap();
    }
}

#[actix_rt::test]
async fn a_tenant_shares_one_budget_of_files_and_mail_is_another() {
    let (gate, _guardian) = gate();
    let files = |tid: &str, oid: &str| GateKey::new(&UserKey::new(tid, oid), Workload::Files);
    gate.admit(&files("t", "a"), 2, Duration::ZERO).await.unwrap();
    gate.admit(&files("t", "b"), 2, Duration::ZERO).await.unwrap();
    let refused = gate.admit(&files("t", "b"), 1, Duration::ZERO).await.unwrap_err();
    assert!(refused.retry_after > Duration::from_secs(5), "{refused:?}");
    gate.admit(&files("other", "a"), 2, Duration::ZERO).await.unwrap();
    gate.admit(&key("a"), 1, Duration::ZERO).await.unwrap();
}

#[actix_rt::test]
async fn a_penalty_holds_its_mailbox_back_and_nobody_else() {
    let (gate, _guardian) = gate();
    gate.penalise(&key("a"), Duration::from_mins(1));
    while gate.admit(&key("a"), 1, Duration::ZERO).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let refused = gate.admit(&key("a"), 1, Duration::from_secs(1)).await.unwrap_err();
    assert!(refused.retry_after > Duration::from_secs(50));
    gate.admit(&key("b"), 1, Duration::ZERO).await.unwrap();
}
