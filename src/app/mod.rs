//! The composition root: the only file that names concrete adapters. Everything a replica needs is built here and
//! handed down; there is no process-wide state, so two replicas run side by side in one process.

mod listeners;
mod offered;
mod probes;
mod resealing;
mod settings;

use crate::actors::{ActorDeps, Actors, GiveUp};
use crate::adapters::embedded::EmbeddedStore;
use crate::adapters::entra::{Credential, Endpoints, EntraProvider, EntraSettings};
use crate::adapters::graph_http::GraphHttp;
use crate::adapters::http::{self, Clients, PlainHttp};
use crate::adapters::issuer_keys::HttpIssuerKeys;
use crate::adapters::language_model::HttpModel;
use crate::adapters::metered_graph::MeteredGraph;
use crate::adapters::net_probe::NetProbe;
use crate::adapters::public_http::PublicHttp;
use crate::adapters::redis::RedisStore;
use crate::config::{Config, ConfigError, StoreUrl};
use crate::console::{AdminToken, ConsoleState, EndSession};
use crate::domain::cipher::Cipher;
use crate::domain::clock::{SharedClock, SkewedClock, SystemClock};
use crate::domain::meters::Meters;
use crate::domain::resource::Resources;
use crate::domain::switches::Switches;
use crate::domain::token::Hasher;
use crate::extract::{Extractor, PoolLimits};
use crate::files::FilesState;
use crate::graph::client::GraphClient;
use crate::lifecycle::{Shutdown, raise_open_files};
use crate::mcp::{McpParts, McpState};
use crate::oauth::{OauthParts, OauthSettings, OauthState};
use crate::openai::{OpenAiParts, OpenAiState};
use crate::ops::{EntraProbe, OpsState, Readiness};
use crate::ports::graph::GraphTransport;
use crate::ports::identity::IdentityProvider;
use crate::ports::issuers::IssuerKeys;
use crate::ports::language_model::LanguageModel;
use crate::ports::store::{Store, StoreError};
use crate::services::ServiceDeps;
use crate::tools::activity::Activity;
use crate::tools::confirm::Writes;
use crate::tools::cursor::Cursors;
use crate::tools::dispatch::Dispatcher;
use crate::tools::keepsakes::Keepsakes;
use crate::tools::offer::Offers;
use crate::tools::registry::ToolRegistry;
use crate::tools::switchboard::Switchboard;
use crate::tools::transfer::Transfers;
use crate::tools::transfer::porter::Porter;
use actix_web::dev::Server;
use actix_web::web;
use futures_util::FutureExt;
use listeners::Bound;
pub(crate) use probes::probes;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often the clocks are compared, and how soon again after a failure.
const TIME_CHECK: Duration = Duration::from_secs(30);
const TIME_RETRY: Duration = Duration::from_secs(2);

/// How long the start waits for the switches; a store that is away tells of them when it is back.
const FIRST_LOOK: Duration = Duration::from_secs(2);

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
    #[error("cannot find the path of this program: {0}")]
    OwnPath(std::io::Error),
    #[error("setting `services.enabled` names `{name}`, which does not exist; known: {known}")]
    UnknownService { name: String, known: String },
    #[error(
        "setting `services.enabled` names only bundles of other services: name those as well, such as mail-query"
    )]
    NothingBehind,
}

/// A built server, listening but not yet serving.
pub(crate) struct App {
    servers: Vec<Server>,
    address: SocketAddr,
    admin: Option<SocketAddr>,
    resources: Arc<Resources>,
    switchboard: Arc<Switchboard>,
    shutdown: Shutdown,
    gave_up: Arc<AtomicBool>,
}

