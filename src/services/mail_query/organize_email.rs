//! `organize_email`: marks, flags, categories and folders of many messages.

use super::bulk::{Row, ids, ids_schema, results_schema, told};
use super::{ALIASES, Mail, WRITE_SCOPES, asker, folders, write_fault};
use crate::graph::batch::Part;
use crate::graph::encode::{Target, segment};
use crate::graph::error::GraphError;
use crate::graph::request::Request;
use crate::services::args::typed;
use crate::tools::confirm::{Write, inputs, written_schema};
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

const NAME: &str = "organize_email";
const MAX_CATEGORIES: usize = 25;
const MAX_NAME: usize = 255;

/// The tool.
pub(super) struct OrganizeEmail {
    mail: Arc<Mail>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    ids: Vec<String>,
    mark: Option<String>,
    flag: Option<String>,
    categories: Option<Vec<String>>,
    importance: Option<String>,
    move_to: Option<String>,
    create_folder: bool,
}

/// Where messages go.
enum Place {
    /// A folder's id, and its name.
    Known(String, String),
    /// A folder that has to be made.
    New(String),
}

impl Place {
    fn name(&self) -> &str {
        match self {
            Self::Known(_, name) | Self::New(name) => name,
        }
    }
}

impl OrganizeEmail {
    pub(super) fn new(mail: Arc<Mail>) -> Self {
        let properties = json!({
            "ids": ids_schema(),
            "mark": {"type": "string", "enum": ["read", "unread"], "description": "Read or not"},
            "flag": {"type": "string", "enum": ["flagged", "complete", "none"], "description": "Follow-up flag"},
            "categories": {"type": "array", "items": {"type": "string"}, "maxItems": MAX_CATEGORIES,
                "description": "All categories they have then; [] for none"},
            "importance": {"type": "string", "enum": ["low", "normal", "high"], "description": "New importance"},
            "move_to": {"type": "string", "description": "Folder: name, path or id"},
            "create_folder": {"type": "boolean", "description": "Make that folder if there is none"},
        });
        let spec = ToolSpec {
            name: NAME,
            title: "Organize Email",
            description: "Mark, flag, categorize or move up to 50 messages.",
            input_schema: json!({"type": "object", "properties": inputs(properties, false), "required": ["ids"]}),
            output_schema: written_schema(results_schema()),
            annotations: Annotations::WRITE.idempotent(),
            scopes: WRITE_SCOPES,
            aliases: ALIASES,
        };
        Self { mail, spec }
    }

    async fn place(&self, context: &CallContext, wish: &Wish) -> Result<Option<Place>, ToolError> {
        let Some(name) = wish.move_to.as_deref().map(str::trim) else { return Ok(None) };
        match folders::find(&self.mail.deps.graph, asker(context), name).await {
            Ok(folder) if folder.id == "deleteditems" => {
                let text = "`move_to` does not take messages away: use delete_email, which asks first.";
                Err(ToolError::invalid("move_to", text))
            }
            Ok(folder) => Ok(Some(Place::Known(folder.id, folder.name))),
            Err(error) if error.kind == ToolErrorKind::NotFound && wish.create_folder => {
                if name.contains(char::is_control) || name.chars().count() > MAX_NAME {
                    let text = format!("`move_to` is one line of at most {MAX_NAME} characters.");
                    return Err(ToolError::invalid("move_to", text));
                }
                Ok(Some(Place::New(name.to_owned())))
            }
            Err(error) => Err(error),
        }
    }

    /// `POST /me/mailFolders` (Mail.ReadWrite), below the top; somebody else may have made it meanwhile.
    async fn made(&self, context: &CallContext, name: &str) -> Result<String, ToolError> {
        let body = Bytes::from(json!({ "displayName": name }).to_string());
        let request = Request::write(Method::POST, Target::new("/me/mailFolders"), Some(body));
        match self.mail.deps.graph.send(asker(context), request).await {
            Ok(answer) => {
                let raw: Value = answer.view().map_err(write_fault)?;
                Ok(raw.get("id").and_then(Value::as_str).unwrap_or_default().to_owned())
            }
            Err(GraphError::Refused { code, .. }) if code == "ErrorFolderExists" => {
                Ok(folders::find(&self.mail.deps.graph, asker(context), name).await?.id)
            }
            Err(error) => Err(write_fault(error)),
        }
    }

