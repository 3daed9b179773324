//! `createReply`, `createReplyAll` and `createForward`: a draft in the same conversation, with the history below.
use std::fmt::Write as _;

use super::super::call::Call;
use super::super::error::GraphError;
use super::super::given;
use super::input;
use crate::sim::clock;
use crate::sim::directory::Directory;
use crate::sim::seed::model::{Body, Contact, Mail};
use crate::sim::seed::text::escape;

/// The draft that `verb` makes of a message.
pub(super) fn draft(
    call: &Call<'_>,
    verb: &str,
    original: &Mail,
    (owner, drafts): (&Contact, usize),
    directory: &Directory,
) -> Result<Mail, GraphError> {
    let forward = verb == "createForward";
    let allowed: &[&str] =
        if forward { &["message", "comment", "toRecipients"] } else { &["message", "comment"] };
    let given = given::action(call.body, allowed)?;
    let get =
        |name: &str| given.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let message = get("message").map(input::nested).transpose()?;
    let comment = get("comment").map(|value| given::text("comment", value)).transpose()?;
    let has = |name: &str| message.is_some_and(|message| message.contains_key(name));
    if comment.is_some() && has("body") {
        let text = "Either a comment or the body of the message can be specified, not both.";
        return Err(GraphError::new(400, "ErrorInvalidRequest", text));
    }
    if forward && get("toRecipients").is_some() == has("toRecipients") {
        let text = "Specify the recipients either as toRecipients or in the message.";
        return Err(GraphError::new(400, "ErrorInvalidRequest", text));
    }
    let mut mail = input::blank(owner, drafts, clock::now());
    (mail.conversation, mail.place) = (original.conversation, original.place + 1);
    mail.subject = subject(original, if forward { "FW: " } else { "RE: " }).into();
    mail.body = body(original, comment.as_deref().unwrap_or_default());
    if forward {
        mail.attachments = original.files().map(|(_, file)| file.clone()).collect();
        if let Some(value) = get("toRecipients") {
            mail.to = input::people("toRecipients", value, directory)?;
        }
    } else {
        let from = original.from.iter().cloned().collect();
        mail.to = if original.reply_to.is_empty() { from } else { original.reply_to.clone() };
        if verb == "createReplyAll" {
            let others = |people: &[Contact], known: &[Contact]| -> Vec<Contact> {
                let is_new = |person: &&Contact| **person != *owner && !known.contains(*person);
                people.iter().filter(is_new).cloned().collect()
            };
            mail.to.extend(others(&original.to, &mail.to));
            mail.cc = others(&original.cc, &mail.to);
        }
    }
    if let Some(message) = message {
        input::apply(&mut mail, message, directory)?;
    }
    Ok(mail)
}

fn subject(original: &Mail, prefix: &str) -> String {
    let has = original.subject.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    if has { original.subject.to_string() } else { format!("{prefix}{}", original.subject) }
}

/// The comment, a line, who wrote what is below, and that.
fn body(original: &Mail, comment: &str) -> Body {
    let from = original.from.as_ref().map(|from| format!("{} <{}>", from.name, from.address));
    let to = original.to.iter().map(|person| person.name.as_ref()).collect::<Vec<_>>().join("; ");
    let head = [
        ("From", from.unwrap_or_default()),
        ("Sent", original.sent.format("%Y-%m-%d %H:%M").to_string()),
        ("To", to),
        ("Subject", original.subject.to_string()),
    ];
    let full = original.body.full();
    // Writing to a String cannot fail.
    if original.body.is_html() {
        let own = if comment.is_empty() { String::new() } else { format!("<p>{}</p>", escape(comment)) };
        let mut below = String::from(
            "<hr tabindex=\"-1\" style=\"display:inline-block; width:98%\"><div id=\"divRplyFwdMsg\" dir=\"ltr\">",
        );
        for (name, value) in head {
            let _ = write!(below, "<b>{name}:</b> {}<br>", escape(&value));
        }
        let _ = write!(below, "</div>{}", inner(&full));
        return Body::Html { full: input::document(&format!("{own}{below}")), unique: input::document(&own) };
    }
    let mut below = String::from("\r\n________________________________\r\n");
    for (name, value) in head {
        let _ = write!(below, "{name}: {value}\r\n");
    }
    Body::Text { full: format!("{comment}{below}\r\n{full}"), unique: comment.to_owned() }
}

fn inner(html: &str) -> &str {
    let start = html.find("<body").and_then(|at| html.get(at..)?.find('>').map(|end| at + end + 1));
    let inner = html.get(start.unwrap_or(0)..).unwrap_or_default();
    inner.split("</body>").next().unwrap_or(inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn history_keeps_the_words_of_the_original() {
        assert_eq!(inner("<html><body class=\"x\"><p>a</p></body></html>"), "<p>a</p>");
        assert_eq!(inner("<p>a</p>"), "<p>a</p>");
    }

    #[test]
    fn a_prefix_stands_once() {
        let mut mail =
            input::blank(&Contact::fixed("A", "a@contoso.example"), 0, DateTime::<chrono::Utc>::default());
        mail.subject = "re: 크레인".into();
        assert_eq!(subject(&mail, "RE: "), "re: 크레인");
        assert_eq!(subject(&mail, "FW: "), "FW: re: 크레인");
    }
}
