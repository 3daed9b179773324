//! What operators and load balancers ask: liveness, readiness, version; and the landing page for people.

mod health;
mod landing;

use crate::domain::clock::SharedClock;
use crate::domain::resource::Resources;
use crate::ports::identity::IdentityProvider;
use crate::ports::store::Store;
use actix_web::web;
use health::EntraProbe;
pub(crate) use health::Readiness;
use std::sync::Arc;

/// What the operational endpoints look at.
pub(crate) struct OpsState {
    readiness: Arc<Readiness>,
    store: Arc<dyn Store>,
    entra: EntraProbe,
    resources: Arc<Resources>,
}

impl OpsState {
    pub(crate) fn new(
        readiness: Arc<Readiness>,
        store: Arc<dyn Store>,
        identity: Arc<dyn IdentityProvider>,
        resources: Arc<Resources>,
        clock: SharedClock,
    ) -> Self {
        Self { readiness, store, entra: EntraProbe::new(identity, clock), resources }
    }
}

/// Mounts the endpoints; expects `web::Data<OpsState>`.
pub(crate) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/", web::get().to(landing::page))
        .route("/health", web::get().to(health::summary))
        .route("/health/live", web::get().to(health::live))
        .route("/health/ready", web::get().to(health::ready))
        .route("/info", web::get().to(health::info));
}
