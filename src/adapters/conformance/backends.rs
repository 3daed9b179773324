//! The backends under test.

use super::Backend;
use super::redis_server::RedisServer;
use super::samples::{HOUR, MINUTE, START, Sample, cipher, client, sealed, session, user};
use crate::adapters::embedded::EmbeddedStore;
use crate::adapters::keys;
use crate::adapters::redis::RedisStore;
use crate::domain::client::ClientAuthMethod;
use crate::domain::clock::{Clock, SharedClock, SystemClock, TestClock, Timestamp};
use crate::domain::grant::CodeRecord;
use crate::domain::redis_place::RedisPlace;
use crate::ports::store::{
    ClientStore, CodeRedemption, GrantStore, Issue, RefreshState, RotationOutcome, SessionStore, Store,
    StoreError, Swap, UpstreamStore,
};
use async_trait::async_trait;
use redis::cmd;
use rustix::process::Signal;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

struct Embedded {
    store: Arc<EmbeddedStore>,
    clock: Arc<TestClock>,
    file: Option<(TempDir, PathBuf)>,
}

#[async_trait]
impl Backend for Embedded {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as _
    }

    async fn travel(&self, by: Duration) {
        self.clock.advance(by);
    }

    async fn dump(&self) -> Vec<u8> {
        match &self.file {
            Some((_, path)) => {
                // A durable verb flushes whatever was queued before it.
                self.store.swap_upstream(&user("flush"), 0, &sealed("x"), Duration::MAX).await.unwrap();
                std::fs::read(path).unwrap()
            }
            None => self.store.dump(),
        }
    }
}

pub(super) async fn memory() -> Option<Arc<dyn Backend>> {
    let clock = Arc::new(TestClock::at(START.as_millis()));
    let store = Arc::new(EmbeddedStore::memory(Arc::clone(&clock) as SharedClock));
    Some(Arc::new(Embedded { store, clock, file: None }))
}

pub(super) async fn file() -> Option<Arc<dyn Backend>> {
    let clock = Arc::new(TestClock::at(START.as_millis()));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = Arc::new(EmbeddedStore::open(&path, Arc::clone(&clock) as SharedClock).unwrap());
    Some(Arc::new(Embedded { store, clock, file: Some((folder, path)) }))
}

struct Redis {
    server: RedisServer,
}

#[async_trait]
impl Backend for Redis {
    fn store(&self) -> Arc<dyn Store> {
        Arc::new(RedisStore::connect(&self.server.url(), cipher()).unwrap())
    }

    /// Redis has no test clock: every key's remaining life is shortened instead.
    async fn travel(&self, by: Duration) {
        let mut connection = self.server.connection().await;
        for key in self.server.keys().await {
            let left: i64 = cmd("PTTL").arg(&key).query_async(&mut connection).await.unwrap();
            assert_ne!(left, -1, "a key without an end of life: {}", String::from_utf8_lossy(&key));
            let left = left - i64::try_from(by.as_millis()).unwrap();
            let () = cmd("PEXPIRE").arg(&key).arg(left).query_async(&mut connection).await.unwrap();
        }
    }

    async fn dump(&self) -> Vec<u8> {
        let mut connection = self.server.connection().await;
        let mut all = Vec::new();
        for key in self.server.keys().await {
            let kind: String = cmd("TYPE").arg(&key).query_async(&mut connection).await.unwrap();
            let read = match kind.as_str() {
                "zset" => cmd("ZRANGE").arg(&key).arg(0).arg(-1).clone(),
                "list" => cmd("LRANGE").arg(&key).arg(0).arg(-1).clone(),
                "hash" => cmd("HVALS").arg(&key).clone(),
                "set" => cmd("SMEMBERS").arg(&key).clone(),
                _ => cmd("MGET").arg(&key).clone(),
            };
            let values: Vec<Vec<u8>> = read.query_async(&mut connection).await.unwrap();
            all.extend(key);
            all.extend(values.concat());
        }
        all
    }
}

pub(super) async fn redis() -> Option<Arc<dyn Backend>> {
    Some(Arc::new(Redis { server: RedisServer::start().await? }))
}

