//! `query_email`: search the signed-in user's mail.

use super::args::{Filters, Order, Shape};
use super::body::{self, BodyStyle};
use super::listing::{Found, Listing, Position, Run};
use super::message::message_schema;
use super::message::{Frame, Item};
use super::plan::{Engine, Folder, Plan, plan};
use super::window::{Period, Window};
use super::{Mail, SCOPES, asker, fault, folders};
use crate::graph::error::{Fault, GraphError};
use crate::services::answer::{Answer, Applied, Bounds, listing_schema};
use crate::services::args::{is_set, max_chars_schema, output_format_schema, typed};
use crate::services::mailbox::mailbox_schema;
use crate::services::time::{instant, local_text};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

pub(super) const NAME: &str = "query_email";
const DEFAULT_LIMIT: usize = 25;
const MAX_LIMIT: usize = 200;

/// The tool.
pub(super) struct QueryEmail {
    pub(super) mail: Arc<Mail>,
    spec: ToolSpec,
}

/// What a cursor stands for.
#[derive(Serialize, Deserialize)]
struct Saved {
    filters: Filters,
    window: Window,
    folder: Option<Folder>,
    bodies: bool,
    format: super::args::BodyFormat,
    limit: usize,
    remaining: Option<usize>,
    mode: Mode,
    at: Position,
}

/// Whether the plan had to be changed after Graph answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Mode {
    Planned,
    /// Filters are applied here, since Exchange refused them.
    Relaxed,
    /// The search found nothing, the pass over the window runs too.
    Scanned,
}

impl Saved {
    fn plan(&self, blocked: &[String], bodies: bool) -> Result<Plan, ToolError> {
        let plan = plan(&self.filters, self.window, self.folder.clone(), blocked, bodies)?;
        Ok(match self.mode {
            Mode::Planned => plan,
            Mode::Relaxed => plan.relaxed(&self.filters, blocked),
            Mode::Scanned => plan.with_scan(&self.filters),
        })
    }
}

/// Ids of what a cursor stands for, at most `most`, and whether there are more.
pub(super) async fn rest(
    mail: &Mail,
    context: &CallContext,
    cursor: &str,
    most: usize,
) -> Result<(Vec<String>, bool), ToolError> {
    let saved: Saved = mail.deps.cursors.load(context, NAME, cursor).await?;
    // Plain ids: they are asked for here.
    let frame = Frame { mailbox: None, ..mail.frame(context).await? };
    let run = Run {
        graph: &mail.deps.graph,
        asker: asker(context),
        plan: &saved.plan(&mail.deps.settings.blocked_senders, false)?,
        frame: &frame,
        now: instant(mail.deps.clock.now()),
    };
    let most = most.min(saved.remaining.unwrap_or(usize::MAX));
    let (mut ids, mut next) = (Vec::new(), Some(saved.at));
    while let Some(at) = next.take() {
        if ids.len() >= most {
            return Ok((ids, saved.remaining != Some(most)));
        }
        let listing = run.read(at, (most - ids.len()).min(MAX_LIMIT)).await.map_err(fault)?;
        ids.extend(listing.found.into_iter().map(|found| found.item.id));
        next = listing.next;
    }
    Ok((ids, false))
}

/// A query ready to run.
pub(super) struct Query {
    filters: Filters,
    pub(super) plan: Plan,
    format: super::args::BodyFormat,
    pub(super) limit: usize,
    remaining: Option<usize>,
    mode: Mode,
    at: Option<Position>,
}

impl QueryEmail {
    pub(super) fn new(mail: Arc<Mail>) -> Self {
        Self { mail, spec: spec() }
    }

