//! Logs of streams, and the bus.

use super::Backend;
use super::samples::{HOUR, sealed, session};
use crate::domain::ids::SessionId;
use crate::ports::events::{Claiming, LogLimits, LogName, LogPage, Note};
use crate::ports::store::Store;
use bytes::Bytes;
use futures_util::future::join_all;
use std::time::Duration;

const LIMITS: LogLimits = LogLimits { events: 4, bytes: 1 << 20, ttl: HOUR };

fn log<'a>(session: &'a SessionId, stream: &'a str) -> LogName<'a> {
    LogName { session, stream }
}

async fn add(store: &dyn Store, name: LogName<'_>, text: &str) -> u64 {
    store.append(name, &sealed(text), &LIMITS, false).await.unwrap().unwrap().seq
}

async fn page(store: &dyn Store, name: LogName<'_>, seq: u64) -> LogPage {
    store.after(name, seq, 100, HOUR).await.unwrap().unwrap()
}

pub(super) async fn a_log_is_read_from_any_cursor(backend: &dyn Backend) {
    let (store, other) = (backend.store(), backend.store());
    let record = session("s");
    store.put_session(&record, HOUR).await.unwrap();
    let (one, two) = (log(&record.id, "one"), log(&record.id, "two"));
    assert_eq!(store.after(one, 0, 10, HOUR).await.unwrap(), None);
    let start = store.claim(one, Claiming::OrCreate, HOUR).await.unwrap().unwrap().last;
    assert_eq!(page(&*store, one, start).await.events, []);
    let first = add(&*store, one, "a").await;
    let second = add(&*other, one, "b").await;
    add(&*store, two, "elsewhere").await;
    assert_eq!((first, second), (start + 1, start + 2));
    let all = page(&*other, one, start).await;
    assert_eq!(all.events, [(first, sealed("a")), (second, sealed("b"))]);
    assert!(!all.gap && !all.finished);
    assert_eq!(page(&*store, one, first).await.events, [(second, sealed("b"))]);
    assert_eq!(store.after(one, start, 1, HOUR).await.unwrap().unwrap().events, [(first, sealed("a"))]);
    let end = page(&*store, one, second).await;
    assert!(end.events.is_empty() && !end.gap);
    assert!(page(&*store, one, second + 1).await.gap, "a number that was never given out");
}

pub(super) async fn a_log_is_bounded(backend: &dyn Backend) {
    let store = backend.store();
    let record = session("s");
    store.put_session(&record, HOUR).await.unwrap();
    let one = log(&record.id, "one");
    let mut seqs = Vec::new();
    for text in ["a", "b", "c", "d", "e", "f"] {
        seqs.push(add(&*store, one, text).await);
    }
    let kept = page(&*store, one, seqs[1]).await;
    assert_eq!(kept.events.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), seqs[2..]);
    assert!(!kept.gap);
    assert!(page(&*store, one, seqs[0]).await.gap, "what lies between is gone");
    let narrow = LogLimits { bytes: sealed("x").as_bytes().len() * 2, ..LIMITS };
    let last = store.append(one, &sealed("g"), &narrow, false).await.unwrap().unwrap().seq;
    let kept = page(&*store, one, seqs[4]).await;
    assert_eq!(kept.events, [(seqs[5], sealed("f")), (last, sealed("g"))]);
    assert!(page(&*store, one, seqs[3]).await.gap);
    let huge = sealed(&"h".repeat(4096));
    let last = store.append(one, &huge, &narrow, false).await.unwrap().unwrap().seq;
    assert_eq!(page(&*store, one, last - 1).await.events, [(last, huge)], "the newest always stays");
}

pub(super) async fn a_log_ends_with_its_session(backend: &dyn Backend) {
    let store = backend.store();
    let (record, other) = (session("s"), session("s2"));
    for record in [&record, &other] {
        store.put_session(record, HOUR).await.unwrap();
    }
    let (one, kept) = (log(&record.id, "one"), log(&other.id, "one"));
    add(&*store, one, "a").await;
    add(&*store, kept, "a").await;
    assert!(store.end_session(&record.id).await.unwrap());
    assert_eq!(store.after(one, 0, 10, HOUR).await.unwrap(), None);
    assert_eq!(store.append(one, &sealed("late"), &LIMITS, false).await.unwrap(), None);
    assert_eq!(store.claim(one, Claiming::OrCreate, HOUR).await.unwrap(), None);
    store.finish(one).await.unwrap();
    store.acknowledge(one, 1).await.unwrap();
    assert_eq!(store.after(one, 0, 10, HOUR).await.unwrap(), None);
    assert!(store.after(kept, 0, 10, HOUR).await.unwrap().is_some());
    for _ in 0..3 {
        backend.travel(HOUR / 2).await;
        assert!(store.after(kept, 0, 10, HOUR).await.unwrap().is_some(), "reading keeps a log alive");
        store.session(&other.id, HOUR).await.unwrap().unwrap();
    }
    backend.travel(HOUR).await;
    assert_eq!(store.after(kept, 0, 10, HOUR).await.unwrap(), None);
}

