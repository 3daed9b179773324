//! Records under the keys of the ring.

use super::Backend;
use super::samples::{DAY, HOUR, user};
use crate::domain::cipher::Cipher;
use crate::domain::keyring::KeyRing;
use crate::domain::upstream::sealing_context;
use crate::ports::resealing::{Resealed, SealedCount};
use crate::ports::store::Swap;

const OLD: &str = "old:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const NEW: &str = "new:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

fn cipher(list: &str) -> Cipher {
    Cipher::new(&KeyRing::from_list(list).unwrap())
}

fn count(counts: &[SealedCount], key: &str, kind: &str) -> u64 {
    counts.iter().filter(|c| c.key == key && c.kind == kind).map(|c| c.count).sum()
}

pub(super) async fn records_move_to_the_active_key(backend: &dyn Backend) {
    let store = backend.store();
    let (old, both, new) = (cipher(OLD), cipher(&format!("{NEW},{OLD}")), cipher(NEW));
    let before = store.sealed_counts().await.unwrap();
    for n in 0..100 {
        let who = user(&format!("person-{n}"));
        let sealed = old.seal(&sealing_context(&who, 1), b"tokens");
        assert_eq!(store.swap_upstream(&who, 0, &sealed, DAY).await.unwrap(), Swap::Done);
    }
    let common = old.seal("common", b"keys");
    assert_eq!(store.swap_shared("common", 0, &common, DAY).await.unwrap(), Swap::Done);
    // Bound to something else than its name: nobody else can tell to what.
    let bound_elsewhere = old.seal("elsewhere", b"x");
    assert_eq!(store.swap_shared("odd", 0, &bound_elsewhere, DAY).await.unwrap(), Swap::Done);
    let counts = store.sealed_counts().await.unwrap();
    let fresh = count(&counts, "old", "upstream records") - count(&before, "old", "upstream records");
    assert_eq!((fresh, count(&counts, "old", "common records")), (100, 2));
    backend.travel(HOUR * 23).await;
    let swept = store.reseal(&both).await.unwrap();
    assert_eq!((swept.done, swept.overtaken), (101, 0));
    assert_eq!(store.reseal(&both).await.unwrap(), Resealed { left: swept.left, ..Resealed::default() });
    let counts = store.sealed_counts().await.unwrap();
    assert_eq!(count(&counts, "new", "upstream records"), 100);
    assert_eq!((count(&counts, "old", "upstream records"), count(&counts, "old", "common records")), (0, 1));
    let who = user("person-7");
    let record = store.upstream(&who).await.unwrap().unwrap();
    assert_eq!(record.version, 1, "the same version");
    assert_eq!(new.open(&sealing_context(&who, 1), &record.sealed).unwrap(), b"tokens");
    let record = store.shared("common").await.unwrap().unwrap();
    assert_eq!(new.open("common", &record.sealed).unwrap(), b"keys");
    backend.travel(HOUR * 2).await;
    assert_eq!(store.upstream(&who).await.unwrap(), None, "and the same life");
}

pub(super) async fn a_sweep_overwrites_nobody(backend: &dyn Backend) {
    let (store, sweeper) = (backend.store(), backend.store());
    let (old, both) = (cipher(OLD), cipher(&format!("{NEW},{OLD}")));
    let who = user("busy");
    let seal = |version: u64| old.seal(&sealing_context(&who, version), version.to_string().as_bytes());
    assert_eq!(store.swap_upstream(&who, 0, &seal(1), DAY).await.unwrap(), Swap::Done);
    // The writer goes on under the old key, as a replica does that is replaced last.
    let writing = async {
        for version in 1..200 {
            assert_eq!(
                store.swap_upstream(&who, version, &seal(version + 1), DAY).await.unwrap(),
                Swap::Done
            );
        }
    };
    let sweeping = async {
        for _ in 0..20 {
            sweeper.reseal(&both).await.unwrap();
        }
    };
    futures_util::future::join(writing, sweeping).await;
    let record = store.upstream(&who).await.unwrap().unwrap();
    assert_eq!(record.version, 200);
    assert_eq!(both.open(&sealing_context(&who, 200), &record.sealed).unwrap(), b"200");
}
