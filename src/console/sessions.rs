//! `/admin/v1/sessions`: MCP sessions (legacy era), on whatever replica their streams are open.

use super::paging::{Listed, Paging, known};
use super::state::ConsoleState;
use super::wire::{Answer, ConsoleError, found, moment};
use crate::domain::ids::{ClientId, ServiceName, SessionId};
use crate::domain::session::SessionRecord;
use crate::oauth::audit;
use actix_web::web;
use serde::Serialize;
use serde_json::{Value, json};

#[derive(Debug, Serialize)]
struct SessionView {
    id: SessionId,
    user: String,
    client: ClientId,
    service: ServiceName,
    /// Empty until an HTTP+SSE client has said `initialize`.
    protocol_version: String,
    #[serde(skip_serializing_if = "Value::is_null")]
    client_info: Value,
    created_at: String,
}

impl From<SessionRecord> for SessionView {
    fn from(session: SessionRecord) -> Self {
        Self {
            id: session.id,
            user: session.user.to_string(),
            client: session.client,
            service: session.service,
            protocol_version: session.protocol_version,
            client_info: session.client_info,
            created_at: moment(session.created_at),
        }
    }
}

/// `GET sessions`.
pub(super) async fn list(state: web::Data<ConsoleState>, paging: web::Query<Paging>) -> Answer {
    let page = known(state.store.sessions(paging.walk()).await?)?;
    let items: Vec<SessionView> = page.items.into_iter().map(SessionView::from).collect();
    Ok(found(&Listed { items, next_cursor: page.next }))
}

/// `DELETE sessions/{id}`: ends it with its streams and calls; its client starts over.
pub(super) async fn delete(state: web::Data<ConsoleState>, path: web::Path<String>) -> Answer {
    let id = SessionId::new(path.into_inner());
    if !(state.end_session)(id.clone()).await? {
        return Err(ConsoleError::NotFound("session"));
    }
    audit::operator("admin_end_session", id.as_str());
    Ok(found(&json!({ "ended": 1 })))
}
