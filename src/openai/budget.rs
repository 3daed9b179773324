//! The tokens of a language model that each user may spend in a day. They cost the operator money; answers by the rules
//! cost nothing and are not counted.

use super::engine::Job;
use super::error::ApiError;
use super::usage::Usage;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Kind of the record that is kept for each user.
const KIND: &str = "model-tokens";
const DAY_S: i64 = 24 * 60 * 60;

/// What a user has spent on one day (UTC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Spent {
    day: i64,
    tokens: u64,
}

impl Spent {
    fn on(self, day: i64) -> u64 {
        if self.day == day { self.tokens } else { 0 }
    }

    fn add(&mut self, day: i64, tokens: u64) {
        *self = Self { day, tokens: self.on(day).saturating_add(tokens) };
    }
}

fn is_counted(job: &Job) -> bool {
    job.state.model.is_some() && job.state.limits.tokens_per_day > 0
}

/// Refuses who has spent the day's tokens.
pub(super) async fn check(job: &Job) -> Result<(), ApiError> {
    if !is_counted(job) {
        return Ok(());
    }
    let now = job.state.clock.now().as_secs();
    let spent: Spent = job.state.keepsakes.load(&job.caller.user, KIND).await.map_err(|error| {
        ApiError::unavailable("Budgets cannot be read for the moment.", error.retry_after())
    })?;
    if spent.on(now.div_euclid(DAY_S)) < job.state.limits.tokens_per_day {
        return Ok(());
    }
    let left = Duration::from_secs(u64::try_from(DAY_S - now.rem_euclid(DAY_S)).unwrap_or(0));
    let message = format!(
        "Your {} tokens of the language model for today are spent. They are there again at midnight UTC.",
        job.state.limits.tokens_per_day
    );
    Err(ApiError::quota(message, left))
}

/// Counts what an answer has cost. An answer that is there is not taken back when it cannot be counted.
pub(super) async fn charge(job: &Job, usage: Usage) {
    if !is_counted(job) {
        return;
    }
    let day = job.state.clock.now().as_secs().div_euclid(DAY_S);
    let add = |spent: &mut Spent| spent.add(day, usage.total());
    if let Err(error) = job.state.keepsakes.change(&job.caller.user, KIND, add).await {
        tracing::warn!(error = %error, "tokens of a language model were not counted");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_day_begins_with_nothing_spent() {
        let mut spent = Spent::default();
        spent.add(5, 10);
        spent.add(5, 7);
        assert_eq!((spent.on(5), spent.on(6)), (17, 0));
        spent.add(6, 1);
        assert_eq!(spent, Spent { day: 6, tokens: 1 });
    }
}
