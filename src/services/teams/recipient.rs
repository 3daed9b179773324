//! What a caller calls a chat: a Korean name, a topic, a person's name or address. Never a guess among several.

use super::chat::{self, ChatItem};
use super::names::Names;
use super::{Desk, read_fault};
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use std::fmt::Write as _;

/// Candidates that a refusal lists.
const LISTED: usize = 8;

/// How a name fits.
#[derive(Debug)]
enum Fit<'a> {
    One(&'a ChatItem),
    Several(Vec<&'a ChatItem>),
    None,
}

/// The one chat that `name` means.
///
/// # Errors
/// `InvalidInput` when it fits several, `NotFound` when it fits none; both list chats to choose from.
pub(super) async fn chat_named(
    desk: &Desk,
    context: &CallContext,
    name: &str,
) -> Result<ChatItem, ToolError> {
    let names = Names::of(desk, context).await?;
    let (chats, cut) = chat::read(desk, context, &names, |_| false).await.map_err(read_fault)?;
    match fit(&chats, name) {
        Fit::One(chat) => Ok(chat.clone()),
        Fit::Several(found) => Err(ToolError::invalid("recipient_name", several(name, &found))),
        Fit::None => Err(ToolError::new(ToolErrorKind::NotFound, none(name, &chats, cut))),
    }
}

/// Whole names first; a part of a name only counts when nothing has that name.
fn fit<'a>(chats: &'a [ChatItem], name: &str) -> Fit<'a> {
    let wanted = folded(name);
    if wanted.is_empty() {
        return Fit::None;
    }
    let of = |holds: &dyn Fn(&str) -> bool| -> Vec<&'a ChatItem> {
        chats.iter().filter(|chat| called(chat).iter().any(|one| holds(one))).collect()
    };
    let whole = of(&|one| one == wanted);
    let found = if whole.is_empty() { of(&|one| one.contains(&wanted)) } else { whole };
    match found.as_slice() {
        [] => Fit::None,
        [one] => Fit::One(one),
        _ => Fit::Several(found),
    }
}

/// What a chat is called: people's names count for the chat with them alone.
fn called(chat: &ChatItem) -> Vec<String> {
    let mut all = vec![folded(&chat.name), folded(&chat.korean_name)];
    if chat.kind == "oneOnOne" {
        for one in &chat.people {
            all.extend([folded(&one.name), folded(&one.mail)]);
            all.extend(one.mail.split_once('@').map(|(local, _)| folded(local)));
        }
    }
    all.retain(|name| !name.is_empty());
    all
}

/// Case and white space do not matter.
pub(super) fn folded(name: &str) -> String {
    name.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn several(name: &str, found: &[&ChatItem]) -> String {
    let shown = listed(found.iter().copied());
    let more = match found.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!("\n- and {more} more"),
    };
    format!(
        "\"{}\" fits {} chats, so nothing was done. Ask which one is meant, then use its chat_id:{shown}{more}",
        printable(name),
        found.len()
    )
}

fn none(name: &str, chats: &[ChatItem], cut: bool) -> String {
    let shown = listed(chats.iter());
    let among = if cut { format!(" among the newest {}", chats.len()) } else { String::new() };
    let listed = if shown.is_empty() { String::new() } else { format!(" The newest chats:{shown}") };
    format!(
        "No chat{among} is called \"{}\", so nothing was done. List the chats, or find the person with \
         teams_find_people and use the address.{listed}",
        printable(name)
    )
}

fn listed<'a>(chats: impl Iterator<Item = &'a ChatItem>) -> String {
    let mut out = String::new();
    for chat in chats.take(LISTED) {
        let _ = write!(out, "\n- {}", chat.told());
    }
    out
}

/// A name of the caller's in a message.
fn printable(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::super::chat::Member;
    use super::*;

    fn pair(id: &str, name: &str, mail: &str, korean: &str) -> ChatItem {
        let person = Member { id: id.to_owned(), name: name.to_owned(), mail: mail.to_owned() };
        ChatItem {
            chat_id: format!("19:{id}@unq"),
            name: name.to_owned(),
            korean_name: korean.to_owned(),
            kind: "oneOnOne".to_owned(),
            people: vec![person],
            ..ChatItem::default()
        }
    }

    #[test]
    fn a_name_that_fits_several_is_never_one_of_them() {
        let group = ChatItem { kind: "group".to_owned(), ..pair("g", "Bob Baker, Carol", "", "") };
        let chats = [
            pair("b", "Bob Baker", "bob@contoso.example", "밥 베이커"),
            pair("c1", "Chris Park", "chris.park@contoso.example", ""),
            pair("c2", "Chris Park", "chris.park2@contoso.example", ""),
            group,
        ];
        let one = |name: &str| match fit(&chats, name) {
            Fit::One(chat) => chat.chat_id.clone(),
            Fit::Several(found) => found.len().to_string(),
            Fit::None => "none".to_owned(),
        };
        for name in ["Bob Baker", " bob  BAKER ", "밥 베이커", "bob@contoso.example", "bob", "베이커"]
        {
            assert_eq!(one(name), "19:b@unq", "{name}");
        }
        assert_eq!(one("baker"), "2");
        assert_eq!(one("Chris Park"), "2");
        assert_eq!(one("chris.park2@contoso.example"), "19:c2@unq");
        assert_eq!(one("chris.park"), "19:c1@unq", "the whole name of one, a part of the other");
        for name in ["Dave", "", "   ", "' or 1 eq 1", "%"] {
            assert_eq!(one(name), "none", "{name}");
        }
    }
}
