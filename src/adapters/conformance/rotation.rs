//! Rotation of refresh tokens.

use super::Backend;
use super::grants::issue;
use super::samples::{DAY, HOUR, MINUTE, START, Sample, sealed};
use crate::ports::store::{RefreshState, RotationOutcome};
use std::time::Duration;

pub(super) async fn successor_is_live(backend: &dyn Backend) {
    let (store, sample) = (backend.store(), Sample::new());
    issue(backend, &sample).await;
    let rotation = sample.rotation(&sample.refresh.0, START.plus(MINUTE), "answer");
    assert_eq!(store.rotate(&rotation).await.unwrap(), RotationOutcome::Done);
    let old = store.refresh(&sample.refresh.0, rotation.now).await.unwrap();
    let record = sample.refresh.1.clone();
    assert_eq!(old, RefreshState::Rotated { record, at: rotation.now, successor: sealed("answer") });
    let new = store.refresh(&rotation.refresh.0, rotation.now).await.unwrap();
    assert_eq!(new, RefreshState::Live(rotation.refresh.1.clone()));
    let access = store.access(&rotation.access.0, rotation.now).await.unwrap();
    assert_eq!(access, Some(rotation.access.1.clone()));
    assert!(
        store.access(&sample.access.0, START).await.unwrap().is_some(),
        "the older bearer runs out by itself"
    );
    store.revoke_grant(&sample.grant).await.unwrap();
    for token in [&sample.refresh.0, &rotation.refresh.0] {
        assert_eq!(store.refresh(token, rotation.now).await.unwrap(), RefreshState::Unknown);
    }
    for token in [&sample.access.0, &rotation.access.0] {
        assert_eq!(store.access(token, rotation.now).await.unwrap(), None);
    }
}

pub(super) async fn repeated_rotation_gets_the_same_answer(backend: &dyn Backend) {
    let (store, sample) = (backend.store(), Sample::new());
    issue(backend, &sample).await;
    let first = sample.rotation(&sample.refresh.0, START, "first");
    store.rotate(&first).await.unwrap();
    let second = sample.rotation(&sample.refresh.0, START.plus(Duration::from_secs(3)), "second");
    let lost = RotationOutcome::Lost { at: START, successor: sealed("first") };
    assert_eq!(store.rotate(&second).await.unwrap(), lost);
    assert_eq!(store.access(&second.access.0, second.now).await.unwrap(), None, "the loser wrote nothing");
    assert_eq!(store.refresh(&second.refresh.0, second.now).await.unwrap(), RefreshState::Unknown);
}

pub(super) async fn revoked_or_expired_is_unknown(backend: &dyn Backend) {
    let store = backend.store();
    let unknown = Sample::new();
    let rotation = unknown.rotation(&unknown.refresh.0, START, "x");
    assert_eq!(store.rotate(&rotation).await.unwrap(), RotationOutcome::Unknown);

    let revoked = Sample::new();
    issue(backend, &revoked).await;
    store.revoke_grant(&revoked.grant).await.unwrap();
    let rotation = revoked.rotation(&revoked.refresh.0, START, "x");
    assert_eq!(store.rotate(&rotation).await.unwrap(), RotationOutcome::Unknown);
    assert_eq!(store.access(&rotation.access.0, START).await.unwrap(), None);

    let expired = Sample::new();
    issue(backend, &expired).await;
    let end = expired.refresh.1.expires_at;
    assert_eq!(store.refresh(&expired.refresh.0, end).await.unwrap(), RefreshState::Unknown);
    let rotation = expired.rotation(&expired.refresh.0, end, "x");
    assert_eq!(store.rotate(&rotation).await.unwrap(), RotationOutcome::Unknown);
    backend.travel(30 * DAY).await;
    assert_eq!(store.refresh(&expired.refresh.0, START).await.unwrap(), RefreshState::Unknown);
}

pub(super) async fn older_generations_are_known(backend: &dyn Backend) {
    let (store, sample) = (backend.store(), Sample::new());
    issue(backend, &sample).await;
    let mut tokens = vec![sample.refresh.0.clone()];
    let mut now = START;
    for _ in 0..4 {
        now = now.plus(HOUR);
        backend.travel(HOUR).await;
        let rotation = sample.rotation(tokens.last().unwrap(), now, "answer");
        assert_eq!(store.rotate(&rotation).await.unwrap(), RotationOutcome::Done);
        tokens.push(rotation.refresh.0);
    }
    let last = tokens.pop().unwrap();
    for token in tokens {
        let state = store.refresh(&token, now).await.unwrap();
        assert!(matches!(state, RefreshState::Rotated { .. }), "reuse is seen at any age: {state:?}");
    }
    assert!(matches!(store.refresh(&last, now).await.unwrap(), RefreshState::Live(_)));
}
