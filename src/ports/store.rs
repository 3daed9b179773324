//! Durable state shared by all replicas. The port offers the atomic verbs that the protocols need, not get and set,
//! and sees only hashes and sealed bytes.
//!
//! Absence is `Option` or an enum answer; an error always means that the store itself failed, which fronts answer
//! with 503. Every value carries its own expiry as well, so a late key is refused even if the store kept it.

use super::events::{Bus, EventLog};
use super::inventory::Inventory;
use super::resealing::Resealing;
use super::shared::{LendingStore, LimitStore, SharedStore, TraceStore};
use crate::domain::client::ClientRecord;
use crate::domain::clock::{SharedClock, Timestamp};
use crate::domain::grant::{AccessRecord, CodeRecord, GrantRecord, RefreshRecord};
use crate::domain::ids::{ClientId, GrantId, SessionId, UserKey};
use crate::domain::secret::Sealed;
use crate::domain::session::SessionRecord;
use crate::domain::token::{TokenHash, TokenRef};
use async_trait::async_trait;
use std::time::Duration;

/// The store failed. Never says anything about the record asked for.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// Unreachable, overloaded, read-only or too slow: try again later.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// A record exists and cannot be read.
    #[error("a stored {record} is unreadable: {reason}")]
    Corrupt { record: &'static str, reason: String },
}

/// Answer of a one-time take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Taken<T> {
    /// This call took it; no other call ever will.
    First(T),
    /// It existed and was taken before.
    Replayed,
    /// It never existed, or is forgotten.
    Unknown,
}

/// Answer of redeeming an authorization code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CodeRedemption {
    First(Box<CodeRecord>),
    /// Redeemed before: by whom and when, so that the front can tell a retry from an attack (RFC 6749 §4.1.2).
    Replayed {
        client: ClientId,
        at: Timestamp,
    },
    Unknown,
}

/// Answer of issuing tokens into a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Issue {
    Done,
    /// The grant was revoked in the meantime; nothing was written.
    Revoked,
}

/// State of a presented refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RefreshState {
    /// Live: may be rotated.
    Live(RefreshRecord),
    /// Rotated before: when, and the sealed answer that the rotation gave.
    Rotated {
        record: RefreshRecord,
        at: Timestamp,
        successor: Sealed,
    },
    Unknown,
}

/// Everything one rotation writes.
#[derive(Clone, Debug)]
pub(crate) struct Rotation {
    pub(crate) old: TokenRef,
    pub(crate) refresh: (TokenRef, RefreshRecord),
    pub(crate) access: (TokenRef, AccessRecord),
    /// The token response, sealed with a key derived from the old refresh token, for retries within the grace.
    pub(crate) successor: Sealed,
    pub(crate) now: Timestamp,
}

/// Answer of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RotationOutcome {
    /// This call rotated.
    Done,
    /// Another call rotated first: its time and sealed answer. Nothing was written.
    Lost { at: Timestamp, successor: Sealed },
    /// Unknown, expired or revoked.
    Unknown,
}

/// Answer of a compare-and-swap on a user's Entra record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Swap {
    Done,
    /// Somebody else wrote; the version that stands now (0 = no record).
    Conflict {
        current: u64,
    },
}

/// A bounded group of sessions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crowd<'a> {
    pub(crate) name: &'a str,
    /// Most members, at least one.
    pub(crate) most: usize,
    /// Life that each use gives a session; what is left of it tells when that was.
    pub(crate) ttl: Duration,
}

/// Answer of changing a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionUpdate {
    Done,
    /// Somebody else changed it since it was read.
    Stale,
    /// It has ended, or never was.
    Ended,
}

/// A user's sealed Entra record and its version (first is 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UpstreamRecord {
    pub(crate) version: u64,
    pub(crate) sealed: Sealed,
}

/// Registered clients.
#[async_trait]
pub(crate) trait ClientStore: Send + Sync {
    /// Stores `client`, unless it is public and a client with the same digest stands: then that one is answered and
    /// its life renewed. Confidential clients are always stored.
    async fn register_client(&self, client: &ClientRecord, ttl: Duration)
    -> Result<ClientRecord, StoreError>;
    async fn client(&self, id: &ClientId) -> Result<Option<ClientRecord>, StoreError>;
    /// Renews the life of a client that is in use; never shortens it.
    async fn touch_client(&self, id: &ClientId, ttl: Duration) -> Result<(), StoreError>;
    /// Replaces the confidential client of the same id, if it still stands, and leaves its life alone; whether it did.
    async fn replace_client(&self, client: &ClientRecord) -> Result<bool, StoreError>;
    async fn delete_client(&self, id: &ClientId) -> Result<(), StoreError>;
}

