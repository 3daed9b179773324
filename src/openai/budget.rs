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

    fn correct(&mut self, day: i64, estimate: u64, used: u64) {
        *self = Self { day, tokens: self.on(day).saturating_sub(estimate).saturating_add(used) };
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

/// One step of a language model on the account of its user: what it will cost at least is counted before it is asked, so
/// that neither leaving early nor asking much at once is free.
pub(super) struct Bill {
    estimate: u64,
}

impl Bill {
    /// Counts the estimate, if there is anything left to spend.
    pub(super) async fn open(job: &Job, estimate: u64) -> Result<Self, ApiError> {
        check(job).await?;
        count(job, |spent, day| spent.add(day, estimate)).await;
        Ok(Self { estimate })
    }

    /// Tokens counted so far.
    pub(super) fn estimate(&self) -> u64 {
        self.estimate
    }

    /// Puts what it has really cost in the place of the estimate.
    pub(super) async fn close(self, job: &Job, used: Usage) {
        count(job, |spent, day| spent.correct(day, self.estimate, used.total())).await;
    }
}

/// Changes a user's record. An answer that is there is not taken back when it cannot be counted.
async fn count(job: &Job, change: impl Fn(&mut Spent, i64)) {
    if !is_counted(job) {
        return;
    }
    let day = job.state.clock.now().as_secs().div_euclid(DAY_S);
    if let Err(error) = job.state.keepsakes.change(&job.caller.user, KIND, |spent| change(spent, day)).await {
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
        spent.add(6, 50);
        spent.correct(6, 50, 30);
        assert_eq!(spent.on(6), 31);
    }
}
