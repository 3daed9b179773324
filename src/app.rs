//! The composition root: the only file that names concrete adapters. Everything a replica needs is built here and
//! handed down; there is no process-wide state, so two replicas run side by side in one process.

use crate::actors::{ActorDeps, Actors, GateSettings, RegistrySettings};
use crate::adapters::embedded::EmbeddedStore;
use crate::adapters::entra::{EntraProvider, EntraSettings};
use crate::adapters::graph_http::GraphHttp;
use crate::adapters::http::{self, PlainHttp};
use crate::adapters::redis::RedisStore;
use crate::config::{Config, ConfigError, StoreUrl};
use crate::domain::cipher::Cipher;
use crate::domain::clock::{SharedClock, SystemClock};
use crate::domain::ids::ServiceName;
use crate::domain::resource::Resources;
use crate::domain::scope::ScopeSet;
use crate::domain::secret::Secret;
use crate::domain::token::Hasher;
use crate::extract::Extractor;
use crate::graph::GraphClient;
use crate::lifecycle::Shutdown;
use crate::mcp::{self, McpSettings, McpState};
use crate::oauth::bearer::BearerGuard;
use crate::oauth::{self, OauthSettings, OauthState};
use crate::ops::{self, OpsState, Readiness};
use crate::ports::graph::GraphTransport;
use crate::ports::identity::IdentityProvider;
use crate::ports::store::{Store, StoreError};
use crate::services::{self, ServiceDeps, ServiceSettings};
use crate::telemetry::RequestSpan;
use crate::tools::cursor::Cursors;
use crate::tools::dispatch::{CallLimits, Dispatcher};
use crate::tools::registry::ToolRegistry;
use actix_web::dev::Server;
use actix_web::{HttpServer, web};
use actix_web_lab::middleware::CatchPanic;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing_actix_web::TracingLogger;

/// Idle connections are closed after this long; longer than the usual load balancer's 60 s.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// A client gets this long to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("cannot open the store: {0}")]
    Store(#[from] StoreError),
    #[error("cannot build the HTTP client: {0}")]
    Client(String),
    #[error("cannot listen on {address}: {source}")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("setting `services.enabled` names `{name}`, which does not exist; known: {known}")]
    UnknownService { name: String, known: String },
}

/// A built server, listening but not yet serving.
pub(crate) struct App {
    server: Server,
    address: SocketAddr,
    resources: Arc<Resources>,
    shutdown: Shutdown,
    gave_up: Arc<AtomicBool>,
}

impl App {
    /// Binds the listener and wires everything. Starts even when Redis or Entra is away: readiness says so, and
    /// service begins when they come back.
    pub(crate) fn build(config: &Config) -> Result<Self, StartError> {
        let listener = listen(config.server.listen)?;
        let address = listener.local_addr().map_err(|source| failed_to_listen(config.server.listen, source))?;
        let parts = Parts::build(config, address)?;
        let handles = parts.clone();
        let mut server = HttpServer::new(move || {
            let parts = handles.clone();
            actix_web::App::new()
                .app_data(parts.ops)
                .app_data(parts.oauth)
                .app_data(parts.mcp)
                .configure(ops::configure)
                .configure(oauth::configure)
                .configure(|cfg| mcp::configure(cfg, &parts.resources))
                .wrap(CatchPanic::default())
                .wrap(TracingLogger::<RequestSpan>::new())
        })
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(HEAD_TIMEOUT)
        .shutdown_timeout(config.server.shutdown_grace_s)
        .disable_signals();
        if config.server.workers > 0 {
            server = server.workers(config.server.workers);
        }
        let server = server.listen(listener).map_err(|source| failed_to_listen(address, source))?.run();
        let shutdown = Shutdown {
            readiness: parts.readiness,
            actors: parts.actors,
            server: server.handle(),
            drain_delay: Duration::from_secs(config.server.drain_delay_s),
            stop: parts.stop,
        };
        Ok(Self { server, address, resources: parts.resources, shutdown, gave_up: parts.gave_up })
    }

    /// Where the listener really is, e.g. `http://127.0.0.1:40321`.
    pub(crate) fn local_url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn resources(&self) -> &Resources {
        &self.resources
    }

    /// Serves until told to stop. False when a part could not be kept alive, so that the process exits non-zero.
    pub(crate) async fn run(self) -> std::io::Result<bool> {
        let Self { server, shutdown, gave_up, .. } = self;
        let serving = actix_web::rt::spawn(server);
        shutdown.wait_and_drain().await?;
        serving.await.map_err(std::io::Error::other)??;
        Ok(!gave_up.load(Ordering::SeqCst))
    }
}

