//! Who else sees what is written: a notebook that is shared shows every change to other people, so that such writes wait
//! for a word as others do that reach people.

use super::item::NotebookItem;
use super::{Desk, asker, read_fault};
use crate::graph::encode::Target;
use crate::graph::page::Page;
use crate::graph::request::Request;
use crate::services::onenote::item::NotebookView;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;

/// Pages of notebooks that are gone through.
const MAX_PAGES: usize = 5;

/// Where something is written. One of them may be empty.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) notebook: &'a str,
    pub(super) section: &'a str,
}

impl Place<'_> {
    fn is_in(&self, book: &NotebookItem) -> bool {
        if self.notebook.is_empty() {
            book.sections.iter().any(|section| section.id == self.section)
        } else {
            book.id == self.notebook
        }
    }
}

impl Desk {
    /// What a preview says of the other people who see a place; nothing where the notebook is the user's alone.
    /// A notebook that is not among the user's own is somebody else's.
    ///
    /// `GET /me/onenote/notebooks?$select=…,isShared&$expand=sections(…),sectionGroups(…)` (Notes.Read).
    pub(super) async fn readers(
        &self,
        context: &CallContext,
        place: Place<'_>,
    ) -> Result<Option<String>, ToolError> {
        let zone = self.zone(context).await;
        let target = Target::new("/me/onenote/notebooks")
            .with("$top", "100")
            .with("$select", "id,displayName,isShared")
            .with("$expand", "sections($select=id,displayName),sectionGroups($select=id,displayName;$expand=sections($select=id,displayName))");
        let mut link = target.build();
        for _ in 0..MAX_PAGES {
            let answer =
                self.deps.graph.send(asker(context), Request::notes(link)).await.map_err(read_fault)?;
            let page: Page<'_, NotebookView<'_>> = answer.view().map_err(read_fault)?;
            let mut books = page.value.iter().map(|view| NotebookItem::new(view, zone));
            if let Some(book) = books.find(|book| place.is_in(book)) {
                let told = format!("The notebook \"{}\" is shared: other people see this.", book.name);
                return Ok(book.shared.then_some(told));
            }
            match page.next_link() {
                Some(next) => link = next,
                None => break,
            }
        }
        Ok(Some("The notebook is not one of the user's own: other people may see this.".to_owned()))
    }
}

/// A preview with what [`Desk::readers`] says.
pub(super) fn with_readers(preview: String, readers: Option<&str>) -> String {
    match readers {
        Some(readers) => format!("{preview}\n\n{readers}"),
        None => preview,
    }
}
