//! Large files in pieces (`driveItem: createUploadSession`, `attachment: createUploadSession`). The address of a session is itself the permission to write
//! there: the token stays behind, and the address reaches neither callers nor logs.

use super::client::{Answer, GraphClient, dice, remaining};
use super::error::{GraphError, refusal};
use super::page::Text;
use super::request::{Asker, Request};
use super::retry;
use crate::ports::gate::Workload;
use crate::ports::graph::{ByteStream, Elsewhere, GraphResponse, TransportError};
use bytes::{Buf, Bytes, BytesMut};
use futures_util::StreamExt;
use http::{Method, StatusCode};
use serde::Deserialize;
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

/// Where the bytes come from.
enum Feed {
    Whole(Bytes),
    Coming {
        body: ByteStream,
        /// Arrived and not yet sent.
        have: BytesMut,
        /// What has not arrived.
        left: usize,
    },
}

impl Feed {
    /// The next `piece` bytes; fewer only at the end.
    async fn next(&mut self, piece: usize) -> Result<Bytes, GraphError> {
        match self {
            Self::Whole(bytes) => Ok(bytes.split_to(piece.min(bytes.len()))),
            Self::Coming { body, have, left } => {
                while have.len() < piece && (*left > 0 || have.is_empty()) {
                    let chunk = body.next().await.ok_or(GraphError::Cut)?.map_err(|_| GraphError::Cut)?;
                    *left = left.checked_sub(chunk.len()).ok_or(GraphError::Cut)?;
                    have.extend_from_slice(&chunk);
                }
                Ok(have.split_to(piece.min(have.len())).freeze())
            }
        }
    }
}

