//! One refresh of one user, from the record in the store to the record in the store. No actor knowledge.

use super::{Need, Outcome};
use crate::actors::ActorDeps;
use crate::domain::cipher::{Cipher, OpenError};
use crate::domain::clock::{SharedClock, Timestamp};
use crate::domain::ids::UserKey;
use crate::domain::random;
use crate::domain::upstream::{UpstreamAccess, UpstreamTokens, sealing_context};
use crate::ports::identity::{IdentityError, IdentityFault, IdentityProvider};
use crate::ports::store::{Store, StoreError, Swap};
use crate::ports::tokens::TokenError;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a replica that died keeps the others waiting; who works renews it every [`HEARTBEAT`].
const LEASE: Duration = Duration::from_secs(4);
/// Two may be lost before the lease is.
const HEARTBEAT: Duration = Duration::from_millis(1200);
/// How long a token of a person is lent in steps when Entra is away beyond its expiry; short, so that each is a new try.
const LENT: Duration = Duration::from_secs(30);
/// Entra's number for an application that asks in a loop.
const LOOP_GUARD: u32 = 50196;
/// Entra keeps refresh tokens of web clients for 90 days, sliding.
const RECORD_LIFE: Duration = Duration::from_hours(24 * 90);
/// When to ask again, where Entra or Graph did not say.
const AWAY: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(22);
const FIRST_PAUSE: Duration = Duration::from_millis(15);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// A record with its plain tokens.
struct Opened {
    version: u64,
    tokens: UpstreamTokens,
}

/// The refresh procedure and what it works with.
pub(super) struct Flight {
    store: Arc<dyn Store>,
    identity: Arc<dyn IdentityProvider>,
    cipher: Cipher,
    clock: SharedClock,
    owner: String,
    /// People for whom Entra closed its loop guard, and until when they are not asked for again.
    paused: Mutex<HashMap<UserKey, Timestamp>>,
}

impl Flight {
    pub(super) fn new(deps: &ActorDeps) -> Self {
        Self {
            store: deps.store.clone(),
            identity: deps.identity.clone(),
            cipher: deps.cipher.clone(),
            clock: deps.clock.clone(),
            owner: random::text::<12>(),
            paused: Mutex::default(),
        }
    }