impl App {
    /// Binds the listeners and wires everything. Starts even when Redis or Entra is away: readiness says so, and
    /// service begins when they come back.
    pub(crate) fn build(config: &Config, meters: Arc<Meters>) -> Result<Self, StartError> {
        let public = Bound::to(config.server.listen)?;
        let operators = config.server.admin_listen.map(Bound::to).transpose()?;
        let (address, admin) = (public.address, operators.as_ref().map(|bound| bound.address));
        let parts = Parts::build(config, address, meters)?;
        let mut servers = vec![listeners::public(public, config, parts.clone())?];
        if let Some(bound) = operators {
            servers.push(listeners::operators(bound, config, parts.clone())?);
        }
        let shutdown = Shutdown {
            readiness: parts.readiness,
            actors: parts.actors,
            mcp: parts.mcp,
            servers: servers.iter().map(Server::handle).collect(),
            drain_delay: Duration::from_secs(config.server.drain_delay_s),
            stop: parts.stop,
        };
        let (resources, switchboard) = (parts.resources, parts.switchboard);
        Ok(Self { servers, address, admin, resources, switchboard, shutdown, gave_up: parts.gave_up })
    }

    /// Where the listener really is, e.g. `http://127.0.0.1:40321`.
    pub(crate) fn local_url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn resources(&self) -> &Resources {
        &self.resources
    }

    /// Where operators are served, e.g. `http://127.0.0.1:40322`.
    pub(crate) fn admin_url(&self) -> Option<String> {
        self.admin.map(|address| format!("http://{address}"))
    }

    /// Serves until told to stop. False when a part could not be kept alive, so that the process exits non-zero.
    pub(crate) async fn run(self) -> std::io::Result<bool> {
        let Self { servers, switchboard, shutdown, gave_up, .. } = self;
        raise_open_files();
        // Nothing that an operator switched off is served in the first moments.
        if !matches!(tokio::time::timeout(FIRST_LOOK, switchboard.refresh()).await, Ok(Ok(()))) {
            tracing::warn!("the switches cannot be read yet");
        }
        let serving: Vec<_> = servers.into_iter().map(actix_web::rt::spawn).collect();
        shutdown.wait_and_drain().await?;
        for server in serving {
            server.await.map_err(std::io::Error::other)??;
        }
        Ok(!gave_up.load(Ordering::SeqCst))
    }
}

/// What every worker gets, and what the shutdown needs.
#[derive(Clone)]
struct Parts {
    files: web::Data<FilesState>,
    ops: web::Data<OpsState>,
    oauth: web::Data<OauthState>,
    mcp: web::Data<McpState>,
    openai: web::Data<OpenAiState>,
    console: web::Data<ConsoleState>,
    meters: web::Data<Meters>,
    switchboard: Arc<Switchboard>,
    resources: Arc<Resources>,
    readiness: Arc<Readiness>,
    actors: Arc<Actors>,
    stop: CancellationToken,
    gave_up: Arc<AtomicBool>,
}

