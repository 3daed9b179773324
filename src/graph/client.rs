//! The client: live token, admission, sending, repeating.

use super::error::{Fault, GraphError, refusal, request_id};
use super::request::{Asker, Request};
use super::retry;
use crate::domain::ids::UserKey;
use crate::domain::random;
use crate::domain::upstream::UpstreamAccess;
use crate::ports::gate::{GateKey, Permit, RateGate, Workload};
use crate::ports::graph::{GraphRequest, GraphResponse, GraphTransport, OpenAnswer, TransportError};
use crate::ports::tokens::{AccessTokens, TokenError};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::{Method, StatusCode};
use serde::Deserialize;
use std::sync::Arc;
use std::time::{Duration, Instant};

const USER_AGENT: &str = concat!("NONISV|Entrada|M365McpServer/", env!("CARGO_PKG_VERSION"));
const SDK_VERSION: &str = concat!("m365mcp-rust/", env!("CARGO_PKG_VERSION"));
/// Kept back of the deadline so that an error can still be told instead of the call being cut off.
const RESERVE: Duration = Duration::from_millis(250);
/// Longer addresses are refused on the way to Graph, in ways that look like an outage.
const MAX_TARGET: usize = 15 * 1024;
/// What is read of a refusal whose answer was to be left open.
const REFUSAL_BYTES: usize = 1 << 20;
/// The first renewal may hand out what another replica got before the tokens of the user ended early, and that one has
/// ended as well; the second one is newer than that.
const MAX_RENEWALS: u32 = 2;
/// The pause when Graph throttles without saying for how long.
const SILENT_PENALTY: Duration = Duration::from_secs(2);
const SILENT_NOTES: Duration = Duration::from_secs(15);

/// A successful answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) body: Bytes,
    /// Where the bytes are instead, for requests that may be sent on.
    pub(super) location: Option<String>,
    /// It is about something that was done and must not be done twice.
    pub(super) once: bool,
}

impl Answer {
    /// Reads the body as a view that borrows from it.
    pub(crate) fn view<'a, T: Deserialize<'a>>(&'a self) -> Result<T, GraphError> {
        // Looked through for UTF-8 once, and not text by text.
        let read = match std::str::from_utf8(&self.body) {
            // serde_json's message may quote the input: line and column say enough for a log.
            Ok(text) => serde_json::from_str(text)
                .map_err(|error| format!("{:?} at {}:{}", error.classify(), error.line(), error.column())),
            Err(error) => Err(format!("no UTF-8 after {} bytes", error.valid_up_to())),
        };
        read.map_err(|reason| {
            if self.once {
                // Whoever is told to try again would do it twice.
                return GraphError::OutcomeUnknown { reason, request_id: None };
            }
            GraphError::Malformed(reason)
        })
    }
}

/// Sends requests to Graph as a user.
#[derive(Clone)]
pub(crate) struct GraphClient {
    pub(super) transport: Arc<dyn GraphTransport>,
    tokens: Arc<dyn AccessTokens>,
    gate: Arc<dyn RateGate>,
}

/// Whether the body of an answer is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Whole,
    Open,
}

/// A successful answer, whole or with its body on the way.
pub(super) enum Got {
    Whole(Answer),
    Open(OpenAnswer),
}

/// One attempt.
enum Tried {
    Open(OpenAnswer),
    Judged(Next),
}

/// What to do after an attempt.
pub(super) enum Next {
    Done(Answer),
    Fail(GraphError),
    /// Wait, then send again; the error to answer when the wait does not fit.
    Wait(Duration, GraphError),
    /// The token was refused.
    Renew(GraphError),
    /// The token lacks a permission.
    Reread(GraphError),
}

impl GraphClient {
    pub(crate) fn new(
        transport: Arc<dyn GraphTransport>,
        tokens: Arc<dyn AccessTokens>,
        gate: Arc<dyn RateGate>,
    ) -> Self {
        Self { transport, tokens, gate }
    }

    /// The signed-in user's live access: display data and granted scopes. A cache read.
    pub(crate) async fn access(&self, user: &UserKey) -> Result<Arc<UpstreamAccess>, GraphError> {
        Ok(self.tokens.get(user).await?)
    }

