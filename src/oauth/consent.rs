//! `/consent`: the person decides, here and before Entra, whether this client may act for them. Entra knows only us,
//! so without this page any registered client could ride on an earlier approval (confused deputy).

use super::cookies::Browser;
use super::flow::Flow;
use super::forward::ForwardError;
use super::params::{ParamFault, Params};
use super::state::OauthState;
use super::texts::Lang;
use super::{audit, pages, wire};
use crate::domain::token::TokenHash;
use crate::ports::store::StoreError;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

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
    let lang = Lang::of(request.headers());
    show(&request, &state, lang).await.unwrap_or_else(|error| refuse(&error, lang))
}

/// `POST /consent`: the decision.
pub(super) async fn post(
    request: HttpRequest,
    state: web::Data<OauthState>,
    body: Result<web::Bytes, actix_web::Error>,
) -> HttpResponse {
    match decide(&request, &state, body).await {
        Ok(location) => pages::redirect_to(StatusCode::SEE_OTHER, &location),
        Err(error) => refuse(&error, Lang::of(request.headers())),
    }
}

async fn show(request: &HttpRequest, state: &OauthState, lang: Lang) -> Result<HttpResponse, ConsentError> {
    let params = Params::parse(request.query_string().as_bytes())?;
    let id = params.get("flow").ok_or(ConsentError::UnknownFlow)?;
    let (_, flow) = own_flow(request, state, id).await?;
    let page = pages::Consent {
        csrf: &state.csrf(id, &flow),
        id,
        service_title: state.resources.service(flow.service.as_str()).map_or("", |s| &s.title),
        plain_http: !state.is_secure(),
        flow: &flow,
    };
    Ok(pages::consent(page, lang))
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
            state.forward(flow, None).await?
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
    match error {
        ConsentError::Malformed => {
            let text = lang.pick("The form is malformed.", "양식이 잘못되었습니다.");
            pages::dead_end(StatusCode::BAD_REQUEST, text, lang)
        }
        ConsentError::UnknownFlow => {
            let text = lang.pick("This sign-in is unknown or too old.", "알 수 없거나 만료된 로그인입니다.");
            pages::dead_end(StatusCode::BAD_REQUEST, text, lang)
        }
        ConsentError::OtherBrowser => {
            let text = lang.pick(
                "This sign-in was begun in another browser, or cookies are switched off.",
                "다른 브라우저에서 시작한 로그인이거나 쿠키가 꺼져 있습니다.",
            );
            pages::dead_end(StatusCode::FORBIDDEN, text, lang)
        }
        ConsentError::ForeignForm => {
            let text =
                lang.pick("This form does not come from our page.", "이 페이지에서 보낸 양식이 아닙니다.");
            pages::dead_end(StatusCode::FORBIDDEN, text, lang)
        }
        ConsentError::Forward(cause) => {
            tracing::warn!(error = %cause, "a sign-in cannot go on to Entra");
            pages::unavailable(lang)
        }
    }
}
