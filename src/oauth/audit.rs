//! The audit line: what happened to whom, without tokens, addresses or contents.

use crate::domain::ids::{ClientId, UserKey};

/// Writes one event. `user` is absent until somebody has signed in.
pub(crate) fn event(name: &'static str, client: &ClientId, user: Option<&UserKey>) {
    let (tid, oid) = user.map_or(("", ""), |u| (&*u.tid, &*u.oid));
    tracing::info!(target: "audit", event = name, client.id = %client, user.tid = tid, user.oid = oid, "{name}");
}

/// The same for events that someone should look at.
pub(super) fn alarm(name: &'static str, client: &ClientId, user: Option<&UserKey>) {
    let (tid, oid) = user.map_or(("", ""), |u| (&*u.tid, &*u.oid));
    tracing::warn!(target: "audit", event = name, client.id = %client, user.tid = tid, user.oid = oid, "{name}");
}

/// Writes what an operator did to `subject`: a client, a grant, a user's ids, a session, a switch.
pub(crate) fn operator(name: &'static str, subject: &str) {
    tracing::info!(target: "audit", event = name, subject, "{name}");
}

/// The same for attempts that were refused.
pub(crate) fn alarm_operator(name: &'static str, subject: &str) {
    tracing::warn!(target: "audit", event = name, subject, "{name}");
}
