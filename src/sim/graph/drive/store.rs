//! Drives in memory: a tree of items for each person, with versions, grants and an order of changes.

use std::sync::OnceLock;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use parking_lot::RwLock;

use super::ids;
use super::transfer::Transfers;
use super::units::Units;
use crate::sim::directory::{Directory, Person};
use crate::sim::graph::error::GraphError;
use crate::sim::seed::drive::{Kept, SeededDrive};
use crate::sim::seed::files::FileKind;

/// Everybody's drives, what is on its way to and from them, and the budget of the tenant.
#[derive(Debug)]
pub(in crate::sim::graph) struct Drives {
    pub(super) all: RwLock<Vec<Drive>>,
    pub(super) transfers: Transfers,
    pub(in crate::sim::graph) units: Units,
}

/// A person as items name them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) oid: String,
    pub(super) name: String,
    pub(super) upn: String,
}

impl Who {
    pub(super) fn of(person: &Person) -> Self {
        Self { oid: person.oid.clone(), name: person.display_name.clone(), upn: person.upn.clone() }
    }
}

/// One person's drive. Item 0 is its root.
#[derive(Debug)]
pub(super) struct Drive {
    pub(super) id: String,
    pub(super) owner: Who,
    pub(super) nodes: Vec<Node>,
    /// Number of the last change.
    pub(super) seq: u64,
}

/// The bytes of a file.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Seeded(FileKind, u64, OnceLock<Bytes>),
    Zeros(usize),
    Held(Bytes),
}

impl Content {
    pub(super) fn bytes(&self) -> Bytes {
        match self {
            Self::Seeded(kind, seed, cell) => cell.get_or_init(|| kind.make(*seed).into()).clone(),
            Self::Zeros(count) => vec![0; *count].into(),
            Self::Held(bytes) => bytes.clone(),
        }
    }

    pub(super) fn size(&self) -> usize {
        match self {
            Self::Zeros(count) => *count,
            Self::Seeded(..) | Self::Held(_) => self.bytes().len(),
        }
    }
}

/// A sharing link.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) kind: String,
    pub(super) scope: String,
    pub(super) url: String,
    pub(super) password: bool,
    pub(super) expires: Option<String>,
}

/// Who may do what with an item, besides its owner.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) id: String,
    pub(super) who: Option<Who>,
    pub(super) link: Option<Link>,
    pub(super) write: bool,
}

/// A file or a folder.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) id: String,
    pub(super) guid: String,
    pub(super) parent: Option<usize>,
    pub(super) name: String,
    pub(super) created: DateTime<Utc>,
    pub(super) modified: DateTime<Utc>,
    pub(super) by: Who,
    /// Counts every change, for `eTag`.
    pub(super) tag: u32,
    /// Counts changes of the content, for `cTag`.
    pub(super) content_tag: u32,
    pub(super) seq: u64,
    pub(super) deleted: bool,
    pub(super) locked: bool,
    /// Absent for folders.
    pub(super) content: Option<Content>,
    /// Earlier contents, oldest first.
    pub(super) versions: Vec<(DateTime<Utc>, usize, Who)>,
    pub(super) grants: Vec<Grant>,
}

impl Node {
    pub(super) fn is_folder(&self) -> bool {
        self.content.is_none()
    }

    pub(super) fn e_tag(&self) -> String {
        format!("\"{{{}}},{}\"", self.guid, self.tag)
    }

    pub(super) fn c_tag(&self) -> String {
        format!("\"c:{{{}}},{}\"", self.guid, self.content_tag)
    }
}

/// What to do when the name is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conflict {
    Fail,
    Replace,
    Rename,
}

impl Conflict {
    pub(super) fn parse(text: Option<&str>, default: Self) -> Result<Self, GraphError> {
        match text {
            None => Ok(default),
            Some("fail") => Ok(Self::Fail),
            Some("replace") => Ok(Self::Replace),
            Some("rename") => Ok(Self::Rename),
            Some(_) => Err(GraphError::new(400, "invalidRequest", "Invalid conflict behavior.")),
        }
    }
}

