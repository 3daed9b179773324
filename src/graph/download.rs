//! Bytes of files. Graph answers `/content` with a redirect to another host, at an address that is itself the permission
//! (`driveItem: get content`): the token stays behind.

use super::client::{GraphClient, Next, broken, dice, remaining};
use super::error::GraphError;
use super::request::{Asker, Request};
use super::retry;
use crate::ports::graph::{Elsewhere, GraphResponse};
use bytes::Bytes;
use http::{Method, StatusCode};
use std::time::Duration;

/// The pause when a host of files throttles without saying for how long.
const SILENT_PAUSE: Duration = Duration::from_secs(2);

impl GraphClient {
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
            match next {
                Next::Wait(pause, error) => {
                    if attempt >= retry::MAX_ATTEMPTS || pause >= remaining(asker.deadline) {
                        return Err(error);
                    }
                    tokio::time::sleep(pause).await;
                }
                Next::Fail(error) | Next::Renew(error) | Next::Reread(error) => return Err(error),
                Next::Done(answer) => return Ok(answer.body),
            }
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
