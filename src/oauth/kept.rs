//! What Entra gave for a person who signed in, kept for the grant that follows.

use super::state::OauthState;
use crate::domain::ids::UserKey;
use crate::domain::upstream::{SignIn, UpstreamTokens, sealing_context};
use crate::ports::store::{SIGNING_IN, StoreError, Swap};
use std::time::Duration;

/// Sign-ins of one user that may run into each other before we give up.
const SWAP_ATTEMPTS: usize = 8;
/// From the mark of a sign-in to its code.
const MARGIN: Duration = Duration::from_secs(30);

impl OauthState {
    /// Leaves word that somebody signs in and writes their Entra tokens over whatever version stands; `None` when others
    /// keep getting in between.
    pub(super) async fn keep_tokens(&self, sign_in: &SignIn) -> Result<Option<u64>, StoreError> {
        let SignIn { user, tokens, .. } = sign_in;
        self.mark(user).await?;
        let mut standing = match self.store.upstream(user).await {
            Ok(record) => record.map_or(0, |record| record.version),
            // A record that nobody can read any more must not lock its owner out; the swap tells the version.
            Err(StoreError::Corrupt { .. }) => 0,
            Err(error @ StoreError::Unavailable(_)) => return Err(error),
        };
        for _ in 0..SWAP_ATTEMPTS {
            let version = standing + 1;
            let sealed = self.cipher.seal(&sealing_context(user, version), &plain(tokens));
            match self.store.swap_upstream(user, standing, &sealed, self.settings.upstream_ttl).await? {
                Swap::Done => {
                    self.tokens.forget(user);
                    return Ok(Some(version));
                }
                Swap::Conflict { current } => standing = current,
            }
        }
        Ok(None)
    }

    /// Whoever ends the person's last grant now keeps their tokens.
    async fn mark(&self, user: &UserKey) -> Result<(), StoreError> {
        let sealed = self.cipher.seal(&format!("{SIGNING_IN}|{user}"), b"1");
        self.store.put_handle(user, SIGNING_IN, &sealed, self.settings.code_ttl + MARGIN).await
    }
}

fn plain(tokens: &UpstreamTokens) -> Vec<u8> {
    serde_json::to_vec(tokens).unwrap_or_default()
}
