//! `/onenote`: the notebooks of the signed-in user, their sections and pages.
//!
//! A page walks: Graph's HTML → `extract::html::onenote_html` → Markdown; and back: Markdown → [`markup`] → OneNote's HTML.
//! Names and what was used last are kept per user ([`book`]); contents never are.

mod book;
mod content;
mod copy_page;
mod db_onenote_update;
mod edit_page;
mod elements;
mod get_recent_onenote_items;
mod guide;
mod item;
mod list_notebooks;
mod lists;
mod manage_page_content;
mod manage_sections_and_pages;
mod markup;
mod onenote_search;
mod plan;
mod readers;

use super::own::asker;
use super::{ServiceDeps, own, zone};
use crate::domain::ids::ServiceName;
use crate::domain::resource::ServiceInfo;
use crate::domain::scope::ScopeSet;
use crate::graph::error::{Fault, GraphError};
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::plan::Planner;
use crate::tools::tool::{Args, Service, Tool};
use chrono_tz::Tz;
use std::sync::Arc;

/// Permission of every tool.
const SCOPES: &[&str] = &[READ];
const READ: &str = "Notes.Read";
/// What making sections and pages takes.
const CREATE: &str = "Notes.Create";
/// What changing, copying and deleting pages takes.
const WRITE: &str = "Notes.ReadWrite";
/// Arguments of other tools of this kind, accepted and checked, not listed.
const ALIASES: &[(&str, &str)] = &[("user_id", "user_id")];

/// What the tools share.
struct Desk {
    deps: ServiceDeps,
    zones: zone::Zones,
}

impl Desk {
    /// See [`own::notes`].
    async fn notes(&self, context: &CallContext, args: &Args) -> Result<Vec<String>, ToolError> {
        own::notes(&self.deps.graph, context, args).await
    }

    async fn zone(&self, context: &CallContext) -> Tz {
        self.zones.of(&self.deps, context).await
    }
}

/// Refuses a call that turns out to need more than its tool always needs.
fn require(context: &CallContext, scope: &str) -> Result<(), ToolError> {
    if context.caller.scopes.allows(scope) {
        return Ok(());
    }
    let required = SCOPES.iter().copied().chain([scope]).collect();
    let text = format!("This needs the permission {scope}. Authorize again to grant it.");
    Err(ToolError::new(ToolErrorKind::InsufficientScope { required }, text))
}

/// An id that can be one: what it is not would only be refused in worse words. A bare GUID gets the `1-` that OneNote puts
/// before the ids of work accounts.
fn checked_id(field: &str, id: &str) -> Result<String, ToolError> {
    let id = id.trim();
    if uuid::Uuid::try_parse(id).is_ok_and(|_| id.len() == 36) {
        return Ok(format!("1-{id}"));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '!' | '_' | '.');
    let (start, _) = id.split_once(['-', '!']).unwrap_or_default();
    if !start.is_empty() && id.len() <= 250 && id.chars().all(plain) {
        return Ok(id.to_owned());
    }
    let text = format!("`{field}` is no id of OneNote: list or search, and use an id from there, unchanged.");
    Err(ToolError::invalid(field, text))
}

/// Whether the account has more sections than one list may go through.
fn has_too_many_sections(error: &GraphError) -> bool {
    matches!(error, GraphError::Refused { code, .. } if code == "20266")
}

/// What OneNote's numbers mean (Graph, "Error codes for the OneNote API").
fn meaning(code: &str) -> Option<(ToolErrorKind, &'static str)> {
    let rejected = |status| ToolErrorKind::UpstreamRejected { code: code.to_owned(), status };
    let gone = "There is no such notebook, section or page here, or it was deleted. List again, or search, and use an id from \
                there, unchanged.";
    Some(match code {
        "20102" | "20112" | "20113" | "20156" | "20157" => (ToolErrorKind::NotFound, gone),
        "10004" => (
            rejected(403),
            "This section is protected by a password. Unlock it in OneNote, or use another section.",
        ),
        "10006" => (rejected(400), "This section is damaged. Open it in OneNote, or use another section."),
        "10008" | "10013" => {
            (rejected(403), "This account's OneDrive holds too many items for OneNote's interface to list.")
        }
        "20117" => {
            (rejected(409), "There is one of this name already. Use another name, or list and use that one.")
        }
        "20115" | "20153" => {
            (rejected(400), "A name has none of these characters: ? * \\ / : < > | & # \" % ~")
        }
        "20120" | "20149" => (
            rejected(400),
            "The element is no longer on the page. Read the page again with include_ids and use an id from there.",
        ),
        "20138" | "20141" => {
            (rejected(400), "This element does not take this change. Use another action, or another element.")
        }
        "20266" => (
            rejected(400),
            "This account has too many sections to go through at once. Give a `section_id` (onenote_list_notebooks tells them).",
        ),
        "30101" => (rejected(507), "The OneDrive of this account is full."),
        "30102" => (rejected(507), "This section is full. Use another one."),
        "30104" | "30105" | "30106" | "30108" => (
            rejected(403),
            "This account has no OneDrive that could hold notebooks (none licensed, or not set up yet).",
        ),
        _ => return None,
    })
}