    pub(super) async fn prepare(
        &self,
        context: &CallContext,
        args: &Args,
        shape: &Shape,
        frame: &Frame,
    ) -> Result<Query, ToolError> {
        let blocked = &self.mail.deps.settings.blocked_senders;
        if let Some(cursor) = &shape.cursor {
            let saved: Saved = self.mail.deps.cursors.load(context, NAME, cursor).await?;
            let plan = saved.plan(blocked, saved.bodies)?;
            return Ok(Query {
                plan,
                filters: saved.filters,
                format: saved.format,
                limit: shape.limit.unwrap_or(saved.limit),
                remaining: saved.remaining,
                mode: saved.mode,
                at: Some(saved.at),
            });
        }
        let filters: Filters = typed(args)?;
        if filters.order == Order::Relevance && context.mailbox.is_some() {
            let text = "`order: relevance` ranks one's own mail only: leave it out for a shared mailbox.";
            return Err(ToolError::invalid("order", text));
        }
        let period = Period {
            start_date: filters.start_date.as_deref(),
            end_date: filters.end_date.as_deref(),
            days_back: filters.days_back,
        };
        let window = period.window(frame.zone, instant(self.mail.deps.clock.now()))?;
        // The plan is checked before a folder's name costs a call.
        let draft = plan(&filters, window, None, blocked, shape.bodies())?;
        let plan = match filters.folder.as_deref() {
            None => draft,
            Some(name) => {
                let folder = folders::find(&self.mail.deps.graph, asker(context), name).await?;
                plan(&filters, window, Some(folder), blocked, shape.bodies())?
            }
        };
        let limit = shape.limit.or(shape.max_mails).unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
        Ok(Query {
            filters,
            plan,
            format: shape.body_format,
            limit,
            remaining: shape.max_mails,
            mode: Mode::Planned,
            at: None,
        })
    }

    /// Runs the query, and once more in another way where the first one cannot serve.
    pub(super) async fn answered(
        &self,
        context: &CallContext,
        mut query: Query,
        frame: &Frame,
        warnings: &mut Vec<String>,
    ) -> Result<(Query, Listing), ToolError> {
        let first = self.run(context, &query, frame).await;
        let (mode, warning) = match &first {
            Err(GraphError::Refused { fault: Fault::InternalQuery, code, .. })
                if query.plan.engine == Engine::Filter =>
            {
                tracing::error!(code, query = query.plan.filter_shape(), "graph refused a planned filter");
                (Mode::Relaxed, "Microsoft 365 refused this combination of filters: applied after fetch.")
            }
            Ok(listing) if listing.found.is_empty() && listing.next.is_none() && query.plan.worth_a_scan => (
                Mode::Scanned,
                "The search found nothing: mail of the period was also checked here by subject, sender and preview.",
            ),
            Ok(_) | Err(_) => (Mode::Planned, ""),
        };
        if mode == Mode::Planned || query.mode != Mode::Planned || query.at.is_some() {
            return Ok((query, first.map_err(fault)?));
        }
        warnings.push(warning.to_owned());
        query.plan = match mode {
            Mode::Relaxed => query.plan.relaxed(&query.filters, &self.mail.deps.settings.blocked_senders),
            Mode::Planned | Mode::Scanned => query.plan.with_scan(&query.filters),
        };
        query.mode = mode;
        let listing = self.run(context, &query, frame).await.map_err(fault)?;
        Ok((query, listing))
    }

    async fn run(&self, context: &CallContext, query: &Query, frame: &Frame) -> Result<Listing, GraphError> {
        let run = Run {
            graph: &self.mail.deps.graph,
            asker: asker(context),
            plan: &query.plan,
            frame,
            now: instant(self.mail.deps.clock.now()),
        };
        let want = query.limit.min(query.remaining.unwrap_or(usize::MAX)).max(1);
        let start = query.at.clone().unwrap_or_else(|| run.first(want));
        run.read(start, want).await
    }

    /// Cuts the answer to its budget and keeps a cursor for the rest.
    async fn finish(
        &self,
        context: &CallContext,
        query: Query,
        listing: Listing,
        extra: Extra<'_>,
    ) -> Result<(String, Answer<Item>), ToolError> {
        let Extra { shape, frame, mut warnings } = extra;
        let max_chars = self.budget(shape);
        let Listing { found, mut next, scanned, total, warnings: more } = listing;
        warnings.extend(more);
        let style =
            BodyStyle { format: query.format, max_chars: body_share(max_chars, found.len()), fold: false };
        let (items, positions): (Vec<_>, Vec<_>) =
            found.into_iter().map(|Found { item, at }| (item, at)).unzip();
        let mut items = body::render(items, style).await?;
        let (listed, kept) = printed(&items, max_chars);
        let truncated = kept < items.len();
        if truncated {
            next = positions.get(kept).cloned();
            items.truncate(kept);
        }
        let remaining = query.remaining.map(|left| left.saturating_sub(items.len()));
        let has_more = next.is_some();
        let cursor = match next.filter(|_| remaining != Some(0)) {
            Some(at) => Some(self.save(context, &query, remaining, at).await?),
            None => None,
        };
        if has_more && cursor.is_none() {
            warnings.push("More mail matches; raise `max_mails` to see it.".to_owned());
        }
        let text = format!("{}\n\n{listed}", headline(&items, &query.plan, frame));
        let answer = Answer {
            count: items.len(),
            items,
            has_more,
            next_cursor: cursor,
            applied: applied(&query.plan, frame, scanned, total),
            truncated,
            max_chars,
            warnings,
        };
        Ok((text, answer))
    }

