//! `teams_edit_message`: changes or deletes what the user said in a chat, or reacts to what anybody said there. What
//! others see changes, so the person agrees first.

use super::cards::{Cards, checked_message_id};
use super::chat::{self, ChatItem, Member};
use super::markup::{ContentFormat, mentioned, written};
use super::message::{MessageView, Raw};
use super::{ALIASES, Desk, NOTES, asker, checked_chat_id, fault, recipient};
use crate::graph::encode::{Target, segment};
use crate::graph::request::Request;
use crate::services::answer::{line, with_notes};
use crate::services::args::typed;
use crate::tools::confirm::{Write, inputs, outcome_schema};
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

const NAME: &str = "teams_edit_message";
/// Permissions of a reaction: the message is read before.
pub(super) const SCOPES: &[&str] = &["Chat.Read", "ChatMessage.Send"];
/// Permission to change and delete.
pub(super) const WRITE: &str = "Chat.ReadWrite";
/// Characters of a message in a preview.
const SHOWN: usize = 1_000;

/// The tool.
pub(super) struct EditMessage {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Edit,
    Delete,
    React,
}

impl Action {
    fn verb(self) -> &'static str {
        match self {
            Self::Edit => "Change",
            Self::Delete => "Delete",
            Self::React => "React to",
        }
    }
}

#[derive(Deserialize)]
struct Wish {
    chat_id: Option<String>,
    recipient_name: Option<String>,
    message_id: String,
    action: Action,
    content: Option<String>,
    #[serde(default)]
    content_format: ContentFormat,
    #[serde(default)]
    mentions: Vec<String>,
    reaction: Option<String>,
}

#[derive(Serialize)]
struct Edited {
    status: &'static str,
    chat_id: String,
    message_id: String,
    action: Action,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// One change: what is asked of Graph, and how a person is told of it.
struct Change {
    method: Method,
    path: String,
    body: Option<Value>,
    told: String,
}

impl EditMessage {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = |what: &str| json!({"type": "string", "description": what});
        let properties = json!({
            "chat_id": text("Id of a chat, unchanged"),
            "recipient_name": text("Name of the chat, instead of chat_id"),
            "message_id": text("Id of the message, unchanged"),
            "action": {"type": "string", "enum": ["edit", "delete", "react"], "description": "edit and delete: the user's own messages only"},
            "content": text("For edit: the whole new text"),
            "content_format": {"type": "string", "enum": ["markdown", "text"], "description": "What content is; markdown unless given"},
            "mentions": {"type": "array", "items": {"type": "string"}, "maxItems": 20, "description": "Members to mention in content"},
            "reaction": text("For react: one emoji"),
        });
        let required = ["message_id", "action"];
        let spec = ToolSpec {
            name: NAME,
            title: "Edit Message",
            description: "Change or delete a message of the user's in a Teams chat, or react to anybody's, after a \
                          confirmation.",
            input_schema: json!({"type": "object", "properties": inputs(properties, true), "required": required}),
            output_schema: outcome_schema(json!({
                "chat_id": {"type": "string"}, "message_id": {"type": "string"}, "action": {"type": "string"},
                "warnings": {"type": "array", "items": {"type": "string"}},
            })),
            annotations: Annotations::WRITE.destructive().idempotent().open_world(),
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }

