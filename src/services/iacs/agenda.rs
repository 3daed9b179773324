//! What a chair sent and what members answered: `search_agenda` and `search_responses`.

use super::{ALIASES, Desk, Found, Hit, SCOPES, hit_schema, panels};
use crate::services::answer::{output, with_notes};
use crate::services::args::{OutputFormat, typed};
use crate::services::people::{addresses, people_schema};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// Messages of one search.
const LIMIT: usize = 200;
const AGENDA_DAYS: u32 = 90;
const RESPONSE_DAYS: u32 = 365;
/// Shorter codes are parts of many words.
const MIN_CODE: usize = 7;

fn period(start: Option<&str>, end: Option<&str>, days: u32) -> Value {
    match start {
        Some(start) => json!({"start_date": start, "end_date": end, "limit": LIMIT}),
        None => json!({"days_back": days, "end_date": end, "limit": LIMIT}),
    }
}

fn with(mut wish: Value, name: &str, value: Value) -> Value {
    if let Value::Object(members) = &mut wish {
        members.retain(|_, value| !value.is_null());
        members.insert(name.to_owned(), value);
    }
    wish
}

/// `search_agenda`.
pub(super) struct SearchAgenda {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AgendaWish {
    panel_name: Option<String>,
    start_date: Option<String>,
    end_date: Option<String>,
    agenda_code: Option<String>,
}

impl SearchAgenda {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = |what: &str| json!({"type": "string", "description": what});
        let spec = ToolSpec {
            name: "search_agenda",
            title: "Search Agendas",
            description: "Find what the chairs of a panel sent, newest first.",
            input_schema: json!({"type": "object", "properties": {
                "panel_name": text("The panel; the usual one unless given"),
                "start_date": text("First day, e.g. 2026-03-31; 90 days ago unless given"),
                "end_date": text("Last day, included; today unless given"),
                "agenda_code": text("Part of the subject, e.g. PL25016"),
            }}),
            output_schema: json!({"type": "object", "properties": {
                "panel_name": {"type": "string"}, "chairs": {"type": "array", "items": {"type": "string"}},
                "members": {"type": "array", "items": {"type": "string"}},
                "items": {"type": "array", "items": hit_schema()}, "count": {"type": "integer"},
                "has_more": {"type": "boolean"}, "warnings": {"type": "array", "items": {"type": "string"}},
            }, "required": ["panel_name", "items", "count"]}),
            annotations: Annotations::READ_UNTRUSTED,
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }
}

#[async_trait]
impl Tool for SearchAgenda {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let mut warnings = self.desk.notes(context, &args).await?;
        let wish: AgendaWish = typed(&args)?;
        let known = panels::of(&self.desk, context).await?;
        let (panel, chairs) = known.chosen(wish.panel_name.as_deref())?;
        let mut base = period(wish.start_date.as_deref(), wish.end_date.as_deref(), AGENDA_DAYS);
        if let Some(code) = wish.agenda_code.as_deref().map(str::trim).filter(|code| !code.is_empty()) {
            base = with(base, "subject_contains", json!(code));
        }
        let (mut items, mut has_more) = (Vec::new(), false);
        for chair in &chairs {
            let asked = with(base.clone(), "sender_address", json!(chair.chair));
            let found = self.desk.find(context, &asked).await?;
            has_more |= found.has_more;
            warnings.extend(found.warnings);
            // A part of another address would fit the search as well.
            items.extend(found.items.into_iter().filter(|hit| hit.address() == chair.chair));
        }
        items.sort_by(|a: &Hit, b: &Hit| b.received_local.cmp(&a.received_local));
        warnings.dedup();
        let mut text = format!("{} agendas of {panel}\n", items.len());
        for hit in &items {
            text.push_str(&hit.line());
        }
        let structured = json!({
            "panel_name": panel,
            "chairs": chairs.iter().map(|chair| &chair.chair).collect::<Vec<_>>(),
            "members": chairs.iter().map(|chair| &chair.member).collect::<Vec<_>>(),
            "count": items.len(),
            "has_more": has_more,
            "items": items.iter().map(Hit::json).collect::<Vec<_>>(),
            "warnings": warnings,
        });
        output(|| with_notes(text, &warnings, None), &structured, OutputFormat::Text)
    }
}

