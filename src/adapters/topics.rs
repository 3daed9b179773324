//! Listeners of this process by topic: what both stores deliver announcements to.

use crate::ports::events::Note;
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::HashMap;
use tokio::sync::broadcast;

/// Announcements a listener may lag behind before it must look for itself.
const BACKLOG: usize = 4096;

/// Senders by topic; made by the first listener.
#[derive(Debug, Default)]
pub(super) struct Topics {
    senders: Mutex<HashMap<String, broadcast::Sender<Note>>>,
}

impl Topics {
    pub(super) fn subscribe(&self, topic: &str) -> broadcast::Receiver<Note> {
        let mut senders = self.senders.lock();
        let sender = senders.entry(topic.to_owned()).or_insert_with(|| broadcast::channel(BACKLOG).0);
        sender.subscribe()
    }

    /// Hands a message to whoever listens here.
    pub(super) fn publish(&self, topic: &str, message: Bytes) {
        if let Some(sender) = self.senders.lock().get(topic) {
            // Fails only when nobody listens any more.
            let _ = sender.send(Note::Message(message));
        }
    }

    /// Tells every listener that something may have been missed.
    pub(super) fn resync(&self) {
        for sender in self.senders.lock().values() {
            let _ = sender.send(Note::Resync);
        }
    }
}
