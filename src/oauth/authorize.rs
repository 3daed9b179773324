//! `GET|POST /authorize` (RFC 6749 §4.1.1, RFC 7636, RFC 8707, RFC 9207). Until client and redirect URI are known to
//! belong together, every refusal is a page of ours; afterwards it is a redirect to the client.

use super::clients::{ClientFault, Occasion};
use super::cookies::{self, Browser};
use super::dpop;
use super::flow::{Flow, Prompt, error_location};
use super::forward::ForwardError;
use super::pages;
use super::params::{ParamFault, Params, append_query};
use super::state::OauthState;
use super::trace::{self, Step};
use super::{pkce, redirect, scopes, wire};
use crate::domain::client::ClientRecord;
use crate::domain::ids::{FlowId, KeyThumbprint, UserKey};
use crate::domain::random;
use crate::domain::resource::ServiceInfo;
use crate::html::{Fault, Lang};
use crate::ports::store::StoreError;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

const MAX_QUERY: usize = 16 * 1024;
const MAX_CLIENT_ID: usize = 512;
const MAX_STATE: usize = 4096;
const MAX_HINT: usize = 320;
const MAX_NONCE: usize = 512;

/// Why an authorization request goes no further.
#[derive(Debug, thiserror::Error)]
enum AuthorizeError {
    #[error("the request is too long")]
    TooLong,
    #[error(transparent)]
    Params(#[from] ParamFault),
    #[error("the body is not a form")]
    NotAForm,
    #[error("the client is unknown")]
    UnknownClient,
    #[error(transparent)]
    Client(ClientFault),
    #[error("the redirect URI is not registered for the client")]
    ForeignRedirect,
    #[error("the client is told: {}", .0.error)]
    Rejected(Box<Rejection>),
    #[error(transparent)]
    Forward(#[from] ForwardError),
}

impl From<StoreError> for AuthorizeError {
    fn from(error: StoreError) -> Self {
        Self::Forward(ForwardError::Store(error))
    }
}

impl From<ClientFault> for AuthorizeError {
    fn from(fault: ClientFault) -> Self {
        match fault {
            ClientFault::Unknown => Self::UnknownClient,
            ClientFault::Store(error) => error.into(),
            fault @ (ClientFault::Url(_)
            | ClientFault::Host
            | ClientFault::Document(_)
            | ClientFault::Remote(_)) => Self::Client(fault),
        }
    }
}

/// An error that the client hears of at its redirect URI.
#[derive(Debug)]
struct Rejection {
    redirect_uri: String,
    state: Option<String>,
    error: &'static str,
    description: &'static str,
}

/// `GET /authorize`.
pub(super) async fn get(request: HttpRequest, state: web::Data<OauthState>) -> HttpResponse {
    let query = request.query_string().as_bytes().to_vec();
    answer(&request, &state, Ok(query), StatusCode::FOUND).await
}

/// `POST /authorize`: the same as a form; the redirect makes the browser forget the body.
pub(super) async fn post(
    request: HttpRequest,
    state: web::Data<OauthState>,
    body: Result<web::Bytes, actix_web::Error>,
) -> HttpResponse {
    let form = wire::has_content_type(request.headers(), "application/x-www-form-urlencoded");
    let text = match body {
        Ok(body) if form => Ok(body.to_vec()),
        Ok(_) => Err(AuthorizeError::NotAForm),
        Err(_) => Err(AuthorizeError::TooLong),
    };
    answer(&request, &state, text, StatusCode::SEE_OTHER).await
}

/// `GET /<svc>/authorize`: to the root with the query kept and `resource` filled in.
pub(super) async fn of_service(request: HttpRequest, state: web::Data<OauthState>) -> HttpResponse {
    let name = wire::service_in_path(&request).unwrap_or_default();
    let Some(service) = state.resources.service(name) else { return wire::not_found() };
    let query = request.query_string();
    let mut target = if query.is_empty() { "/authorize".to_owned() } else { format!("/authorize?{query}") };
    let named = Params::parse(query.as_bytes()).is_ok_and(|params| params.get("resource").is_some());
    if !named {
        target = append_query(&target, &[("resource", &state.resources.resource_of(&service.name))]);
    }
    pages::redirect_to(StatusCode::FOUND, &target)
}

async fn answer(
    request: &HttpRequest,
    state: &OauthState,
    text: Result<Vec<u8>, AuthorizeError>,
    status: StatusCode,
) -> HttpResponse {
    let id = trace::new_id();
    let outcome = match text {
        Ok(text) => begin(request, state, &text, (status, &id)).await,
        Err(error) => Err(error),
    };
    let mut response = match outcome {
        Ok(response) => response,
        Err(error) => {
            let reason = error.to_string();
            state.step(&id, Step { name: "authorize_refused", error: &reason, ..Step::default() }).await;
            refuse(&error, state, (Lang::of(request), &id), status)
        }
    };
    trace::mark(&mut response, &id);
    response
}

async fn begin(
    request: &HttpRequest,
    state: &OauthState,
    text: &[u8],
    (status, id): (StatusCode, &FlowId),
) -> Result<HttpResponse, AuthorizeError> {
    if text.len() > MAX_QUERY {
        return Err(AuthorizeError::TooLong);
    }
    let params = Params::parse(text)?;
    let client = client(state, &params).await?;
    let browser = Browser::of(request, state).unwrap_or_else(Browser::new);
    let flow = check(state, &params, &client, (&browser, id))?;
    state.step(id, flow.step("authorize")).await;
    let known = remembered(request, state, &flow).await?;
    let location = match (known, flow.prompt.none) {
        (Some(user), _) => state.forward(flow, Some(user.clone()), Some(&user)).await?,
        (None, true) => {
            let (error, text) = match cookies::user(request, state) {
                Some(_) => ("consent_required", "the person has not approved this application yet"),
                None => ("login_required", "nobody is signed in"),
            };
            return Err(rejection(&flow.redirect_uri, flow.state.as_deref(), error, text));
        }
        (None, false) => {
            let id = random::text::<32>();
            state.put_flow(&id, &flow).await?;
            format!("/consent?flow={id}")
        }
    };
    let mut response = pages::redirect_to(status, &location);
    // Setting a cookie fails only for names that are not ours.
    let _ = response.add_cookie(&browser.cookie(state));
    Ok(response)
}

/// The client of a request whose redirect URI is its own.
async fn client(state: &OauthState, params: &Params) -> Result<ClientRecord, AuthorizeError> {
    let id = params.get("client_id").filter(|id| id.len() <= MAX_CLIENT_ID);
    let id = id.ok_or(AuthorizeError::UnknownClient)?;
    let client = state.find_client(id, Occasion::SignIn).await?;
    let uri = params.get("redirect_uri").ok_or(AuthorizeError::ForeignRedirect)?;
    if redirect::matches(&client.redirect_uris, uri) {
        Ok(client)
    } else {
        Err(AuthorizeError::ForeignRedirect)
    }
}

/// The user whose earlier approval lets the page be skipped.
async fn remembered(
    request: &HttpRequest,
    state: &OauthState,
    flow: &Flow,
) -> Result<Option<UserKey>, StoreError> {
    // Any program on the device can claim a loopback port or a private scheme, so native clients are always asked
    // about (RFC 8252 §8.6).
    if flow.prompt.consent || redirect::is_native(&flow.redirect_uri) {
        return Ok(None);
    }
    let Some(last) = cookies::user(request, state) else { return Ok(None) };
    Ok(state.has_consent(&last.user, flow).await?.then_some(last.user))
}

/// Everything after client and redirect URI; refusals go to the client.
fn check(
    state: &OauthState,
    params: &Params,
    client: &ClientRecord,
    (browser, id): (&Browser, &FlowId),
) -> Result<Flow, AuthorizeError> {
    let uri = params.get("redirect_uri").unwrap_or_default();
    let client_state = params.get("state").filter(|s| s.len() <= MAX_STATE);
    let refuse = |error, description| Err(rejection(uri, client_state, error, description));
    if client_state != params.get("state") {
        return refuse("invalid_request", "state is too long");
    }
    match params.get("response_type") {
        Some("code") => {}
        Some(_) => return refuse("unsupported_response_type", "only response_type=code is possible"),
        None => return refuse("invalid_request", "response_type is missing"),
    }
    if params.get("response_mode").is_some_and(|mode| mode != "query") {
        return refuse("invalid_request", "only response_mode=query is possible");
    }
    let challenge = params.get("code_challenge").unwrap_or_default();
    // A missing method means `plain` (RFC 7636 §4.3), which protects nothing.
    if params.get("code_challenge_method") != Some("S256") || !pkce::is_challenge(challenge) {
        return refuse("invalid_request", "PKCE with S256 and a challenge of 43 characters is required");
    }
    let Some(service) = target(state, params) else {
        return refuse("invalid_target", "resource must be exactly one of this server's services");
    };
    let policy = &state.settings.scopes;
    let Ok(granted) = scopes::effective(params.get("scope"), service, policy, state.settings.openid) else {
        return refuse("invalid_scope", "none of the requested scopes is known here");
    };
    let nonce = params.get("nonce").filter(|n| n.len() <= MAX_NONCE).map(ToOwned::to_owned);
    if nonce.is_none() && params.get("nonce").is_some() {
        return refuse("invalid_request", "nonce is too long");
    }
    // Where DPoP is switched off, it is a parameter like any other that nobody knows.
    let key = params.get("dpop_jkt").filter(|_| state.guard.dpop().is_offered());
    if key.is_some_and(|key| !dpop::is_thumbprint(key)) {
        return refuse("invalid_request", "dpop_jkt must be the SHA-256 thumbprint of a key in base64url");
    }
    let Ok(max_age) = params.get("max_age").map(str::parse).transpose() else {
        return refuse("invalid_request", "max_age must be a number of seconds");
    };
    let Some(prompt) = Prompt::parse(params.get("prompt").unwrap_or_default()) else {
        return refuse("invalid_request", "prompt=none excludes every other prompt");
    };
    for unsupported in ["request", "request_uri"] {
        if params.get(unsupported).is_some() {
            return refuse(
                if unsupported == "request" { "request_not_supported" } else { "request_uri_not_supported" },
                "send the parameters themselves",
            );
        }
    }
    Ok(Flow {
        id: id.clone(),
        client: client.id.clone(),
        client_name: client.name.clone(),
        client_origin: client.origin,
        client_since: Some(client.issued_at),
        redirect_uri: uri.to_owned(),
        state: client_state.map(ToOwned::to_owned),
        code_challenge: challenge.to_owned(),
        service: service.name.clone(),
        scopes: granted,
        login_hint: params.get("login_hint").filter(|h| h.len() <= MAX_HINT).map(ToOwned::to_owned),
        prompt,
        lang: params.get("ui_locales").and_then(Lang::named),
        max_age,
        nonce,
        jkt: key.map(KeyThumbprint::new),
        browser: browser.secret().to_owned(),
        created_at: state.clock.now(),
    })
}

/// The service of the one `resource` (RFC 8707), or the configured default.
fn target<'a>(state: &'a OauthState, params: &Params) -> Option<&'a ServiceInfo> {
    let mut all = params.all("resource");
    match (all.next(), all.next()) {
        (Some(resource), None) => state.resources.service_of(resource),
        (None, _) => state.resources.default_service(),
        (Some(_), Some(_)) => None,
    }
}

