//! Large files in pieces (`driveItem: createUploadSession`, `attachment: createUploadSession`). The address of a session is itself the permission to write
//! there: the token stays behind, and the address reaches neither callers nor logs.

use super::client::{Answer, GraphClient, dice, remaining};
use super::error::{GraphError, refusal};
use super::page::Text;
use super::request::{Asker, Request};
use super::retry;
use crate::ports::gate::Workload;
use crate::ports::graph::{Elsewhere, GraphResponse, TransportError};
use bytes::Bytes;
use http::{Method, StatusCode};
use serde::Deserialize;
use std::ops::Range;
use std::time::Duration;

/// Pieces are multiples of 320 KiB, below 60 MiB; Graph advises 5 to 10 MiB.
const PIECE: usize = 16 * (320 << 10);
/// Outlook takes pieces below 4 MB.
const OUTLOOK_PIECE: usize = 10 * (320 << 10);
/// Answers are an item, or where to go on.
const ANSWER_BYTES: usize = 1 << 20;
const PIECE_TIMEOUT: Duration = Duration::from_mins(1);
const ASK_TIMEOUT: Duration = Duration::from_secs(10);

/// An upload under way, and the answers to its pieces.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Session<'a> {
    #[serde(borrow)]
    upload_url: Text<'a>,
    next_expected_ranges: Vec<String>,
}

impl Session<'_> {
    /// First byte that is missing.
    fn next(&self) -> Option<usize> {
        let first = self.next_expected_ranges.first()?;
        first.split('-').next()?.parse().ok()
    }
}

/// After a piece.
enum Sent {
    Done(Answer),
    /// Go on with this byte.
    Next(usize),
    /// It may or may not have arrived.
    Lost {
        reason: String,
        wait: Option<Duration>,
    },
}

impl GraphClient {
    /// Opens a session by `open` and sends `bytes` through it; answers with the item, of which Outlook tells nothing.
    ///
    /// # Errors
    /// Those of [`GraphClient::send`], and [`GraphError::OutcomeUnknown`] when the session ends without an answer.
    pub(crate) async fn upload(
        &self,
        asker: Asker<'_>,
        open: Request,
        bytes: Bytes,
    ) -> Result<Answer, GraphError> {
        let piece = if open.workload == Workload::Outlook { OUTLOOK_PIECE } else { PIECE };
        let opened = self.send(asker, open).await?;
        let url = opened.view::<Session<'_>>()?.upload_url.to_string();
        let outcome = self.pieces(asker, (&url, piece), &bytes).await;
        if outcome.is_err() {
            // What was sent is thrown away; it would be in a day.
            let cancel = Elsewhere::bare(Method::DELETE, &url, ANSWER_BYTES, ASK_TIMEOUT);
            let _ = self.transport.fetch(cancel).await;
        }
        outcome
    }

    async fn pieces(
        &self,
        asker: Asker<'_>,
        (url, piece): (&str, usize),
        bytes: &Bytes,
    ) -> Result<Answer, GraphError> {
        let (mut from, mut failures) = (0, 0);
        loop {
            let timeout = remaining(asker.deadline).min(PIECE_TIMEOUT);
            if timeout.is_zero() {
                return Err(GraphError::TimedOut);
            }
            let to = (from + piece).min(bytes.len());
            match self.piece(url, bytes, from..to, timeout).await? {
                Sent::Done(answer) => return Ok(answer),
                Sent::Next(next) if next > from && next < bytes.len() => (from, failures) = (next, 0),
                Sent::Next(_) => return Err(GraphError::Malformed("a range that was not sent".to_owned())),
                Sent::Lost { reason, wait } => {
                    failures += 1;
                    let pause = wait.unwrap_or_else(|| retry::backoff(failures, dice()));
                    if failures >= retry::MAX_ATTEMPTS || pause >= remaining(asker.deadline) {
                        return Err(GraphError::OutcomeUnknown { reason, request_id: None });
                    }
                    tokio::time::sleep(pause).await;
                    from = self.resume(url, bytes.len(), reason).await?;
                }
            }
        }
    }

    async fn piece(
        &self,
        url: &str,
        bytes: &Bytes,
        piece: Range<usize>,
        timeout: Duration,
    ) -> Result<Sent, GraphError> {
        let range = format!("bytes {}-{}/{}", piece.start, piece.end.saturating_sub(1), bytes.len());
        let headers = vec![("content-range", range)];
        let body = Some(bytes.slice(piece));
        let put = Elsewhere { headers, body, ..Elsewhere::bare(Method::PUT, url, ANSWER_BYTES, timeout) };
        match self.transport.fetch(put).await {
            Ok(response) => judge(response),
            Err(TransportError::ForeignLink) => Err(GraphError::ForeignLink),
            Err(error) => Ok(Sent::Lost { reason: error.to_string(), wait: None }),
        }
    }