/// What every worker gets, and what the shutdown needs.
#[derive(Clone)]
struct Parts {
    ops: web::Data<OpsState>,
    oauth: web::Data<OauthState>,
    mcp: web::Data<McpState>,
    resources: Arc<Resources>,
    readiness: Arc<Readiness>,
    actors: Arc<Actors>,
    stop: CancellationToken,
    gave_up: Arc<AtomicBool>,
}

impl Parts {
    fn build(config: &Config, address: SocketAddr) -> Result<Self, StartError> {
        let clock: SharedClock = Arc::new(SystemClock);
        let ring = config.key_ring()?;
        let (cipher, hasher) = (Cipher::new(&ring), Hasher::new(&ring));
        let outside = Outside::build(config, &clock)?;
        let Outside { store, identity, graph } = outside;
        let (stop, gave_up) = (CancellationToken::new(), Arc::new(AtomicBool::new(false)));
        let actors = Arc::new(Actors::start(&ActorDeps {
            store: store.clone(),
            identity: identity.clone(),
            cipher: cipher.clone(),
            clock: clock.clone(),
            gate: gate_settings(config),
            registry: RegistrySettings { max_streams: config.mcp.max_streams },
            give_up: give_up(&stop, &gave_up),
        }));
        let deps = ServiceDeps {
            graph: GraphClient::new(graph, actors.tokens.clone(), actors.gate.clone()),
            cursors: Cursors::new(store.clone(), cipher.clone()),
            extractor: Arc::new(extractor()?),
            clock: clock.clone(),
            settings: service_settings(config),
        };
        let services = enabled_services(config, &deps)?;
        let infos = services.iter().map(|s| s.info().clone()).collect();
        let default = Some(&config.services.default).filter(|name| !name.is_empty());
        let default = default.map(|name| ServiceName::new(name.as_str()));
        let resources = Arc::new(Resources::new(public_url(config, address), infos, default));
        let limits = CallLimits {
            deadline: Duration::from_secs(config.tools.deadline_s),
            output_bytes: config.tools.output_bytes,
        };
        let dispatcher = Dispatcher::new(ToolRegistry::new(services), limits);
        let guard =
            Arc::new(BearerGuard::new(store.clone(), hasher.clone(), resources.clone(), clock.clone()));
        let readiness = Arc::new(Readiness::default());
        Ok(Self {
            ops: web::Data::new(OpsState::new(
                readiness.clone(),
                store.clone(),
                identity.clone(),
                resources.clone(),
                clock.clone(),
            )),
            oauth: web::Data::new(OauthState::new(
                store.clone(),
                identity,
                actors.tokens.clone(),
                cipher,
                hasher,
                resources.clone(),
                clock.clone(),
                oauth_settings(config),
            )),
            mcp: web::Data::new(McpState::new(
                dispatcher,
                guard,
                store,
                actors.streams.clone(),
                resources.clone(),
                clock,
                mcp_settings(config, address),
            )),
            resources,
            readiness,
            actors,
            stop,
            gave_up,
        })
    }
}

/// The adapters to the outside world.
struct Outside {
    store: Arc<dyn Store>,
    identity: Arc<dyn IdentityProvider>,
    graph: Arc<dyn GraphTransport>,
}

impl Outside {
    fn build(config: &Config, clock: &SharedClock) -> Result<Self, StartError> {
        let plain = if config.graph.insecure_upstream { PlainHttp::Allowed } else { PlainHttp::Refused };
        let client = http::client(plain).map_err(|e| StartError::Client(e.to_string()))?;
        let store: Arc<dyn Store> = match config.store_url()? {
            StoreUrl::Memory => Arc::new(EmbeddedStore::memory(clock.clone())),
            StoreUrl::File(path) => Arc::new(EmbeddedStore::open(&path, clock.clone())?),
            StoreUrl::Redis(url) => Arc::new(RedisStore::connect(&url)?),
        };
        let entra = EntraSettings {
            authority: config.entra.authority.clone(),
            tenant: config.entra.tenant_id.clone(),
            client_id: config.entra.client_id.clone(),
            client_secret: Secret::new(config.entra.client_secret.expose().clone()),
        };
        let identity = Arc::new(EntraProvider::new(entra, client.clone(), clock.clone()));
        let graph = Arc::new(GraphHttp::new(client, &config.graph.url, config.graph.insecure_upstream));
        Ok(Self { store, identity, graph })
    }
}
