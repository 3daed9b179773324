//! Looking through everything: nothing that stands is missed, whatever the size of a page.

use super::Backend;
use super::grants::issue;
use super::samples::{DAY, HOUR, Sample, client, session, user};
use crate::domain::client::ClientAuthMethod::{ClientSecretBasic, None as Public};
use crate::domain::ids::{ClientId, GrantId, SessionId, UserKey};
use crate::ports::inventory::{Page, Walk, Walked};
use crate::ports::store::Store;
use std::collections::BTreeSet;

/// More than one step of any backend looks at.
const MANY: usize = 700;

/// Everything that a walk meets.
async fn all<T, K: Ord>(
    walk: impl AsyncFn(Walk<'_>) -> Walked<T>,
    about: usize,
    key: impl Fn(&T) -> K,
) -> BTreeSet<K> {
    let (mut met, mut from) = (BTreeSet::new(), None::<String>);
    loop {
        let page = walk(Walk { from: from.as_deref(), about }).await.unwrap();
        let Page { items, next } = page.expect("our own cursor");
        met.extend(items.iter().map(&key));
        from = next;
        if from.is_none() {
            return met;
        }
    }
}

async fn clients(store: &dyn Store, about: usize) -> BTreeSet<ClientId> {
    all(async |walk: Walk<'_>| store.clients(walk).await, about, |client| client.id.clone()).await
}

async fn grants(store: &dyn Store, about: usize) -> BTreeSet<GrantId> {
    all(async |walk: Walk<'_>| store.grants(walk).await, about, |grant| grant.id.clone()).await
}

async fn users(store: &dyn Store, about: usize) -> BTreeSet<UserKey> {
    all(async |walk: Walk<'_>| store.users(walk).await, about, Clone::clone).await
}

async fn sessions(store: &dyn Store, about: usize) -> BTreeSet<SessionId> {
    all(async |walk: Walk<'_>| store.sessions(walk).await, about, |session| session.id.clone()).await
}

pub(super) async fn every_client_is_met(backend: &dyn Backend) {
    let store = backend.store();
    assert!(clients(&*store, 10).await.is_empty());
    let mut expected = BTreeSet::new();
    for n in 0..MANY {
        let method = if n % 2 == 0 { Public } else { ClientSecretBasic };
        let one = client(&format!("https://app-{n}.example/client"), &format!("d{n}"), method);
        expected.insert(store.register_client(&one, DAY).await.unwrap().id);
    }
    for about in [1, 64, 10 * MANY] {
        assert_eq!(clients(&*store, about).await, expected);
    }
    let gone = expected.pop_first().unwrap();
    store.delete_client(&gone).await.unwrap();
    assert_eq!(clients(&*store, 64).await, expected);
    backend.travel(DAY).await;
    assert!(clients(&*store, 64).await.is_empty());
}

pub(super) async fn every_live_grant_and_its_user_is_met(backend: &dyn Backend) {
    let store = backend.store();
    let (mut expected, mut people) = (BTreeSet::new(), BTreeSet::new());
    for n in 0..60 {
        let mut sample = Sample::new();
        // An application stands where a user would, and its id may hold anything.
        let who = if n % 3 == 0 {
            UserKey::application(&ClientId::new("https://app.example:8443/client"))
        } else {
            user(&format!("user-{}", n % 7))
        };
        (sample.access.1.user, sample.refresh.1.user) = (who.clone(), who.clone());
        issue(backend, &sample).await;
        store.put_code(&sample.code.0, &sample.code.1).await.unwrap();
        expected.insert(sample.grant);
        people.insert(who);
    }
    for about in [1, 16, 1000] {
        assert_eq!(grants(&*store, about).await, expected);
        assert_eq!(users(&*store, about).await, people);
    }
    let ended = expected.pop_first().unwrap();
    store.revoke_grant(&ended).await.unwrap();
    assert_eq!(grants(&*store, 16).await, expected);
    backend.travel(31 * DAY).await;
    assert!(grants(&*store, 16).await.is_empty(), "nothing of them can be used any more");
}

pub(super) async fn every_session_is_met_and_not_kept_alive(backend: &dyn Backend) {
    let store = backend.store();
    let mut expected = BTreeSet::new();
    for n in 0..60 {
        let one = session(&format!("session-{n}"));
        store.put_session(&one, HOUR).await.unwrap();
        expected.insert(one.id);
    }
    for about in [1, 16, 1000] {
        assert_eq!(sessions(&*store, about).await, expected);
    }
    let ended = expected.pop_first().unwrap();
    store.end_session(&ended).await.unwrap();
    backend.travel(HOUR / 2).await;
    assert_eq!(sessions(&*store, 16).await, expected);
    backend.travel(HOUR / 2).await;
    assert!(sessions(&*store, 16).await.is_empty());
}

pub(super) async fn a_foreign_cursor_is_none(backend: &dyn Backend) {
    let store = backend.store();
    let walk = Walk { from: Some("not ours"), about: 10 };
    assert_eq!(store.clients(walk).await.unwrap(), None);
    assert_eq!(store.grants(walk).await.unwrap(), None);
    assert_eq!(store.sessions(walk).await.unwrap(), None);
    assert_eq!(store.users(walk).await.unwrap(), None);
}
