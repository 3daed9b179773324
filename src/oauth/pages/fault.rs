//! Pages that say why a sign-in does not go on, and what to do about it.

use crate::html::{Fault, Lang, Page};
use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use maud::{Markup, html};

/// A request or a link that leads nowhere, with the way out.
pub(in crate::oauth) fn dead_end(
    status: StatusCode,
    fault: Fault,
    reference: Option<&str>,
    lang: Lang,
) -> HttpResponse {
    let title = lang.texts().faults.of(fault).title;
    Page { reference, ..Page::new(status, title, lang) }.respond(body(fault, None, lang))
}

/// A client that identifies itself by the URL of its metadata, which cannot be used; `reason` is for its maker.
pub(in crate::oauth) fn unusable_client(reason: &str, reference: &str, lang: Lang) -> HttpResponse {
    let fault = Fault::UnusableClient;
    let title = lang.texts().faults.of(fault).title;
    let page = Page { reference: Some(reference), ..Page::new(StatusCode::BAD_REQUEST, title, lang) };
    page.respond(body(fault, Some(reason), lang))
}

/// The sign-in cannot go on because the store or Entra is away.
pub(in crate::oauth) fn unavailable(reference: Option<&str>, lang: Lang) -> HttpResponse {
    let mut response = dead_end(StatusCode::SERVICE_UNAVAILABLE, Fault::Unavailable, reference, lang);
    response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("5"));
    response
}

/// The explanation that an error redirect names as its `error_uri`: the fault lies behind, so this page is fine.
pub(in crate::oauth) fn explained(
    fault: Fault,
    address: &str,
    reference: Option<&str>,
    lang: Lang,
) -> HttpResponse {
    let title = lang.texts().faults.of(fault).title;
    let page = Page { reference, address: Some(address), ..Page::new(StatusCode::OK, title, lang) };
    page.respond(body(fault, None, lang))
}

fn body(fault: Fault, detail: Option<&str>, lang: Lang) -> Markup {
    let texts = lang.texts();
    let fault = texts.faults.of(fault);
    html! {
        h1 { (fault.title) }
        p.lead { (fault.text) }
        @if let Some(detail) = detail { p lang="en" { code { (detail) } } }
        h2 { (texts.shell.what_to_do) }
        ol.steps { @for step in fault.steps { li { (step) } } }
    }
}
