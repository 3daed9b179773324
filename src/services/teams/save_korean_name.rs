//! `teams_save_korean_name`: what a person calls a chat in Korean, kept for that person alone.

use super::chat::{self, ChatItem};
use super::names::Names;
use super::recipient::folded;
use super::{ALIASES, Desk, SCOPES, checked_chat_id, read_fault};
use crate::services::answer::line;
use crate::services::args::typed;
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;

/// Longest name, in characters.
const MAX_NAME: usize = 100;
/// Names of one call.
const MAX_BATCH: usize = 100;

/// The tool.
pub(super) struct SaveKoreanName {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    names: Vec<Pair>,
    #[serde(flatten)]
    one: Pair,
}

/// One name, and what it is for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Pair {
    chat_id: Option<String>,
    topic_en: Option<String>,
    topic_kr: Option<String>,
}

#[derive(Serialize)]
struct Saved {
    chat_id: String,
    name: String,
    korean_name: String,
}

#[derive(Serialize)]
struct Failed {
    asked: String,
    reason: String,
}

#[derive(Serialize)]
struct Report {
    saved: Vec<Saved>,
    failed: Vec<Failed>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl SaveKoreanName {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = |what: &str| json!({"type": "string", "description": what});
        let words = |names: &[&str]| -> serde_json::Map<String, serde_json::Value> {
            names.iter().map(|name| ((*name).to_owned(), json!({"type": "string"}))).collect()
        };
        let list = |names: &[&str]| json!({"type": "array", "items": {"type": "object", "properties": words(names)}});
        let pairs = json!({
            "type": "array", "maxItems": MAX_BATCH,
            "items": {"type": "object", "properties": words(&["topic_en", "topic_kr", "chat_id"])},
            "description": "Several at once: topic_en (the chat's or person's name as listed) and topic_kr",
        });
        let spec = ToolSpec {
            name: "teams_save_korean_name",
            title: "Save Korean Name",
            description: "Save Korean names for Teams chats or people, for this user alone; they then work as \
                          recipient_name. Nothing is changed in Teams.",
            input_schema: json!({"type": "object", "properties": {
                "names": pairs,
                "topic_kr": text("One Korean name, for chat_id or topic_en"),
                "topic_en": text("Name of the chat or person, as listed"),
                "chat_id": text("Id of the chat, unchanged"),
            }}),
            output_schema: json!({"type": "object", "properties": {
                "saved": list(&["chat_id", "name", "korean_name"]),
                "failed": list(&["asked", "reason"]),
                "warnings": {"type": "array", "items": {"type": "string"}},
            }, "required": ["saved", "failed"]}),
            annotations: Annotations::WRITE.idempotent(),
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }
}

impl Wish {
    fn pairs(self) -> Result<Vec<Pair>, ToolError> {
        let mut pairs = self.names;
        if self.one.topic_kr.is_some() {
            pairs.push(self.one);
        } else if self.one.topic_en.is_some() || self.one.chat_id.is_some() {
            return Err(ToolError::invalid("topic_kr", "`topic_kr` is missing: the Korean name to save."));
        }
        if pairs.is_empty() {
            let text = "`names` is missing: pairs of topic_en and topic_kr, or one topic_kr with chat_id or topic_en.";
            return Err(ToolError::invalid("names", text));
        }
        Ok(pairs)
    }
}

impl Pair {
    fn asked(&self) -> String {
        let asked = self.topic_en.as_deref().or(self.chat_id.as_deref()).unwrap_or("(nothing)");
        line(asked).chars().take(MAX_NAME).collect()
    }

    /// The chat and the name, or why not.
    fn resolve<'a>(&self, chats: &'a [ChatItem]) -> Result<(&'a ChatItem, String), String> {
        let name = line(self.topic_kr.as_deref().unwrap_or_default());
        if name.is_empty() {
            return Err("topic_kr is missing".to_owned());
        }
        if name.chars().count() > MAX_NAME {
            return Err(format!("topic_kr is longer than {MAX_NAME} characters"));
        }
        let found: Vec<&ChatItem> = match (&self.chat_id, &self.topic_en) {
            (Some(id), _) => {
                let id = checked_chat_id(id).map_err(|error| error.public)?;
                chats.iter().filter(|chat| chat.chat_id == id).collect()
            }
            (None, Some(topic)) => {
                let wanted = folded(topic);
                chats.iter().filter(|chat| folded(&chat.name) == wanted).collect()
            }
            (None, None) => return Err("neither topic_en nor chat_id says what the name is for".to_owned()),
        };
        match found.as_slice() {
            [] => Err("there is no such chat: use a name or chat_id from the list, unchanged".to_owned()),
            [chat] => Ok((*chat, name)),
            several => {
                let told: Vec<String> = several.iter().map(|chat| chat.told()).collect();
                Err(format!("several chats have this name, so use chat_id: {}", told.join("; ")))
            }
        }
    }
}

#[async_trait]
impl Tool for SaveKoreanName {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let pairs = typed::<Wish>(&args)?.pairs()?;
        let names = Names::of(&self.desk, context).await?;
        let (mut chats, _) = chat::read(&self.desk, context, &names, |_| false).await.map_err(read_fault)?;
        chats.push(ChatItem::notes());
        let mut report = Report { saved: Vec::new(), failed: Vec::new(), warnings };
        for pair in &pairs {
            match pair.resolve(&chats) {
                Ok((chat, korean_name)) => report.saved.push(Saved {
                    chat_id: chat.chat_id.clone(),
                    name: chat.name.clone(),
                    korean_name,
                }),
                Err(reason) => report.failed.push(Failed { asked: pair.asked(), reason }),
            }
        }
        if report.saved.is_empty() {
            let reasons: Vec<String> =
                report.failed.iter().map(|failed| format!("{}: {}", failed.asked, failed.reason)).collect();
            let kind = ToolErrorKind::InvalidInput { field: Some("names".to_owned()) };
            return Err(ToolError::new(kind, format!("Nothing was saved. {}.", reasons.join(". "))));
        }
        let more: Vec<(String, String)> =
            report.saved.iter().map(|saved| (saved.chat_id.clone(), saved.korean_name.clone())).collect();
        if !Names::save(&self.desk, context, &more).await? {
            return Err(ToolError::invalid("names", "No more names are kept for one person."));
        }
        let mut text = String::new();
        for saved in &report.saved {
            let _ = writeln!(text, "Saved: {} = {}", saved.name, saved.korean_name);
        }
        for failed in &report.failed {
            let _ = writeln!(text, "Not saved: {}: {}", failed.asked, failed.reason);
        }
        ToolOutput::new(text, &report).map_err(ToolError::internal)
    }
}