    /// Sends until there is an answer, a refusal, or no time left.
    pub(crate) async fn send(&self, asker: Asker<'_>, request: Request) -> Result<Answer, GraphError> {
        match self.persist(asker, request, Reading::Whole).await? {
            Got::Whole(answer) => Ok(answer),
            Got::Open(_) => Err(GraphError::Malformed("an open answer that nobody asked for".to_owned())),
        }
    }

    /// The same; a successful answer's body is left on its way where that is wished.
    pub(super) async fn persist(
        &self,
        asker: Asker<'_>,
        mut request: Request,
        reading: Reading,
    ) -> Result<Got, GraphError> {
        if request.workload != Workload::Outlook {
            return self.insist(asker, &request, reading).await;
        }
        request.target = asker.placed(&request.target);
        self.insist(asker, &request, reading).await.map_err(|error| error.in_mailbox(asker))
    }

    async fn insist(&self, asker: Asker<'_>, request: &Request, reading: Reading) -> Result<Got, GraphError> {
        if request.target.starts_with('/') && request.target.len() > MAX_TARGET {
            return Err(too_long());
        }
        let mut access = self.tokens.get(asker.user).await?;
        let keys = keys(asker, request, &access);
        let (mut renewals, mut reread) = (0, false);
        let mut attempt = 0;
        loop {
            attempt += 1;
            let tried = self.attempt(asker, &keys, request, (&access, reading), attempt).await;
            let next = match tried {
                Tried::Open(answer) => return Ok(Got::Open(answer)),
                Tried::Judged(next) => next,
            };
            match next {
                Next::Done(answer) => return Ok(Got::Whole(answer)),
                Next::Fail(GraphError::Challenged { claims }) => {
                    self.tokens.challenged(asker.user, access.version, &claims).await?;
                    return Err(TokenError::SignInRequired.into());
                }
                Next::Fail(error) => return Err(error),
                Next::Renew(error) if renewals >= MAX_RENEWALS => return Err(error),
                Next::Renew(_) => {
                    renewals += 1;
                    access = self.tokens.renew(asker.user, access.version).await?;
                }
                Next::Reread(error) if reread => return Err(error),
                Next::Reread(error) => {
                    // The person may have granted more at another replica since this one cached the token.
                    reread = true;
                    self.tokens.forget(asker.user);
                    let current = self.tokens.get(asker.user).await?;
                    if current.version <= access.version {
                        return Err(error);
                    }
                    access = current;
                }
                Next::Wait(pause, error) => {
                    if attempt >= retry::MAX_ATTEMPTS || pause >= remaining(asker.deadline) {
                        return Err(error);
                    }
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    async fn attempt(
        &self,
        asker: Asker<'_>,
        keys: &Keys,
        request: &Request,
        (access, reading): (&UpstreamAccess, Reading),
        attempt: u32,
    ) -> Tried {
        let permits = match self.admit(keys, request.units, asker.deadline).await {
            Ok(permits) => permits,
            Err(error) => return Tried::Judged(Next::Fail(error)),
        };
        let timeout = remaining(asker.deadline).min(request.timeout);
        if timeout.is_zero() {
            // Nothing of this attempt was sent, and what came before it was judged.
            return Tried::Judged(Next::Fail(GraphError::TimedOut));
        }
        if let Some(mark) = asker.mark.filter(|_| request.writes) {
            mark.set();
        }
        let asked = wire(request, access, timeout);
        let result = match reading {
            Reading::Whole => self.transport.send(asked).await,
            Reading::Open => match self.transport.open(asked).await {
                // The place in the mailbox is given back here: the body may take its reader minutes.
                Ok(answer) if answer.status.is_success() => return Tried::Open(answer),
                Ok(refused) => collected(refused).await,
                Err(error) => Err(error),
            },
        };
        drop(permits);
        Tried::Judged(match result {
            Ok(response) => self.judge(keys.narrow(), request, &response, attempt),
            Err(error) => broken(error, request, attempt),
        })
    }

    /// The narrowest limit first: who waits for it holds nothing that others need.
    async fn admit(
        &self,
        keys: &Keys,
        units: u32,
        deadline: Instant,
    ) -> Result<(Option<Permit>, Permit), GraphError> {
        let admit = async |key: &GateKey| {
            let admitted = self.gate.admit(key, units, remaining(deadline)).await;
            let refused = |retry_after: Duration| GraphError::Throttled { retry_after, request_id: None };
            admitted.map_err(|throttled| refused(throttled.retry_after))
        };
        let thread = match &keys.thread {
            Some(key) => Some(admit(key).await?),
            None => None,
        };
        Ok((thread, admit(&keys.whole).await?))
    }

    /// Decides over an answer.
    fn judge(&self, key: &GateKey, request: &Request, response: &GraphResponse, attempt: u32) -> Next {
        let status = response.status;
        if status.is_success() || request.elsewhere && status.is_redirection() {
            let location = response.headers.get(http::header::LOCATION).filter(|_| request.elsewhere);
            let location = location.and_then(|value| value.to_str().ok()).map(str::to_owned);
            if status.is_redirection() && location.is_none() {
                return Next::Fail(GraphError::Malformed("a redirect without a location".to_owned()));
            }
            let once = request.writes && !idempotent(request);
            return Next::Done(Answer { body: response.body.clone(), location, once });
        }
        let ordered = retry::ordered(&response.headers);
        tracing::debug!(status = status.as_u16(), attempt, "graph refused");
        if status == StatusCode::TOO_MANY_REQUESTS {
            let pause =
                ordered.unwrap_or_else(|| silence(request.workload).saturating_mul(1 << attempt.min(4)));
            self.gate.penalise(key, pause);
            let error = GraphError::Throttled { retry_after: pause, request_id: request_id(response) };
            return Next::Wait(retry::jittered(pause, dice()), error);
        }
        // An earlier attempt, whose answer got lost, has removed it.
        if attempt > 1 && request.method == Method::DELETE && status == StatusCode::NOT_FOUND {
            return Next::Done(Answer { body: Bytes::new(), location: None, once: true });
        }
        let mut error = refusal(response);
        match &mut error {
            GraphError::Refused { fault: Fault::AuthExpired | Fault::StepUpRequired, .. } => {
                return Next::Renew(error);
            }
            GraphError::Refused { fault: Fault::MissingPermission, .. } => return Next::Reread(error),
            GraphError::Unavailable { retry_after, reason, .. } => {
                *retry_after = ordered;
                let transient = reason.contains("ErrorInternalServerTransientError")
                    || (request.workload == Workload::Notes && status == StatusCode::INTERNAL_SERVER_ERROR);
                let once = attempt == 1 && transient;
                let again = retry::is_transient(status) || once;
                // A search that timed out must be made smaller, not repeated.
                let search = status == StatusCode::GATEWAY_TIMEOUT && request.target.contains("$search=");
                if again && !search && idempotent(request) {
                    let pause = ordered.map_or_else(
                        || retry::backoff(attempt, dice()),
                        |wait| retry::jittered(wait, dice()),
                    );
                    return Next::Wait(pause, error);
                }
                if request.writes {
                    let (reason, request_id) = (reason.clone(), request_id(response));
                    return Next::Fail(GraphError::OutcomeUnknown { reason, request_id });
                }
            }
            GraphError::Refused { .. }
            | GraphError::Token(_)
            | GraphError::Challenged { .. }
            | GraphError::Throttled { .. }
            | GraphError::TimedOut
            | GraphError::OutcomeUnknown { .. }
            | GraphError::TooLarge { .. }
            | GraphError::ForeignLink
            | GraphError::Cut
            | GraphError::Malformed(_) => {}
        }
        Next::Fail(error)
    }
}

/// A refusal that was opened, read for its words.
async fn collected(answer: OpenAnswer) -> Result<GraphResponse, TransportError> {
    let OpenAnswer { status, headers, mut body } = answer;
    let mut whole = BytesMut::new();
    while let Some(chunk) = body.next().await {
        whole.extend_from_slice(&chunk?);
        if whole.len() > REFUSAL_BYTES {
            break;
        }
    }
    Ok(GraphResponse { status, headers, body: whole.freeze() })
}

/// Half of the pause after a first 429 that does not say how long. OneNote's never do, and its budget is by the minute.
fn silence(workload: Workload) -> Duration {
    if workload == Workload::Notes { SILENT_NOTES } else { SILENT_PENALTY }
}

/// The limits that a request falls under.
struct Keys {
    whole: GateKey,
    thread: Option<GateKey>,
}

impl Keys {
    /// The limit that a 429 is about.
    fn narrow(&self) -> &GateKey {
        self.thread.as_ref().unwrap_or(&self.whole)
    }
}

fn keys(asker: Asker<'_>, request: &Request, access: &UpstreamAccess) -> Keys {
    let user = asker.user;
    // A mailbox has its limit, whoever asks: its owner by the sign-in name, others by the address.
    let address = asker.mailbox.map_or(access.profile.username.as_str(), |mailbox| mailbox.as_str());
    let is_mailbox = request.workload == Workload::Outlook && !address.is_empty();
    Keys {
        whole: if is_mailbox {
            GateKey::mailbox(user, address)
        } else {
            GateKey::new(user, request.workload)
        },
        thread: request.thread.as_deref().map(|id| GateKey::thread(user, id)),
    }
}

/// A question with too many or too long words in it.
fn too_long() -> GraphError {
    GraphError::Refused {
        fault: Fault::InternalQuery,
        status: StatusCode::URI_TOO_LONG.as_u16(),
        code: "uri_too_long".to_owned(),
        message: String::new(),
        request_id: None,
    }
}

/// With `If-Match` the first of two equal writes makes the second fail, whatever the method.
fn idempotent(request: &Request) -> bool {
    let repeats = !request.once && request.if_match.is_none() && retry::is_idempotent(&request.method);
    request.repeatable || repeats
}

pub(super) fn broken(error: TransportError, request: &Request, attempt: u32) -> Next {
    let unavailable =
        |reason: String| GraphError::Unavailable { reason, retry_after: None, request_id: None };
    match error {
        // Nothing was sent: anything may be repeated.
        TransportError::Connect(reason) => Next::Wait(retry::backoff(attempt, dice()), unavailable(reason)),
        TransportError::Broken(reason) if idempotent(request) => {
            Next::Wait(retry::backoff(attempt, dice()), unavailable(reason))
        }
        TransportError::Broken(reason) => Next::Fail(GraphError::OutcomeUnknown { reason, request_id: None }),
        TransportError::Timeout if request.writes => {
            Next::Fail(GraphError::OutcomeUnknown { reason: error.to_string(), request_id: None })
        }
        TransportError::Timeout => Next::Fail(GraphError::TimedOut),
        TransportError::TooLarge { limit } => Next::Fail(GraphError::TooLarge { limit }),
        TransportError::ForeignLink => Next::Fail(GraphError::ForeignLink),
    }
}

fn wire(request: &Request, access: &UpstreamAccess, timeout: Duration) -> GraphRequest {
    let mut headers = vec![
        ("user-agent", USER_AGENT.to_owned()),
        ("sdkversion", SDK_VERSION.to_owned()),
        ("client-request-id", uuid::Uuid::now_v7().to_string()),
        ("return-client-request-id", "true".to_owned()),
    ];
    headers.extend(request.prefer.clone().map(|prefer| ("prefer", prefer)));
    headers.extend(request.if_match.clone().map(|etag| ("if-match", etag)));
    headers.extend(request.eventual.then(|| ("consistencylevel", "eventual".to_owned())));
    if request.body.is_some() {
        let media_type = request.media_type.as_deref().unwrap_or("application/json");
        headers.push(("content-type", media_type.to_owned()));
    }
    GraphRequest {
        method: request.method.clone(),
        target: request.target.clone(),
        token: access.token.clone(),
        headers,
        body: request.body.clone(),
        max_bytes: request.max_bytes,
        timeout,
    }
}

pub(super) fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).saturating_sub(RESERVE)
}

pub(super) fn dice() -> u32 {
    u32::from_ne_bytes(random::bytes())
}
