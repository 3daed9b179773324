//! Registered clients.

use super::Backend;
use super::samples::{DAY, HOUR, client};
use crate::domain::client::ClientAuthMethod::{ClientSecretBasic, None as Public};
use crate::domain::ids::ClientId;
use std::collections::BTreeSet;

pub(super) async fn stored_and_absent(backend: &dyn Backend) {
    let store = backend.store();
    let one = client("c1", "d1", Public);
    assert_eq!(store.client(&one.id).await.unwrap(), None);
    assert_eq!(store.register_client(&one, DAY).await.unwrap(), one);
    assert_eq!(store.client(&one.id).await.unwrap(), Some(one.clone()));
    backend.travel(DAY).await;
    assert_eq!(store.client(&one.id).await.unwrap(), None);
}

pub(super) async fn public_ones_fold(backend: &dyn Backend) {
    let store = backend.store();
    let (first, second) = (client("c1", "same", Public), client("c2", "same", Public));
    store.register_client(&first, DAY).await.unwrap();
    backend.travel(23 * HOUR).await;
    assert_eq!(store.register_client(&second, DAY).await.unwrap(), first);
    assert_eq!(store.client(&second.id).await.unwrap(), None, "nothing is stored for the folded one");
    let other = client("c3", "different", Public);
    assert_eq!(store.register_client(&other, DAY).await.unwrap(), other);
    backend.travel(23 * HOUR).await;
    assert_eq!(store.client(&first.id).await.unwrap(), Some(first.clone()), "folding renewed its life");
    assert_eq!(store.register_client(&second, DAY).await.unwrap(), first);
}

pub(super) async fn confidential_ones_never_fold(backend: &dyn Backend) {
    let store = backend.store();
    let public = client("c0", "same", Public);
    store.register_client(&public, DAY).await.unwrap();
    for id in ["c1", "c2"] {
        let mut one = client(id, "same", ClientSecretBasic);
        one.secret_hash = Some(format!("hash of {id}"));
        assert_eq!(store.register_client(&one, DAY).await.unwrap(), one);
        assert_eq!(store.client(&one.id).await.unwrap(), Some(one));
    }
    let again = store.register_client(&client("c3", "same", Public), DAY).await.unwrap();
    assert_eq!(again, public, "a public client is never answered a confidential one");
}

pub(super) async fn touching_never_shortens(backend: &dyn Backend) {
    let store = backend.store();
    let one = client("c1", "d1", Public);
    store.touch_client(&one.id, DAY).await.unwrap();
    assert_eq!(store.client(&one.id).await.unwrap(), None, "touching makes nothing");
    store.register_client(&one, DAY).await.unwrap();
    store.touch_client(&one.id, HOUR).await.unwrap();
    backend.travel(2 * HOUR).await;
    assert!(store.client(&one.id).await.unwrap().is_some());
    store.touch_client(&one.id, 3 * DAY).await.unwrap();
    backend.travel(2 * DAY).await;
    assert!(store.client(&one.id).await.unwrap().is_some());
    let again = store.register_client(&client("c2", "d1", Public), DAY).await.unwrap();
    assert_eq!(again, one, "a client in use goes on standing for its digest");
}

pub(super) async fn deleted(backend: &dyn Backend) {
    let store = backend.store();
    let (one, two) = (client("c1", "d1", Public), client("c2", "d1", Public));
    let secret = client("c3", "d1", ClientSecretBasic);
    store.delete_client(&ClientId::new("never there")).await.unwrap();
    store.register_client(&one, DAY).await.unwrap();
    store.register_client(&secret, DAY).await.unwrap();
    store.delete_client(&secret.id).await.unwrap();
    assert_eq!(store.register_client(&two, DAY).await.unwrap(), one, "another client's fold is left alone");
    store.delete_client(&one.id).await.unwrap();
    assert_eq!(store.client(&one.id).await.unwrap(), None);
    assert_eq!(store.register_client(&two, DAY).await.unwrap(), two, "a deleted client is never answered");
}

pub(super) async fn parallel_registrations_fold_into_one(backend: &dyn Backend) {
    let answers = super::races::fifty(backend, |store, n| async move {
        let answer = store.register_client(&client(&format!("c{n}"), "same", Public), DAY).await.unwrap();
        assert!(store.client(&answer.id).await.unwrap().is_some(), "an answered client is stored");
        answer.id
    })
    .await;
    assert_eq!(answers.into_iter().collect::<BTreeSet<_>>().len(), 1);
}

pub(super) async fn replacing_keeps_the_life(backend: &dyn Backend) {
    let store = backend.store();
    let old = client("c1", "d1", ClientSecretBasic);
    assert!(!store.replace_client(&old).await.unwrap(), "there is nothing to replace");
    assert_eq!(store.client(&old.id).await.unwrap(), None);
    store.register_client(&old, DAY).await.unwrap();
    let mut new = old.clone();
    new.name = Some("renamed".to_owned());
    backend.travel(HOUR).await;
    assert!(store.replace_client(&new).await.unwrap());
    assert_eq!(store.client(&old.id).await.unwrap(), Some(new));
    backend.travel(23 * HOUR).await;
    assert_eq!(store.client(&old.id).await.unwrap(), None, "a change does not renew a life");
}
