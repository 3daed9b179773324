//! Runs a search on one message, over the words an index would hold.
use super::parser::{Node, Place, When, words};
use crate::sim::graph::mailbox::MailRow;
use crate::sim::graph::odata::Window;
use crate::sim::seed::model::{Contact, Mail};
use crate::sim::seed::text;

impl Node {
    /// The bounds that the top-level ANDs put on the time of receipt.
    pub(in crate::sim::graph) fn window(&self) -> Window {
        match self {
            Self::And(parts) => parts.iter().fold(Window::default(), |w, p| w.and(p.window())),
            Self::Date { when: When::Received, from, to } => Window { from: *from, to: *to },
            Self::Date { when: When::Sent, .. }
            | Self::Or(_)
            | Self::Not(_)
            | Self::Words { .. }
            | Self::HasAttachments(_)
            | Self::IsRead(_)
            | Self::IsMentioned(_)
            | Self::Size(..) => Window::default(),
        }
    }

    /// Whether the message is found.
    pub(in crate::sim::graph) fn matches(&self, row: &MailRow<'_>) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|p| p.matches(row)),
            Self::Or(parts) => parts.iter().any(|p| p.matches(row)),
            Self::Not(part) => !part.matches(row),
            Self::Words { place, words, prefix } => found(*place, words, *prefix, row.mail()),
            Self::Date { when, from, to } => {
                let at = match when {
                    When::Received => row.mailbox.received(row.ix),
                    When::Sent => row.mail().sent,
                };
                from.is_none_or(|f| at >= f) && to.is_none_or(|t| at < t)
            }
            Self::HasAttachments(yes) => row.mail().has_attachments() == *yes,
            Self::IsRead(yes) => row.mail().read == *yes,
            // Nobody is mentioned in the mail of this tenant.
            Self::IsMentioned(yes) => !yes,
            Self::Size(least, most) => {
                let size = row.mail().body.full().len() as u64;
                least.is_none_or(|l| size >= l) && most.is_none_or(|m| size <= m)
            }
        }
    }
}

fn found(place: Place, want: &[String], prefix: bool, mail: &Mail) -> bool {
    let has = |text: &str| contains(text, want, prefix);
    let any = |people: &[Contact]| people.iter().any(|c| has(&c.name) || has(&c.address));
    let from = || mail.from.as_ref().is_some_and(|c| has(&c.name) || has(&c.address));
    let body = || {
        let full = mail.body.full();
        if mail.body.is_html() { has(&text::from_html(&full)) } else { has(&full) }
    };
    match place {
        Place::Anywhere => has(&mail.subject) || from() || body(),
        Place::From => from(),
        Place::To => any(&mail.to),
        Place::Cc => any(&mail.cc),
        Place::Bcc => any(&mail.bcc),
        Place::Recipients => any(&mail.to) || any(&mail.cc) || any(&mail.bcc),
        Place::Participants => from() || any(&mail.to) || any(&mail.cc) || any(&mail.bcc),
        Place::Subject => has(&mail.subject),
        Place::Body => body(),
        Place::Attachment => mail.files().any(|(_, file)| has(&file.name)),
        Place::Category => mail.categories.iter().any(|c| has(c)),
        Place::Kind => has("email"),
        Place::Importance => has(mail.importance.word()),
    }
}

/// Whether the words of `text` hold `want` in a row.
pub(in crate::sim::graph) fn contains(text: &str, want: &[String], prefix: bool) -> bool {
    let Some((last, head)) = want.split_last() else { return false };
    let have: Vec<String> = words(text).map(str::to_lowercase).collect();
    have.windows(want.len()).any(|window| {
        let Some((end, start)) = window.split_last() else { return false };
        start == head && (end == last || (prefix && end.starts_with(last.as_str())))
    })
}
