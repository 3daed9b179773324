//! TokenRefresher: live Graph tokens, refreshed once for any number of callers.
//!
//! A cached token is read without asking anybody. A miss asks the actor, which owns the refreshes in flight: the
//! first caller starts one, later ones share its future. Across replicas a lease in the store lets one replica call
//! Entra, the others re-read the record; the write is a compare-and-swap, so an older answer never overwrites a newer.
//!
//! A token near its end is still handed out, and refreshed behind the callers' backs: only one that is dead or was refused
//! makes anybody wait. What fails there is tried again after a pause that grows, however many calls there are.

mod ahead;
mod flight;
#[cfg(test)]
mod tests;

use super::ActorDeps;
use super::ask::{AskError, Handle};
use super::guardian::Guardian;
use crate::domain::clock::{SharedClock, Timestamp};
use crate::domain::ids::UserKey;
use crate::domain::upstream::UpstreamAccess;
use crate::ports::tokens::{AccessTokens, TokenError};
use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, ResponseFuture, WrapFuture};
use ahead::Ahead;
use async_trait::async_trait;
use flight::Flight;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// A token with less life than this does not outlive the request that it is for.
const LEAST_LIFE: Duration = Duration::from_secs(5);
/// A token with less life than this is refreshed ahead of its end, up to [`JITTER_S`] later: the tokens of people who signed
/// in together do not all end at once.
const MIN_LIFE: Duration = Duration::from_mins(5);
const JITTER_S: u64 = 60;
const EVICT_EVERY: Duration = Duration::from_mins(5);
const PERMITS: usize = 4096;
const MAILBOX: usize = 1024;
/// Longer than a refresh with all its waiting may take.
const ASK_TIMEOUT: Duration = Duration::from_secs(25);

type Outcome = Result<Arc<UpstreamAccess>, TokenError>;
type Cache = Arc<RwLock<HashMap<UserKey, Arc<UpstreamAccess>>>>;

/// What a caller can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// Any version that lives.
    Life,
    /// Any version with so much life left that nobody has to think of its end.
    Fresh,
    /// A record version newer than this one, with a settled profile.
    NewerThan(u64),
}

impl Need {
    /// Whether tokens of this version and life will do.
    fn takes(self, version: u64, expires_at: Timestamp, now: Timestamp) -> bool {
        match self {
            Self::Life => expires_at.since(now) >= LEAST_LIFE,
            Self::Fresh => expires_at.since(now) + jitter(expires_at) >= MIN_LIFE,
            Self::NewerThan(seen) => version > seen && expires_at > now,
        }
    }

    /// Calls of tools go on whatever the lists say; only who gets new tokens is looked at.
    fn wants_settled(self) -> bool {
        matches!(self, Self::NewerThan(_))
    }

    fn is_met_by(self, access: &UpstreamAccess, now: Timestamp) -> bool {
        self.takes(access.version, access.expires_at, now) && (access.settled || !self.wants_settled())
    }
}

/// Follows from the expiry, which is random to the millisecond: every replica and every attempt agrees on it.
fn jitter(expires_at: Timestamp) -> Duration {
    Duration::from_secs(expires_at.as_millis().unsigned_abs() % JITTER_S)
}

#[derive(Message)]
#[rtype(result = "Outcome")]
struct Refresh {
    user: UserKey,
    need: Need,
    span: tracing::Span,
}

/// A token is near its end.
#[derive(Message)]
#[rtype(result = "()")]
struct Freshen {
    user: UserKey,
    span: tracing::Span,
}

struct TokenRefresher {
    flight: Arc<Flight>,
    ahead: Ahead,
    in_flight: HashMap<UserKey, Shared<BoxFuture<'static, Outcome>>>,
    cache: Cache,
    clock: SharedClock,
}

impl Actor for TokenRefresher {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.run_interval(EVICT_EVERY, |actor, _| {
            evict(&actor.cache, actor.clock.now());
            actor.ahead.evict(actor.clock.now());
        });
    }
}

impl Handler<Refresh> for TokenRefresher {
    type Result = ResponseFuture<Outcome>;

    fn handle(&mut self, message: Refresh, ctx: &mut Self::Context) -> Self::Result {
        if let Some(running) = self.in_flight.get(&message.user) {
            return Box::pin(running.clone());
        }
        let (flight, cache) = (self.flight.clone(), self.cache.clone());
        let user = message.user.clone();
        let work = tracing::Instrument::instrument(
            async move {
                let outcome = flight.run(&user, message.need).await;
                keep(&cache, user, &outcome);
                outcome
            },
            message.span,
        );
        let shared = work.boxed().shared();
        self.in_flight.insert(message.user.clone(), shared.clone());
        // The actor drives it to the end even when every caller has left: a refresh that Entra answered must be kept.
        let done = message.user;
        ctx.spawn(shared.clone().into_actor(self).map(move |_, actor, _| {
            actor.in_flight.remove(&done);
        }));
        Box::pin(shared)
    }
}

