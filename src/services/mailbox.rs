//! Shared and delegated mailboxes and calendars: which one a call is about, and whether the caller may ask for it.
//!
//! `mailbox` names it by its address, and every id and cursor that is answered from it carries that address
//! ([`Mailbox::marked`]), so that what follows finds its way without the argument. [`enter`] is the one place where both are
//! read: behind it a tool sees plain ids, and its context leads Graph requests of `/me/…` to `/users/{address}/…` (see
//! [`super::own::asker`]), binds cursors and confirmations to the mailbox, and marks what is answered.
//!
//! Microsoft decides twice: the sign-in holds the `*.Shared` permission (else 403 `insufficient_scope`), and the mailbox is
//! open to the person (else its refusal is told as such).

use super::own;
use crate::domain::mailbox::Mailbox;
use crate::domain::scope::for_others;
use crate::graph::client::GraphClient;
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::tool::Args;
use serde_json::{Value, json};

/// Arguments that hold ids of things in a mailbox. Without a mark they are of the mailbox that is named, or of one's own.
const IDS: [&str; 6] = ["id", "ids", "message_id", "thread_id", "draft_id", "event_id"];
/// Arguments that hold an id or a name, which may mean any mailbox.
const PLACES: [&str; 4] = ["folder", "parent", "move_to", "calendar"];
/// Arguments that hold cursors, which never leave their mailbox.
const CURSORS: [&str; 2] = ["cursor", "since_cursor"];

/// Input property that names a mailbox.
pub(super) fn mailbox_schema() -> Value {
    json!({"type": "string", "description": "Address of a shared mailbox"})
}

/// The same for a calendar.
pub(super) fn calendar_schema() -> Value {
    json!({"type": "string", "description": "Address of the person or mailbox whose calendar it is, if shared; one's own unless given"})
}

/// The mailboxes that the arguments of one call mean.
#[derive(Default)]
struct Meant {
    /// The first one, with its argument; `None` for one's own.
    first: Option<(&'static str, Option<Mailbox>)>,
}

impl Meant {
    /// One more argument says which mailbox; all have to agree.
    fn take(&mut self, argument: &'static str, mailbox: Option<Mailbox>) -> Result<(), ToolError> {
        let Some((before, known)) = &self.first else {
            self.first = Some((argument, mailbox));
            return Ok(());
        };
        if *known == mailbox {
            return Ok(());
        }
        let said = |mailbox: &Option<Mailbox>| {
            mailbox.as_ref().map_or_else(|| "your own mailbox".to_owned(), Mailbox::to_string)
        };
        let text = format!(
            "One call is about one mailbox: `{before}` is of {}, and `{argument}` of {}. Ids lead to their mailbox by \
             themselves: make one call for each, without `mailbox`.",
            said(known),
            said(&mailbox)
        );
        Err(ToolError::invalid(argument, text))
    }
}

/// The call, in the mailbox that it is about, and notes on a `user_id`. `args` are left with plain ids and without
/// `mailbox`.
///
/// # Errors
/// No address, mailboxes that differ, or a bearer without the permissions of `scopes` for mailboxes of others.
pub(super) async fn enter(
    graph: &GraphClient,
    context: &CallContext,
    scopes: &[&'static str],
    args: &mut Args,
) -> Result<(CallContext, Vec<String>), ToolError> {
    let notes = own::user_notes(graph, context, args).await?;
    let mut meant = Meant::default();
    if let Some(Value::String(text)) = args.remove("mailbox") {
        meant.take("mailbox", named(graph, context, &text).await?)?;
    }
    let is_named = meant.first.is_some();
    for argument in PLACES.iter().chain(&CURSORS).chain(&IDS) {
        let texts = match args.get_mut(*argument) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(all)) => all.iter_mut().filter_map(string).collect(),
            Some(_) | None => Vec::new(),
        };
        for text in texts {
            let (mailbox, plain) = Mailbox::split(text.trim());
            let plain = mailbox.is_some().then(|| plain.to_owned());
            let mailbox = foreign(graph, context, mailbox).await?;
            let is_bound = CURSORS.contains(argument) || IDS.contains(argument) && !is_named;
            if plain.is_some() || is_bound {
                meant.take(argument, mailbox)?;
            }
            if let Some(plain) = plain {
                *text = plain;
            }
        }
    }
    let mailbox = meant.first.and_then(|(_, mailbox)| mailbox);
    Ok((within(context, mailbox, scopes)?, notes))
}

/// The call, in the mailbox of one id that is no argument by itself, and that id without its mark.
///
/// # Errors
/// A bearer without the permissions of `scopes` for mailboxes of others.
pub(super) async fn of_id<'a>(
    graph: &GraphClient,
    context: &CallContext,
    scopes: &[&'static str],
    id: &'a str,
) -> Result<(CallContext, &'a str), ToolError> {
    let (mailbox, id) = Mailbox::split(id);
    let mailbox = foreign(graph, context, mailbox).await?;
    Ok((within(context, mailbox, scopes)?, id))
}

fn string(value: &mut Value) -> Option<&mut String> {
    if let Value::String(text) = value { Some(text) } else { None }
}

/// The mailbox that `mailbox` names; `None` for one's own.
async fn named(graph: &GraphClient, context: &CallContext, text: &str) -> Result<Option<Mailbox>, ToolError> {
    if own::is_own(graph, context, text).await? {
        return Ok(None);
    }
    let mailbox = Mailbox::parse(text.trim());
    mailbox.map(Some).ok_or_else(|| {
        let text = "`mailbox` takes the mail address of a shared mailbox, such as support@contoso.com.";
        ToolError::invalid("mailbox", text)
    })
}

/// Leaves out one's own.
async fn foreign(
    graph: &GraphClient,
    context: &CallContext,
    mailbox: Option<Mailbox>,
) -> Result<Option<Mailbox>, ToolError> {
    match mailbox {
        Some(mailbox) if own::is_own(graph, context, mailbox.as_str()).await? => Ok(None),
        other => Ok(other),
    }
}

fn within(
    context: &CallContext,
    mailbox: Option<Mailbox>,
    scopes: &[&'static str],
) -> Result<CallContext, ToolError> {
    if let Some(mailbox) = &mailbox {
        let others: Vec<&str> = scopes.iter().filter_map(|scope| for_others(scope)).collect();
        if !context.caller.has(&others) {
            let required = scopes.iter().copied().chain(others.iter().copied()).collect();
            let text = format!(
                "The mailbox {mailbox} is not the signed-in user's own: this needs the permission {}. Authorize again to \
                 grant it.",
                others.join(" ")
            );
            return Err(ToolError::new(ToolErrorKind::InsufficientScope { required }, text));
        }
    }
    Ok(CallContext { mailbox, ..context.clone() })
}