    /// The page that the arguments ask for, and its text.
    pub(super) async fn answer(
        &self,
        context: &CallContext,
        args: &Args,
        mut warnings: Vec<String>,
    ) -> Result<(String, Answer<Item>), ToolError> {
        let shape: Shape = typed(args)?;
        let mut frame = self.mail.frame(context).await?;
        let query = self.prepare(context, args, &shape, &frame).await?;
        frame.folder = query.plan.folder.as_ref().map(|folder| folder.name.clone());
        warnings.extend(scan_note(&query));
        let (query, listing) = self.answered(context, query, &frame, &mut warnings).await?;
        Box::pin(self.finish(context, query, listing, Extra { shape: &shape, frame: &frame, warnings })).await
    }

    async fn save(
        &self,
        context: &CallContext,
        query: &Query,
        remaining: Option<usize>,
        at: Position,
    ) -> Result<String, ToolError> {
        let saved = Saved {
            filters: query.filters.clone(),
            window: query.plan.window,
            folder: query.filters.folder.as_ref().and(query.plan.folder.clone()),
            bodies: query.plan.bodies,
            format: query.format,
            limit: query.limit,
            remaining,
            mode: query.mode,
            at,
        };
        self.mail.deps.cursors.save(context, NAME, &saved).await
    }

    fn budget(&self, shape: &Shape) -> usize {
        shape.max_chars.unwrap_or(self.mail.deps.settings.max_chars)
    }
}

/// A warning where mail is looked through here as well.
pub(super) fn scan_note(query: &Query) -> Option<String> {
    let text = "Short Korean words hide behind particles: mail of the period was also checked here by subject, sender and \
                preview.";
    query.plan.scan.is_some().then(|| text.to_owned())
}

/// What an answer needs beside the listing.
struct Extra<'a> {
    shape: &'a Shape,
    frame: &'a Frame,
    warnings: Vec<String>,
}

#[async_trait]
impl Tool for QueryEmail {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn other_names(&self) -> &'static [&'static str] {
        &["search_messages"]
    }

    async fn call(&self, context: &CallContext, mut args: Args) -> Result<ToolOutput, ToolError> {
        let (context, mut warnings) = self.mail.enter(context, &self.spec, &mut args).await?;
        let context = &context;
        warnings.extend(advice(&args));
        let shape: Shape = typed(&args)?;
        let (text, answer) = Box::pin(self.answer(context, &args, warnings)).await?;
        answer.output(text, shape.output_format)
    }
}

/// Old arguments that this server answers in another way.
fn advice(args: &Args) -> Vec<String> {
    let mut out = Vec::new();
    if is_set(args, "download_attachments") {
        out.push(
            "`download_attachments` is not done in a search: read files with `get_attachment`, find them with \
             `attachmentManager`."
                .to_owned(),
        );
    }
    if is_set(args, "save_csv") || is_set(args, "save_emails") {
        out.push(
            "Nothing is saved by a search: `export_email` saves messages, where this server writes; the result holds the \
             mail (`output_format: json`)."
                .to_owned(),
        );
    }
    out
}

/// Characters for one body, so that a page of them fits.
fn body_share(max_chars: usize, count: usize) -> usize {
    (max_chars / count.clamp(1, 8)).clamp(400, 8000)
}

/// Items as text within the budget, at least one; and how many fitted.
fn printed(items: &[Item], max_chars: usize) -> (String, usize) {
    let (mut text, mut used) = (String::new(), 0);
    for (index, item) in items.iter().enumerate() {
        let begin = text.len();
        item.print(index + 1, &mut text);
        used += text.get(begin..).map_or(0, |entry| entry.chars().count());
        if used > max_chars && index > 0 {
            text.truncate(begin);
            return (text, index);
        }
    }
    (text, items.len())
}