    /// The chat with everybody else in it.
    async fn chat(&self, context: &CallContext, wish: &Wish) -> Result<ChatItem, ToolError> {
        let read = |error| fault(error, SCOPES);
        let mut chat = match (&wish.chat_id, &wish.recipient_name) {
            (Some(id), None) => match checked_chat_id(id)? {
                NOTES => return Ok(ChatItem::notes()),
                id => chat::one(&self.desk, context, id).await.map_err(read)?,
            },
            (None, Some(name)) => recipient::chat_named(&self.desk, context, name).await?,
            (None, None) | (Some(_), Some(_)) => {
                return Err(ToolError::invalid("chat_id", "Give either `chat_id` or `recipient_name`."));
            }
        };
        chat.people = chat::members(&self.desk, context, &chat.chat_id).await.map_err(read)?;
        Ok(chat)
    }
}

/// `PATCH …/messages/{id}` and `POST /users/{id}/chats/…/softDelete` (Chat.ReadWrite), or `POST …/setReaction`
/// (ChatMessage.Send).
fn change(
    context: &CallContext,
    wish: &Wish,
    (chat, id): (&ChatItem, &str),
    kept: &Cards,
) -> Result<Change, ToolError> {
    let path = format!("/chats/{}/messages/{}", segment(&chat.chat_id), segment(id));
    match wish.action {
        Action::Edit => {
            let content = wish.content.as_deref().filter(|content| !content.trim().is_empty());
            let content = content.ok_or_else(|| {
                ToolError::invalid("content", "`content` is missing: the whole new text of the message.")
            })?;
            let people = mentioned(&wish.mentions, &chat.people)?;
            let message = written(content, wish.content_format, None, &people)?;
            let mut body = kept.with(&message.html);
            if !message.mentions.is_empty() {
                body.insert("mentions".to_owned(), json!(message.mentions));
            }
            let told = format!("to\n\n{}{content}", kept.told);
            Ok(Change { method: Method::PATCH, path, body: Some(body.into()), told })
        }
        Action::Delete => {
            let path = format!("/users/{}{path}/softDelete", segment(&context.caller.user.oid));
            Ok(Change {
                method: Method::POST,
                path,
                body: None,
                told: "for everybody in the chat".to_owned(),
            })
        }
        Action::React => {
            let emoji = one_emoji(wish.reaction.as_deref().unwrap_or_default())?;
            let body = Some(json!({"reactionType": emoji}));
            let told = format!("with {emoji}");
            Ok(Change { method: Method::POST, path: format!("{path}/setReaction"), body, told })
        }
    }
}

/// What Teams takes as a reaction: one emoji.
fn one_emoji(text: &str) -> Result<&str, ToolError> {
    let text = text.trim();
    let is_word = |c: char| c.is_alphanumeric() && !c.is_ascii_digit() || c.is_whitespace() || c.is_control();
    // A family with skin tones is eleven characters; a keycap begins with a digit.
    if text.is_empty() || text.chars().count() > 12 || text.is_ascii() || text.chars().any(is_word) {
        return Err(ToolError::invalid("reaction", "`reaction` must be one emoji, such as 👍."));
    }
    Ok(text)
}

#[async_trait]
impl Tool for EditMessage {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let id = checked_message_id("message_id", &wish.message_id)?;
        let is_own = wish.action != Action::React;
        if is_own {
            context.caller.require(NAME, &["Chat.Read", "ChatMessage.Send", WRITE])?;
        }
        let chat = self.chat(context, &wish).await?;
        let target = Target::new(format!("/chats/{}/messages/{}", segment(&chat.chat_id), segment(id)));
        let request = Request::teams(target.build()).in_thread(&chat.chat_id);
        let graph = &self.desk.deps.graph;
        let answer = graph.send(asker(context), request).await.map_err(|error| fault(error, SCOPES))?;
        let view: MessageView<'_> = answer.view().map_err(|error| fault(error, SCOPES))?;
        check(&view, is_own.then_some(&*context.caller.user.oid))?;
        let kept = if wish.action == Action::Edit {
            Cards::kept(&answer.view().map_err(|error| fault(error, SCOPES))?)
        } else {
            Cards::default()
        };
        let change = change(context, &wish, (&chat, id), &kept)?;
        let said = Raw::of(&view).text(SHOWN);
        let by = if is_own { "of yours".to_owned() } else { format!("by {}", view.author()) };
        let readers: Vec<String> = chat.people.iter().map(|one| one.mail.clone()).collect();
        let mut ids: Vec<&str> = chat.people.iter().map(|one| one.id.as_str()).collect();
        ids.sort_unstable();
        // Whoever agreed to it agreed to change this text for these readers, and not what either became meanwhile.
        let payload = json!({
            "method": change.method.as_str(), "path": change.path, "body": change.body, "was": view.version(),
            "readers": ids,
        });
        let write = Write {
            service: "teams",
            tool: NAME,
            payload: &payload,
            preview: format!(
                "{} the message {by} in \"{}\" ({}{}):\n\n{}\n\n{}",
                wish.action.verb(),
                chat.name,
                chat.kind,
                read_by(&chat.people),
                line(&said),
                change.told
            ),
            leaves: chat.chat_id != NOTES || wish.action == Action::Delete,
            recipients: ("chat_id", &readers),
        };
        if let Some(answer) = self.desk.deps.writes.hold(context, &args, &write).await? {
            return Ok(answer);
        }
        let body = change.body.map(|body| Bytes::from(body.to_string()));
        let request =
            Request::teams_change(change.method, Target::new(change.path), body).in_thread(&chat.chat_id);
        // The same reaction twice is one.
        let request = if is_own { request } else { request.repeatable() };
        let scopes = if is_own { &[WRITE] } else { SCOPES };
        graph.send(asker(context), request).await.map_err(|error| fault(error, scopes))?;
        let edited = Edited {
            status: "done",
            chat_id: chat.chat_id,
            message_id: id.to_owned(),
            action: wish.action,
            warnings,
        };
        let text = format!("Done in \"{}\".\nmessage_id: {id}\n", chat.name);
        ToolOutput::new(with_notes(text, &edited.warnings, None), &edited).map_err(ToolError::internal)
    }
}

fn read_by(people: &[Member]) -> String {
    let printed: Vec<String> = people.iter().map(Member::printed).collect();
    if printed.is_empty() { String::new() } else { format!(", read by {}", printed.join(", ")) }
}

/// Refuses what cannot be changed; `own` is who must have said it.
fn check(view: &MessageView<'_>, own: Option<&str>) -> Result<(), ToolError> {
    if view.is_gone() {
        return Err(ToolError::new(ToolErrorKind::NotFound, "This message was deleted: nothing was done."));
    }
    if view.is_event() {
        let text = "`message_id` is an event of the chat, such as a new member, and no message.";
        return Err(ToolError::invalid("message_id", text));
    }
    if own.is_some_and(|own| !view.author_id().eq_ignore_ascii_case(own)) {
        let text = "`message_id` is a message of somebody else: only its author can change or delete it.";
        return Err(ToolError::invalid("message_id", text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reaction_is_one_emoji() {
        for good in ["👍", " ❤️ ", "1️⃣", "👩🏽‍🚀", "👨‍👩‍👧‍👦", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "✅"]
        {
            assert_eq!(one_emoji(good).unwrap(), good.trim());
        }
        for odd in ["", "  ", "like", "좋아요", "👍 👍", ":)", "+1", "1", "x👍", "👍\n"] {
            let refused = one_emoji(odd);
            assert!(odd == "👍\n" || refused.unwrap_err().public.contains("emoji"), "{odd}");
        }
    }
}
