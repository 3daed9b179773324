//! Looking for what was said: over everything by Microsoft's index, and in one chat by reading it.

use super::message::{BodyFormat, MessageItem, MessageView, render};
use super::{Desk, asker};
use crate::graph::encode::{Target, kql_phrase, kql_term, segment};
use crate::graph::error::GraphError;
use crate::graph::page::{Page, Text};
use crate::graph::request::Request;
use crate::services::answer::{clipped, line};
use crate::services::time::{local_text, utc_text};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Most hits of one request for messages of Teams.
const MAX_SIZE: usize = 25;
/// Requests of one answer.
const MAX_REQUESTS: usize = 4;
/// Characters of a neighbour of a hit.
const CONTEXT: usize = 160;

/// What is looked for; kept in cursors.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Sought {
    pub(super) keyword: String,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) since: Option<DateTime<Utc>>,
    pub(super) before: Option<DateTime<Utc>>,
    pub(super) mentions_me: bool,
    pub(super) has_attachment: Option<bool>,
}

impl Sought {
    /// Each word of the keyword, a text in quotes as a whole.
    fn terms(&self) -> Vec<&str> {
        let text = self.keyword.trim();
        match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(whole) => vec![whole],
            None => text.split_whitespace().collect(),
        }
    }

    /// The search as KQL. Days are UTC there, so they only bound it roughly. Empty when nothing is looked for.
    pub(super) fn kql(&self) -> String {
        let mut parts: Vec<String> = self.terms().into_iter().filter_map(kql_term).collect();
        let people = [("from", &self.from), ("to", &self.to)];
        let named = |(property, name): (&str, &Option<String>)| {
            Some(format!("{property}:{}", kql_phrase(name.as_deref()?)?))
        };
        parts.extend(people.into_iter().filter_map(named));
        parts.extend(self.since.map(|at| format!("sent>={}", at.date_naive())));
        parts.extend(self.before.map(|at| format!("sent<={}", at.date_naive())));
        parts.extend(self.mentions_me.then(|| "IsMentioned:true".to_owned()));
        parts.extend(self.has_attachment.map(|has| format!("hasAttachment:{has}")));
        parts.join(" ")
    }

    fn is_in_time(&self, at: DateTime<Utc>) -> bool {
        self.since.is_none_or(|since| at >= since) && self.before.is_none_or(|before| at < before)
    }

    /// Whether every word is in a text.
    fn is_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.terms().iter().all(|term| text.contains(&term.to_lowercase()))
    }
}

/// A message that was found.
#[derive(Debug, Default, Serialize)]
pub(super) struct HitItem {
    pub(super) message_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) chat_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) chat_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) team_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) channel_id: String,
    pub(super) from: String,
    pub(super) sent_local: String,
    pub(super) sent_utc: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    subject: String,
    pub(super) text: String,
    /// What was said just before and after.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) context: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    link: String,
    #[serde(skip)]
    pub(super) at: DateTime<Utc>,
    /// Place among all hits of the index, from 0.
    #[serde(skip)]
    pub(super) rank: usize,
}

/// Where to go on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Position {
    /// The index: hits given so far.
    Ranked(usize),
    /// The chat: everything newer was looked at.
    Before(DateTime<Utc>),
}

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) items: Vec<HitItem>,
    /// Messages looked at.
    pub(super) scanned: usize,
    pub(super) next: Option<Position>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    value: Vec<Part<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    #[serde(borrow, default)]
    hits_containers: Vec<Container<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container<'a> {
    #[serde(borrow, default)]
    hits: Vec<Hit<'a>>,
    #[serde(default)]
    more_results_available: bool,
}

#[derive(Deserialize)]
struct Hit<'a> {
    #[serde(borrow, default)]
    summary: Text<'a>,
    #[serde(borrow, default)]
    resource: ResourceView<'a>,
}

/// A hit tells less than a message does, and names its author as mail does.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ResourceView<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    created_date_time: Option<DateTime<Utc>>,
    #[serde(borrow)]
    subject: Text<'a>,
    #[serde(borrow)]
    web_link: Text<'a>,
    #[serde(borrow)]
    chat_id: Text<'a>,
    #[serde(borrow)]
    channel_identity: Option<ChannelView<'a>>,
    #[serde(borrow)]
    from: Option<AuthorView<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ChannelView<'a> {
    #[serde(borrow)]
    team_id: Text<'a>,
    #[serde(borrow)]
    channel_id: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AuthorView<'a> {
    #[serde(borrow)]
    email_address: Option<AddressView<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AddressView<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    address: Text<'a>,
}

