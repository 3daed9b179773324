//! What belongs to a user: Entra records, sessions, handles; and leases; and what a thief would find.

use super::Backend;
use super::grants::issue;
use super::samples::{DAY, HOUR, MINUTE, START, Sample, hasher, sealed, session, user};
use crate::domain::ids::SessionId;
use crate::domain::session::SessionRecord;
use crate::ports::store::{Crowd, SessionUpdate, Swap, UpstreamRecord};
use std::time::Duration;

pub(super) async fn upstream_is_swapped(backend: &dyn Backend) {
    let store = backend.store();
    let (alice, bob) = (user("alice"), user("bob"));
    assert_eq!(store.upstream(&alice).await.unwrap(), None);
    let early = store.swap_upstream(&alice, 3, &sealed("x"), DAY).await.unwrap();
    assert_eq!(early, Swap::Conflict { current: 0 });
    assert_eq!(store.swap_upstream(&alice, 0, &sealed("one"), DAY).await.unwrap(), Swap::Done);
    assert_eq!(
        store.upstream(&alice).await.unwrap(),
        Some(UpstreamRecord { version: 1, sealed: sealed("one") })
    );
    let stale = store.swap_upstream(&alice, 0, &sealed("x"), DAY).await.unwrap();
    assert_eq!(stale, Swap::Conflict { current: 1 });
    assert_eq!(store.swap_upstream(&alice, 1, &sealed("two"), DAY).await.unwrap(), Swap::Done);
    let standing = store.upstream(&alice).await.unwrap().unwrap();
    assert_eq!((standing.version, standing.sealed), (2, sealed("two")));
    assert_eq!(store.upstream(&bob).await.unwrap(), None);
    backend.travel(DAY).await;
    assert_eq!(store.upstream(&alice).await.unwrap(), None);
}

pub(super) async fn forgotten_upstream_keeps_counting(backend: &dyn Backend) {
    let store = backend.store();
    let alice = user("alice");
    assert_eq!(store.forget_upstream(&alice, 1).await.unwrap(), Swap::Conflict { current: 0 });
    assert_eq!(store.swap_upstream(&alice, 0, &sealed("one"), HOUR).await.unwrap(), Swap::Done);
    assert_eq!(store.forget_upstream(&alice, 1).await.unwrap(), Swap::Done);
    assert_eq!(store.upstream(&alice).await.unwrap(), None);
    backend.travel(30 * DAY).await;
    let fresh = store.swap_upstream(&alice, 0, &sealed("two"), HOUR).await.unwrap();
    assert_eq!(fresh, Swap::Conflict { current: 1 });
    assert_eq!(store.swap_upstream(&alice, 1, &sealed("two"), HOUR).await.unwrap(), Swap::Done);
    assert_eq!(store.upstream(&alice).await.unwrap().unwrap().version, 2);
}

pub(super) async fn a_newer_sign_in_is_not_forgotten(backend: &dyn Backend) {
    let store = backend.store();
    let alice = user("alice");
    store.swap_upstream(&alice, 0, &sealed("dead"), HOUR).await.unwrap();
    // Entra declared version 1 dead; before that is noted, the person signs in again.
    store.swap_upstream(&alice, 1, &sealed("fresh"), HOUR).await.unwrap();
    assert_eq!(store.forget_upstream(&alice, 1).await.unwrap(), Swap::Conflict { current: 2 });
    assert_eq!(store.upstream(&alice).await.unwrap().unwrap().sealed, sealed("fresh"));
}

pub(super) async fn sessions_slide_and_end(backend: &dyn Backend) {
    let store = backend.store();
    let mut one = session("s1");
    assert_eq!(store.session(&one.id, HOUR).await.unwrap(), None);
    let update = async |session: &SessionRecord| store.update_session(session, HOUR).await.unwrap();
    assert_eq!(update(&one).await, SessionUpdate::Ended, "an ended session does not come back");
    store.put_session(&one, HOUR).await.unwrap();
    for _ in 0..5 {
        backend.travel(HOUR / 2).await;
        assert_eq!(store.session(&one.id, HOUR).await.unwrap().as_ref(), Some(&one), "use renews its life");
    }
    for _ in 0..20 {
        backend.travel(HOUR / 10).await;
        assert!(store.session(&one.id, HOUR).await.unwrap().is_some(), "in small steps too");
    }
    one.initialized = true;
    assert_eq!(update(&one).await, SessionUpdate::Done);
    assert_eq!(update(&one).await, SessionUpdate::Stale, "a change that did not see the last one");
    one.revision += 1;
    assert_eq!(store.session(&one.id, HOUR).await.unwrap().as_ref(), Some(&one));
    assert_eq!(store.session(&SessionId::new("s2"), HOUR).await.unwrap(), None);
    assert!(store.end_session(&one.id).await.unwrap());
    assert!(!store.end_session(&one.id).await.unwrap());
    assert_eq!(update(&one).await, SessionUpdate::Ended);
    assert_eq!(store.session(&one.id, HOUR).await.unwrap(), None);
    store.put_session(&one, HOUR).await.unwrap();
    backend.travel(HOUR).await;
    assert_eq!(store.session(&one.id, HOUR).await.unwrap(), None);
}