pub(super) async fn the_newest_claim_stands(backend: &dyn Backend) {
    let (store, other) = (backend.store(), backend.store());
    let record = session("s");
    store.put_session(&record, HOUR).await.unwrap();
    let one = log(&record.id, "one");
    assert_eq!(store.claim(one, Claiming::Existing, HOUR).await.unwrap(), None);
    let first = store.claim(one, Claiming::OrCreate, HOUR).await.unwrap().unwrap();
    let second = other.claim(one, Claiming::Existing, HOUR).await.unwrap().unwrap();
    assert!(second.epoch > first.epoch);
    assert_eq!(page(&*store, one, second.last).await.epoch, second.epoch);
    let appended = store.append(one, &sealed("a"), &LIMITS, false).await.unwrap().unwrap();
    assert_eq!((appended.seq, appended.epoch), (second.last + 1, second.epoch));
}

pub(super) async fn a_finished_log_says_so(backend: &dyn Backend) {
    let store = backend.store();
    let record = session("s");
    store.put_session(&record, HOUR).await.unwrap();
    let (one, two) = (log(&record.id, "one"), log(&record.id, "two"));
    let first = add(&*store, one, "a").await;
    let last = store.append(one, &sealed("b"), &LIMITS, true).await.unwrap().unwrap().seq;
    let part = store.after(one, first - 1, 1, HOUR).await.unwrap().unwrap();
    assert!(!part.finished, "there is more to read");
    assert!(page(&*store, one, first).await.finished);
    assert!(page(&*store, one, last).await.finished);
    let only = add(&*store, two, "a").await;
    assert!(!page(&*store, two, only).await.finished);
    store.finish(two).await.unwrap();
    assert!(page(&*store, two, only).await.finished);
    assert_eq!(store.acknowledged(two).await.unwrap(), None);
    store.acknowledge(two, only).await.unwrap();
    assert_eq!(store.acknowledged(two).await.unwrap(), Some(only));
}

pub(super) async fn numbers_are_never_given_out_twice(backend: &dyn Backend) {
    let store = backend.store();
    let record = session("s");
    store.put_session(&record, HOUR).await.unwrap();
    let one = log(&record.id, "one");
    // Starts lie as far apart as the clock's grain.
    let brief = LogLimits { ttl: Duration::from_millis(50), ..LIMITS };
    let before = store.append(one, &sealed("a"), &brief, false).await.unwrap().unwrap().seq;
    while store.after(one, before, 1, Duration::from_millis(50)).await.unwrap().is_some() {
        backend.travel(Duration::from_millis(60)).await;
        tokio::task::yield_now().await;
    }
    assert!(add(&*store, one, "b").await > before);
}

pub(super) async fn the_bus_reaches_every_listener(backend: &dyn Backend) {
    let (store, other) = (backend.store(), backend.store());
    let mut here = store.subscribe("test");
    let mut there = other.subscribe("test");
    let mut elsewhere = store.subscribe("quiet");
    // A listener over the network is heard once it is connected, which a first message shows.
    for listener in [&mut here, &mut there] {
        loop {
            store.publish("test", Bytes::from_static(b"hello")).await.unwrap();
            let heard = tokio::time::timeout(Duration::from_millis(100), listener.recv()).await;
            if let Ok(Ok(Note::Message(_))) = heard {
                break;
            }
        }
    }
    other.publish("test", Bytes::from_static(b"last")).await.unwrap();
    for listener in [&mut here, &mut there] {
        while listener.recv().await.unwrap() != Note::Message(Bytes::from_static(b"last")) {}
    }
    while let Ok(note) = elsewhere.try_recv() {
        assert_eq!(note, Note::Resync, "a topic hears its own messages only");
    }
}

pub(super) async fn fifty_appends(backend: &dyn Backend) {
    let store = backend.store();
    let record = session("s");
    store.put_session(&record, HOUR).await.unwrap();
    let wide = LogLimits { events: 100, ..LIMITS };
    let tasks = (0..50).map(|n| {
        let (store, id) = (backend.store(), record.id.clone());
        tokio::spawn(async move {
            let text = sealed(&n.to_string());
            store.append(log(&id, "one"), &text, &wide, false).await.unwrap().unwrap().seq
        })
    });
    let mut seqs: Vec<u64> = join_all(tasks).await.into_iter().map(Result::unwrap).collect();
    seqs.sort_unstable();
    seqs.dedup();
    assert_eq!(seqs.len(), 50, "every entry has a number of its own");
    let read = page(&*store, log(&record.id, "one"), seqs[0] - 1).await;
    assert_eq!(read.events.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), seqs);
}
