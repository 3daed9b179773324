//! Sections and pages page by page. OneNote leaves the link to the rest out where the size of a page was asked for, so a
//! page that came back full is followed by `$skip`.

use super::book::Book;
use super::item::{PageItem, PageView, SectionItem, SectionView};
use super::{Desk, asker, checked_id, read_fault};
use crate::graph::encode::{Target, odata, segment};
use crate::graph::error::GraphError;
use crate::graph::page::Page;
use crate::graph::request::Request;
use crate::services::time::utc_text;
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// Largest page of OneNote's.
const PAGE: usize = 100;
const ABOVE: &str = "parentSection($select=id,displayName),parentNotebook($select=id,displayName)";

/// Some of a list.
pub(super) struct Read<T> {
    pub(super) items: Vec<T>,
    /// There may be more behind it.
    pub(super) more: bool,
}

/// Which pages.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Pages {
    /// Of one section; else of all.
    pub(super) section: Option<String>,
    /// Parts of the title; all must occur.
    pub(super) title: Vec<String>,
    pub(super) since: Option<DateTime<Utc>>,
}

impl Pages {
    /// The `$filter`, if there is anything to filter.
    pub(super) fn filter(&self) -> String {
        let title = self.title.iter().map(|text| contains("title", text));
        let since = self.since.map(|at| format!("lastModifiedDateTime ge {}", utc_text(at)));
        title.chain(since).collect::<Vec<_>>().join(" and ")
    }
}

/// A name that contains a text, whatever the case.
pub(super) fn contains(property: &str, text: &str) -> String {
    format!("contains(tolower({property}),{})", odata(&text.trim().to_lowercase()))
}

impl Desk {
    /// `GET /me/onenote/sections` (Notes.Read), groups' sections included.
    pub(super) async fn sections(
        &self,
        context: &CallContext,
        filter: &str,
        skip: usize,
        zone: Tz,
    ) -> Result<Read<SectionItem>, GraphError> {
        let mut target = Target::new("/me/onenote/sections")
            .with("$top", &PAGE.to_string())
            .with("$select", "id,displayName,lastModifiedDateTime,links")
            .with(
                "$expand",
                "parentNotebook($select=id,displayName),parentSectionGroup($select=id,displayName)",
            );
        if skip > 0 {
            target = target.with("$skip", &skip.to_string());
        }
        if !filter.is_empty() {
            target = target.with("$filter", filter);
        }
        let answer = self.deps.graph.send(asker(context), Request::notes(target.build())).await?;
        let page: Page<'_, SectionView<'_>> = answer.view()?;
        let items: Vec<_> = page.value.iter().map(|view| SectionItem::new(view, zone)).collect();
        Ok(Read { more: page.next_link().is_some() || items.len() >= PAGE, items })
    }

    /// `GET /me/onenote/sections/{id}/pages` or `/me/onenote/pages` (Notes.Read).
    pub(super) async fn pages(
        &self,
        context: &CallContext,
        wanted: &Pages,
        skip: usize,
        zone: Tz,
    ) -> Result<Read<PageItem>, GraphError> {
        let properties = "id,title,createdDateTime,lastModifiedDateTime,links";
        let target = match &wanted.section {
            Some(id) => Target::new(format!("/me/onenote/sections/{}/pages", segment(id)))
                .with("pagelevel", "true")
                .with("$select", &format!("{properties},level,order")),
            None => Target::new("/me/onenote/pages").with("$select", properties),
        };
        let mut target = target.with("$expand", ABOVE).with("$top", &PAGE.to_string());
        if skip > 0 {
            target = target.with("$skip", &skip.to_string());
        }
        let filter = wanted.filter();
        if !filter.is_empty() {
            target = target.with("$filter", &filter);
        }
        let answer = self.deps.graph.send(asker(context), Request::notes(target.build())).await?;
        let page: Page<'_, PageView<'_>> = answer.view()?;
        let items: Vec<_> = page.value.iter().map(|view| PageItem::new(view, zone)).collect();
        Ok(Read { more: page.next_link().is_some() || items.len() >= PAGE, items })
    }

    /// One page without its content: `GET /me/onenote/pages/{id}` (Notes.Read).
    pub(super) async fn page(
        &self,
        context: &CallContext,
        id: &str,
        zone: Tz,
    ) -> Result<PageItem, GraphError> {
        let target = Target::new(format!("/me/onenote/pages/{}", segment(id)))
            .with("$select", "id,title,createdDateTime,lastModifiedDateTime,links")
            .with("$expand", ABOVE);
        let answer = self.deps.graph.send(asker(context), Request::notes(target.build())).await?;
        Ok(PageItem::new(&answer.view()?, zone))
    }

    /// The section that an id or a name means: a name that was kept, or the whole name of exactly one section.
    pub(super) async fn section(
        &self,
        context: &CallContext,
        id: Option<&str>,
        name: Option<&str>,
    ) -> Result<Option<SectionItem>, ToolError> {
        if let Some(id) = id {
            return Ok(Some(SectionItem { id: checked_id("section_id", id)?, ..SectionItem::default() }));
        }
        let Some(name) = name.map(str::trim).filter(|name| !name.is_empty()) else { return Ok(None) };
        if let Some((id, kept)) = Book::of(self, context).await?.section_named(name) {
            let (id, name) = (id.to_owned(), kept.name.clone());
            return Ok(Some(SectionItem {
                id,
                name,
                notebook_id: kept.parent.clone(),
                ..SectionItem::default()
            }));
        }
        let filter = format!("tolower(displayName) eq {}", odata(&name.to_lowercase()));
        let zone = self.zone(context).await;
        let mut found = self.sections(context, &filter, 0, zone).await.map_err(read_fault)?.items;
        let shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
        match found.len() {
            1 => Ok(found.pop()),
            0 => {
                let text = format!(
                    "There is no section \"{shown}\". List the sections and use its whole name or its id."
                );
                Err(ToolError::new(ToolErrorKind::NotFound, text))
            }
            _ => {
                let all: Vec<String> = found
                    .iter()
                    .take(10)
                    .map(|one| format!("{} in {} ({})", one.name, one.notebook, one.id))
                    .collect();
                let text = format!(
                    "Several sections are called \"{shown}\", so use `section_id`: {}.",
                    all.join("; ")
                );
                Err(ToolError::invalid("section_name", text))
            }
        }
    }
}