/// Pending authorizations: from `/authorize` to the callback.
#[async_trait]
pub(crate) trait FlowStore: Send + Sync {
    async fn put_flow(&self, flow: &TokenHash, value: &Sealed, ttl: Duration) -> Result<(), StoreError>;
    async fn flow(&self, flow: &TokenHash) -> Result<Option<Sealed>, StoreError>;
    /// Settles a flow's decision once: the first value wins and is answered to everybody, so a double submit
    /// repeats the first answer.
    async fn settle_flow(
        &self,
        flow: &TokenHash,
        decision: &Sealed,
        ttl: Duration,
    ) -> Result<Sealed, StoreError>;
    /// Stores what the upstream `state` stands for.
    async fn put_state(&self, state: &TokenHash, value: &Sealed, ttl: Duration) -> Result<(), StoreError>;
    /// Takes it, once. Replays are recognised for at least ten minutes.
    async fn take_state(&self, state: &TokenHash) -> Result<Taken<Sealed>, StoreError>;
    /// Remembers that `user` approved the tuple behind `digest`.
    async fn remember_consent(
        &self,
        user: &UserKey,
        digest: &TokenHash,
        ttl: Duration,
    ) -> Result<(), StoreError>;
    async fn has_consent(&self, user: &UserKey, digest: &TokenHash) -> Result<bool, StoreError>;
}

