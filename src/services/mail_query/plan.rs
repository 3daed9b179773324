//! The planner: filters in, Graph requests out. Pure.
//!
//! Dates, sender and flags alone are a `$filter` (engine A). Words, recipients and participants are a KQL `$search`
//! (engine B), which knows whole UTC days only and no order, so its answers are checked again here. Ranking by
//! relevance is `/search/query` (engine C).

use super::args::{Filters, Order};
use super::message::LIST_SELECT;
use super::post::{PostFilter, is_address};
use super::window::Window;
use crate::graph::encode::{Target, kql_phrase, kql_term, odata, search, segment};
use crate::services::time::utc_text;
use crate::tools::error::ToolError;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// How Graph is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Engine {
    Filter,
    Search,
    GraphSearch,
}

/// A folder to look in: the path segment Graph takes and the name to show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Folder {
    pub(super) id: String,
    pub(super) name: String,
}

/// What will be asked.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) engine: Engine,
    pub(super) window: Window,
    pub(super) folder: Option<Folder>,
    pub(super) order: Order,
    /// Search conditions without the period.
    terms: Vec<String>,
    filter: Vec<String>,
    pub(super) post: PostFilter,
    /// Checks of the pass over the dated window that finds words hidden behind Korean particles.
    pub(super) scan: Option<PostFilter>,
    /// Without a hit, words inside words may be the reason: the window is worth a pass.
    pub(super) worth_a_scan: bool,
    recipients: bool,
    pub(super) bodies: bool,
}

/// Decides over engine and conditions.
pub(super) fn plan(
    filters: &Filters,
    window: Window,
    folder: Option<Folder>,
    blocked: &[String],
    bodies: bool,
) -> Result<Plan, ToolError> {
    exclusive(filters)?;
    let sender = filters.sender_address.as_deref();
    let searched = filters.wanted().next().is_some()
        || !filters.keyword_filter.not_keywords.is_empty()
        || filters.subject_contains.is_some()
        || filters.recipient_address.is_some()
        || !filters.conversation_with.is_empty()
        || sender.is_some_and(|sender| !is_address(sender.trim()));
    let engine = match (filters.order, searched) {
        (Order::Relevance, false) => {
            return Err(ToolError::invalid(
                "order",
                "`order: relevance` needs a keyword, a subject or a person.",
            ));
        }
        (Order::Relevance, true) => {
            if filters.recipient_address.is_some() || folder.is_some() || filters.folder.is_some() {
                let text = "`order: relevance` searches all folders; it takes neither `folder` nor `recipient_address`.";
                return Err(ToolError::invalid("order", text));
            }
            Engine::GraphSearch
        }
        (Order::Newest | Order::Oldest, true) => Engine::Search,
        (Order::Newest | Order::Oldest, false) => Engine::Filter,
    };
    // Mail to somebody is mail the user sent.
    let sent = filters.recipient_address.is_some() && folder.is_none() && engine == Engine::Search;
    let folder = if sent {
        Some(Folder { id: "sentitems".to_owned(), name: "Sent Items".to_owned() })
    } else {
        folder
    };
    let post = match engine {
        Engine::Filter => PostFilter { blocked: blocked.to_vec(), ..PostFilter::default() },
        Engine::Search => PostFilter::of_search(filters, window, blocked),
        // Hits carry no recipients: those conditions rest with the search.
        Engine::GraphSearch => {
            PostFilter { people: Vec::new(), ..PostFilter::of_search(filters, window, blocked) }
        }
    };
    let words = || filters.wanted().chain(filters.subject_contains.as_deref());
    let hidden = engine == Engine::Search && words().any(is_short_korean);
    let inside = filters.subject_contains.is_some() || words().any(|word| word.chars().any(is_hangul));
    Ok(Plan {
        engine,
        window,
        folder,
        order: filters.order,
        terms: if engine == Engine::Filter { Vec::new() } else { terms(filters)? },
        filter: flags(filters),
        scan: hidden.then(|| post.clone().with_keywords(filters)),
        post,
        worth_a_scan: engine == Engine::Search && !hidden && inside,
        recipients: filters.recipient_address.is_some() || !filters.conversation_with.is_empty(),
        bodies,
    })
}

fn exclusive(filters: &Filters) -> Result<(), ToolError> {
    let given = [
        (filters.sender_address.is_some(), "sender_address"),
        (filters.recipient_address.is_some(), "recipient_address"),
        (!filters.conversation_with.is_empty(), "conversation_with"),
    ];
    let names: Vec<_> = given.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
    if let [first, second, ..] = names.as_slice() {
        let text = format!(
            "`{first}` and `{second}` cannot be combined. Use `conversation_with` for both directions, or one of them."
        );
        return Err(ToolError::invalid(second, text));
    }
    Ok(())
}

/// Words of one or two syllables hide behind particles from Exchange's word breaker.
fn is_short_korean(term: &str) -> bool {
    let term = term.trim();
    let syllables = term.chars().count();
    (1..=2).contains(&syllables) && term.chars().all(is_hangul)
}

fn is_hangul(c: char) -> bool {
    ('가'..='힣').contains(&c)
}

/// Conditions that both kinds of listing can put into a `$filter`.
fn flags(filters: &Filters) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(sender) = filters.sender_address.as_deref().map(str::trim).filter(|sender| is_address(sender))
    {
        out.push(format!("from/emailAddress/address eq {}", odata(sender)));
    }
    if filters.unread_only {
        out.push("isRead eq false".to_owned());
    }
    if let Some(wanted) = filters.has_attachments {
        out.push(format!("hasAttachments eq {wanted}"));
    }
    if let Some(importance) = &filters.importance {
        out.push(format!("importance eq {}", odata(importance)));
    }
    out
}

