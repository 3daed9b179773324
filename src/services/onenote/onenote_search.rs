//! `onenote_search`: pages by their title, or by what they say.
//!
//! OneNote of work accounts has no search of its own: titles are filtered by Graph, contents are read here, newest page
//! first and a bounded number at a time. The answer says how many were looked at.

use super::content::{self, BodyFormat, Style};
use super::item::{PageItem, page_schema};
use super::lists::Pages;
use super::{Desk, SCOPES, has_too_many_sections, read_fault};
use crate::graph::error::{Fault, GraphError};
use crate::services::answer::{Answer, Applied, Bounds, Room, line, listing_schema};
use crate::services::args::{OutputFormat, max_chars_schema, output_format_schema, typed};
use crate::services::time::{Edge, local_text, moment};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

const NAME: &str = "onenote_search";
const DEFAULT_LIMIT: usize = 25;
/// Pages whose contents are read for one answer: OneNote's budget is about 300 requests an hour.
const MAX_READ: usize = 20;
/// Contents read at once; OneNote allows five requests.
const AT_ONCE: usize = 3;
/// Titles looked at for one answer.
const MAX_SCANNED: usize = 500;
/// Sections gone through for one answer, where an account has too many for one list.
const MAX_SECTIONS: usize = 15;
const SNIPPET: usize = 200;
/// Longest text to search for, in characters.
const MAX_TEXT: usize = 200;
/// Words of a search.
const MAX_WORDS: usize = 10;

/// The tool.
pub(super) struct OnenoteSearch {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Scope {
    #[default]
    Title,
    Content,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    text: String,
    scope: Scope,
    notebook: Option<String>,
    since: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
    max_chars: Option<usize>,
    output_format: OutputFormat,
}

/// What a search asks; kept in cursors.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Question {
    /// In lower case; all must occur.
    words: Vec<String>,
    scope: Scope,
    notebook: Option<String>,
    since: Option<DateTime<Utc>>,
    zone: String,
    /// Pages before these were looked at.
    skip: usize,
    /// Sections to go through one by one, the current one last; none: all pages in one list.
    sections: Option<Vec<String>>,
}

/// A page that was found.
#[derive(Clone, Debug, Serialize)]
struct Hit {
    #[serde(flatten)]
    page: PageItem,
    #[serde(skip_serializing_if = "String::is_empty")]
    snippet: String,
}

