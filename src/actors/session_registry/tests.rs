//! Holders, caps and announcements.

use super::super::guardian::Guardian;
use super::*;
use crate::adapters::embedded::EmbeddedStore;
use crate::domain::cipher::Cipher;
use crate::domain::clock::{Clock, TestClock};
use crate::domain::ids::{ClientId, ServiceName};
use crate::domain::keyring::KeyRing;
use crate::domain::session::SessionRecord;
use crate::ports::events::Claiming;
use crate::ports::sessions::SessionRouter;
use crate::ports::store::{SessionStore, Store};
use bytes::Bytes;
use std::sync::Arc;

const HOUR: Duration = Duration::from_hours(1);

struct World {
    store: Arc<EmbeddedStore>,
    clock: Arc<TestClock>,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(TestClock::at(1_800_000_000_000));
        Self { store: Arc::new(EmbeddedStore::memory(clock.clone())), clock }
    }

    fn replica(&self, max_streams: usize, max_streams_per_user: usize) -> (Streams, Guardian) {
        let mut guardian = Guardian::new(Arc::new(|| {}));
        let settings = RegistrySettings { max_streams, max_streams_per_user, session_ttl: HOUR };
        let ring = KeyRing::from_list("a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap();
        let store: Arc<dyn Store> = self.store.clone();
        (Streams::with(settings, store, Cipher::new(&ring), &mut guardian), guardian)
    }

    async fn session(&self, id: &str) -> SessionId {
        let record: SessionRecord = serde_json::from_value(serde_json::json!({
            "id": id, "service": ServiceName::new("mail"), "user": UserKey::new("t", "alice"),
            "client": ClientId::new("c"), "protocol_version": "2025-11-25", "created_at": self.clock.now(),
        }))
        .unwrap();
        self.store.put_session(&record, HOUR).await.unwrap();
        record.id
    }
}

fn open(session: &SessionId, user: &str) -> (Attachment, mpsc::Receiver<StreamEvent>) {
    let (sender, events) = mpsc::channel(4);
    let stream = crate::domain::stream::standalone(session);
    (Attachment { session: session.clone(), stream, user: UserKey::new("t", user), sender }, events)
}

#[actix_rt::test]
async fn the_newest_stream_of_a_name_wins_and_the_older_one_is_told() {
    let world = World::new();
    let (streams, _guardian) = world.replica(8, 8);
    let session = world.session("s").await;
    let (first, mut first_events) = open(&session, "alice");
    let old = streams.attach(first).await.unwrap();
    let (second, mut second_events) = open(&session, "alice");
    let name = second.stream.clone();
    streams.attach(second).await.unwrap();
    assert_eq!(first_events.recv().await, Some(StreamEvent::End));
    streams.detach(&session, old);
    streams.claim(&session, &name, Claiming::OrCreate).await.unwrap().unwrap();
    assert!(streams.deliver(&session, Bytes::from_static(b"{}")).await);
    assert_eq!(second_events.recv().await, Some(StreamEvent::Wake));
    assert_eq!(streams.open_streams().await, 1);
}

#[actix_rt::test]
async fn what_one_replica_says_another_one_hears() {
    let world = World::new();
    let ((here, _g1), (there, _g2)) = (world.replica(8, 8), world.replica(8, 8));
    let session = world.session("s").await;
    let (attachment, mut events) = open(&session, "alice");
    let name = attachment.stream.clone();
    here.attach(attachment).await.unwrap();
    let claim = here.claim(&session, &name, Claiming::OrCreate).await.unwrap().unwrap();
    assert!(there.deliver(&session, Bytes::from_static(b"news")).await);
    assert_eq!(events.recv().await, Some(StreamEvent::Wake));
    let heard = here.read(&session, &name, claim.last).await.unwrap().unwrap();
    assert_eq!(heard.messages, [(claim.last + 1, Bytes::from_static(b"news"))]);
    assert_eq!(heard.epoch, claim.epoch);

    let newer = there.claim(&session, &name, Claiming::Existing).await.unwrap().unwrap();
    assert_eq!(events.recv().await, Some(StreamEvent::Wake), "the older holder learns of the newer one");
    assert_eq!(here.read(&session, &name, claim.last).await.unwrap().unwrap().epoch, newer.epoch);

    world.store.end_session(&session).await.unwrap();
    there.close(&session).await;
    assert_eq!(events.recv().await, Some(StreamEvent::End));
    assert!(!there.deliver(&session, Bytes::from_static(b"late")).await);
    assert_eq!(here.open_streams().await, 0);
}

#[actix_rt::test]
async fn the_caps_refuse_and_vanished_readers_make_room() {
    let world = World::new();
    let (streams, _guardian) = world.replica(3, 2);
    let mut readers = Vec::new();
    for (session, user, welcome) in [
        ("a", "alice", true),
        ("b", "alice", true),
        ("c", "alice", false),
        ("d", "bob", true),
        ("e", "eve", false),
    ] {
        let (attachment, events) = open(&SessionId::new(session), user);
        let attached = streams.attach(attachment).await;
        assert_eq!(attached.is_ok(), welcome, "{session}");
        if welcome {
            readers.push(events);
        } else {
            assert_eq!(attached, Err(AttachError::TooMany));
        }
    }
    readers.remove(0);
    let (attachment, _events) = open(&SessionId::new("c"), "alice");
    streams.attach(attachment).await.unwrap();
    assert_eq!(streams.open_streams().await, 3);
}

#[actix_rt::test]
async fn draining_tells_every_holder_to_come_back() {
    let world = World::new();
    let (streams, _guardian) = world.replica(8, 8);
    let (attachment, mut events) = open(&SessionId::new("a"), "alice");
    streams.attach(attachment).await.unwrap();
    streams.drain().await;
    assert_eq!(events.recv().await, Some(StreamEvent::Close { retry_ms: RETRY_MS }));
    assert_eq!(events.recv().await, None);
    assert_eq!(streams.open_streams().await, 0);
}
