//! What every Entra and Graph request passes: faults first, then the handler, then the counters.

use std::time::Duration;

use actix_web::{
    Error, HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody, SizedStream},
    dev::{ServiceRequest, ServiceResponse},
    http::{StatusCode, header},
    middleware::Next,
    web,
};
use bytes::Bytes;
use futures_util::stream;
use serde_json::Value;

use super::{entra, faults::Fault, state::SimState};

/// The middleware; requests to the control routes pass untouched and uncounted.
pub(crate) async fn gateway(
    state: web::Data<SimState>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if request.path().starts_with("/_sim/") {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let pattern = request.match_pattern();
    let route = format!("{} {}", request.method(), pattern.as_deref().unwrap_or("unmatched"));
    let fault = state.faults.take(request.method().as_str(), request.path());
    if let Some(delay) = fault.as_ref().and_then(|fault| fault.delay_ms) {
        actix_web::rt::time::sleep(Duration::from_millis(delay)).await;
    }
    let response = match fault.as_ref().and_then(|fault| answer(fault, request.request(), &state.url)) {
        Some(response) => {
            state.counters.faulted();
            if fault.is_some_and(|fault| fault.after) {
                next.call(request).await?.into_response(response)
            } else {
                request.into_response(response)
            }
        }
        None => next.call(request).await?.map_into_boxed_body(),
    };
    state.counters.answered(&route, response.status().as_u16());
    Ok(response)
}

/// The answer of a rule; a rule that only delays has none.
fn answer(fault: &Fault, request: &HttpRequest, base: &str) -> Option<HttpResponse> {
    if fault.reset {
        // A body that fails before its announced length makes the server drop the connection.
        let broken = stream::once(async { Err::<Bytes, _>(std::io::Error::other("fault: reset")) });
        return Some(HttpResponse::Ok().body(SizedStream::new(1024, Box::pin(broken))));
    }
    let status = fault.status.and_then(|status| StatusCode::from_u16(status).ok());
    if let Some(rule) = &fault.aadsts {
        return Some(entra::refuse(request, base, rule, status));
    }
    let status = status?;
    let mut response = HttpResponse::build(status);
    for (name, value) in &fault.headers {
        response.insert_header((name.as_str(), value.as_str()));
    }
    let typed = fault.headers.keys().any(|name| name.eq_ignore_ascii_case(header::CONTENT_TYPE.as_str()));
    Some(match &fault.body {
        None => response.finish(),
        Some(Value::String(text)) => response.body(text.clone()),
        Some(json) if typed => response.body(json.to_string()),
        Some(json) => response.json(json),
    })
}
