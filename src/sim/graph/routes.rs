//! Which part of Graph a path is, and whether the caller may see it.
use super::GraphState;
use super::attachments;
use super::calendar;
use super::call::{Answer, Call};
use super::delta;
use super::drive;
use super::error::GraphError;
use super::folders;
use super::mail_write;
use super::mailbox::Mailbox;
use super::members;
use super::messages::{self, READ, READ_BASIC};
use super::mime;
use super::notes;
use super::options::Options;
use super::people;
use super::places;
use super::search;
use super::teams;
use crate::sim::directory::{Access, Directory, Person};
use parking_lot::RwLock;

/// Patterns mounted one by one, so that counters can tell the routes apart.
pub(super) const PATTERNS: &[&str] = &[
    "/me",
    "/me/checkMemberObjects",
    "/me/mailboxSettings",
    "/me/mailboxSettings/{part}",
    "/me/mailFolders",
    "/me/mailFolders/{folder}",
    "/me/mailFolders/{folder}/childFolders",
    "/me/mailFolders/{folder}/messages",
    "/me/mailFolders/{folder}/messages/delta",
    "/me/mailFolders/{folder}/messages/{message}",
    "/me/messages",
    "/me/messages/{message}",
    "/me/messages/{message}/$value",
    "/me/messages/{message}/attachments",
    "/me/messages/{message}/attachments/createUploadSession",
    "/me/messages/{message}/attachments/{attachment}",
    "/me/messages/{message}/attachments/{attachment}/$value",
    "/me/messages/{message}/copy",
    "/me/messages/{message}/createForward",
    "/me/messages/{message}/createReply",
    "/me/messages/{message}/createReplyAll",
    "/me/messages/{message}/move",
    "/me/messages/{message}/send",
    "/me/sendMail",
    "/me/calendar",
    "/me/calendar/getSchedule",
    "/me/calendar/calendarView",
    "/me/calendar/events",
    "/me/calendars",
    "/me/calendars/{calendar}",
    "/me/calendars/{calendar}/calendarView",
    "/me/calendars/{calendar}/events",
    "/me/calendarView",
    "/me/calendarView/delta",
    "/me/events",
    "/me/events/{event}",
    "/me/events/{event}/instances",
    "/me/events/{event}/accept",
    "/me/events/{event}/cancel",
    "/me/events/{event}/decline",
    "/me/events/{event}/tentativelyAccept",
    "/me/onlineMeetings",
    "/me/onlineMeetings/{meeting}/transcripts",
    "/me/onlineMeetings/{meeting}/transcripts/{transcript}/content",
    "/users/{user}",
    "/users/{user}/mailboxSettings",
    "/users/{user}/mailboxSettings/{part}",
    "/users/{user}/mailFolders",
    "/users/{user}/mailFolders/{folder}",
    "/users/{user}/mailFolders/{folder}/childFolders",
    "/users/{user}/mailFolders/{folder}/messages",
    "/users/{user}/mailFolders/{folder}/messages/delta",
    "/users/{user}/mailFolders/{folder}/messages/{message}",
    "/users/{user}/messages",
    "/users/{user}/messages/{message}",
    "/users/{user}/messages/{message}/$value",
    "/users/{user}/messages/{message}/attachments",
    "/users/{user}/messages/{message}/attachments/createUploadSession",
    "/users/{user}/messages/{message}/attachments/{attachment}",
    "/users/{user}/messages/{message}/attachments/{attachment}/$value",
    "/users/{user}/messages/{message}/copy",
    "/users/{user}/messages/{message}/createForward",
    "/users/{user}/messages/{message}/createReply",
    "/users/{user}/messages/{message}/createReplyAll",
    "/users/{user}/messages/{message}/move",
    "/users/{user}/messages/{message}/send",
    "/users/{user}/sendMail",
    "/users/{user}/calendar",
    "/users/{user}/calendar/getSchedule",
    "/users/{user}/calendar/calendarView",
    "/users/{user}/calendar/events",
    "/users/{user}/calendars",
    "/users/{user}/calendars/{calendar}",
    "/users/{user}/calendars/{calendar}/calendarView",
    "/users/{user}/calendars/{calendar}/events",
    "/users/{user}/calendarView",
    "/users/{user}/events",
    "/users/{user}/events/{event}",
    "/users/{user}/events/{event}/instances",
    "/users/{user}/events/{event}/accept",
    "/users/{user}/events/{event}/cancel",
    "/users/{user}/events/{event}/decline",
    "/users/{user}/events/{event}/tentativelyAccept",
    places::PATTERN,
    "/search/query",
    "/$batch",
    "/{tail:.*}",
];

