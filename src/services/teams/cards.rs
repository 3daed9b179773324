//! What stands beside the text of a message that goes out: the message it answers, and files.

use super::message::{MessageView, Raw};
use super::{Desk, asker, fault};
use crate::graph::encode::{Target, segment};
use crate::graph::page::Text;
use crate::graph::request::Request;
use crate::services::answer::line;
use crate::services::drive_address::Address;
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use uuid::Uuid;

/// Files of one message.
const MAX_FILES: usize = 10;
/// Characters of a quoted message.
const QUOTED: usize = 200;

/// Everything that is attached to one message.
#[derive(Debug, Default)]
pub(super) struct Cards {
    attachments: Vec<Value>,
    before: String,
    after: String,
    /// For the preview.
    pub(super) told: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct FileView<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    e_tag: Text<'a>,
    #[serde(borrow)]
    web_url: Text<'a>,
    #[serde(borrow)]
    web_dav_url: Text<'a>,
    folder: Option<Map<String, Value>>,
}

impl Cards {
    /// The message `id` of a chat, quoted (`GET /chats/{id}/messages/{id}`, Chat.Read).
    pub(super) async fn quote(
        &mut self,
        desk: &Desk,
        context: &CallContext,
        (chat, id): (&str, &str),
    ) -> Result<(), ToolError> {
        let id = checked_message_id("reply_to", id)?;
        let target = Target::new(format!("/chats/{}/messages/{}", segment(chat), segment(id)));
        let request = Request::teams(target.build()).in_thread(chat);
        let answer = desk
            .deps
            .graph
            .send(asker(context), request)
            .await
            .map_err(|error| fault(error, &["Chat.Read"]))?;
        let view: MessageView<'_> = answer.view().map_err(|error| fault(error, &["Chat.Read"]))?;
        let preview = line(&Raw::of(&view).text(QUOTED));
        let (author, name) = (view.author_id(), view.author());
        let is_person = !author.is_empty();
        let person = json!({"userIdentityType": "aadUser", "id": author, "displayName": name});
        let content = json!({
            "messageId": id, "messagePreview": preview,
            "messageSender": {"application": null, "device": null, "user": is_person.then_some(person)},
        });
        let _ = writeln!(
            self.told,
            "In answer to {}: {preview}",
            if name.is_empty() { "(Teams)" } else { &name }
        );
        let _ = write!(self.before, "<attachment id=\"{id}\"></attachment>");
        let content = content.to_string();
        self.attachments.push(json!({"id": id, "contentType": "messageReference", "content": content}));
        Ok(())
    }

    /// Files of OneDrive by path, id or sharing link (`GET {address}`, Files.Read), as cards that point to them. They
    /// are not shared by this.
    pub(super) async fn files(
        &mut self,
        desk: &Desk,
        context: &CallContext,
        (tool, files): (&str, &[String]),
    ) -> Result<(), ToolError> {
        if files.len() > MAX_FILES {
            let text = format!("`attach` takes at most {MAX_FILES} files.");
            return Err(ToolError::invalid("attach", text));
        }
        for file in files {
            let address = Address::parse("attach", file)?;
            context.caller.require(tool, &[address.scope()])?;
            let target =
                Target::new(address.graph_path("")).with("$select", "id,name,eTag,webUrl,webDavUrl,folder");
            let answer = desk.deps.graph.send(asker(context), Request::files(target.build())).await;
            let named = |mut error: ToolError| {
                if error.kind == ToolErrorKind::NotFound {
                    error.public = format!("`attach`: there is no file \"{}\" in OneDrive.", line(file));
                }
                error
            };
            let answer = answer
                .map_err(|error| named(crate::services::fault::tool_error(error, &[address.scope()])))?;
            let view: FileView<'_> = answer.view().map_err(|error| fault(error, &[address.scope()]))?;
            self.file(&view)?;
        }
        if !files.is_empty() {
            self.told
                .push_str("Whoever reads it opens only the files that are shared with them (share_file).\n");
        }
        Ok(())
    }

    fn file(&mut self, view: &FileView<'_>) -> Result<(), ToolError> {
        let name = line(&view.name);
        let url = if view.web_dav_url.is_empty() { &view.web_url } else { &view.web_dav_url };
        // A card is known by the GUID in the version of its file: `"{GUID},7"`.
        let id = view.e_tag.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(id, _)| id);
        let Some(id) = id.and_then(|id| Uuid::try_parse(id).ok()).filter(|_| view.folder.is_none()) else {
            let text =
                format!("`attach`: \"{name}\" is no file that Teams can show. Share a link to it instead.");
            return Err(ToolError::invalid("attach", text));
        };
        let _ = writeln!(self.told, "With the file {name}: {}", &**url);
        let _ = write!(self.after, "<attachment id=\"{id}\"></attachment>");
        self.attachments
            .push(json!({"id": id, "contentType": "reference", "contentUrl": **url, "name": name}));
        Ok(())
    }

    /// Those of a message as it stands, so that a new text leaves them where they are: what it quotes above, the rest
    /// below.
    pub(super) fn kept(message: &Value) -> Self {
        let mut cards = Self::default();
        for card in message.get("attachments").and_then(Value::as_array).into_iter().flatten() {
            let text = |name: &str| card.get(name).and_then(Value::as_str).unwrap_or_default();
            // Only what stands in the text by its id can be sent again.
            let Some(id) = Some(text("id")).filter(|id| is_card_id(id)) else { continue };
            let is_quote = text("contentType") == "messageReference";
            let place = if is_quote { &mut cards.before } else { &mut cards.after };
            let _ = write!(place, "<attachment id=\"{id}\"></attachment>");
            let name = line(text("name"));
            let what = match (is_quote, name.is_empty()) {
                (true, _) => "the quoted message",
                (false, true) => "a card",
                (false, false) => &name,
            };
            let _ = writeln!(cards.told, "(kept: {what})");
            let mut sent = Map::new();
            for member in ["id", "contentType", "contentUrl", "content", "name", "thumbnailUrl", "teamsAppId"]
            {
                let value = card.get(member).filter(|value| !value.is_null());
                sent.extend(value.map(|value| (member.to_owned(), value.clone())));
            }
            cards.attachments.push(sent.into());
        }
        cards
    }

    /// The body of a message with all of it.
    pub(super) fn with(&self, html: &str) -> Map<String, Value> {
        let content = format!("{}{html}{}", self.before, self.after);
        let mut body = Map::new();
        body.insert("body".to_owned(), json!({"contentType": "html", "content": content}));
        if !self.attachments.is_empty() {
            body.insert("attachments".to_owned(), json!(self.attachments));
        }
        body
    }
}

/// An id that can stand in the text: a number or a GUID.
fn is_card_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// A message id that can be one.
pub(super) fn checked_message_id<'a>(field: &str, id: &'a str) -> Result<&'a str, ToolError> {
    let id = id.trim();
    if (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(id);
    }
    let text = format!(
        "`{field}` must be the id of a message, such as 1616990032035, unchanged from where it was read."
    );
    Err(ToolError::invalid(field, text))
}