fn headline(items: &[Item], plan: &Plan, frame: &Frame) -> String {
    let start = local_text(plan.window.start, frame.zone);
    let end = plan.window.end.map_or_else(|| "now".to_owned(), |end| local_text(end, frame.zone));
    let place = frame.folder.as_deref().map(|name| format!(" in {name}")).unwrap_or_default();
    let place =
        frame.mailbox.as_ref().map_or_else(|| place.clone(), |mailbox| format!("{place} of {mailbox}"));
    if items.is_empty() {
        return format!(
            "No mail matches{place} between {start} and {end}. Widen the period, drop a word or a filter, or check \
             the spelling of an address."
        );
    }
    let noun = if items.len() == 1 { "message" } else { "messages" };
    format!("{} {noun}{place} between {start} and {end} ({})", items.len(), frame.zone.name())
}

pub(super) fn applied(plan: &Plan, frame: &Frame, scanned: usize, total: Option<u64>) -> Applied {
    let (engine, query) = match plan.engine {
        Engine::Filter => ("filter", plan.filter_text(&plan.window)),
        Engine::Search => ("search", plan.kql(&plan.window)),
        Engine::GraphSearch => ("graph_search", plan.kql(&plan.window)),
    };
    Applied {
        engine,
        window: Some(Bounds {
            start: local_text(plan.window.start, frame.zone),
            end: plan.window.end.map(|end| local_text(end, frame.zone)),
        }),
        mailbox: frame.mailbox.as_ref().map(ToString::to_string),
        folder: frame.folder.clone(),
        query,
        post_filters: plan.scan.as_ref().unwrap_or(&plan.post).names(),
        scanned,
        total_known: total,
        time_zone: frame.zone.name().to_owned(),
    }
}

fn spec() -> ToolSpec {
    let words = |text: &str| json!({"type": "array", "items": {"type": "string"}, "description": text, "maxItems": 20});
    let bare = json!({"type": "array", "items": {"type": "string"}, "maxItems": 20});
    ToolSpec {
        name: NAME,
        title: "Query Email",
        description: "Search Outlook mail by period, people, words, folder and marks; without dates the last 30 days. Ids \
                      are for get_email and get_attachment, thread ids for get_email_thread. Details: \
                      query_email_help.",
        input_schema: json!({"type": "object", "properties": {
            "start_date": {"type": "string", "description": "First day, e.g. 2026-03-01"},
            "end_date": {"type": "string", "description": "Last day, included"},
            "days_back": {"type": "integer", "minimum": 0, "maximum": 3650, "description": "Days back when no dates are given; 30 unless given"},
            "sender_address": {"type": "string", "description": "From this address, or part of a name or domain; not with recipient_address or conversation_with"},
            "recipient_address": {"type": "string", "description": "Sent to this address or name"},
            "conversation_with": words("Mail from or to any of these people"),
            "subject_contains": {"type": "string", "description": "Part of the subject"},
            "keyword": {"type": "string", "description": "Word or phrase in subject, body or sender"},
            "keyword_filter": {"type": "object", "description": "All of, any of, none of", "properties": {
                "and_keywords": bare, "or_keywords": bare, "not_keywords": bare,
            }},
            "mailbox": mailbox_schema(),
            "folder": {"type": "string", "description": "inbox, sent, drafts, deleted, junk, archive, a name or an id; all unless given"},
            "unread_only": {"type": "boolean", "description": "Only unread mail"},
            "has_attachments": {"type": "boolean", "description": "Only with (true) or without (false)"},
            "importance": {"type": "string", "enum": ["low", "normal", "high"], "description": "Only of this"},
            "include_body": {"type": "boolean", "description": "Whole bodies instead of previews"},
            "body_format": {"type": "string", "enum": ["markdown", "text", "html", "none"], "description": "markdown unless given"},
            "order": {"type": "string", "enum": ["newest", "oldest", "relevance"], "description": "newest unless given; relevance ranks and tells the total"},
            "max_mails": {"type": "integer", "minimum": 1, "maximum": 1000, "description": "Most messages in all"},
            "limit": {"type": "integer", "minimum": 1, "maximum": 200, "description": "Per page; 25 unless given"},
            "cursor": {"type": "string", "description": "next_cursor of the answer before"},
            "max_chars": max_chars_schema("text"),
            "output_format": output_format_schema(),
        }}),
        output_schema: listing_schema(&message_schema()),
        annotations: Annotations::READ_UNTRUSTED,
        scopes: SCOPES,
        aliases: &[
            ("user_id", "user_id"),
            ("query_context", ""),
            ("use_recent_account", ""),
            ("download_attachments", "download_attachments"),
            ("save_csv", "save_csv"),
            ("save_emails", "save_emails"),
            ("top", "limit"),
            ("sort", "order"),
        ],
    }
}
