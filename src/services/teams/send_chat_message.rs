//! `teams_send_chat_message`: a message in one chat, as the user, after a preview.

use super::chat::{self, ChatItem, Member};
use super::markup::{ContentFormat, mentioned, written};
use super::{ALIASES, Desk, NOTES, asker, checked_chat_id, fault, recipient};
use crate::graph::encode::{Target, segment};
use crate::graph::error::GraphError;
use crate::graph::page::Text;
use crate::graph::request::Request;
use crate::services::answer::with_notes;
use crate::services::args::typed;
use crate::tools::confirm::once::Begun;
use crate::tools::confirm::{Write, inputs, outcome_schema};
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

const NAME: &str = "teams_send_chat_message";
/// Permissions of the tool: the chat is read before anything is sent to it.
pub(super) const SCOPES: &[&str] = &["Chat.Read", "ChatMessage.Send"];
/// Stands before every message unless the caller says otherwise, so that readers know who wrote it.
const PREFIX: &str = "[claude]";
const MAX_PREFIX: usize = 40;

/// The tool.
pub(super) struct SendChatMessage {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Deserialize)]
struct Wish {
    content: String,
    #[serde(default)]
    content_format: ContentFormat,
    chat_id: Option<String>,
    recipient_name: Option<String>,
    #[serde(default)]
    mentions: Vec<String>,
    prefix: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SentView<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    web_url: Text<'a>,
}

