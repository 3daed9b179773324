//! Asking an actor without holding its address: bounded by permits, bounded in time, safe across restarts.
//!
//! `Addr::send` is no back-pressure (every pending send has a slot of its own beyond the mailbox capacity), hence the
//! permits; an address is dead after a panic, hence the swap by the guardian.

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Context, Handler, MailboxError, Message};
use parking_lot::RwLock;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Why an actor gave no answer. All of them mean: try again shortly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AskError {
    #[error("too many questions are waiting")]
    Overloaded,
    #[error("no answer in time")]
    Timeout,
    #[error("the actor is being restarted")]
    Restarting,
}

/// A live actor's context must be the plain one, so that the guardian can start it on an arbiter.
pub(crate) struct Handle<A: Actor<Context = Context<A>>> {
    address: Arc<RwLock<Addr<A>>>,
    permits: Arc<Semaphore>,
    timeout: Duration,
}

impl<A: Actor<Context = Context<A>>> Clone for Handle<A> {
    fn clone(&self) -> Self {
        Self { address: self.address.clone(), permits: self.permits.clone(), timeout: self.timeout }
    }
}

impl<A: Actor<Context = Context<A>>> Handle<A> {
    pub(crate) fn new(address: Addr<A>, permits: usize, timeout: Duration) -> Self {
        Self { address: Arc::new(RwLock::new(address)), permits: Arc::new(Semaphore::new(permits)), timeout }
    }

    /// Sends and waits for the answer.
    pub(crate) async fn ask<M>(&self, message: M) -> Result<M::Result, AskError>
    where
        A: Handler<M>,
        M: Message + Send + 'static,
        M::Result: Send,
        Context<A>: ToEnvelope<A, M>,
    {
        let _permit = self.permits.try_acquire().map_err(|_| AskError::Overloaded)?;
        let address = self.address.read().clone();
        address.send(message).timeout(self.timeout).await.map_err(|error| match error {
            MailboxError::Timeout => AskError::Timeout,
            MailboxError::Closed => AskError::Restarting,
        })
    }

    /// Sends without waiting; false when the mailbox is full or closed.
    pub(crate) fn tell<M>(&self, message: M) -> bool
    where
        A: Handler<M>,
        M: Message + Send + 'static,
        M::Result: Send,
        Context<A>: ToEnvelope<A, M>,
    {
        self.address.read().try_send(message).is_ok()
    }

    pub(super) fn is_alive(&self) -> bool {
        self.address.read().connected()
    }

    pub(super) fn replace(&self, address: Addr<A>) {
        *self.address.write() = address;
    }
}
