//! What ties an open stream to the bearer that opened it: the stream ends when the bearer expires or is revoked, on
//! whatever replica the one or the other happens.
//!
//! Requests look their bearer up and need none of this. The store announces every revocation; a replica that may have
//! missed one looks its open streams' bearers up again.

use crate::domain::clock::SharedClock;
use crate::domain::ids::GrantId;
use crate::domain::token::TokenRef;
use crate::oauth::bearer::{AuthFailure, Bearer, BearerGuard};
use crate::ports::events::{REVOKED, Revocation};
use crate::ports::hearing::{Hears, follow};
use crate::ports::store::{Store, StoreError};
use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// Pause before a store that failed is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// Why a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Expired,
    Revoked,
}

struct Tie {
    serial: u64,
    bearer: TokenRef,
    cut: CancellationToken,
}

#[derive(Default)]
struct Table {
    next: u64,
    grants: HashMap<GrantId, Vec<Tie>>,
}

/// The open streams of this replica, by the grant behind them. The lock is held for a few map operations, never across
/// an await.
pub(super) struct Tethers {
    table: Mutex<Table>,
    guard: Arc<BearerGuard>,
    clock: SharedClock,
}

/// A stream's tie; undone when dropped.
pub(super) struct Tether {
    tethers: Arc<Tethers>,
    grant: GrantId,
    serial: u64,
    cut: CancellationToken,
    /// None for a bearer that outlives every clock.
    ends_at: Option<Instant>,
}

impl Tethers {
    /// An empty table that hears of revocations. Must run inside a runtime.
    pub(super) fn start(store: &Arc<dyn Store>, guard: &Arc<BearerGuard>, clock: &SharedClock) -> Arc<Self> {
        let tethers =
            Arc::new(Self { table: Mutex::default(), guard: Arc::clone(guard), clock: Arc::clone(clock) });
        follow(store.subscribe(REVOKED), &tethers);
        tethers
    }

    /// Ties a stream that opens now, or says why its bearer counts no more. It is looked up once again when the tie is
    /// known: a revocation between the first look and the tie was announced to nobody.
    pub(super) async fn tie(self: &Arc<Self>, bearer: &Bearer) -> Result<Tether, AuthFailure> {
        let tether = self.bind(bearer);
        if self.guard.holds(&bearer.token).await? { Ok(tether) } else { Err(AuthFailure::Invalid) }
    }

    /// Ties the stream of a call that runs already: a store that is away now must not cost its answer.
    pub(super) async fn tie_running(self: &Arc<Self>, bearer: &Bearer) -> Result<Tether, AuthFailure> {
        let tether = self.bind(bearer);
        match self.guard.holds(&bearer.token).await {
            Ok(false) => Err(AuthFailure::Invalid),
            Ok(true) | Err(_) => Ok(tether),
        }
    }

    fn bind(self: &Arc<Self>, bearer: &Bearer) -> Tether {
        let cut = CancellationToken::new();
        let (grant, serial) = (bearer.token.grant.clone(), self.enter(bearer, cut.clone()));
        let ends_at = Instant::now().checked_add(bearer.expires_at.since(self.clock.now()));
        Tether { tethers: Arc::clone(self), grant, serial, cut, ends_at }
    }

    fn enter(&self, bearer: &Bearer, cut: CancellationToken) -> u64 {
        let mut table = self.table.lock();
        let serial = table.next;
        table.next += 1;
        let tie = Tie { serial, bearer: bearer.token.clone(), cut };
        table.grants.entry(bearer.token.grant.clone()).or_default().push(tie);
        serial
    }

    fn cut(&self, revoked: &Revocation) {
        let table = self.table.lock();
        let ties = table.grants.get(&revoked.grant).into_iter().flatten();
        for tie in ties.filter(|tie| revoked.means(&tie.bearer)) {
            tie.cut.cancel();
        }
    }

    /// The bearers behind the open streams, each once.
    fn bearers(&self) -> HashSet<TokenRef> {
        let table = self.table.lock();
        table.grants.values().flatten().map(|tie| tie.bearer.clone()).collect()
    }

    async fn holds(&self, bearer: &TokenRef) -> bool {
        loop {
            match self.guard.holds(bearer).await {
                Ok(holds) => return holds,
                Err(StoreError::Corrupt { .. }) => return false,
                Err(StoreError::Unavailable(_)) => sleep(PAUSE).await,
            }
        }
    }
}

#[async_trait]
impl Hears for Tethers {
    async fn heard(&self, message: Bytes) {
        self.cut(&Revocation::read(&message));
    }

    async fn missed(&self) {
        for bearer in self.bearers() {
            if !self.holds(&bearer).await {
                self.cut(&Revocation::of_bearer(&bearer));
            }
        }
    }
}

impl Tether {
    /// Waits until the bearer counts no more. May be dropped at any point and called again.
    pub(super) async fn over(&self) -> Over {
        tokio::select! {
            biased;
            () = self.cut.cancelled() => Over::Revoked,
            () = expiry(self.ends_at) => Over::Expired,
        }
    }

    /// Waits for a revocation alone: for calls, which may outlive their bearer.
    pub(super) async fn revoked(&self) {
        self.cut.cancelled().await;
    }
}

impl Drop for Tether {
    fn drop(&mut self) {
        let mut table = self.tethers.table.lock();
        if let Some(ties) = table.grants.get_mut(&self.grant) {
            ties.retain(|tie| tie.serial != self.serial);
            if ties.is_empty() {
                table.grants.remove(&self.grant);
            }
        }
    }
}

async fn expiry(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
