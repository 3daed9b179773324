//! What the front works with.

use super::token::AdminToken;
use crate::domain::ids::SessionId;
use crate::domain::meters::Meters;
use crate::ports::sessions::SessionRouter;
use crate::ports::store::{Store, StoreError};
use crate::tools::registry::ToolRegistry;
use crate::tools::switchboard::Switchboard;
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// Ends an MCP session with all that it has open and runs, on every replica; false when there was none.
pub(crate) type EndSession =
    Arc<dyn Fn(SessionId) -> BoxFuture<'static, Result<bool, StoreError>> + Send + Sync>;

/// What the composition root hands over; the front's state, one per replica.
pub(crate) struct ConsoleState {
    pub(crate) token: AdminToken,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) registry: ToolRegistry,
    pub(crate) switchboard: Arc<Switchboard>,
    pub(crate) end_session: EndSession,
    pub(crate) meters: Arc<Meters>,
    /// For the number of streams that are open here.
    pub(crate) streams: Arc<dyn SessionRouter>,
}