impl OnenoteSearch {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = |what: &str| json!({"type": "string", "description": what});
        let mut hit = page_schema();
        if let Some(all) = hit.as_object_mut() {
            all.insert("snippet".to_owned(), json!({"type": "string"}));
        }
        let spec = ToolSpec {
            name: NAME,
            title: "Search OneNote",
            description: "Find OneNote pages by words of their title, or (scope content) by what they say: then the newest \
                          pages are read, 20 per call.",
            input_schema: json!({"type": "object", "properties": {
                "text": text("Words that all must occur; a phrase in double quotes"),
                "scope": {"type": "string", "enum": ["title", "content"], "description": "Where; title unless given"},
                "notebook": text("Name or id of a notebook: only pages in it"),
                "since": text("Day or time, e.g. 2026-03-31: only pages that changed since"),
                "limit": {"type": "integer", "minimum": 1, "maximum": 100, "description": "Pages per answer; 25 unless given"},
                "cursor": text("next_cursor of the answer before"),
                "max_chars": max_chars_schema("the whole answer"),
                "output_format": output_format_schema(),
            }}),
            output_schema: listing_schema(&hit),
            annotations: Annotations::READ_UNTRUSTED,
            scopes: SCOPES,
            aliases: &[("user_id", "user_id"), ("query", "text"), ("keyword", "text")],
        };
        Self { desk, spec }
    }

    async fn question(&self, context: &CallContext, wish: &Wish) -> Result<Question, ToolError> {
        if let Some(cursor) = &wish.cursor {
            return self.desk.deps.cursors.load(context, NAME, cursor).await;
        }
        let text = line(&wish.text);
        if text.is_empty() || text.chars().count() > MAX_TEXT {
            let text =
                format!("`text` is missing or has more than {MAX_TEXT} characters: a few words are enough.");
            return Err(ToolError::invalid("text", text));
        }
        let words = words(&text);
        if words.is_empty() || words.len() > MAX_WORDS {
            let text = format!("`text` must have 1 to {MAX_WORDS} words to look for.");
            return Err(ToolError::invalid("text", text));
        }
        let zone = self.desk.zone(context).await;
        let since = wish.since.as_deref();
        let since = since.map(|text| moment("since", text, zone, Edge::Start)).transpose()?;
        let notebook = wish.notebook.as_deref().map(|name| name.trim().to_lowercase());
        Ok(Question {
            words,
            scope: wish.scope,
            notebook: notebook.filter(|name| !name.is_empty()),
            since,
            zone: zone.name().to_owned(),
            skip: 0,
            sections: None,
        })
    }

    /// The next pages to look at; whether there are more behind them.
    async fn pages(
        &self,
        context: &CallContext,
        question: &mut Question,
        zone: Tz,
    ) -> Result<(Vec<PageItem>, bool), GraphError> {
        let mut wanted = Pages {
            section: None,
            title: if question.scope == Scope::Title { question.words.clone() } else { Vec::new() },
            since: question.since,
        };
        if question.sections.is_none() {
            match self.desk.pages(context, &wanted, question.skip, zone).await {
                Err(error) if has_too_many_sections(&error) => {
                    question.sections = Some(self.all_sections(context, zone).await?);
                    question.skip = 0;
                }
                read => return read.map(|read| (read.items, read.more)),
            }
        }
        let Some(sections) = &question.sections else { return Ok((Vec::new(), false)) };
        wanted.section = sections.last().cloned();
        if wanted.section.is_none() {
            return Ok((Vec::new(), false));
        }
        let read = self.desk.pages(context, &wanted, question.skip, zone).await?;
        Ok((read.items, read.more))
    }

    /// Ids of all sections, the first one last.
    async fn all_sections(&self, context: &CallContext, zone: Tz) -> Result<Vec<String>, GraphError> {
        let (mut all, mut skip) = (Vec::new(), 0);
        loop {
            let read = self.desk.sections(context, "", skip, zone).await?;
            skip += read.items.len();
            all.extend(read.items.into_iter().map(|section| section.id));
            if !read.more || all.len() >= 2_000 {
                break;
            }
        }
        all.reverse();
        Ok(all)
    }

    /// The pages among these that say what is looked for.
    async fn hits(
        &self,
        context: &CallContext,
        question: &Question,
        pages: Vec<PageItem>,
    ) -> Result<Vec<Looked>, ToolError> {
        if question.scope == Scope::Title {
            let wanted = |page: PageItem| question.wants(&page).then(|| Hit { page, snippet: String::new() });
            return Ok(pages.into_iter().map(|page| wanted(page).into()).collect());
        }
        let one = |page: PageItem| async move {
            if !question.wants(&page) {
                return Ok(Looked::Nothing);
            }
            let html = match self.desk.html(context, &page.id, false).await {
                Ok(html) => html,
                // Deleted since it was listed: it holds nothing to find.
                Err(GraphError::Refused { fault: Fault::NotFound, .. }) => return Ok(Looked::Nothing),
                Err(error @ GraphError::Refused { fault: Fault::MissingPermission, .. }) => {
                    return Err(read_fault(error));
                }
                // Of a section that is locked or damaged; the others are looked at all the same.
                Err(GraphError::Refused { .. }) => return Ok(Looked::Unread),
                Err(error) => return Err(read_fault(error)),
            };
            let style = Style { format: BodyFormat::Text, max_chars: 200_000, elements: false };
            let read = content::read(page, html, style).await?;
            let all = format!("{}\n{}", read.page.title, read.content).to_lowercase();
            let found = question.words.iter().all(|word| all.contains(word));
            let first = question.words.first().map_or("", String::as_str);
            let snippet = || snippet(&read.content, first).unwrap_or_default();
            Ok(found.then(snippet).map(|snippet| Hit { page: read.page, snippet }).into())
        };
        let found: Vec<Result<Looked, ToolError>> =
            futures_util::stream::iter(pages.into_iter().map(one)).buffered(AT_ONCE).collect().await;
        found.into_iter().collect()
    }
}

/// The words of a text in lower case; what stands in double quotes is one.
fn words(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (at, part) in text.split('"').enumerate() {
        if at % 2 == 1 {
            all.push(line(part).to_lowercase());
        } else {
            all.extend(part.split_whitespace().map(str::to_lowercase));
        }
    }
    all.retain(|word| !word.is_empty());
    all
}

/// The text around the first place that holds what is looked for.
fn snippet(text: &str, wanted: &str) -> Option<String> {
    // Lower case may have other lengths: both are walked character by character.
    let characters: Vec<char> = text.chars().collect();
    let mut lower = String::with_capacity(text.len());
    let mut starts = Vec::with_capacity(characters.len());
    for c in &characters {
        starts.push(lower.len());
        lower.extend(c.to_lowercase());
    }
    let at = lower.find(wanted)?;
    let place = starts.partition_point(|start| *start <= at).saturating_sub(1);
    let from = place.saturating_sub(SNIPPET / 3);
    let cut: String = characters.iter().skip(from).take(SNIPPET).collect();
    Some(format!("{}{}", if from > 0 { "…" } else { "" }, line(&cut)))
}

