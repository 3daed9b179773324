//! A value fetched over the network: kept, fetched once for any number of waiters, fetched again when it is old.

use crate::domain::clock::Timestamp;
use crate::ports::identity::IdentityError;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;

#[derive(Debug)]
struct Last<T> {
    value: Option<(Timestamp, Arc<T>)>,
    failure: Option<IdentityError>,
}

/// One cached document.
#[derive(Debug)]
pub(super) struct Cached<T> {
    attempts: AtomicU64,
    last: Mutex<Last<T>>,
}

impl<T> Cached<T> {
    pub(super) fn new() -> Self {
        Self { attempts: AtomicU64::new(0), last: Mutex::new(Last { value: None, failure: None }) }
    }

    /// The value, if it is younger than `max_age`, else what `load` brings. Callers that waited while somebody else's
    /// attempt failed share that failure instead of queueing up for one time-out each.
    pub(super) async fn get(
        &self,
        now: Timestamp,
        max_age: Duration,
        load: impl Future<Output = Result<T, IdentityError>> + Send,
    ) -> Result<Arc<T>, IdentityError> {
        let seen = self.attempts.load(Ordering::Acquire);
        let mut last = self.last.lock().await;
        if let Some((at, value)) = &last.value
            && now.since(*at) < max_age
        {
            return Ok(Arc::clone(value));
        }
        if let Some(failure) = &last.failure
            && self.attempts.load(Ordering::Acquire) != seen
        {
            return Err(failure.clone());
        }
        let answer = load.await;
        self.attempts.fetch_add(1, Ordering::Release);
        match answer {
            Ok(value) => {
                let value = Arc::new(value);
                *last = Last { value: Some((now, Arc::clone(&value))), failure: None };
                Ok(value)
            }
            Err(error) => {
                last.failure = Some(error.clone());
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::identity::IdentityFault;
    use futures_util::future::join_all;

    fn down() -> IdentityError {
        IdentityError::new(IdentityFault::Unavailable, "")
    }

    #[tokio::test]
    async fn parallel_callers_share_one_fetch_and_one_failure() {
        let cached = Cached::new();
        let calls = AtomicU64::new(0);
        let load = |ok: bool| {
            let calls = &calls;
            async move {
                calls.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                if ok { Ok(7) } else { Err(down()) }
            }
        };
        let now = Timestamp::from_millis(0);
        let hour = Duration::from_hours(1);
        let failed = join_all((0..20).map(|_| cached.get(now, hour, load(false)))).await;
        assert!(failed.iter().all(Result::is_err));
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        let good = join_all((0..20).map(|_| cached.get(now, hour, load(true)))).await;
        assert!(good.iter().all(|r| **r.as_ref().unwrap() == 7));
        assert_eq!(calls.load(Ordering::SeqCst), 2);
        cached.get(now.plus(hour), hour, load(true)).await.unwrap();
        assert_eq!(calls.load(Ordering::SeqCst), 3);
    }
}
