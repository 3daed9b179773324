//! Teams: chats and their messages, teams and their channels. Whoever is not in a chat gets nothing of it.
mod channels;
mod chats;
mod edit;
mod filter;
mod limits;
mod messages;
mod people;
mod posts;
mod presence;
mod render;
mod search;
mod write;

pub(super) use search::query as search;

use parking_lot::RwLock;
use serde_json::Value;

use self::limits::ThreadLimits;
use super::call::{Answer, Call};
use super::error::GraphError;
use super::options::Options;
use super::paging;
use crate::sim::directory::Directory;
use crate::sim::seed::colleagues::Colleague;
use crate::sim::seed::teams::{Chat, NOTES, Seeded};

/// Patterns mounted one by one, so that counters can tell the routes apart.
pub(super) const PATTERNS: [&str; 19] = [
    "/me/chats",
    "/me/joinedTeams",
    "/me/people",
    "/me/presence",
    "/users",
    "/users/{user}/chats/{chat}/messages/{message}/softDelete",
    "/communications/getPresencesByUserId",
    "/chats",
    "/chats/{chat}",
    "/chats/{chat}/members",
    "/chats/{chat}/messages",
    "/chats/{chat}/messages/{message}",
    "/chats/{chat}/messages/{message}/setReaction",
    "/teams/{team}/channels",
    "/teams/{team}/members",
    "/teams/{team}/channels/{channel}/members",
    "/teams/{team}/channels/{channel}/messages",
    "/teams/{team}/channels/{channel}/messages/{message}",
    "/teams/{team}/channels/{channel}/messages/{message}/replies",
];
/// Largest page of chats and messages.
const MAX_PAGE: usize = 50;

/// Teams of the tenant, and how often each chat was asked for.
#[derive(Debug)]
pub(super) struct Teams {
    book: RwLock<Seeded>,
    limits: ThreadLimits,
}

impl Teams {
    pub(super) fn new(seeded: Seeded) -> Self {
        Self { book: RwLock::new(seeded), limits: ThreadLimits::default() }
    }

    /// Lets a second go by for every chat, for tests that are about something else.
    #[cfg(test)]
    pub(super) fn rest(&self) {
        self.limits.forget();
    }
}

/// Whether the path is answered here.
pub(super) fn is_teams(path: &[&str]) -> bool {
    matches!(
        path,
        ["chats" | "teams" | "communications", ..]
            | ["me", "chats" | "joinedTeams" | "people" | "presence", ..]
            | ["users"]
            | ["users", _, "chats", ..]
    )
}

/// Answers one call.
pub(super) fn dispatch(
    teams: &Teams,
    directory: &Directory,
    call: &Call<'_>,
    path: &[&str],
) -> Result<Answer, GraphError> {
    if directory.by_oid(call.oid).is_none() {
        return Err(GraphError::bad_token(true));
    }
    match path {
        ["chats", id, ..] | ["users", _, "chats", id, ..] => {
            teams.limits.enter(&format!("{}|{id}", if *id == NOTES { call.oid } else { "" }))?;
        }
        ["teams", _, "channels", id, ..] => teams.limits.enter(&format!("|{id}"))?,
        _ => {}
    }
    match (call.method, path) {
        ("GET", _) => read(teams, call, path),
        ("PATCH", ["chats", id, "messages", message]) => edit::change(teams, call, id, message),
        ("POST", _) => match path {
            ["chats"] => write::start(teams, call),
            ["chats", id, "messages"] => write::send(teams, call, id),
            ["chats", id, "messages", message, "setReaction"] => edit::react(teams, call, id, message),
            ["users", user, "chats", id, "messages", message, "softDelete"] => {
                edit::delete(teams, call, user, (id, message))
            }
            ["teams", team, "channels", channel, "messages"] => {
                write::post(teams, call, (team, channel), None)
            }
            ["teams", team, "channels", channel, "messages", root, "replies"] => {
                write::post(teams, call, (team, channel), Some(root))
            }
            ["communications", "getPresencesByUserId"] => presence::of_people(call, &teams.book.read()),
            _ => Err(GraphError::method()),
        },
        _ => Err(GraphError::method()),
    }
}

