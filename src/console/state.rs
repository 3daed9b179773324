//! What the front works with.

use super::token::AdminToken;
use crate::tools::registry::ToolRegistry;
use crate::tools::switchboard::Switchboard;
use std::sync::Arc;

/// What the composition root hands over.
pub(crate) struct ConsoleParts {
    pub(crate) token: AdminToken,
    pub(crate) registry: ToolRegistry,
    pub(crate) switchboard: Arc<Switchboard>,
}

/// The front's state, one per replica.
pub(crate) struct ConsoleState {
    pub(super) token: AdminToken,
    pub(super) registry: ToolRegistry,
    pub(super) switchboard: Arc<Switchboard>,
}

impl ConsoleState {
    pub(crate) fn new(parts: ConsoleParts) -> Self {
        Self { token: parts.token, registry: parts.registry, switchboard: parts.switchboard }
    }
}
