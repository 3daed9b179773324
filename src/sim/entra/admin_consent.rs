//! `/{tenant}/v2.0/adminconsent`: an administrator grants permissions for everybody.

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use url::Url;

use super::{
    error::{AadError, Trace},
    params::Params,
    request::Target,
    scopes::{Asked, ScopeFault},
};
use crate::sim::{page, state::SimState};

/// `GET`: shows the page.
pub(super) async fn open(
    request: HttpRequest,
    tenant: web::Path<String>,
    state: web::Data<SimState>,
) -> HttpResponse {
    handle(&request, &tenant, &state, request.query_string().as_bytes())
}

/// `POST`: the page's answer.
pub(super) async fn submit(
    request: HttpRequest,
    tenant: web::Path<String>,
    state: web::Data<SimState>,
    body: Result<web::Bytes, actix_web::Error>,
) -> HttpResponse {
    match body {
        Ok(body) => handle(&request, &tenant, &state, &body),
        Err(_) => AadError::body_too_large().page(&Trace::of(&request)),
    }
}

fn handle(request: &HttpRequest, tenant: &str, state: &SimState, raw: &[u8]) -> HttpResponse {
    let trace = Trace::of(request);
    let parsed = Params::parse(raw).and_then(|params| {
        let target = Target::parse(tenant, &params, state)?;
        let asked = Asked::parse(params.need("scope")?).map_err(ScopeFault::at_authorize)?;
        Ok((target, asked, params))
    });
    let (target, asked, params) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return error.page(&trace),
    };
    if params.get("decision") == Some("cancel") {
        let error = AadError::declined();
        let description = error.description(&trace);
        return back(&target, &trace, &[("error", error.error), ("error_description", &description)]);
    }
    let problem = match params.get("username").map(|name| state.directory.by_upn(name)) {
        Some(Some(person)) if person.is_admin() => {
            state.grants.approve(&asked.graph);
            let scopes = asked.graph.iter().map(|scope| format!("https://graph.microsoft.com/{scope}"));
            let scopes = scopes.collect::<Vec<_>>().join(" ");
            return back(&target, &trace, &[("tenant", &state.directory.tenant_id), ("scope", &scopes)]);
        }
        Some(Some(_)) => Some("Only an administrator can grant this for the organisation."),
        Some(None) => Some("There is no such account."),
        None => None,
    };
    let page = page::account(&page::Account {
        action: "adminconsent",
        username: params.get("username").unwrap_or_default(),
        problem,
        people: &state.directory.people,
        permissions: &asked.graph,
        carried: params.except(&["username", "decision"]).collect(),
    });
    let mut response = HttpResponse::Ok();
    trace.stamp(&mut response).content_type(page::HTML).body(page.into_string())
}

/// Sends the browser back; Entra marks either answer as one about consent.
fn back(target: &Target, trace: &Trace, answer: &[(&str, &str)]) -> HttpResponse {
    let Ok(mut url) = Url::parse(&target.redirect_uri) else {
        return AadError::wrong_reply_url().page(trace);
    };
    url.query_pairs_mut().append_pair("admin_consent", "True").extend_pairs(answer);
    if let Some(state) = &target.state {
        url.query_pairs_mut().append_pair("state", state);
    }
    let mut response = HttpResponse::Found();
    trace.stamp(&mut response).insert_header((header::LOCATION, url.as_str())).finish()
}
