//! The file behind the records: one writer thread, many transactions per commit, an answer only after the commit.

use super::table::{Change, Table};
use crate::adapters::keys;
use crate::domain::clock::Timestamp;
use crate::ports::store::StoreError;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

const RECORDS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("records");
const EXPIRY_BYTES: usize = 8;
/// Transactions joined into one commit, at most.
const BATCHES_PER_COMMIT: usize = 1024;

/// Opens the database; also used to come back after a failed write, which redb answers by refusing further ones.
pub(super) type Opener = Box<dyn Fn() -> Result<Database, redb::DatabaseError> + Send>;
/// Tells when a batch is on disk.
pub(super) type Ack = oneshot::Receiver<Result<(), String>>;

struct Batch {
    changes: Vec<Change>,
    ack: Option<oneshot::Sender<Result<(), String>>>,
}

/// What the writer tells the store.
#[derive(Debug, Default)]
struct Condition {
    /// The last commit failed; its changes wait for the next one.
    failing: AtomicBool,
    /// Batches handed over and not yet committed.
    pending: AtomicUsize,
}

/// Handle of the writer thread. Dropping it commits what is queued and closes the file.
#[derive(Debug)]
pub(super) struct Journal {
    sender: Option<mpsc::Sender<Batch>>,
    condition: Arc<Condition>,
    writer: Option<JoinHandle<()>>,
}

impl Journal {
    /// Reads all records into `table` and starts the writer.
    pub(super) fn start(database: Database, opener: Opener, table: &mut Table) -> Result<Self, StoreError> {
        load(&database, table).map_err(|error| unavailable("reading the store file", &error))?;
        let (sender, receiver) = mpsc::channel();
        let condition = Arc::new(Condition::default());
        let writer = Writer {
            database: Some(database),
            opener,
            condition: Arc::clone(&condition),
            unsaved: Vec::new(),
        };
        let thread = std::thread::Builder::new().name("entrada-store".to_owned());
        let writer = thread
            .spawn(move || writer.run(&receiver))
            .map_err(|error| unavailable("starting the store's writer", &error))?;
        Ok(Self { sender: Some(sender), condition, writer: Some(writer) })
    }

    /// Hands `changes` over; the caller must hold the lock under which they were made, so that their order is kept.
    pub(super) fn append(&self, changes: Vec<Change>) -> Ack {
        let (ack, answer) = oneshot::channel();
        self.send(Batch { changes, ack: Some(ack) });
        answer
    }

    /// The same, when nobody waits for the commit.
    pub(super) fn append_relaxed(&self, changes: Vec<Change>) {
        self.send(Batch { changes, ack: None });
    }

    pub(super) fn is_failing(&self) -> bool {
        self.condition.failing.load(Ordering::Acquire)
    }

    /// Whether something that was handed over is not on disk yet.
    pub(super) fn is_behind(&self) -> bool {
        self.condition.pending.load(Ordering::Acquire) > 0
    }

    fn send(&self, batch: Batch) {
        self.condition.pending.fetch_add(1, Ordering::AcqRel);
        if let Some(sender) = &self.sender {
            // A writer that is gone drops the ack, which the caller sees as a failure.
            let _ = sender.send(batch);
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// Waits until a batch is on disk.
pub(super) async fn committed(ack: Ack) -> Result<(), StoreError> {
    match ack.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(reason)) => Err(StoreError::Unavailable(format!("writing the store file: {reason}"))),
        Err(_) => Err(StoreError::Unavailable("the store's writer has ended".to_owned())),
    }
}

struct Writer {
    database: Option<Database>,
    opener: Opener,
    condition: Arc<Condition>,
    /// Changes of failed commits: they are in memory already, so they must reach the file before any later ones.
    unsaved: Vec<Change>,
}

impl Writer {
    fn run(mut self, receiver: &mpsc::Receiver<Batch>) {
        while let Ok(first) = receiver.recv() {
            let mut acks = Vec::new();
            let mut batches = 0;
            for batch in std::iter::once(first).chain(receiver.try_iter().take(BATCHES_PER_COMMIT)) {
                self.unsaved.extend(batch.changes);
                acks.extend(batch.ack);
                batches += 1;
            }
            let outcome = self.commit();
            self.condition.failing.store(outcome.is_err(), Ordering::Release);
            self.condition.pending.fetch_sub(batches, Ordering::AcqRel);
            if let Err(reason) = &outcome {
                tracing::error!(%reason, "the embedded store cannot write its file");
            }
            for ack in acks {
                let _ = ack.send(outcome.clone());
            }
        }
    }

    fn commit(&mut self) -> Result<(), String> {
        if self.unsaved.is_empty() && !self.condition.failing.load(Ordering::Acquire) {
            return Ok(());
        }
        let database = match self.database.take() {
            Some(database) => database,
            None => (self.opener)().map_err(|error| error.to_string())?,
        };
        save(&database, &self.unsaved).map_err(|error| error.to_string())?;
        self.unsaved.clear();
        self.database = Some(database);
        Ok(())
    }
}

fn save(database: &Database, changes: &[Change]) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut records = transaction.open_table(RECORDS)?;
        for change in changes {
            match &change.value {
                Some((value, expires_at)) => {
                    let mut bytes = expires_at.as_millis().to_be_bytes().to_vec();
                    bytes.extend_from_slice(value);
                    records.insert(&*change.key, bytes.as_slice())?;
                }
                None => {
                    records.remove(&*change.key)?;
                }
            }
        }
    }
    transaction.commit()?;
    Ok(())
}

fn load(database: &Database, table: &mut Table) -> Result<(), redb::Error> {
    let transaction = database.begin_read()?;
    let records = match transaction.open_table(RECORDS) {
        Ok(records) => records,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for record in records.iter()? {
        let (key, value) = record?;
        if let Some((expiry, value)) = value.value().split_first_chunk::<EXPIRY_BYTES>() {
            // A lease of the process that had the file before means nothing: it is loaded as expired.
            let expiry = if keys::is_lease(key.value()) { i64::MIN } else { i64::from_be_bytes(*expiry) };
            table.load(key.value(), value, Timestamp::from_millis(expiry));
        }
    }
    Ok(())
}

fn unavailable(doing: &str, error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unavailable(format!("{doing}: {error}"))
}
