//! `simple_query`: mail by a question in plain words. `query` and `query_with_llm_params` of other servers are the same tool,
//! with what a model took out of the question beside it.

use super::asked::{Asked, asked};
use super::message::Item;
use super::query_email::QueryEmail;
use super::{Mail, SCOPES};
use crate::planner::{self, Area, Background, Intent, Party, Reading, Scope};
use crate::services::answer::{Answer, Applied, output, with_notes};
use crate::services::args::{OutputFormat, output_format_schema, typed};
use crate::services::time::instant;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::schema::prepare;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

pub(super) const NAME: &str = "simple_query";
/// Longest question, in characters.
pub(super) const MAX_QUERY: usize = 2_000;
/// Most messages that are counted.
const COUNTED: usize = 2_000;
/// Messages shown beside an analysis unless a number is asked for.
const SHOWN: usize = 10;
/// Groups told of an analysis.
const GROUPS: usize = 50;

/// The tool.
pub(super) struct SimpleQuery {
    mail: Arc<Mail>,
    email: Arc<QueryEmail>,
    spec: ToolSpec,
    /// With the arguments that are accepted without being listed.
    full: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    query: String,
    limit: Option<usize>,
    cursor: Option<String>,
    output_format: OutputFormat,
    extracted_period: Option<Ends>,
    extracted_keywords: Vec<String>,
    extracted_organization: Option<String>,
    query_scope: Option<String>,
    intent: Option<String>,
}

/// Ends of a period; either may be missing.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Ends {
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<String>,
}

/// What was understood; members that say nothing are left out.
#[derive(Serialize)]
struct Understood {
    /// In the language of the question.
    summary: String,
    intent: &'static str,
    scope: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<Ends>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keywords: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    from: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    to: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    with: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    organizations: Vec<String>,
    /// Words of the question that were not used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unused: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    time_zone: String,
}

/// A listing, and how it came about.
#[derive(Serialize)]
struct Listed {
    understood: Understood,
    graph_query: String,
    #[serde(flatten)]
    answer: Answer<Item>,
}

#[derive(Serialize)]
struct Group {
    name: String,
    count: usize,
}

/// Numbers.
#[derive(Serialize)]
struct Counted {
    understood: Understood,
    graph_query: String,
    count: usize,
    /// There are more than were counted.
    has_more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Groups>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    items: Vec<Item>,
    applied: Applied,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Groups {
    by_sender: Vec<Group>,
    by_day: Vec<Group>,
    unread: usize,
    with_attachments: usize,
}

fn listed_schema() -> Value {
    json!({
        "query": {"type": "string", "description": "In Korean or English: words, people, codes like KR, period, marks"},
        "limit": {"type": "integer", "minimum": 1, "maximum": 200, "description": "25 unless given"},
        "cursor": {"type": "string", "description": "next_cursor of the answer before"},
    })
}

fn full_schema() -> Value {
    let text = json!({"type": "string"});
    let mut all = listed_schema();
    if let Some(all) = all.as_object_mut() {
        all.extend([
            ("output_format".to_owned(), output_format_schema()),
            (
                "extracted_period".to_owned(),
                json!({"type": "object", "properties": {"start": text, "end": text}}),
            ),
            ("extracted_keywords".to_owned(), json!({"type": "array", "items": text, "maxItems": 20})),
            ("extracted_organization".to_owned(), text),
            ("query_scope".to_owned(), json!({"type": "string", "enum": ["all", "one", "more"]})),
            ("intent".to_owned(), json!({"type": "string", "enum": ["search", "list", "analyze", "count"]})),
        ]);
    }
    all
}

impl SimpleQuery {
    pub(super) fn new(mail: Arc<Mail>, email: Arc<QueryEmail>) -> Self {
        let spec = ToolSpec {
            name: NAME,
            title: "Ask for Mail",
            description: "Search, count or group mail by a question in plain words, and tell how it was understood.",
            input_schema: json!({"type": "object", "properties": listed_schema(), "required": ["query"]}),
            output_schema: json!({"type": "object", "properties": {
                "understood": {"type": "object"}, "graph_query": {"type": "string"}, "count": {"type": "integer"},
                "items": {"type": "array", "items": {"type": "object"}}, "groups": {"type": "object"},
            }, "required": ["understood", "graph_query", "count"]}),
            annotations: Annotations::READ_UNTRUSTED,
            scopes: SCOPES,
            aliases: &[
                ("user_id", "user_id"),
                ("mailbox", "mailbox"),
                ("question", "query"),
                ("output_format", "output_format"),
                ("extracted_period", "extracted_period"),
                ("extracted_keywords", "extracted_keywords"),
                ("extracted_organization", "extracted_organization"),
                ("query_scope", "query_scope"),
                ("intent", "intent"),
            ],
        };
        let input_schema = json!({"type": "object", "properties": full_schema(), "required": ["query"]});
        let full = ToolSpec { input_schema, ..spec.clone() };
        Self { mail, email, spec, full }
    }

