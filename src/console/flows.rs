//! `/admin/v1/flows/{id}`: the trace of a sign-in, for the operator whom a person tells the id on their error page.

use super::state::ConsoleState;
use super::wire::{Answer, ConsoleError, found};
use actix_web::web;
use serde_json::{Value, json};

/// `GET flows/{id}`. Steps as `oauth::trace` keeps them, oldest first, each with `at` in milliseconds.
pub(super) async fn get(state: web::Data<ConsoleState>, path: web::Path<String>) -> Answer {
    // Ids are read out loud, and typed as they are heard.
    let id = path.into_inner().trim().to_ascii_uppercase();
    let steps = state.store.traced(&id).await?;
    if steps.is_empty() {
        return Err(ConsoleError::NotFound("flow; traces are kept for a day"));
    }
    let steps: Vec<Value> = steps.iter().filter_map(|step| serde_json::from_str(step).ok()).collect();
    Ok(found(&json!({ "flow": id, "steps": steps })))
}
