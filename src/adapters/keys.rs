//! Every key of the store, for both backends; `src/docs/STORAGE.md` is the table for people.
//!
//! Keys of one grant carry the hash tag `{g:…}` and keys of one session `{s:…}`, so that each verb on either is one
//! script in one slot of a Redis Cluster. What looks random in a key is a keyed hash, never a credential.

use crate::domain::ids::{ClientId, GrantId, SessionId, UserKey};
use crate::domain::token::{TokenHash, TokenRef};
use crate::ports::events::LogName;

/// Start of every key, for stores that are shared with other software.
const ROOT: &str = "ent";

/// All keys, as a pattern.
pub(super) const ALL: &str = "ent:*";
/// Start of every channel of the bus.
pub(super) const CHANNELS: &str = "ent:bus:";
/// Written to learn whether the store takes writes.
pub(super) const PING: &str = "ent:ping";

/// What the sealed bytes of a client are bound to; the id and digest inside bind them to their keys.
pub(super) const CLIENT_PLACE: &str = "client";

/// Starts of the keys that operators look through.
pub(super) const CLIENTS: &str = "ent:client:";
pub(super) const GRANTS: &str = "ent:{g:";
pub(super) const SESSIONS: &str = "ent:{s:";
pub(super) const USERS: &str = "ent:of:";

/// Kinds of records, as `census` counts them: name and the text that its keys contain.
pub(super) const KINDS: [(&str, &str); 25] = [
    ("clients", "ent:client:"),
    ("client folds", "ent:fold:"),
    ("flows", "ent:flow:"),
    ("decisions", "ent:decision:"),
    ("states", "ent:state:"),
    ("consents", "ent:consent:"),
    ("codes", "}:ac:"),
    ("access tokens", "}:at:"),
    ("refresh tokens", "}:rt:"),
    ("rotation answers", "}:nx:"),
    ("grants", "}:info"),
    ("last uses of grants", "}:used"),
    ("grants by user", "ent:of:"),
    ("upstream records", "ent:up:"),
    ("sessions", "}:session"),
    ("groups of sessions", "ent:crowd:"),
    ("stream logs", "}:log:"),
    ("stream heads", "}:head:"),
    ("handles", "ent:handle:"),
    ("leases", "ent:lease:"),
    ("budgets", "ent:limit:"),
    ("limits of Graph", "ent:gate:"),
    ("common records", "ent:shared:"),
    ("spent values", "ent:spent:"),
    ("traces", "ent:trace:"),
];

pub(super) fn client(id: &ClientId) -> String {
    format!("{ROOT}:client:{id}")
}

/// The public client that stands for a metadata digest.
pub(super) fn fold(digest: &str) -> String {
    format!("{ROOT}:fold:{digest}")
}

pub(super) fn flow(flow: &TokenHash) -> String {
    format!("{ROOT}:flow:{}", flow.to_text())
}

pub(super) fn decision(flow: &TokenHash) -> String {
    format!("{ROOT}:decision:{}", flow.to_text())
}

pub(super) fn state(state: &TokenHash) -> String {
    format!("{ROOT}:state:{}", state.to_text())
}

pub(super) fn consent(user: &UserKey, digest: &TokenHash) -> String {
    format!("{ROOT}:consent:{user}:{}", digest.to_text())
}

/// Start of every key of a grant.
pub(super) fn grant(grant: &GrantId) -> String {
    format!("{ROOT}:{{g:{grant}}}:")
}

pub(super) fn code(code: &TokenRef) -> String {
    format!("{}ac:{}", grant(&code.grant), code.hash.to_text())
}

pub(super) fn access(token: &TokenRef) -> String {
    format!("{}at:{}", grant(&token.grant), token.hash.to_text())
}

pub(super) fn refresh(token: &TokenRef) -> String {
    format!("{}rt:{}", grant(&token.grant), token.hash.to_text())
}

/// The sealed answer that a rotation of `token` gave.
pub(super) fn successor(token: &TokenRef) -> String {
    format!("{}nx:{}", grant(&token.grant), token.hash.to_text())
}

/// The keys of a grant's records with their expiry, as a sorted set.
pub(super) fn index(id: &GrantId) -> String {
    format!("{}keys", grant(id))
}

/// What a grant is, for its owner and the operator.
pub(super) fn info(id: &GrantId) -> String {
    format!("{}info", grant(id))
}

/// When tokens were last issued into a grant; lives as long as they do.
pub(super) fn used(id: &GrantId) -> String {
    format!("{}used", grant(id))
}

/// The grants of a user: a sorted set in Redis, the start of one key per grant elsewhere.
pub(super) fn of_user(user: &UserKey) -> String {
    format!("{ROOT}:of:{user}")
}