pub(super) fn not_found() -> GraphError {
    GraphError::new(404, "itemNotFound", "The resource could not be found.")
}

pub(super) fn denied() -> GraphError {
    GraphError::new(403, "accessDenied", "Access denied")
}

pub(super) fn name_taken() -> GraphError {
    GraphError::new(409, "nameAlreadyExists", "An item with the same name already exists under the parent")
}

pub(super) fn invalid(message: &str) -> GraphError {
    GraphError::new(400, "invalidRequest", message)
}

/// Names that OneDrive takes.
pub(super) fn check_name(name: &str) -> Result<(), GraphError> {
    let bad = name.is_empty()
        || name.chars().count() > 255
        || name.contains(['"', '*', ':', '<', '>', '?', '/', '\\', '|'])
        || name.chars().any(char::is_control)
        || name.trim() != name
        || name.ends_with('.')
        || [".lock", "CON", "PRN", "AUX", "NUL", "desktop.ini"].contains(&name)
        || name.starts_with("~$");
    if bad { Err(invalid("The provided name cannot contain invalid characters.")) } else { Ok(()) }
}

impl Drives {
    /// The seeded drives.
    pub(in crate::sim::graph) fn new(directory: &Directory, seeded: Vec<SeededDrive>) -> Self {
        let all = seeded.into_iter().filter_map(|seed| {
            let owner = Who::of(directory.by_oid(&seed.oid)?);
            Some(Drive::seeded(owner, seed, directory))
        });
        Self { all: RwLock::new(all.collect()), transfers: Transfers::default(), units: Units::default() }
    }
}

impl Drive {
    fn seeded(owner: Who, seed: SeededDrive, directory: &Directory) -> Self {
        let mut drive = Self { id: ids::drive(&owner.oid), owner: owner.clone(), nodes: Vec::new(), seq: 0 };
        let first = seed.items.iter().map(|item| item.modified).min().unwrap_or_default();
        drive.add(None, "root", None, first, &owner);
        for (number, item) in seed.items.into_iter().enumerate() {
            let (folder, name) = item.path.rsplit_once('/').unwrap_or(("", &item.path));
            let parent = drive.folders(0, folder, item.modified, &owner).unwrap_or(0);
            let content = match item.kept {
                Kept::Folder => None,
                Kept::File(kind) => Some(Content::Seeded(kind, number as u64, OnceLock::new())),
                Kept::Zeros(count) => Some(Content::Zeros(count)),
                Kept::Numbered(n) => Some(Content::Held(format!("Record number {n}.\n").into())),
            };
            let at = drive.add(Some(parent), name, content, item.modified, &owner);
            let shared = item.shared.and_then(|(key, write)| {
                let person = directory.people.iter().find(|p| p.upn.starts_with(&format!("{key}@")))?;
                Some(Grant { id: format!("aTowIy5{at}"), who: Some(Who::of(person)), link: None, write })
            });
            if let Some(node) = drive.nodes.get_mut(at) {
                node.grants.extend(shared);
                node.locked = item.locked;
            }
        }
        drive
    }

    /// Adds an item under a name that is free.
    pub(super) fn add(
        &mut self,
        parent: Option<usize>,
        name: &str,
        content: Option<Content>,
        at: DateTime<Utc>,
        by: &Who,
    ) -> usize {
        let number = self.nodes.len();
        self.seq += 1;
        self.nodes.push(Node {
            id: ids::item(&self.owner.oid, number),
            guid: ids::guid(&self.owner.oid, number),
            parent,
            name: name.to_owned(),
            created: at,
            modified: at,
            by: by.clone(),
            tag: 1,
            content_tag: 1,
            seq: self.seq,
            deleted: false,
            locked: false,
            content,
            versions: Vec::new(),
            grants: Vec::new(),
        });
        number
    }

