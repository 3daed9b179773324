//! `create_email_draft`: a mail that waits in Drafts, new or as an answer with the history below.

use super::draft::{Draft, above_history, draft_schema, own_domain};
use super::enclose;
use super::letter::{FIELDS, Letter, People, Preview, item_body, letter_schema, recipients};
use super::message::RawBody;
use super::{Mail, WRITE_SCOPES, asker, write_fault};
use crate::graph::client::Answer;
use crate::graph::encode::{Target, segment};
use crate::graph::request::Request;
use crate::services::answer::line;
use crate::services::args::{is_set, typed};
use crate::services::mailbox::mailbox_schema;
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
use std::sync::Arc;

const NAME: &str = "create_email_draft";

/// The tool.
pub(super) struct CreateEmailDraft {
    mail: Arc<Mail>,
    spec: ToolSpec,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    New,
    Reply,
    ReplyAll,
    Forward,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    kind: Kind,
    message_id: Option<String>,
    #[serde(flatten)]
    letter: Letter,
}

/// An answer to a message: to which, and how.
struct Reply<'a> {
    id: &'a str,
    kind: Kind,
}

impl CreateEmailDraft {
    pub(super) fn new(mail: Arc<Mail>) -> Self {
        let properties = letter_schema(json!({
            "kind": {"type": "string", "enum": ["new", "reply", "reply_all", "forward"], "description": "new unless given"},
            "message_id": {"type": "string", "description": "id of the message to answer or forward"},
            "to": super::people_schema("Mail addresses; an answer goes to its people and these"),
            "mailbox": mailbox_schema(),
        }));
        let spec = ToolSpec {
            name: NAME,
            title: "Create Email Draft",
            description: "Write a mail into Drafts without sending it: new, an answer, or a forward; the history stays below.",
            input_schema: json!({"type": "object", "properties": inputs(properties, false)}),
            output_schema: written_schema(draft_schema()),
            annotations: Annotations::WRITE,
            scopes: WRITE_SCOPES,
            aliases: &[("user_id", "user_id")],
        };
        Self { mail, spec }
    }

    /// `POST /me/messages` (Mail.ReadWrite).
    async fn write_new(
        &self,
        context: &CallContext,
        message: Map<String, Value>,
    ) -> Result<Draft, ToolError> {
        self.post(context, "/me/messages".to_owned(), message).await
    }

    /// `POST /me/messages/{id}/createReply|createReplyAll|createForward`, then `PATCH` of what is not Microsoft's to
    /// decide. A `comment` could not be formatted, and a body in the first request would replace the history.
    async fn write_reply(
        &self,
        context: &CallContext,
        reply: &Reply<'_>,
        people: &People,
        (mut patch, body): (Map<String, Value>, Option<RawBody>),
    ) -> Result<Draft, ToolError> {
        let (verb, first) = match (reply.kind, &people.0[0]) {
            (Kind::Forward, Some(to)) => {
                ("createForward", Map::from_iter([("toRecipients".to_owned(), recipients(to))]))
            }
            (Kind::ReplyAll, _) => ("createReplyAll", Map::new()),
            _ => ("createReply", Map::new()),
        };
        let path = format!("/me/messages/{}/{verb}", segment(reply.id));
        let draft = self.post(context, path, first).await?;
        for (field, more) in FIELDS.iter().zip(&people.0) {
            let mut all = draft.people(field);
            let before = all.len();
            for address in more.iter().flatten() {
                if !all.iter().any(|known| known.eq_ignore_ascii_case(address)) {
                    all.push(address.clone());
                }
            }
            if all.len() > before {
                patch.insert((*field).to_owned(), recipients(&all));
            }
        }
        if let Some(body) = body {
            let own = if body.html { body.content } else { markup::of_text(&body.content) };
            patch.extend([item_body(&RawBody {
                content: above_history(&own, draft.html()),
                html: true,
                cut: false,
            })]);
        }
        if !patch.is_empty() {
            let target = Target::new(format!("/me/messages/{}", segment(draft.id())));
            let request =
                Request::write(Method::PATCH, target, Some(Bytes::from(Value::from(patch).to_string())));
            if let Err(error) = self.mail.deps.graph.send(asker(context), request).await {
                draft.discard(&self.mail, context).await;
                return Err(write_fault(error));
            }
        }
        // What was attached to the message that is forwarded is told by a read alone.
        Draft::read(&self.mail, context, draft.id(), WRITE_SCOPES).await
    }

