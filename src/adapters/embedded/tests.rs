//! What only the embedded store does: its file, its writer, its room in memory.

use super::*;
use crate::domain::clock::TestClock;
use crate::domain::ids::UserKey;
use crate::domain::keyring::KeyRing;
use crate::domain::secret::Sealed;
use crate::domain::token::Hasher;
use crate::ports::shared::SharedStore;
use crate::ports::store::{HandleStore, LeaseStore, Swap, UpstreamStore};
use redb::StorageBackend;
use redb::backends::InMemoryBackend;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const LIFE: Duration = Duration::from_mins(1);

fn clock() -> Arc<TestClock> {
    Arc::new(TestClock::at(1_000_000))
}

fn user() -> UserKey {
    UserKey::new("t", "o")
}

fn sealed(n: u8) -> Sealed {
    Sealed::from_bytes(vec![n])
}

#[tokio::test]
async fn the_file_is_for_its_owner_and_for_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = EmbeddedStore::open(&path, clock()).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let error = EmbeddedStore::open(&path, clock()).map(drop).unwrap_err().to_string();
    assert!(error.contains("in use by another process"), "{error}");
    drop(store);
    EmbeddedStore::open(&path, clock()).unwrap().ping().await.unwrap();
}

#[tokio::test]
async fn an_impossible_path_or_a_foreign_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = folder.path().join("notes.txt");
    std::fs::write(&foreign, "not a store\n".repeat(1000)).unwrap();
    for path in [folder.path().join("missing/store.redb"), foreign] {
        let error = EmbeddedStore::open(&path, clock()).map(drop).unwrap_err().to_string();
        assert!(error.contains(path.to_str().unwrap()), "{error}");
    }
}

#[tokio::test]
async fn a_lease_does_not_outlive_its_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = EmbeddedStore::open(&path, clock()).unwrap();
    assert!(store.try_lease("refresh", "a", LIFE).await.unwrap());
    drop(store);
    let store = EmbeddedStore::open(&path, clock()).unwrap();
    assert!(store.try_lease("refresh", "b", LIFE).await.unwrap());
}

#[tokio::test]
async fn expired_records_do_not_pile_up() {
    let clock = clock();
    let store = EmbeddedStore::memory(Arc::clone(&clock) as SharedClock);
    for round in 0..200 {
        store.put_handle(&user(), &format!("h{round}"), &sealed(1), LIFE).await.unwrap();
        clock.advance(LIFE);
    }
    let held = store.table.lock().len();
    assert!(held <= 2, "{held}");
    assert_eq!(store.census().await.unwrap(), [], "what is expired does not count");
    store.put_handle(&user(), "h", &sealed(1), LIFE).await.unwrap();
    assert_eq!(store.census().await.unwrap(), [("handles".to_owned(), 1)]);
}

/// A disk that can be full.
#[derive(Debug)]
struct Disk {
    inner: Arc<InMemoryBackend>,
    full: Arc<AtomicBool>,
}

impl Disk {
    fn check(&self) -> io::Result<()> {
        if self.full.load(Ordering::SeqCst) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.inner.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check().and_then(|()| self.inner.set_len(len))
    }
    fn sync_data(&self) -> io::Result<()> {
        self.check().and_then(|()| self.inner.sync_data())
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.check().and_then(|()| self.inner.write(offset, data))
    }
}

/// Opens one disk, again and again, and what fills it.
fn disk() -> (impl Fn() -> Result<redb::Database, redb::DatabaseError> + Clone + Send, Arc<AtomicBool>) {
    let (inner, full) = (Arc::new(InMemoryBackend::new()), Arc::new(AtomicBool::new(false)));
    let filled = Arc::clone(&full);
    let opener = move || {
        let disk = Disk { inner: Arc::clone(&inner), full: Arc::clone(&full) };
        redb::Database::builder().create_with_backend(disk)
    };
    (opener, filled)
}

/// What a call that writes rests on: the note under its `Idempotency-Key`, and its right to happen once.
#[tokio::test]
async fn nothing_is_told_as_kept_that_a_full_disk_did_not_take() {
    let (opener, full) = disk();
    let store = EmbeddedStore::with_database(opener().unwrap(), Box::new(opener), clock()).unwrap();
    let ring = KeyRing::from_list("a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap();
    let right = Hasher::new(&ring).hash("once", "x");
    full.store(true, Ordering::SeqCst);
    store.put_handle(&user(), "h", &sealed(1), LIFE).await.unwrap_err();
    store.spend(&right, LIFE).await.unwrap_err();
    full.store(false, Ordering::SeqCst);
    store.put_handle(&user(), "h", &sealed(1), LIFE).await.unwrap();
    // Of a disk that has just become full, where no earlier verb told the store.
    full.store(true, Ordering::SeqCst);
    store.spend(&right, LIFE).await.unwrap_err();
}

#[tokio::test]
async fn a_full_disk_is_unavailable_and_heals_without_a_restart() {
    let (opener, full) = disk();
    let store = EmbeddedStore::with_database(opener().unwrap(), Box::new(opener.clone()), clock()).unwrap();
    assert_eq!(store.swap_upstream(&user(), 0, &sealed(1), LIFE).await.unwrap(), Swap::Done);

    full.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let error = store.swap_upstream(&user(), 1, &sealed(2), LIFE).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    }
    store.ping().await.unwrap_err();
    assert!(store.upstream(&user()).await.unwrap().is_some(), "reading goes on");

    full.store(false, Ordering::SeqCst);
    store.ping().await.unwrap();
    let current = store.upstream(&user()).await.unwrap().unwrap();
    assert_eq!(current.version, 2, "only the write under way when the disk filled may have counted");
    assert_eq!(store.swap_upstream(&user(), 2, &sealed(3), LIFE).await.unwrap(), Swap::Done);

    drop(store);
    let again = EmbeddedStore::with_database(opener().unwrap(), Box::new(opener), clock()).unwrap();
    assert_eq!(again.upstream(&user()).await.unwrap().unwrap().version, 3);
}

const CHILD_FILE: &str = "ENTRADA_TEST_STORE_FILE";

/// Runs in a process of its own, to be killed: swaps for ever and says which version is answered.
#[tokio::test]
#[ignore = "the child of `what_was_answered_survives_a_kill`"]
#[expect(clippy::disallowed_methods, reason = "handed down by the parent test")]
async fn writes_until_killed() {
    let path = std::env::var(CHILD_FILE).expect("run by its parent test only");
    let store = EmbeddedStore::open(Path::new(&path), clock()).unwrap();
    for version in 0_u64.. {
        let swap = store.swap_upstream(&user(), version, &sealed(1), LIFE).await.unwrap();
        assert_eq!(swap, Swap::Done);
        println!("answered {}", version + 1);
    }
}

#[tokio::test]
async fn what_was_answered_survives_a_kill() {
    use std::io::BufRead;
    use std::process::{Command, Stdio};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let name = format!("{}::writes_until_killed", module_path!().split_once("::").unwrap().1);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &name, "--ignored", "--nocapture"])
        .env(CHILD_FILE, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut last = 0;
    for line in io::BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
        if let Some((_, version)) = line.split_once("answered ") {
            last = version.parse().unwrap();
            if last == 40 {
                child.kill().unwrap();
            }
        }
    }
    child.wait().unwrap();
    assert!(last >= 40, "the child ended by itself after version {last}");
    let store = EmbeddedStore::open(&path, clock()).unwrap();
    let standing = store.upstream(&user()).await.unwrap().unwrap().version;
    assert!(standing >= last, "version {last} was answered, {standing} was kept");
}
