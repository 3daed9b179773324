//! Bytes of files. Graph answers `/content` with a redirect to another host, at an address that is itself the permission
//! (`driveItem: get content`): the token stays behind.

use super::client::{Got, GraphClient, Next, Reading, broken, dice, remaining};
use super::error::GraphError;
use super::request::{Asker, Request};
use super::retry;
use crate::ports::graph::{ByteStream, Elsewhere, GraphResponse, OpenAnswer};
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{Method, StatusCode};
use std::time::Duration;

/// The pause when a host of files throttles without saying for how long.
const SILENT_PAUSE: Duration = Duration::from_secs(2);

/// Bytes on their way.
pub(crate) struct Opened {
    /// How many, where the host says so.
    pub(crate) length: Option<u64>,
    pub(crate) body: ByteStream,
}

impl Opened {
    fn of(answer: OpenAnswer) -> Self {
        let length = answer.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        Self { length: length.and_then(|text| text.parse().ok()), body: answer.body }
    }
}

impl GraphClient {
    /// Sends a download, or a [`Request::content`] and follows where it points to, and leaves the bytes on their way: for files
    /// that nobody here looks into. A failure after the first byte ends the stream.
    pub(crate) async fn open(&self, asker: Asker<'_>, request: Request) -> Result<Opened, GraphError> {
        let answer = match self.persist(asker, request.clone(), Reading::Open).await? {
            Got::Open(answer) => return Ok(Opened::of(answer)),
            Got::Whole(answer) => answer,
        };
        let location = answer.location.ok_or_else(|| GraphError::Malformed("no bytes".to_owned()))?;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let timeout = remaining(asker.deadline).min(request.timeout);
            if timeout.is_zero() {
                return Err(GraphError::TimedOut);
            }
            let bare = Elsewhere::bare(Method::GET, &location, request.max_bytes, timeout);
            let next = match self.transport.open_elsewhere(bare).await {
                Ok(answer) if answer.status.is_success() => return Ok(Opened::of(answer)),
                Ok(OpenAnswer { status, headers, .. }) => {
                    judge(&GraphResponse { status, headers, body: Bytes::new() }, attempt)
                }
                Err(error) => broken(error, &request, attempt),
            };
            self.pause(next, asker, attempt).await?;
        }
    }

    /// Waits where that helps, else fails.
    async fn pause(&self, next: Next, asker: Asker<'_>, attempt: u32) -> Result<(), GraphError> {
        match next {
            Next::Wait(pause, error) => {
                if attempt >= retry::MAX_ATTEMPTS || pause >= remaining(asker.deadline) {
                    return Err(error);
                }
                tokio::time::sleep(pause).await;
                Ok(())
            }
            Next::Fail(error) | Next::Renew(error) | Next::Reread(error) => Err(error),
            Next::Done(_) => Err(GraphError::Malformed("an answer that is none".to_owned())),
        }
    }

    /// Sends a [`Request::content`] and fetches what it points to.
    pub(crate) async fn download(&self, asker: Asker<'_>, request: Request) -> Result<Bytes, GraphError> {
        let answer = self.send(asker, request.clone()).await?;
        let Some(location) = answer.location else { return Ok(answer.body) };
        let mut attempt = 0;
        loop {
            attempt += 1;
            let timeout = remaining(asker.deadline).min(request.timeout);
            if timeout.is_zero() {
                return Err(GraphError::TimedOut);
            }
            let bare = Elsewhere::bare(Method::GET, &location, request.max_bytes, timeout);
            let next = match self.transport.fetch(bare).await {
                Ok(response) if response.status.is_success() => return Ok(response.body),
                Ok(response) => judge(&response, attempt),
                Err(error) => broken(error, &request, attempt),
            };
            self.pause(next, asker, attempt).await?;
        }
    }
}

/// Decides over a refusal of a host of files; its words are not Graph's and are not shown.
fn judge(response: &GraphResponse, attempt: u32) -> Next {
    let (status, ordered) = (response.status, retry::ordered(&response.headers));
    if status == StatusCode::TOO_MANY_REQUESTS {
        let pause = ordered.unwrap_or(SILENT_PAUSE);
        let error = GraphError::Throttled { retry_after: pause, request_id: None };
        return Next::Wait(retry::jittered(pause, dice()), error);
    }
    let reason = format!("status {} at the host of a file", status.as_u16());
    let error = GraphError::Unavailable { reason, retry_after: ordered, request_id: None };
    if !retry::is_transient(status) {
        return Next::Fail(error);
    }
    Next::Wait(ordered.unwrap_or_else(|| retry::backoff(attempt, dice())), error)
}