    async fn post(
        &self,
        context: &CallContext,
        path: String,
        body: Map<String, Value>,
    ) -> Result<Draft, ToolError> {
        let body = Bytes::from(Value::from(body).to_string());
        let request = Request::write(Method::POST, Target::new(path), Some(body)).html_bodies();
        let answer: Answer = self.mail.deps.graph.send(asker(context), request).await.map_err(write_fault)?;
        Draft::of(&answer).map_err(write_fault)
    }

    /// What an answer would be about: `GET /me/messages/{id}?$select=subject,from`.
    async fn about(&self, context: &CallContext, reply: &Reply<'_>) -> Result<String, ToolError> {
        let target =
            Target::new(format!("/me/messages/{}", segment(reply.id))).with("$select", "subject,from");
        let answer = self.mail.deps.graph.send(asker(context), Request::outlook(target)).await;
        let answer = answer.map_err(write_fault)?;
        let raw: Value = answer.view().map_err(write_fault)?;
        let text = |pointer: &str| line(raw.pointer(pointer).and_then(Value::as_str).unwrap_or_default());
        let from = text("/from/emailAddress/address");
        Ok(format!("\"{}\" from {from}", text("/subject")))
    }
}

#[async_trait]
impl Tool for CreateEmailDraft {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, mut args: Args) -> Result<ToolOutput, ToolError> {
        let (context, warnings) = self.mail.enter(context, &self.spec, &mut args).await?;
        let context = &context;
        let wish: Wish = typed(&args)?;
        let people = wish.letter.people()?;
        let heads = wish.letter.heads()?;
        let body = wish.letter.body().await?;
        let files = enclose::fetch(&self.mail, context, &wish.letter.attach, WRITE_SCOPES).await?;
        let reply = match (wish.kind, &wish.message_id) {
            (Kind::New, None) => None,
            (Kind::New, Some(_)) => {
                let text =
                    "`message_id` is for answers: give `kind` reply, reply_all or forward, or leave it out.";
                return Err(ToolError::invalid("message_id", text));
            }
            (_, None) => {
                let text = "`message_id` is needed to answer or forward: the id of that message, unchanged.";
                return Err(ToolError::invalid("message_id", text));
            }
            (kind, Some(id)) => Some(Reply { id, kind }),
        };
        if wish.kind == Kind::Forward && people.0[0].as_ref().is_none_or(Vec::is_empty) {
            return Err(ToolError::invalid("to", "`to` is needed to forward: at least one mail address."));
        }
        let preview = if is_set(&args, "dry_run") {
            let about = match &reply {
                Some(reply) => {
                    let how = if reply.kind == Kind::Forward { "forwarding" } else { "answering" };
                    format!(", {how} {}", self.about(context, reply).await?)
                }
                None => String::new(),
            };
            let shown = Preview {
                what: format!("Save as a draft, without sending it{about}:"),
                people: people.0.clone().map(Option::unwrap_or_default),
                own_domain: own_domain(&self.mail, context).await?,
                subject: wish.letter.subject()?.unwrap_or_default().to_owned(),
                importance: wish.letter.importance.clone().unwrap_or_default(),
                attachments: files.names(),
                body: body.clone(),
            };
            shown.text().await?
        } else {
            String::new()
        };
        let write = Write {
            service: "mail-query",
            tool: NAME,
            payload: &Value::Null,
            preview,
            leaves: false,
            recipients: ("to", &people.all()),
        };
        if let Some(answer) = self.mail.deps.writes.hold(context, &args, &write).await? {
            return Ok(answer);
        }
        let draft = if let Some(reply) = reply {
            self.write_reply(context, &reply, &people, (heads, body)).await?
        } else {
            let mut message = heads;
            message.extend(people.members());
            message.extend(body.as_ref().map(item_body));
            self.write_new(context, message).await?
        };
        let draft = if files.is_empty() {
            draft
        } else {
            if let Err(error) = files.put(&self.mail, context, draft.id()).await {
                draft.discard(&self.mail, context).await;
                return Err(error);
            }
            Draft::read(&self.mail, context, draft.id(), WRITE_SCOPES).await?
        };
        draft.output(&self.mail, context, warnings).await
    }
}