#[tokio::test]
async fn everything_survives_a_reopened_file_and_a_kill() {
    let clock = Arc::new(TestClock::at(START.as_millis()));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let open = |path: &PathBuf| EmbeddedStore::open(path, Arc::clone(&clock) as SharedClock);
    let sample = Sample::new();

    let store = open(&path).unwrap();
    check_empty(&store, &sample).await;
    let refresh = Some((&sample.refresh.0, &sample.refresh.1));
    store.put_code(&sample.code.0, &sample.code.1).await.unwrap();
    store.issue((&sample.access.0, &sample.access.1), refresh).await.unwrap();
    store.put_session(&session("s"), HOUR).await.unwrap();
    store.swap_upstream(&user("alice"), 0, &sealed("tokens"), HOUR).await.unwrap();

    // What a killed process leaves behind is the file as it is now, never closed.
    let killed = folder.path().join("killed.redb");
    std::fs::copy(&path, &killed).unwrap();
    check_full(&open(&killed).unwrap(), &sample).await;

    store.redeem_code(&sample.code.0, &sample.code.1.client, START).await.unwrap();
    drop(store);
    let store = open(&path).unwrap();
    check_full(&store, &sample).await;
    let again = store.redeem_code(&sample.code.0, &sample.code.1.client, START).await.unwrap();
    assert!(matches!(again, CodeRedemption::Replayed { .. }), "{again:?}");
    clock.advance(2 * HOUR);
    drop(store);
    check_empty(&open(&path).unwrap(), &sample).await;
}

async fn check_full(store: &dyn Store, sample: &Sample) {
    assert_eq!(store.access(&sample.access.0, START).await.unwrap().as_ref(), Some(&sample.access.1));
    let refresh = store.refresh(&sample.refresh.0, START).await.unwrap();
    assert_eq!(refresh, RefreshState::Live(sample.refresh.1.clone()));
    let upstream = store.upstream(&user("alice")).await.unwrap().unwrap();
    assert_eq!((upstream.version, upstream.sealed), (1, sealed("tokens")));
    let session = session("s");
    assert_eq!(store.session(&session.id, HOUR).await.unwrap(), Some(session));
}

async fn check_empty(store: &dyn Store, sample: &Sample) {
    assert_eq!(store.access(&sample.access.0, START).await.unwrap(), None);
    assert_eq!(store.upstream(&user("alice")).await.unwrap(), None);
    let session = session("s");
    assert_eq!(store.session(&session.id, HOUR).await.unwrap(), None);
}

#[tokio::test]
async fn a_redis_that_goes_away_is_unavailable_until_it_is_back() {
    let Some(mut server) = RedisServer::start().await else { return };
    let store = RedisStore::connect(&server.url(), cipher()).unwrap();
    store.ping().await.unwrap();

    server.stop();
    let error = store.ping().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    let sample = Sample::new();
    let error = store.access(&sample.access.0, START).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");

    server.start_again().await;
    store.access(&sample.access.0, START).await.unwrap();
    store.issue((&sample.access.0, &sample.access.1), None).await.unwrap();
    assert!(store.access(&sample.access.0, START).await.unwrap().is_some());
}

#[tokio::test]
async fn a_redis_restarted_between_two_requests_is_not_noticed() {
    let Some(mut server) = RedisServer::start().await else { return };
    let store = RedisStore::connect(&server.url(), cipher()).unwrap();
    let sample = Sample::new();
    let mut restart = async || {
        store.ping().await.unwrap();
        server.stop();
        server.start_again().await;
    };
    restart().await;
    assert_eq!(store.access(&sample.access.0, START).await.unwrap(), None);
    restart().await;
    let refresh = Some((&sample.refresh.0, &sample.refresh.1));
    assert_eq!(store.issue((&sample.access.0, &sample.access.1), refresh).await.unwrap(), Issue::Done);
    restart().await;
    assert_eq!(store.swap_upstream(&user("alice"), 0, &sealed("x"), HOUR).await.unwrap(), Swap::Done);
}

