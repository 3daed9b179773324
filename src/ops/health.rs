//! Liveness, readiness and version.

use super::OpsState;
use crate::domain::clock::{SharedClock, Timestamp};
use crate::ports::identity::IdentityProvider;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use parking_lot::Mutex;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
const PROBE_EVERY: Duration = Duration::from_secs(10);

/// Whether this replica wants traffic.
#[derive(Debug, Default)]
pub(crate) struct Readiness {
    draining: AtomicBool,
}

impl Readiness {
    pub(crate) fn start_draining(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }
}

/// Asks Entra at most every ten seconds, whoever asks us.
pub(crate) struct EntraProbe {
    identity: Arc<dyn IdentityProvider>,
    clock: SharedClock,
    last: Mutex<Option<(Timestamp, bool)>>,
}

impl EntraProbe {
    pub(crate) fn new(identity: Arc<dyn IdentityProvider>, clock: SharedClock) -> Self {
        Self { identity, clock, last: Mutex::new(None) }
    }

    fn is_refused(&self) -> bool {
        self.identity.is_refused()
    }

    async fn is_reachable(&self) -> bool {
        let now = self.clock.now();
        let known = *self.last.lock();
        if let Some((_, reachable)) = known.filter(|(at, _)| now.since(*at) < PROBE_EVERY) {
            return reachable;
        }
        let reachable =
            matches!(tokio::time::timeout(PROBE_TIMEOUT, self.identity.check()).await, Ok(Ok(())));
        *self.last.lock() = Some((now, reachable));
        reachable
    }
}

/// The process runs.
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "ok"}))
}

/// Ready: not draining and the store answers. Entra is reported only: without it, live tokens go on working, and
/// taking every replica out of service would end that.
pub(super) async fn ready(state: web::Data<OpsState>) -> HttpResponse {
    let (store, entra, streams) =
        futures_util::join!(store_answers(&state), state.entra.is_reachable(), state.streams.open_streams());
    let draining = state.readiness.is_draining();
    let ok = store && !draining;
    let status = if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    HttpResponse::build(status).insert_header(("Cache-Control", "no-store")).json(json!({
        "status": if ok { "ready" } else { "not_ready" },
        "store": if store { "ok" } else { "unavailable" },
        "entra": match (entra, state.entra.is_refused()) {
            (false, _) => "unavailable",
            // Nobody new gets in until an operator mends the secret, certificate or federation.
            (true, true) => "credential_refused",
            (true, false) => "ok",
        },
        "draining": draining,
        "open_streams": streams,
    }))
}

async fn store_answers(state: &OpsState) -> bool {
    match tokio::time::timeout(PROBE_TIMEOUT, state.store.ping()).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the store does not answer");
            false
        }
        Err(_) => {
            tracing::warn!("the store does not answer in time");
            false
        }
    }
}

/// `/health`: status, server, version.
pub(super) async fn summary(state: web::Data<OpsState>) -> HttpResponse {
    let status = if state.readiness.is_draining() { "draining" } else { "ok" };
    HttpResponse::Ok().json(json!({
        "status": status,
        "server": env!("CARGO_PKG_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
    }))
}

/// `/info`: what is mounted here.
pub(super) async fn info(state: web::Data<OpsState>) -> HttpResponse {
    let services = state.resources.offered().into_iter().map(|service| {
        json!({
            "name": service.name.as_str(),
            "title": service.title,
            "description": service.description,
            "mcp": state.resources.resource_of(&service.name),
        })
    });
    HttpResponse::Ok().json(json!({
        "server": env!("CARGO_PKG_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
        "issuer": state.resources.issuer(),
        "services": services.collect::<Vec<_>>(),
    }))
}
