//! `teams_send_chat_message`: a message in one chat, as the user, after a preview.

use super::cards::Cards;
use super::chat::{self, ChatItem, Member};
use super::markup::{ContentFormat, mentioned, prefix, written};
use super::{ALIASES, Desk, NOTES, asker, checked_chat_id, fault, person, recipient, sent};
use crate::graph::client::Answer;
use crate::graph::encode::{Target, segment};
use crate::graph::error::GraphError;
use crate::graph::page::Text;
use crate::graph::request::Request;
use crate::services::answer::with_notes;
use crate::services::args::typed;
use crate::tools::confirm::{Write, inputs, outcome_schema};
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

const NAME: &str = "teams_send_chat_message";
/// Permissions of the tool: the chat is read before anything is sent to it.
pub(super) const SCOPES: &[&str] = &["Chat.Read", "ChatMessage.Send"];
/// With whom there is no chat yet, one is started.
pub(super) const START: &str = "Chat.Create";

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
    reply_to: Option<String>,
    #[serde(default)]
    attach: Vec<String>,
}

#[derive(Default, Deserialize)]
struct StartedView<'a> {
    #[serde(borrow, default)]
    id: Text<'a>,
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
            "reply_to": text("Id of a message of this chat that it answers"),
            "attach": {"type": "array", "items": {"type": "string"}, "maxItems": 10,
                "description": "Files of OneDrive: paths, ids or links. They are not shared by this"},
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
            (None, Some(name)) => match recipient::chat_named(&self.desk, context, name).await {
                Err(error) if error.kind == ToolErrorKind::NotFound && name.contains('@') => {
                    return self.newcomer(context, name, error).await;
                }
                found => found?,
            },
            (None, None) => return Ok(ChatItem::notes()),
        };
        // A list shows some members of a large chat only.
        chat.people =
            chat::members(&self.desk, context, &chat.chat_id).await.map_err(|error| fault(error, SCOPES))?;
        Ok(chat)
    }

    /// A chat that is not there yet, with the person of a whole address; `none` when nobody has it.
    async fn newcomer(
        &self,
        context: &CallContext,
        address: &str,
        none: ToolError,
    ) -> Result<ChatItem, ToolError> {
        let found = person::one(&self.desk, context, "recipient_name", address).await;
        let Ok(person) = found.as_ref() else { return Err(none) };
        if !person.mail.eq_ignore_ascii_case(address.trim()) || person.id == *context.caller.user.oid {
            return Err(none);
        }
        context.caller.require(NAME, &["Chat.Read", "ChatMessage.Send", START])?;
        Ok(ChatItem::with(person.clone()))
    }

    /// `POST /chats` where there is none yet (Chat.Create), which answers the one that is there, and then
    /// `POST /chats/{id}/messages` (ChatMessage.Send): never repeated, since Graph does not know a message that comes
    /// again.
    async fn send(
        &self,
        context: &CallContext,
        chat: &mut ChatItem,
        body: Bytes,
    ) -> Result<Answer, GraphError> {
        let graph = &self.desk.deps.graph;
        if let ([person], true) = (chat.people.as_slice(), chat.chat_id.is_empty()) {
            let member = |id: &str| {
                json!({
                    "@odata.type": "#microsoft.graph.aadUserConversationMember", "roles": ["owner"],
                    "user@odata.bind": format!("https://graph.microsoft.com/v1.0/users('{id}')"),
                })
            };
            let both = [member(&context.caller.user.oid), member(&person.id)];
            let wish = Bytes::from(json!({"chatType": "oneOnOne", "members": both}).to_string());
            let request = Request::teams_write(Target::new("/chats"), wish).repeatable();
            let answer = graph.send(asker(context), request).await?;
            chat.chat_id = answer.view::<StartedView<'_>>()?.id.to_string();
        }
        let target = Target::new(format!("/chats/{}/messages", segment(&chat.chat_id)));
        graph.send(asker(context), Request::teams_write(target, body).in_thread(&chat.chat_id)).await
    }
}

#[async_trait]
impl Tool for SendChatMessage {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let mut warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        if wish.content.trim().is_empty() {
            return Err(ToolError::invalid("content", "`content` is empty."));
        }
        let prefix = prefix(wish.prefix.as_deref())?;
        let mut chat = self.chat(context, &wish).await?;
        let people = mentioned(&wish.mentions, &chat.people)?;
        let message = written(&wish.content, wish.content_format, prefix, &people)?;
        let mut cards = Cards::default();
        match &wish.reply_to {
            Some(_) if chat.chat_id.is_empty() => {
                return Err(ToolError::invalid(
                    "reply_to",
                    "There is nothing to answer in a chat that is new.",
                ));
            }
            Some(id) => cards.quote(&self.desk, context, (&chat.chat_id, id)).await?,
            None => {}
        }
        cards.files(&self.desk, context, (NAME, &wish.attach)).await?;
        let mut body = cards.with(&message.html);
        if !message.mentions.is_empty() {
            body.insert("mentions".to_owned(), json!(message.mentions));
        }
        // Whoever has no address that Graph tells is outside every allowed domain.
        let readers: Vec<String> = chat.people.iter().map(|one| one.mail.clone()).collect();
        let printed: Vec<String> = chat.people.iter().map(Member::printed).collect();
        let to = if printed.is_empty() { String::new() } else { format!(", read by {}", printed.join(", ")) };
        let mut ids: Vec<&str> = chat.people.iter().map(|one| one.id.as_str()).collect();
        ids.sort_unstable();
        // Whoever agreed to it agreed to these readers.
        let payload = json!({"chat": chat.chat_id, "message": body, "readers": ids});
        // Between two people there is one chat: it is the same message before the chat has an id and after.
        let once = match chat.people.as_slice() {
            [person] if chat.kind == "oneOnOne" && !person.id.is_empty() => {
                json!({"person": person.id, "message": body})
            }
            _ => payload.clone(),
        };
        let lead = prefix.map(|prefix| format!("{prefix} ")).unwrap_or_default();
        let kind = if chat.chat_id.is_empty() { "a new chat" } else { &chat.kind };
        let write = Write {
            service: "teams",
            tool: NAME,
            payload: &payload,
            preview: format!(
                "Send to \"{}\" ({kind}){to}:\n{}\n{lead}{}",
                chat.name, cards.told, wish.content
            ),
            leaves: chat.chat_id != NOTES,
            recipients: ("recipient_name", &readers),
        };
        if let Some(answer) = self.desk.deps.writes.hold(context, &args, &write).await? {
            return Ok(answer);
        }
        let body = Bytes::from(Value::Object(body).to_string());
        let done =
            sent::once(&self.desk, context, (&once, SCOPES), self.send(context, &mut chat, body)).await?;
        warnings.extend(done.note());
        let sent = Sent {
            status: "done",
            message_id: done.id,
            link: done.link,
            chat_id: chat.chat_id,
            chat_name: chat.name,
            warnings,
        };
        let text = format!("Sent to \"{}\".\nmessage_id: {}\n", sent.chat_name, sent.message_id);
        ToolOutput::new(with_notes(text, &sent.warnings, None), &sent).map_err(ToolError::internal)
    }
}
