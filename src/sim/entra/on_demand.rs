//! Errors that a fault rule asks for, shaped as Entra shapes its own.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
};
use serde_json::{Value, json};
use url::Url;

use super::{error::Trace, params::Params};
use crate::sim::faults::Aadsts;

/// Answers `rule` to `request`: from the authorize endpoint with a redirect to the reply URL, elsewhere with a body.
pub(crate) fn refuse(
    request: &HttpRequest,
    base: &str,
    rule: &Aadsts,
    status: Option<StatusCode>,
) -> HttpResponse {
    let trace = Trace::of(request);
    let text = format!("AADSTS{}: An error that the test asked for.", rule.code);
    let description = trace.describe(&text);
    let uri = format!("{base}/error?code={}", rule.code);
    if request.path().ends_with("/authorize") {
        let error = rule.error.as_deref().unwrap_or("interaction_required");
        let mut pairs = vec![("error", error), ("error_description", &description), ("error_uri", &uri)];
        pairs.extend(rule.claims.as_deref().map(|claims| ("claims", claims)));
        if let Some(location) = location(request, &pairs) {
            return trace
                .stamp(&mut HttpResponse::Found())
                .insert_header((header::LOCATION, location))
                .finish();
        }
    }
    let mut body = json!({
        "error": rule.error.as_deref().unwrap_or("invalid_grant"),
        "error_description": description,
        "error_codes": [rule.code],
        "error_uri": uri,
    });
    if let Some(object) = body.as_object_mut() {
        trace.identify(object);
        for (name, value) in [("suberror", &rule.suberror), ("claims", &rule.claims)] {
            if let Some(text) = value {
                object.insert(name.to_owned(), Value::from(text.as_str()));
            }
        }
    }
    trace.stamp(&mut HttpResponse::build(status.unwrap_or(StatusCode::BAD_REQUEST))).json(body)
}

fn location(request: &HttpRequest, pairs: &[(&str, &str)]) -> Option<String> {
    let params = Params::parse(request.query_string().as_bytes()).ok()?;
    let mut url = Url::parse(params.get("redirect_uri")?).ok()?;
    url.query_pairs_mut().extend_pairs(pairs).extend_pairs(params.get("state").map(|state| ("state", state)));
    Some(url.into())
}
