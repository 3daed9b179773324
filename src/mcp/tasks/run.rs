//! The replica that runs a task: it holds the lease, does the work, asks, and writes how it ended.

use super::super::error::{INTERNAL_ERROR, RpcError};
use super::super::flight::Flight;
use super::super::hold::Hold;
use super::super::mrtr;
use super::super::state::McpState;
use super::super::tool_result::{self, Form};
use super::super::work::{Done, Work};
use super::Live;
use super::record::{Outcome, Owner, Record, Status};
use crate::domain::ids::ServiceName;
use crate::ports::store::StoreError;
use crate::tools::dispatch::Invocation;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::outlet::{Outlet, Question};
use actix_web::web;
use futures_util::FutureExt;
use serde_json::{Value, json};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How often a runner looks at the store by itself, should its bell not have been heard.
const LOOK: Duration = Duration::from_secs(5);
/// First and longest pause after the store failed.
const RETRY: Duration = Duration::from_millis(250);
const LONGEST_RETRY: Duration = Duration::from_secs(4);
/// How long the end of a task is kept for a store that is away.
const PATIENCE: Duration = Duration::from_mins(30);

/// A task in progress.
pub(super) struct Run {
    state: web::Data<McpState>,
    service: ServiceName,
    form: Form,
    asked: Invocation,
    work: Work,
    id: String,
    hold: Hold,
    live: Live,
}

impl Run {
    pub(super) fn new(flight: &Flight, id: &str) -> Self {
        let owner = Owner { state: &flight.state, user: &flight.caller.user, service: &flight.ready.name };
        Self {
            state: flight.state.clone(),
            service: flight.ready.name.clone(),
            form: flight.form.clone(),
            asked: Invocation {
                caller: flight.caller.clone(),
                outlet: Outlet {
                    sink: None,
                    features: flight.terms.features,
                    answers: Arc::new(flight.terms.answers.known.clone()),
                    resumed: flight.terms.answers.resumed,
                    is_task: true,
                    unattended: None,
                },
                cancel: CancellationToken::new(),
            },
            work: flight.work.clone(),
            id: id.to_owned(),
            hold: Hold::new(&flight.state.store, owner.name(id)),
            live: Live::enter(&flight.state.tasks, id),
        }
    }

    fn owner(&self) -> Owner<'_> {
        Owner { state: &self.state, user: &self.asked.caller.user, service: &self.service }
    }

    /// Takes the lease and writes the record.
    pub(super) async fn hold_and_keep(&self, record: &Record) -> Result<(), StoreError> {
        self.hold.take().await?;
        self.owner().create(record).await
    }

    /// Works until the task has ended.
    pub(super) async fn finish(self) {
        tokio::select! {
            ended = AssertUnwindSafe(self.rounds()).catch_unwind() => if ended.is_err() {
                tracing::error!(service.name = %self.service, "a task panicked");
                let internal = RpcError::internal();
                self.settle(&failed(&internal.message, internal.code)).await;
            },
            () = self.hold.keep() => {}
        }
        self.hold.release().await;
    }

    async fn rounds(&self) {
        let mut asked = self.asked.clone();
        loop {
            let result = self.attempt(asked.clone()).await;
            if let Err(error) = &result
                && let ToolErrorKind::InputRequired { questions } = &error.kind
            {
                let mut answers = (*asked.outlet.answers).clone();
                let put = |key: String, value: Value| drop(answers.insert(key, value));
                if !self.ask(questions, put).await {
                    return;
                }
                asked.outlet.answers = Arc::new(answers);
                continue;
            }
            self.settle(&self.outcome(&result)).await;
            return;
        }
    }

    /// One run of the work, watching for a cancellation.
    async fn attempt(&self, asked: Invocation) -> Result<Done, ToolError> {
        let mut work = Box::pin(self.work.run(&self.state.dispatcher, &self.service, asked));
        loop {
            tokio::select! {
                result = &mut work => return result,
                () = self.call() => if self.has_ended().await {
                    self.asked.cancel.cancel();
                }
            }
        }
    }

    /// A reason to look at the store.
    async fn call(&self) {
        tokio::select! {
            () = self.live.bell.notified() => {}
            () = sleep(LOOK) => {}
        }
    }

    /// Whether somebody ended the task, or its time is over. Not known while the store is away.
    async fn has_ended(&self) -> bool {
        match self.owner().record(&self.id).await {
            Ok(Some(record)) => record.status.is_final(),
            Ok(None) => true,
            Err(_) => false,
        }
    }

    /// Asks and waits for all answers. False when the task ended instead.
    async fn ask(&self, questions: &[Question], mut put: impl FnMut(String, Value)) -> bool {
        let mut open = questions.to_vec();
        let mut asks = true;
        while !open.is_empty() {
            let request = Some(("inputRequests", mrtr::requests(&open)));
            if std::mem::take(&mut asks) && !self.settle(&(Status::InputRequired, request)).await {
                return false;
            }
            self.call().await;
            if self.has_ended().await {
                return false;
            }
            let mut left = Vec::new();
            for question in std::mem::take(&mut open) {
                match self.owner().answer(&self.id, &question.key).await {
                    Ok(Some(value)) => {
                        put(question.key, value);
                        asks = true;
                    }
                    // An answer that cannot be read now is read at the next look.
                    Ok(None) | Err(_) => left.push(question),
                }
            }
            open = left;
        }
        self.settle(&(Status::Working, None)).await
    }

    /// Writes a status, however long the store takes: what was done must not be lost. False when the task has ended.
    async fn settle(&self, to: &Outcome) -> bool {
        let write = async {
            let mut pause = RETRY;
            loop {
                match self.owner().settle(&self.id, to).await {
                    Ok(settled) => return settled.is_some(),
                    Err(error) => tracing::warn!(%error, "the state of a task waits for the store"),
                }
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_RETRY);
            }
        };
        timeout(PATIENCE, write).await.unwrap_or(false)
    }

    /// Only protocol errors fail a task; a result that tells of a failure completes it.
    fn outcome(&self, result: &Result<Done, ToolError>) -> Outcome {
        let body = match result {
            Ok(Done::Tool(output)) => tool_result::success("0", output, &self.form),
            Ok(Done::Prompt { .. } | Done::Read(_) | Done::List(_) | Done::Complete { .. }) => {
                return failed("Only tools run as tasks.", INTERNAL_ERROR);
            }
            Err(error) => match tool_result::failure(error) {
                tool_result::Failure::Protocol(rpc) => return failed(&rpc.message, rpc.code),
                tool_result::Failure::Silent => return (Status::Cancelled, None),
                tool_result::Failure::Scope(_)
                | tool_result::Failure::SignIn
                | tool_result::Failure::Result => tool_result::error("0", error, &self.form),
            },
        };
        let mut body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let result = body.get_mut("result").map(Value::take).unwrap_or_default();
        (Status::Completed, Some(("result", result)))
    }
}

/// How a task fails.
pub(super) fn failed(message: &str, code: i32) -> Outcome {
    (Status::Failed, Some(("error", json!({ "code": code, "message": message }))))
}
