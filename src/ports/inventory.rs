//! Looking through everything that is stored, for operators. Slow on a large store; never on a request's way.
//!
//! A walk begins without a cursor and goes on with the one of each page until there is none. Whatever stands for the
//! whole time is met at least once; what comes or goes meanwhile perhaps; Redis may show a record twice.

use super::store::StoreError;
use crate::domain::client::ClientRecord;
use crate::domain::grant::GrantRecord;
use crate::domain::ids::UserKey;
use crate::domain::session::SessionRecord;
use async_trait::async_trait;

/// A part of a walk. It may be empty and still not be the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// Where the walk goes on; none at its end.
    pub(crate) next: Option<String>,
}

/// Where a walk stands, and how many items a page should about hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk<'a> {
    pub(crate) from: Option<&'a str>,
    pub(crate) about: usize,
}

/// A page, or none for a cursor that this store never gave out.
pub(crate) type Walked<T> = Result<Option<Page<T>>, StoreError>;

/// Walks through the records of one kind. The work of one page is bounded, whatever the size of the store.
#[async_trait]
pub(crate) trait Inventory: Send + Sync {
    /// Registered clients.
    async fn clients(&self, walk: Walk<'_>) -> Walked<ClientRecord>;
    /// Grants that still have live tokens.
    async fn grants(&self, walk: Walk<'_>) -> Walked<GrantRecord>;
    /// MCP sessions; looking at one does not renew its life.
    async fn sessions(&self, walk: Walk<'_>) -> Walked<SessionRecord>;
    /// People who have signed in; their grants may have ended since.
    async fn users(&self, walk: Walk<'_>) -> Walked<UserKey>;
}