#[derive(Serialize)]
struct Sent {
    status: &'static str,
    chat_id: String,
    chat_name: String,
    message_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    link: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl SendChatMessage {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = |what: &str| json!({"type": "string", "description": what});
        let properties = json!({
            "content": text("The message"),
            "content_format": {"type": "string", "enum": ["markdown", "text"], "description": "What content is; markdown unless given"},
            "chat_id": text("Id of a chat, unchanged"),
            "recipient_name": text("Name, Korean name or address of a person, or name of a chat"),
            "mentions": {"type": "array", "items": {"type": "string"}, "maxItems": 20,
                "description": "Members to mention; @Name in content says where"},
            "prefix": text("Stands before the text; [claude] unless given, none for nothing"),
        });
        let spec = ToolSpec {
            name: NAME,
            title: "Send Chat Message",
            description: "Send a message in a Teams chat as the user, after a confirmation. Without chat_id and \
                          recipient_name it goes to the user's own notes (48:notes).",
            input_schema: json!({"type": "object", "properties": inputs(properties, true), "required": ["content"]}),
            output_schema: outcome_schema(json!({
                "chat_id": {"type": "string"}, "chat_name": {"type": "string"}, "message_id": {"type": "string"},
                "link": {"type": "string"}, "warnings": {"type": "array", "items": {"type": "string"}},
            })),
            annotations: Annotations::WRITE.open_world(),
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }

    /// The chat that the message is for, with all who will read it.
    async fn chat(&self, context: &CallContext, wish: &Wish) -> Result<ChatItem, ToolError> {
        let mut chat = match (&wish.chat_id, &wish.recipient_name) {
            (Some(_), Some(_)) => {
                let text = "`chat_id` and `recipient_name` exclude each other. Give one of them.";
                return Err(ToolError::invalid("recipient_name", text));
            }
            (Some(id), None) => match checked_chat_id(id)? {
                NOTES => return Ok(ChatItem::notes()),
                id => chat::one(&self.desk, context, id).await.map_err(|error| fault(error, SCOPES))?,
            },
            (None, Some(name)) => recipient::chat_named(&self.desk, context, name).await?,
            (None, None) => return Ok(ChatItem::notes()),
        };
        // A list shows some members of a large chat only.
        chat.people =
            chat::members(&self.desk, context, &chat.chat_id).await.map_err(|error| fault(error, SCOPES))?;
        Ok(chat)
    }
}

impl Wish {
    fn prefix(&self) -> Result<Option<&str>, ToolError> {
        let prefix = self.prefix.as_deref().unwrap_or(PREFIX).trim();
        if prefix.chars().count() > MAX_PREFIX || prefix.contains(['\n', '\r']) {
            return Err(ToolError::invalid(
                "prefix",
                format!("`prefix` is one line of {MAX_PREFIX} characters."),
            ));
        }
        Ok(Some(prefix).filter(|prefix| !prefix.eq_ignore_ascii_case("none")))
    }
}

#[async_trait]
impl Tool for SendChatMessage {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    /// `POST /chats/{id}/messages` (ChatMessage.Send): never repeated, since Graph does not know a message that comes again.
    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        if wish.content.trim().is_empty() {
            return Err(ToolError::invalid("content", "`content` is empty."));
        }
        let prefix = wish.prefix()?;
        let chat = self.chat(context, &wish).await?;
        let people = mentioned(&wish.mentions, &chat.people)?;
        let message = written(&wish.content, wish.content_format, prefix, &people)?;
        let mut body = json!({"body": {"contentType": "html", "content": message.html}});
        if let Some(members) = body.as_object_mut().filter(|_| !message.mentions.is_empty()) {
            members.insert("mentions".to_owned(), json!(message.mentions));
        }
        // Whoever has no address that Graph tells is outside every allowed domain.
        let readers: Vec<String> = chat.people.iter().map(|one| one.mail.clone()).collect();
        let printed: Vec<String> = chat.people.iter().map(Member::printed).collect();
        let to = if printed.is_empty() { String::new() } else { format!(", read by {}", printed.join(", ")) };
        let mut ids: Vec<&str> = chat.people.iter().map(|one| one.id.as_str()).collect();
        ids.sort_unstable();
        // Whoever agreed to it agreed to these readers.
        let payload = json!({"chat": chat.chat_id, "message": body, "readers": ids});
        let lead = prefix.map(|prefix| format!("{prefix} ")).unwrap_or_default();
        let write = Write {
            service: "teams",
            tool: NAME,
            payload: &payload,
            preview: format!("Send to \"{}\" ({}){to}:\n\n{lead}{}", chat.name, chat.kind, wish.content),
            leaves: chat.chat_id != NOTES,
            recipients: ("recipient_name", &readers),
        };
        if let Some(answer) = self.desk.deps.writes.hold(context, &args, &write).await? {
            return Ok(answer);
        }
        let writes = &self.desk.deps.writes;
        let ticket = match writes.begin(&context.caller.user, &payload).await? {
            Begun::Now(ticket) => ticket,
            Begun::Before(id) => return told_again(chat, id),
            Begun::Elsewhere => return Err(unknown()),
        };
        let target = Target::new(format!("/chats/{}/messages", segment(&chat.chat_id)));
        let request = Request::teams_write(target, Bytes::from(body.to_string())).in_thread(&chat.chat_id);
        let answer = match self.desk.deps.graph.send(asker(context), request).await {
            Ok(answer) => answer,
            // Nobody knows, so nobody tries again before the ticket has run out.
            Err(GraphError::OutcomeUnknown { .. }) => return Err(unknown()),
            Err(error) => {
                writes.abandon(&ticket).await;
                return Err(fault(error, SCOPES));
            }
        };
        let view: SentView<'_> = answer.view().map_err(|error| fault(error, SCOPES))?;
        writes.finish(&ticket, &view.id).await;
        told(&Sent {
            status: "done",
            message_id: view.id.to_string(),
            link: view.web_url.to_string(),
            chat_id: chat.chat_id,
            chat_name: chat.name,
            warnings,
        })
    }
}

fn told(sent: &Sent) -> Result<ToolOutput, ToolError> {
    let text = format!("Sent to \"{}\".\nmessage_id: {}\n", sent.chat_name, sent.message_id);
    ToolOutput::new(with_notes(text, &sent.warnings, None), sent).map_err(ToolError::internal)
}

fn told_again(chat: ChatItem, id: String) -> Result<ToolOutput, ToolError> {
    let note = "This very message was sent to this chat within the last 15 minutes, and was not sent again. To send it twice, \
                change its text or wait.";
    told(&Sent {
        status: "done",
        message_id: id,
        link: String::new(),
        chat_id: chat.chat_id,
        chat_name: chat.name,
        warnings: vec![note.to_owned()],
    })
}

fn unknown() -> ToolError {
    let kind = ToolErrorKind::UpstreamRejected { code: "unknown_outcome".to_owned(), status: 504 };
    let text = "Microsoft 365 did not say whether this message was sent, or another call is sending it now. Look into the \
                chat (teams_get_chat_messages) before trying again.";
    ToolError::new(kind, text)
}