/// Whether the path counts against the limits of the mailbox.
pub(super) fn is_outlook(path: &[String]) -> bool {
    let mut segments = path.iter().map(String::as_str);
    let place = match segments.next() {
        Some("me") => segments.next(),
        Some("users") => segments.nth(1),
        Some("search") => return true,
        _ => None,
    };
    matches!(
        place,
        Some(
            "messages"
                | "mailFolders"
                | "mailboxSettings"
                | "sendMail"
                | "calendar"
                | "calendars"
                | "calendarView"
                | "events"
                | "findMeetingTimes"
        )
    )
}

/// Answers one call.
pub(super) fn dispatch(
    state: &GraphState,
    directory: &Directory,
    call: &Call<'_>,
) -> Result<Answer, GraphError> {
    let segments: Vec<&str> = call.path.iter().map(String::as_str).collect();
    if teams::is_teams(&segments) {
        return teams::dispatch(&state.teams, directory, call, &segments);
    }
    if drive::is_drive(&call.path) {
        return drive::dispatch(&state.drives, directory, call, &segments);
    }
    if notes::is_notes(&call.path) {
        return notes::dispatch(&state.notes, call, &segments);
    }
    match segments.as_slice() {
        ["me", rest @ ..] => own(state, directory, call, rest),
        ["users", id, rest @ ..] => match directory.mailbox(id) {
            Some(person) if person.oid == call.oid => own(state, directory, call, rest),
            Some(person) if rest.is_empty() => people::user(call, person, false),
            Some(owner) => delegated(state, directory, call, owner, rest),
            None if rest.is_empty() => Err(GraphError::new(
                404,
                "Request_ResourceNotFound",
                format!(
                    "Resource '{id}' does not exist or one of its queried reference-property objects \
                            are not present."
                ),
            )),
            None => Err(GraphError::new(
                404,
                "ErrorInvalidUser",
                format!("The requested user '{id}' is invalid."),
            )),
        },
        ["search", "query"] if call.method == "POST" => match search::wanted(call)? {
            search::Wanted::Messages => search::query(call, &mailbox(state, call)?.read()),
            search::Wanted::ChatMessages => teams::search(&state.teams, call),
            search::Wanted::Files => drive::search(&state.drives, directory, call),
        },
        ["search", "query"] => Err(GraphError::method()),
        ["places", kind] => places::list(call, kind),
        [first, ..] => Err(GraphError::no_segment(first)),
        [] => Err(GraphError::bad_request("Empty Path is not supported.")),
    }
}

/// The caller's mailbox.
pub(super) fn mailbox<'a>(state: &'a GraphState, call: &Call<'_>) -> Result<&'a RwLock<Mailbox>, GraphError> {
    state.mailbox(call.oid).ok_or_else(|| {
        GraphError::new(
            404,
            "MailboxNotEnabledForRESTAPI",
            "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
        )
    })
}

fn own(
    state: &GraphState,
    directory: &Directory,
    call: &Call<'_>,
    rest: &[&str],
) -> Result<Answer, GraphError> {
    let person = directory.mailbox(call.oid).ok_or_else(|| GraphError::bad_token(true))?;
    if let ["calendar" | "calendars" | "calendarView" | "events" | "findMeetingTimes", ..] = rest {
        return calendar::dispatch(state, directory, person, call, rest);
    }
    if let ["onlineMeetings", ..] = rest {
        return calendar::online_meetings(state, directory, call, rest);
    }
    if rest == ["checkMemberObjects"] {
        return members::check(call, person);
    }
    if call.method == "PATCH" && rest == ["mailboxSettings"] {
        return people::set_replies(state, call, person);
    }
    if call.method != "GET" {
        return mail_write::dispatch(state, directory, person, call, rest);
    }
    match rest {
        [] => people::user(call, person, true),
        ["mailboxSettings"] => people::mailbox_settings(state, call, person, None),
        ["mailboxSettings", part] => people::mailbox_settings(state, call, person, Some(part)),
        ["mailFolders" | "messages", ..] => mail(call, &mailbox(state, call)?.read(), rest),
        [segment, ..] => Err(GraphError::no_segment(segment)),
    }
}

