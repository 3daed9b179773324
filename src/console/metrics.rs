//! `GET /metrics`: the meters of this replica, for Prometheus, which brings the operators' token
//! (`authorization.credentials_file` of a scrape job, `bearerTokenSecret` of a ServiceMonitor).

use super::state::ConsoleState;
use actix_web::{HttpResponse, web};

/// OpenMetrics 1.0, which Prometheus reads since 2.5.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) async fn scrape(state: web::Data<ConsoleState>) -> HttpResponse {
    state.meters.set_open_streams(state.streams.open_streams().await);
    HttpResponse::Ok().content_type(CONTENT_TYPE).body(state.meters.text())
}
