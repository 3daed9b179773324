//! Lists that may be long: `limit` and `cursor` in the query, `next_cursor` in the answer.

use super::wire::ConsoleError;
use crate::ports::inventory::{Page, Walk};
use serde::{Deserialize, Serialize};

/// Items of a page unless the caller says otherwise, and at most.
const USUAL: usize = 100;
const MOST: usize = 1000;

/// The part of a query that pages.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Paging {
    pub(super) cursor: Option<String>,
    /// About how many items: a page may hold a few more, or fewer though the list goes on.
    pub(super) limit: Option<usize>,
}

impl Paging {
    /// The walk that it asks for.
    pub(super) fn walk(&self) -> Walk<'_> {
        Walk { from: self.cursor.as_deref(), about: self.limit.unwrap_or(USUAL).clamp(1, MOST) }
    }
}

/// A page on the wire.
#[derive(Debug, Serialize)]
pub(super) struct Listed<T> {
    pub(super) items: Vec<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_cursor: Option<String>,
}

/// The page, if its cursor was one of ours.
pub(super) fn known<T>(page: Option<Page<T>>) -> Result<Page<T>, ConsoleError> {
    page.ok_or_else(|| ConsoleError::Invalid("`cursor` is not one that this list gave out".to_owned()))
}
