//! Codes, bearers and the end of a grant.

use super::Backend;
use super::samples::{DAY, HOUR, MINUTE, START, Sample, sealed, user};
use crate::domain::ids::ClientId;
use crate::ports::store::{CodeRedemption, Issue, RefreshState, RotationOutcome, SIGNING_IN, Swap};
use std::time::Duration;

pub(super) async fn code_is_redeemed_once(backend: &dyn Backend) {
    let (store, sample) = (backend.store(), Sample::new());
    let (code, record) = &sample.code;
    let client = ClientId::new("the one who redeems");
    assert_eq!(store.redeem_code(code, &client, START).await.unwrap(), CodeRedemption::Unknown);
    store.put_code(code, record).await.unwrap();
    let now = START.plus(Duration::from_secs(5));
    let first = store.redeem_code(code, &client, now).await.unwrap();
    assert_eq!(first, CodeRedemption::First(Box::new(record.clone())));
    let replayed = CodeRedemption::Replayed { client, at: now };
    let other = ClientId::new("another one");
    assert_eq!(store.redeem_code(code, &other, START.plus(MINUTE)).await.unwrap(), replayed);
    backend.travel(Duration::from_secs(599)).await;
    let later = START.plus(10 * MINUTE);
    assert_eq!(store.redeem_code(code, &other, later).await.unwrap(), replayed, "known for ten minutes");
    backend.travel(HOUR).await;
    assert_eq!(store.redeem_code(code, &other, later).await.unwrap(), CodeRedemption::Unknown);
}

pub(super) async fn expired_code_is_unknown(backend: &dyn Backend) {
    let (store, sample) = (backend.store(), Sample::new());
    let (code, record) = &sample.code;
    store.put_code(code, record).await.unwrap();
    // A store that kept the record too long must refuse it all the same.
    let late = store.redeem_code(code, &record.client, record.expires_at).await.unwrap();
    assert_eq!(late, CodeRedemption::Unknown);
    backend.travel(MINUTE).await;
    let late = store.redeem_code(code, &record.client, START).await.unwrap();
    assert_eq!(late, CodeRedemption::Unknown, "and it does not keep it");
}

pub(super) async fn bearer_lives_until_it_expires(backend: &dyn Backend) {
    let (store, sample) = (backend.store(), Sample::new());
    let (token, record) = &sample.access;
    assert_eq!(store.access(token, START).await.unwrap(), None);
    assert_eq!(store.issue((token, record), None).await.unwrap(), Issue::Done);
    assert_eq!(store.access(token, START).await.unwrap().as_ref(), Some(record));
    assert_eq!(store.access(&sample.refresh.0, START).await.unwrap(), None, "another hash, another token");
    assert_eq!(store.refresh(&sample.refresh.0, START).await.unwrap(), RefreshState::Unknown);
    assert_eq!(store.access(token, record.expires_at).await.unwrap(), None);
    backend.travel(HOUR).await;
    assert_eq!(store.access(token, START).await.unwrap(), None);
}

pub(super) async fn bearer_is_revoked_alone(backend: &dyn Backend) {
    let (store, sample) = (backend.store(), Sample::new());
    issue(backend, &sample).await;
    store.revoke_access(&sample.access.0).await.unwrap();
    assert_eq!(store.access(&sample.access.0, START).await.unwrap(), None);
    let refresh = store.refresh(&sample.refresh.0, START).await.unwrap();
    assert_eq!(refresh, RefreshState::Live(sample.refresh.1.clone()));
    assert_eq!(store.issue((&sample.access.0, &sample.access.1), None).await.unwrap(), Issue::Done);
}