    /// The question as it is read here: whatever it names, mail is meant.
    fn reading(&self, wish: &Wish, zone: Tz) -> Result<Reading, ToolError> {
        let organizations = &self.mail.deps.settings.organizations;
        let now = instant(self.mail.deps.clock.now());
        let background = Background { now, zone, organizations, home: Some(Area::Mail), only_home: true };
        let mut reading = planner::read(&wish.query, background);
        if reading.change {
            let text = "`query` asks for a change; this tool only reads. Use create_email_draft, organize_email and the \
                        other tools that write.";
            return Err(ToolError::invalid("query", text));
        }
        let is_extracted = wish.extracted_period.is_some()
            || !wish.extracted_keywords.is_empty()
            || wish.extracted_organization.is_some();
        if !is_extracted && wish.cursor.is_none() && !reading.is_specific() {
            let text = "`query` does not say which mail is meant: name words, people, a period, or marks such as unread.";
            return Err(ToolError::invalid("query", text));
        }
        reading.area = Some(Area::Mail);
        let keywords: Vec<String> = wish
            .extracted_keywords
            .iter()
            .map(|word| word.trim().to_owned())
            .filter(|word| !word.is_empty())
            .collect();
        if !keywords.is_empty() {
            (reading.words, reading.unused) = (keywords, Vec::new());
        }
        if let Some(name) =
            wish.extracted_organization.as_deref().map(str::trim).filter(|name| !name.is_empty())
        {
            let party = organizations.find(name).map_or_else(
                || Party::Name(name.to_owned()),
                |known| Party::Organization(known.code.clone()),
            );
            if !reading.people().any(|known| *known == party) {
                reading.words.retain(|word| !word.eq_ignore_ascii_case(name));
                reading.with.push(party);
            }
        }
        match wish.query_scope.as_deref() {
            Some("one") => (reading.scope, reading.outermost) = (Scope::One, true),
            Some("more") => (reading.scope, reading.outermost) = (Scope::More, false),
            Some(_) => (reading.scope, reading.outermost) = (Scope::All, false),
            None => {}
        }
        match wish.intent.as_deref() {
            Some("search") => reading.intent = Intent::Search,
            Some("list") => reading.intent = Intent::List,
            Some("analyze") => reading.intent = Intent::Analyze,
            Some("count") => reading.intent = Intent::Count,
            Some(_) | None => {}
        }
        reading.limit = wish.limit.or(reading.limit);
        Ok(reading)
    }

    async fn counted(
        &self,
        context: &CallContext,
        mut args: Args,
        reading: &Reading,
        understood: Understood,
        warnings: Vec<String>,
    ) -> Result<Counted, ToolError> {
        args.remove("limit");
        let census = self.email.census(context, &args, COUNTED, warnings).await?;
        let is_analysis = reading.intent == Intent::Analyze;
        let groups = is_analysis.then(|| Groups::of(&census.items));
        let shown = if is_analysis { reading.limit.unwrap_or(SHOWN).min(census.items.len()) } else { 0 };
        Ok(Counted {
            understood,
            graph_query: census.applied.query.clone(),
            count: census.items.len(),
            has_more: census.has_more,
            groups,
            items: census.items.into_iter().take(shown).collect(),
            applied: census.applied,
            warnings: census.warnings,
        })
    }
}

impl Groups {
    fn of(items: &[Item]) -> Self {
        let (mut senders, mut days) = (BTreeMap::<String, usize>::new(), BTreeMap::<String, usize>::new());
        for item in items {
            *senders.entry(item.from.clone()).or_default() += 1;
            *days.entry(item.received_local.get(..10).unwrap_or_default().to_owned()).or_default() += 1;
        }
        let groups = |counts: BTreeMap<String, usize>| -> Vec<Group> {
            counts.into_iter().map(|(name, count)| Group { name, count }).collect()
        };
        let mut by_sender = groups(senders);
        by_sender.sort_by_key(|group| std::cmp::Reverse(group.count));
        by_sender.truncate(GROUPS);
        let mut by_day = groups(days);
        by_day.reverse();
        by_day.truncate(GROUPS);
        Self {
            by_sender,
            by_day,
            unread: items.iter().filter(|item| item.unread).count(),
            with_attachments: items.iter().filter(|item| item.has_attachments).count(),
        }
    }
}

impl Understood {
    fn new(reading: &Reading, asked: &Asked, zone: Tz) -> Self {
        let text = |name: &str| asked.args.get(name).and_then(Value::as_str).map(str::to_owned);
        let ends = Ends { start: text("start_date"), end: text("end_date") };
        let texts = |parties: &[Party]| parties.iter().map(|party| party.text().to_owned()).collect();
        let is_organization = |party: &&Party| matches!(party, Party::Organization(_));
        Self {
            summary: planner::explain(reading),
            intent: match reading.intent {
                Intent::Search => "search",
                Intent::List => "list",
                Intent::Analyze => "analyze",
                Intent::Count => "count",
            },
            scope: match reading.scope {
                Scope::All => "all",
                Scope::One => "one",
                Scope::More => "more",
            },
            period: (ends.start.is_some() || ends.end.is_some()).then_some(ends),
            keywords: reading.words.clone(),
            subject: reading.subject.clone(),
            from: texts(&reading.from),
            to: texts(&reading.to),
            with: texts(&reading.with),
            organizations: reading
                .people()
                .filter(is_organization)
                .map(|party| party.text().to_owned())
                .collect(),
            unused: reading.unused.clone(),
            notes: asked.notes.clone(),
            time_zone: zone.name().to_owned(),
        }
    }

