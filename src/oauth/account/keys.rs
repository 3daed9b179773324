//! `/account/keys`: a person makes a key for a client that knows only a static one. Microsoft is asked each time: so it is
//! certain who is there, that the permissions are granted, and that tokens stand behind the key.
//!
//! A key is a grant of its own with one bearer ([`TokenKind::Personal`]). It is listed and ended like any connection,
//! and shown in the answer to the sign-in that made it and nowhere else.

use super::form::{self, FormError};
use super::key_page::{self, Form, Made, Problem};
use super::session::Session;
use super::sign_in::{self, SignInError};
use crate::domain::grant::AccessRecord;
use crate::domain::ids::{ClientId, ServiceName, UserKey};
use crate::domain::resource::ServiceInfo;
use crate::domain::scope::ScopeSet;
use crate::domain::token::{self, Token, TokenKind};
use crate::domain::upstream::SignIn;
use crate::html::{Lang, shown};
use crate::oauth::forward::ForwardError;
use crate::oauth::params::Params;
use crate::oauth::state::OauthState;
use crate::oauth::{audit, pages, scopes, wire};
use crate::ports::store::{Issue, StoreError};
use crate::tools::account;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Address of the pages.
pub(super) const PATH: &str = "/account/keys";
/// Most keys of one person.
const MAX_KEYS: usize = 20;
const MAX_NAME_CHARS: usize = 60;
/// Lives to choose from, in days; those beyond the operator's bound are left out.
const LIVES: [u64; 4] = [7, 30, 90, 365];
const DAY_S: u64 = 86_400;
/// Begins the name of a box that stands for a permission.
pub(super) const BOX: &str = "scope.";

/// A key that is wanted, while its owner is at Entra.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Wish {
    /// Who asked for it: nobody else may bring it home.
    pub(super) user: UserKey,
    pub(super) name: String,
    pub(super) service: ServiceName,
    /// Graph permissions.
    pub(super) scopes: ScopeSet,
    pub(super) days: u64,
    /// Entra was asked once more already.
    #[serde(default)]
    pub(super) again: bool,
}

/// `GET /account/keys`: for which service; with `service`, what the key may do there.
pub(in crate::oauth) async fn get(request: HttpRequest, state: web::Data<OauthState>) -> HttpResponse {
    if !state.settings.personal_keys {
        return wire::not_found();
    }
    let lang = Lang::of(&request);
    show(&request, &state, lang).await.unwrap_or_else(|error| form::refuse(&error.into(), lang))
}

async fn show(request: &HttpRequest, state: &OauthState, lang: Lang) -> Result<HttpResponse, ForwardError> {
    let Some(session) = Session::of(request, state).await? else {
        return sign_in::begin(request, state).await;
    };
    let params = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
    let service = params.get("service").and_then(|name| state.resources.service(name));
    Ok(match service {
        Some(service) => key_page::form(&blank(state, service, &session.csrf(state)), lang),
        None => key_page::choose(&state.resources.offered(), lang),
    })
}

/// The form of a service before anything is filled in: only what every key of the service holds is ticked.
fn blank<'a>(state: &OauthState, service: &'a ServiceInfo, csrf: &'a str) -> Form<'a> {
    let supported = state.settings.scopes.supported(service);
    let required = service.required_scopes.intersection(&supported);
    Form {
        service,
        csrf,
        optional: supported.difference(&required),
        by_admin: supported.difference(&state.settings.scopes.published(service)),
        ticked: ScopeSet::default(),
        required,
        name: "",
        lives: lives(state),
        days: None,
        plain_http: !state.is_secure(),
        problem: None,
    }
}

fn lives(state: &OauthState) -> Vec<u64> {
    let most = state.settings.personal_key_ttl.as_secs() / DAY_S;
    let mut lives: Vec<u64> = LIVES.into_iter().filter(|days| *days <= most).collect();
    if lives.is_empty() {
        lives.push(most.max(1));
    }
    lives
}

/// `POST /account/keys`: on to Entra.
pub(in crate::oauth) async fn post(
    request: HttpRequest,
    state: web::Data<OauthState>,
    body: Result<web::Bytes, actix_web::Error>,
) -> HttpResponse {
    if !state.settings.personal_keys {
        return wire::not_found();
    }
    let lang = Lang::of(&request);
    ask(&request, &state, body, lang).await.unwrap_or_else(|error| form::refuse(&error, lang))
}

