//! Live Graph tokens of signed-in users.

use crate::domain::ids::UserKey;
use crate::domain::upstream::UpstreamAccess;
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

/// Why there is no token.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// Nothing is stored for the user, or Entra declared it dead: the person must sign in again.
    #[error("the Microsoft sign-in has ended")]
    SignInRequired,
    /// Entra, the store or the refresher cannot answer now. The login is kept.
    #[error("Microsoft sign-in is unavailable for the moment")]
    Unavailable { retry_after: Duration },
}

/// Access tokens for Graph.
#[async_trait]
pub(crate) trait AccessTokens: Send + Sync {
    /// A token that lives; a cache read unless it is dead. One near its end is refreshed meanwhile, for the calls to come.
    async fn get(&self, user: &UserKey) -> Result<Arc<UpstreamAccess>, TokenError>;
    /// A token of a record version newer than `seen`: refreshes upstream once for any number of parallel callers on
    /// any number of replicas, and not at all when somebody already did. Its profile is settled: it says all that the
    /// operator's lists look at.
    async fn renew(&self, user: &UserKey, seen: u64) -> Result<Arc<UpstreamAccess>, TokenError>;
    /// Graph refused the tokens of version `seen` and wants `claims`, a JSON object: they are used no more, on any
    /// replica, and the next sign-in asks Entra for the claims.
    async fn challenged(&self, user: &UserKey, seen: u64, claims: &str) -> Result<(), TokenError>;
    /// Drops what is cached for the user.
    fn forget(&self, user: &UserKey);
}