    fn print(&self, graph_query: &str) -> String {
        let mut text = self.summary.clone();
        for note in &self.notes {
            let _ = write!(text, " {note}");
        }
        let _ = writeln!(text, "\nAsked of Microsoft Graph: {graph_query}\n");
        text
    }
}

impl Counted {
    fn print(&self) -> String {
        let mut text = self.understood.print(&self.graph_query);
        let least = if self.has_more { "At least " } else { "" };
        let noun = if self.count == 1 { "message" } else { "messages" };
        let _ = writeln!(text, "{least}{} {noun}", self.count);
        if let Some(groups) = &self.groups {
            let _ = writeln!(text, "{} unread, {} with attachments", groups.unread, groups.with_attachments);
            for (title, groups) in [("By sender", &groups.by_sender), ("By day", &groups.by_day)] {
                let _ = writeln!(text, "\n{title}:");
                for group in groups {
                    let _ = writeln!(text, "- {}: {}", group.name, group.count);
                }
            }
        }
        if !self.items.is_empty() {
            text.push('\n');
        }
        for (number, item) in self.items.iter().enumerate() {
            item.print(number + 1, &mut text);
        }
        with_notes(text, &self.warnings, None)
    }
}

#[async_trait]
impl Tool for SimpleQuery {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn other_names(&self) -> &'static [&'static str] {
        &["query", "query_with_llm_params"]
    }

    async fn call(&self, context: &CallContext, mut args: Args) -> Result<ToolOutput, ToolError> {
        let (context, warnings) = self.mail.enter(context, &self.spec, &mut args).await?;
        let context = &context;
        let wish: Wish = typed(&prepare(&self.full, Value::Object(args))?.args)?;
        if wish.query.chars().count() > MAX_QUERY {
            let text = format!("`query` has more than {MAX_QUERY} characters: a sentence is enough.");
            return Err(ToolError::invalid("query", text));
        }
        let zone = self.mail.zones.of(&self.mail.deps, context).await;
        let reading = self.reading(&wish, zone)?;
        let now = instant(self.mail.deps.clock.now());
        let mut asked = asked(&reading, &self.mail.deps.settings.organizations, now, zone);
        if let Some(ends) = &wish.extracted_period {
            for (name, end) in [("start_date", &ends.start), ("end_date", &ends.end)] {
                if let Some(end) = end {
                    asked.args.insert(name.to_owned(), json!(end));
                }
            }
        }
        let understood = Understood::new(&reading, &asked, zone);
        if wish.cursor.is_none() && matches!(reading.intent, Intent::Count | Intent::Analyze) {
            let counted = self.counted(context, asked.args, &reading, understood, warnings).await?;
            return output(|| counted.print(), &counted, wish.output_format);
        }
        if let Some(cursor) = &wish.cursor {
            asked.args.insert("cursor".to_owned(), json!(cursor));
        }
        let (text, answer) = Box::pin(self.email.answer(context, &asked.args, warnings)).await?;
        let graph_query = answer.applied.query.clone();
        let text = with_notes(
            format!("{}{text}", understood.print(&graph_query)),
            &answer.warnings,
            answer.next_cursor.as_deref(),
        );
        output(|| text, &Listed { understood, graph_query, answer }, wish.output_format)
    }
}
