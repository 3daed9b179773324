//! What one person's OneNote holds, in flat tables; ids shaped like those of work accounts.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use parking_lot::{Mutex, RwLock};

use super::errors::{deleted, malformed_id, no_resource};
use super::html::{self, Piece};
use super::limits::NoteLimits;
use crate::sim::graph::error::GraphError;
use crate::sim::seed::notes::{SeededNotebook, SeededNotes};
use crate::sim::seed::rng::{hash, mix};

/// Everybody's notebooks, the limits on them, and the copies under way.
#[derive(Debug)]
pub(in crate::sim::graph) struct Notes {
    pub(super) shelves: RwLock<HashMap<String, Shelf>>,
    pub(in crate::sim::graph) limits: NoteLimits,
    pub(super) operations: Mutex<HashMap<String, Operation>>,
}

/// One person's OneNote.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) oid: String,
    pub(super) upn: String,
    pub(super) name: String,
    pub(super) notebooks: Vec<Notebook>,
    pub(super) groups: Vec<Group>,
    pub(super) sections: Vec<Section>,
    pub(super) pages: Vec<Page>,
    /// Ids of pages that are gone.
    pub(super) gone: Vec<String>,
    made: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Notebook {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) shared: bool,
    pub(super) modified: DateTime<Utc>,
}

/// A section group.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) notebook: String,
    pub(super) modified: DateTime<Utc>,
}

#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) notebook: String,
    pub(super) group: Option<String>,
    pub(super) locked: bool,
    pub(super) modified: DateTime<Utc>,
}

#[derive(Clone, Debug)]
pub(super) struct Page {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) section: String,
    pub(super) level: u8,
    pub(super) created: DateTime<Utc>,
    pub(super) modified: DateTime<Utc>,
    pub(super) body: Vec<Piece>,
    /// Counts edits; generated ids are good for one of them.
    pub(super) revision: u64,
}

/// A copy that goes on by itself.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) oid: String,
    pub(super) created: DateTime<Utc>,
    /// The page that is made.
    pub(super) page: String,
    /// It is done from the second look on.
    pub(super) looks: u32,
}

impl Notes {
    pub(in crate::sim::graph) fn new(seeded: Vec<SeededNotes>) -> Self {
        let shelves = seeded.into_iter().map(|one| (one.oid.clone(), Shelf::new(one)));
        Self {
            shelves: RwLock::new(shelves.collect()),
            limits: NoteLimits::default(),
            operations: Mutex::default(),
        }
    }
}

impl Shelf {
    fn new(seeded: SeededNotes) -> Self {
        let SeededNotes { oid, upn, name, notebooks } = seeded;
        let mut shelf = Self {
            oid,
            upn,
            name,
            notebooks: Vec::new(),
            groups: Vec::new(),
            sections: Vec::new(),
            pages: Vec::new(),
            gone: Vec::new(),
            made: 0,
        };
        for book in notebooks {
            shelf.take(book);
        }
        shelf
    }

    fn take(&mut self, book: SeededNotebook) {
        let newest = |times: &mut dyn Iterator<Item = DateTime<Utc>>| times.max().unwrap_or_default();
        let notebook = self.container_id();
        let modified = newest(&mut book.sections.iter().flat_map(|s| s.pages.iter().map(|p| p.modified)));
        self.notebooks.push(Notebook {
            id: notebook.clone(),
            name: book.name.to_owned(),
            shared: book.shared,
            modified,
        });
        for seeded in book.sections {
            let group = seeded.group.map(|name| self.group(&notebook, name, modified));
            let section = self.container_id();
            self.sections.push(Section {
                id: section.clone(),
                name: seeded.name.to_owned(),
                notebook: notebook.clone(),
                group,
                locked: seeded.locked,
                modified: newest(&mut seeded.pages.iter().map(|p| p.modified)).max(modified),
            });
            for page in seeded.pages {
                let made = Page {
                    id: self.page_id(),
                    title: page.title.into_owned(),
                    section: section.clone(),
                    level: page.level,
                    created: page.modified,
                    modified: page.modified,
                    body: html::body(&html::fragment(&page.body)),
                    revision: 0,
                };
                self.pages.push(made);
            }
        }
    }

    fn group(&mut self, notebook: &str, name: &str, modified: DateTime<Utc>) -> String {
        let known = self.groups.iter().find(|group| group.notebook == notebook && group.name == name);
        if let Some(known) = known {
            return known.id.clone();
        }
        let id = self.container_id();
        let (name, notebook) = (name.to_owned(), notebook.to_owned());
        self.groups.push(Group { id: id.clone(), name, notebook, modified });
        id
    }

    fn number(&mut self) -> u64 {
        self.made += 1;
        mix(hash(self.oid.as_bytes()) ^ (self.made << 20))
    }

    /// `1-{guid}`.
    pub(super) fn container_id(&mut self) -> String {
        format!("1-{}", guid(self.number()))
    }

    /// `1-{32 hex}!{n}-{guid}`.
    pub(super) fn page_id(&mut self) -> String {
        let number = self.number();
        format!("1-{}!{}-{}", guid(!number).replace('-', ""), self.made, guid(number))
    }

    pub(super) fn notebook(&self, id: &str) -> Result<&Notebook, GraphError> {
        self.notebooks.iter().find(|one| one.id == id).ok_or_else(|| absent(id))
    }

    pub(super) fn section(&self, id: &str) -> Result<&Section, GraphError> {
        self.sections.iter().find(|one| one.id == id).ok_or_else(|| absent(id))
    }

    pub(super) fn page(&self, id: &str) -> Result<&Page, GraphError> {
        if self.gone.iter().any(|gone| gone == id) {
            return Err(deleted());
        }
        self.pages.iter().find(|one| one.id == id).ok_or_else(|| absent(id))
    }

    /// Notes that something was written in a section.
    pub(super) fn touch(&mut self, section: &str, now: DateTime<Utc>) {
        let Some(section) = self.sections.iter_mut().find(|one| one.id == section) else { return };
        section.modified = now;
        if let Some(book) = self.notebooks.iter_mut().find(|book| book.id == section.notebook) {
            book.modified = now;
        }
    }
}

/// What has the form of an id is looked for; anything else is none.
fn absent(id: &str) -> GraphError {
    let fits = id.strip_prefix("1-").is_some_and(|rest| rest.len() >= 36 && rest.is_ascii());
    if fits { no_resource() } else { malformed_id() }
}

/// A GUID from a number.
pub(super) fn guid(number: u64) -> String {
    uuid::Uuid::from_u64_pair(mix(number), mix(!number)).to_string()
}