pub(super) async fn revoked_grant_takes_nothing_more(backend: &dyn Backend) {
    let (store, sample) = (backend.store(), Sample::new());
    store.put_code(&sample.code.0, &sample.code.1).await.unwrap();
    issue(backend, &sample).await;
    store.revoke_grant(&sample.grant).await.unwrap();
    for _ in 0..2 {
        assert_eq!(store.access(&sample.access.0, START).await.unwrap(), None);
        assert_eq!(store.refresh(&sample.refresh.0, START).await.unwrap(), RefreshState::Unknown);
        let code = store.redeem_code(&sample.code.0, &sample.code.1.client, START).await.unwrap();
        assert_eq!(code, CodeRedemption::Unknown);
        // Whoever read the code before the revocation comes too late with its tokens.
        let refresh = Some((&sample.refresh.0, &sample.refresh.1));
        let late = store.issue((&sample.access.0, &sample.access.1), refresh).await.unwrap();
        assert_eq!(late, Issue::Revoked);
        store.put_code(&sample.code.0, &sample.code.1).await.unwrap();
        backend.travel(24 * HOUR).await;
    }
    store.revoke_grant(&sample.grant).await.unwrap();
}

pub(super) async fn replay_is_known_after_revocation(backend: &dyn Backend) {
    let (store, sample) = (backend.store(), Sample::new());
    let (code, record) = &sample.code;
    store.put_code(code, record).await.unwrap();
    store.redeem_code(code, &record.client, START).await.unwrap();
    issue(backend, &sample).await;
    let replayed = CodeRedemption::Replayed { client: record.client.clone(), at: START };
    assert_eq!(store.redeem_code(code, &record.client, START).await.unwrap(), replayed);
    store.revoke_grant(&sample.grant).await.unwrap();
    assert_eq!(store.redeem_code(code, &record.client, START).await.unwrap(), replayed);
    assert_eq!(store.access(&sample.access.0, START).await.unwrap(), None);
}

pub(super) async fn a_grant_dies_alone(backend: &dyn Backend) {
    let (store, sample, neighbour) = (backend.store(), Sample::new(), Sample::new());
    issue(backend, &sample).await;
    issue(backend, &neighbour).await;
    store.revoke_grant(&sample.grant).await.unwrap();
    assert!(store.access(&neighbour.access.0, START).await.unwrap().is_some());
    let refresh = store.refresh(&neighbour.refresh.0, START).await.unwrap();
    assert_eq!(refresh, RefreshState::Live(neighbour.refresh.1));
}

pub(super) async fn the_last_grant_takes_the_tokens_of_its_user(backend: &dyn Backend) {
    let store = backend.store();
    let (one, two) = (Sample::new(), Sample::new());
    let who = one.access.1.user.clone();
    assert_eq!(two.access.1.user, who);
    assert_eq!(store.swap_upstream(&who, 0, &sealed("tokens"), HOUR).await.unwrap(), Swap::Done);
    issue(backend, &one).await;
    issue(backend, &two).await;
    store.end_grant(&one.grant, &who).await.unwrap();
    assert!(store.upstream(&who).await.unwrap().is_some(), "there is another grant");
    // Somebody signs in: the tokens are theirs already, and the grant is not there yet.
    store.put_handle(&who, SIGNING_IN, &sealed("1"), MINUTE).await.unwrap();
    store.end_grant(&two.grant, &who).await.unwrap();
    assert!(store.upstream(&who).await.unwrap().is_some(), "a sign-in is under way");
    let three = Sample::new();
    issue(backend, &three).await;
    backend.travel(2 * MINUTE).await;
    store.end_grant(&three.grant, &who).await.unwrap();
    assert_eq!(store.upstream(&who).await.unwrap(), None);
    let again = store.swap_upstream(&who, 1, &sealed("tokens"), HOUR).await.unwrap();
    assert_eq!(again, Swap::Done, "a later sign-in counts on");
}