fn read(teams: &Teams, call: &Call<'_>, path: &[&str]) -> Result<Answer, GraphError> {
    let book = teams.book.read();
    match path {
        ["me", "people"] => people::known(call, &book),
        ["users"] => people::users(call, &book),
        ["me", "presence"] => presence::own(call, &book),
        ["me", "chats"] => chats::list(call, &book),
        ["me", "joinedTeams"] => channels::joined(call, &book),
        ["teams", id, "channels"] => channels::list(call, &book, id),
        ["teams", id, "members"] => channels::members(call, &book, id, None),
        ["teams", id, "channels", channel, "members"] => channels::members(call, &book, id, Some(channel)),
        ["teams", id, "channels", channel, "messages"] => posts::list(call, &book, (id, channel)),
        ["teams", id, "channels", channel, "messages", root] => posts::get(call, &book, (id, channel), root),
        ["teams", id, "channels", channel, "messages", root, "replies"] => {
            posts::replies(call, &book, (id, channel), root)
        }
        ["chats", id] => chats::get(call, own(call, &book, id, &chats::READ_BASIC)?),
        ["chats", id, "members"] => chats::members(call, own(call, &book, id, &chats::READ_BASIC)?),
        ["chats", id, "messages"] => messages::list(call, own(call, &book, id, &messages::READ)?),
        ["chats", id, "messages", message] => {
            messages::get(call, own(call, &book, id, &messages::READ)?, message)
        }
        [.., segment] => Err(GraphError::no_segment(segment)),
        [] => Err(GraphError::no_segment("")),
    }
}

/// The chat behind an id, if the caller is in it.
fn own<'a>(call: &Call<'_>, book: &'a Seeded, id: &str, scopes: &[&str]) -> Result<&'a Chat, GraphError> {
    if !call.granted(scopes) {
        return Err(forbidden());
    }
    if id == NOTES {
        return book.notes.get(call.oid).ok_or_else(not_found);
    }
    if !(id.starts_with("19:") && id.contains('@')) {
        return Err(GraphError::bad_request("Bad format of conversation ID."));
    }
    let chat = book.chats.iter().find(|chat| chat.id == id).ok_or_else(not_found)?;
    if chat.has(call.oid) { Ok(chat) } else { Err(forbidden()) }
}

/// 403 of Teams: a scope is missing, or the caller is not in the chat.
fn forbidden() -> GraphError {
    GraphError::new(403, "Forbidden", "Forbidden")
}

/// 404 of Teams.
fn not_found() -> GraphError {
    GraphError::new(404, "NotFound", "NotFound")
}

/// `$top` of chats and messages, among the options that are known.
fn page_size(call: &Call<'_>, known: &[&str], default: usize) -> Result<usize, GraphError> {
    let top = Options::read(call, known)?.top;
    match top {
        Some(top) if top > MAX_PAGE => Err(GraphError::bad_request(format!(
            "Invalid page size specified: '{top}'. Must be between 1 and {MAX_PAGE} inclusive."
        ))),
        _ => Ok(top.unwrap_or(default)),
    }
}

/// One page of `rows`, made by `render`.
fn page<T>(
    call: &Call<'_>,
    context: &str,
    rows: &[T],
    size: usize,
    render: impl Fn(&T) -> Value,
) -> Result<Answer, GraphError> {
    let start = paging::position(call)?.map_or(0, |position| position.at as usize);
    let end = start.saturating_add(size);
    let shown: Vec<Value> = rows.iter().skip(start).take(size).map(render).collect();
    let context = format!("{}/v1.0/$metadata#{context}", call.origin);
    let count = Some(shown.len());
    let body = paging::page_body(call, &context, shown, (end < rows.len()).then_some(end), count);
    Ok(Answer::json(body.to_string().into_bytes()))
}

/// A person as an identity.
fn person<'a>(book: &'a Seeded, oid: &str) -> Option<&'a Colleague> {
    book.everybody.iter().find(|one| one.oid == oid)
}
