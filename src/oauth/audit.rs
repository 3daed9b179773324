//! The audit line: what happened to whom, without tokens, addresses or contents.

use super::dpop::ProofFault;
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

/// Writes that a proof of a key was refused, and what was wrong with it. One without our nonce is how clients learn the
/// nonce, and one with a foreign key is what a thief would send.
pub(super) fn proof_refused(client: &ClientId, fault: &ProofFault) {
    if matches!(fault, ProofFault::Nonce | ProofFault::Store(_)) {
        return;
    }
    if matches!(fault, ProofFault::OtherKey) {
        return alarm("dpop_other_key", client, None);
    }
    tracing::info!(target: "audit", event = "dpop_proof_refused", client.id = %client, reason = %fault, "dpop_proof_refused");
}

/// Writes what an operator did to `subject`: a client, a grant, a user's ids, a session, a switch.
pub(crate) fn operator(name: &'static str, subject: &str) {
    tracing::info!(target: "audit", event = name, subject, "{name}");
}

/// The same for attempts that were refused.
pub(crate) fn alarm_operator(name: &'static str, subject: &str) {
    tracing::warn!(target: "audit", event = name, subject, "{name}");
}
