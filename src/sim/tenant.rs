//! The running tenant.

use std::{
    net::{Ipv4Addr, TcpListener},
    time::Duration,
};

use actix_web::{App, HttpServer, dev::Server, middleware::from_fn, web};

use super::{
    control, entra, gateway::gateway, graph, options::TenantOptions, record::Record, state::SimState,
};

/// A simulated tenant that is bound and answers once its server is awaited or spawned.
pub struct Tenant {
    state: web::Data<SimState>,
    server: Server,
}

impl Tenant {
    /// Binds a loopback port and prepares the mailboxes.
    pub fn bind(options: TenantOptions) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
        let url = match &options.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", listener.local_addr()?),
        };
        let mut state = SimState::new(url, &options);
        state.record = options.record.as_deref().map(Record::create).transpose()?;
        let state = web::Data::new(state);
        let shared = state.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .wrap(from_fn(gateway))
                .configure(control::configure)
                .configure(graph::configure)
                .configure(entra::configure)
                .default_service(web::to(entra::not_found))
        })
        .workers(options.workers.max(1))
        // Longer than the idle time of any client's pool, or requests race with the close.
        .keep_alive(Duration::from_mins(2))
        .shutdown_timeout(1)
        .disable_signals()
        .listen(listener)?
        .run();
        Ok(Self { state, server })
    }

    /// Base URL: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.state.url.clone()
    }

    /// What stands for `https://login.microsoftonline.com`.
    pub fn authority(&self) -> String {
        self.state.url.clone()
    }

    /// What stands for `https://graph.microsoft.com/v1.0`.
    pub fn graph_url(&self) -> String {
        format!("{}/v1.0", self.state.url)
    }

    /// The registered application.
    pub fn app_id(&self) -> &'static str {
        entra::APP_ID
    }

    /// The secret of the registered application.
    pub fn app_secret(&self) -> &'static str {
        entra::APP_SECRET
    }

    /// The tenant's GUID.
    pub fn tenant_id(&self) -> String {
        self.state.directory.tenant_id.clone()
    }

    /// Sign-in names of the people.
    pub fn users(&self) -> Vec<String> {
        self.state.directory.people.iter().map(|person| person.upn.clone()).collect()
    }

    /// The server: await or spawn it; its handle stops it.
    pub fn run(self) -> Server {
        self.server
    }
}
