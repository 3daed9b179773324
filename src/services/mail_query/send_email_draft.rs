//! `send_email_draft`: sends a draft as it stands, after a confirmation.

use super::draft::Draft;
use super::sending::{done_before, send, sent_schema};
use super::{ALIASES, Mail, SEND_SCOPES};
use crate::services::args::typed;
use crate::tools::confirm::{Write, inputs, outcome_schema};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

const NAME: &str = "send_email_draft";
/// The draft is read for its preview.
const SCOPES: &[&str] = &["Mail.Read", "Mail.Send"];

/// The tool.
pub(super) struct SendEmailDraft {
    mail: Arc<Mail>,
    spec: ToolSpec,
}

#[derive(Deserialize)]
struct Wish {
    draft_id: String,
}

impl SendEmailDraft {
    pub(super) fn new(mail: Arc<Mail>) -> Self {
        let properties = json!({"draft_id": {"type": "string", "description": "id of a draft, unchanged"}});
        let spec = ToolSpec {
            name: NAME,
            title: "Send Email Draft",
            description: "Send a draft as it stands, after a confirmation.",
            input_schema: json!({"type": "object", "properties": inputs(properties, true), "required": ["draft_id"]}),
            output_schema: outcome_schema(sent_schema()),
            annotations: Annotations::WRITE.destructive().open_world(),
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { mail, spec }
    }
}

#[async_trait]
impl Tool for SendEmailDraft {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, mut args: Args) -> Result<ToolOutput, ToolError> {
        let (context, warnings) = self.mail.enter(context, &self.spec, &mut args).await?;
        let context = &context;
        let wish: Wish = typed(&args)?;
        let what = json!({"draft": wish.draft_id});
        if let Some(answer) = done_before(&self.mail, context, &what).await? {
            return Ok(answer);
        }
        let draft = Draft::read(&self.mail, context, &wish.draft_id, SEND_SCOPES).await?;
        let people = draft.everybody();
        if people.is_empty() {
            let text = "The draft `draft_id` goes to nobody: give it people with update_email_draft first.";
            return Err(ToolError::invalid("draft_id", text));
        }
        if let Some(name) = draft.unaddressed() {
            let text = format!(
                "The draft `draft_id` goes to \"{name}\", who has no address that can be shown. Replace it by addresses with \
                 update_email_draft, or send it from Outlook."
            );
            return Err(ToolError::invalid("draft_id", text));
        }
        let write = Write {
            service: "mail-query",
            tool: NAME,
            payload: &draft.content(),
            preview: draft.preview(&self.mail, context, "Send this mail:").await?,
            leaves: true,
            recipients: ("draft_id", &people),
        };
        if let Some(answer) = self.mail.deps.writes.hold(context, &args, &write).await? {
            return Ok(answer);
        }
        let id = async { Ok(draft.id().to_owned()) };
        send(&self.mail, context, &what, id, warnings).await
    }
}
