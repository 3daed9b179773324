//! `teams_get_presence`: who is there now.

use super::chat::Member;
use super::{ALIASES, Desk, asker, fault, listing_schema, person};
use crate::extract::html::mail_html_to_text;
use crate::graph::encode::Target;
use crate::graph::error::GraphError;
use crate::graph::page::{Page, Text};
use crate::graph::request::Request;
use crate::services::answer::{Answer, Applied, line};
use crate::services::args::{OutputFormat, output_format_schema, typed};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;

const NAME: &str = "teams_get_presence";
/// Permission to see one's own presence.
pub(super) const OWN: &str = "Presence.Read";
/// Permission to see everybody's.
pub(super) const ALL: &str = "Presence.Read.All";
/// People of one call: each is looked up by name.
const MAX_PEOPLE: usize = 20;
/// Characters of a note.
const MAX_NOTE: usize = 500;

/// The tool.
pub(super) struct GetPresence {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    people: Vec<String>,
    output_format: OutputFormat,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PresenceView<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    availability: Text<'a>,
    #[serde(borrow)]
    activity: Text<'a>,
    #[serde(borrow)]
    status_message: Option<StatusView<'a>>,
    #[serde(borrow)]
    out_of_office_settings: Option<OutOfOfficeView<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StatusView<'a> {
    #[serde(borrow)]
    message: Option<BodyView<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct BodyView<'a> {
    #[serde(borrow)]
    content: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OutOfOfficeView<'a> {
    is_out_of_office: Option<bool>,
    #[serde(borrow)]
    message: Text<'a>,
}

#[derive(Serialize)]
struct PresenceItem {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    mail: String,
    availability: String,
    activity: String,
    out_of_office: bool,
    /// What the person says to others: the status message, and that of the automatic reply.
    #[serde(skip_serializing_if = "String::is_empty")]
    note: String,
}

impl PresenceItem {
    fn of(view: &PresenceView<'_>, person: Member) -> Self {
        let away = view.out_of_office_settings.as_ref();
        let status = view.status_message.as_ref().and_then(|status| status.message.as_ref());
        let texts = [status.map(|body| &*body.content), away.map(|away| &*away.message)];
        let notes = texts.into_iter().flatten().map(|html| line(&mail_html_to_text(html, MAX_NOTE).text));
        Self {
            id: person.id,
            name: person.name,
            mail: person.mail,
            availability: view.availability.to_string(),
            activity: view.activity.to_string(),
            out_of_office: away.and_then(|away| away.is_out_of_office).unwrap_or_default(),
            note: notes.filter(|note| !note.is_empty()).collect::<Vec<_>>().join(" · "),
        }
    }

    fn print(&self) -> String {
        let activity =
            if self.activity == self.availability { String::new() } else { format!(" ({})", self.activity) };
        let away = if self.out_of_office { " · out of office" } else { "" };
        let mut out = format!("- **{}** {} · {}{activity}{away}\n", self.name, self.mail, self.availability);
        if !self.note.is_empty() {
            let _ = writeln!(out, "  {}", self.note);
        }
        out
    }
}

impl GetPresence {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let spec = ToolSpec {
            name: NAME,
            title: "Get Presence",
            description: "Tell whether people are available, busy or away in Teams, with what they say about it; the user \
                          without people.",
            input_schema: json!({"type": "object", "properties": {
                "people": {"type": "array", "items": {"type": "string"}, "maxItems": 20, "description": "Names or addresses"},
                "output_format": output_format_schema(),
            }}),
            output_schema: listing_schema(&json!({
                "id": {"type": "string"}, "name": {"type": "string"}, "mail": {"type": "string"},
                "availability": {"type": "string"}, "activity": {"type": "string"},
                "out_of_office": {"type": "boolean"}, "note": {"type": "string"},
            })),
            annotations: Annotations::READ_UNTRUSTED,
            scopes: &[OWN],
            aliases: ALIASES,
        };
        Self { desk, spec }
    }

    /// `GET /me/presence` (Presence.Read).
    async fn own(&self, context: &CallContext) -> Result<Vec<PresenceItem>, GraphError> {
        let graph = &self.desk.deps.graph;
        let answer = graph.send(asker(context), Request::teams("/me/presence")).await?;
        let view: PresenceView<'_> = answer.view()?;
        let profile = &graph.access(&context.caller.user).await?.profile;
        let (id, name, mail) = (view.id.to_string(), line(&profile.name), profile.username.clone());
        Ok(vec![PresenceItem::of(&view, Member { id, name, mail })])
    }

    /// `POST /communications/getPresencesByUserId` (Presence.Read.All), which only reads.
    async fn of(&self, context: &CallContext, people: Vec<Member>) -> Result<Vec<PresenceItem>, GraphError> {
        let ids: Vec<&str> = people.iter().map(|one| one.id.as_str()).collect();
        let body = Bytes::from(json!({"ids": ids}).to_string());
        let target = Target::new("/communications/getPresencesByUserId");
        let answer = self.desk.deps.graph.send(asker(context), Request::teams_query(target, body)).await?;
        let page: Page<'_, PresenceView<'_>> = answer.view()?;
        let of = |person: Member| {
            let view = page.value.iter().find(|view| view.id.eq_ignore_ascii_case(&person.id))?;
            Some(PresenceItem::of(view, person))
        };
        Ok(people.into_iter().filter_map(of).collect())
    }
}

#[async_trait]
impl Tool for GetPresence {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        if wish.people.len() > MAX_PEOPLE {
            return Err(ToolError::invalid("people", format!("`people` names at most {MAX_PEOPLE} people.")));
        }
        let items = if wish.people.is_empty() {
            self.own(context).await.map_err(|error| fault(error, &[OWN]))?
        } else {
            context.caller.require(NAME, &[OWN, ALL])?;
            let mut people: Vec<Member> = Vec::new();
            for name in &wish.people {
                let one = person::one(&self.desk, context, "people", name).await?;
                if !people.contains(&one) {
                    people.push(one);
                }
            }
            self.of(context, people).await.map_err(|error| fault(error, &[ALL]))?
        };
        let text: String = items.iter().map(PresenceItem::print).collect();
        let answer = Answer {
            count: items.len(),
            has_more: false,
            next_cursor: None,
            applied: Applied { engine: "presence", scanned: items.len(), ..Applied::default() },
            truncated: false,
            max_chars: self.desk.deps.settings.max_chars,
            items,
            warnings,
        };
        answer.output(text, wish.output_format)
    }
}