/// `search_responses`.
pub(super) struct SearchResponses {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ResponseWish {
    agenda_code: String,
    panel_name: Option<String>,
    send_address: Vec<String>,
}

impl SearchResponses {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let spec = ToolSpec {
            name: "search_responses",
            title: "Search Responses",
            description: "Find who answered an agenda within the last year, by the code in the subject, and who of the \
                          named people did not.",
            input_schema: json!({"type": "object", "properties": {
                "agenda_code": {"type": "string", "description": "Code of the agenda, 7 characters or more"},
                "panel_name": {"type": "string", "description": "Leave its chairs out of the answers"},
                "send_address": people_schema("Whose answers are awaited; everybody's unless given"),
            }, "required": ["agenda_code"]}),
            output_schema: json!({"type": "object", "properties": {
                "responses": {"type": "array", "items": {"type": "object", "properties": {
                    "sender": {"type": "string"}, "count": {"type": "integer"}, "latest": hit_schema(),
                }}},
                "missing": {"type": "array", "items": {"type": "string"}}, "has_more": {"type": "boolean"},
                "warnings": {"type": "array", "items": {"type": "string"}},
            }, "required": ["responses", "missing"]}),
            annotations: Annotations::READ_UNTRUSTED,
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }
}

#[async_trait]
impl Tool for SearchResponses {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let mut warnings = self.desk.notes(context, &args).await?;
        let wish: ResponseWish = typed(&args)?;
        let code = wish.agenda_code.trim();
        if code.chars().count() < MIN_CODE {
            let text = format!("`agenda_code` needs {MIN_CODE} characters or more, such as PL25016.");
            return Err(ToolError::invalid("agenda_code", text));
        }
        let awaited: Vec<String> =
            addresses("send_address", &wish.send_address)?.iter().map(|one| one.to_lowercase()).collect();
        let chairs: Vec<String> = match wish.panel_name.as_deref() {
            Some(name) => {
                let known = panels::of(&self.desk, context).await?;
                known.chosen(Some(name))?.1.iter().map(|chair| chair.chair.clone()).collect()
            }
            None => Vec::new(),
        };
        let asked = with(period(None, None, RESPONSE_DAYS), "subject_contains", json!(code));
        let Found { items, has_more, warnings: told } = self.desk.find(context, &asked).await?;
        warnings.extend(told);
        let mut senders: BTreeMap<String, Vec<Hit>> = BTreeMap::new();
        for hit in items {
            let sender = hit.address();
            let is_wanted = awaited.is_empty() || awaited.contains(&sender);
            if is_wanted && !chairs.contains(&sender) {
                senders.entry(sender).or_default().push(hit);
            }
        }
        let missing: Vec<&String> = awaited.iter().filter(|one| !senders.contains_key(*one)).collect();
        let mut text = format!("{} people wrote under {code}\n", senders.len());
        let mut responses = Vec::new();
        for (sender, mut hits) in senders {
            hits.sort_by(|a, b| b.received_local.cmp(&a.received_local));
            let Some(latest) = hits.first() else { continue };
            text.push_str(&latest.line());
            responses.push(json!({"sender": sender, "count": hits.len(), "latest": latest.json()}));
        }
        for one in &missing {
            let _ = writeln!(text, "- missing: {one}");
        }
        let structured =
            json!({"responses": responses, "missing": missing, "has_more": has_more, "warnings": warnings});
        output(|| with_notes(text, &warnings, None), &structured, OutputFormat::Text)
    }
}
