//! What happens beside the look-up of a personal key. Nobody refreshes one, so what a refresh does for an app's bearer is
//! done here, as often as a bearer would have to be refreshed: Microsoft's word and the operator's lists decide whether
//! the person still may. And its last use is noted, at most once a minute, behind the answer.

use super::guard::AuthFailure;
use crate::domain::clock::{SharedClock, Timestamp};
use crate::domain::grant::AccessRecord;
use crate::domain::ids::{ClientId, GrantId};
use crate::oauth::admission::Admission;
use crate::oauth::audit;
use crate::oauth::state::{OauthParts, OauthSettings};
use crate::ports::store::{Store, StoreError};
use crate::ports::tokens::{AccessTokens, TokenError};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

const NOTE_EVERY: Duration = Duration::from_mins(1);
/// Keys remembered by this process; beyond it they are forgotten, and looked at and noted once more.
const MANY_KEYS: usize = 50_000;

/// What this process knows of a key.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// When its last use was noted.
    noted: Option<Timestamp>,
    /// When its person was found to be let in.
    checked: Option<Timestamp>,
    /// Version of the person's Entra record then.
    version: u64,
}

/// Looks after personal keys in use.
pub(in crate::oauth) struct KeyWatch {
    store: Arc<dyn Store>,
    tokens: Arc<dyn AccessTokens>,
    clock: SharedClock,
    settings: OauthSettings,
    seen: RwLock<HashMap<ClientId, Seen>>,
}

impl KeyWatch {
    pub(in crate::oauth) fn new(parts: &OauthParts) -> Self {
        Self {
            store: Arc::clone(&parts.store),
            tokens: Arc::clone(&parts.tokens),
            clock: Arc::clone(&parts.clock),
            settings: parts.settings.clone(),
            seen: RwLock::default(),
        }
    }

    /// Whether the key of a live record may be used now. Costs a look into memory, but for once in the life of a bearer.
    pub(super) async fn admit(&self, record: &AccessRecord) -> Result<(), AuthFailure> {
        let now = self.clock.now();
        let seen = self.seen.read().get(&record.client).copied().unwrap_or_default();
        let is_due = |at: Option<Timestamp>, every| at.is_none_or(|at| now.since(at) >= every);
        let version = if is_due(seen.checked, self.settings.access_ttl) {
            Some(self.check(record, seen.version).await?)
        } else {
            None
        };
        if version.is_none() && !is_due(seen.noted, NOTE_EVERY) {
            return Ok(());
        }
        let to_note = {
            let mut all = self.seen.write();
            if all.len() >= MANY_KEYS {
                all.clear();
            }
            let seen = all.entry(record.client.clone()).or_default();
            if let Some(version) = version {
                (seen.checked, seen.version) = (Some(now), version);
            }
            // Of calls that come at once, one notes.
            let to_note = is_due(seen.noted, NOTE_EVERY);
            if to_note {
                seen.noted = Some(now);
            }
            to_note
        };
        if to_note {
            self.note(record.grant.clone(), now);
        }
        Ok(())
    }

    /// The sign-in behind a key was found to be over: its next use is checked, however lately the last one was.
    pub(super) fn look_again(&self, key: &ClientId) {
        if let Some(seen) = self.seen.write().get_mut(key) {
            seen.checked = None;
        }
    }

    /// The version of the person's Entra record on which they are let in: a newer one than `version`.
    async fn check(&self, record: &AccessRecord, version: u64) -> Result<u64, AuthFailure> {
        match self.tokens.renew(&record.user, version).await {
            Ok(access) => match self.settings.admission(&record.user.tid, &access.profile) {
                Admission::Admitted => Ok(access.version),
                Admission::Refused => Err(self.end("not_admitted", record).await?),
                Admission::Unknown => Err(away("the groups of the person are not known yet")),
            },
            // Nothing is left of the sign-in: Entra ended it, or nobody used it for too long.
            Err(TokenError::SignInRequired) if self.store.upstream(&record.user).await?.is_none() => {
                Err(self.end("upstream_ended", record).await?)
            }
            Err(TokenError::SignInRequired) => Err(AuthFailure::SignIn),
            Err(TokenError::Unavailable { .. }) => Err(away("Microsoft's sign-in does not answer")),
        }
    }

    async fn end(&self, why: &'static str, record: &AccessRecord) -> Result<AuthFailure, StoreError> {
        audit::alarm(why, &record.client, Some(&record.user));
        self.store.end_grant(&record.grant, &record.user).await?;
        Ok(AuthFailure::Invalid)
    }

    fn note(&self, grant: GrantId, now: Timestamp) {
        let store = Arc::clone(&self.store);
        tokio::spawn(async move {
            if let Err(error) = store.note_use(&grant, now).await {
                tracing::debug!(%error, "the last use of a key was not noted");
            }
        });
    }
}

/// Nothing is decided: a 503, and the key is kept.
fn away(why: &str) -> AuthFailure {
    AuthFailure::Store(StoreError::Unavailable(why.to_owned()))
}
