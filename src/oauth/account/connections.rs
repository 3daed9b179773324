//! The handlers of `/account/connections`: every look-up and every change is made for the user of the session, and a
//! grant of anybody else does not exist here.

use super::form::{self, FormError};
use super::page::{self, Connection, Connections};
use super::session::Session;
use super::sign_in;
use crate::domain::grant::GrantRecord;
use crate::domain::ids::{GrantId, UserKey};
use crate::html::Lang;
use crate::oauth::clients::{ClientFault, Occasion};
use crate::oauth::flow::verified_host;
use crate::oauth::forward::ForwardError;
use crate::oauth::pages;
use crate::oauth::params::Params;
use crate::oauth::state::OauthState;
use crate::ports::store::StoreError;
use crate::tools::account;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

/// `GET /account`.
pub(in crate::oauth) async fn home() -> HttpResponse {
    pages::redirect_to(StatusCode::FOUND, sign_in::HOME)
}

/// `GET /account/connections`: the list, or the way to Entra.
pub(in crate::oauth) async fn get(request: HttpRequest, state: web::Data<OauthState>) -> HttpResponse {
    let lang = Lang::of(&request);
    show(&request, &state, lang).await.unwrap_or_else(|error| {
        tracing::warn!(error = %error, "the account page cannot be shown");
        pages::unavailable(None, lang)
    })
}

async fn show(request: &HttpRequest, state: &OauthState, lang: Lang) -> Result<HttpResponse, ForwardError> {
    let Some(session) = Session::of(request, state).await? else {
        return sign_in::begin(request, state).await;
    };
    let list = connections(&session.user, state).await?;
    let done = Params::parse(request.query_string().as_bytes()).is_ok_and(|p| p.get("done").is_some());
    let (csrf, resources) = (session.csrf(state), &state.resources);
    let (keys, apps) = list.into_iter().partition(|one| one.grant.is_personal_key());
    let offers_keys = state.settings.personal_keys;
    let session = &session;
    let page = Connections { session, apps, keys, offers_keys, resources, csrf: &csrf, done };
    Ok(page::connections(&page, lang))
}

/// `POST /account/connections`: ends one connection, or all.
pub(in crate::oauth) async fn post(
    request: HttpRequest,
    state: web::Data<OauthState>,
    body: Result<web::Bytes, actix_web::Error>,
) -> HttpResponse {
    match revoke(&request, &state, body).await {
        Ok(()) => pages::redirect_to(StatusCode::SEE_OTHER, &format!("{}?done=yes", sign_in::HOME)),
        Err(error) => form::refuse(&error, Lang::of(&request)),
    }
}

/// `POST /account/sign-out`.
pub(in crate::oauth) async fn sign_out(
    request: HttpRequest,
    state: web::Data<OauthState>,
    body: Result<web::Bytes, actix_web::Error>,
) -> HttpResponse {
    let ended = match form::checked(&request, &state, body).await {
        Ok((session, _)) => session.end(&state).await.map_err(FormError::from),
        // Whoever is signed out already has what they want.
        Err(FormError::SignedOut) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = ended {
        return form::refuse(&error, Lang::of(&request));
    }
    let mut response = pages::redirect_to(StatusCode::SEE_OTHER, "/account/signed-out");
    let _ = response.add_cookie(&Session::removal(&state));
    response
}

/// `GET /account/signed-out`.
pub(in crate::oauth) async fn signed_out(request: HttpRequest) -> HttpResponse {
    page::signed_out(Lang::of(&request))
}

async fn revoke(
    request: &HttpRequest,
    state: &OauthState,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<(), FormError> {
    let (session, params) = form::checked(request, state, body).await?;
    let all = params.get("revoke_all").is_some();
    let named = params.get("revoke").map(GrantId::new);
    if !all && named.is_none() {
        return Err(FormError::Malformed);
    }
    let is_meant = |one: &GrantRecord| all || named.as_ref() == Some(&one.id);
    account::end(state.store.as_ref(), &session.user, is_meant).await?;
    Ok(())
}

/// What the user connected, newest first.
async fn connections(user: &UserKey, state: &OauthState) -> Result<Vec<Connection>, StoreError> {
    let grants = account::connections(state.store.as_ref(), user).await?;
    let mut list = Vec::with_capacity(grants.len());
    for grant in grants {
        if grant.is_personal_key() {
            list.push(Connection { client_name: grant.name.clone(), verified_host: None, grant });
            continue;
        }
        // An app whose registration is gone, or whose host is away, is still listed and can be ended.
        let client = match state.find_client(grant.client.as_str(), Occasion::Tokens).await {
            Ok(client) => Some(client),
            Err(ClientFault::Store(error)) => return Err(error),
            Err(error) => {
                tracing::debug!(error = %error, client.id = %grant.client, "a connected app cannot be named");
                None
            }
        };
        let verified_host = client.as_ref().and_then(|client| verified_host(client.origin, &client.id));
        list.push(Connection { client_name: client.and_then(|client| client.name), verified_host, grant });
    }
    Ok(list)
}
