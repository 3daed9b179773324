//! Notifications of a running request, on the stream that its answer will take.

use super::encode;
use super::hub::Hub;
use crate::domain::ids::ServiceName;
use crate::domain::session::SessionRecord;
use crate::tools::outlet::{Announcer, LogLevel, Note, Sink};
use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc;

/// The lowest level of log messages that a client wants; none unless it asked. May change while a call runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Threshold(Arc<Mutex<Option<LogLevel>>>);

impl Threshold {
    pub(super) fn new(level: Option<LogLevel>) -> Self {
        Self(Arc::new(Mutex::new(level)))
    }

    /// What `logging/setLevel` left in the session.
    pub(super) fn of(session: Option<&SessionRecord>) -> Self {
        Self::new(session.and_then(|s| s.log_level.as_deref()).and_then(LogLevel::parse))
    }

    pub(super) fn set(&self, level: LogLevel) {
        *self.0.lock() = Some(level);
    }

    pub(super) fn lets_pass(&self, level: LogLevel) -> bool {
        self.0.lock().is_some_and(|least| level >= least)
    }
}

/// Notifications of one request that go out at once, and how many more each second; the others are left out.
const BURST: f64 = 64.0;
const PER_SECOND: f64 = 32.0;

/// What is left to say.
#[derive(Debug)]
pub(super) struct Budget {
    left: f64,
    at: Instant,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: BURST, at: Instant::now() }
    }
}

impl Budget {
    fn take(&mut self) -> bool {
        let now = Instant::now();
        self.left = (self.left + now.duration_since(self.at).as_secs_f64() * PER_SECOND).min(BURST);
        self.at = now;
        let has = self.left >= 1.0;
        if has {
            self.left -= 1.0;
        }
        has
    }
}

/// Writes a request's notifications.
pub(super) struct Notes {
    /// None where the client takes nothing but the answer.
    pub(super) out: Option<mpsc::Sender<Bytes>>,
    /// The request's `progressToken`, raw JSON.
    pub(super) progress_token: Option<String>,
    pub(super) threshold: Threshold,
    /// `message` of progress exists in the client's revision.
    pub(super) has_messages: bool,
    /// What follows is kept for a client that hangs up; an empty message asks the framing to let go.
    pub(super) is_resumable: bool,
    pub(super) hub: Arc<Hub>,
    pub(super) service: ServiceName,
    /// The last progress; a call that runs again starts where it was.
    pub(super) reached: Mutex<Option<f64>>,
    pub(super) budget: Mutex<Budget>,
}

impl Notes {
    async fn send(&self, json: String) {
        if let Some(out) = &self.out {
            // A client that left takes no notes; the work decides by its own rules whether it goes on.
            let _ = out.send(Bytes::from(json)).await;
        }
    }

    /// Progress only ever grows (specification, progress).
    fn advances(&self, progress: f64) -> bool {
        let mut reached = self.reached.lock();
        let further = reached.is_none_or(|last| progress > last);
        if further {
            *reached = Some(progress);
        }
        further
    }
}

#[async_trait]
impl Sink for Notes {
    async fn note(&self, note: Note) {
        match note {
            Note::Progress { progress, total, message } => {
                let Some(token) = &self.progress_token else { return };
                let is_last = total.is_some_and(|total| progress >= total);
                if !self.advances(progress) || !(self.budget.lock().take() || is_last) {
                    return;
                }
                let mut params = json!({ "progress": number(progress) });
                if let Some(total) = total {
                    encode::set(&mut params, "total", number(total));
                }
                if let Some(message) = message.filter(|_| self.has_messages) {
                    encode::set(&mut params, "message", Value::from(message));
                }
                let rest = params.to_string();
                let rest = rest.strip_prefix('{').unwrap_or_default();
                self.send(format!(
                    r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},{rest}}}"#
                ))
                .await;
            }
            Note::Log { level, data } => {
                if self.threshold.lets_pass(level) && self.budget.lock().take() {
                    let params =
                        json!({ "level": level.as_str(), "logger": self.service.as_str(), "data": data });
                    self.send(encode::notification("notifications/message", &params)).await;
                }
            }
            Note::Released if self.is_resumable => self.send(String::new()).await,
            Note::Released => {}
            Note::Changed(change) => self.hub.announce(&self.service, &change).await,
        }
    }
}

/// Whole numbers without a fraction.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9e15 { Value::from(value as i64) } else { Value::from(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn a_client_gets_what_it_asked_for_and_progress_never_falls_back() {
        let (sender, mut receiver) = mpsc::channel(8);
        let notes = Notes {
            out: Some(sender),
            progress_token: Some("\"t\"".to_owned()),
            threshold: Threshold::new(Some(LogLevel::Warning)),
            has_messages: true,
            is_resumable: false,
            hub: Arc::new(Hub::default()),
            service: ServiceName::new("s"),
            reached: Mutex::default(),
            budget: Mutex::default(),
        };
        let progress = |progress: f64| Note::Progress { progress, total: Some(2.5), message: None };
        for note in [
            progress(1.0),
            progress(1.0),
            progress(2.5),
            Note::Log { level: LogLevel::Info, data: json!("quiet") },
            Note::Log { level: LogLevel::Error, data: json!("loud") },
        ] {
            notes.note(note).await;
        }
        drop(notes);
        let mut got = Vec::new();
        while let Some(bytes) = receiver.recv().await {
            got.push(serde_json::from_slice::<Value>(&bytes).unwrap());
        }
        let params: Vec<&Value> = got.iter().map(|m| &m["params"]).collect();
        assert_eq!(
            params,
            [
                &json!({"progressToken": "t", "progress": 1, "total": 2.5}),
                &json!({"progressToken": "t", "progress": 2.5, "total": 2.5}),
                &json!({"level": "error", "logger": "s", "data": "loud"}),
            ]
        );
    }

    #[test]
    fn a_burst_passes_and_a_flood_does_not() {
        let mut budget = Budget::default();
        let passed = (0..10_000).filter(|_| budget.take()).count();
        assert!((64..1_000).contains(&passed), "{passed}");
        budget.at -= std::time::Duration::from_secs(1);
        assert!(budget.take());
    }
}