impl Question {
    fn wants(&self, page: &PageItem) -> bool {
        self.notebook.as_ref().is_none_or(|wanted| {
            page.notebook.to_lowercase() == *wanted || page.notebook_id.to_lowercase() == *wanted
        })
    }

    /// On to the next section, if they are gone through one by one.
    fn turn(&mut self) -> bool {
        self.skip = 0;
        self.sections.as_mut().is_some_and(|sections| {
            sections.pop();
            !sections.is_empty()
        })
    }
}

/// What came of looking at a page.
enum Looked {
    Hit(Box<Hit>),
    Nothing,
    /// OneNote did not let it be read.
    Unread,
}

impl From<Option<Hit>> for Looked {
    fn from(hit: Option<Hit>) -> Self {
        hit.map_or(Self::Nothing, |hit| Self::Hit(Box::new(hit)))
    }
}

impl Hit {
    fn print(&self) -> String {
        let mut out = self.page.print();
        if !self.snippet.is_empty() {
            out.push_str("  > ");
            out.push_str(&self.snippet);
            out.push('\n');
        }
        out
    }
}

#[async_trait]
impl Tool for OnenoteSearch {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let mut warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let mut question = self.question(context, &wish).await?;
        let zone: Tz = question.zone.parse().unwrap_or(Tz::UTC);
        let max_chars = wish.max_chars.unwrap_or(self.desk.deps.settings.max_chars);
        let most = if question.scope == Scope::Content { MAX_READ } else { MAX_SCANNED };
        let mut room = Room::new(wish.limit.unwrap_or(DEFAULT_LIMIT), max_chars);
        let (mut scanned, mut turns, mut unread) = (0, 0, 0);
        let more = 'pages: loop {
            let (mut pages, behind) = self.pages(context, &mut question, zone).await.map_err(read_fault)?;
            let left = most - scanned;
            let cut = pages.len() > left;
            pages.truncate(left);
            for looked in self.hits(context, &question, pages).await? {
                match looked {
                    Looked::Hit(hit) => {
                        let line = hit.print();
                        if !room.put(*hit, &line) {
                            break 'pages true;
                        }
                    }
                    Looked::Nothing => {}
                    Looked::Unread => unread += 1,
                }
                question.skip += 1;
                scanned += 1;
            }
            if !cut && !behind {
                if !question.turn() {
                    break false;
                }
                turns += 1;
            }
            if cut || room.is_full() || scanned >= most || turns >= MAX_SECTIONS {
                break true;
            }
        };
        if unread > 0 {
            warnings.push(format!("{unread} pages could not be read, such as those of locked sections."));
        }
        let cursors = &self.desk.deps.cursors;
        let next_cursor = if more { Some(cursors.save(context, NAME, &question).await?) } else { None };
        let heading = match (room.items.len(), more) {
            (0, true) => format!("Nothing in the first {scanned} pages\n\n"),
            (count, _) => format!("{count} pages\n\n"),
        };
        let answer = Answer {
            count: room.items.len(),
            has_more: more,
            next_cursor,
            applied: Applied {
                engine: if question.scope == Scope::Content { "read" } else { "filter" },
                window: question.since.map(|at| Bounds { start: local_text(at, zone), end: None }),
                query: question.words.join(" "),
                post_filters: question.notebook.is_some().then_some("notebook").into_iter().collect(),
                scanned,
                time_zone: zone.name().to_owned(),
                ..Applied::default()
            },
            truncated: room.truncated,
            max_chars,
            items: room.items,
            warnings,
        };
        answer.output(heading + &room.text, wish.output_format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_all_and_phrases_one() {
        assert_eq!(words("It's  \"Hook  block\" 크레인"), ["it's", "hook block", "크레인"]);
        assert!(words(" \"\" ").is_empty());
    }

    #[test]
    fn a_snippet_shows_the_place_whatever_the_case_and_script() {
        assert_eq!(snippet("The CRANE is here", "crane").as_deref(), Some("The CRANE is here"));
        let long = format!("{}İstanbul Crane 🏗 크레인", "가나 ".repeat(200));
        let found = snippet(&long, "crane 🏗").unwrap();
        assert!(found.starts_with('…') && found.contains("Crane 🏗 크레인"), "{found}");
        assert_eq!(snippet("abc", "x"), None);
    }
}
