//! `/help/sign-in/{fault}`: explains a failed sign-in to the person in front of it. Error redirects name it as their
//! `error_uri` (RFC 6749 §4.1.2.1), so that an app that shows links has one to show.

use super::pages;
use super::wire;
use crate::domain::ids::FlowId;
use crate::html::{Fault, Lang};
use actix_web::{HttpRequest, HttpResponse, web};

/// Longest flow id that is repeated on a page; ours have 14 characters.
const MAX_ID_CHARS: usize = 20;

/// What can go wrong behind the consent page, by its name in the address.
const EXPLAINED: [(&str, Fault); 9] = [
    ("declined", Fault::Declined),
    ("consent", Fault::ConsentMissing),
    ("step", Fault::StepMissing),
    ("not-allowed", Fault::NotAllowed),
    ("not-admitted", Fault::NotAdmitted),
    ("unverified", Fault::Unverified),
    ("expired", Fault::Expired),
    ("server", Fault::Misconfigured),
    ("unavailable", Fault::Unavailable),
];

/// Where a fault of a flow is explained.
pub(super) fn address(issuer: &str, fault: Fault, flow: &FlowId) -> String {
    let name = EXPLAINED.iter().find(|(_, known)| *known == fault).map_or("unavailable", |(name, _)| name);
    format!("{issuer}/help/sign-in/{name}?flow={flow}")
}

/// `GET /help/sign-in/{fault}`.
pub(super) async fn get(request: HttpRequest, path: web::Path<String>) -> HttpResponse {
    let Some((name, fault)) = EXPLAINED.iter().find(|(name, _)| *name == path.as_str()) else {
        return wire::not_found();
    };
    let query = url::form_urlencoded::parse(request.query_string().as_bytes());
    let mut ids = query.filter(|(name, _)| name == "flow").map(|(_, id)| id).filter(|id| is_id(id));
    let id = ids.next();
    let here = id
        .as_deref()
        .map_or_else(|| format!("/help/sign-in/{name}"), |id| format!("/help/sign-in/{name}?flow={id}"));
    pages::explained(*fault, &here, id.as_deref(), Lang::of(&request))
}

/// Only what looks like an id of ours is repeated: the address can be made by anybody.
fn is_id(text: &str) -> bool {
    (1..=MAX_ID_CHARS).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-')
}
