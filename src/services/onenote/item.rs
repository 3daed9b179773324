//! Notebooks, sections and pages as Graph lists them, and as callers get them.

use crate::graph::page::Text;
use crate::services::answer::line;
use crate::services::time::local_text;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What a page without a title is called.
const UNTITLED: &str = "(untitled)";

/// Where something is to be opened.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Links<'a> {
    #[serde(borrow)]
    one_note_web_url: Link<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Link<'a> {
    #[serde(borrow)]
    href: Text<'a>,
}

/// A notebook or a section group above something.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Above<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    display_name: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct NotebookView<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    display_name: Text<'a>,
    is_default: Option<bool>,
    is_shared: Option<bool>,
    #[serde(borrow)]
    last_modified_date_time: Text<'a>,
    #[serde(borrow)]
    links: Option<Links<'a>>,
    #[serde(borrow)]
    sections: Vec<SectionView<'a>>,
    #[serde(borrow)]
    section_groups: Vec<GroupView<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct GroupView<'a> {
    #[serde(borrow)]
    display_name: Text<'a>,
    #[serde(borrow)]
    sections: Vec<SectionView<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SectionView<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    display_name: Text<'a>,
    #[serde(borrow)]
    last_modified_date_time: Text<'a>,
    #[serde(borrow)]
    links: Option<Links<'a>>,
    #[serde(borrow)]
    parent_notebook: Option<Above<'a>>,
    #[serde(borrow)]
    parent_section_group: Option<Above<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PageView<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    created_date_time: Text<'a>,
    #[serde(borrow)]
    last_modified_date_time: Text<'a>,
    level: Option<u32>,
    #[serde(borrow)]
    links: Option<Links<'a>>,
    #[serde(borrow)]
    parent_section: Option<Above<'a>>,
    #[serde(borrow)]
    parent_notebook: Option<Above<'a>>,
}

/// A section as callers get it.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct SectionItem {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) group: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) notebook_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) notebook: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) modified: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) web_url: String,
}

/// A notebook with its sections, those in groups among them.
#[derive(Clone, Debug, Serialize)]
pub(super) struct NotebookItem {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(rename = "default")]
    pub(super) is_default: bool,
    pub(super) shared: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) modified: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) web_url: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) sections: Vec<SectionItem>,
}

/// A page as callers get it.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct PageItem {
    pub(super) id: String,
    pub(super) title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) section_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) section: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) notebook: String,
    /// Depth below the page before it.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) level: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) created: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) modified: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) web_url: String,
    /// Graph's own text of the last change, which tells versions apart.
    #[serde(skip)]
    pub(super) version: String,
    #[serde(skip)]
    pub(super) notebook_id: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(level: &u32) -> bool {
    *level == 0
}

fn shown(text: &str, zone: Tz) -> String {
    let at = DateTime::parse_from_rfc3339(text).ok().map(|at| at.with_timezone(&Utc));
    at.map(|at| local_text(at, zone)).unwrap_or_default()
}

fn web(links: Option<&Links<'_>>) -> String {
    links.map(|links| links.one_note_web_url.href.to_string()).unwrap_or_default()
}

impl SectionItem {
    pub(super) fn new(view: &SectionView<'_>, zone: Tz) -> Self {
        let book = view.parent_notebook.as_ref();
        Self {
            id: view.id.to_string(),
            name: line(&view.display_name),
            group: view
                .parent_section_group
                .as_ref()
                .map(|group| line(&group.display_name))
                .unwrap_or_default(),
            notebook_id: book.map(|book| book.id.to_string()).unwrap_or_default(),
            notebook: book.map(|book| line(&book.display_name)).unwrap_or_default(),
            modified: shown(&view.last_modified_date_time, zone),
            web_url: web(view.links.as_ref()),
        }
    }

    /// One entry of a list.
    pub(super) fn print(&self) -> String {
        let place = match (self.notebook.is_empty(), self.group.is_empty()) {
            (false, false) => format!(" · {} / {}", self.notebook, self.group),
            (false, true) => format!(" · {}", self.notebook),
            (true, false) => format!(" · {}", self.group),
            (true, true) => String::new(),
        };
        format!("- **{}**{place}\n  section_id: {}\n", self.name, self.id)
    }
}

