//! Where `search` looks and `fetch` reads: tools of the services, and how their answers become the two's.

use crate::domain::clock::SharedClock;
use crate::domain::switches::Switches;
use crate::services::time::instant;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Args, Service, Tool};
use chrono::{Days, NaiveDate};
use serde_json::{Value, json};
use std::sync::Arc;

/// A query in words; what stands in double quotes is one.
pub(super) struct Query<'a> {
    pub(super) today: NaiveDate,
    pub(super) words: Vec<&'a str>,
    /// Results of one source.
    pub(super) limit: usize,
}

/// One kind of things.
pub(super) struct Kind {
    /// Begins the ids of its results.
    pub(super) name: &'static str,
    /// What it is called in sentences.
    pub(super) called: &'static str,
    service: &'static str,
    pub(super) find: &'static str,
    find_args: fn(&Query<'_>) -> Value,
    pub(super) read: &'static str,
    /// The argument of `read` that takes an id.
    read_id: &'static str,
    /// Where its answer has the thing, as a JSON pointer; empty: the answer is the thing.
    read_at: &'static str,
    /// Members of an answer that hold its title, its address for people, and what tells results apart.
    pub(super) title: &'static str,
    pub(super) url: &'static str,
    pub(super) about: &'static [&'static str],
}

/// How far back mail is searched, in days.
const MAIL_DAYS: u32 = 1_095;
/// The calendar is read from so many days ago to so many ahead.
const EVENT_DAYS: (Days, Days) = (Days::new(60), Days::new(180));

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "mail",
        called: "Mail",
        service: "mail-query",
        find: "query_email",
        find_args: |query| json!({"keyword_filter": {"and_keywords": query.words}, "days_back": MAIL_DAYS, "limit": query.limit}),
        read: "get_email",
        read_id: "id",
        read_at: "",
        title: "subject",
        url: "link",
        about: &["from", "received_local", "preview"],
    },
    Kind {
        name: "event",
        called: "The calendar",
        service: "calendar",
        find: "calendar_list_events",
        find_args: |query| {
            let (start, end) = (query.today - EVENT_DAYS.0, query.today + EVENT_DAYS.1);
            json!({"search_query": query.words.join(" "), "start_date": start.to_string(), "end_date": end.to_string(),
                   "limit": query.limit})
        },
        read: "calendar_get_event",
        read_id: "event_id",
        read_at: "/event",
        title: "subject",
        url: "link",
        about: &["start", "location", "organizer"],
    },
    Kind {
        name: "file",
        called: "The drive",
        service: "onedrive",
        find: "list_files",
        find_args: |query| json!({"search": query.words.join(" "), "type": "file", "limit": query.limit}),
        read: "read_file",
        read_id: "file_path",
        read_at: "",
        title: "name",
        url: "web_url",
        about: &["path", "type", "modified"],
    },
    Kind {
        name: "note",
        called: "OneNote",
        service: "onenote",
        find: "onenote_search",
        find_args: |query| {
            let words: Vec<String> = query.words.iter().map(|word| format!("\"{word}\"")).collect();
            json!({"text": words.join(" "), "limit": query.limit})
        },
        read: "manage_page_content",
        read_id: "page_id",
        read_at: "",
        title: "title",
        url: "web_url",
        about: &["notebook", "section", "modified"],
    },
];

/// A kind of things together with the tools that find and read it.
pub(super) struct Source {
    pub(super) kind: &'static Kind,
    find: Arc<dyn Tool>,
    read: Arc<dyn Tool>,
}

impl Source {
    /// The tool's own refusal when the bearer lacks its permissions.
    fn allow(tool: &dyn Tool, context: &CallContext) -> Result<(), ToolError> {
        context.caller.require(tool.spec().name, tool.spec().scopes)
    }

    /// What is found, in the terms of the service.
    pub(super) async fn find(
        &self,
        context: &CallContext,
        query: &Query<'_>,
    ) -> Result<Vec<Value>, ToolError> {
        Self::allow(self.find.as_ref(), context)?;
        let output = self.find.call(context, members((self.kind.find_args)(query))).await?;
        let mut answer = structured(&output)?;
        Ok(match answer.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => items,
            Some(_) | None => Vec::new(),
        })
    }

    /// The thing itself: what the service says of it, as text and as data.
    pub(super) async fn read(
        &self,
        context: &CallContext,
        id: &str,
    ) -> Result<(ToolOutput, Value), ToolError> {
        Self::allow(self.read.as_ref(), context)?;
        let output = self.read.call(context, members(json!({ self.kind.read_id: id }))).await?;
        let mut answer = structured(&output)?;
        let thing = answer.pointer_mut(self.kind.read_at).map(Value::take).unwrap_or_default();
        Ok((output, thing))
    }
}

/// The sources behind a bundle.
pub(super) struct Sources {
    all: Vec<Source>,
    switches: Arc<Switches>,
    clock: SharedClock,
}

impl Sources {
    /// Those of the kinds that `services` have the tools for.
    pub(super) fn of(services: &[Arc<dyn Service>], switches: &Arc<Switches>, clock: &SharedClock) -> Self {
        let tool = |service: &str, name: &str| {
            let home = services.iter().find(|s| s.info().name.as_str() == service)?;
            home.tools().iter().find(|tool| tool.spec().name == name).cloned()
        };
        let source = |kind: &'static Kind| {
            let (find, read) = (tool(kind.service, kind.find)?, tool(kind.service, kind.read)?);
            Some(Source { kind, find, read })
        };
        Self {
            all: KINDS.iter().filter_map(source).collect(),
            switches: Arc::clone(switches),
            clock: Arc::clone(clock),
        }
    }

    /// Whether a source works through this tool.
    pub(super) fn uses(&self, tool: &str) -> bool {
        self.all.iter().any(|source| source.kind.find == tool || source.kind.read == tool)
    }

    /// The sources that no operator has switched off.
    pub(super) fn on(&self) -> impl Iterator<Item = &Source> {
        let now = self.switches.kept();
        let is_on = move |source: &&Source| {
            let Kind { service, find, read, .. } = source.kind;
            !now.off.has_service(service)
                && !now.off.has_tool(service, find)
                && !now.off.has_tool(service, read)
        };
        self.all.iter().filter(is_on)
    }

    /// The source that an id of `search` belongs to, and the id in its own terms.
    pub(super) fn of_id<'a>(&self, id: &'a str) -> Option<(&Source, &'a str)> {
        let (kind, own) = id.split_once(':')?;
        let source = self.on().find(|source| source.kind.name == kind)?;
        Some((source, own)).filter(|_| !own.is_empty())
    }

    /// Today, by UTC: a day more or less at the ends of a search does not matter.
    pub(super) fn today(&self) -> NaiveDate {
        instant(self.clock.now()).date_naive()
    }
}

/// Text of a member; empty when there is none.
pub(super) fn text_of<'a>(item: &'a Value, member: &str) -> &'a str {
    item.get(member).and_then(Value::as_str).unwrap_or_default()
}

fn structured(output: &ToolOutput) -> Result<Value, ToolError> {
    serde_json::from_str(output.structured.get()).map_err(ToolError::internal)
}

fn members(value: Value) -> Args {
    if let Value::Object(members) = value { members } else { Args::new() }
}
