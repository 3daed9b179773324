//! `/_sim/graph/limits`: what the limits are, who came near them, and other limits for a test.
use actix_web::{HttpResponse, web};
use serde_json::json;

use super::gate::Limits;
use crate::sim::state::SimState;

/// The limits and the use of each application and mailbox.
pub(super) async fn read(state: web::Data<SimState>) -> HttpResponse {
    let gate = &state.graph.gate;
    HttpResponse::Ok().json(json!({ "limits": gate.limits(), "usage": gate.report() }))
}

/// Sets other limits (absent ones go back to the real ones) and clears the use.
pub(super) async fn write(state: web::Data<SimState>, limits: web::Json<Limits>) -> HttpResponse {
    let limits = limits.into_inner();
    state.graph.drives.units.set(limits.drive_units);
    state.graph.notes.limits.set(limits.notes_per_minute);
    state.graph.gate.set(limits);
    HttpResponse::NoContent().finish()
}
