//! `/consent`: the person decides, here and before Entra, whether this client may act for them. Entra knows only us,
//! so without this page any registered client could ride on an earlier approval (confused deputy).

use super::cookies::{self, Browser};
use super::flow::Flow;
use super::forward::ForwardError;
use super::params::{ParamFault, Params};
use super::state::OauthState;
use super::{audit, pages, wire};
use crate::domain::client::ClientOrigin;
use crate::domain::token::TokenHash;
use crate::html::{Fault, Lang};
use crate::ports::store::StoreError;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use std::time::Duration;

/// How long a client that registered counts as new.
const NEW_FOR: Duration = Duration::from_hours(24);

/// Why the page cannot be shown or a decision not be taken.
#[derive(Debug, thiserror::Error)]
enum ConsentError {
    #[error("the form is malformed")]
    Malformed,
    #[error("the sign-in is unknown or too old")]
    UnknownFlow,
    #[error("another browser began this sign-in")]
    OtherBrowser,
    #[error("the form does not come from our page")]
    ForeignForm,
    #[error(transparent)]
    Forward(#[from] ForwardError),
}

impl From<StoreError> for ConsentError {
    fn from(error: StoreError) -> Self {
        Self::Forward(ForwardError::Store(error))
    }
}

impl From<ParamFault> for ConsentError {
    fn from(_: ParamFault) -> Self {
        Self::Malformed
    }
}

/// `GET /consent?flow=…`.
pub(super) async fn get(request: HttpRequest, state: web::Data<OauthState>) -> HttpResponse {
    show(&request, &state).await.unwrap_or_else(|error| refuse(&error, Lang::of(&request)))
}

/// `POST /consent`: the decision.
pub(super) async fn post(
    request: HttpRequest,
    state: web::Data<OauthState>,
    body: Result<web::Bytes, actix_web::Error>,
) -> HttpResponse {
    match decide(&request, &state, body).await {
        Ok(location) => pages::redirect_to(StatusCode::SEE_OTHER, &location),
        Err(error) => refuse(&error, Lang::of(&request)),
    }
}

async fn show(request: &HttpRequest, state: &OauthState) -> Result<HttpResponse, ConsentError> {
    let params = Params::parse(request.query_string().as_bytes())?;
    let id = params.get("flow").ok_or(ConsentError::UnknownFlow)?;
    let (_, flow) = own_flow(request, state, id).await?;
    // The reader's own choice at the foot of the page, then the client's wish, then the browser's.
    let chosen = params.get("ui_locales").and_then(Lang::named).or(flow.lang);
    let last = cookies::user(request, state);
    let page = pages::Consent {
        csrf: &state.csrf(id, &flow),
        id,
        service: state.resources.service(flow.service.as_str()),
        account: flow.login_hint.as_deref().or(last.as_ref().map(|last| last.username.as_str())),
        // Others have no registration whose age would say anything.
        is_new: flow.client_origin == ClientOrigin::Registered
            && flow.client_since.is_some_and(|since| state.clock.now().since(since) < NEW_FOR),
        plain_http: !state.is_secure(),
        flow: &flow,
    };
    Ok(pages::consent(page, chosen.unwrap_or_else(|| Lang::of(request))))
}

/// The flow, if the browser of the request began it.
async fn own_flow(
    request: &HttpRequest,
    state: &OauthState,
    id: &str,
) -> Result<(TokenHash, Flow), ConsentError> {
    let (place, flow) = state.flow(id).await?.ok_or(ConsentError::UnknownFlow)?;
    match Browser::of(request, state) {
        Some(browser) if flow.is_of(&browser) => Ok((place, flow)),
        Some(_) | None => Err(ConsentError::OtherBrowser),
    }
}

async fn decide(
    request: &HttpRequest,
    state: &OauthState,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<String, ConsentError> {
    if !wire::has_content_type(request.headers(), "application/x-www-form-urlencoded") {
        return Err(ConsentError::Malformed);
    }
    let params = Params::parse(&body.map_err(|_| ConsentError::Malformed)?)?;
    let id = params.get("flow").ok_or(ConsentError::UnknownFlow)?;
    let (place, flow) = own_flow(request, state, id).await?;
    // Browsers say so themselves when a form of another site brought them here.
    if wire::is_cross_site(request.headers()) {
        return Err(ConsentError::ForeignForm);
    }
    if !state.csrf_is_right(id, &flow, params.get("csrf").unwrap_or_default()) {
        return Err(ConsentError::ForeignForm);
    }
    let client = flow.client.clone();
    let decided = params.get("decision").unwrap_or_default().to_owned();
    if matches!(decided.as_str(), "approve" | "deny") {
        state.step(&flow.id, flow.step(&decided)).await;
    }
    let location = match params.get("decision") {
        Some("approve") => {
            audit::event("consent", &client, None);
            let last = cookies::user(request, state);
            state.forward(flow, None, last.as_ref().map(|last| &last.user)).await?
        }
        Some("deny") => {
            audit::event("denied", &client, None);
            flow.error_location(state.resources.issuer(), "access_denied", "the person refused")
        }
        Some(_) | None => return Err(ConsentError::Malformed),
    };
    Ok(state.settle(&place, location).await?)
}

fn refuse(error: &ConsentError, lang: Lang) -> HttpResponse {
    let page = |status, fault| pages::dead_end(status, fault, None, lang);
    match error {
        ConsentError::Malformed => page(StatusCode::BAD_REQUEST, Fault::Malformed),
        ConsentError::UnknownFlow => page(StatusCode::BAD_REQUEST, Fault::Expired),
        ConsentError::OtherBrowser => page(StatusCode::FORBIDDEN, Fault::OtherBrowser),
        ConsentError::ForeignForm => page(StatusCode::FORBIDDEN, Fault::ForeignForm),
        ConsentError::Forward(cause) => {
            tracing::warn!(error = %cause, "a sign-in cannot go on to Entra");
            pages::unavailable(None, lang)
        }
    }
}
