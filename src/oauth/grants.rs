//! Which apps act for a person: one sealed list per user, kept beside the grants themselves. An entry is written
//! before the first tokens of its grant, so whatever lives is listed, and "disconnect all" misses nothing.

use super::state::OauthState;
use crate::domain::clock::Timestamp;
use crate::domain::grant::RefreshRecord;
use crate::domain::ids::{ClientId, GrantId, ServiceName, UserKey};
use crate::domain::scope::ScopeSet;
use crate::ports::store::{StoreError, Swap};
use serde::{Deserialize, Serialize};

/// Sign-ins and refreshes of one user that may run into each other before we give up.
const SWAP_ATTEMPTS: usize = 16;
/// Entries of one list; beyond it the one used longest ago is revoked, so that a client in a loop cannot fill the store.
const MAX_ENTRIES: usize = 200;

/// One grant, as its owner sees it.
///
/// # Shape
/// Sealed in the common record `grants|{tid}:{oid}` as a JSON array of these, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Connection {
    pub(super) grant: GrantId,
    pub(super) client: ClientId,
    /// As declared by the client.
    pub(super) client_name: Option<String>,
    pub(super) service: ServiceName,
    pub(super) scopes: ScopeSet,
    pub(super) created_at: Timestamp,
    /// Last time that the client asked for tokens.
    pub(super) last_used_at: Timestamp,
    /// End of its refresh token: nothing is left of the grant then.
    pub(super) expires_at: Timestamp,
}

impl OauthState {
    /// What the user connected and has not ended.
    pub(super) async fn connections(&self, user: &UserKey) -> Result<Vec<Connection>, StoreError> {
        Ok(self.read_connections(user).await?.1)
    }

    /// Lists a grant whose first tokens are about to be issued.
    pub(super) async fn list_grant(
        &self,
        user: &UserKey,
        refresh: &RefreshRecord,
        client_name: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut superfluous = None;
        let entry = Connection {
            grant: refresh.grant.clone(),
            client: refresh.client.clone(),
            client_name: client_name.map(ToOwned::to_owned),
            service: refresh.service.clone(),
            scopes: refresh.scopes.clone(),
            created_at: refresh.issued_at,
            last_used_at: refresh.issued_at,
            expires_at: refresh.expires_at,
        };
        self.change_connections(user, |list| {
            superfluous = None;
            if list.len() >= MAX_ENTRIES {
                let oldest = list.iter().enumerate().min_by_key(|(_, one)| one.last_used_at);
                superfluous = oldest.map(|(at, _)| at).map(|at| list.remove(at).grant);
            }
            list.push(entry.clone());
            true
        })
        .await?;
        if let Some(grant) = superfluous {
            self.store.revoke_grant(&grant).await?;
        }
        Ok(())
    }

    /// Notes that a grant was used. Its owner may read an older time for once, but nobody waits for it or fails by it.
    pub(super) async fn note_use(&self, refresh: &RefreshRecord) {
        let noted = self.change_connections(&refresh.user, |list| {
            let Some(one) = list.iter_mut().find(|one| one.grant == refresh.grant) else { return false };
            (one.last_used_at, one.expires_at) = (refresh.issued_at, refresh.expires_at);
            true
        });
        if let Err(error) = noted.await {
            tracing::warn!(error = %error, "the use of a grant could not be noted");
        }
    }

    /// Ends a grant of the user: first its tokens, then its entry, so that what is left of a failure can be retried.
    pub(super) async fn end_grant(&self, user: &UserKey, grant: &GrantId) -> Result<(), StoreError> {
        self.store.revoke_grant(grant).await?;
        self.change_connections(user, |list| {
            let before = list.len();
            list.retain(|one| one.grant != *grant);
            list.len() != before
        })
        .await
    }

    /// Writes a changed list; `change` says whether there is anything to write, and may run several times.
    async fn change_connections(
        &self,
        user: &UserKey,
        mut change: impl FnMut(&mut Vec<Connection>) -> bool,
    ) -> Result<(), StoreError> {
        let name = name(user);
        for _ in 0..SWAP_ATTEMPTS {
            let (version, mut list) = match self.read_connections(user).await {
                Ok(read) => read,
                // Sealed by a key that this replica does not have yet: no reason to refuse tokens.
                Err(error @ StoreError::Corrupt { .. }) => {
                    tracing::error!(error = %error, "a list of grants cannot be opened, and stays as it is");
                    return Ok(());
                }
                Err(error @ StoreError::Unavailable(_)) => return Err(error),
            };
            if !change(&mut list) {
                return Ok(());
            }
            let plain = serde_json::to_vec(&list).unwrap_or_default();
            let sealed = self.cipher.seal(&context(&name, version + 1), &plain);
            let life = self.settings.grant_ttl;
            if self.store.swap_shared(&name, version, &sealed, life).await? == Swap::Done {
                return Ok(());
            }
        }
        Err(StoreError::Unavailable("the list of a user's grants is written too often".to_owned()))
    }

    /// The list without what has expired, and its version.
    async fn read_connections(&self, user: &UserKey) -> Result<(u64, Vec<Connection>), StoreError> {
        let name = name(user);
        let Some(record) = self.store.shared(&name).await? else { return Ok((0, Vec::new())) };
        let opened = self.cipher.open(&context(&name, record.version), &record.sealed);
        let unreadable = |reason: String| StoreError::Corrupt { record: "list of grants", reason };
        let plain = opened.map_err(|error| unreadable(error.to_string()))?;
        let list: Vec<Connection> =
            serde_json::from_slice(&plain).map_err(|error| unreadable(error.to_string()))?;
        let now = self.clock.now();
        Ok((record.version, list.into_iter().filter(|one| one.expires_at > now).collect()))
    }
}

fn name(user: &UserKey) -> String {
    format!("grants|{user}")
}

/// Associated data: a list moved to another user or rolled back does not open.
fn context(name: &str, version: u64) -> String {
    format!("{name}|{version}")
}
