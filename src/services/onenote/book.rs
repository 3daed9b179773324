//! What is kept for one person: names of notebooks, sections and pages, and which were used last. Never contents.

use super::Desk;
use super::item::{PageItem, SectionItem};
use crate::services::answer::line;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Kind of the record, see `tools::keepsakes`.
const KIND: &str = crate::tools::keepsakes::ONENOTE_BOOK;
/// Entries of one kind that are kept; those that were not used for longest go first.
const MAX_KEPT: usize = 500;
/// Longest name, in characters.
pub(super) const MAX_NAME: usize = 200;

/// A section or page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) name: String,
    /// Id of the notebook of a section, or of the section of a page.
    #[serde(default)]
    pub(super) parent: String,
    /// When it was used last, in milliseconds since 1970; 0: never.
    #[serde(default)]
    pub(super) used_ms: i64,
}

/// All of it, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Book {
    pub(super) notebooks: BTreeMap<String, Kept>,
    pub(super) sections: BTreeMap<String, Kept>,
    pub(super) pages: BTreeMap<String, Kept>,
}

impl Book {
    pub(super) async fn of(desk: &Desk, context: &CallContext) -> Result<Self, ToolError> {
        desk.deps.keepsakes.load(&context.caller.user, KIND).await
    }

    pub(super) async fn change<R>(
        desk: &Desk,
        context: &CallContext,
        change: impl Fn(&mut Self) -> R,
    ) -> Result<R, ToolError> {
        let kept = |book: &mut Self| {
            let outcome = change(book);
            [&mut book.notebooks, &mut book.sections, &mut book.pages].into_iter().for_each(trim);
            outcome
        };
        desk.deps.keepsakes.change(&context.caller.user, KIND, kept).await
    }

    /// Notes that a page was used, and its section with it. The call goes on when that fails.
    pub(super) async fn used(desk: &Desk, context: &CallContext, page: &PageItem) {
        let now = desk.deps.clock.now().as_millis();
        let noted = Self::change(desk, context, |book| {
            put(&mut book.pages, &page.id, &page.title, &page.section_id, now);
            if !page.section_id.is_empty() {
                put(&mut book.sections, &page.section_id, &page.section, &page.notebook_id, now);
            }
        });
        tell(noted.await);
    }

    /// The same of a section.
    pub(super) async fn used_section(desk: &Desk, context: &CallContext, section: &SectionItem) {
        let now = desk.deps.clock.now().as_millis();
        let noted = Self::change(desk, context, |book| {
            put(&mut book.sections, &section.id, &section.name, &section.notebook_id, now);
        });
        tell(noted.await);
    }

    /// A page that is gone.
    pub(super) async fn forget(desk: &Desk, context: &CallContext, page: &str) {
        tell(Self::change(desk, context, |book| drop(book.pages.remove(page))).await);
    }

    /// Id of a section by a name that was kept.
    pub(super) fn section_named(&self, name: &str) -> Option<(&str, &Kept)> {
        let wanted = name.trim().to_lowercase();
        let mut found = self.sections.iter().filter(|(_, kept)| kept.name.to_lowercase() == wanted);
        match (found.next(), found.next()) {
            (Some((id, kept)), None) => Some((id, kept)),
            _ => None,
        }
    }
}

/// What was used last first.
pub(super) fn recent(all: &BTreeMap<String, Kept>, limit: usize) -> Vec<(&str, &Kept)> {
    let mut used: Vec<(&str, &Kept)> =
        all.iter().filter(|(_, kept)| kept.used_ms > 0).map(|(id, kept)| (id.as_str(), kept)).collect();
    used.sort_by_key(|(_, kept)| std::cmp::Reverse(kept.used_ms));
    used.truncate(limit);
    used
}

/// Keeps an entry. What is not known of it this time stays as it was.
pub(super) fn put(all: &mut BTreeMap<String, Kept>, id: &str, name: &str, parent: &str, used_ms: i64) {
    let kept = all.entry(id.to_owned()).or_default();
    if !name.is_empty() {
        kept.name = line(name).chars().take(MAX_NAME).collect();
    }
    if !parent.is_empty() {
        parent.clone_into(&mut kept.parent);
    }
    kept.used_ms = kept.used_ms.max(used_ms);
}

fn trim(all: &mut BTreeMap<String, Kept>) {
    while all.len() > MAX_KEPT {
        let Some(oldest) = all.iter().min_by_key(|(_, kept)| kept.used_ms).map(|(id, _)| id.clone()) else {
            return;
        };
        all.remove(&oldest);
    }
}

fn tell(noted: Result<(), ToolError>) {
    if let Err(error) = noted {
        tracing::debug!(code = error.code(), "what was used last was not noted");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_goes_first_and_what_is_not_known_stays() {
        let mut all = BTreeMap::new();
        for n in 1..=MAX_KEPT + 10 {
            put(&mut all, &format!("1-{n}"), &format!("name\n{n}"), "1-p", i64::try_from(n).unwrap());
        }
        trim(&mut all);
        assert_eq!((all.len(), all.contains_key("1-10"), all.contains_key("1-11")), (MAX_KEPT, false, true));
        put(&mut all, "1-50", "", "", 0);
        assert_eq!((all["1-50"].name.as_str(), all["1-50"].used_ms), ("name 50", 50));
        assert_eq!(recent(&all, 2).iter().map(|(id, _)| *id).collect::<Vec<_>>(), ["1-510", "1-509"]);
    }
}