impl Handler<Freshen> for TokenRefresher {
    type Result = ();

    /// Beside the refreshes that callers wait for, which find the lease taken, and the record written in the end.
    fn handle(&mut self, Freshen { user, span }: Freshen, ctx: &mut Self::Context) {
        if !self.ahead.may_start(&user, self.clock.now()) {
            return;
        }
        let (flight, cache) = (self.flight.clone(), self.cache.clone());
        let work = tracing::Instrument::instrument(
            async move {
                let outcome = flight.run(&user, Need::Fresh).await;
                keep(&cache, user.clone(), &outcome);
                (user, outcome)
            },
            span,
        );
        ctx.spawn(work.into_actor(self).map(|(user, outcome), actor, _| {
            actor.ahead.ended(user, &outcome, actor.clock.now());
        }));
    }
}

/// The refresher behind its port.
pub(crate) struct Tokens {
    cache: Cache,
    clock: SharedClock,
    handle: Handle<TokenRefresher>,
    flight: Arc<Flight>,
}

impl Tokens {
    pub(super) fn start(deps: &ActorDeps, guardian: &mut Guardian) -> Self {
        let cache = Cache::default();
        let flight = Arc::new(Flight::new(deps));
        let (shared, clock) = (cache.clone(), deps.clock.clone());
        let own = flight.clone();
        let handle = guardian.start("token_refresher", (PERMITS, ASK_TIMEOUT), move || TokenRefresher {
            flight: flight.clone(),
            ahead: Ahead::default(),
            in_flight: HashMap::new(),
            cache: shared.clone(),
            clock: clock.clone(),
        });
        Self { cache, clock: deps.clock.clone(), handle, flight: own }
    }

    fn cached(&self, user: &UserKey, need: Need) -> Option<Arc<UpstreamAccess>> {
        let cache = self.cache.read();
        let access = cache.get(user)?;
        need.is_met_by(access, self.clock.now()).then(|| access.clone())
    }

    async fn obtain(&self, user: &UserKey, need: Need) -> Outcome {
        // A refresh that was already in flight may have started before the need arose; then one more round decides.
        for _ in 0..3 {
            if let Some(access) = self.cached(user, need) {
                return Ok(access);
            }
            let ask = Refresh { user: user.clone(), need, span: tracing::Span::current() };
            let access = self.handle.ask(ask).await.unwrap_or_else(|error| Err(unavailable(error)))?;
            let is_live = access.expires_at > self.clock.now();
            if need == Need::Life && is_live || need.is_met_by(&access, self.clock.now()) {
                return Ok(access);
            }
        }
        Err(TokenError::Unavailable { retry_after: Duration::from_secs(2) })
    }
}

#[async_trait]
impl AccessTokens for Tokens {
    async fn get(&self, user: &UserKey) -> Result<Arc<UpstreamAccess>, TokenError> {
        let access = self.obtain(user, Need::Life).await?;
        if !Need::Fresh.is_met_by(&access, self.clock.now()) {
            // One that is lost is sent again with the next call.
            let _ = self.handle.tell(Freshen { user: user.clone(), span: tracing::Span::current() });
        }
        Ok(access)
    }

    async fn renew(&self, user: &UserKey, seen: u64) -> Result<Arc<UpstreamAccess>, TokenError> {
        self.obtain(user, Need::NewerThan(seen)).await
    }

    async fn challenged(&self, user: &UserKey, seen: u64, claims: &str) -> Result<(), TokenError> {
        self.flight.challenged(user, seen, claims).await?;
        self.forget(user);
        Ok(())
    }

    fn forget(&self, user: &UserKey) {
        self.cache.write().remove(user);
    }
}

fn unavailable(error: AskError) -> TokenError {
    tracing::warn!(%error, "the token refresher did not answer");
    TokenError::Unavailable { retry_after: Duration::from_secs(1) }
}

/// Notes how a refresh ended. Of two that ended in another order than they began the newer record stands.
fn keep(cache: &Cache, user: UserKey, outcome: &Outcome) {
    match outcome {
        Ok(access) => {
            let mut cache = cache.write();
            if cache.get(&user).is_none_or(|known| known.version <= access.version) {
                cache.insert(user, access.clone());
            }
        }
        Err(TokenError::SignInRequired) => drop(cache.write().remove(&user)),
        Err(TokenError::Unavailable { .. }) => {}
    }
}

/// Drops tokens that are dead anyway; live ones of idle users go with them when they expire.
fn evict(cache: &Cache, now: Timestamp) {
    cache.write().retain(|_, access| access.expires_at > now);
}