/// Codes, bearers and refresh tokens. All records of a grant live in one Redis slot.
#[async_trait]
pub(crate) trait GrantStore: Send + Sync {
    async fn put_code(&self, code: &TokenRef, record: &CodeRecord) -> Result<(), StoreError>;
    /// Redeems a code in one atomic step: of any number of parallel calls exactly one sees `First`. A tombstone
    /// keeps telling replays from unknown codes for at least ten minutes.
    async fn redeem_code(
        &self,
        code: &TokenRef,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<CodeRedemption, StoreError>;
    /// Writes the first tokens of a grant, unless it was revoked since (a replay may race the winner).
    async fn issue(
        &self,
        access: (&TokenRef, &AccessRecord),
        refresh: Option<(&TokenRef, &RefreshRecord)>,
    ) -> Result<Issue, StoreError>;
    /// The hot path: one look-up. Expired records are `None`.
    async fn access(&self, token: &TokenRef, now: Timestamp) -> Result<Option<AccessRecord>, StoreError>;
    /// Looks at a refresh token without using it up.
    async fn refresh(&self, token: &TokenRef, now: Timestamp) -> Result<RefreshState, StoreError>;
    /// Rotates in one atomic step: exactly one of N parallel calls is `Done`, the others get the winner's answer.
    async fn rotate(&self, rotation: &Rotation) -> Result<RotationOutcome, StoreError>;
    /// Ends a grant: its tokens are gone everywhere, and nothing can be issued into it any more. Announced under
    /// [`super::events::REVOKED`], so that open streams end as well.
    async fn revoke_grant(&self, grant: &GrantId) -> Result<(), StoreError>;
    /// Notes that a grant was used, beside the issuing of tokens that notes it anyway. Nothing for one that is over.
    async fn note_use(&self, grant: &GrantId, now: Timestamp) -> Result<(), StoreError>;
    /// A grant that still has live tokens.
    async fn grant(&self, grant: &GrantId) -> Result<Option<GrantRecord>, StoreError>;
    /// The live grants of a user, and of nobody else; in no particular order.
    async fn grants_of_user(&self, user: &UserKey) -> Result<Vec<GrantRecord>, StoreError>;
    /// Ends one bearer, and announces it as [`Self::revoke_grant`] does.
    async fn revoke_access(&self, token: &TokenRef) -> Result<(), StoreError>;
}

/// Sealed Entra tokens per user, written by compare-and-swap.
#[async_trait]
pub(crate) trait UpstreamStore: Send + Sync {
    async fn upstream(&self, user: &UserKey) -> Result<Option<UpstreamRecord>, StoreError>;
    /// Writes `expected + 1` if `expected` stands (0 = none).
    async fn swap_upstream(
        &self,
        user: &UserKey,
        expected: u64,
        sealed: &Sealed,
        ttl: Duration,
    ) -> Result<Swap, StoreError>;
    /// Forgets the tokens of `version`, if that one stands, but not the version count: a later sign-in continues it.
    async fn forget_upstream(&self, user: &UserKey, version: u64) -> Result<Swap, StoreError>;
}

/// MCP sessions.
#[async_trait]
pub(crate) trait SessionStore: Send + Sync {
    async fn put_session(&self, session: &SessionRecord, ttl: Duration) -> Result<(), StoreError>;
    /// Reads a session and renews its life.
    async fn session(&self, id: &SessionId, ttl: Duration) -> Result<Option<SessionRecord>, StoreError>;
    /// Replaces a session, if its revision is still the one that was read, and counts the revision up.
    async fn update_session(
        &self,
        session: &SessionRecord,
        ttl: Duration,
    ) -> Result<SessionUpdate, StoreError>;
    /// Counts a session that stands into a group. Answers the members that are too many then, those first that were
    /// neither used nor opened for longest, and counts them no more; who asked ends them. The newcomer is never among them, and what
    /// ended by itself counts no more.
    async fn crowded_out(
        &self,
        crowd: Crowd<'_>,
        newcomer: &SessionId,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError>;
    /// Ends it with the logs of its streams; false when there was none.
    async fn end_session(&self, id: &SessionId) -> Result<bool, StoreError>;
}

/// Short handles for things too long or too private to hand out, such as the next page of a search.
#[async_trait]
pub(crate) trait HandleStore: Send + Sync {
    /// Kept for good before it answers: what is done next may rest on it.
    async fn put_handle(
        &self,
        user: &UserKey,
        id: &str,
        value: &Sealed,
        ttl: Duration,
    ) -> Result<(), StoreError>;
    /// Only ever answers the user it was stored for.
    async fn handle(&self, user: &UserKey, id: &str) -> Result<Option<Sealed>, StoreError>;
}

/// Exclusive leases between replicas.
#[async_trait]
pub(crate) trait LeaseStore: Send + Sync {
    /// Takes the lease `name` for `owner`, if nobody holds it.
    async fn try_lease(&self, name: &str, owner: &str, ttl: Duration) -> Result<bool, StoreError>;
    /// Extends the lease, if `owner` still holds it; false when it is gone or somebody else's.
    async fn renew_lease(&self, name: &str, owner: &str, ttl: Duration) -> Result<bool, StoreError>;
    /// Gives it back, if `owner` still holds it.
    async fn release_lease(&self, name: &str, owner: &str) -> Result<(), StoreError>;
}

/// Handle that a sign-in leaves before it writes Entra's tokens, for as long as its code lives.
pub(crate) const SIGNING_IN: &str = "signing-in";

/// The whole store.
#[async_trait]
pub(crate) trait Store:
    ClientStore
    + FlowStore
    + GrantStore
    + UpstreamStore
    + SessionStore
    + HandleStore
    + LeaseStore
    + LimitStore
    + LendingStore
    + SharedStore
    + TraceStore
    + Inventory
    + Resealing
    + EventLog
    + Bus
{
    /// Answers when the store can serve.
    async fn ping(&self) -> Result<(), StoreError>;
    /// The clock that all replicas of the store share: moments that are compared by another replica come from it.
    fn clock(&self) -> SharedClock;
    /// Compares that clock with this machine's; called again and again, since clocks drift.
    async fn keep_time(&self) -> Result<(), StoreError>;
    /// Ends a grant, and with the last one the Entra tokens of its user.
    async fn end_grant(&self, grant: &GrantId, user: &UserKey) -> Result<(), StoreError> {
        self.revoke_grant(grant).await?;
        self.forget_without_grants(user).await;
        Ok(())
    }
    /// Forgets the Entra tokens of a user who has no grant left: they would be kept for nobody. To be called when grants
    /// were revoked, once for all of a user's. Tokens that could not be forgotten end by themselves.
    ///
    /// Tokens of a sign-in that has no grant yet stay: it has left the mark [`SIGNING_IN`], or writes a newer version than
    /// the one that is looked at first.
    async fn forget_without_grants(&self, user: &UserKey) {
        let forget = async {
            let Some(record) = self.upstream(user).await? else { return Ok(()) };
            let signs_in = self.handle(user, SIGNING_IN).await?.is_some();
            if !signs_in && self.grants_of_user(user).await?.is_empty() {
                self.forget_upstream(user, record.version).await?;
            }
            Ok::<(), StoreError>(())
        };
        if let Err(error) = forget.await {
            tracing::warn!(%error, "the tokens of a user without clients were not forgotten");
        }
    }
    /// Number of live records of each kind, for operators. Slow on a large store; never on a request's way.
    async fn census(&self) -> Result<Vec<(String, u64)>, StoreError>;
    /// What an operator should change about the store, although it serves: one sentence each.
    async fn advice(&self) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }
}
