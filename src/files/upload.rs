//! `PUT /upload/{ticket}`: one file, as it is sent, into its user's OneDrive.

use super::{FilesState, private, seconds};
use crate::oauth::audit;
use crate::ports::graph::TransportError;
use crate::tools::transfer::porter::{Arrival, Porter, Receipt, Refusal};
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::json;
use std::time::Duration;
use tokio::sync::mpsc;

/// Chunks that wait for Graph to take them.
const WAITING: usize = 8;
/// A sender may pause for so long.
const SILENCE: Duration = Duration::from_mins(1);
/// Longest media type.
const MAX_TYPE: usize = 127;

/// Takes the body in.
pub(super) async fn put(
    request: HttpRequest,
    ticket: web::Path<String>,
    body: web::Payload,
    state: web::Data<FilesState>,
) -> HttpResponse {
    let content_type = match media_type(&request) {
        Ok(kind) => kind,
        Err(refusal) => return refusal,
    };
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        let text = "Send the file as it is, without Content-Encoding.";
        return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding", text, None);
    }
    if request.headers().contains_key(header::CONTENT_RANGE) {
        let text = "Send the whole file in one request, without Content-Range (RFC 9110, section 14.5).";
        return refused(StatusCode::BAD_REQUEST, "partial_put", text, None);
    }
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let length = length.and_then(|text| text.parse().ok());
    let (sender, mut receiver) = mpsc::channel(WAITING);
    let chunks = stream::poll_fn(move |context| receiver.poll_recv(context));
    let arrival = Arrival { content_type, length, body: Box::pin(chunks) };
    let (porter, ticket): (Porter, String) = (state.porter.clone(), ticket.into_inner());
    // A task of its own: when the sender hangs up, what was begun is still taken back in order.
    let mut taken = actix_web::rt::spawn(async move { porter.take(&ticket, arrival).await });
    let outcome = tokio::select! {
        outcome = &mut taken => outcome,
        () = pump(body, sender) => taken.await,
    };
    match outcome {
        Ok(Ok(receipt)) => stored(&receipt),
        Ok(Err(refusal)) => told(&refusal),
        Err(_) => told(&Refusal::Later { retry_after: SILENCE }),
    }
}

type Sender = mpsc::Sender<Result<Bytes, TransportError>>;

/// Hands the body on, until its end, a failure, or nobody takes it any more.
async fn pump(mut body: web::Payload, sender: Sender) {
    loop {
        let failed = |what: &str| Err(TransportError::Broken(what.to_owned()));
        let chunk = match tokio::time::timeout(SILENCE, body.next()).await {
            Ok(None) => return,
            Ok(Some(Ok(chunk))) => Ok(chunk),
            Ok(Some(Err(_))) => failed("the sender went away"),
            Err(_) => failed("the sender fell silent"),
        };
        let is_last = chunk.is_err();
        if sender.send(chunk).await.is_err() || is_last {
            return;
        }
    }
}

/// What the file is, as its sender says (RFC 9110 §8.3).
fn media_type(request: &HttpRequest) -> Result<String, HttpResponse> {
    let Some(value) = request.headers().get(header::CONTENT_TYPE) else {
        return Ok("application/octet-stream".to_owned());
    };
    let text = value.to_str().unwrap_or_default().trim();
    if text.contains('/') && text.len() <= MAX_TYPE && !text.starts_with("multipart/") {
        return Ok(text.to_owned());
    }
    let text = "Send the file itself as the body: Content-Type says what it is, such as application/pdf; forms are not read.";
    Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", text, None))
}

fn stored(receipt: &Receipt) -> HttpResponse {
    audit::event("upload", &receipt.owner.client, Some(&receipt.owner.user));
    private(StatusCode::CREATED).json(json!({
        "status": "stored", "name": receipt.name, "size": receipt.size,
        "next": "Go back to the assistant and say that the file is there.",
    }))
}

fn told(refusal: &Refusal) -> HttpResponse {
    match refusal {
        Refusal::Gone => {
            let text = "This ticket is unknown, used or expired. Ask the assistant for a new one.";
            refused(StatusCode::GONE, "unknown_ticket", text, None)
        }
        Refusal::Later { retry_after } => {
            let text =
                "The file cannot be taken for the moment. The ticket stays good: send it again shortly.";
            refused(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", text, Some(*retry_after))
        }
        Refusal::UnderWay => {
            let text = "Somebody is sending a file with this ticket right now.";
            refused(StatusCode::CONFLICT, "under_way", text, None)
        }
        Refusal::Empty => {
            refused(StatusCode::BAD_REQUEST, "empty", "The body is empty: send the file itself.", None)
        }
        Refusal::TooLarge { limit } => {
            let text = format!("Files up to {} MB are taken here.", limit >> 20);
            refused(StatusCode::PAYLOAD_TOO_LARGE, "too_large", &text, None)
        }
        Refusal::Cut => {
            let text = "The file did not arrive whole. The ticket stays good: send it again.";
            refused(StatusCode::BAD_REQUEST, "cut_off", text, None)
        }
        Refusal::Refused(text) => refused(StatusCode::BAD_GATEWAY, "refused", text, None),
    }
}

fn refused(status: StatusCode, error: &str, text: &str, wait: Option<Duration>) -> HttpResponse {
    let mut response = private(status);
    if let Some(wait) = wait {
        response.insert_header((header::RETRY_AFTER, seconds(wait)));
    }
    response.json(json!({ "error": error, "error_description": text }))
}
