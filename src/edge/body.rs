//! Request bodies within bounds of size and time.

use actix_web::http::header::{self, HeaderMap};
use actix_web::web;
use bytes::BytesMut;
use futures_util::StreamExt;
use std::time::Duration;

/// How long a body that nobody wants may take to arrive, so that its sender can read the refusal.
const DISCARD_TIME: Duration = Duration::from_secs(5);
/// How much of an unwanted body is read, in multiples of the largest accepted one.
const DISCARD_FACTOR: usize = 8;

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFault {
    TooLarge,
    /// The sender broke off.
    Broken,
    /// It did not arrive in time; the rest of it is not worth waiting for.
    Slow,
}

impl BodyFault {
    /// For the one who sent it.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::TooLarge => "The request body is too large.",
            Self::Broken => "The request body broke off.",
            Self::Slow => "The request body took too long to arrive.",
        }
    }
}

/// Whether the body is plain JSON: the media type, with any parameters, and no content coding.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.split(';').next())
        .is_some_and(|v| v.trim().eq_ignore_ascii_case("application/json"));
    let coded = headers.get(header::CONTENT_ENCODING).is_some_and(|v| v != "identity");
    json && !coded
}

/// The size that the sender announces, in bytes.
pub(crate) fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads a body of at most `limit` bytes within `time`.
pub(crate) async fn read(
    payload: &mut web::Payload,
    limit: usize,
    time: Duration,
) -> Result<BytesMut, BodyFault> {
    let collect = async {
        let mut body = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| BodyFault::Broken)?;
            if body.len() + chunk.len() > limit {
                return Err(BodyFault::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    };
    tokio::time::timeout(time, collect).await.unwrap_or(Err(BodyFault::Slow))
}

/// Reads an unwanted body and throws it away: a sender that meets a closed connection half-way through never sees
/// the answer. `limit` is the size of the largest accepted body.
pub(crate) async fn discard(payload: &mut web::Payload, limit: usize) {
    let limit = limit.saturating_mul(DISCARD_FACTOR);
    let drain = async {
        let mut seen = 0_usize;
        while let Some(Ok(chunk)) = payload.next().await {
            seen = seen.saturating_add(chunk.len());
            if seen > limit {
                break;
            }
        }
    };
    // Past the time limit the connection just closes.
    let _ = tokio::time::timeout(DISCARD_TIME, drain).await;
}
