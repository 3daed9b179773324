//! Filters applied here after Graph answered: those a search cannot express, and those it answers too generously.

use super::args::Filters;
use super::message::{MessageView, RecipientView};
use super::window::Window;

/// Checks on fetched messages, with texts in lower case.
#[derive(Clone, Debug, Default)]
pub(super) struct PostFilter {
    pub(super) window: Option<Window>,
    pub(super) sender: Option<String>,
    pub(super) recipient: Option<String>,
    pub(super) people: Vec<String>,
    pub(super) subject: Option<String>,
    pub(super) unread: bool,
    pub(super) attachments: Option<bool>,
    pub(super) importance: Option<String>,
    pub(super) none_of: Vec<String>,
    pub(super) blocked: Vec<String>,
    /// Keywords; only checked in a pass without search.
    pub(super) all_of: Vec<String>,
    pub(super) any_of: Vec<String>,
}

impl PostFilter {
    /// Everything that can be checked on a search's results.
    pub(super) fn of_search(filters: &Filters, window: Window, blocked: &[String]) -> Self {
        let low = |text: &Option<String>| text.as_ref().map(|t| t.trim().to_lowercase());
        Self {
            window: Some(window),
            sender: low(&filters.sender_address),
            recipient: low(&filters.recipient_address),
            people: filters.conversation_with.iter().map(|p| p.trim().to_lowercase()).collect(),
            subject: low(&filters.subject_contains),
            unread: filters.unread_only,
            attachments: filters.has_attachments,
            importance: filters.importance.clone(),
            none_of: filters.keyword_filter.not_keywords.iter().map(|k| k.to_lowercase()).collect(),
            blocked: blocked.to_vec(),
            ..Self::default()
        }
    }

    /// The same with keywords, for the pass over the dated window.
    pub(super) fn with_keywords(mut self, filters: &Filters) -> Self {
        self.all_of = filters.all_of().map(str::to_lowercase).collect();
        self.any_of = filters.keyword_filter.or_keywords.iter().map(|k| k.to_lowercase()).collect();
        self
    }

    /// Names for `applied.post_filters`.
    pub(super) fn names(&self) -> Vec<&'static str> {
        let named = [
            (self.window.is_some(), "received time"),
            (self.sender.is_some(), "sender_address"),
            (self.recipient.is_some(), "recipient_address"),
            (!self.people.is_empty(), "conversation_with"),
            (self.subject.is_some(), "subject_contains"),
            (self.unread, "unread_only"),
            (self.attachments.is_some(), "has_attachments"),
            (self.importance.is_some(), "importance"),
            (!self.none_of.is_empty(), "not_keywords"),
            (!self.blocked.is_empty(), "blocked senders"),
            (!self.all_of.is_empty() || !self.any_of.is_empty(), "keywords in subject, sender and preview"),
        ];
        named.into_iter().filter(|(on, _)| *on).map(|(_, name)| name).collect()
    }

    /// Whether nothing is checked.
    pub(super) fn is_empty(&self) -> bool {
        self.names().is_empty()
    }

    /// Whether a message passes.
    pub(super) fn keeps(&self, view: &MessageView<'_>) -> bool {
        self.keeps_flags(view) && self.keeps_people(view) && self.keeps_words(view)
    }

    fn keeps_flags(&self, view: &MessageView<'_>) -> bool {
        self.window.is_none_or(|window| view.received_date_time.is_some_and(|at| window.holds(at)))
            && !(self.unread && view.is_read == Some(true))
            && self.attachments.is_none_or(|wanted| view.has_attachments.unwrap_or(false) == wanted)
            && self.importance.as_ref().is_none_or(|wanted| view.importance.eq_ignore_ascii_case(wanted))
    }

    fn keeps_people(&self, view: &MessageView<'_>) -> bool {
        let from = view.from.as_ref();
        if self.sender.as_ref().is_some_and(|wanted| !from.is_some_and(|from| is_person(from, wanted))) {
            return false;
        }
        if self.recipient.as_ref().is_some_and(|wanted| !view.recipients().any(|to| is_person(to, wanted))) {
            return false;
        }
        if !self.people.is_empty() {
            let involved = |wanted: &String| {
                from.is_some_and(|from| is_person(from, wanted))
                    || view.recipients().any(|to| is_person(to, wanted))
            };
            if !self.people.iter().any(involved) {
                return false;
            }
        }
        let sender = view.sender().to_lowercase();
        !self.blocked.iter().any(|part| !part.is_empty() && sender.contains(part.as_str()))
    }

    fn keeps_words(&self, view: &MessageView<'_>) -> bool {
        if self.subject.is_none()
            && self.none_of.is_empty()
            && self.all_of.is_empty()
            && self.any_of.is_empty()
        {
            return true;
        }
        let subject = view.subject.to_lowercase();
        if self.subject.as_ref().is_some_and(|part| !subject.contains(part.as_str())) {
            return false;
        }
        let from = view.from.as_ref().map_or("", |from| &from.email_address.name);
        let text = format!("{subject}\n{}\n{from}\n{}", &*view.body_preview, view.sender()).to_lowercase();
        let has = |word: &String| text.contains(word.as_str());
        !self.none_of.iter().any(has)
            && self.all_of.iter().all(has)
            && (self.any_of.is_empty() || self.any_of.iter().any(has))
    }
}

/// A whole address must be equal; anything else is a part of name or address.
fn is_person(person: &RecipientView<'_>, wanted: &str) -> bool {
    let address = person.email_address.address.to_lowercase();
    if is_address(wanted) {
        return address == wanted;
    }
    address.contains(wanted) || person.email_address.name.to_lowercase().contains(wanted)
}

/// Whether a text is a whole mail address rather than a name or a domain.
pub(super) fn is_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && domain.contains('.') && !text.chars().any(char::is_whitespace)
    })
}
