//! One request's work on its way: it runs in a task of its own, writes notifications and questions to the stream of
//! the request, and ends with the answer. How the stream reaches the client is the framing's business.

use super::catalog::Ready;
use super::encode;
use super::error::RpcError;
use super::exchange::Answer;
use super::hub::Hub;
use super::legacy::questions;
use super::legacy::running::Entry;
use super::mrtr::{self, Binding};
use super::notes::{Notes, Threshold};
use super::result::{Addressee, result};
use super::state::McpState;
use super::tasks;
use super::tool_result::Form;
use super::version::Legacy;
use super::work::{Done, Work};
use crate::domain::resource::Endpoint;
use crate::domain::session::SessionRecord;
use crate::tools::context::Caller;
use crate::tools::dispatch::Invocation;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::outlet::{Ask, Features, Outlet, Question, Sink};
use actix_web::web;
use bytes::Bytes;
use futures_util::FutureExt;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Most rounds of questions in one legacy request.
const MAX_ROUNDS: usize = 8;

/// Work ready to run.
pub(super) struct Flight {
    pub(super) state: web::Data<McpState>,
    pub(super) ready: Arc<Ready>,
    pub(super) endpoint: Endpoint,
    pub(super) caller: Caller,
    /// The request's id, raw JSON.
    pub(super) id: String,
    pub(super) work: Work,
    pub(super) form: Form,
    pub(super) terms: Terms,
    pub(super) cancel: CancellationToken,
}

/// What the client asked for beside the work.
#[derive(Default)]
pub(super) struct Terms {
    /// The legacy session, to which questions go.
    pub(super) session: Option<SessionRecord>,
    /// The call's place in the table of running calls.
    pub(super) _entry: Option<Entry>,
    pub(super) features: Features,
    /// `progressToken`, raw JSON.
    pub(super) progress_token: Option<String>,
    pub(super) threshold: Threshold,
    pub(super) answers: mrtr::Answers,
}

impl Flight {
    /// Runs to the answer. `out` takes messages before it; without, the client cannot be asked or told anything.
    pub(super) async fn fly(mut self, out: Option<mpsc::Sender<Bytes>>) -> Answer {
        let id = self.id.clone();
        let service = self.ready.name.clone();
        let flown = AssertUnwindSafe(self.rounds(out)).catch_unwind().await;
        flown.unwrap_or_else(|_| {
            tracing::error!(service.name = %service, "a request panicked");
            Answer::Body(super::error::message(Some(&id), &RpcError::internal()))
        })
    }

    async fn rounds(&mut self, out: Option<mpsc::Sender<Bytes>>) -> Answer {
        let sink = self.sink(out.clone());
        for _ in 0..MAX_ROUNDS {
            let failed = match self.run(&sink).await {
                Ok(done) => return self.addressee().done(&done),
                Err(failed) => failed,
            };
            if failed.kind == ToolErrorKind::Detached {
                return tasks::begin(self).await;
            }
            let ToolErrorKind::InputRequired { questions } = &failed.kind else {
                return self.addressee().failed(&self.work, &failed);
            };
            if !self.work.may_ask() {
                let misplaced = ToolError::internal("a question where the protocol has no room for one");
                return self.addressee().failed(&self.work, &misplaced);
            }
            let Some(version) = self.form.legacy else { return self.input_required(questions) };
            let asked = self.ask(version, questions, out.as_ref()).await;
            match asked {
                Ok(answers) => self.terms.answers.known.extend(answers),
                Err(refused) => return self.addressee().failed(&self.work, &refused),
            }
        }
        let message = "This call asked too many questions in a row.";
        self.addressee().failed(&self.work, &ToolError::new(ToolErrorKind::Internal, message))
    }

    fn sink(&self, out: Option<mpsc::Sender<Bytes>>) -> Arc<dyn Sink> {
        Arc::new(Notes {
            out,
            progress_token: self.terms.progress_token.clone(),
            threshold: self.terms.threshold.clone(),
            has_messages: self.form.legacy.is_none_or(Legacy::has_audio),
            is_resumable: self.terms.session.is_some()
                && self.form.legacy.is_some_and(Legacy::primes_streams),
            hub: Arc::<Hub>::clone(&self.state.hub),
            service: self.ready.name.clone(),
            reached: Mutex::default(),
            budget: Mutex::default(),
        })
    }

    async fn run(&self, sink: &Arc<dyn Sink>) -> Result<Done, ToolError> {
        let outlet = Outlet {
            sink: Some(Arc::clone(sink)),
            features: self.terms.features,
            answers: Arc::new(self.terms.answers.known.clone()),
            resumed: self.terms.answers.resumed,
            is_task: false,
            unattended: None,
        };
        let asked = Invocation { caller: self.caller.clone(), outlet, cancel: self.cancel.clone() };
        Box::pin(self.work.run(&self.state.dispatcher, &self.ready.name, asked)).await
    }

    /// Asks a legacy client and waits.
    async fn ask(
        &self,
        version: Legacy,
        questions: &[Question],
        out: Option<&mpsc::Sender<Bytes>>,
    ) -> Result<Map<String, Value>, ToolError> {
        let (Some(session), Some(out)) = (&self.terms.session, out) else {
            return Err(ToolError::internal("a question without a stream"));
        };
        let form = |ask: &Ask| questions::form(ask, version);
        tokio::select! {
            () = self.cancel.cancelled() => {
                Err(ToolError::new(ToolErrorKind::Cancelled, "The call was cancelled."))
            }
            answers = self.state.pending.ask((&session.id, &session.user), questions, out, form) => answers,
        }
    }

    fn input_required(&self, questions: &[Question]) -> Answer {
        let binding = Binding { user: &self.caller.user, service: &self.ready.name, work: &self.work };
        let (answers, now) = (&self.terms.answers.known, self.state.clock.now());
        let mut members = mrtr::input_required(questions, answers, &binding, &self.state.cipher, now);
        self.typed(&mut members, "input_required")
    }

    /// A result of another type than `complete`.
    pub(super) fn typed(&self, members: &mut Value, kind: &str) -> Answer {
        encode::set(members, "resultType", json!(kind));
        encode::set(members, "_meta", self.ready.modern_meta.clone());
        let bare = Form { legacy: None, close: Bytes::from_static(b"}}") };
        Answer::Body(result(&self.id, members, &bare))
    }

    pub(super) fn addressee(&self) -> Addressee<'_> {
        Addressee {
            state: &self.state,
            ready: &self.ready,
            endpoint: self.endpoint,
            caller: &self.caller,
            id: &self.id,
            form: &self.form,
        }
    }
}
