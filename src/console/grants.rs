//! `/admin/v1/grants`, `/admin/v1/users` and `/admin/v1/revoke`: who let which app act for them, and its end.

use super::paging::{Listed, Paging, known};
use super::state::ConsoleState;
use super::wire::{Answer, ConsoleError, found, moment};
use crate::domain::grant::GrantRecord;
use crate::domain::ids::{ClientId, GrantId, ServiceName, UserKey};
use crate::oauth::audit;
use crate::ports::inventory::Walk;
use crate::ports::store::StoreError;
use actix_web::web;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashSet;

/// Grants that one step of a walk through all of them looks at.
const STEP: usize = 1000;

/// Which grants.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Filter {
    /// `tid:oid`.
    user: Option<String>,
    client: Option<String>,
    tenant: Option<String>,
    service: Option<String>,
}

impl Filter {
    fn user(&self) -> Result<Option<UserKey>, ConsoleError> {
        self.user.as_deref().map(user).transpose()
    }

    fn wants(&self, grant: &GrantRecord) -> bool {
        let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        fits(&self.user, &grant.user.to_string())
            && fits(&self.client, grant.client.as_str())
            && fits(&self.tenant, &grant.user.tid)
            && fits(&self.service, grant.service.as_str())
    }
}

/// The user behind `tid:oid`.
fn user(text: &str) -> Result<UserKey, ConsoleError> {
    let parts = text.split_once(':').filter(|(tid, oid)| !tid.is_empty() && !oid.is_empty());
    let (tid, oid) = parts
        .ok_or_else(|| ConsoleError::Invalid("`user` is written tid:oid, as `users` shows it".to_owned()))?;
    Ok(UserKey::new(tid, oid))
}

#[derive(Debug, Serialize)]
struct GrantView {
    id: GrantId,
    user: String,
    client: ClientId,
    service: ServiceName,
    scope: String,
    /// Its first token was bound to a key of the client (DPoP).
    key_bound: bool,
    /// What its owner calls a personal key.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    created_at: String,
    last_used_at: String,
    expires_at: String,
}

impl From<GrantRecord> for GrantView {
    fn from(grant: GrantRecord) -> Self {
        Self {
            id: grant.id,
            user: grant.user.to_string(),
            client: grant.client,
            service: grant.service,
            scope: grant.scopes.to_string(),
            key_bound: grant.key_bound,
            name: grant.name,
            created_at: moment(grant.created_at),
            last_used_at: moment(grant.last_used_at),
            expires_at: moment(grant.expires_at),
        }
    }
}

/// The query of `GET grants`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    user: Option<String>,
    client: Option<String>,
    tenant: Option<String>,
    service: Option<String>,
    cursor: Option<String>,
    limit: Option<usize>,
}

impl Wanted {
    fn split(self) -> (Filter, Paging) {
        let Self { user, client, tenant, service, cursor, limit } = self;
        (Filter { user, client, tenant, service }, Paging { cursor, limit })
    }
}

/// `GET grants`. Those of one user are found at once and make one page; everything else is a walk.
pub(super) async fn list(state: web::Data<ConsoleState>, wanted: web::Query<Wanted>) -> Answer {
    let (filter, paging) = wanted.into_inner().split();
    let (all, next_cursor) = if let Some(user) = filter.user()? {
        (state.store.grants_of_user(&user).await?, None)
    } else {
        let page = known(state.store.grants(paging.walk()).await?)?;
        (page.items, page.next)
    };
    let items = all.into_iter().filter(|grant| filter.wants(grant)).map(GrantView::from);
    Ok(found(&Listed { items: items.collect(), next_cursor }))
}

/// `DELETE grants/{id}`.
pub(super) async fn delete(state: web::Data<ConsoleState>, path: web::Path<String>) -> Answer {
    let id = GrantId::new(path.into_inner());
    let grant = state.store.grant(&id).await?.ok_or(ConsoleError::NotFound("grant"))?;
    state.store.end_grant(&id, &grant.user).await?;
    audit::event("revoke", &grant.client, Some(&grant.user));
    audit::operator("admin_revoke_grant", id.as_str());
    Ok(found(&json!({ "revoked": 1 })))
}

/// The body of `POST revoke`: exactly one member.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Whose {
    User(String),
    Client(String),
    Tenant(String),
}

/// `POST revoke`: ends every grant of a user, a client or a tenant; how many there were. Who signs in meanwhile is not
/// kept from it.
pub(super) async fn revoke(state: web::Data<ConsoleState>, whose: web::Json<Whose>) -> Answer {
    let (event, subject, revoked) = match whose.into_inner() {
        Whose::User(text) => {
            let user = user(&text)?;
            let grants = state.store.grants_of_user(&user).await?;
            ("admin_revoke_user", text, end(&state, grants).await?)
        }
        Whose::Client(text) => {
            let revoked = revoke_where(&state, |grant| grant.client.as_str() == text).await?;
            ("admin_revoke_client", text, revoked)
        }
        Whose::Tenant(text) => {
            let revoked = revoke_where(&state, |grant| *grant.user.tid == *text).await?;
            ("admin_revoke_tenant", text, revoked)
        }
    };
    audit::operator(event, &subject);
    Ok(found(&json!({ "revoked": revoked })))
}

/// Ends every grant for which `is_meant` holds; how many.
pub(super) async fn revoke_where(
    state: &ConsoleState,
    is_meant: impl Fn(&GrantRecord) -> bool,
) -> Result<usize, ConsoleError> {
    let (mut revoked, mut from) = (0, None::<String>);
    loop {
        let page = known(state.store.grants(Walk { from: from.as_deref(), about: STEP }).await?)?;
        let meant = page.items.into_iter().filter(|grant| is_meant(grant)).collect();
        revoked += end(state, meant).await?;
        from = page.next;
        if from.is_none() {
            return Ok(revoked);
        }
    }
}

/// Ends grants; how many stood. A walk may meet one twice.
async fn end(state: &ConsoleState, grants: Vec<GrantRecord>) -> Result<usize, StoreError> {
    let (mut ended, mut users) = (0, HashSet::new());
    for grant in grants {
        if state.store.grant(&grant.id).await?.is_some() {
            state.store.revoke_grant(&grant.id).await?;
            audit::event("revoke", &grant.client, Some(&grant.user));
            ended += 1;
            users.insert(grant.user);
        }
    }
    for user in &users {
        state.store.forget_without_grants(user).await;
    }
    Ok(ended)
}

#[derive(Debug, Serialize)]
struct UserView {
    /// `tid:oid`.
    user: String,
    grants: usize,
    last_used_at: String,
}

/// `GET users`: people with live grants. By Entra's ids: names are not kept with grants.
pub(super) async fn users(state: web::Data<ConsoleState>, paging: web::Query<Paging>) -> Answer {
    let page = known(state.store.users(paging.walk()).await?)?;
    let mut items = Vec::with_capacity(page.items.len());
    for user in page.items {
        let grants = state.store.grants_of_user(&user).await?;
        if let Some(last) = grants.iter().map(|grant| grant.last_used_at).max() {
            let last_used_at = moment(last);
            items.push(UserView { user: user.to_string(), grants: grants.len(), last_used_at });
        }
    }
    Ok(found(&Listed { items, next_cursor: page.next }))
}