    /// One step for all of them: `POST /$batch` of at most 20.
    async fn step(
        &self,
        context: &CallContext,
        ids: &[String],
        part: impl Fn(&str) -> Part,
    ) -> Result<Vec<Row>, ToolError> {
        let parts: Vec<Part> = ids.iter().map(|id| part(&format!("/me/messages/{}", segment(id)))).collect();
        let outcomes = self.mail.deps.graph.batch(asker(context), &parts, true).await.map_err(write_fault)?;
        Ok(ids.iter().cloned().zip(outcomes).map(|(id, outcome)| Row::of(id, outcome)).collect())
    }
}

/// The marks as members of a message.
fn marks(wish: &Wish) -> Result<Map<String, Value>, ToolError> {
    let mut patch = Map::new();
    let mut put =
        |name: &str, value: Option<Value>| patch.extend(value.map(|value| (name.to_owned(), value)));
    put("isRead", wish.mark.as_ref().map(|mark| json!(mark == "read")));
    let status = wish.flag.as_deref().map(|flag| if flag == "none" { "notFlagged" } else { flag });
    put("flag", status.map(|status| json!({ "flagStatus": status })));
    put("importance", wish.importance.as_ref().map(|word| json!(word)));
    if let Some(categories) = &wish.categories {
        let odd = |name: &&String| name.contains(char::is_control) || name.chars().count() > MAX_NAME;
        if categories.iter().any(|name| odd(&name)) {
            let text = format!("Each of `categories` is one line of at most {MAX_NAME} characters.");
            return Err(ToolError::invalid("categories", text));
        }
        put("categories", Some(json!(categories)));
    }
    Ok(patch)
}

/// What would happen, in words.
fn said(wish: &Wish, place: Option<&Place>, count: usize) -> String {
    let list =
        wish.categories.as_ref().map(|all| if all.is_empty() { "none".to_owned() } else { all.join(", ") });
    let moved = place.map(|place| match place {
        Place::Known(_, name) => name.clone(),
        Place::New(name) => format!("{name} (a new folder)"),
    });
    let facts = [
        ("Marked", wish.mark.clone()),
        ("Flag", wish.flag.clone()),
        ("Categories", list),
        ("Importance", wish.importance.clone()),
        ("Moved to", moved),
    ];
    let lines: Vec<String> =
        facts.into_iter().filter_map(|(name, value)| Some(format!("\n- {name}: {}", value?))).collect();
    format!("Change {count} messages:{}", lines.concat())
}

#[async_trait]
impl Tool for OrganizeEmail {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, mut args: Args) -> Result<ToolOutput, ToolError> {
        let (context, warnings) = self.mail.enter(context, &self.spec, &mut args).await?;
        let context = &context;
        let wish: Wish = typed(&args)?;
        let ids = ids(&wish.ids)?;
        let patch = marks(&wish)?;
        if patch.is_empty() && wish.move_to.is_none() {
            let text = "Nothing would change: give at least one of `mark`, `flag`, `categories`, `importance`, `move_to`.";
            return Err(ToolError::invalid("mark", text));
        }
        let place = self.place(context, &wish).await?;
        let write = Write {
            service: "mail-query",
            tool: NAME,
            payload: &Value::Null,
            preview: said(&wish, place.as_ref(), ids.len()),
            leaves: false,
            recipients: ("ids", &[]),
        };
        if let Some(answer) = self.mail.deps.writes.hold(context, &args, &write).await? {
            return Ok(answer);
        }
        // Made first: when that fails, nothing was changed.
        let target = match &place {
            Some(Place::New(name)) => Some(self.made(context, name).await?),
            Some(Place::Known(id, _)) => Some(id.clone()),
            None => None,
        };
        let mut rows: Vec<Row> = ids.iter().map(|id| Row::of(id.clone(), Ok(Value::Null))).collect();
        if !patch.is_empty() {
            let patch = Value::from(patch);
            let mark = |path: &str| Part::new(Method::PATCH, Target::new(path), Some(patch.clone()));
            rows = self.step(context, &ids, mark).await?;
        }
        if let Some(target) = target {
            let body = json!({ "destinationId": target });
            let moved =
                |path: &str| Part::new(Method::POST, Target::new(format!("{path}/move")), Some(body.clone()));
            let left: Vec<String> =
                rows.iter().filter(|row| row.is_ok()).map(|row| row.id().to_owned()).collect();
            let mut next = self.step(context, &left, moved).await?.into_iter();
            rows =
                rows.into_iter().map(|row| if row.is_ok() { row.then(next.next()) } else { row }).collect();
        }
        let what = place.map_or_else(|| "Changed".to_owned(), |place| format!("Now in {}", place.name()));
        told(context, &what, rows, warnings)
    }
}
