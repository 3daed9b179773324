//! The mail that the simulated people have: written threads that reach every participant's mailbox, a few
//! awkward messages, and generated ones for load. The same seed and moment give the same mailboxes.

pub(crate) mod bulk;
pub(crate) mod calendar;
pub(crate) mod colleagues;
mod documents;
pub(crate) mod drive;
mod english;
pub(crate) mod files;
mod folders;
mod korean;
pub(crate) mod model;
pub(crate) mod notes;
mod notices;
mod people;
pub(crate) mod rng;
mod script;
mod shared;
mod special;
pub(crate) mod teams;
#[cfg(test)]
mod tests;
pub(crate) mod text;

use chrono::{DateTime, SubsecRound as _, Utc};

use self::bulk::BulkMail;
use self::model::{Contact, Folder, Mail};
use super::directory::{Directory, Person};

/// Whose mailbox it is.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) oid: String,
    /// The part of the address before the `@`, by which scripts name people.
    pub(crate) key: String,
    pub(crate) contact: Contact,
    pub(crate) korean: bool,
}

/// One mailbox before Graph indexes it.
#[derive(Debug)]
pub(crate) struct SeededMailbox {
    pub(crate) owner: Owner,
    pub(crate) folders: Vec<Folder>,
    pub(crate) written: Vec<Mail>,
    pub(crate) bulk: Vec<BulkMail>,
}

fn owner(person: &Person) -> Owner {
    Owner {
        oid: person.oid.clone(),
        key: person.key().to_owned(),
        contact: Contact { name: person.display_name.clone().into(), address: person.mail.clone().into() },
        korean: person.locale.starts_with("ko"),
    }
}

/// Everybody who signs in.
fn owners(directory: &Directory) -> Vec<Owner> {
    directory.people.iter().map(owner).collect()
}

/// Everybody who has a mailbox.
fn all_owners(directory: &Directory) -> Vec<Owner> {
    directory.mailboxes().map(owner).collect()
}

/// A mailbox for everybody in the directory, and those that they share.
pub(crate) fn mailboxes(directory: &Directory, extra: usize, now: DateTime<Utc>) -> Vec<SeededMailbox> {
    // Graph shows whole seconds; hidden fractions would make a shown time exclude its own message.
    let now = now.trunc_subsecs(0);
    let owners = owners(directory);
    let mut mailboxes: Vec<SeededMailbox> = owners
        .iter()
        .map(|owner| {
            let folders = folders::of(owner);
            let targets = folders::for_bulk(&folders);
            let bulk = bulk::generate(owner, &targets, extra, now);
            SeededMailbox { owner: owner.clone(), folders, written: Vec::new(), bulk }
        })
        .collect();
    let cast = people::Cast::new(&all_owners(directory));
    for thread in english::THREADS.iter().chain(korean::THREADS) {
        script::deliver(thread, &cast, &mut mailboxes, now);
    }
    for mailbox in &mut mailboxes {
        notices::add(mailbox, now);
        special::add(mailbox, &cast, now);
    }
    mailboxes.extend(shared::mailboxes(directory, &cast, now));
    mailboxes
}
