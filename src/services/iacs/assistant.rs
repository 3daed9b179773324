//! Questions that a model has taken apart: `query_with_llm_params`, and `simple_query` for a question as it is.

use super::{ALIASES, Desk, SCOPES};
use crate::planner::Organizations;
use crate::services::answer::output;
use crate::services::args::{OutputFormat, typed};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// Messages of a page that is counted.
const COUNTED: usize = 200;
const DEFAULT_LIMIT: usize = 25;
const DEFAULT_DAYS: u32 = 365;
/// `query` of the original is the same question with options that no longer mean anything.
const QUERY_ALIASES: &[(&str, &str)] = &[("user_id", "user_id"), ("question", "query")];

/// Answers of `query_email`, passed on.
fn output_schema() -> Value {
    json!({"type": "object", "properties": {
        "items": {"type": "array", "items": {"type": "object"}}, "count": {"type": "integer"},
        "has_more": {"type": "boolean"}, "by_day": {"type": "object"}, "by_sender": {"type": "object"},
        "warnings": {"type": "array", "items": {"type": "string"}},
    }, "required": ["count"]})
}

/// `simple_query`.
pub(super) struct SimpleQuery {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Deserialize)]
struct Question {
    query: String,
    limit: Option<usize>,
}

impl SimpleQuery {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let spec = ToolSpec {
            name: "simple_query",
            title: "Search by Words",
            description: "Find mail of the last year that has all words of a question. Give its key words only; with a \
                          period, people or a code, query_with_llm_params finds more.",
            input_schema: json!({"type": "object", "properties": {
                "query": {"type": "string", "description": "Key words, e.g. hull survey agenda"},
                "limit": {"type": "integer", "minimum": 1, "maximum": 200, "description": "25 unless given"},
            }, "required": ["query"]}),
            output_schema: output_schema(),
            annotations: Annotations::READ_UNTRUSTED,
            scopes: SCOPES,
            aliases: QUERY_ALIASES,
        };
        Self { desk, spec }
    }
}

#[async_trait]
impl Tool for SimpleQuery {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        self.desk.notes(context, &args).await?;
        let question: Question = typed(&args)?;
        let words: Vec<&str> = question.query.split_whitespace().collect();
        if words.is_empty() {
            return Err(ToolError::invalid("query", "`query` needs at least one word."));
        }
        let asked = json!({
            "keyword_filter": {"and_keywords": words}, "days_back": DEFAULT_DAYS,
            "limit": question.limit.unwrap_or(DEFAULT_LIMIT),
        });
        self.desk.mail.call(context, asked.as_object().cloned().unwrap_or_default()).await
    }
}

/// `query_with_llm_params`.
pub(super) struct QueryWithParams {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    query: String,
    extracted_period: Option<Period>,
    extracted_keywords: Vec<String>,
    extracted_organization: Option<String>,
    query_scope: Option<String>,
    intent: Option<String>,
    limit: Option<usize>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Period {
    start: Option<String>,
    end: Option<String>,
}

impl QueryWithParams {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = |what: &str| json!({"type": "string", "description": what});
        let spec = ToolSpec {
            name: "query_with_llm_params",
            title: "Query with LLM Parameters",
            description: "Search mail by what you took out of a question: period, keywords, organisation. With intent count \
                          the answer is numbers by day and sender.",
            input_schema: json!({"type": "object", "properties": {
                "query": text("The question as it was asked"),
                "extracted_period": {"type": "object", "properties": {
                    "start": text("YYYY-MM-DD"), "end": text("YYYY-MM-DD, included"),
                }, "description": "The last year unless given"},
                "extracted_keywords": {"type": "array", "items": {"type": "string"},
                    "description": "Words that mail must have; those of the question unless given"},
                "extracted_organization": text("Code such as KR, NK, ABS, DNV, IMO, or a mail domain: mail from or to it"),
                "query_scope": {"type": "string", "enum": ["all", "one", "more"],
                    "description": "one: the best hit; more: with one of the keywords instead of all of them"},
                "intent": {"type": "string", "enum": ["search", "list", "analyze", "count"],
                    "description": "analyze: with bodies; search unless given"},
                "limit": {"type": "integer", "minimum": 1, "maximum": 200, "description": "25 unless given"},
            }, "required": ["query"]}),
            output_schema: output_schema(),
            annotations: Annotations::READ_UNTRUSTED,
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }
}

impl Wish {
    /// The question to `query_email`.
    fn asked(&self, organizations: &Organizations) -> Result<Map<String, Value>, ToolError> {
        let mut asked = Map::new();
        let period = self.extracted_period.as_ref();
        match period.and_then(|period| period.start.as_ref()) {
            Some(start) => asked.insert("start_date".to_owned(), json!(start)),
            None => asked.insert("days_back".to_owned(), json!(DEFAULT_DAYS)),
        };
        if let Some(end) = period.and_then(|period| period.end.as_ref()) {
            asked.insert("end_date".to_owned(), json!(end));
        }
        let has_organization = self.extracted_organization.is_some();
        let mut words: Vec<String> = self.extracted_keywords.clone();
        if words.is_empty() && !has_organization {
            words = self.query.split_whitespace().map(str::to_owned).collect();
        }
        words.retain(|word| !word.trim().is_empty());
        if words.is_empty() && !has_organization {
            let text = "`query` needs a word, or `extracted_organization` a name.";
            return Err(ToolError::invalid("query", text));
        }
        if !words.is_empty() {
            let some = self.query_scope.as_deref() == Some("more");
            let kind = if some { "or_keywords" } else { "and_keywords" };
            asked.insert("keyword_filter".to_owned(), json!({ kind: words }));
        }
        if let Some(organization) = &self.extracted_organization {
            asked.insert("conversation_with".to_owned(), json!(organizations.participants(organization)));
        }
        let limit = match (self.intent.as_deref(), self.query_scope.as_deref()) {
            (Some("count"), _) => COUNTED,
            (_, Some("one")) => 1,
            _ => self.limit.unwrap_or(DEFAULT_LIMIT),
        };
        asked.insert("limit".to_owned(), json!(limit));
        if self.intent.as_deref() == Some("analyze") {
            asked.insert("include_body".to_owned(), json!(true));
        }
        Ok(asked)
    }
}

#[async_trait]
impl Tool for QueryWithParams {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let asked = wish.asked(&self.desk.deps.settings.organizations)?;
        if wish.intent.as_deref() != Some("count") {
            return self.desk.mail.call(context, asked).await;
        }
        let found = self.desk.find(context, &asked.into()).await?;
        let (mut by_day, mut by_sender) =
            (BTreeMap::<String, usize>::new(), BTreeMap::<String, usize>::new());
        for hit in &found.items {
            let day = hit.received_local.get(..10).unwrap_or_default().to_owned();
            *by_day.entry(day).or_default() += 1;
            *by_sender.entry(hit.address()).or_default() += 1;
        }
        let least = if found.has_more { "at least " } else { "" };
        let mut text = format!("{least}{} messages\n", found.items.len());
        for (name, count) in by_sender.iter().chain(&by_day) {
            let _ = writeln!(text, "- {name}: {count}");
        }
        let structured = json!({
            "count": found.items.len(), "has_more": found.has_more, "by_day": by_day, "by_sender": by_sender,
            "warnings": found.warnings,
        });
        output(|| text, &structured, OutputFormat::Text)
    }
}
