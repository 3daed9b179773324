//! Posting once: Graph does not know a message that comes again, so whoever repeats a call gets the first answer.

use super::{Desk, fault};
use crate::graph::client::Answer;
use crate::graph::error::GraphError;
use crate::graph::page::Text;
use crate::tools::confirm::once::Begun;
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use serde::Deserialize;
use serde_json::Value;

/// What Graph says of a message that was made.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SentView<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    web_url: Text<'a>,
}

/// A message that stands where it was meant for.
pub(super) struct Sent {
    pub(super) id: String,
    pub(super) link: String,
    /// It was sent by an earlier call.
    pub(super) again: bool,
}

impl Sent {
    /// What to say to whoever sends the same again.
    pub(super) fn note(&self) -> Option<String> {
        let text = "This very message was sent there within the last 15 minutes, and was not sent again. To send it \
                    twice, change its text or wait.";
        self.again.then(|| text.to_owned())
    }
}

/// Sends unless the same was sent lately. `payload` stands for the whole of it; `sending` begins only then.
pub(super) async fn once(
    desk: &Desk,
    context: &CallContext,
    (payload, scopes): (&Value, &[&'static str]),
    sending: impl Future<Output = Result<Answer, GraphError>> + Send,
) -> Result<Sent, ToolError> {
    let writes = &desk.deps.writes;
    let ticket = match writes.begin(context, payload).await? {
        Begun::Now(ticket) => ticket,
        Begun::Before(id) => return Ok(Sent { id, link: String::new(), again: true }),
        Begun::Elsewhere => return Err(unknown()),
    };
    let answer = match sending.await {
        Ok(answer) => answer,
        // Nobody knows, so nobody tries again before the ticket has run out.
        Err(GraphError::OutcomeUnknown { .. }) => return Err(unknown()),
        Err(error) => {
            writes.abandon(&ticket).await;
            return Err(fault(error, scopes));
        }
    };
    let view: SentView<'_> = answer.view().map_err(|error| fault(error, scopes))?;
    writes.finish(&ticket, &view.id).await;
    Ok(Sent { id: view.id.to_string(), link: view.web_url.to_string(), again: false })
}

fn unknown() -> ToolError {
    let kind = ToolErrorKind::UpstreamRejected { code: "unknown_outcome".to_owned(), status: 504 };
    let text = "Microsoft 365 did not say whether this message was sent, or another call is sending it now. Look into the \
                chat or channel before trying again.";
    ToolError::new(kind, text)
}
