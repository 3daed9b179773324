//! The one place that knows actix actors. Each actor owns one piece of state and implements one port through a
//! handle, so nobody else ever holds an address; replacing an actor by a task is a change inside this folder.
//!
//! Actors run on arbiters of their own, never on an HTTP worker's: a mailbox is drained in one poll and would starve
//! the requests beside it. None of them is on the hot path: a token that is cached, an admission that is free and a
//! response that goes down its own body ask nobody.

mod ask;
mod guardian;
mod rate_limiter;
mod session_registry;
mod token_refresher;

use crate::domain::cipher::Cipher;
use crate::domain::clock::SharedClock;
use crate::domain::token::Hasher;
use crate::ports::identity::IdentityProvider;
use crate::ports::store::Store;
pub(crate) use guardian::GiveUp;
use guardian::Guardian;
pub(crate) use rate_limiter::{GateSettings, GraphGate};
pub(crate) use session_registry::{RegistrySettings, Streams};
use std::sync::Arc;
pub(crate) use token_refresher::Tokens;

/// What the actors work with.
#[derive(Clone)]
pub(crate) struct ActorDeps {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) identity: Arc<dyn IdentityProvider>,
    pub(crate) cipher: Cipher,
    pub(crate) hasher: Hasher,
    pub(crate) clock: SharedClock,
    pub(crate) gate: GateSettings,
    pub(crate) registry: RegistrySettings,
    /// Called when an actor cannot be kept alive: the process should end and be replaced.
    pub(crate) give_up: GiveUp,
}

/// The started actors, behind their ports.
pub(crate) struct Actors {
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) streams: Arc<Streams>,
    pub(crate) gate: Arc<GraphGate>,
    guardian: Guardian,
}

impl Actors {
    /// Starts all three with their guardian. Must run inside an actix system.
    pub(crate) fn start(deps: &ActorDeps) -> Self {
        let mut guardian = Guardian::new(deps.give_up.clone());
        let tokens = Arc::new(Tokens::start(deps, &mut guardian));
        let streams = Arc::new(Streams::start(deps, &mut guardian));
        let gate = Arc::new(GraphGate::start(
            deps.gate,
            deps.clock.clone(),
            deps.hasher.clone(),
            &deps.store,
            &mut guardian,
        ));
        guardian.watch();
        Self { tokens, streams, gate, guardian }
    }

    /// Ends the actors and their arbiters.
    pub(crate) fn stop(&self) {
        self.guardian.stop();
    }
}
