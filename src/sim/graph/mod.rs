//! Graph v1.0 of the simulated tenant: people's mail, calendars, chats and files, with the rules and limits of each.

mod attachments;
mod batch;
mod calendar;
mod call;
mod control;
mod delta;
mod drive;
mod error;
mod folders;
mod gate;
mod given;
mod http;
mod ids;
mod json;
mod kql;
mod mail_write;
mod mailbox;
mod members;
mod messages;
mod mime;
mod notes;
mod odata;
mod options;
mod paging;
mod people;
mod places;
mod prefer;
mod render;
mod routes;
mod search;
mod select;
mod teams;
#[cfg(test)]
mod tests;
mod zones;

use std::collections::HashMap;

use actix_web::web;
use chrono::{DateTime, Utc};
use parking_lot::{MappedRwLockReadGuard, RwLock, RwLockReadGuard};
use serde_json::Value;

use self::drive::Drives;
use self::gate::Gate;
use self::mailbox::Mailbox;
use self::notes::Notes;
use self::teams::Teams;
use super::clock;
use super::directory::Directory;
use super::options::TenantOptions;
use super::seed;
use super::seed::calendar::Event;

/// Every mailbox of the tenant, and the limits on reading them.
#[derive(Debug)]
pub(crate) struct GraphState {
    mailboxes: HashMap<String, RwLock<Mailbox>>,
    calendars: RwLock<HashMap<String, Vec<Event>>>,
    /// What changed in each person's calendars, in order.
    calendar_journal: RwLock<HashMap<String, Vec<calendar::Change>>>,
    /// `automaticRepliesSetting` of those who have set it.
    auto_replies: RwLock<HashMap<String, Value>>,
    gate: Gate,
    teams: Teams,
    drives: Drives,
    notes: Notes,
}

impl GraphState {
    /// Seeds the mailboxes; dates count back from now.
    pub(crate) fn new(directory: &Directory, options: &TenantOptions) -> Self {
        Self::at(directory, options.extra_messages, clock::now())
    }

    /// The same, seen from a fixed moment.
    pub(crate) fn at(directory: &Directory, extra_messages: usize, now: DateTime<Utc>) -> Self {
        let seeded = seed::mailboxes(directory, extra_messages, now);
        let mailboxes =
            seeded.into_iter().map(|m| (m.owner.oid.clone(), RwLock::new(Mailbox::new(m)))).collect();
        let calendars = RwLock::new(seed::calendar::calendars(directory, now).into_iter().collect());
        let teams = Teams::new(seed::teams::teams(directory, now));
        let drives = Drives::new(directory, seed::drive::drives(directory, now));
        let notes = Notes::new(seed::notes::notes(directory, now));
        Self {
            mailboxes,
            calendars,
            calendar_journal: RwLock::default(),
            auto_replies: RwLock::default(),
            gate: Gate::new(),
            teams,
            drives,
            notes,
        }
    }

    /// The real limits again, and usage back to nothing.
    pub(crate) fn reset(&self) {
        self.gate.set(gate::Limits::default());
        self.drives.units.set(None);
        self.notes.limits.set(None);
    }

    fn events(&self, oid: &str) -> MappedRwLockReadGuard<'_, [Event]> {
        RwLockReadGuard::map(self.calendars.read(), |all| all.get(oid).map_or(&[][..], Vec::as_slice))
    }

    fn mailbox(&self, oid: &str) -> Option<&RwLock<Mailbox>> {
        self.mailboxes.get(oid)
    }
}

/// Largest body of a request: a file in one piece.
const MAX_BODY: usize = 256 << 20;

/// Mounts `/v1.0` and the control routes of its limits.
pub(crate) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/_sim/graph/limits", web::get().to(control::read))
        .route("/_sim/graph/limits", web::post().to(control::write));
    drive::configure(cfg);
    let scope = drive::PATTERNS
        .iter()
        .chain(&teams::PATTERNS)
        .chain(&notes::PATTERNS)
        .chain(&routes::PATTERNS)
        .fold(web::scope("/v1.0").app_data(web::PayloadConfig::new(MAX_BODY)), |scope, pattern| {
            scope.route(pattern, web::to(http::handle))
        });
    cfg.service(scope);
}
