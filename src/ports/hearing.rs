//! Announcements of all replicas, followed by the tables that they concern.

use super::events::Note;
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::{Arc, Weak};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// A table that replicas tell of changes.
#[async_trait]
pub(crate) trait Hears: Send + Sync + 'static {
    /// One announcement, of this replica or another.
    async fn heard(&self, message: Bytes);
    /// Announcements may have been lost: look at the truth.
    async fn missed(&self);
}

/// Lets `table` hear what is announced for as long as it is in use. Must run inside a runtime.
pub(crate) fn follow<T: Hears>(notes: broadcast::Receiver<Note>, table: &Arc<T>) {
    tokio::spawn(listen(notes, Arc::downgrade(table)));
}

async fn listen<T: Hears>(mut notes: broadcast::Receiver<Note>, table: Weak<T>) {
    loop {
        let note = notes.recv().await;
        let Some(table) = table.upgrade() else { return };
        match note {
            Ok(Note::Message(message)) => table.heard(message).await,
            Ok(Note::Resync) | Err(RecvError::Lagged(_)) => table.missed().await,
            Err(RecvError::Closed) => return,
        }
    }
}