fn rejection(
    uri: &str,
    state: Option<&str>,
    error: &'static str,
    description: &'static str,
) -> AuthorizeError {
    AuthorizeError::Rejected(Box::new(Rejection {
        redirect_uri: uri.to_owned(),
        state: state.map(ToOwned::to_owned),
        error,
        description,
    }))
}

fn refuse(
    error: &AuthorizeError,
    state: &OauthState,
    (lang, id): (Lang, &FlowId),
    redirect: StatusCode,
) -> HttpResponse {
    let page = |status, fault| pages::dead_end(status, fault, Some(id.as_str()), lang);
    match error {
        AuthorizeError::TooLong => page(StatusCode::URI_TOO_LONG, Fault::TooLong),
        AuthorizeError::Params(_) | AuthorizeError::NotAForm => {
            page(StatusCode::BAD_REQUEST, Fault::Malformed)
        }
        AuthorizeError::UnknownClient => page(StatusCode::BAD_REQUEST, Fault::UnknownClient),
        AuthorizeError::Client(fault) => pages::unusable_client(&fault.to_string(), id.as_str(), lang),
        AuthorizeError::ForeignRedirect => page(StatusCode::BAD_REQUEST, Fault::ForeignRedirect),
        AuthorizeError::Rejected(told) => {
            let issuer = state.resources.issuer();
            let reason = (told.error, told.description);
            let location = error_location(&told.redirect_uri, told.state.as_deref(), issuer, reason);
            pages::redirect_to(redirect, &location)
        }
        AuthorizeError::Forward(cause) => {
            tracing::warn!(error = %cause, "a sign-in cannot begin");
            pages::unavailable(Some(id.as_str()), lang)
        }
    }
}
