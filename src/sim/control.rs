//! The control routes below `/_sim`: what tests and demos turn and read while the tenant runs.

use actix_web::{HttpResponse, http::header::HeaderName, http::header::HeaderValue, web};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

use super::{entra, faults::Fault, state::SimState};

type State = web::Data<SimState>;

/// Mounts the control routes.
pub(crate) fn configure(cfg: &mut web::ServiceConfig) {
    // Plain routes, not a scope: Graph adds its own control routes beside these.
    cfg.route("/_sim/health", web::get().to(health))
        .route("/_sim/counters", web::get().to(counters))
        .route("/_sim/faults", web::get().to(list_faults))
        .route("/_sim/faults", web::post().to(add_fault))
        .route("/_sim/faults", web::delete().to(clear_faults))
        .route("/_sim/id_token", web::post().to(forge_id_token))
        .route("/_sim/reset", web::post().to(reset))
        .route("/_sim/users/{upn}", web::post().to(change_user))
        .route("/_sim/app", web::post().to(change_app))
        .route("/_sim/tokens/expire", web::post().to(expire_tokens))
        .route("/_sim/options", web::post().to(change_options));
}

async fn health(state: State) -> HttpResponse {
    let users: Vec<_> = state.directory.people.iter().map(|person| person.upn.as_str()).collect();
    HttpResponse::Ok().json(json!({
        "status": "ok",
        "tenant_id": state.directory.tenant_id,
        "app_id": entra::APP_ID,
        "authority": state.url,
        "graph": format!("{}/v1.0", state.url),
        "users": users,
    }))
}

async fn counters(state: State) -> HttpResponse {
    HttpResponse::Ok().json(state.counters.totals())
}

async fn list_faults(state: State) -> HttpResponse {
    HttpResponse::Ok().json(state.faults.list())
}

/// Takes one rule or a list of them.
async fn add_fault(state: State, body: web::Bytes) -> HttpResponse {
    let rules = match serde_json::from_slice::<Vec<Fault>>(&body) {
        Ok(rules) => rules,
        Err(_) => match read::<Fault>(&body) {
            Ok(rule) => vec![rule],
            Err(refusal) => return refusal,
        },
    };
    if let Some(problem) = rules.iter().find_map(problem) {
        return refuse(&problem);
    }
    for rule in rules {
        state.faults.add(rule);
    }
    HttpResponse::Created().json(state.faults.list())
}

fn problem(rule: &Fault) -> Option<String> {
    if !rule.path.starts_with(['/', '*']) {
        return Some("path starts with '/' or '*'".to_owned());
    }
    if rule.status.is_some_and(|status| !(200..=599).contains(&status)) {
        return Some("status is 200 to 599".to_owned());
    }
    let broken = rule.headers.iter().find(|(name, value)| {
        HeaderName::from_bytes(name.as_bytes()).is_err() || HeaderValue::from_str(value).is_err()
    });
    broken.map(|(name, _)| format!("header '{name}' cannot be sent"))
}

async fn clear_faults(state: State) -> HttpResponse {
    state.faults.clear();
    HttpResponse::NoContent().finish()
}

async fn forge_id_token(state: State, body: web::Bytes) -> HttpResponse {
    match read(&body) {
        Ok(forgery) => state.forgeries.add(forgery),
        Err(refusal) => return refusal,
    }
    HttpResponse::Created().finish()
}

async fn reset(state: State) -> HttpResponse {
    state.faults.clear();
    state.forgeries.clear();
    state.counters.reset();
    state.graph.reset();
    HttpResponse::NoContent().finish()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserChange {
    disabled: Option<bool>,
    /// Ends sessions, refresh tokens and access tokens.
    #[serde(default)]
    revoke_sessions: bool,
    /// Takes back what the user granted to the application.
    #[serde(default)]
    revoke_consent: bool,
    /// Object ids of the groups that the person is in from now on.
    groups: Option<Vec<String>>,
    /// App roles that the person has from now on.
    roles: Option<Vec<String>>,
    /// Lets the person's sessions be older by so many seconds.
    age_sessions_s: Option<u32>,
}

async fn change_user(state: State, upn: web::Path<String>, body: web::Bytes) -> HttpResponse {
    let Some(person) = state.directory.by_upn(&upn) else {
        return HttpResponse::NotFound().json(json!({ "error": "no such user" }));
    };
    let change: UserChange = match read(&body) {
        Ok(change) => change,
        Err(refusal) => return refusal,
    };
    if let Some(disabled) = change.disabled {
        person.set_disabled(disabled);
    }
    if change.revoke_sessions {
        state.grants.revoke_sessions(&person.oid);
        state.tokens.revoke_user(&person.oid);
    }
    if change.revoke_consent {
        state.grants.revoke_consent(&person.oid);
    }
    if let Some(seconds) = change.age_sessions_s {
        state.grants.age_sessions(&person.oid, seconds.into());
    }
    person.change_memberships(|memberships| {
        memberships.groups = change.groups.unwrap_or_else(|| std::mem::take(&mut memberships.groups));
        memberships.roles = change.roles.unwrap_or_else(|| std::mem::take(&mut memberships.roles));
    });
    HttpResponse::Ok().json(json!({ "upn": person.upn, "oid": person.oid, "disabled": person.is_disabled() }))
}

/// Changes what the application may authenticate with.
async fn change_app(state: State, body: web::Bytes) -> HttpResponse {
    match read::<entra::CredentialChange>(&body).map(|change| state.credentials.change(change)) {
        Ok(Ok(())) => HttpResponse::NoContent().finish(),
        Ok(Err(problem)) => refuse(&problem),
        Err(refusal) => refusal,
    }
}

async fn expire_tokens(state: State) -> HttpResponse {
    state.tokens.expire_all();
    HttpResponse::NoContent().finish()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OptionChange {
    strict_refresh: Option<bool>,
    /// 0 goes back to a random life.
    access_token_seconds: Option<u64>,
    graph_delay_ms: Option<u64>,
    /// Whether the registration puts groups into id_tokens (`groupMembershipClaims`).
    group_claims: Option<bool>,
    /// Whether the registration has the optional claim `auth_time`.
    auth_time_claim: Option<bool>,
    /// Whether the tenant lets nobody but administrators consent, to anything beyond `User.Read`.
    admin_consent_required: Option<bool>,
}

async fn change_options(state: State, body: web::Bytes) -> HttpResponse {
    let change: OptionChange = match read(&body) {
        Ok(change) => change,
        Err(refusal) => return refusal,
    };
    let options = &state.options;
    if let Some(on) = change.strict_refresh {
        options.set_strict_refresh(on);
    }
    if let Some(seconds) = change.access_token_seconds {
        options.set_access_token_seconds(Some(seconds.min(86_400)));
    }
    if let Some(delay) = change.graph_delay_ms {
        options.set_graph_delay_ms(delay);
    }
    if let Some(on) = change.group_claims {
        options.set_group_claims(on);
    }
    if let Some(on) = change.auth_time_claim {
        options.set_auth_time_claim(on);
    }
    if let Some(on) = change.admin_consent_required {
        options.set_admin_consent_required(on);
    }
    HttpResponse::Ok().json(json!({
        "strict_refresh": options.strict_refresh(),
        "access_token_seconds": options.access_token_seconds(),
        "graph_delay_ms": options.graph_delay_ms(),
    }))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, HttpResponse> {
    serde_json::from_slice(body).map_err(|error| refuse(&error.to_string()))
}

fn refuse(problem: &str) -> HttpResponse {
    HttpResponse::BadRequest().json(json!({ "error": problem }))
}
