//! What operators and load balancers ask: liveness, readiness, version; and the landing page for people.

mod health;
mod landing;

use crate::domain::resource::Resources;
use crate::ports::sessions::SessionRouter;
use crate::ports::store::Store;
use actix_web::web;
pub(crate) use health::{EntraProbe, Readiness};
use std::sync::Arc;

/// What the operational endpoints look at.
pub(crate) struct OpsState {
    readiness: Arc<Readiness>,
    store: Arc<dyn Store>,
    entra: EntraProbe,
    streams: Arc<dyn SessionRouter>,
    resources: Arc<Resources>,
    /// People may make keys for programs that know only a static one.
    personal_keys: bool,
}

impl OpsState {
    pub(crate) fn new(
        readiness: Arc<Readiness>,
        store: Arc<dyn Store>,
        entra: EntraProbe,
        streams: Arc<dyn SessionRouter>,
        resources: Arc<Resources>,
    ) -> Self {
        Self { readiness, store, entra, streams, resources, personal_keys: false }
    }

    /// The same where people may make personal keys.
    pub(crate) fn with_personal_keys(self, personal_keys: bool) -> Self {
        Self { personal_keys, ..self }
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