fn terms(filters: &Filters) -> Result<Vec<String>, ToolError> {
    let mut out = Vec::new();
    let person = |field: &str, property: &str, text: &str| {
        kql_phrase(text).map(|phrase| format!("{property}:{phrase}")).ok_or_else(|| unusable(field))
    };
    let word = |field: &str, text: &str| kql_term(text).ok_or_else(|| unusable(field));
    if let Some(sender) = &filters.sender_address {
        out.push(person("sender_address", "from", sender)?);
    }
    if let Some(recipient) = &filters.recipient_address {
        out.push(person("recipient_address", "recipients", recipient)?);
    }
    let people: Vec<_> = filters
        .conversation_with
        .iter()
        .map(|who| person("conversation_with", "participants", who))
        .collect::<Result<_, _>>()?;
    out.extend(any(people));
    // A subject of signs alone cannot be searched for, but is checked here all the same.
    if let Some(term) = filters.subject_contains.as_deref().and_then(kql_term) {
        out.push(format!("subject:{term}"));
    }
    for keyword in filters.all_of() {
        out.push(word("keyword", keyword)?);
    }
    let either: Vec<_> = filters
        .keyword_filter
        .or_keywords
        .iter()
        .map(|keyword| word("keyword_filter.or_keywords", keyword))
        .collect::<Result<_, _>>()?;
    out.extend(any(either));
    if let Some(wanted) = filters.has_attachments {
        out.push(format!("hasAttachments:{wanted}"));
    }
    if let Some(importance) = &filters.importance {
        out.extend(kql_phrase(importance).map(|word| format!("importance:{word}")));
    }
    for keyword in &filters.keyword_filter.not_keywords {
        out.push(format!("NOT {}", word("keyword_filter.not_keywords", keyword)?));
    }
    Ok(out)
}

fn any(mut terms: Vec<String>) -> Option<String> {
    match terms.len() {
        0 => None,
        1 => terms.pop(),
        _ => Some(format!("({})", terms.join(" OR "))),
    }
}

fn unusable(field: &str) -> ToolError {
    ToolError::invalid(field, format!("`{field}` needs at least one letter or digit to search for."))
}

impl Plan {
    /// The same with the period alone as `$filter` and everything else checked here, for mailboxes where Exchange
    /// calls the combination inefficient.
    pub(super) fn relaxed(self, filters: &Filters, blocked: &[String]) -> Self {
        let post = PostFilter { window: None, ..PostFilter::of_search(filters, self.window, blocked) };
        Self { filter: Vec::new(), post, ..self }
    }

    /// The same with a pass over the window beside the search.
    pub(super) fn with_scan(self, filters: &Filters) -> Self {
        Self { scan: Some(self.post.clone().with_keywords(filters)), ..self }
    }

    /// `$filter` over a window. `receivedDateTime` comes first, as `$orderby` demands (else `InefficientFilter`).
    pub(super) fn filter_text(&self, window: &Window) -> String {
        let mut parts = vec![format!("receivedDateTime ge {}", utc_text(window.start))];
        if let Some(end) = window.end {
            parts.push(format!("receivedDateTime lt {}", utc_text(end)));
        }
        parts.extend(self.filter.iter().cloned());
        parts.join(" and ")
    }

    /// The filter's conditions without their values, for the log.
    pub(super) fn filter_shape(&self) -> String {
        let names = self.filter.iter().filter_map(|part| part.split(' ').next());
        std::iter::once("receivedDateTime").chain(names).collect::<Vec<_>>().join(",")
    }

    /// The KQL over a window, in whole UTC days around it.
    pub(super) fn kql(&self, window: &Window) -> String {
        let mut parts = vec![format!("received>={}", window.start.date_naive())];
        if let Some(end) = window.end {
            let day_after = (end - TimeDelta::seconds(1)).date_naive() + TimeDelta::days(1);
            parts.push(format!("received<{day_after}"));
        }
        parts.extend(self.terms.iter().cloned());
        // `AND NOT` is the spelling that every version of the parser takes.
        parts.join(" AND ")
    }

    fn list(&self, top: usize) -> Target {
        let path = match &self.folder {
            Some(folder) => format!("/me/mailFolders/{}/messages", segment(&folder.id)),
            None => "/me/messages".to_owned(),
        };
        let mut select = LIST_SELECT.to_owned();
        if self.recipients {
            select.push_str(",ccRecipients,bccRecipients");
        }
        if self.bodies {
            select.push_str(",body");
        }
        Target::new(path).with("$select", &select).with("$top", &top.to_string())
    }

    /// `GET /me/messages?$filter=…&$orderby=…` (engine A).
    pub(super) fn filter_target(&self, window: &Window, top: usize) -> Target {
        let direction = if self.order == Order::Oldest { "asc" } else { "desc" };
        self.list(top)
            .with("$filter", &self.filter_text(window))
            .with("$orderby", &format!("receivedDateTime {direction}"))
    }

    /// The pass over the dated window beside a search; the words are checked here.
    pub(super) fn scan_target(&self, window: &Window, top: usize) -> Target {
        self.filter_target(window, top)
    }

    /// `GET /me/messages?$search="…"` (engine B): no `$filter`, `$orderby` or `$skip` beside it.
    pub(super) fn search_target(&self, window: &Window, top: usize) -> Target {
        self.list(top).with("$search", &search(&self.kql(window)))
    }
}

#[cfg(test)]
mod tests;