fn foreign_range() -> GraphError {
    GraphError::Malformed("a range that was not sent".to_owned())
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
        let total = bytes.len();
        self.upload_all(asker, open, (Feed::Whole(bytes), total)).await
    }

    /// The same with bytes that are still on their way, `total` of them: never more than a piece of them is held here.
    ///
    /// # Errors
    /// As well [`GraphError::Cut`] when they end early, do not end, or their sender fails.
    pub(crate) async fn upload_from(
        &self,
        asker: Asker<'_>,
        open: Request,
        (body, total): (ByteStream, usize),
    ) -> Result<Answer, GraphError> {
        let feed = Feed::Coming { body, have: BytesMut::new(), left: total };
        self.upload_all(asker, open, (feed, total)).await
    }

    async fn upload_all(
        &self,
        asker: Asker<'_>,
        open: Request,
        (feed, total): (Feed, usize),
    ) -> Result<Answer, GraphError> {
        let piece = if open.workload == Workload::Outlook { OUTLOOK_PIECE } else { PIECE };
        let opened = self.send(asker, open).await?;
        let url = opened.view::<Session<'_>>()?.upload_url.to_string();
        let outcome = self.pieces(asker, (&url, piece), feed, total).await;
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
        mut feed: Feed,
        total: usize,
    ) -> Result<Answer, GraphError> {
        let (mut from, mut failures, mut window) = (0, 0, Bytes::new());
        loop {
            if window.is_empty() {
                window = feed.next(piece).await?;
            }
            let timeout = remaining(asker.deadline).min(PIECE_TIMEOUT);
            if timeout.is_zero() {
                return Err(GraphError::TimedOut);
            }
            let next = match self.piece(url, &window, (from, total), timeout).await? {
                Sent::Done(answer) => return Ok(answer),
                Sent::Next(next) if next > from => {
                    failures = 0;
                    next
                }
                Sent::Next(_) => return Err(foreign_range()),
                Sent::Lost { reason, wait } => {
                    failures += 1;
                    let pause = wait.unwrap_or_else(|| retry::backoff(failures, dice()));
                    if failures >= retry::MAX_ATTEMPTS || pause >= remaining(asker.deadline) {
                        return Err(GraphError::OutcomeUnknown { reason, request_id: None });
                    }
                    tokio::time::sleep(pause).await;
                    self.resume(url, total, reason).await?
                }
            };
            // What lies behind is gone, and what lies ahead was never sent.
            let arrived = next.checked_sub(from).filter(|count| *count <= window.len() && next < total);
            window.advance(arrived.ok_or_else(foreign_range)?);
            from = next;
        }
    }

    async fn piece(
        &self,
        url: &str,
        bytes: &Bytes,
        (from, total): (usize, usize),
        timeout: Duration,
    ) -> Result<Sent, GraphError> {
        let range = format!("bytes {from}-{}/{total}", (from + bytes.len()).saturating_sub(1));
        let headers = vec![("content-range", range)];
        let body = Some(bytes.clone());
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
            None => Ok(Sent::Done(Answer { body: response.body, location: None, once: true })),
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
        let asker = Asker {
            user: &user,
            mailbox: None,
            deadline: Instant::now() + Duration::from_mins(1),
            mark: None,
        };
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

    /// Uploads `announced` bytes that come in these chunks, to a host that takes everything.
    async fn coming(
        announced: usize,
        chunks: Vec<Result<Bytes, TransportError>>,
    ) -> (Result<Answer, GraphError>, Vec<(Method, usize)>) {
        let graph = FakeGraph::new(move |request, n| {
            let range = request.headers.iter().find(|(name, _)| *name == "content-range");
            let end = range.and_then(|(_, range)| {
                let (range, total) = range.strip_prefix("bytes ")?.split_once('/')?;
                Some((range.split_once('-')?.1.parse::<usize>().ok()? + 1, total.parse::<usize>().ok()?))
            });
            match end {
                None if n == 0 => json(200, &serde_json::json!({"uploadUrl": URL})),
                None => raw(204, &[], b""),
                Some((end, total)) if end == total => raw(201, &[], b"{}"),
                Some((end, _)) => went_on(end),
            }
        });
        let client =
            GraphClient::new(graph.clone(), Arc::new(FakeTokens::default()), Arc::new(OpenGate::default()));
        let user = UserKey::new("t", "u");
        let asker = Asker {
            user: &user,
            mailbox: None,
            deadline: Instant::now() + Duration::from_mins(1),
            mark: None,
        };
        let open = Request::files_write(Method::POST, "/me/drive/root:/x:/createUploadSession", None);
        let body: ByteStream = Box::pin(futures_util::stream::iter(chunks));
        let outcome = client.upload_from(asker, open, (body, announced)).await;
        let seen = graph.seen.lock();
        let sent = seen.iter().skip(1).map(|r| (r.method.clone(), r.body.as_ref().map_or(0, Bytes::len)));
        (outcome, sent.collect())
    }

    fn chunks(sizes: &[usize]) -> Vec<Result<Bytes, TransportError>> {
        sizes.iter().map(|size| Ok(Bytes::from(vec![7; *size]))).collect()
    }

    #[tokio::test]
    async fn bytes_on_their_way_go_on_in_whole_pieces() {
        let (outcome, sent) = coming(2 * PIECE + 3, chunks(&[1, PIECE, 0, PIECE, 2])).await;
        outcome.unwrap();
        assert_eq!(sent, [(Method::PUT, PIECE), (Method::PUT, PIECE), (Method::PUT, 3)]);
        let (outcome, sent) = coming(PIECE, chunks(&[PIECE])).await;
        outcome.unwrap();
        assert_eq!(sent, [(Method::PUT, PIECE)]);
    }

    #[tokio::test]
    async fn what_comes_otherwise_than_announced_leaves_nothing_behind() {
        let broken = || vec![Ok(Bytes::from_static(b"ab")), Err(TransportError::Timeout)];
        for (announced, all) in
            [(3, chunks(&[2])), (3, chunks(&[2, 2])), (PIECE + 1, chunks(&[PIECE])), (9, broken())]
        {
            let (outcome, sent) = coming(announced, all).await;
            assert!(matches!(outcome, Err(GraphError::Cut)), "{outcome:?}");
            assert_eq!(sent.last().unwrap().0, Method::DELETE, "the session is ended");
        }
    }
}
