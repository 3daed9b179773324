//! Writing into a mailbox: what is added, changed, moved and removed keeps its place in every index, and is noted for
//! those who ask what changed.
use std::borrow::Cow;
use std::sync::OnceLock;

use super::Mailbox;
use crate::sim::clock;
use crate::sim::seed::model::{Folder, Mail};

/// One change of what a folder holds.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim::graph) struct Entry {
    pub(in crate::sim::graph) ix: u32,
    pub(in crate::sim::graph) folder: usize,
    pub(in crate::sim::graph) kind: EntryKind,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim::graph) enum EntryKind {
    Added,
    Changed,
    Removed,
}

impl Mailbox {
    /// A message more; its index.
    pub(in crate::sim::graph) fn add(&mut self, mail: Mail) -> u32 {
        let ix = self.count;
        self.count += 1;
        self.later.insert(ix, mail);
        self.enter(ix, EntryKind::Added);
        ix
    }

    /// Writes to a message, which may move it.
    pub(in crate::sim::graph) fn change(&mut self, ix: u32, write: impl FnOnce(&mut Mail)) {
        let before = self.folder_of(ix);
        self.leave(ix);
        let rebuilt = if self.stored(ix).is_none() { Some(self.bulk(ix).rebuild(&self.owner)) } else { None };
        self.later.extend(rebuilt.map(|mail| (ix, mail)));
        let stored = match self.written.get_mut(ix as usize) {
            Some(mail) => Some(mail),
            None => self.later.get_mut(&ix),
        };
        if let Some(mail) = stored {
            write(mail);
            mail.revision += 1;
            mail.modified = Some(clock::now());
            mail.preview = OnceLock::new();
        }
        if self.folder_of(ix) == before {
            self.enter(ix, EntryKind::Changed);
        } else {
            self.journal.push(Entry { ix, folder: before, kind: EntryKind::Removed });
            self.enter(ix, EntryKind::Added);
        }
    }

    /// Takes a message away for good.
    pub(in crate::sim::graph) fn remove(&mut self, ix: u32) {
        let folder = self.folder_of(ix);
        self.leave(ix);
        self.gone.insert(ix);
        self.journal.push(Entry { ix, folder, kind: EntryKind::Removed });
    }

    /// A folder more; its index.
    pub(in crate::sim::graph) fn add_folder(&mut self, name: String, parent: usize) -> usize {
        let folder = Folder { name: Cow::Owned(name), parent: Some(parent), well_known: None, hidden: false };
        self.folders.push(folder);
        self.in_folder.push(Vec::new());
        self.unread.push(0);
        self.folders.len() - 1
    }

    /// Everything noted from number `from` on.
    pub(in crate::sim::graph) fn journal(&self, from: usize) -> &[Entry] {
        self.journal.get(from..).unwrap_or_default()
    }

    fn leave(&mut self, ix: u32) {
        let (folder, read) = (self.folder_of(ix), self.is_read(ix));
        self.newest.retain(|other| *other != ix);
        if let Some(list) = self.in_folder.get_mut(folder) {
            list.retain(|other| *other != ix);
        }
        if let Some(unread) = self.unread.get_mut(folder).filter(|_| !read) {
            *unread -= 1;
        }
    }

    fn enter(&mut self, ix: u32, kind: EntryKind) {
        let (folder, read) = (self.folder_of(ix), self.is_read(ix));
        let place = |list: &[u32]| {
            let key = (self.received(ix), ix);
            list.partition_point(|other| (self.received(*other), *other) > key)
        };
        let (all, own) = (place(&self.newest), self.in_folder.get(folder).map_or(0, |list| place(list)));
        self.newest.insert(all, ix);
        if let Some(list) = self.in_folder.get_mut(folder) {
            list.insert(own, ix);
        }
        if let Some(unread) = self.unread.get_mut(folder).filter(|_| !read) {
            *unread += 1;
        }
        self.journal.push(Entry { ix, folder, kind });
    }
}
