//! `send_email`: writes a new mail and sends it, after a confirmation.

use super::draft::{Draft, own_domain};
use super::enclose::{self, Enclosures};
use super::letter::{Letter, Preview, item_body, letter_schema};
use super::sending::{done_before, send, sent_schema};
use super::{Mail, SEND_SCOPES, asker, write_fault};
use crate::graph::encode::Target;
use crate::graph::request::Request;
use crate::services::args::{is_set, typed};
use crate::services::mailbox::mailbox_schema;
use crate::tools::confirm::{Write, inputs, outcome_schema};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use std::sync::Arc;

const NAME: &str = "send_email";

/// The tool.
pub(super) struct SendEmail {
    mail: Arc<Mail>,
    spec: ToolSpec,
}

impl SendEmail {
    pub(super) fn new(mail: Arc<Mail>) -> Self {
        let required = ["to", "subject", "body"];
        let properties = inputs(letter_schema(json!({ "mailbox": mailbox_schema() })), true);
        let spec = ToolSpec {
            name: NAME,
            title: "Send Email",
            description: "Write a new mail and send it, after a confirmation. Answers: create_email_draft, then \
                          send_email_draft.",
            input_schema: json!({"type": "object", "properties": properties, "required": required}),
            output_schema: outcome_schema(sent_schema()),
            annotations: Annotations::WRITE.destructive().open_world(),
            scopes: SEND_SCOPES,
            aliases: &[("user_id", "user_id")],
        };
        Self { mail, spec }
    }

    /// `POST /me/messages` (Mail.ReadWrite): the id of the draft that is to be sent. `sendMail` would give none, and
    /// nobody could tell afterwards whether a lost answer was a yes.
    async fn draft(
        &self,
        context: &CallContext,
        message: &Value,
        files: &Enclosures,
    ) -> Result<String, ToolError> {
        let body = Bytes::from(message.to_string());
        let request = Request::write(Method::POST, Target::new("/me/messages"), Some(body));
        let answer = self.mail.deps.graph.send(asker(context), request).await.map_err(|error| {
            let mut error = write_fault(error);
            error.public.push_str(" Nothing was sent.");
            error
        })?;
        let draft = Draft::of(&answer).map_err(write_fault)?;
        if let Err(mut error) = files.put(&self.mail, context, draft.id()).await {
            draft.discard(&self.mail, context).await;
            error.public.push_str(" Nothing was sent.");
            return Err(error);
        }
        Ok(draft.id().to_owned())
    }
}

#[async_trait]
impl Tool for SendEmail {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, mut args: Args) -> Result<ToolOutput, ToolError> {
        let (context, warnings) = self.mail.enter(context, &self.spec, &mut args).await?;
        let context = &context;
        let letter: Letter = typed(&args)?;
        let people = letter.people()?;
        let everybody = people.all();
        if everybody.is_empty() {
            return Err(ToolError::invalid("to", "`to` needs at least one mail address."));
        }
        let mut message = letter.heads()?;
        let body = letter.body().await?;
        message.extend(people.members());
        message.extend(body.as_ref().map(item_body));
        let message = Value::from(message);
        let files = enclose::fetch(&self.mail, context, &letter.attach, SEND_SCOPES).await?;
        // What the person agrees to, and what is sent once: these words with exactly these files.
        let all = if files.is_empty() {
            message.clone()
        } else {
            json!({"message": message, "attachments": files.payload()})
        };
        if !is_set(&args, "dry_run")
            && let Some(answer) = done_before(&self.mail, context, &all).await?
        {
            return Ok(answer);
        }
        let preview = Preview {
            what: "Send this mail:".to_owned(),
            people: people.0.clone().map(Option::unwrap_or_default),
            own_domain: own_domain(&self.mail, context).await?,
            subject: letter.subject()?.unwrap_or_default().to_owned(),
            importance: letter.importance.clone().unwrap_or_default(),
            attachments: files.names(),
            body,
        };
        let write = Write {
            service: "mail-query",
            tool: NAME,
            payload: &all,
            preview: preview.text().await?,
            leaves: true,
            recipients: ("to", &everybody),
        };
        if let Some(answer) = self.mail.deps.writes.hold(context, &args, &write).await? {
            return Ok(answer);
        }
        send(&self.mail, context, &all, self.draft(context, &message, &files), warnings).await
    }
}
