//! What must hold when many do the same at once, over two store objects, as over two replicas.

use super::Backend;
use super::grants::issue;
use super::samples::{HOUR, MINUTE, START, Sample, fresh_hash, sealed, user};
use crate::domain::ids::ClientId;
use crate::ports::store::{CodeRedemption, Issue, RefreshState, RotationOutcome, Store, Swap, Taken};
use std::future::Future;
use std::sync::Arc;
use tokio::sync::Barrier;

const CALLS: usize = 50;

/// Runs `call` fifty times at once, turn by turn on one of two store objects.
pub(super) async fn fifty<T, F>(backend: &dyn Backend, call: impl Fn(Arc<dyn Store>, usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let stores = [backend.store(), backend.store()];
    let start = Arc::new(Barrier::new(CALLS));
    let tasks: Vec<_> = (0..CALLS)
        .map(|n| {
            let (call, start) = (call(Arc::clone(&stores[n % 2]), n), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                call.await
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

pub(super) async fn fifty_redemptions(backend: &dyn Backend) {
    let sample = Sample::new();
    let (code, record) = sample.code;
    backend.store().put_code(&code, &record).await.unwrap();
    let answers = fifty(backend, |store, n| {
        let code = code.clone();
        async move {
            let client = ClientId::new(format!("client {n}"));
            (client.clone(), store.redeem_code(&code, &client, START).await.unwrap())
        }
    })
    .await;
    let is_first =
        |answer: &&(ClientId, CodeRedemption)| answer.1 == CodeRedemption::First(Box::new(record.clone()));
    let winners: Vec<_> = answers.iter().filter(is_first).collect();
    assert_eq!(winners.len(), 1);
    let replayed = CodeRedemption::Replayed { client: winners[0].0.clone(), at: START };
    assert_eq!(answers.iter().filter(|(_, answer)| *answer == replayed).count(), CALLS - 1);
}

pub(super) async fn fifty_rotations(backend: &dyn Backend) {
    let sample = Arc::new(Sample::new());
    issue(backend, &sample).await;
    let answers = fifty(backend, |store, n| {
        let rotation = sample.rotation(&sample.refresh.0, START, &format!("answer {n}"));
        async move { (rotation.clone(), store.rotate(&rotation).await.unwrap()) }
    })
    .await;
    let winners: Vec<_> = answers.iter().filter(|(_, answer)| *answer == RotationOutcome::Done).collect();
    assert_eq!(winners.len(), 1);
    let winner = &winners[0].0;
    let lost = RotationOutcome::Lost { at: START, successor: winner.successor.clone() };
    assert_eq!(answers.iter().filter(|(_, answer)| *answer == lost).count(), CALLS - 1);
    for (rotation, _) in &answers {
        let state = backend.store().refresh(&rotation.refresh.0, START).await.unwrap();
        let won = rotation.refresh.0 == winner.refresh.0;
        assert_eq!(state != RefreshState::Unknown, won, "only the winner's tokens exist");
    }
}

pub(super) async fn fifty_takes(backend: &dyn Backend) {
    let state = fresh_hash();
    backend.store().put_state(&state, &sealed("value"), MINUTE).await.unwrap();
    let answers = fifty(backend, |store, _| async move { store.take_state(&state).await.unwrap() }).await;
    assert_eq!(answers.iter().filter(|answer| **answer == Taken::First(sealed("value"))).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == Taken::Replayed).count(), CALLS - 1);
}

pub(super) async fn fifty_settlements(backend: &dyn Backend) {
    let flow = fresh_hash();
    let answers = fifty(backend, |store, n| async move {
        store.settle_flow(&flow, &sealed(&format!("decision {n}")), MINUTE).await.unwrap()
    })
    .await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "everybody learns the first decision");
}

pub(super) async fn fifty_swaps(backend: &dyn Backend) {
    backend.store().swap_upstream(&user("alice"), 0, &sealed("one"), HOUR).await.unwrap();
    let answers = fifty(backend, |store, n| async move {
        let sealed = sealed(&format!("two, from {n}"));
        (sealed.clone(), store.swap_upstream(&user("alice"), 1, &sealed, HOUR).await.unwrap())
    })
    .await;
    let winners: Vec<_> = answers.iter().filter(|(_, answer)| *answer == Swap::Done).collect();
    assert_eq!(winners.len(), 1);
    let conflicts = answers.iter().filter(|(_, answer)| *answer == Swap::Conflict { current: 2 });
    assert_eq!(conflicts.count(), CALLS - 1);
    let standing = backend.store().upstream(&user("alice")).await.unwrap().unwrap();
    assert_eq!((standing.version, &standing.sealed), (2, &winners[0].0));
}

pub(super) async fn fifty_leases(backend: &dyn Backend) {
    let answers = fifty(backend, |store, n| async move {
        store.try_lease("refresh", &format!("owner {n}"), MINUTE).await.unwrap()
    })
    .await;
    assert_eq!(answers.into_iter().filter(|taken| *taken).count(), 1);
}

pub(super) async fn issue_against_revocation(backend: &dyn Backend) {
    for _ in 0..20 {
        let sample = Arc::new(Sample::new());
        let (issuer, revoker) = (backend.store(), backend.store());
        let theirs = Arc::clone(&sample);
        let issuing =
            tokio::spawn(
                async move { issuer.issue((&theirs.access.0, &theirs.access.1), None).await.unwrap() },
            );
        let grant = sample.grant.clone();
        let revoking = tokio::spawn(async move { revoker.revoke_grant(&grant).await.unwrap() });
        let outcome = issuing.await.unwrap();
        revoking.await.unwrap();
        assert!(matches!(outcome, Issue::Done | Issue::Revoked));
        let left = backend.store().access(&sample.access.0, START).await.unwrap();
        assert_eq!(left, None, "whoever came first, nothing is left ({outcome:?})");
    }
}

pub(super) async fn replicas_interleaved(backend: &dyn Backend) {
    let (one, two, sample) = (backend.store(), backend.store(), Sample::new());
    one.put_code(&sample.code.0, &sample.code.1).await.unwrap();
    let first = two.redeem_code(&sample.code.0, &sample.code.1.client, START).await.unwrap();
    assert!(matches!(first, CodeRedemption::First(_)));
    let second = one.redeem_code(&sample.code.0, &sample.code.1.client, START).await.unwrap();
    assert!(matches!(second, CodeRedemption::Replayed { .. }));
    let refresh = Some((&sample.refresh.0, &sample.refresh.1));
    two.issue((&sample.access.0, &sample.access.1), refresh).await.unwrap();
    assert!(one.access(&sample.access.0, START).await.unwrap().is_some());
    let rotation = sample.rotation(&sample.refresh.0, START, "answer");
    assert_eq!(one.rotate(&rotation).await.unwrap(), RotationOutcome::Done);
    assert!(matches!(two.rotate(&rotation).await.unwrap(), RotationOutcome::Lost { .. }));
    assert!(two.try_lease("l", "two", MINUTE).await.unwrap());
    assert!(!one.try_lease("l", "one", MINUTE).await.unwrap());
    one.revoke_grant(&sample.grant).await.unwrap();
    assert_eq!(
        two.access(&rotation.access.0, START).await.unwrap(),
        None,
        "a revocation counts everywhere at once"
    );
}