    /// Answers `need` from the record if it can, else refreshes under the lease, else waits for who holds it.
    pub(super) async fn run(&self, user: &UserKey, need: Need) -> Outcome {
        let lease = format!("refresh:{user}");
        let give_up = Instant::now() + PATIENCE;
        let mut pause = FIRST_PAUSE;
        loop {
            let opened = self.usable(user).await?;
            let access = self.access(&opened);
            if need.is_met_by(&access, self.clock.now()) {
                return Ok(access);
            }
            if let Some(left) = self.pause_of(user) {
                return self.away(need, &opened, Some(left));
            }
            if self.store.try_lease(&lease, &self.owner, LEASE).await.map_err(store_down)? {
                let outcome = self.beating(&lease, self.refresh_under_lease(user, need)).await;
                if let Err(error) = self.store.release_lease(&lease, &self.owner).await {
                    tracing::warn!(%error, "a refresh lease was not released; it runs out by itself");
                }
                return outcome;
            }
            if Instant::now() + pause > give_up {
                return Err(TokenError::Unavailable { retry_after: Duration::from_secs(2) });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Runs `work` and keeps the lease alive meanwhile. A lease that was lost ends nothing: what `work` writes is a
    /// compare-and-swap, and Entra's answer is worth keeping if nobody was faster.
    async fn beating<T>(&self, lease: &str, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                outcome = &mut work => return outcome,
                () = tokio::time::sleep(HEARTBEAT) => {
                    if let Err(error) = self.store.renew_lease(lease, &self.owner, LEASE).await {
                        tracing::warn!(%error, "a refresh lease was not renewed");
                    }
                }
            }
        }
    }

    async fn refresh_under_lease(&self, user: &UserKey, need: Need) -> Outcome {
        // Whoever held the lease before may just have done the work.
        let mut opened = self.usable(user).await?;
        if !need.takes(opened.version, opened.tokens.access_expires_at, self.clock.now()) {
            opened = match self.identity.refresh(user, &opened.tokens).await {
                Ok(tokens) => self.keep(user, Opened { version: opened.version + 1, tokens }).await?,
                Err(error) => return self.refused(user, need, &opened, &error).await,
            };
        }
        // Kept before this is tried: what Entra answered is not lost when Graph is away.
        if need.wants_settled() && !self.identity.is_settled(&opened.tokens.profile) {
            opened = self.settle(user, opened).await?;
        }
        Ok(self.access(&opened))
    }

    /// Writes the new tokens; when a sign-in wrote meanwhile, its record is the newer truth.
    async fn keep(&self, user: &UserKey, fresh: Opened) -> Result<Opened, TokenError> {
        match self.write(user, &fresh).await? {
            Swap::Done => Ok(fresh),
            Swap::Conflict { .. } => self.usable(user).await,
        }
    }

    /// Completes the profile by what the id_token did not say, and writes it.
    async fn settle(&self, user: &UserKey, opened: Opened) -> Result<Opened, TokenError> {
        let mut tokens = opened.tokens;
        tokens.profile = self.identity.settle(&tokens).await.map_err(|error| {
            tracing::warn!(fault = ?error.fault, detail = %error.detail, "what the lists ask is not known");
            let by_person =
                matches!(error.fault, IdentityFault::ConsentRequired | IdentityFault::InteractionRequired);
            if by_person {
                TokenError::SignInRequired
            } else {
                TokenError::Unavailable { retry_after: error.retry_after.unwrap_or(AWAY) }
            }
        })?;
        self.keep(user, Opened { version: opened.version + 1, tokens }).await
    }

    /// Writes `next`, if the version before it stands.
    async fn write(&self, user: &UserKey, next: &Opened) -> Result<Swap, TokenError> {
        let plain = serde_json::to_vec(&next.tokens).map_err(|_| brief())?;
        let sealed = self.cipher.seal(&sealing_context(user, next.version), &plain);
        self.store.swap_upstream(user, next.version - 1, &sealed, RECORD_LIFE).await.map_err(store_down)
    }

    /// Entra said no. Only a dead grant ends the login; everything else keeps it.
    async fn refused(&self, user: &UserKey, need: Need, opened: &Opened, error: &IdentityError) -> Outcome {
        tracing::warn!(fault = ?error.fault, aadsts = error.code, "Entra refused a refresh");
        match error.fault {
            IdentityFault::GrantDead | IdentityFault::NotAllowed => {
                match self.store.forget_upstream(user, opened.version).await.map_err(store_down)? {
                    Swap::Done => Err(TokenError::SignInRequired),
                    // The person signed in again meanwhile: what died is not what stands.
                    Swap::Conflict { .. } => self.usable(user).await.map(|current| self.access(&current)),
                }
            }
            IdentityFault::InteractionRequired => {
                if let Some(claims) = &error.claims {
                    self.challenged(user, opened.version, claims).await?;
                }
                Err(TokenError::SignInRequired)
            }
            IdentityFault::Denied
            | IdentityFault::ConsentRequired
            | IdentityFault::AdminConsentRequired
            | IdentityFault::Blocked
            | IdentityFault::AccountState
            | IdentityFault::LoginRequired
            | IdentityFault::InvalidIdToken => Err(TokenError::SignInRequired),
            IdentityFault::Misconfigured | IdentityFault::CredentialRefused => {
                tracing::error!(
                    alarm = "entra_setup", aadsts = error.code, detail = %error.detail,
                    "Entra does not accept this server's registration or credential; an operator must act"
                );
                self.away(need, opened, error.retry_after)
            }
            IdentityFault::Unavailable | IdentityFault::Unknown => {
                if error.code == LOOP_GUARD
                    && let Some(pause) = error.retry_after
                {
                    self.paused.lock().insert(user.clone(), self.clock.now().plus(pause));
                }
                self.away(need, opened, error.retry_after)
            }
        }
    }

    /// An outage is not a logout: a token that still lives goes on working, and one that has just ended is lent for as
    /// long as Entra said Graph would take it.
    fn away(&self, need: Need, opened: &Opened, retry_after: Option<Duration>) -> Outcome {
        let now = self.clock.now();
        if need == Need::Life && opened.tokens.access_expires_at > now {
            return Ok(self.access(opened));
        }
        if need == Need::Life
            && let Some(end) = opened.tokens.usable_until.filter(|end| *end > now)
        {
            let lent =
                UpstreamAccess { expires_at: end.min(now.plus(LENT)), ..(*self.access(opened)).clone() };
            return Ok(Arc::new(lent));
        }
        Err(TokenError::Unavailable { retry_after: retry_after.unwrap_or(AWAY) })
    }

    /// What is left of the pause that Entra's loop guard asked for.
    fn pause_of(&self, user: &UserKey) -> Option<Duration> {
        let now = self.clock.now();
        let mut paused = self.paused.lock();
        paused.retain(|_, until| *until > now);
        paused.get(user).map(|until| until.since(now))
    }

    /// Marks the tokens of `version` as needing the person, unless newer ones stand.
    pub(super) async fn challenged(
        &self,
        user: &UserKey,
        version: u64,
        claims: &str,
    ) -> Result<(), TokenError> {
        let mut opened = self.read(user).await?;
        if opened.version != version {
            return Ok(());
        }
        opened.tokens.challenge = Some(claims.to_owned());
        let marked = Opened { version: version + 1, tokens: opened.tokens };
        self.write(user, &marked).await.map(|_| ())
    }

    /// The record, unless its tokens wait for the person.
    async fn usable(&self, user: &UserKey) -> Result<Opened, TokenError> {
        let opened = self.read(user).await?;
        if opened.tokens.challenge.is_some() { Err(TokenError::SignInRequired) } else { Ok(opened) }
    }

    fn access(&self, opened: &Opened) -> Arc<UpstreamAccess> {
        let settled = self.identity.is_settled(&opened.tokens.profile);
        Arc::new(UpstreamAccess::new(&opened.tokens, opened.version, settled))
    }

    async fn read(&self, user: &UserKey) -> Result<Opened, TokenError> {
        let record =
            self.store.upstream(user).await.map_err(store_down)?.ok_or(TokenError::SignInRequired)?;
        let context = sealing_context(user, record.version);
        let plain = self.cipher.open(&context, &record.sealed).map_err(|error| {
            tracing::error!(%error, "a sealed Entra record does not open");
            match error {
                // A replica that has the new key sealed it: this one still lacks the key, and the login is sound.
                OpenError::UnknownKey(_) => brief(),
                // Fail closed: a record that does not authenticate is nobody's login.
                OpenError::Malformed | OpenError::NotAuthentic => TokenError::SignInRequired,
            }
        })?;
        let tokens = serde_json::from_slice(&plain).map_err(|_| TokenError::SignInRequired)?;
        Ok(Opened { version: record.version, tokens })
    }
}

fn store_down(error: StoreError) -> TokenError {
    tracing::warn!(%error, "the store failed during a token refresh");
    brief()
}

fn brief() -> TokenError {
    TokenError::Unavailable { retry_after: Duration::from_secs(2) }
}
