//! `/{tenant}/oauth2/v2.0/logout`

use actix_web::{HttpRequest, HttpResponse, cookie::Cookie, http::header, web};

use super::{
    apps::reply_url_registered, authorize::SESSION_COOKIE, error::Trace, params::Params, tenants::TenantPath,
};
use crate::sim::{page, state::SimState};

/// Ends the browser's session, then goes to a registered `post_logout_redirect_uri` or says so.
pub(super) async fn logout(
    request: HttpRequest,
    tenant: web::Path<String>,
    state: web::Data<SimState>,
) -> HttpResponse {
    let trace = Trace::of(&request);
    let parsed = TenantPath::parse(&tenant).and_then(|_| Params::parse(request.query_string().as_bytes()));
    let params = match parsed {
        Ok(params) => params,
        Err(error) => return error.page(&trace),
    };
    if let Some(cookie) = request.cookie(SESSION_COOKIE) {
        state.grants.close_session(cookie.value());
    }
    let mut gone = Cookie::build(SESSION_COOKIE, "").path("/").finish();
    gone.make_removal();
    let back = params
        .get("post_logout_redirect_uri")
        .filter(|url| reply_url_registered(&state.options.redirect_uris, url))
        .and_then(|url| url::Url::parse(url).ok());
    let mut response = if back.is_some() { HttpResponse::Found() } else { HttpResponse::Ok() };
    trace.stamp(&mut response).cookie(gone);
    match back {
        Some(url) => response.insert_header((header::LOCATION, url.as_str())).finish(),
        None => response.content_type(page::HTML).body(page::signed_out().into_string()),
    }
}