async fn ask(
    request: &HttpRequest,
    state: &OauthState,
    body: Result<web::Bytes, actix_web::Error>,
    lang: Lang,
) -> Result<HttpResponse, FormError> {
    let (session, params) = form::checked(request, state, body).await?;
    let service = params.get("service").and_then(|name| state.resources.service(name));
    let service = service.ok_or(FormError::Malformed)?;
    let mut problem = None;
    if count(state, &session.user).await? >= MAX_KEYS {
        problem = Some(Problem::TooMany(MAX_KEYS));
    }
    let wish = match (problem, read(state, service, &params, &session.user)) {
        (None, Ok(wish)) => wish,
        (Some(problem), _) | (None, Err(problem)) => {
            let form = Form {
                name: params.get("name").unwrap_or_default(),
                ticked: params.ticked(BOX).collect(),
                days: params.get("days").and_then(|days| days.parse().ok()),
                problem: Some(problem),
                ..blank(state, service, params.get("csrf").unwrap_or_default())
            };
            return Ok(key_page::form(&form, lang));
        }
    };
    Ok(sign_in::begin_for_key(request, state, wish, &session.username).await?)
}

/// What the form asks for, within what the service supports and the operator allows.
fn read(state: &OauthState, service: &ServiceInfo, params: &Params, user: &UserKey) -> Result<Wish, Problem> {
    let name = shown(params.get("name").unwrap_or_default());
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
        return Err(Problem::Name(MAX_NAME_CHARS));
    }
    let days = params.get("days").and_then(|days| days.parse().ok());
    let days = days.filter(|days| lives(state).contains(days)).ok_or(Problem::Life)?;
    let supported = state.settings.scopes.supported(service);
    let ticked: ScopeSet = params.ticked(BOX).collect();
    if !ticked.is_subset(&supported) {
        return Err(Problem::Permission);
    }
    let scopes = ticked.union(&service.required_scopes.intersection(&supported));
    let service = service.name.clone();
    Ok(Wish { user: user.clone(), name, service, scopes: scopes::graph(&scopes), days, again: false })
}

async fn count(state: &OauthState, user: &UserKey) -> Result<usize, StoreError> {
    let all = account::connections(state.store.as_ref(), user).await?;
    Ok(all.iter().filter(|grant| grant.is_personal_key()).count())
}

/// The person is back from Entra: the key, shown this once.
pub(super) async fn finish(
    state: &OauthState,
    wish: Wish,
    sign_in: &SignIn,
    lang: Lang,
) -> Result<HttpResponse, SignInError> {
    let scopes = scopes::given(&wish.scopes, &sign_in.tokens.scopes);
    if scopes.is_empty() && !wish.scopes.is_empty() {
        return Err(SignInError::NothingGranted);
    }
    state.keep_tokens(sign_in).await?.ok_or(SignInError::Contention)?;
    let (now, grant) = (state.clock.now(), token::new_grant());
    let key = Token::mint(TokenKind::Personal, &grant);
    let life = Duration::from_secs(wish.days.saturating_mul(DAY_S)).min(state.settings.personal_key_ttl);
    let record = AccessRecord {
        client: ClientId::personal_key(&grant),
        grant,
        user: wish.user,
        service: wish.service,
        scopes,
        flow: None,
        jkt: None,
        name: Some(wish.name),
        issued_at: now,
        expires_at: now.plus(life),
    };
    match state.store.issue((&state.hasher.token_ref(&key), &record), None).await? {
        Issue::Done => {}
        Issue::Revoked => return Err(SignInError::UnknownState),
    }
    // Counted behind the fact, so that sign-ins that run side by side do not exceed it.
    if count(state, &record.user).await? > MAX_KEYS {
        state.store.end_grant(&record.grant, &record.user).await?;
        return Err(SignInError::TooMany);
    }
    audit::event("key_made", &record.client, Some(&record.user));
    let resource = state.resources.resource_of(&record.service);
    let made = Made {
        key: key.expose(),
        record: &record,
        missing: wish.scopes.difference(&record.scopes),
        service: state.resources.service(record.service.as_str()),
        openai: format!("{}/v1", resource.trim_end_matches("/mcp")),
        mcp: resource,
    };
    Ok(key_page::made(&made, lang))
}

/// Where the same key is asked for again.
pub(super) fn address_of(wish: &Wish) -> String {
    format!("{PATH}?service={}", wish.service)
}

/// Only an administrator can grant what the key is to do: the way to ask for it.
pub(super) fn admin_page(
    state: &OauthState,
    wish: &Wish,
    reference: Option<&str>,
    lang: Lang,
) -> HttpResponse {
    let link = state.identity.admin_consent_url(&wish.scopes, &state.callback_uri());
    let page = pages::AdminConsent {
        server: state.resources.issuer(),
        scopes: &wish.scopes,
        link: link.as_deref(),
        retry: Some(&address_of(wish)),
        back: sign_in::HOME,
        reference,
    };
    pages::admin_consent(page, lang)
}

/// What went wrong with the form is the sender's to mend.
pub(super) const PROBLEM_STATUS: StatusCode = StatusCode::BAD_REQUEST;