    /// The folder at `path` below `from`, made where it is missing; `None` when a file is in the way.
    pub(super) fn folders(&mut self, from: usize, path: &str, at: DateTime<Utc>, by: &Who) -> Option<usize> {
        let mut here = from;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            here = match self.child(here, name) {
                Some(child) if self.node(child)?.is_folder() => child,
                Some(_) => return None,
                None => self.add(Some(here), name, None, at, by),
            };
        }
        Some(here)
    }

    /// An item that is there.
    pub(super) fn node(&self, at: usize) -> Option<&Node> {
        self.nodes.get(at).filter(|node| !node.deleted)
    }

    /// By id.
    pub(super) fn by_id(&self, id: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.id == id && !node.deleted)
    }

    /// Children in the order they were made.
    pub(super) fn children(&self, of: usize) -> impl Iterator<Item = usize> {
        let all = self.nodes.iter().enumerate();
        all.filter(move |(_, node)| node.parent == Some(of) && !node.deleted).map(|(at, _)| at)
    }

    /// A child by its name, whatever its case.
    pub(super) fn child(&self, of: usize, name: &str) -> Option<usize> {
        let wanted = name.to_lowercase();
        self.children(of).find(|at| self.node(*at).is_some_and(|node| node.name.to_lowercase() == wanted))
    }

    /// Steps from `from` along the names.
    pub(super) fn walk(&self, from: usize, names: &[&str]) -> Option<usize> {
        names.iter().try_fold(from, |here, name| self.child(here, name))
    }

    /// Path below the root, without a slash at either end.
    pub(super) fn path(&self, at: usize) -> String {
        let mut names: Vec<&str> = Vec::new();
        let mut here = at;
        while let Some(node) = self.nodes.get(here) {
            let Some(parent) = node.parent else { break };
            names.push(&node.name);
            here = parent;
        }
        names.reverse();
        names.join("/")
    }

    /// Bytes of a file, or of all files of a folder.
    pub(super) fn size(&self, at: usize) -> usize {
        match self.node(at).map(|node| node.content.as_ref()) {
            Some(Some(content)) => content.size(),
            Some(None) => self.children(at).map(|child| self.size(child)).sum(),
            None => 0,
        }
    }

    /// Whether `oid` may see the item (or change it).
    pub(super) fn admits(&self, oid: &str, at: usize, write: bool) -> bool {
        if self.owner.oid == oid {
            return true;
        }
        let mut here = Some(at);
        while let Some(node) = here.and_then(|at| self.nodes.get(at)) {
            let fits = |grant: &Grant| {
                (grant.write || !write) && grant.who.as_ref().is_some_and(|who| who.oid == oid)
            };
            if node.grants.iter().any(fits) {
                return true;
            }
            here = node.parent;
        }
        false
    }

    /// Whether `inner` is `outer` or below it.
    pub(super) fn is_within(&self, inner: usize, outer: usize) -> bool {
        let mut here = Some(inner);
        while let Some(at) = here {
            if at == outer {
                return true;
            }
            here = self.nodes.get(at).and_then(|node| node.parent);
        }
        false
    }

    /// Notes a change of an item.
    pub(super) fn touch(&mut self, at: usize, now: DateTime<Utc>, by: &Who) {
        self.seq += 1;
        let seq = self.seq;
        if let Some(node) = self.nodes.get_mut(at) {
            node.tag += 1;
            node.seq = seq;
            node.modified = now;
            node.by = by.clone();
        }
    }

    /// Takes an item and all below it away.
    pub(super) fn remove(&mut self, at: usize, now: DateTime<Utc>) {
        let below: Vec<usize> = self.children(at).collect();
        for child in below {
            self.remove(child, now);
        }
        self.seq += 1;
        let seq = self.seq;
        if let Some(node) = self.nodes.get_mut(at) {
            node.deleted = true;
            node.modified = now;
            node.seq = seq;
        }
    }

    /// A name that is free: `report 1.txt` beside `report.txt`.
    pub(super) fn free_name(&self, parent: usize, name: &str) -> String {
        let (stem, ending) = match name.rsplit_once('.') {
            Some((stem, ending)) => (stem, format!(".{ending}")),
            None => (name, String::new()),
        };
        let mut names = (1..).map(|n| format!("{stem} {n}{ending}"));
        names.find(|name| self.child(parent, name).is_none()).unwrap_or_default()
    }
}