pub(super) async fn a_user_sees_their_own_live_grants(backend: &dyn Backend) {
    let store = backend.store();
    let (mut ended, mut kept, mut bobs) = (Sample::new(), Sample::new(), Sample::new());
    for sample in [&mut ended, &mut kept] {
        sample.access.1.user = user("alice");
        sample.refresh.1.user = user("alice");
    }
    bobs.access.1.user = user("bob");
    bobs.refresh.1.user = user("bob");
    assert_eq!(store.grants_of_user(&user("alice")).await.unwrap(), []);
    for sample in [&ended, &kept, &bobs] {
        issue(backend, sample).await;
    }
    let seen = store.grants_of_user(&user("alice")).await.unwrap();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|grant| grant.user == user("alice")));
    let of_bob = store.grants_of_user(&user("bob")).await.unwrap();
    assert_eq!(of_bob.iter().map(|grant| &grant.id).collect::<Vec<_>>(), [&bobs.grant]);
    let record = store.grant(&kept.grant).await.unwrap().unwrap();
    assert_eq!((record.created_at, record.last_used_at), (START, START));
    assert_eq!(record.expires_at, kept.refresh.1.grant_expires_at);
    assert_eq!(record.scopes, kept.refresh.1.scopes);

    backend.travel(20 * DAY).await;
    let now = START.plus(20 * DAY);
    let rotation = kept.rotation(&kept.refresh.0, now, "answer");
    assert_eq!(store.rotate(&rotation).await.unwrap(), RotationOutcome::Done);
    store.revoke_grant(&ended.grant).await.unwrap();
    assert_eq!(store.grant(&ended.grant).await.unwrap(), None);
    let seen = store.grants_of_user(&user("alice")).await.unwrap();
    assert_eq!(seen.iter().map(|grant| &grant.id).collect::<Vec<_>>(), [&kept.grant]);
    assert_eq!(
        seen.iter().map(|grant| (grant.created_at, grant.last_used_at)).collect::<Vec<_>>(),
        [(START, now)]
    );

    backend.travel(20 * DAY).await;
    assert_eq!(store.grants_of_user(&user("bob")).await.unwrap(), [], "nothing of it can be used any more");
    assert_eq!(store.grants_of_user(&user("alice")).await.unwrap().len(), 1, "renewed by its use");
}

pub(super) async fn a_use_is_noted_while_the_grant_lives(backend: &dyn Backend) {
    let (store, mut sample) = (backend.store(), Sample::new());
    store.note_use(&sample.grant, START).await.unwrap();
    assert_eq!(store.grant(&sample.grant).await.unwrap(), None, "a use makes no grant");
    // A personal key: one bearer, a name, no refresh token.
    let (key, record) = &mut sample.access;
    record.name = Some("열린 키".to_owned());
    record.expires_at = START.plus(30 * DAY);
    assert_eq!(store.issue((&*key, &*record), None).await.unwrap(), Issue::Done);
    let later = START.plus(HOUR);
    backend.travel(HOUR).await;
    store.note_use(&sample.grant, later).await.unwrap();
    let grant = store.grant(&sample.grant).await.unwrap().unwrap();
    assert_eq!(
        (grant.created_at, grant.last_used_at, grant.expires_at),
        (START, later, START.plus(30 * DAY))
    );
    assert_eq!(grant.name.as_deref(), Some("열린 키"));
    assert_eq!(store.access(key, later).await.unwrap().unwrap().name, grant.name);
    backend.travel(30 * DAY).await;
    assert_eq!(store.grant(&sample.grant).await.unwrap(), None, "a use does not lengthen its life");
    let other = Sample::new();
    issue(backend, &other).await;
    store.revoke_grant(&other.grant).await.unwrap();
    store.note_use(&other.grant, START).await.unwrap();
    assert_eq!(store.grant(&other.grant).await.unwrap(), None, "what has ended stays so");
}

pub(super) async fn issue(backend: &dyn Backend, sample: &Sample) {
    let refresh = Some((&sample.refresh.0, &sample.refresh.1));
    let issued = backend.store().issue((&sample.access.0, &sample.access.1), refresh).await.unwrap();
    assert_eq!(issued, Issue::Done);
}
