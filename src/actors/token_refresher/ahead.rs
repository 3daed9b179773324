//! Refreshes ahead of the end: one of a user at a time, and after a failure none for a while. No actor knowledge.

use super::{Need, Outcome};
use crate::domain::clock::Timestamp;
use crate::domain::ids::UserKey;
use crate::ports::tokens::TokenError;
use std::collections::HashMap;
use std::time::Duration;

/// Pause after the first failure; it doubles with each that follows.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// One user's refreshes ahead.
#[derive(Debug, Default)]
struct Pace {
    running: bool,
    failures: u32,
    not_before: Option<Timestamp>,
}

/// Who is refreshed ahead, and who not for a while.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    users: HashMap<UserKey, Pace>,
}

impl Ahead {
    /// Whether one may start now; then it has.
    pub(super) fn may_start(&mut self, user: &UserKey, now: Timestamp) -> bool {
        let pace = self.users.entry(user.clone()).or_default();
        let may = !pace.running && pace.not_before.is_none_or(|moment| moment <= now);
        pace.running |= may;
        may
    }

    /// One has ended.
    pub(super) fn ended(&mut self, user: UserKey, outcome: &Outcome, now: Timestamp) {
        let pace = self.users.entry(user.clone()).or_default();
        pace.running = false;
        let pause = match outcome {
            Ok(access) if Need::Fresh.is_met_by(access, now) => {
                self.users.remove(&user);
                return;
            }
            // Entra issues tokens that are never fresh: half of a life each.
            Ok(access) => (access.expires_at.since(now) / 2).max(FIRST_PAUSE),
            Err(error) => {
                let growing = FIRST_PAUSE.saturating_mul(1 << pace.failures.min(8)).min(LONGEST_PAUSE);
                pace.failures += 1;
                match error {
                    TokenError::Unavailable { retry_after } => growing.max(*retry_after),
                    TokenError::SignInRequired => growing,
                }
            }
        };
        if let Err(error) = outcome {
            tracing::warn!(%error, pause_s = pause.as_secs(), "a token was not refreshed ahead of its end");
        }
        pace.not_before = Some(now.plus(pause));
    }

    /// Forgets whom nothing keeps back. A pause that is over keeps its count for as long again.
    pub(super) fn evict(&mut self, now: Timestamp) {
        let recent = |moment: Timestamp| moment.plus(LONGEST_PAUSE) > now;
        self.users.retain(|_, pace| pace.running || pace.not_before.is_some_and(recent));
    }
}