/// Whose limits a request counts against: those of the mailbox that its path names, whoever asks.
pub(super) fn target<'a>(directory: &'a Directory, path: &[String], caller: &'a str) -> &'a str {
    let named = match path {
        [first, id, ..] if first == "users" => directory.mailbox(id),
        _ => None,
    };
    named.map_or(caller, |owner| &owner.oid)
}

/// The mailbox or calendar of another, as far as it is open to the caller.
fn delegated(
    state: &GraphState,
    directory: &Directory,
    call: &Call<'_>,
    owner: &Person,
    rest: &[&str],
) -> Result<Answer, GraphError> {
    let caller = directory.mailbox(call.oid).ok_or_else(|| GraphError::bad_token(true))?;
    let rights = Directory::rights(caller, owner);
    let open = match rest {
        ["messages" | "mailFolders" | "sendMail", ..] => rights.mail,
        ["calendar", "getSchedule"] => Access::None,
        ["calendar" | "calendars" | "calendarView" | "events", ..] => rights.calendar,
        _ => Access::None,
    };
    if open < if call.method == "GET" { Access::Read } else { Access::Write } {
        return Err(GraphError::access_denied());
    }
    let call = call.within(&owner.oid);
    let sends = matches!(rest, ["sendMail"] | ["messages", _, "send"]);
    if sends && !rights.send && call.granted(&mail_write::SEND) {
        return Err(mail_write::send_denied());
    }
    own(state, directory, &call, rest)
}

fn mail(call: &Call<'_>, mailbox: &Mailbox, rest: &[&str]) -> Result<Answer, GraphError> {
    if !call.granted(&READ_BASIC) {
        return Err(GraphError::access_denied());
    }
    match rest {
        ["mailFolders"] => folders::list(call, mailbox, None),
        ["mailFolders", id, rest @ ..] => {
            let folder = mailbox.folder(id)?;
            match rest {
                [] => folders::get(call, mailbox, folder),
                ["childFolders"] => folders::list(call, mailbox, Some(folder)),
                ["messages"] => messages::list(call, mailbox, Some(folder)),
                ["messages", "delta" | "delta()"] => delta::list(call, mailbox, folder),
                ["messages", message, rest @ ..] => {
                    let item = mailbox.find(call.prefer.ids, message)?;
                    if mailbox.folder_of(item.message) != folder {
                        return Err(GraphError::not_found());
                    }
                    one(call, mailbox, message, rest)
                }
                [segment, ..] => Err(GraphError::no_segment(segment)),
            }
        }
        ["messages"] => messages::list(call, mailbox, None),
        ["messages", message, rest @ ..] => one(call, mailbox, message, rest),
        _ => Err(GraphError::no_segment(rest.first().copied().unwrap_or_default())),
    }
}

fn one(call: &Call<'_>, mailbox: &Mailbox, id: &str, rest: &[&str]) -> Result<Answer, GraphError> {
    if !rest.is_empty() && !call.granted(&READ) {
        return Err(GraphError::access_denied());
    }
    let item = mailbox.find(call.prefer.ids, id)?;
    if item.attachment.is_some() {
        return Err(GraphError::not_found());
    }
    match rest {
        [] => messages::get(call, mailbox, item),
        ["$value"] => {
            Options::read(call, &[])?;
            Ok(Answer::raw(mime::CONTENT_TYPE, mime::message(&mailbox.mail(item.message)).into()))
        }
        ["attachments"] => attachments::list(call, mailbox, item),
        ["attachments", id] => attachments::get(call, mailbox, item, id),
        ["attachments", id, "$value"] => attachments::value(call, mailbox, item, id),
        [segment, ..] => Err(GraphError::no_segment(segment)),
    }
}