impl NotebookItem {
    pub(super) fn new(view: &NotebookView<'_>, zone: Tz) -> Self {
        let mut sections: Vec<SectionItem> =
            view.sections.iter().map(|section| SectionItem::new(section, zone)).collect();
        for group in &view.section_groups {
            let name = line(&group.display_name);
            sections.extend(
                group
                    .sections
                    .iter()
                    .map(|section| SectionItem { group: name.clone(), ..SectionItem::new(section, zone) }),
            );
        }
        Self {
            id: view.id.to_string(),
            name: line(&view.display_name),
            is_default: view.is_default.unwrap_or_default(),
            shared: view.is_shared.unwrap_or_default(),
            modified: shown(&view.last_modified_date_time, zone),
            web_url: web(view.links.as_ref()),
            sections,
        }
    }

    /// One entry of a list, its sections below it.
    pub(super) fn print(&self) -> String {
        let mut out = format!("- **{}**", self.name);
        out.push_str(if self.is_default { " (default)" } else { "" });
        out.push_str(if self.shared { " (shared)" } else { "" });
        let _ = writeln!(out, "\n  notebook_id: {}", self.id);
        for section in &self.sections {
            let group =
                if section.group.is_empty() { String::new() } else { format!("{} / ", section.group) };
            let _ = writeln!(out, "  - {group}{} · section_id: {}", section.name, section.id);
        }
        out
    }
}

impl PageItem {
    pub(super) fn new(view: &PageView<'_>, zone: Tz) -> Self {
        let title = line(&view.title);
        let (section, book) = (view.parent_section.as_ref(), view.parent_notebook.as_ref());
        Self {
            id: view.id.to_string(),
            title: if title.is_empty() { UNTITLED.to_owned() } else { title },
            section_id: section.map(|section| section.id.to_string()).unwrap_or_default(),
            section: section.map(|section| line(&section.display_name)).unwrap_or_default(),
            notebook: book.map(|book| line(&book.display_name)).unwrap_or_default(),
            notebook_id: book.map(|book| book.id.to_string()).unwrap_or_default(),
            level: view.level.unwrap_or_default(),
            created: shown(&view.created_date_time, zone),
            modified: shown(&view.last_modified_date_time, zone),
            web_url: web(view.links.as_ref()),
            version: view.last_modified_date_time.to_string(),
        }
    }

    /// One entry of a list.
    pub(super) fn print(&self) -> String {
        let mut out = format!("{}- **{}**", "  ".repeat(self.level.min(4) as usize), self.title);
        if !self.section.is_empty() {
            let _ = write!(out, " · {}", self.section);
        }
        if let Some(day) = self.modified.get(..16) {
            let _ = write!(out, " · {}", day.replace('T', " "));
        }
        let _ = writeln!(out, "\n  page_id: {}", self.id);
        out
    }
}

/// Properties of a section in an output schema.
pub(super) fn section_schema() -> Value {
    let text = json!({"type": "string"});
    json!({
        "id": text, "name": text, "group": text, "notebook_id": text, "notebook": text, "modified": text, "web_url": text,
    })
}

/// Properties of a page in an output schema.
pub(super) fn page_schema() -> Value {
    let text = json!({"type": "string"});
    json!({
        "id": text, "title": text, "section_id": text, "section": text, "notebook": text, "level": {"type": "integer"},
        "created": text, "modified": text, "web_url": text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_titles_stay_and_untitled_pages_have_a_name() {
        let page = |text: &str| {
            let view: PageView<'_> = serde_json::from_str(text).unwrap();
            PageItem::new(&view, Tz::Asia__Seoul)
        };
        let odd = page(
            r#"{"id":"1-a","title":"It's 100% \"done\" #7 & <b>\n🏗","level":1,"lastModifiedDateTime":"2026-03-02T00:00:00Z",
            "parentSection":{"id":"1-s","displayName":"Meetings"},"links":{"oneNoteWebUrl":{"href":"https://x.example"}}}"#,
        );
        assert_eq!(odd.title, "It's 100% \"done\" #7 & <b> 🏗");
        assert_eq!((odd.section.as_str(), odd.modified.as_str()), ("Meetings", "2026-03-02T09:00:00+09:00"));
        assert!(odd.print().starts_with("  - **It's 100%"), "{}", odd.print());
        assert_eq!(page(r#"{"id":"1-b","title":null,"links":null}"#).title, UNTITLED);
    }
}
