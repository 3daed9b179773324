//! The forms of these pages: they count only when our own page sent them for the session that is signed in.

use super::session::Session;
use super::{origin, page};
use crate::html::Lang;
use crate::oauth::forward::ForwardError;
use crate::oauth::params::{ParamFault, Params};
use crate::oauth::state::OauthState;
use crate::oauth::{pages, wire};
use crate::ports::store::StoreError;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

/// Why a form changes nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum FormError {
    #[error("the form is malformed")]
    Malformed,
    #[error("nobody is signed in any more")]
    SignedOut,
    #[error("the form does not come from our page")]
    Foreign,
    #[error(transparent)]
    Forward(#[from] ForwardError),
}

impl From<ParamFault> for FormError {
    fn from(_: ParamFault) -> Self {
        Self::Malformed
    }
}

impl From<StoreError> for FormError {
    fn from(error: StoreError) -> Self {
        Self::Forward(ForwardError::Store(error))
    }
}

/// The session and the fields of a form that our own page sent for it.
pub(super) async fn checked(
    request: &HttpRequest,
    state: &OauthState,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<(Session, Params), FormError> {
    if origin::is_foreign(request.headers(), state.resources.issuer()) {
        return Err(FormError::Foreign);
    }
    if !wire::has_content_type(request.headers(), "application/x-www-form-urlencoded") {
        return Err(FormError::Malformed);
    }
    let params = Params::parse(&body.map_err(|_| FormError::Malformed)?)?;
    let session = Session::of(request, state).await?.ok_or(FormError::SignedOut)?;
    if !session.csrf_is_right(params.get("csrf").unwrap_or_default(), state) {
        return Err(FormError::Foreign);
    }
    Ok((session, params))
}

/// The page that says so.
pub(super) fn refuse(error: &FormError, lang: Lang) -> HttpResponse {
    match error {
        FormError::Malformed => page::refused(StatusCode::BAD_REQUEST, lang),
        FormError::SignedOut | FormError::Foreign => page::refused(StatusCode::FORBIDDEN, lang),
        FormError::Forward(cause) => {
            tracing::warn!(error = %cause, "a form of the account page changes nothing");
            pages::unavailable(None, lang)
        }
    }
}
