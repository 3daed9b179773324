//! `GET /download/{ticket}`: one file, once. Looking at the link does not use it up.

use super::{FilesState, disposition, private, seconds};
use crate::html::{Fault, Lang, Page};
use crate::oauth::audit;
use crate::tools::transfer::porter::{Delivery, Label, Refusal};
use actix_web::body::SizedStream;
use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use maud::html;
use std::time::Duration;

/// Headers by which browsers say that nobody has asked for the file yet.
const PREFETCH: [&str; 4] = ["sec-purpose", "purpose", "x-purpose", "x-moz"];
/// Programs that look at links in messages to show what is behind them; parts of their `User-Agent`, in lower case.
const PREVIEWERS: [&str; 16] = [
    "slackbot",
    "slack-imgproxy",
    "facebookexternalhit",
    "facebot",
    "twitterbot",
    "telegrambot",
    "whatsapp",
    "discordbot",
    "linkedinbot",
    "skypeuripreview",
    "bingpreview",
    "bingbot",
    "googlebot",
    "kakaotalk-scrap",
    "iframely",
    "mattermost",
];
/// A previewer that is sent away need not come back soon.
const NO_PREVIEW: Duration = Duration::from_hours(1);

/// Streams what the link leads to.
pub(super) async fn get(
    request: HttpRequest,
    ticket: web::Path<String>,
    state: web::Data<FilesState>,
) -> HttpResponse {
    if request.method() == Method::HEAD {
        return match state.porter.look(&ticket).await {
            Ok(label) => labelled(&label).finish(),
            Err(refusal) => explained(&refusal, Lang::of(&request)),
        };
    }
    if is_preview(request.headers()) {
        let mut response = private(StatusCode::SERVICE_UNAVAILABLE);
        return response.insert_header((header::RETRY_AFTER, seconds(NO_PREVIEW))).finish();
    }
    match state.porter.fetch(&ticket).await {
        Ok(Delivery { owner, label, length, body }) => {
            audit::event("download", &owner.client, Some(&owner.user));
            let mut response = labelled(&label);
            match length {
                Some(length) => response.body(SizedStream::new(length, body)),
                None => response.streaming(body),
            }
        }
        Err(refusal) => explained(&refusal, Lang::of(&request)),
    }
}

/// The head of a file that is saved and never shown: whatever is in it, no browser runs it here.
fn labelled(label: &Label) -> HttpResponseBuilder {
    let mut response = private(StatusCode::OK);
    let kind = header::HeaderValue::from_str(&label.content_type).ok();
    let kind = kind.filter(|_| label.content_type.contains('/'));
    response
        .insert_header((
            header::CONTENT_TYPE,
            kind.unwrap_or(header::HeaderValue::from_static("application/octet-stream")),
        ))
        .insert_header((header::CONTENT_DISPOSITION, disposition::attachment(&label.name)))
        .insert_header((header::ACCEPT_RANGES, "none"));
    response
}

/// Whether no person is behind the request.
fn is_preview(headers: &HeaderMap) -> bool {
    let text = |name: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase()
    };
    let ahead = PREFETCH.iter().map(|name| text(name));
    let agent = text("user-agent");
    ahead.into_iter().any(|purpose| purpose.contains("prefetch") || purpose.contains("preview"))
        || PREVIEWERS.iter().any(|name| agent.contains(name))
}

fn explained(refusal: &Refusal, lang: Lang) -> HttpResponse {
    let (status, fault, wait) = match refusal {
        Refusal::Later { retry_after } => {
            (StatusCode::SERVICE_UNAVAILABLE, Fault::LinkLater, Some(*retry_after))
        }
        Refusal::Gone
        | Refusal::UnderWay
        | Refusal::Empty
        | Refusal::TooLarge { .. }
        | Refusal::Cut
        | Refusal::Refused(_) => (StatusCode::GONE, Fault::LinkGone, None),
    };
    let texts = lang.texts();
    let fault = texts.faults.of(fault);
    let body = html! {
        h1 { (fault.title) }
        p.lead { (fault.text) }
        h2 { (texts.shell.what_to_do) }
        ol.steps { @for step in fault.steps { li { (step) } } }
    };
    let mut response = Page::new(status, fault.title, lang).respond(body);
    if let Some(wait) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, seconds(wait));
    }
    response
}
