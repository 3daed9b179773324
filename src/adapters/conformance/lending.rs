//! Limits that replicas share by lending. The rules are those of `domain/lending.rs`.

use super::Backend;
use super::races::fifty;
use super::samples::{DAY, MINUTE, fresh_hash};
use crate::domain::lending::{Ask, Lent, Places, Units};
use crate::domain::quota::Quota;
use crate::domain::token::TokenHash;
use crate::ports::store::Store;
use std::sync::Arc;
use std::time::Duration;

const LIMIT: u32 = 4;

/// Asks for places out of four.
async fn places(store: &Arc<dyn Store>, of: &TokenHash, holder: &str, want: u32, have: u32) -> Lent {
    let ask = Ask { holder, lease: MINUTE, places: Places { want, have, limit: LIMIT }, units: units(0, 0) };
    store.lend(of, &ask).await.unwrap()
}

/// Asks for units out of ten a day.
fn units(need: u32, want: u32) -> Units {
    Units { need, want, quota: Quota::new(10, DAY) }
}

async fn borrow(store: &Arc<dyn Store>, of: &TokenHash, need: u32, want: u32) -> Lent {
    let ask = Ask { holder: "a", lease: MINUTE, places: Places::default(), units: units(need, want) };
    store.lend(of, &ask).await.unwrap()
}

pub(super) async fn places_are_shared(backend: &dyn Backend) {
    let (one, two, of) = (backend.store(), backend.store(), fresh_hash());
    assert_eq!(places(&one, &of, "a", 9, 0).await, Lent { places: 4, ..Lent::default() });
    assert_eq!(places(&two, &of, "b", 1, 0).await.places, 0);
    let told = places(&one, &of, "a", 9, 4).await;
    assert_eq!((told.places, told.others_wait), (2, true), "a share, once somebody waits");
    assert_eq!(places(&two, &of, "b", 1, 0).await.places, 0, "what is under way still counts");
    places(&one, &of, "a", 9, 3).await;
    assert_eq!(places(&two, &of, "b", 1, 0).await.places, 1);
    assert_eq!(places(&one, &of, "a", 9, 3).await, Lent { places: 3, ..Lent::default() });
    assert_eq!(places(&one, &fresh_hash(), "a", 9, 0).await.places, 4, "another limit is another matter");
    assert_eq!(places(&two, &of, "b", 0, 0).await.places, 0);
    assert_eq!(places(&one, &of, "a", 9, 3).await.places, 4);
}

pub(super) async fn more_parties_than_places_take_turns(backend: &dyn Backend) {
    let (store, of) = (backend.store(), fresh_hash());
    for holder in ["a", "b", "c", "d"] {
        assert_eq!(places(&store, &of, holder, 1, 0).await.places, 1);
    }
    for holder in ["e", "f"] {
        assert_eq!(places(&store, &of, holder, 1, 0).await.places, 0);
        // Who waits longer is told by the clock, which tests move by hand.
        backend.travel(Duration::from_millis(1)).await;
    }
    assert_eq!(places(&store, &of, "a", 5, 1).await.places, 0, "its place goes on");
    backend.travel(Duration::from_millis(1)).await;
    assert_eq!(places(&store, &of, "a", 5, 0).await.places, 0, "it is the last in the queue");
    assert_eq!(places(&store, &of, "f", 1, 0).await.places, 0, "e has waited longer");
    assert_eq!(places(&store, &of, "e", 1, 0).await.places, 1);
}

pub(super) async fn a_lease_ends(backend: &dyn Backend) {
    let (store, of) = (backend.store(), fresh_hash());
    let lease = Duration::from_millis(40);
    let full = Places { want: LIMIT, have: 0, limit: LIMIT };
    let ask = |holder| Ask { holder, lease, places: full, units: units(0, 0) };
    assert_eq!(store.lend(&of, &ask("a")).await.unwrap().places, LIMIT);
    while store.lend(&of, &ask("b")).await.unwrap().places < LIMIT {
        backend.travel(Duration::from_millis(5)).await;
    }
}

pub(super) async fn units_are_lent_in_chunks(backend: &dyn Backend) {
    let (one, two, of) = (backend.store(), backend.store(), fresh_hash());
    assert_eq!(borrow(&one, &of, 1, 6).await, Lent { units: 6, ..Lent::default() });
    assert_eq!(borrow(&two, &of, 1, 6).await.units, 4, "what is left");
    let short = borrow(&one, &of, 2, 6).await;
    assert_eq!(short.units, 0);
    assert!(short.wait + MINUTE > DAY / 5 && short.wait <= DAY / 5, "{short:?}");
    assert_eq!(borrow(&one, &of, 0, 6).await, Lent::default(), "who needs nothing is lent nothing");
    backend.travel(DAY).await;
    assert_eq!(borrow(&two, &of, 500, 500).await.units, 10, "no more than the budget");
}

pub(super) async fn a_pause_is_told_to_all(backend: &dyn Backend) {
    let (one, two, of) = (backend.store(), backend.store(), fresh_hash());
    one.hold_back(&of, DAY).await.unwrap();
    one.hold_back(&of, MINUTE).await.unwrap();
    let told = borrow(&two, &of, 1, 1).await;
    assert_eq!((told.units, told.wait), (0, told.held_back));
    assert!(told.held_back <= DAY && told.held_back + MINUTE > DAY, "{told:?}");
    assert_eq!(borrow(&two, &fresh_hash(), 1, 1).await.units, 1);
    backend.travel(DAY).await;
    assert_eq!(borrow(&two, &of, 1, 1).await, Lent { units: 1, ..Lent::default() });
}

pub(super) async fn two_replicas_never_hold_more_than_there_is(backend: &dyn Backend) {
    let of = fresh_hash();
    let answers = fifty(backend, |store, n| async move {
        let holder = format!("holder {n}");
        let places = Places { want: 2, have: 0, limit: LIMIT };
        let ask = Ask { holder: &holder, lease: MINUTE, places, units: units(1, 3) };
        store.lend(&of, &ask).await.unwrap()
    })
    .await;
    assert_eq!(answers.iter().map(|lent| lent.places).sum::<u32>(), LIMIT);
    assert_eq!(answers.iter().map(|lent| lent.units).sum::<u32>(), 10);
}
