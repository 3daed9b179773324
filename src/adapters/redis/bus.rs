//! The bus over Redis pub/sub: one connection per process that listens to every topic, made again when it is lost. In a
//! cluster every node hears what is published at any; the listener goes to the next one when its own is gone.

use super::RedisStore;
use super::errors::explain;
use super::link::Links;
use super::node::{Node, TIMEOUT};
use super::recent::Recent;
use crate::adapters::keys;
use crate::adapters::topics::Topics;
use crate::ports::events::{Bus, Note, REVOKED, Revocation};
use crate::ports::store::StoreError;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use redis::{RedisError, cmd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::time::{sleep, timeout};

/// Pause before a lost connection is made again.
const PAUSE: Duration = Duration::from_millis(500);
/// A silent connection is asked for a sign of life this often; a dead peer is told from a quiet one no other way.
const CHECK_EVERY: Duration = Duration::from_secs(10);

/// The listening side, started by the first subscriber.
#[derive(Default)]
pub(super) struct Listener {
    topics: Arc<Topics>,
    /// Hears before everybody else, so that whoever looks for itself sees the truth.
    pub(super) recent: Arc<Recent>,
    running: AtomicBool,
}

#[async_trait]
impl Bus for RedisStore {
    async fn publish(&self, topic: &'static str, message: Bytes) -> Result<(), StoreError> {
        let mut publish = cmd("PUBLISH");
        publish.arg(keys::channel(topic)).arg(&*message);
        // Heard twice it does no harm, so it may go again.
        self.links.read::<u64>(&publish).await.map(drop)
    }

    fn subscribe(&self, topic: &'static str) -> broadcast::Receiver<Note> {
        let receiver = self.listener.topics.subscribe(topic);
        if !self.listener.running.swap(true, Ordering::SeqCst) {
            let topics = Arc::downgrade(&self.listener.topics);
            let recent = self.listener.recent.clone();
            tokio::spawn(listen(self.links.clone(), topics, recent));
        }
        receiver
    }
}

/// Listens until the store is dropped.
async fn listen(links: Arc<Links>, topics: Weak<Topics>, recent: Arc<Recent>) {
    // Replicas of ours begin at different nodes.
    let mut turn = usize::from(rand::random::<u16>());
    loop {
        let outcome = match links.listening_post(turn).await {
            Ok(node) => session(&links, &node, &topics, &recent).await,
            Err(error) => Err(error),
        };
        recent.hears(false);
        let Some(alive) = topics.upgrade() else { return };
        if let Err(error) = outcome {
            tracing::warn!(error = %explain(&error), "the bus is away");
        }
        drop(alive);
        turn = turn.wrapping_add(1);
        sleep(PAUSE).await;
    }
}

/// One connection, from its making to its loss.
async fn session(
    links: &Links,
    node: &Node,
    topics: &Weak<Topics>,
    recent: &Recent,
) -> Result<(), RedisError> {
    let connected = timeout(TIMEOUT, async {
        let mut pubsub = node.client().get_async_pubsub().await?;
        pubsub.psubscribe(format!("{}*", keys::CHANNELS)).await?;
        Ok::<_, RedisError>(pubsub)
    });
    let (mut sink, mut messages) = connected.await.map_err(|_| silent())??.split();
    recent.hears(true);
    if let Some(topics) = topics.upgrade() {
        // Whatever was published while nobody listened is lost.
        topics.resync();
    }
    loop {
        match timeout(CHECK_EVERY, messages.next()).await {
            Ok(Some(message)) => {
                let Some(topics) = topics.upgrade() else { return Ok(()) };
                let topic = message.get_channel_name().strip_prefix(keys::CHANNELS).unwrap_or_default();
                let message = message.get_payload_bytes();
                if topic == REVOKED {
                    recent.revoked(&Revocation::read(message));
                }
                topics.publish(topic, Bytes::copy_from_slice(message));
            }
            Ok(None) => return Ok(()),
            Err(_) => {
                if topics.strong_count() == 0 || !links.is_listening_post(node) {
                    return Ok(());
                }
                timeout(TIMEOUT, sink.ping::<redis::Value>()).await.map_err(|_| silent())??;
            }
        }
    }
}

fn silent() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}