impl Parts {
    fn build(config: &Config, address: SocketAddr, meters: Arc<Meters>) -> Result<Self, StartError> {
        let clock = machine_clock(config);
        let ring = config.key_ring()?;
        let (cipher, hasher) = (Cipher::new(&ring), Hasher::new(&ring));
        let Outside { store, identity, graph, issuer_keys } =
            Outside::build(config, &clock, &cipher, &meters)?;
        let (stop, gave_up) = (CancellationToken::new(), Arc::new(AtomicBool::new(false)));
        keep_time(store.clone(), stop.clone());
        if ring.keys().len() > 1 {
            let pause = Duration::from_secs(config.keys.reencrypt_after_s);
            resealing::keep(store.clone(), cipher.clone(), pause, stop.clone());
        }
        let grant_clock = store.clock();
        let actors = Arc::new(Actors::start(&ActorDeps {
            store: store.clone(),
            identity: identity.clone(),
            cipher: cipher.clone(),
            hasher: hasher.clone(),
            clock: clock.clone(),
            gate: settings::gate(config),
            registry: settings::registry(config),
            give_up: give_up(&stop, &gave_up),
        }));
        let keepsakes = Keepsakes::new(store.clone(), cipher.clone());
        let public_url = offered::public_url(config, address);
        let transfers = Transfers::new(store.clone(), cipher.clone(), hasher.clone(), &public_url);
        let deps = ServiceDeps {
            graph: GraphClient::new(graph, actors.tokens.clone(), actors.gate.clone()),
            cursors: Cursors::new(store.clone(), cipher.clone()),
            writes: Arc::new(Writes::new(
                store.clone(),
                cipher.clone(),
                hasher.clone(),
                settings::write_rules(config),
            )),
            activity: Activity::new(keepsakes.clone(), clock.clone()),
            keepsakes,
            transfers: transfers.clone(),
            store: store.clone(),
            offers: Offers::default(),
            extractor: Arc::new(extractor()?),
            clock: clock.clone(),
            settings: settings::services(config)?,
            probe: Arc::new(NetProbe::new(settings::reach(config))),
        };
        let switches = Arc::new(Switches::default());
        let services = offered::services(config, &deps, &switches)?;
        let switchboard = Switchboard::start(store.clone(), cipher.clone(), switches.clone());
        let resources =
            Arc::new(offered::resources(config, public_url, &services).with_switches(switches.clone()));
        deps.offers.set(&services, resources.clone());
        let registry = ToolRegistry::new(services, switches);
        let porter = Porter::new(transfers, registry.clone(), deps.settings.max_attachment_bytes);
        let readiness = Arc::new(Readiness::default());
        let ops = OpsState::new(
            readiness.clone(),
            store.clone(),
            EntraProbe::new(identity.clone(), clock.clone()),
            actors.streams.clone(),
            resources.clone(),
        )
        .with_personal_keys(config.oauth.personal_keys);
        let documents = PublicHttp::new(settings::stand(config)?);
        let documents = documents.map_err(|e| StartError::Client(e.to_string()))?;
        let oauth = OauthParts {
            store: store.clone(),
            identity,
            tokens: actors.tokens.clone(),
            documents: Arc::new(documents),
            issuer_keys,
            cipher: cipher.clone(),
            hasher,
            resources: resources.clone(),
            clock: grant_clock.clone(),
            settings: OauthSettings { clients: settings::clients(config)?, ..settings::oauth(config) },
        };
        let oauth = OauthState::new(oauth);
        let dispatcher = Dispatcher::new(registry.clone(), settings::call_limits(config))
            .metered(meters.clone())
            .noting(deps.activity.clone());
        let openai = OpenAiParts {
            dispatcher: dispatcher.clone(),
            guard: oauth.guard(),
            store: store.clone(),
            resources: resources.clone(),
            clock: grant_clock.clone(),
            cipher: cipher.clone(),
            keepsakes: deps.keepsakes.clone(),
            model: language_model(config)?,
            limits: settings::model_limits(config),
        };
        let openai = web::Data::new(OpenAiState::new(openai, settings::openai(config, address)));
        let mcp = McpParts {
            dispatcher,
            guard: oauth.guard(),
            store: store.clone(),
            router: actors.streams.clone(),
            resources: resources.clone(),
            switchboard: switchboard.clone(),
            clock: grant_clock,
            cipher: cipher.clone(),
        };
        let mcp = web::Data::new(McpState::new(mcp, settings::mcp(config, address)));
        let console = ConsoleState {
            token: AdminToken::new(config.server.admin_token.expose()),
            store: store.clone(),
            registry,
            switchboard: switchboard.clone(),
            end_session: end_session(&mcp),
            meters: meters.clone(),
            streams: actors.streams.clone(),
        };
        Ok(Self {
            files: web::Data::new(FilesState::new(porter)),
            ops: web::Data::new(ops),
            oauth: web::Data::new(oauth),
            mcp,
            openai,
            console: web::Data::new(console),
            meters: web::Data::from(meters),
            switchboard,
            resources,
            readiness,
            actors,
            stop,
            gave_up,
        })
    }
}

/// The language model of the settings.
fn language_model(config: &Config) -> Result<Option<Arc<dyn LanguageModel>>, StartError> {
    let Some(settings) = settings::language_model(config) else { return Ok(None) };
    let plain = if config.llm.allow_http { PlainHttp::Allowed } else { PlainHttp::Refused };
    let client = http::client(plain).map_err(|e| StartError::Client(e.to_string()))?;
    Ok(Some(Arc::new(HttpModel::new(client, settings))))
}

/// How operators end sessions, which are the MCP front's.
fn end_session(mcp: &web::Data<McpState>) -> EndSession {
    let mcp = mcp.clone();
    Arc::new(move |id| {
        let mcp = mcp.clone();
        async move { mcp.end_session(&id).await }.boxed()
    })
}