/// Mark of a revoked grant.
pub(super) fn dead(id: &GrantId) -> String {
    format!("{}dead", grant(id))
}

pub(super) fn upstream(user: &UserKey) -> String {
    format!("{ROOT}:up:{user}")
}

/// Start of every key of a session.
pub(super) fn of_session(id: &SessionId) -> String {
    format!("{ROOT}:{{s:{id}}}:")
}

pub(super) fn session(id: &SessionId) -> String {
    format!("{}session", of_session(id))
}

/// The sessions of a group.
pub(super) fn crowd(group: &str) -> String {
    format!("{ROOT}:crowd:{group}")
}

/// Entries of a stream: the list itself in Redis, the start of one key per entry elsewhere.
pub(super) fn log(log: LogName<'_>) -> String {
    format!("{}log:{}", of_session(log.session), log.stream)
}

/// Numbers, claim and end of a stream's log.
pub(super) fn head(log: LogName<'_>) -> String {
    format!("{}head:{}", of_session(log.session), log.stream)
}

/// Names of a session's streams.
pub(super) fn streams(id: &SessionId) -> String {
    format!("{}streams", of_session(id))
}

/// Channel of a topic.
pub(super) fn channel(topic: &str) -> String {
    format!("{CHANNELS}{topic}")
}

pub(super) fn handle(user: &UserKey, id: &str) -> String {
    format!("{ROOT}:handle:{user}:{id}")
}

pub(super) fn lease(name: &str) -> String {
    format!("{ROOT}:lease:{name}")
}

/// A request budget.
pub(super) fn limit(of: &TokenHash) -> String {
    format!("{ROOT}:limit:{}", of.to_text())
}

/// A limit of Graph that replicas share. All of it is one hash, so each verb on it is one script in one slot.
pub(super) fn gate(of: &TokenHash) -> String {
    format!("{ROOT}:gate:{}", of.to_text())
}

/// A record that all replicas share.
pub(super) fn shared(name: &str) -> String {
    format!("{ROOT}:shared:{name}")
}

/// A value that counted once.
pub(super) fn spent(value: &TokenHash) -> String {
    format!("{ROOT}:spent:{}", value.to_text())
}

/// Steps of a sign-in.
pub(super) fn trace(flow: &str) -> String {
    format!("{ROOT}:trace:{flow}")
}

/// Name of the common record at `key`.
pub(super) fn shared_name(key: &str) -> Option<&str> {
    key.strip_prefix("ent:shared:")
}

/// Tenant and object id of the user whose Entra record stands at `key`.
pub(super) fn upstream_user(key: &str) -> Option<(&str, &str)> {
    key.strip_prefix("ent:up:")?.split_once(':')
}

/// The client behind its key.
pub(super) fn client_of_key(key: &str) -> Option<ClientId> {
    key.strip_prefix(CLIENTS).map(ClientId::new)
}

/// The grant behind the key of what it is.
pub(super) fn grant_of_info(key: &str) -> Option<GrantId> {
    key.strip_prefix(GRANTS)?.strip_suffix("}:info").map(GrantId::new)
}

/// The user behind the index of their grants.
pub(super) fn user_of_key(key: &str) -> Option<UserKey> {
    let (tid, oid) = key.strip_prefix(USERS)?.split_once(':')?;
    Some(UserKey::new(tid, oid))
}

/// The user behind one entry of the index, where each grant has a key of its own.
pub(super) fn user_of_entry(key: &str) -> Option<UserKey> {
    user_of_key(key.rsplit_once(':')?.0)
}

/// Whether `key` is that of a session itself.
pub(super) fn is_session(key: &str) -> bool {
    key.ends_with("}:session")
}

/// Name of the kind that `key` belongs to.
pub(super) fn kind(key: &str) -> Option<&'static str> {
    KINDS.iter().find(|(_, mark)| key.contains(mark)).map(|(name, _)| *name)
}

/// Whether `key` is that of a code.
pub(super) fn is_code(key: &str) -> bool {
    key.contains("}:ac:")
}

/// Whether `key` is that of a lease.
pub(super) fn is_lease(key: &str) -> bool {
    key.starts_with("ent:lease:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_documented_and_told_from_the_others() {
        let page = include_str!("../docs/STORAGE.md");
        for (kind, mark) in KINDS {
            assert!(page.contains(mark), "STORAGE.md does not name the key of {kind}: {mark}");
            let sample = if mark.starts_with('}') { format!("ent:{{g:x{mark}h") } else { format!("{mark}x") };
            assert_eq!(super::kind(&sample), Some(kind));
        }
    }
}
