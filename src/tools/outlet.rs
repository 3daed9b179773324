//! The way from a running call back to the client that waits for it: progress, logs, announcements, and questions.
//!
//! # Questions
//! Handlers are re-entrant. A question whose answer is not known ends the call with
//! [`ToolErrorKind::InputRequired`]; the front obtains the answer in its era's way and calls again. So a handler asks
//! before it does anything that must not happen twice, and its deadline never runs while a person thinks.

use super::error::{ToolError, ToolErrorKind};
use crate::domain::ids::ServiceName;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;
use std::sync::Arc;

/// Severity of a log message, RFC 5424's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LogLevel {
    Debug,
    Info,
    Notice,
    Warning,
    Error,
    Critical,
    Alert,
    Emergency,
}

impl LogLevel {
    const ALL: [(Self, &'static str); 8] = [
        (Self::Debug, "debug"),
        (Self::Info, "info"),
        (Self::Notice, "notice"),
        (Self::Warning, "warning"),
        (Self::Error, "error"),
        (Self::Critical, "critical"),
        (Self::Alert, "alert"),
        (Self::Emergency, "emergency"),
    ];

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name)| *name == text).map(|(level, _)| *level)
    }

    pub(crate) fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(level, _)| *level == self).map_or("info", |(_, name)| name)
    }
}

/// Something that other clients of the service may want to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Change {
    Tools,
    Prompts,
    Resources,
    /// The content behind this URI.
    Resource(String),
}

/// Tells everyone who follows a service, on every replica, that something of it has changed; a front implements it.
#[async_trait]
pub(crate) trait Announcer: Send + Sync {
    /// Never fails: who could not be told is told that anything may have changed once the bus is back.
    async fn announce(&self, service: &ServiceName, change: &Change);
}

/// What a handler tells while it runs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Note {
    Progress {
        progress: f64,
        total: Option<f64>,
        message: Option<String>,
    },
    Log {
        level: LogLevel,
        data: Value,
    },
    Changed(Change),
    /// The client may hang up and come back for the rest.
    Released,
}

/// Takes notes to the client; a front implements it.
#[async_trait]
pub(crate) trait Sink: Send + Sync {
    /// Delivers, or drops what this client did not ask for. Waits while the client reads slowly.
    async fn note(&self, note: Note);
}

/// A question to the client or to the person behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// A form of flat fields. Never for secrets.
    Form { message: String, schema: Value },
    /// A page to visit.
    Url { message: String, url: String },
    /// A completion by the client's model: the parameters of `sampling/createMessage`.
    Sample(Value),
    /// The client's roots.
    Roots,
}

/// Kinds of questions and of other things that a client may support.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feature {
    Form,
    Url,
    Sampling,
    Roots,
    /// Calls that go on as tasks.
    Tasks,
}

impl Ask {
    pub(crate) fn feature(&self) -> Feature {
        match self {
            Self::Form { .. } => Feature::Form,
            Self::Url { .. } => Feature::Url,
            Self::Sample(_) => Feature::Sampling,
            Self::Roots => Feature::Roots,
        }
    }

    /// Whether `answer` is a result of the request that the question becomes (`ElicitResult`, `CreateMessageResult`,
    /// `ListRootsResult` of the schema).
    pub(crate) fn is_answered_by(&self, answer: &Value) -> bool {
        let is_object = |value: &Value| value.is_object();
        match self {
            Self::Form { .. } | Self::Url { .. } => {
                let action = answer.get("action").and_then(Value::as_str);
                matches!(action, Some("accept" | "decline" | "cancel"))
                    && answer.get("content").is_none_or(is_object)
            }
            Self::Sample(_) => answer.get("role").is_some() && answer.get("content").is_some(),
            Self::Roots => answer.get("roots").is_some_and(Value::is_array),
        }
    }
}

/// A question under its name, which is unique within one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) key: String,
    pub(crate) ask: Ask,
}

/// Features of the client, as declared for this call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Features {
    pub(crate) form: bool,
    pub(crate) url: bool,
    pub(crate) sampling: bool,
    pub(crate) roots: bool,
    pub(crate) tasks: bool,
}

impl Features {
    pub(crate) fn has(self, feature: Feature) -> bool {
        match feature {
            Feature::Form => self.form,
            Feature::Url => self.url,
            Feature::Sampling => self.sampling,
            Feature::Roots => self.roots,
            Feature::Tasks => self.tasks,
        }
    }
}