/// Compares the store's clock with ours until the process ends.
fn keep_time(store: Arc<dyn Store>, stop: CancellationToken) {
    actix_web::rt::spawn(async move {
        loop {
            let pause = match store.keep_time().await {
                Ok(()) => TIME_CHECK,
                Err(_) => TIME_RETRY,
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    });
}

/// The adapters to the outside world.
struct Outside {
    store: Arc<dyn Store>,
    identity: Arc<dyn IdentityProvider>,
    graph: Arc<dyn GraphTransport>,
    issuer_keys: Arc<dyn IssuerKeys>,
}

impl Outside {
    fn build(
        config: &Config,
        clock: &SharedClock,
        cipher: &Cipher,
        meters: &Arc<Meters>,
    ) -> Result<Self, StartError> {
        let plain = if config.graph.insecure_upstream { PlainHttp::Allowed } else { PlainHttp::Refused };
        let clients = Clients::new(plain).map_err(|e| StartError::Client(e.to_string()))?;
        let store = open_store(config, clock, cipher)?;
        let entra = EntraSettings {
            authority: config.entra.authority.clone(),
            tenant: config.entra.tenant_id.clone(),
            client_id: config.entra.client_id.clone(),
            credential: credential(config),
            continuous_access: config.entra.continuous_access,
            endpoints: Endpoints {
                issuer: config.entra.issuer.clone(),
                authorization_endpoint: config.entra.authorization_endpoint.clone(),
                token_endpoint: config.entra.token_endpoint.clone(),
                jwks_uri: config.entra.jwks_uri.clone(),
            },
            allowed_groups: settings::lowercase(&config.entra.allowed_groups),
            allowed_roles: config.entra.allowed_roles.clone(),
            graph_url: config.graph.url.clone(),
        };
        // Replicas whose clocks differ agree on what has expired.
        let identity = EntraProvider::new(entra, clients.clone(), store.clock());
        let identity = Arc::new(identity.metered(meters.clone()));
        let issuer_keys = Arc::new(HttpIssuerKeys::new(clients.clone(), store.clock()));
        let graph = GraphHttp::new(clients, &config.graph.url, config.graph.insecure_upstream);
        let graph = Arc::new(MeteredGraph::new(graph, meters.clone()));
        Ok(Self { store, identity, graph, issuer_keys })
    }
}

/// The credential that the settings choose.
fn credential(config: &Config) -> Credential {
    let entra = &config.entra;
    Credential::choose(
        entra.client_secret.expose(),
        &entra.client_certificate_path,
        &entra.federated_token_file,
    )
}

fn machine_clock(config: &Config) -> SharedClock {
    match config.server.test_clock_offset_s {
        0 => Arc::new(SystemClock),
        ahead_s => Arc::new(SkewedClock { ahead_s }),
    }
}

/// The store of the settings and the cipher of their ring, for commands that work on records.
pub(crate) fn records(config: &Config) -> Result<(Arc<dyn Store>, Cipher), StartError> {
    let clock = machine_clock(config);
    let cipher = Cipher::new(&config.key_ring()?);
    Ok((open_store(config, &clock, &cipher)?, cipher))
}

fn open_store(config: &Config, clock: &SharedClock, cipher: &Cipher) -> Result<Arc<dyn Store>, StartError> {
    Ok(match config.store_url()? {
        StoreUrl::Memory => Arc::new(EmbeddedStore::memory(clock.clone())),
        StoreUrl::File(path) => Arc::new(EmbeddedStore::open(&path, clock.clone())?),
        StoreUrl::Redis(place) => Arc::new(RedisStore::connect_from(&place, cipher.clone(), clock.clone())?),
    })
}

/// Ends the process from inside, remembering that it was not asked for.
fn give_up(stop: &CancellationToken, gave_up: &Arc<AtomicBool>) -> GiveUp {
    let (stop, gave_up) = (stop.clone(), gave_up.clone());
    Arc::new(move || {
        gave_up.store(true, Ordering::SeqCst);
        stop.cancel();
    })
}

/// Documents are read by this same binary, started again as a bounded child.
fn extractor() -> Result<Extractor, StartError> {
    let program = std::env::current_exe().map_err(StartError::OwnPath)?;
    Ok(Extractor::new(program, PoolLimits::default()))
}
