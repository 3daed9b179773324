//! `/admin/v1/clients`: registered clients. Those of the settings live there, and those with a document of their own
//! nowhere here; both can still be named to end what people signed in with them.

use super::grants;
use super::paging::{Listed, Paging, known};
use super::state::ConsoleState;
use super::wire::{Answer, ConsoleError, found, moment};
use crate::domain::client::{ClientAuthMethod, ClientOrigin, ClientRecord};
use crate::domain::ids::ClientId;
use crate::oauth::audit;
use actix_web::web;
use serde::Serialize;
use serde_json::{Map, Value, json};

#[derive(Debug, Serialize)]
struct ClientView {
    client_id: ClientId,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_name: Option<String>,
    origin: ClientOrigin,
    token_endpoint_auth_method: ClientAuthMethod,
    redirect_uris: Vec<String>,
    issued_at: String,
    /// As registered; in the view of one client only.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Map<String, Value>>,
}

impl From<ClientRecord> for ClientView {
    fn from(client: ClientRecord) -> Self {
        Self {
            client_id: client.id,
            client_name: client.name,
            origin: client.origin,
            token_endpoint_auth_method: client.auth_method,
            redirect_uris: client.redirect_uris,
            issued_at: moment(client.issued_at),
            metadata: None,
        }
    }
}

/// `GET clients`.
pub(super) async fn list(state: web::Data<ConsoleState>, paging: web::Query<Paging>) -> Answer {
    let page = known(state.store.clients(paging.walk()).await?)?;
    let items: Vec<ClientView> = page.items.into_iter().map(ClientView::from).collect();
    Ok(found(&Listed { items, next_cursor: page.next }))
}

/// `GET clients/{id}`.
pub(super) async fn get(state: web::Data<ConsoleState>, path: web::Path<String>) -> Answer {
    let client = state.store.client(&ClientId::new(path.into_inner())).await?;
    let client = client.ok_or(ConsoleError::NotFound("client"))?;
    let metadata = Some(client.metadata.clone());
    Ok(found(&ClientView { metadata, ..ClientView::from(client) }))
}

/// `DELETE clients/{id}`: the registration goes first, so that nobody signs in anew while its grants end.
pub(super) async fn delete(state: web::Data<ConsoleState>, path: web::Path<String>) -> Answer {
    let id = ClientId::new(path.into_inner());
    let stood = state.store.client(&id).await?.is_some();
    state.store.delete_client(&id).await?;
    let revoked = grants::revoke_where(&state, |grant| grant.client == id).await?;
    if !stood && revoked == 0 {
        return Err(ConsoleError::NotFound("client"));
    }
    audit::operator("admin_delete_client", id.as_str());
    Ok(found(&json!({ "deleted": stood, "revoked": revoked })))
}
