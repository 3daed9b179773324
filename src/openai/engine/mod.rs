//! From a conversation to an answer: deterministic rules, or a language model where the operator has set one up. Knows
//! nothing of how either API writes it.

mod call;
mod model;
mod rules;

use super::answering::Whole;
use super::conversation::{Call, Conversation};
use super::convert::ToolMessage;
use super::error::ApiError;
use super::idempotency::Mark;
use super::state::OpenAiState;
use super::usage::Usage;
use crate::domain::ids::ServiceName;
use crate::domain::resource::Endpoint;
use crate::tools::context::Caller;
use crate::tools::dispatch::Invocation;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::outlet::{Outlet, Unattended};
use actix_web::web;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A part of an answer, in the order in which it becomes known.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Piece {
    Text(String),
    /// A call that was run here.
    Ran(ToolMessage),
    /// Calls for the client to run.
    Calls(Vec<Call>),
}

/// Why an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Reason {
    Stop,
    /// The client has calls to run.
    ToolCalls,
    /// The bound on tokens was reached.
    Length,
    /// The language model's own filter.
    Filtered,
}

/// The end of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    pub(super) reason: Reason,
    /// What a language model counted; none: count what was said.
    pub(super) usage: Option<Usage>,
}

impl End {
    fn new(reason: Reason) -> Self {
        Self { reason, usage: None }
    }
}

/// One request on its way.
pub(super) struct Job {
    pub(super) state: web::Data<OpenAiState>,
    pub(super) service: ServiceName,
    pub(super) caller: Caller,
    pub(super) conversation: Conversation,
    pub(super) cancel: CancellationToken,
}

/// Everything of an answer so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Collected {
    pub(super) text: String,
    pub(super) ran: Vec<ToolMessage>,
    pub(super) calls: Vec<Call>,
    /// Something was written for the person, so a repetition of the request would write it once more.
    pub(super) wrote: bool,
}

/// Where the pieces go.
pub(super) struct Pieces {
    sender: mpsc::Sender<Piece>,
    collected: Mutex<Collected>,
    /// Of a request with an idempotency key: it goes on when the client has left, who comes back for the answer.
    mark: Option<Mark>,
}

impl Pieces {
    pub(super) fn new(sender: mpsc::Sender<Piece>, mark: Option<Mark>) -> Self {
        Self { sender, collected: Mutex::default(), mark }
    }

    /// What was told so far.
    pub(super) fn collected(&self) -> Collected {
        self.collected.lock().clone()
    }

    /// Remembers that a writing tool is about to be called; `unknown` is its result for whoever asks again after this
    /// replica has died in the middle of it.
    ///
    /// # Errors
    /// That cannot be noted: the tool must not be called.
    async fn note_write(&self, unknown: ToolMessage) -> Result<(), ApiError> {
        if let Some(mark) = &self.mark {
            let mut collected = self.collected();
            collected.wrote = true;
            collected.ran.push(unknown);
            mark.begun(Whole::broken_off(collected)).await?;
        }
        self.collected.lock().wrote = true;
        Ok(())
    }

    /// Tells the client; a client that has left ends the work.
    async fn tell(&self, piece: Piece) -> Result<(), ApiError> {
        {
            let mut collected = self.collected.lock();
            match &piece {
                Piece::Text(text) => collected.text.push_str(text),
                Piece::Ran(result) => collected.ran.push(result.clone()),
                Piece::Calls(calls) => collected.calls.extend(calls.iter().cloned()),
            }
        }
        match self.sender.send(piece).await {
            Err(_) if self.mark.is_none() => Err(ApiError::gone()),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

impl Job {
    /// Works until the answer is there; the receiver of `out` gets it piece by piece.
    pub(super) async fn run(&self, out: &Pieces) -> Result<End, ApiError> {
        match &self.state.model {
            Some(model) => Box::pin(model::answer(self, model.as_ref(), out)).await,
            None => Box::pin(rules::answer(self, out)).await,
        }
    }

    /// A call that the client made itself: who is behind it sees it there.
    fn invocation(&self) -> Invocation {
        self.invocation_with(None)
    }

    fn invocation_with(&self, unattended: Option<Unattended>) -> Invocation {
        let outlet = Outlet { unattended, ..Outlet::default() };
        Invocation { caller: self.caller.clone(), outlet, cancel: self.cancel.clone() }
    }

    /// The answer to a failure that concerns the request and not the model; none: a model can act on it.
    fn fatal(&self, error: &ToolError) -> Option<ApiError> {
        let at = (&self.service, Endpoint::V1);
        if let ToolErrorKind::InsufficientScope { required } = &error.kind {
            let refusal = self.state.guard.insufficient_scope(at, required, &self.caller);
            return Some(ApiError::challenged(&refusal, error.public.clone()));
        }
        if error.kind == ToolErrorKind::SignInRequired {
            let refusal = self.state.guard.sign_in_required(at, &self.caller);
            return Some(ApiError::challenged(&refusal, error.public.clone()));
        }
        ApiError::of_tool(error)
    }
}
