//! How a tenant is started, and the few switches that can be turned while it runs.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How to start a simulated tenant.
#[derive(Clone, Debug)]
pub struct TenantOptions {
    /// Loopback port; 0 takes a free one.
    pub port: u16,
    /// Worker threads.
    pub workers: usize,
    /// Generated messages per mailbox on top of the fixed ones, for load.
    pub extra_messages: usize,
    /// Registered reply URLs; when empty, any loopback URL is accepted.
    pub redirect_uris: Vec<String>,
    /// A refresh token dies when it is used. Entra itself leaves it usable.
    pub strict_refresh: bool,
    /// Access-token life in seconds; 60 to 90 minutes at random when absent, as in Entra.
    pub access_token_seconds: Option<u64>,
    /// Time that each Graph answer takes; Graph handlers wait it out while they hold their concurrency slot.
    pub graph_delay_ms: u64,
    /// Public base URL when it differs from the bound address (behind a proxy, in a container).
    pub public_url: Option<String>,
    /// Folder for a record of all exchanges with Graph, without tokens; none is kept when absent.
    pub record: Option<PathBuf>,
}

impl Default for TenantOptions {
    fn default() -> Self {
        Self {
            port: 0,
            workers: 2,
            extra_messages: 0,
            redirect_uris: Vec::new(),
            strict_refresh: false,
            access_token_seconds: None,
            graph_delay_ms: 0,
            public_url: None,
            record: None,
        }
    }
}

/// The switches of `POST /_sim/options`.
#[derive(Debug)]
pub(crate) struct LiveOptions {
    pub(crate) redirect_uris: Vec<String>,
    strict_refresh: AtomicBool,
    /// 0 stands for "random".
    access_token_seconds: AtomicU64,
    graph_delay_ms: AtomicU64,
    group_claims: AtomicBool,
    auth_time_claim: AtomicBool,
    admin_consent_required: AtomicBool,
}

impl LiveOptions {
    pub(crate) fn new(options: &TenantOptions) -> Self {
        Self {
            redirect_uris: options.redirect_uris.clone(),
            strict_refresh: AtomicBool::new(options.strict_refresh),
            access_token_seconds: AtomicU64::new(options.access_token_seconds.unwrap_or(0)),
            graph_delay_ms: AtomicU64::new(options.graph_delay_ms),
            group_claims: AtomicBool::new(true),
            auth_time_claim: AtomicBool::new(true),
            admin_consent_required: AtomicBool::new(false),
        }
    }

    pub(crate) fn strict_refresh(&self) -> bool {
        self.strict_refresh.load(Ordering::Relaxed)
    }

    pub(crate) fn set_strict_refresh(&self, on: bool) {
        self.strict_refresh.store(on, Ordering::Relaxed);
    }

    /// The configured life, or `None` for a random one.
    pub(crate) fn access_token_seconds(&self) -> Option<u64> {
        Some(self.access_token_seconds.load(Ordering::Relaxed)).filter(|&seconds| seconds > 0)
    }

    pub(crate) fn set_access_token_seconds(&self, seconds: Option<u64>) {
        self.access_token_seconds.store(seconds.unwrap_or(0), Ordering::Relaxed);
    }

    /// Whether id_tokens name groups.
    pub(crate) fn group_claims(&self) -> bool {
        self.group_claims.load(Ordering::Relaxed)
    }

    pub(crate) fn set_group_claims(&self, on: bool) {
        self.group_claims.store(on, Ordering::Relaxed);
    }

    /// Whether id_tokens say when the person signed in, an optional claim of the registration.
    pub(crate) fn auth_time_claim(&self) -> bool {
        self.auth_time_claim.load(Ordering::Relaxed)
    }

    pub(crate) fn set_auth_time_claim(&self, on: bool) {
        self.auth_time_claim.store(on, Ordering::Relaxed);
    }

    /// Whether administrators consent to everything, as in tenants with Microsoft's managed policy.
    pub(crate) fn admin_consent_required(&self) -> bool {
        self.admin_consent_required.load(Ordering::Relaxed)
    }

    pub(crate) fn set_admin_consent_required(&self, on: bool) {
        self.admin_consent_required.store(on, Ordering::Relaxed);
    }

    pub(crate) fn graph_delay_ms(&self) -> u64 {
        self.graph_delay_ms.load(Ordering::Relaxed)
    }

    pub(crate) fn set_graph_delay_ms(&self, delay: u64) {
        self.graph_delay_ms.store(delay, Ordering::Relaxed);
    }
}
