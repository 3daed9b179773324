//! Who calls, within which bounds, and the way back to the client.

use super::error::{ToolError, ToolErrorKind};
use super::outlet::{Ask, Change, Feature, LogLevel, Note, Outlet, Question};
use crate::domain::ids::{ClientId, GrantId, UserKey};
use crate::domain::mailbox::Mailbox;
use crate::domain::scope::ScopeSet;
use crate::domain::write_mark::WriteMark;
use serde_json::Value;
use std::time::Instant;

/// The caller, from the bearer alone.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) user: UserKey,
    pub(crate) client: ClientId,
    /// The sign-in that the bearer comes from.
    pub(crate) grant: GrantId,
    pub(crate) scopes: ScopeSet,
}

impl Caller {
    /// Whether the bearer allows all of these.
    pub(crate) fn has(&self, scopes: &[&str]) -> bool {
        scopes.iter().all(|scope| self.scopes.allows(scope))
    }

    /// Refuses a bearer that lacks one of them.
    pub(crate) fn require(&self, what: &str, scopes: &[&str]) -> Result<(), ToolError> {
        if self.has(scopes) {
            return Ok(());
        }
        let required = scopes.iter().copied().collect();
        let remedy = if self.client.is_personal_key() {
            "Make a new key that has it."
        } else {
            "Authorize again to grant it."
        };
        let message = format!("{what} needs the permission {}. {remedy}", scopes.join(" "));
        Err(ToolError::new(ToolErrorKind::InsufficientScope { required }, message))
    }
}

/// Bounds of one call. Identity never comes from arguments; a mailbox may, and Microsoft decides whether it opens.
#[derive(Clone, Debug)]
pub(crate) struct CallContext {
    pub(crate) caller: Caller,
    /// Whose mailbox it is about, when not the caller's own. Ids and cursors carry it, writes are confirmed for it.
    pub(crate) mailbox: Option<Mailbox>,
    /// The call must have answered by then.
    pub(crate) deadline: Instant,
    /// Whether anything was sent that writes.
    pub(crate) mark: WriteMark,
    /// See [`super::outlet`]; the methods below use it.
    pub(crate) outlet: Outlet,
}

#[cfg_attr(
    not(any(test, feature = "conformance")),
    expect(dead_code, reason = "today the fixtures of the official suite alone tell and ask")
)]
impl CallContext {
    /// Tells how far the call is; `progress` only ever grows.
    pub(crate) async fn progress(&self, progress: f64, total: Option<f64>, message: Option<&str>) {
        let message = message.map(str::to_owned);
        self.outlet.note(Note::Progress { progress, total, message }).await;
    }

    /// Logs to the client, if it wants this level. Never secrets, contents or addresses.
    pub(crate) async fn log(&self, level: LogLevel, data: impl Into<Value> + Send) {
        self.outlet.note(Note::Log { level, data: data.into() }).await;
    }

    /// Lets go of the client's connection, where the client can come back for the rest (MCP 2025-11-25, SSE polling):
    /// for calls that will be silent for long.
    pub(crate) async fn release(&self) {
        self.outlet.note(Note::Released).await;
    }

    /// Tells every client of the service that something changed.
    pub(crate) async fn announce(&self, change: Change) {
        self.outlet.note(Note::Changed(change)).await;
    }

    /// The answer to a question: the result object of the request that it becomes on the wire. `?` hands an open
    /// question to the front.
    pub(crate) fn ask(&self, key: &str, ask: Ask) -> Result<Value, ToolError> {
        let answers = self.outlet.ask(vec![Question { key: key.to_owned(), ask }])?;
        Ok(answers.into_iter().next().unwrap_or_default())
    }

    /// The answers to several questions, asked at once.
    pub(crate) fn ask_all(&self, questions: Vec<Question>) -> Result<Vec<Value>, ToolError> {
        self.outlet.ask(questions)
    }

    /// Whether the client declared a feature.
    pub(crate) fn offers(&self, feature: Feature) -> bool {
        self.outlet.features.has(feature)
    }

    /// Refuses clients without a feature that the call cannot do without.
    pub(crate) fn require(&self, feature: Feature) -> Result<(), ToolError> {
        self.outlet.require(feature)
    }

    /// Lets a long call go on as a task where the client follows tasks; elsewhere it just goes on. Questions that
    /// decide whether there is anything to do come before.
    pub(crate) fn detach(&self) -> Result<(), ToolError> {
        self.outlet.detach()
    }
}

impl CallContext {
    /// An id as the caller gets it: with its mailbox, where that is not the caller's own.
    pub(crate) fn marked(&self, id: &str) -> String {
        self.mailbox.as_ref().map_or_else(|| id.to_owned(), |mailbox| mailbox.marked(id))
    }
}