/// A Graph failure in words about notebooks; `scope` is what the request needed.
fn fault(error: GraphError, scope: &'static str) -> ToolError {
    let (mut known, mut throttled) = (None, None);
    if let GraphError::Refused { fault, code, .. } = &error {
        known = meaning(code).or_else(|| (*fault == Fault::NotFound).then(|| meaning("20102")).flatten());
    }
    if let GraphError::Throttled { retry_after, .. } = &error {
        throttled = Some(retry_after.as_secs_f64().ceil());
    }
    let mut told = super::fault::tool_error(error, &[scope]);
    if let Some((kind, words)) = known {
        (told.kind, told.public) = (kind, words.to_owned());
    }
    if let Some(seconds) = throttled {
        told.public = format!("Microsoft 365 limits requests for OneNote. Try again in {seconds} seconds.");
    }
    told
}

/// A Graph failure of what reads.
fn read_fault(error: GraphError) -> ToolError {
    fault(error, READ)
}

/// The service.
pub(super) struct OneNote {
    info: ServiceInfo,
    tools: Vec<Arc<dyn Tool>>,
    planner: plan::OneNotePlanner,
    instructions: &'static str,
}

impl OneNote {
    pub(super) fn new(deps: &ServiceDeps) -> Self {
        let desk = Arc::new(Desk { deps: deps.clone(), zones: zone::Zones::default() });
        let reading = deps.settings.read_only;
        let required = ScopeSet::parse("User.Read").union(&SCOPES.iter().copied().collect());
        let more = ScopeSet::parse(zone::SCOPE).union(&[CREATE, WRITE].into_iter().collect());
        let planner = plan::OneNotePlanner { desk: Arc::clone(&desk) };
        let tools: Vec<Arc<dyn Tool>> = vec![
            Arc::new(list_notebooks::ListNotebooks::new(Arc::clone(&desk))),
            Arc::new(manage_sections_and_pages::ManageSectionsAndPages::new(Arc::clone(&desk), reading)),
            Arc::new(manage_page_content::ManagePageContent::new(Arc::clone(&desk), reading)),
            Arc::new(onenote_search::OnenoteSearch::new(Arc::clone(&desk))),
            Arc::new(edit_page::EditPage::new(Arc::clone(&desk))),
            Arc::new(copy_page::CopyPage::new(Arc::clone(&desk))),
            Arc::new(get_recent_onenote_items::GetRecentOnenoteItems::new(Arc::clone(&desk))),
            Arc::new(db_onenote_update::DbOnenoteUpdate::new(desk)),
        ];
        Self {
            info: ServiceInfo {
                name: ServiceName::new("onenote"),
                title: "OneNote".to_owned(),
                description: "Find, read and write pages in the signed-in user's OneNote notebooks."
                    .to_owned(),
                supported_scopes: required.union(&more),
                required_scopes: required,
            },
            tools,
            planner,
            instructions: if reading { guide::READING } else { guide::INSTRUCTIONS },
        }
    }
}

impl Service for OneNote {
    fn info(&self) -> &ServiceInfo {
        &self.info
    }

    fn instructions(&self) -> &'static str {
        self.instructions
    }

    fn tools(&self) -> &[Arc<dyn Tool>] {
        &self.tools
    }

    fn planner(&self) -> Option<&dyn Planner> {
        Some(&self.planner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_ids_and_a_bare_guid_gets_its_start() {
        let guid = "33f8a242-7c33-4bb2-90c5-8425a68cc5bf";
        assert_eq!(checked_id("page_id", &format!(" {guid} ")).unwrap(), format!("1-{guid}"));
        for fine in [format!("1-{guid}"), "1-9a8b!21-af3c".to_owned(), "0-9a8b!1-C8F!21".to_owned()] {
            assert_eq!(checked_id("page_id", &fine).unwrap(), fine);
        }
        for odd in ["", "x", "../x-y", "1-a/b", "1-a?b", "1-a b", "1-a%2f", "Meetings", "회의-록"] {
            assert!(checked_id("page_id", odd).unwrap_err().public.contains("page_id"), "{odd}");
        }
    }
}