/// Ends a client's connection as soon as Redis has done what was asked, before the answer is through.
async fn cut_connections(server: &RedisServer) {
    let mut connection = server.connection().await;
    let () = cmd("CLIENT").arg("KILL").arg("TYPE").arg("normal").query_async(&mut connection).await.unwrap();
}

#[tokio::test]
async fn a_rotation_whose_answer_is_lost_can_be_sent_again() {
    let Some(server) = RedisServer::start().await else { return };
    let store = RedisStore::connect(&server.url(), cipher()).unwrap();
    let sample = Sample::new();
    let refresh = Some((&sample.refresh.0, &sample.refresh.1));
    store.issue((&sample.access.0, &sample.access.1), refresh).await.unwrap();
    let rotation = sample.rotation(&sample.refresh.0, START, "answer");
    assert_eq!(store.rotate(&rotation).await.unwrap(), RotationOutcome::Done);
    cut_connections(&server).await;
    let again = store.rotate(&rotation).await.unwrap();
    assert_eq!(again, RotationOutcome::Lost { at: START, successor: sealed("answer") });
    assert!(store.access(&rotation.access.0, START).await.unwrap().is_some());
}

#[tokio::test]
async fn a_read_only_redis_is_unavailable_and_heals() {
    let Some(server) = RedisServer::start().await else { return };
    let store = RedisStore::connect(&server.url(), cipher()).unwrap();
    let mut connection = server.connection().await;
    let () = cmd("REPLICAOF").arg("127.0.0.1").arg(1).query_async(&mut connection).await.unwrap();
    let error = store.ping().await.unwrap_err();
    assert!(error.to_string().contains("READONLY"), "{error}");
    let () = cmd("REPLICAOF").arg("NO").arg("ONE").query_async(&mut connection).await.unwrap();
    store.ping().await.unwrap();
}

#[tokio::test]
async fn redis_starts_later_than_the_server() {
    let Some(mut server) = RedisServer::start().await else { return };
    server.stop();
    let store = RedisStore::connect(&server.url(), cipher()).unwrap();
    store.ping().await.unwrap_err();
    server.start_again().await;
    store.ping().await.unwrap();
}

/// A machine whose clock is off.
struct Wrong(i64);

impl Clock for Wrong {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(SystemClock.now().as_millis() + self.0)
    }
}

#[tokio::test]
async fn h85_replicas_whose_clocks_differ_agree_on_expiry() {
    let Some(server) = RedisServer::start().await else { return };
    let replica = |off_s: i64| {
        let place = RedisPlace::parse(&server.url()).unwrap();
        RedisStore::connect_from(&place, cipher(), Arc::new(Wrong(off_s * 1000))).unwrap()
    };
    let (slow, fast) = (replica(-120), replica(120));
    for store in [&slow, &fast] {
        store.keep_time().await.unwrap();
    }
    for (from, to) in [(&slow, &fast), (&fast, &slow)] {
        let (sample, now) = (Sample::new(), from.clock().now());
        let record = CodeRecord { issued_at: now, expires_at: now.plus(MINUTE), ..sample.code.1.clone() };
        from.put_code(&sample.code.0, &record).await.unwrap();
        let here = to.clock().now();
        assert!(here < record.expires_at, "a code of a minute is not over at once");
        assert!(here.since(now) < MINUTE / 2);
        let redeemed = to.redeem_code(&sample.code.0, &record.client, here).await.unwrap();
        assert_eq!(redeemed, CodeRedemption::First(Box::new(record)));
    }
    println!(
        "H85 | clocks of two replicas 4 min apart (redis) | a code of the one is redeemed at the other | ok"
    );
}

