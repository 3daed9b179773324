//! Pending authorizations and consents.

use super::Backend;
use super::samples::{DAY, MINUTE, fresh_hash, hash, sealed, user};
use crate::ports::store::Taken;
use std::time::Duration;

pub(super) async fn stored_and_absent(backend: &dyn Backend) {
    let store = backend.store();
    let flow = fresh_hash();
    assert_eq!(store.flow(&flow).await.unwrap(), None);
    store.put_flow(&flow, &sealed("flow"), 10 * MINUTE).await.unwrap();
    assert_eq!(store.flow(&flow).await.unwrap(), Some(sealed("flow")));
    store.put_flow(&flow, &sealed("newer"), 10 * MINUTE).await.unwrap();
    assert_eq!(store.flow(&flow).await.unwrap(), Some(sealed("newer")));
    backend.travel(10 * MINUTE).await;
    assert_eq!(store.flow(&flow).await.unwrap(), None);
}

pub(super) async fn decision_is_settled_once(backend: &dyn Backend) {
    let store = backend.store();
    let (flow, other) = (fresh_hash(), fresh_hash());
    assert_eq!(store.settle_flow(&flow, &sealed("yes"), MINUTE).await.unwrap(), sealed("yes"));
    assert_eq!(store.settle_flow(&flow, &sealed("no"), MINUTE).await.unwrap(), sealed("yes"));
    assert_eq!(store.settle_flow(&other, &sealed("no"), MINUTE).await.unwrap(), sealed("no"));
    backend.travel(MINUTE).await;
    assert_eq!(store.settle_flow(&flow, &sealed("no"), MINUTE).await.unwrap(), sealed("no"));
}

pub(super) async fn state_is_taken_once(backend: &dyn Backend) {
    let store = backend.store();
    let state = fresh_hash();
    assert_eq!(store.take_state(&state).await.unwrap(), Taken::Unknown);
    store.put_state(&state, &sealed("stands for"), MINUTE).await.unwrap();
    assert_eq!(store.take_state(&state).await.unwrap(), Taken::First(sealed("stands for")));
    assert_eq!(store.take_state(&state).await.unwrap(), Taken::Replayed);
    backend.travel(Duration::from_secs(599)).await;
    assert_eq!(store.take_state(&state).await.unwrap(), Taken::Replayed, "known for ten minutes");
    backend.travel(60 * MINUTE).await;
    assert_eq!(store.take_state(&state).await.unwrap(), Taken::Unknown);

    let late = fresh_hash();
    store.put_state(&late, &sealed("late"), MINUTE).await.unwrap();
    backend.travel(MINUTE).await;
    assert_eq!(store.take_state(&late).await.unwrap(), Taken::Unknown);
}

pub(super) async fn consent_is_per_user(backend: &dyn Backend) {
    let store = backend.store();
    let (alice, bob, digest) = (user("alice"), user("bob"), hash("client, scopes"));
    store.remember_consent(&alice, &digest, DAY).await.unwrap();
    assert!(store.has_consent(&alice, &digest).await.unwrap());
    assert!(!store.has_consent(&bob, &digest).await.unwrap());
    assert!(!store.has_consent(&alice, &hash("client, more scopes")).await.unwrap());
    backend.travel(DAY).await;
    assert!(!store.has_consent(&alice, &digest).await.unwrap());
}
