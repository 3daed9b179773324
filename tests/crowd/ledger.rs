//! The ledger: what was asked, what came of it, and what nobody may ever see.

use crate::support::tenant::Tenant;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Start of every mark. Subjects are `mk`, a person, a letter for the kind of write, and a number.
const MARK: &str = "mk";

/// What a client knows of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// It was told that it is done.
    Done,
    /// Its answer was lost, or said that nobody knows: it may have happened, once.
    Open,
}

/// Figures of a row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    /// Requests, repetitions not counted.
    pub(crate) sent: u64,
    /// Those that got a right answer.
    pub(crate) answered: u64,
    /// Repetitions.
    pub(crate) retried: u64,
    /// Writes whose client never heard how they ended; below zero in a stretch that resolves those of an earlier one.
    pub(crate) open: i64,
    /// Never answered rightly, or confirmed and not there.
    pub(crate) lost: Vec<String>,
    /// There twice, or two answers where there is one.
    pub(crate) doubled: Vec<String>,
    /// Answers with another person's mark.
    pub(crate) crossed: Vec<String>,
    /// Refusals that should not be.
    pub(crate) refused: Vec<String>,
    /// Longest time in which a client got no right answer.
    pub(crate) longest: Duration,
    /// Which client that was, and what it had asked for.
    pub(crate) slowest: String,
    /// Why requests were repeated, or left open.
    pub(crate) reasons: BTreeMap<String, u64>,
    /// Right answers by what was asked.
    pub(crate) kinds: BTreeMap<String, u64>,
}

impl Figures {
    /// A client was answered, after so long.
    pub(crate) fn waited(&mut self, pause: Duration, what: impl FnOnce() -> String) {
        if pause > self.longest {
            self.longest = pause;
            self.slowest = what();
        }
    }

    /// The row's line.
    pub(crate) fn line(&self, row: &str) -> String {
        let Self { sent, answered, retried, .. } = self;
        let (lost, doubled, crossed) = (self.lost.len(), self.doubled.len(), self.crossed.len());
        let pause = self.longest.as_millis();
        format!("| {row} | {sent} | {answered} | {retried} | {lost} | {doubled} | {crossed} | {pause} |")
    }

    /// Nothing lost, nothing doubled, nothing crossed, nobody refused.
    pub(crate) fn assert_clean(&self, row: &str) {
        for (what, list) in [
            ("lost", &self.lost),
            ("doubled", &self.doubled),
            ("crossed", &self.crossed),
            ("refused wrongly", &self.refused),
        ] {
            assert!(list.is_empty(), "{row}: {} {what}:\n{}", list.len(), list.join("\n"));
        }
    }
}

/// A write under a subject of its own.
pub(crate) struct Write {
    person: &'static str,
    pub(crate) known: Known,
}

/// Figures and writes of one load.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) figures: Mutex<Figures>,
    pub(crate) writes: Mutex<BTreeMap<String, Write>>,
}

impl Ledger {
    /// Changes the figures.
    pub(crate) fn note(&self, change: impl FnOnce(&mut Figures)) {
        change(&mut self.figures.lock().unwrap());
    }

    /// The figures so far.
    pub(crate) fn figures(&self) -> Figures {
        self.figures.lock().unwrap().clone()
    }

    /// A write of `person` under a subject of its own.
    pub(crate) fn wrote(&self, person: &'static str, subject: &str, known: Known) {
        self.writes.lock().unwrap().insert(subject.to_owned(), Write { person, known });
    }

    /// Looks for marks of anybody but `person` in an answer.
    pub(crate) fn look(&self, person: &str, client: &str, text: &str) {
        let name = short(person);
        for (at, _) in text.match_indices(MARK) {
            let rest = &text[at + MARK.len()..];
            if PEOPLE.iter().map(|other| short(other)).any(|other| other != name && rest.starts_with(other)) {
                let seen: String = rest.chars().take(24).collect();
                self.note(|figures| figures.crossed.push(format!("{client}: {MARK}{seen}")));
            }
        }
    }

    /// Compares every write with what is in the mailboxes: confirmed ones are there once, open ones at most once.
    pub(crate) async fn reconcile(&self, tenant: &Tenant) {
        let mut found: BTreeMap<(&str, String), u64> = BTreeMap::new();
        for person in PEOPLE {
            let token = tenant.graph_token(person).await;
            for folder in ["drafts", "sentitems"] {
                for subject in subjects(tenant, &token, folder).await {
                    *found.entry((person, subject)).or_default() += 1;
                }
            }
        }
        let writes = self.writes.lock().unwrap();
        for (subject, write) in &*writes {
            let count = found.get(&(write.person, subject.clone())).copied().unwrap_or(0);
            let who = format!("{subject} of {}, {:?}: {count} times", write.person, write.known);
            match (count, write.known) {
                (0, Known::Done) => self.note(|figures| figures.lost.push(who)),
                (0 | 1, _) => {}
                _ => self.note(|figures| figures.doubled.push(who)),
            }
        }
    }
}

/// Who is at work. Each mailbox holds marks of its owner alone.
pub(crate) const PEOPLE: [&str; 3] =
    ["alice@contoso.example", "bob@contoso.example", "minji@contoso.example"];

/// The name in a person's marks.
fn short(person: &str) -> &str {
    person.split('@').next().unwrap_or(person)
}

/// The mark of a person's `number`th write of a kind.
pub(crate) fn mark(person: &str, kind: char, number: u64) -> String {
    format!("{MARK}{}{kind}{number:06}", short(person))
}

/// Every marked subject in a folder, page by page.
async fn subjects(tenant: &Tenant, token: &str, folder: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut target = format!("/me/mailFolders/{folder}/messages?$top=1000&$select=id,subject");
    loop {
        let page = tenant.graph_with(token, &target).await;
        let rows = page["value"].as_array().unwrap();
        let subjects = rows.iter().filter_map(|row| row["subject"].as_str());
        all.extend(subjects.filter(|subject| subject.starts_with(MARK)).map(ToOwned::to_owned));
        let Some(next) = page["@odata.nextLink"].as_str() else { return all };
        next.split_once("/v1.0").unwrap().1.clone_into(&mut target);
    }
}

/// When a client was last answered, and the longest wait for it.
pub(crate) struct Pauses {
    last: Mutex<Instant>,
}

impl Default for Pauses {
    fn default() -> Self {
        Self { last: Mutex::new(Instant::now()) }
    }
}

impl Pauses {
    /// An answer came; how long nothing had come before.
    pub(crate) fn answered(&self) -> Duration {
        let now = Instant::now();
        now - std::mem::replace(&mut *self.last.lock().unwrap(), now)
    }
}