/// A call that no person watches: a language model on our side makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unattended {
    /// What the person wrote last: a confirmation counts only in their own words.
    pub(crate) said: Arc<str>,
    /// Changes of the person's own things wait for a confirmation as well.
    pub(crate) holds_changes: bool,
}

/// One call's outlet.
#[derive(Clone, Default)]
pub(crate) struct Outlet {
    pub(crate) sink: Option<Arc<dyn Sink>>,
    pub(crate) features: Features,
    /// Answers so far, by key.
    pub(crate) answers: Arc<Map<String, Value>>,
    /// This call continues an earlier one whose state came back intact.
    pub(crate) resumed: bool,
    /// This call already runs as a task.
    pub(crate) is_task: bool,
    /// None where a person sees each call at their client.
    pub(crate) unattended: Option<Unattended>,
}

impl fmt::Debug for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outlet({:?}, {} answers)", self.features, self.answers.len())
    }
}

impl Outlet {
    pub(super) async fn note(&self, note: Note) {
        if let Some(sink) = &self.sink {
            sink.note(note).await;
        }
    }

    /// The answers to all questions, in order, or the failure that makes the front ask what is missing.
    pub(super) fn ask(&self, questions: Vec<Question>) -> Result<Vec<Value>, ToolError> {
        // What is no answer to its question counts as none: the question stays open.
        let answer = |q: &Question| self.answers.get(&q.key).filter(|answer| q.ask.is_answered_by(answer));
        let known: Option<Vec<Value>> = questions.iter().map(|q| answer(q).cloned()).collect();
        if let Some(answers) = known {
            return Ok(answers);
        }
        for question in &questions {
            self.require(question.ask.feature())?;
        }
        let missing = questions.iter().filter(|q| answer(q).is_none()).cloned().collect();
        let kind = ToolErrorKind::InputRequired { questions: missing };
        Err(ToolError::new(kind, "This call needs an answer first."))
    }

    pub(super) fn require(&self, feature: Feature) -> Result<(), ToolError> {
        if self.features.has(feature) {
            return Ok(());
        }
        let what = match feature {
            Feature::Form => "show a form (elicitation)",
            Feature::Url => "open a page (elicitation, mode url)",
            Feature::Sampling => "ask its model (sampling)",
            Feature::Roots => "tell its roots",
            Feature::Tasks => "follow tasks",
        };
        let message = format!("This call needs a client that can {what}; this one did not declare it.");
        Err(ToolError::new(ToolErrorKind::MissingFeature { feature }, message))
    }

    pub(super) fn detach(&self) -> Result<(), ToolError> {
        if self.is_task || !self.features.tasks {
            return Ok(());
        }
        Err(ToolError::new(ToolErrorKind::Detached, "This call goes on as a task."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn question(key: &str, ask: Ask) -> Question {
        Question { key: key.to_owned(), ask }
    }

    #[test]
    fn questions_are_asked_until_all_answers_are_there_and_never_of_a_client_that_cannot() {
        let both = || vec![question("a", Ask::Roots), question("b", Ask::Sample(json!({})))];
        let mut outlet = Outlet::default();
        let missing = ToolErrorKind::MissingFeature { feature: Feature::Roots };
        assert_eq!(outlet.ask(both()).unwrap_err().kind, missing);
        outlet.features = Features { roots: true, sampling: true, ..Features::default() };
        let (roots, said) = (json!({"roots": []}), json!({"role": "assistant", "content": {}}));
        let mut given = |answers: Value| {
            outlet.answers = Arc::new(answers.as_object().unwrap().clone());
            outlet.ask(both()).map_err(|error| error.kind)
        };
        let open = ToolErrorKind::InputRequired { questions: both().split_off(1) };
        assert_eq!(given(json!({"a": roots, "x": said})).unwrap_err(), open);
        assert_eq!(given(json!({"a": roots, "b": {"action": "accept"}})).unwrap_err(), open);
        assert_eq!(given(json!({"a": roots, "b": said})).unwrap(), [roots, said]);
    }

    #[test]
    fn a_call_becomes_a_task_once_and_only_for_clients_that_follow_tasks() {
        let mut outlet = Outlet::default();
        outlet.detach().unwrap();
        outlet.features.tasks = true;
        assert_eq!(outlet.detach().unwrap_err().kind, ToolErrorKind::Detached);
        outlet.is_task = true;
        outlet.detach().unwrap();
    }
}
