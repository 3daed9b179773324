//! `update_email_draft`: changes some things of a draft and leaves the rest.

use super::attachment_view;
use super::draft::{Draft, above_history, draft_schema};
use super::enclose::{self, MAX_FILES};
use super::letter::{FIELDS, Letter, item_body, letter_schema};
use super::message::RawBody;
use super::{ALIASES, Mail, WRITE_SCOPES, asker, people_schema, write_fault};
use crate::graph::encode::{Target, segment};
use crate::graph::request::Request;
use crate::services::args::typed;
use crate::services::markup;
use crate::tools::confirm::{Write, inputs, written_schema};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::sync::Arc;

const NAME: &str = "update_email_draft";

/// The tool.
pub(super) struct UpdateEmailDraft {
    mail: Arc<Mail>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    draft_id: String,
    remove_attachment_ids: Vec<String>,
    #[serde(flatten)]
    letter: Letter,
}

impl UpdateEmailDraft {
    pub(super) fn new(mail: Arc<Mail>) -> Self {
        let properties = letter_schema(json!({
            "draft_id": {"type": "string", "description": "id of a draft, unchanged"},
            "to": people_schema("Mail addresses, all of them; [] for nobody"),
            "remove_attachment_ids": {"type": "array", "items": {"type": "string"}, "maxItems": MAX_FILES, "description": "attachment_ids from get_email"},
        }));
        let spec = ToolSpec {
            name: NAME,
            title: "Update Email Draft",
            description: "Change what is given of a draft; the history of an answer stays below its text.",
            input_schema: json!({"type": "object", "properties": inputs(properties, false), "required": ["draft_id"]}),
            output_schema: written_schema(draft_schema()),
            annotations: Annotations::WRITE.idempotent(),
            scopes: WRITE_SCOPES,
            aliases: ALIASES,
        };
        Self { mail, spec }
    }

    /// `PATCH /me/messages/{id}` (Mail.ReadWrite) with `If-Match`.
    async fn patch(
        &self,
        context: &CallContext,
        draft: &Draft,
        patch: Map<String, Value>,
    ) -> Result<(), ToolError> {
        let target = Target::new(format!("/me/messages/{}", segment(draft.id())));
        let body = Bytes::from(Value::from(patch).to_string());
        let request = Request::write(Method::PATCH, target, Some(body)).if_match(draft.etag());
        self.mail.deps.graph.send(asker(context), request).await.map_err(write_fault)?;
        Ok(())
    }
}

#[async_trait]
impl Tool for UpdateEmailDraft {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, mut args: Args) -> Result<ToolOutput, ToolError> {
        let (context, mut warnings) = self.mail.enter(context, &self.spec, &mut args).await?;
        let context = &context;
        let mut wish: Wish = typed(&args)?;
        let mut seen = HashSet::new();
        wish.remove_attachment_ids.retain(|id| seen.insert(id.clone()));
        let people = wish.letter.people()?;
        let mut patch = wish.letter.heads()?;
        let body = wish.letter.body().await?;
        let files = enclose::fetch(&self.mail, context, &wish.letter.attach, WRITE_SCOPES).await?;
        let draft = Draft::read(&self.mail, context, &wish.draft_id, WRITE_SCOPES).await?;
        let removed = draft.files(&wish.remove_attachment_ids)?;
        let (files, known) =
            files.missing_in(&self.mail, context, draft.id(), &wish.remove_attachment_ids).await?;
        patch.extend(people.members());
        if let Some(body) = body {
            let own = if body.html { body.content } else { markup::of_text(&body.content) };
            patch.extend([item_body(&RawBody {
                content: above_history(&own, draft.html()),
                html: true,
                cut: false,
            })]);
        }
        if patch.is_empty() && files.is_empty() && removed.is_empty() && known.is_empty() {
            let text = "Nothing would change: give at least one thing that is to be another than it is.";
            return Err(ToolError::invalid("draft_id", text));
        }
        let mut changes: Vec<String> = Vec::new();
        if !patch.is_empty() {
            let changed: Vec<&str> = patch.keys().map(|name| said(name)).collect();
            changes.push(format!("change {}", changed.join(", ")));
        }
        changes.extend(files.names().into_iter().map(|name| format!("attach {name}")));
        changes.extend(known.iter().map(|name| format!("leave {name}, which is attached already")));
        changes.extend(removed.into_iter().map(|name| format!("remove {name}")));
        let what = format!("To do: {}. This draft, as it stands:", changes.join("; "));
        let write = Write {
            service: "mail-query",
            tool: NAME,
            payload: &Value::Null,
            preview: draft.preview(&self.mail, context, &what).await?,
            leaves: false,
            recipients: ("to", &people.all()),
        };
        if let Some(answer) = self.mail.deps.writes.hold(context, &args, &write).await? {
            return Ok(answer);
        }
        if !patch.is_empty() {
            self.patch(context, &draft, patch).await?;
        }
        for id in &wish.remove_attachment_ids {
            let target = Target::new(attachment_view::path(draft.id(), id, ""));
            let request = Request::write(Method::DELETE, target, None);
            self.mail.deps.graph.send(asker(context), request).await.map_err(write_fault)?;
        }
        files.put(&self.mail, context, draft.id()).await?;
        warnings.extend(known.iter().map(|name| {
            format!("\"{name}\" is attached already, with the same content, and was not attached again.")
        }));
        let draft = Draft::read(&self.mail, context, draft.id(), WRITE_SCOPES).await?;
        draft.output(&self.mail, context, warnings).await
    }
}

/// A member of a message in the words of the arguments.
fn said(name: &str) -> &str {
    match FIELDS.iter().position(|field| *field == name) {
        Some(0) => "to",
        Some(1) => "cc",
        Some(_) => "bcc",
        None => name,
    }
}
