//! What a person has connected to this server, and ending it: one home for the account page and the tools.

use crate::domain::grant::GrantRecord;
use crate::domain::ids::UserKey;
use crate::ports::store::{Store, StoreError};

/// The user's live connections, newest first.
pub(crate) async fn connections(store: &dyn Store, user: &UserKey) -> Result<Vec<GrantRecord>, StoreError> {
    let mut grants = store.grants_of_user(user).await?;
    grants.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.id.cmp(&b.id)));
    Ok(grants)
}

/// Ends those of the user's connections that are meant, and with the last one the Microsoft sign-in; how many there were.
pub(crate) async fn end(
    store: &dyn Store,
    user: &UserKey,
    is_meant: impl Fn(&GrantRecord) -> bool,
) -> Result<usize, StoreError> {
    let mut ended = 0;
    for one in store.grants_of_user(user).await? {
        if is_meant(&one) {
            store.revoke_grant(&one.id).await?;
            tracing::info!(
                target: "audit", event = "revoke", client.id = %one.client, user.tid = &*user.tid, user.oid = &*user.oid,
                "revoke"
            );
            ended += 1;
        }
    }
    store.forget_without_grants(user).await;
    Ok(ended)
}