impl HitItem {
    fn of(hit: &Hit<'_>, zone: Tz) -> Self {
        let found = &hit.resource;
        let at = found.created_date_time.unwrap_or_default();
        let author = found.from.as_ref().and_then(|from| from.email_address.as_ref());
        let channel = found.channel_identity.as_ref();
        let printed = |author: &AddressView<'_>| match (line(&author.name), &*author.address) {
            (name, "") => name,
            (name, address) => format!("{name} <{address}>"),
        };
        Self {
            message_id: found.id.to_string(),
            chat_id: found.chat_id.to_string(),
            team_id: channel.map(|channel| channel.team_id.to_string()).unwrap_or_default(),
            channel_id: channel.map(|channel| channel.channel_id.to_string()).unwrap_or_default(),
            from: author.map(printed).unwrap_or_default(),
            sent_local: local_text(at, zone),
            sent_utc: utc_text(at),
            subject: line(&found.subject),
            text: unmarked(&hit.summary),
            link: found.web_link.to_string(),
            at,
            ..Self::default()
        }
    }

    fn of_message(item: &MessageItem, (newer, older): (Option<&MessageItem>, Option<&MessageItem>)) -> Self {
        Self {
            message_id: item.id.clone(),
            from: item.from.clone(),
            sent_local: item.sent_local.clone(),
            sent_utc: item.sent_utc.clone(),
            subject: item.subject.clone(),
            text: item.text.clone(),
            context: older.into_iter().chain(newer).map(said).collect(),
            link: item.link.clone(),
            at: item.at,
            ..Self::default()
        }
    }
}

/// A neighbour of a hit.
fn said(item: &MessageItem) -> String {
    format!("{}: {}", item.from, clipped(line(&item.text), CONTEXT))
}

/// A summary without the marks that the index puts around the words it found.
fn unmarked(summary: &str) -> String {
    line(&summary.replace("<c0>", "").replace("</c0>", "").replace("<ddd/>", "…"))
}

/// `POST /search/query` for `chatMessage` (Chat.Read; with ChannelMessage.Read.All channels too): what was said where
/// the user is, newest first. `channels` keeps what was said in channels, else what was said in chats.
pub(super) async fn everywhere(
    desk: &Desk,
    context: &CallContext,
    sought: &Sought,
    (start, want): (usize, usize),
    (channels, zone): (bool, Tz),
) -> Result<Found, GraphError> {
    let (mut out, mut from) = (Found::default(), start);
    for _ in 0..MAX_REQUESTS {
        let body = json!({"requests": [{
            "entityTypes": ["chatMessage"], "query": {"queryString": sought.kql()}, "from": from, "size": MAX_SIZE,
        }]});
        let request = Request::teams_query(Target::new("/search/query"), Bytes::from(body.to_string()));
        let answer = desk.deps.graph.send(asker(context), request).await?;
        let answer: Answer<'_> = answer.view()?;
        let containers: Vec<&Container<'_>> =
            answer.value.iter().flat_map(|part| &part.hits_containers).collect();
        let more = containers.iter().any(|one| one.more_results_available && !one.hits.is_empty());
        for hit in containers.iter().flat_map(|container| &container.hits) {
            if out.items.len() >= want {
                out.next = Some(Position::Ranked(from));
                return Ok(out);
            }
            (from, out.scanned) = (from + 1, out.scanned + 1);
            let item = HitItem { rank: from - 1, ..HitItem::of(hit, zone) };
            let fits = item.channel_id.is_empty() != channels;
            if fits && sought.is_in_time(hit.resource.created_date_time.unwrap_or_default()) {
                out.items.push(item);
            }
        }
        if !more {
            return Ok(out);
        }
        out.next = Some(Position::Ranked(from));
    }
    Ok(out)
}

