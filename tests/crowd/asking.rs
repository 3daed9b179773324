//! How a good client asks: what failed in passing is asked again, within bounds and not before it was told to.

use super::ledger::{Known, Ledger, Pauses};
use crate::support::mcp::Answer;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A request that was not answered rightly for so long is lost.
const BOUND: Duration = Duration::from_secs(75);
/// Waits are obeyed up to here: a test has less time than a person.
const LONGEST_WAIT: Duration = Duration::from_millis(1500);
/// Before asking again where nobody said when.
const PAUSE: Duration = Duration::from_millis(100);

/// What an attempt came to.
pub(crate) enum Verdict<T> {
    Right(T),
    /// To be asked again: why, and not before.
    Again(String, Duration),
    /// The answer of a write was lost, or says that nobody knows.
    Open(String),
    /// An answer that should not be.
    Wrong(String),
}

/// How a request ended.
pub(crate) enum End<T> {
    Right(T),
    Open,
    /// Noted as lost or as refused.
    Failed,
}

impl<T> End<T> {
    /// What a right answer held.
    pub(crate) fn right(self) -> Option<T> {
        match self {
            Self::Right(value) => Some(value),
            Self::Open | Self::Failed => None,
        }
    }
}

/// One client's page of the ledger.
pub(crate) struct Account {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) person: &'static str,
    pub(crate) name: String,
    pub(crate) answered: AtomicU64,
    pub(crate) stopped: AtomicBool,
    pub(crate) pauses: Pauses,
    /// Time between two requests.
    pub(crate) pace: Duration,
}

impl Account {
    /// Begins a request.
    pub(crate) fn ask(&self, what: &str) -> Asked<'_> {
        self.ledger.note(|figures| figures.sent += 1);
        Asked { account: self, what: what.to_owned(), began: Instant::now() }
    }

    /// A write of this client.
    pub(crate) fn wrote(&self, subject: &str, known: Known) {
        self.ledger.wrote(self.person, subject, known);
    }

    /// Whether the load is over.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// What an MCP call came to. A call that `writes` is not asked again when its answer was lost.
    pub(crate) fn of_call(&self, answer: reqwest::Result<Answer>, writes: bool) -> Verdict<Value> {
        let broken = |why: String| {
            if writes { Verdict::Open(why) } else { Verdict::Again(why, PAUSE) }
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return broken(lost(&error)),
        };
        self.ledger.look(self.person, &self.name, &answer.text);
        if answer.status == 200 {
            return of_message(&answer.body, writes).unwrap_or_else(|| Verdict::Wrong(answer.text));
        }
        of_status(answer.status, answer.header("retry-after"), &answer.text, broken)
    }
}

/// What an HTTP status other than 200 means.
pub(crate) fn of_status<T>(
    status: u16,
    retry_after: &str,
    text: &str,
    broken: impl FnOnce(String) -> Verdict<T>,
) -> Verdict<T> {
    match status {
        // The balancer's words: nothing was sent.
        502 if text == "no replica answers" => Verdict::Again("no replica".to_owned(), PAUSE),
        // The request did not come whole, so it was not looked at.
        408 => Verdict::Again("status 408".to_owned(), PAUSE),
        502 => broken("connection lost".to_owned()),
        429 | 503 => match retry_after.parse() {
            Ok(seconds) => Verdict::Again(format!("status {status}"), Duration::from_secs(seconds)),
            Err(_) => Verdict::Wrong(format!("{status} without Retry-After: {text}")),
        },
        _ => Verdict::Wrong(format!("{status}: {text}")),
    }
}

/// What a JSON-RPC answer to a call means; none: nothing that should be.
pub(crate) fn of_message(body: &Value, writes: bool) -> Option<Verdict<Value>> {
    // What is a 503 elsewhere, where the HTTP answer was given already.
    let said = body["error"]["message"].as_str().unwrap_or_default();
    if body["error"]["code"] == -32603 && said.contains("unavailable for the moment") {
        return Some(Verdict::Again("unavailable, on a stream".to_owned(), PAUSE));
    }
    let result = body.get("result")?;
    Some(of_result(result["isError"] == true, &result["structuredContent"], &body.to_string(), writes))
}

/// What a tool's result means.
pub(crate) fn of_result(is_error: bool, structured: &Value, text: &str, writes: bool) -> Verdict<Value> {
    if !is_error {
        return Verdict::Right(structured.clone());
    }
    let error = &structured["error"];
    let code = error["code"].as_str().unwrap_or_default().to_owned();
    if error["retryable"] == true {
        let wait = error["retry_after_s"].as_u64().map_or(PAUSE, Duration::from_secs);
        return Verdict::Again(code, wait);
    }
    if let Some(open) =
        ["unknown_outcome", "kept_as_draft"].into_iter().find(|code| error["graph_code"] == *code)
        && writes
    {
        return Verdict::Open(open.to_owned());
    }
    Verdict::Wrong(text.to_owned())
}

/// How a connection failed, in a word.
pub(crate) fn lost(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() { "no answer in time" } else { "connection lost" };
    what.to_owned()
}

/// A request under way.
pub(crate) struct Asked<'a> {
    account: &'a Account,
    what: String,
    began: Instant,
}

impl Asked<'_> {
    /// Notes an attempt; none: it is time for the next one.
    pub(crate) async fn settle<T>(&mut self, verdict: Verdict<T>) -> Option<End<T>> {
        let Self { account, what, began } = self;
        let ledger = &account.ledger;
        let label = |why: &str| format!("{}: {what}: {why}", account.name);
        match verdict {
            Verdict::Right(value) => {
                let pause = account.pauses.answered();
                account.answered.fetch_add(1, Ordering::SeqCst);
                ledger.note(|figures| {
                    figures.answered += 1;
                    *figures.kinds.entry(what.clone()).or_default() += 1;
                    figures.waited(pause, || label("right"));
                });
                Some(End::Right(value))
            }
            Verdict::Again(why, wait) => {
                if began.elapsed() > BOUND {
                    ledger.note(|figures| figures.lost.push(label(&why)));
                    return Some(End::Failed);
                }
                ledger.note(|figures| {
                    figures.retried += 1;
                    *figures.reasons.entry(format!("{what}: {why}")).or_default() += 1;
                });
                tokio::time::sleep(wait.clamp(PAUSE, LONGEST_WAIT)).await;
                None
            }
            Verdict::Open(why) => {
                ledger.note(|figures| {
                    figures.open += 1;
                    *figures.reasons.entry(format!("{what}: open: {why}")).or_default() += 1;
                });
                Some(End::Open)
            }
            Verdict::Wrong(text) => {
                ledger.note(|figures| figures.refused.push(label(&text)));
                tokio::time::sleep(PAUSE).await;
                Some(End::Failed)
            }
        }
    }

    /// What was open is known now.
    pub(crate) fn resolved(&self) {
        let pause = self.account.pauses.answered();
        self.account.answered.fetch_add(1, Ordering::SeqCst);
        self.account.ledger.note(|figures| {
            figures.open -= 1;
            figures.answered += 1;
            figures.waited(pause, || format!("{}: {}", self.account.name, self.what));
        });
    }
}
