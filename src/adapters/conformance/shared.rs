//! Budgets, common records, values that count once, and traces.

use super::Backend;
use super::samples::{DAY, MINUTE, fresh_hash, sealed};
use crate::domain::random;
use crate::domain::rate::Rate;
use crate::ports::shared::{SharedRecord, TRACE_STEPS};
use crate::ports::store::Swap;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng};
use std::time::Duration;

/// A budget that no test's own duration refills.
const RATE: Rate = Rate { burst: 5, period: DAY };

pub(super) async fn a_budget_is_used_up_and_refills(backend: &dyn Backend) {
    let store = backend.store();
    let (mine, other) = (fresh_hash(), fresh_hash());
    for _ in 0..RATE.burst {
        assert_eq!(store.admit(&mine, RATE).await.unwrap(), None);
    }
    let wait = store.admit(&mine, RATE).await.unwrap().unwrap();
    assert!(wait + MINUTE > DAY / 5 && wait <= DAY / 5, "{wait:?}");
    assert!(store.admit(&mine, RATE).await.unwrap().is_some(), "a refusal costs nothing and helps nobody");
    assert_eq!(store.admit(&other, RATE).await.unwrap(), None);
    backend.travel(DAY).await;
    for _ in 0..RATE.burst {
        assert_eq!(store.admit(&mine, RATE).await.unwrap(), None);
    }
}

pub(super) async fn budgets_hold_across_replicas(backend: &dyn Backend) {
    let (stores, budget) = ([backend.store(), backend.store()], fresh_hash());
    let calls = (0..50).map(|index| {
        let store = stores[index % stores.len()].clone();
        async move { store.admit(&budget, RATE).await.unwrap() }
    });
    let admitted = join_all(calls).await.iter().filter(|wait| wait.is_none()).count();
    assert_eq!(admitted, RATE.burst as usize);
}

/// Budgets of any kind are drawn from one account, beside the arithmetic that the embedded store does not share with
/// Redis. No time passes that their costs would notice.
pub(super) async fn budgets_follow_the_arithmetic(backend: &dyn Backend) {
    let (store, mut random) = (backend.store(), StdRng::seed_from_u64(7));
    for _ in 0..20 {
        let (budget, mut ahead) = (fresh_hash(), Duration::ZERO);
        for _ in 0..20 {
            let period = DAY * random.random_range(1..400);
            let rate = Rate { burst: random.random_range(1..12), period };
            let (cost, depth) = (rate.cost_us(), rate.depth_us());
            let wait = (ahead + Duration::from_micros(cost)).checked_sub(Duration::from_micros(depth));
            let wait = wait.filter(|wait| *wait > MINUTE);
            let said = store.admit(&budget, rate).await.unwrap();
            match (wait, said) {
                (None, None) => ahead += Duration::from_micros(cost),
                (Some(meant), Some(said)) => assert!(meant.abs_diff(said) < MINUTE, "{meant:?} {said:?}"),
                // Within the time that the test itself takes.
                (None, Some(said)) => assert!(said < MINUTE, "{said:?} of {rate:?} with {ahead:?} ahead"),
                (Some(meant), None) => {
                    unreachable!("{rate:?} passes with {ahead:?} ahead, {meant:?} too early")
                }
            }
        }
        backend.travel(DAY * 400 * 20).await;
        assert_eq!(store.admit(&budget, RATE).await.unwrap(), None, "the account is full again");
    }
}

pub(super) async fn common_records_are_swapped(backend: &dyn Backend) {
    let store = backend.store();
    assert_eq!(store.shared("keys").await.unwrap(), None);
    assert_eq!(store.swap_shared("keys", 1, &sealed("x"), DAY).await.unwrap(), Swap::Conflict { current: 0 });
    assert_eq!(store.swap_shared("keys", 0, &sealed("one"), DAY).await.unwrap(), Swap::Done);
    assert_eq!(store.swap_shared("keys", 0, &sealed("x"), DAY).await.unwrap(), Swap::Conflict { current: 1 });
    assert_eq!(store.swap_shared("keys", 1, &sealed("two"), DAY).await.unwrap(), Swap::Done);
    let standing = SharedRecord { version: 2, sealed: sealed("two") };
    assert_eq!(store.shared("keys").await.unwrap(), Some(standing));
    assert_eq!(store.shared("other").await.unwrap(), None);
    backend.travel(DAY).await;
    assert_eq!(store.shared("keys").await.unwrap(), None);
}

pub(super) async fn a_value_is_spent_once(backend: &dyn Backend) {
    let (store, value) = (backend.store(), fresh_hash());
    let calls = (0..50).map(|_| {
        let store = backend.store();
        async move { store.spend(&value, MINUTE).await.unwrap() }
    });
    assert_eq!(join_all(calls).await.iter().filter(|first| **first).count(), 1);
    let other = fresh_hash();
    assert!(store.spend(&other, MINUTE).await.unwrap());
    store.unspend(&other).await.unwrap();
    assert!(!store.spend(&value, MINUTE).await.unwrap(), "another value is none of its business");
    assert!(store.spend(&other, MINUTE).await.unwrap(), "it was not done after all");
    backend.travel(MINUTE).await;
    assert!(store.spend(&value, MINUTE).await.unwrap());
}

pub(super) async fn a_trace_keeps_its_newest_steps(backend: &dyn Backend) {
    let (store, flow) = (backend.store(), random::text::<8>());
    assert!(store.traced(&flow).await.unwrap().is_empty());
    for step in 0..=TRACE_STEPS {
        store.trace(&flow, &format!("step {step}"), MINUTE).await.unwrap();
    }
    let steps = store.traced(&flow).await.unwrap();
    assert_eq!((steps.len(), steps[0].as_str()), (TRACE_STEPS, "step 1"));
    assert!(store.traced("another").await.unwrap().is_empty());
    backend.travel(MINUTE).await;
    assert!(store.traced(&flow).await.unwrap().is_empty());
}
