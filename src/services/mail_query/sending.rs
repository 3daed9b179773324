//! Sending, once: by an id that stays the message's own, so that a lost answer can be looked up.

use super::{Mail, SEND_SCOPES, asker};
use crate::graph::encode::{Target, segment};
use crate::graph::error::GraphError;
use crate::graph::request::Request;
use crate::services::answer::{output, with_notes};
use crate::services::args::OutputFormat;
use crate::services::fault::tool_error;
use crate::tools::confirm::once::Begun;
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::output::ToolOutput;
use http::Method;
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// `structuredContent` of a mail that was sent.
#[derive(Serialize)]
struct Sent<'a> {
    status: &'static str,
    #[serde(rename = "sent_id")]
    id: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// How a send that was asked for ended.
enum Fate {
    Sent,
    /// Certainly not.
    Refused(GraphError),
    Unknown,
}

/// Output properties of a tool that sends.
pub(super) fn sent_schema() -> Value {
    json!({"sent_id": {"type": "string"}})
}

/// The answer when this was done a moment ago: whoever repeats a call has perhaps never seen it.
pub(super) async fn done_before(
    mail: &Mail,
    context: &CallContext,
    what: &Value,
) -> Result<Option<ToolOutput>, ToolError> {
    let sent = mail.deps.writes.done(context, what).await?;
    sent.map(|id| told_again(context, &id)).transpose()
}

/// Sends what `draft` makes or names, unless `what`, which stands for it, was sent a moment ago.
pub(super) async fn send(
    mail: &Mail,
    context: &CallContext,
    what: &Value,
    draft: impl Future<Output = Result<String, ToolError>>,
    warnings: Vec<String>,
) -> Result<ToolOutput, ToolError> {
    let writes = &mail.deps.writes;
    let ticket = match writes.begin(context, what).await? {
        Begun::Now(ticket) => ticket,
        Begun::Before(id) => return told_again(context, &id),
        Begun::Elsewhere => return Err(unknown(None)),
    };
    let id = match draft.await {
        Ok(id) => id,
        Err(error) => {
            writes.abandon(&ticket).await;
            return Err(error);
        }
    };
    match fate(mail, context, &id).await {
        Fate::Sent => {
            writes.finish(&ticket, &id).await;
            told(context, &id, warnings)
        }
        Fate::Refused(error) => {
            writes.abandon(&ticket).await;
            let mut error = tool_error(error, SEND_SCOPES);
            // The same call again would make another draft, and send that.
            if matches!(
                error.kind,
                ToolErrorKind::UpstreamUnavailable { .. }
                    | ToolErrorKind::RateLimited { .. }
                    | ToolErrorKind::Timeout
            ) {
                error.kind =
                    ToolErrorKind::UpstreamRejected { code: "kept_as_draft".to_owned(), status: 503 };
            }
            let _ = write!(
                error.public,
                " The mail was not sent; it is kept as a draft to be sent with send_email_draft, draft_id: {}",
                context.marked(&id)
            );
            Err(error)
        }
        Fate::Unknown => Err(unknown(Some(&context.marked(&id)))),
    }
}

/// `POST /me/messages/{id}/send` (Mail.Send). Without an answer the message itself tells: once sent it is no draft.
async fn fate(mail: &Mail, context: &CallContext, id: &str) -> Fate {
    let path = format!("/me/messages/{}", segment(id));
    let request = Request::write(Method::POST, Target::new(format!("{path}/send")), None);
    let graph = &mail.deps.graph;
    let Err(error) = graph.send(asker(context), request).await else { return Fate::Sent };
    if !matches!(error, GraphError::OutcomeUnknown { .. }) {
        return Fate::Refused(error);
    }
    let look = Request::outlook(Target::new(path).with("$select", "isDraft"));
    let Ok(answer) = graph.send(asker(context), look).await else { return Fate::Unknown };
    let is_draft = answer.view::<Value>().ok().and_then(|raw| raw.get("isDraft").and_then(Value::as_bool));
    if is_draft == Some(false) { Fate::Sent } else { Fate::Unknown }
}

fn told(context: &CallContext, id: &str, warnings: Vec<String>) -> Result<ToolOutput, ToolError> {
    let id = &context.marked(id);
    let sent = Sent { status: "done", id, warnings };
    let text = format!("The mail was sent.\nsent_id: {id}\n");
    output(|| with_notes(text, &sent.warnings, None), &sent, OutputFormat::Text)
}

fn told_again(context: &CallContext, id: &str) -> Result<ToolOutput, ToolError> {
    let note = "This very mail was sent within the last 15 minutes, and was not sent again. To send it twice, change its \
                text or wait.";
    told(context, id, vec![note.to_owned()])
}

fn unknown(id: Option<&str>) -> ToolError {
    let kind = ToolErrorKind::UpstreamRejected { code: "unknown_outcome".to_owned(), status: 504 };
    let id = id.map(|id| format!(" Its id: {id}")).unwrap_or_default();
    let text = format!(
        "Microsoft 365 did not say whether this mail was sent, or another call is sending it now. Look for it in Sent Items \
         (query_email with `folder` sent) and in Drafts before trying again.{id}"
    );
    ToolError::new(kind, text)
}