/// One chat, read from its newest message on (`GET /chats/{id}/messages`, Chat.Read): `most` messages are looked at.
/// `authors` are the people who may have said it; none: anybody.
pub(super) async fn in_chat(
    desk: &Desk,
    context: &CallContext,
    (chat, sought): (&str, &Sought),
    (want, most): (usize, usize),
    (authors, zone): (Option<&[String]>, Tz),
) -> Result<Found, ToolError> {
    let own = &*context.caller.user.oid;
    let mut target = Target::new(format!("/chats/{}/messages", segment(chat)))
        .with("$top", "50")
        .with("$orderby", "createdDateTime desc");
    if let Some(before) = sought.before {
        let at = before.to_rfc3339_opts(SecondsFormat::Millis, true);
        target = target.with("$filter", &format!("createdDateTime lt {at}"));
    }
    let (mut out, mut link, mut previous) = (Found::default(), Some(target.build()), None::<MessageItem>);
    let read = super::read_fault;
    while let Some(next) = link.take_if(|_| out.scanned < most && out.items.len() < want) {
        let request = Request::teams(next).in_thread(chat);
        let answer = desk.deps.graph.send(asker(context), request).await.map_err(read)?;
        let page: Page<'_, MessageView<'_>> = answer.view().map_err(read)?;
        let is_wanted = |view: &MessageView<'_>| {
            let by =
                authors.is_none_or(|all| all.iter().any(|one| view.author_id().eq_ignore_ascii_case(one)));
            let has = sought.has_attachment.is_none_or(|has| view.has_attachments() == has);
            by && has && (!sought.mentions_me || view.mentions(own)) && !view.is_gone()
        };
        let talk = |view: &&MessageView<'_>| {
            !view.is_event()
                && sought.since.is_none_or(|since| view.created_date_time.unwrap_or_default() >= since)
        };
        let views: Vec<&MessageView<'_>> = page.value.iter().filter(talk).collect();
        let items = views.iter().map(|view| MessageItem::of(view, own, zone)).collect();
        let items = render(items, BodyFormat::Text).await?;
        let is_over = sought.since.is_some_and(|since| {
            page.value.iter().any(|view| view.created_date_time.unwrap_or_default() < since)
        });
        for (at, (view, item)) in views.iter().zip(&items).enumerate() {
            if out.items.len() >= want {
                return Ok(out);
            }
            out.scanned += 1;
            out.next = Some(Position::Before(item.at));
            // What was said before the last message of a page stands on the next one.
            let last = previous.as_ref().filter(|_| at == 0);
            if let (Some(last), Some(hit)) = (last, out.items.last_mut())
                && hit.message_id == last.id
            {
                hit.context.insert(0, said(item));
            }
            if is_wanted(view) && sought.is_in(&item.text) {
                let newer = at.checked_sub(1).map_or(previous.as_ref(), |at| items.get(at));
                out.items.push(HitItem::of_message(item, (newer, items.get(at + 1))));
            }
        }
        previous = items.into_iter().next_back();
        link = page.next_link().filter(|_| !is_over);
    }
    if link.is_none() {
        out.next = None;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_is_one_search_whatever_is_in_it() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().ok();
        let sought = Sought {
            keyword: "도면 a:b OR \"x".to_owned(),
            from: Some("Bob \" OR from:eve".to_owned()),
            since: at("2026-03-01T20:00:00Z"),
            before: at("2026-03-31T15:00:00Z"),
            mentions_me: true,
            has_attachment: Some(false),
            ..Sought::default()
        };
        assert_eq!(
            sought.kql(),
            "도면* \"a:b*\" \"OR*\" x* from:\"Bob OR from:eve\" sent>=2026-03-01 sent<=2026-03-31 IsMentioned:true \
             hasAttachment:false"
        );
        let whole = Sought { keyword: "\"two words\"".to_owned(), ..Sought::default() };
        assert_eq!((whole.kql().as_str(), whole.is_in("a Two  words")), ("\"two words*\"", false));
        assert!(whole.is_in("in TWO WORDS"));
        assert_eq!(Sought { keyword: "\"".to_owned(), ..Sought::default() }.kql(), "");
    }

    #[test]
    fn marks_of_the_index_are_no_part_of_a_text() {
        assert_eq!(unmarked("a <c0>crane</c0>\n<b>x</b><ddd/>"), "a crane <b>x</b>…");
    }
}
