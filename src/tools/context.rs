//! Who calls, and within which bounds.

use crate::domain::ids::{ClientId, UserKey};
use crate::domain::scope::ScopeSet;
use std::time::Instant;

/// The caller, from the bearer alone.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) user: UserKey,
    pub(crate) client: ClientId,
    pub(crate) scopes: ScopeSet,
}

/// Bounds of one call. Identity never comes from arguments.
#[derive(Clone, Debug)]
pub(crate) struct CallContext {
    pub(crate) caller: Caller,
    /// The call must have answered by then.
    pub(crate) deadline: Instant,
}