    /// Where the session goes on. One that is over may have ended with the file in its place.
    async fn resume(&self, url: &str, total: usize, reason: String) -> Result<usize, GraphError> {
        let unknown = |reason| GraphError::OutcomeUnknown { reason, request_id: None };
        let status = Elsewhere::bare(Method::GET, url, ANSWER_BYTES, ASK_TIMEOUT);
        let Ok(response) = self.transport.fetch(status).await else { return Err(unknown(reason)) };
        let session: Session<'_> = serde_json::from_slice(&response.body).unwrap_or_default();
        session
            .next()
            .filter(|next| response.status.is_success() && *next < total)
            .ok_or_else(|| unknown(reason))
    }
}

/// Decides over the answer to a piece.
fn judge(response: GraphResponse) -> Result<Sent, GraphError> {
    let status = response.status;
    if status.is_success() {
        // Drives say 202 until the last piece, Outlook 200 and then 201 with nothing in it.
        let session: Session<'_> = serde_json::from_slice(&response.body).unwrap_or_default();
        return match session.next() {
            Some(next) => Ok(Sent::Next(next)),
            None if status == StatusCode::ACCEPTED => {
                Err(GraphError::Malformed("a piece without a range".to_owned()))
            }
            None => Ok(Sent::Done(Answer { body: response.body, location: None })),
        };
    }
    // 416: an earlier attempt, whose answer got lost, has arrived.
    let again = status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::RANGE_NOT_SATISFIABLE;
    if again || retry::is_transient(status) {
        let reason = format!("status {} at the host of an upload", status.as_u16());
        return Ok(Sent::Lost { reason, wait: retry::ordered(&response.headers) });
    }
    Err(refusal(&response))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FakeGraph, FakeTokens, OpenGate, json, raw};
    use super::*;
    use crate::domain::ids::UserKey;
    use std::sync::Arc;
    use std::time::Instant;

    const URL: &str = "https://files.example/up/secret";

    /// Uploads two and a half pieces to hosts that answer so.
    async fn upload(
        answer: impl Fn(&Method, usize) -> super::super::testing::Reply + Send + Sync + 'static,
    ) -> (Result<Answer, GraphError>, Vec<(Method, String)>) {
        let graph = FakeGraph::new(move |request, n| {
            if n == 0 {
                return json(200, &serde_json::json!({"uploadUrl": URL, "nextExpectedRanges": ["0-"]}));
            }
            assert!(request.target == URL && request.token.expose().is_empty());
            answer(&request.method, n)
        });
        let client =
            GraphClient::new(graph.clone(), Arc::new(FakeTokens::default()), Arc::new(OpenGate::default()));
        let user = UserKey::new("t", "u");
        let asker = Asker { user: &user, mailbox: None, deadline: Instant::now() + Duration::from_mins(1) };
        let open = Request::files_write(Method::POST, "/me/drive/root:/x:/createUploadSession", None);
        let outcome = client.upload(asker, open, Bytes::from(vec![7; PIECE * 5 / 2])).await;
        let seen = graph.seen.lock();
        let range = |headers: &[(&'static str, String)]| {
            headers.iter().find(|(name, _)| *name == "content-range").map(|(_, value)| value.clone())
        };
        let asked = seen.iter().skip(1);
        (outcome, asked.map(|r| (r.method.clone(), range(&r.headers).unwrap_or_default())).collect())
    }

    fn went_on(at: usize) -> super::super::testing::Reply {
        json(202, &serde_json::json!({"nextExpectedRanges": [format!("{at}-")]}))
    }

    #[tokio::test]
    async fn pieces_follow_each_other_and_a_lost_one_is_sent_again() {
        let total = PIECE * 5 / 2;
        let (outcome, asked) = upload(|method, n| match (method.as_str(), n) {
            ("PUT", 1) | ("GET", 3) => went_on(PIECE),
            ("PUT", 2) => raw(503, &[("retry-after", "0")], b""),
            ("PUT", 4) => went_on(2 * PIECE),
            ("PUT", 5) => raw(201, &[], b"{\"id\":\"01A\"}"),
            _ => raw(500, &[], b""),
        })
        .await;
        assert_eq!(outcome.unwrap().body, "{\"id\":\"01A\"}");
        let ranges: Vec<&str> = asked.iter().map(|(_, range)| range.as_str()).collect();
        let range = |first: usize, last: usize| format!("bytes {first}-{last}/{total}");
        let second = range(PIECE, 2 * PIECE - 1);
        let last = range(2 * PIECE, total - 1);
        assert_eq!(ranges, [&*range(0, PIECE - 1), &*second, "", &*second, &*last]);
    }

    #[tokio::test]
    async fn a_refusal_ends_the_session_and_a_silent_end_is_unknown() {
        let taken = br#"{"error":{"code":"nameAlreadyExists","message":"m"}}"#;
        let (outcome, asked) = upload(|method, _| match method.as_str() {
            "PUT" => raw(409, &[], taken),
            _ => raw(204, &[], b""),
        })
        .await;
        assert!(matches!(outcome, Err(GraphError::Refused { status: 409, .. })), "{outcome:?}");
        assert_eq!(asked.last().unwrap().0, Method::DELETE);
        let (outcome, _) = upload(|method, _| match method.as_str() {
            "PUT" => Err(TransportError::Broken("reset".to_owned())),
            _ => raw(404, &[], b""),
        })
        .await;
        assert!(matches!(outcome, Err(GraphError::OutcomeUnknown { .. })), "{outcome:?}");
    }
}
