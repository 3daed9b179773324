//! What the front holds: settings, the catalogue of ready answers, and the ways to the rest of the program.

use super::catalog::Catalog;
use super::hub::{Hub, Reach};
use super::legacy::running::Running;
use super::legacy::session;
use super::pending::Pending;
use super::switched;
use super::tasks::Tasks;
use super::tether::Tethers;
use crate::domain::cipher::Cipher;
use crate::domain::clock::SharedClock;
use crate::domain::ids::{ServiceName, SessionId};
use crate::domain::resource::Resources;
use crate::edge::{Edge, EdgeSettings};
use crate::oauth::bearer::BearerGuard;
use crate::ports::sessions::SessionRouter;
use crate::ports::store::{Store, StoreError};
use crate::tools::context::Caller;
use crate::tools::dispatch::{Dispatcher, Invocation};
use crate::tools::error::ToolError;
use crate::tools::outlet::Outlet;
use crate::tools::switchboard::Switchboard;
use ipnet::IpNet;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Bounds and names of the MCP front.
#[derive(Clone, Debug)]
pub(crate) struct McpSettings {
    /// Life of a legacy session after its last request.
    pub(crate) session_ttl: Duration,
    /// Most sessions of a user, and of one client of a user.
    pub(crate) max_sessions_per_user: usize,
    pub(crate) max_sessions_per_client: usize,
    /// Largest request body in bytes.
    pub(crate) max_body: usize,
    /// Time for a body to arrive.
    pub(crate) body_timeout: Duration,
    /// How long the form of an answer may stay undecided. Some clients send nothing else until they see its head (the
    /// Python SDK holds its sign-in lock so long), not even the cancellation of that very request.
    pub(crate) patience: Duration,
    /// Deepest accepted nesting of JSON.
    pub(crate) max_depth: usize,
    /// Pause between comments on an idle stream.
    pub(crate) heartbeat: Duration,
    /// How long a WebSocket client without a header may take to say who it is.
    pub(crate) ws_greeting: Duration,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// Names the server answers to.
    pub(crate) edge: EdgeSettings,
    /// Serve legacy requests that need no session state even without a session id.
    pub(crate) lenient_sessions: bool,
    /// `serverInfo.version`.
    pub(crate) server_version: String,
}

impl Default for McpSettings {
    fn default() -> Self {
        Self {
            session_ttl: Duration::from_hours(24),
            max_sessions_per_user: 512,
            max_sessions_per_client: 128,
            max_body: 4 * 1024 * 1024,
            body_timeout: Duration::from_secs(30),
            patience: Duration::from_secs(2),
            max_depth: 64,
            heartbeat: Duration::from_secs(10),
            ws_greeting: Duration::from_secs(10),
            trusted_proxies: Vec::new(),
            edge: EdgeSettings::default(),
            lenient_sessions: true,
            server_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// The front's state, one per replica.
pub(crate) struct McpState {
    pub(super) dispatcher: Dispatcher,
    pub(super) guard: Arc<BearerGuard>,
    pub(super) store: Arc<dyn Store>,
    pub(super) router: Arc<dyn SessionRouter>,
    pub(super) clock: SharedClock,
    pub(super) settings: McpSettings,
    pub(super) edge: Edge,
    pub(super) catalog: Catalog,
    pub(super) running: Arc<Running>,
    pub(super) pending: Arc<Pending>,
    pub(super) hub: Arc<Hub>,
    pub(super) tasks: Arc<Tasks>,
    pub(super) tethers: Arc<Tethers>,
    pub(super) cipher: Cipher,
}

/// The ways out of the front.
pub(crate) struct McpParts {
    pub(crate) dispatcher: Dispatcher,
    pub(crate) guard: Arc<BearerGuard>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) router: Arc<dyn SessionRouter>,
    pub(crate) resources: Arc<Resources>,
    pub(crate) switchboard: Arc<Switchboard>,
    pub(crate) clock: SharedClock,
    pub(crate) cipher: Cipher,
}

impl McpState {
    /// Whether a caller can read a resource: what they cannot read they do not hear of either.
    pub(super) async fn may_read(
        &self,
        service: &ServiceName,
        caller: &Caller,
        uri: &str,
    ) -> Result<(), ToolError> {
        let (caller, outlet, cancel) = (caller.clone(), Outlet::default(), CancellationToken::new());
        self.dispatcher.read_resource(service, uri, Invocation { caller, outlet, cancel }).await.map(drop)
    }

    pub(crate) fn new(parts: McpParts, settings: McpSettings) -> Self {
        let catalog = Catalog::new(parts.dispatcher.registry(), &settings.server_version);
        let reach = Reach {
            router: parts.router.clone(),
            store: parts.store.clone(),
            cipher: parts.cipher.clone(),
            session_ttl: settings.session_ttl,
            with_resources: catalog.with_resources(),
        };
        let hub = Hub::start(reach);
        switched::follow(&parts.switchboard, parts.dispatcher.registry(), &hub);
        Self {
            edge: Edge::new(parts.resources.issuer(), &settings.edge),
            catalog,
            pending: Pending::start(&parts.store, &parts.cipher),
            hub,
            tasks: Tasks::start(&parts.store),
            tethers: Tethers::start(&parts.store, &parts.guard, &parts.clock),
            cipher: parts.cipher,
            running: Running::start(&parts.store, settings.session_ttl),
            dispatcher: parts.dispatcher,
            guard: parts.guard,
            store: parts.store,
            router: parts.router,
            clock: parts.clock,
            settings,
        }
    }

    /// Ends a session with what it runs and has open, on every replica; false when there was none.
    pub(crate) async fn end_session(&self, id: &SessionId) -> Result<bool, StoreError> {
        let stood = self.store.end_session(id).await?;
        if stood {
            session::end_open(self, id).await;
        }
        Ok(stood)
    }

    /// Ends the streams that listen to changes, each with its graceful result; for shutdown.
    pub(crate) fn drain(&self) {
        self.hub.drain();
    }
}
