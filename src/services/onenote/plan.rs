//! Plain-language requests to OneNote: notebooks, pages by words, pages of a period.

use super::Desk;
use crate::planner::{Area, Noun, Period};
use crate::services::asked::{Wanted, is_for, named, phrase, read};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::plan::{Plan, Planner};
use async_trait::async_trait;
use std::sync::Arc;

/// Largest page of the tools.
const MOST: usize = 100;
/// Longest text that is searched for.
const MAX_TEXT: usize = 100;

/// The planner.
pub(super) struct OneNotePlanner {
    pub(super) desk: Arc<Desk>,
}

#[async_trait]
impl Planner for OneNotePlanner {
    async fn plan(&self, context: &CallContext, request: &str) -> Result<Option<Plan>, ToolError> {
        let deps = &self.desk.deps;
        let (reading, _) = read(deps, &self.desk.zones, context, request, Area::Note).await;
        if !is_for(&reading, Area::Note) {
            return Ok(None);
        }
        let mut wanted = Wanted::default();
        // OneNote tells when a page changed last, and nothing before that.
        let ends = reading.period.is_some_and(|period| period.end.is_some());
        let note = if ends { "Pages that changed after the period are among it." } else { "" };
        let since = reading.period.as_ref().and_then(Period::start_text);
        if reading.noun == Some(Noun::Notebook) {
            wanted.put_some("name", reading.words.first().cloned());
            return Ok(Some(wanted.plan("onenote_list_notebooks", &reading, "")));
        }
        let people: Vec<String> = reading.people().map(|party| named(deps, party)).collect();
        let text = phrase(&reading).or_else(|| (!people.is_empty()).then(|| people.join(" ")));
        let Some(text) = text else {
            let is_section = reading.noun == Some(Noun::Section);
            wanted.put("action", if is_section { "list_sections" } else { "list_pages" });
            if !is_section {
                wanted.put_some("modified_since", since);
                wanted.put_limit(&reading, MOST);
            }
            return Ok(Some(wanted.plan("manage_sections_and_pages", &reading, note)));
        };
        wanted.put("text", text.chars().take(MAX_TEXT).collect::<String>());
        wanted.put_some("since", since);
        wanted.put_limit(&reading, MOST);
        Ok(Some(wanted.plan("onenote_search", &reading, note)))
    }

    fn examples(&self) -> [&'static str; 3] {
        [
            "Find my OneNote pages about onboarding",
            "원노트에서 회의록 찾아줘",
            "Show notes I changed last week",
        ]
    }
}
