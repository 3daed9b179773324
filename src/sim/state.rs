//! Everything one tenant knows, shared by its workers.

use super::{
    counters::Counters,
    directory::Directory,
    entra::{AppCredentials, forgery::ForgeryBook, grants::GrantBook},
    faults::FaultBook,
    graph::GraphState,
    options::{LiveOptions, TenantOptions},
    record::Record,
    tokens::TokenDesk,
};

/// The state of one tenant; handlers take it as `web::Data<SimState>`.
#[derive(Debug)]
pub(crate) struct SimState {
    /// Base URL of the tenant, without a slash at the end.
    pub(crate) url: String,
    pub(crate) directory: Directory,
    pub(crate) tokens: TokenDesk,
    pub(crate) faults: FaultBook,
    pub(crate) counters: Counters,
    pub(crate) options: LiveOptions,
    /// Codes, refresh tokens and consents.
    pub(crate) grants: GrantBook,
    /// What is to be wrong about the next id_tokens.
    pub(crate) forgeries: ForgeryBook,
    /// What the application authenticates with.
    pub(crate) credentials: AppCredentials,
    /// Mailboxes and their limits.
    pub(crate) graph: GraphState,
    /// Where exchanges with Graph are written down.
    pub(crate) record: Option<Record>,
}

impl SimState {
    /// A fresh tenant that answers at `url`.
    pub(crate) fn new(url: String, options: &TenantOptions) -> Self {
        let directory = Directory::contoso();
        let graph = GraphState::new(&directory, options);
        Self {
            url,
            tokens: TokenDesk::default(),
            faults: FaultBook::default(),
            counters: Counters::default(),
            options: LiveOptions::new(options),
            grants: GrantBook::default(),
            forgeries: ForgeryBook::default(),
            credentials: AppCredentials::default(),
            graph,
            directory,
            record: None,
        }
    }
}