#[tokio::test]
async fn a_silent_redis_is_unavailable_and_heals() {
    let Some(server) = RedisServer::start().await else { return };
    let store = RedisStore::connect(&server.url(), cipher()).unwrap();
    store.ping().await.unwrap();
    server.signal(Signal::STOP);
    let error = store.ping().await.unwrap_err();
    assert!(error.to_string().contains("in time"), "{error}");
    server.signal(Signal::CONT);
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_server_without_tls_is_unavailable_over_tls() {
    let Some(server) = RedisServer::start().await else { return };
    let store = RedisStore::connect(&server.url().replace("redis://", "rediss://"), cipher()).unwrap();
    let error = store.ping().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
}

#[tokio::test]
async fn a_record_moved_or_made_by_a_writer_of_redis_is_nobodys() {
    let Some(server) = RedisServer::start().await else { return };
    let store = RedisStore::connect(&server.url(), cipher()).unwrap();
    let (own, foreign) = (Sample::new(), Sample::new());
    for sample in [&own, &foreign] {
        store.put_code(&sample.code.0, &sample.code.1).await.unwrap();
        let refresh = Some((&sample.refresh.0, &sample.refresh.1));
        store.issue((&sample.access.0, &sample.access.1), refresh).await.unwrap();
    }
    let mut connection = server.connection().await;
    for (from, to) in [
        (keys::code(&foreign.code.0), keys::code(&own.code.0)),
        (keys::access(&foreign.access.0), keys::access(&own.access.0)),
        (keys::refresh(&foreign.refresh.0), keys::refresh(&own.refresh.0)),
    ] {
        let () = cmd("COPY").arg(from).arg(to).arg("REPLACE").query_async(&mut connection).await.unwrap();
    }
    assert_eq!(store.access(&own.access.0, START).await.unwrap(), None);
    assert_eq!(store.refresh(&own.refresh.0, START).await.unwrap(), RefreshState::Unknown);
    let redeemed = store.redeem_code(&own.code.0, &own.code.1.client, START).await.unwrap();
    assert_eq!(redeemed, CodeRedemption::Unknown);

    let made = serde_json::to_vec(&own.access.1).unwrap();
    let () =
        cmd("SET").arg(keys::access(&own.access.0)).arg(made).query_async(&mut connection).await.unwrap();
    assert_eq!(store.access(&own.access.0, START).await.unwrap(), None);
    assert_eq!(store.access(&foreign.access.0, START).await.unwrap().as_ref(), Some(&foreign.access.1));
}

#[tokio::test]
async fn a_client_moved_to_another_id_or_metadata_is_not_served() {
    let Some(server) = RedisServer::start().await else { return };
    let store = RedisStore::connect(&server.url(), cipher()).unwrap();
    let register = async |id: &str, digest: &str| {
        store.register_client(&client(id, digest, ClientAuthMethod::None), HOUR).await.unwrap().id
    };
    let (one, two) = (register("one", "d1").await, register("two", "d2").await);
    let mut connection = server.connection().await;
    for (from, to) in [(keys::client(&two), keys::client(&one)), (keys::fold("d2"), keys::fold("d1"))] {
        let () = cmd("COPY").arg(from).arg(to).arg("REPLACE").query_async(&mut connection).await.unwrap();
    }
    assert_eq!(store.client(&one).await.unwrap(), None);
    assert_eq!(register("three", "d1").await.as_str(), "three");
    assert_eq!(register("four", "d1").await.as_str(), "three");
}

#[tokio::test]
async fn a_census_counts_by_kind() {
    let Some(server) = RedisServer::start().await else { return };
    let store = RedisStore::connect(&server.url(), cipher()).unwrap();
    let sample = Sample::new();
    store.put_code(&sample.code.0, &sample.code.1).await.unwrap();
    store.issue((&sample.access.0, &sample.access.1), None).await.unwrap();
    let counted = store.census().await.unwrap();
    let kinds = ["access tokens", "codes", "grants", "grants by user", "last uses of grants"];
    assert_eq!(counted, kinds.map(|kind| (kind.to_owned(), 1)));
}

#[test]
fn a_wrong_url_is_refused_without_repeating_it() {
    for url in
        ["", "localhost:6379", "http://x", "redis-cluster://x", "redis://:pa55word@host:port", "redis://"]
    {
        let error = RedisStore::connect(url, cipher()).map(drop).unwrap_err().to_string();
        assert!(!error.contains("pa55word"), "{url}: {error}");
    }
}