pub(super) async fn a_crowd_sheds_who_was_not_used_for_longest(backend: &dyn Backend) {
    let store = backend.store();
    let ids = ["c1", "c2", "c3", "c4", "c5", "c6"].map(SessionId::new);
    let mut now = START;
    let join = async |n: usize, group: &str, life: Duration, now| {
        store.put_session(&session(ids[n].as_str()), life).await.unwrap();
        store.crowded_out(Crowd { name: group, most: 3, ttl: DAY }, &ids[n], now).await.unwrap()
    };
    for n in 0..3 {
        assert_eq!(join(n, "alice", DAY, now).await, []);
        backend.travel(MINUTE).await;
        now = now.plus(MINUTE);
    }
    store.session(&ids[0], DAY).await.unwrap();
    assert_eq!(join(3, "bob", DAY, now).await, [], "groups do not mix");
    // One that was opened and not used yet lives shorter and is none the older for it.
    assert_eq!(join(3, "alice", HOUR, now).await, [ids[1].clone()]);
    assert_eq!(join(3, "alice", HOUR, now).await, [], "joining again changes nothing");
    backend.travel(MINUTE).await;
    now = now.plus(MINUTE);
    assert_eq!(join(4, "alice", HOUR, now).await, [ids[2].clone()], "not the handshake under way");
    store.end_session(&ids[0]).await.unwrap();
    assert_eq!(join(5, "alice", HOUR, now).await, [], "an ended session counts no more");
    let alone = Crowd { name: "alice", most: 1, ttl: DAY };
    let rest = store.crowded_out(alone, &ids[5], now).await.unwrap();
    assert_eq!(rest, [ids[3].clone(), ids[4].clone()]);
}

pub(super) async fn handles_answer_their_user(backend: &dyn Backend) {
    let store = backend.store();
    let (alice, bob) = (user("alice"), user("bob"));
    store.put_handle(&alice, "c_1", &sealed("page 2"), MINUTE).await.unwrap();
    assert_eq!(store.handle(&alice, "c_1").await.unwrap(), Some(sealed("page 2")));
    assert_eq!(store.handle(&bob, "c_1").await.unwrap(), None);
    assert_eq!(store.handle(&alice, "c_2").await.unwrap(), None);
    assert_eq!(store.handle(&alice, "*").await.unwrap(), None);
    backend.travel(MINUTE).await;
    assert_eq!(store.handle(&alice, "c_1").await.unwrap(), None);
}

pub(super) async fn leases_are_exclusive(backend: &dyn Backend) {
    let store = backend.store();
    assert!(store.try_lease("a", "one", MINUTE).await.unwrap());
    assert!(!store.try_lease("a", "two", MINUTE).await.unwrap());
    assert!(!store.try_lease("a", "one", MINUTE).await.unwrap(), "not even for its holder");
    assert!(store.try_lease("b", "two", MINUTE).await.unwrap());
    assert!(store.renew_lease("a", "one", MINUTE).await.unwrap());
    assert!(!store.renew_lease("a", "two", MINUTE).await.unwrap(), "somebody else's");
    assert!(!store.renew_lease("free", "one", MINUTE).await.unwrap(), "nobody's");
    store.release_lease("a", "two").await.unwrap();
    assert!(!store.try_lease("a", "two", MINUTE).await.unwrap(), "only the owner gives it back");
    store.release_lease("a", "one").await.unwrap();
    assert!(store.try_lease("a", "two", MINUTE).await.unwrap());
    backend.travel(MINUTE).await;
    assert!(store.try_lease("a", "one", MINUTE).await.unwrap(), "a dead owner's lease runs out");
    store.release_lease("a", "two").await.unwrap();
    assert!(!store.try_lease("a", "two", MINUTE).await.unwrap(), "a late release takes nothing away");
}

pub(super) async fn a_dump_holds_no_secret(backend: &dyn Backend) {
    let (store, sample) = (backend.store(), Sample::new());
    store.put_code(&sample.code.0, &sample.code.1).await.unwrap();
    store.redeem_code(&sample.code.0, &sample.code.1.client, START).await.unwrap();
    issue(backend, &sample).await;
    let state = "the-state-text-that-the-browser-carries";
    store.put_state(&hasher().hash("state", state), &sealed("s"), HOUR).await.unwrap();
    store.put_flow(&hasher().hash("flow", state), &sealed("f"), HOUR).await.unwrap();
    let dump = backend.dump().await;
    let holds = |text: &str| dump.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds(&sample.access.0.hash.to_text()), "the dump is one of this store");
    for text in sample.texts.iter().map(String::as_str).chain([state]) {
        assert!(!holds(text), "a credential in the clear");
        // The random part alone would be enough for a thief.
        let secret = &text[text.len() - 30..];
        assert!(!holds(secret), "the secret part of a credential in the clear");
    }
}
