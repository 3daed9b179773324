//! One refresh of one user, from the record in the store to the record in the store. No actor knowledge.

use super::{Need, Outcome};
use crate::actors::ActorDeps;
use crate::domain::cipher::{Cipher, OpenError};
use crate::domain::clock::SharedClock;
use crate::domain::ids::UserKey;
use crate::domain::random;
use crate::domain::upstream::{UpstreamAccess, UpstreamTokens, sealing_context};
use crate::ports::identity::{IdentityError, IdentityFault, IdentityProvider};
use crate::ports::store::{Store, StoreError, Swap};
use crate::ports::tokens::TokenError;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longer than one HTTP exchange with Entra may take, so that a living holder never loses it.
const LEASE: Duration = Duration::from_secs(30);
/// Entra keeps refresh tokens of web clients for 90 days, sliding.
const RECORD_LIFE: Duration = Duration::from_hours(24 * 90);
const PATIENCE: Duration = Duration::from_secs(22);
const FIRST_PAUSE: Duration = Duration::from_millis(15);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// A record with its plain tokens.
struct Opened {
    version: u64,
    tokens: UpstreamTokens,
}

impl Opened {
    fn access(&self) -> Arc<UpstreamAccess> {
        Arc::new(UpstreamAccess::new(&self.tokens, self.version))
    }
}

/// The refresh procedure and what it works with.
pub(super) struct Flight {
    store: Arc<dyn Store>,
    identity: Arc<dyn IdentityProvider>,
    cipher: Cipher,
    clock: SharedClock,
    owner: String,
}

impl Flight {
    pub(super) fn new(deps: &ActorDeps) -> Self {
        Self {
            store: deps.store.clone(),
            identity: deps.identity.clone(),
            cipher: deps.cipher.clone(),
            clock: deps.clock.clone(),
            owner: random::text::<12>(),
        }
    }

    /// Answers `need` from the record if it can, else refreshes under the lease, else waits for who holds it.
    pub(super) async fn run(&self, user: &UserKey, need: Need) -> Outcome {
        let lease = format!("refresh:{user}");
        let give_up = Instant::now() + PATIENCE;
        let mut pause = FIRST_PAUSE;
        loop {
            let opened = self.read(user).await?;
            if self.meets(&opened, need) {
                return Ok(opened.access());
            }
            if self.store.try_lease(&lease, &self.owner, LEASE).await.map_err(store_down)? {
                let outcome = self.refresh_under_lease(user, need).await;
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

    async fn refresh_under_lease(&self, user: &UserKey, need: Need) -> Outcome {
        // Whoever held the lease before may just have done the work.
        let opened = self.read(user).await?;
        if self.meets(&opened, need) {
            return Ok(opened.access());
        }
        match self.identity.refresh(user, &opened.tokens).await {
            Ok(tokens) => self.keep(user, Opened { version: opened.version + 1, tokens }).await,
            Err(error) => self.refused(user, need, &opened, &error).await,
        }
    }

    /// Writes the new tokens; when a sign-in wrote meanwhile, its record is the newer truth.
    async fn keep(&self, user: &UserKey, fresh: Opened) -> Outcome {
        let plain = serde_json::to_vec(&fresh.tokens).map_err(|_| brief())?;
        let sealed = self.cipher.seal(&sealing_context(user, fresh.version), &plain);
        let expected = fresh.version - 1;
        match self.store.swap_upstream(user, expected, &sealed, RECORD_LIFE).await.map_err(store_down)? {
            Swap::Done => Ok(fresh.access()),
            Swap::Conflict { .. } => self.read(user).await.map(|opened| opened.access()),
        }
    }

    /// Entra said no. Only a dead grant ends the login; everything else keeps it.
    async fn refused(&self, user: &UserKey, need: Need, opened: &Opened, error: &IdentityError) -> Outcome {
        tracing::warn!(fault = ?error.fault, aadsts = error.code, "Entra refused a refresh");
        match error.fault {
            IdentityFault::GrantDead | IdentityFault::NotAllowed => {
                match self.store.forget_upstream(user, opened.version).await.map_err(store_down)? {
                    Swap::Done => Err(TokenError::SignInRequired),
                    // The person signed in again meanwhile: what died is not what stands.
                    Swap::Conflict { .. } => self.read(user).await.map(|current| current.access()),
                }
            }
            IdentityFault::Denied
            | IdentityFault::ConsentRequired
            | IdentityFault::AdminConsentRequired
            | IdentityFault::InteractionRequired
            | IdentityFault::LoginRequired
            | IdentityFault::InvalidIdToken => Err(TokenError::SignInRequired),
            IdentityFault::Misconfigured | IdentityFault::Unavailable => {
                // An outage is not a logout: a token that still lives goes on working.
                if need == Need::Life && opened.tokens.access_expires_at > self.clock.now() {
                    return Ok(opened.access());
                }
                Err(TokenError::Unavailable {
                    retry_after: error.retry_after.unwrap_or(Duration::from_secs(5)),
                })
            }
        }
    }

    fn meets(&self, opened: &Opened, need: Need) -> bool {
        need.is_met(opened.version, opened.tokens.access_expires_at, self.clock.now())
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
