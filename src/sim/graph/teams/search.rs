//! `POST /search/query` for `chatMessage`: what was said where the caller is, newest first.
use serde_json::{Value, json};

use super::super::call::{Answer, Call};
use super::super::error::GraphError;
use super::super::kql::{self, Node, Place};
use super::super::search::Request;
use super::render::time;
use super::{Teams, forbidden, messages, person};
use crate::sim::directory::TENANT_ID;
use crate::sim::seed::colleagues::Colleague;
use crate::sim::seed::teams::{Author, Post, Seeded};
use crate::sim::seed::text;

/// Characters of a hit's text.
const SUMMARY: usize = 160;

/// A message, and where it was said.
struct Row<'a> {
    post: &'a Post,
    /// Everybody there.
    people: &'a [Colleague],
    chat: Option<&'a str>,
    /// Team and channel.
    channel: Option<(&'a str, &'a str)>,
    text: String,
}

/// Runs the one search of the request. Channels are searched with the permission to read them, else left out.
pub(in crate::sim::graph) fn query(teams: &Teams, call: &Call<'_>) -> Result<Answer, GraphError> {
    if !call.granted(&messages::READ) {
        return Err(forbidden());
    }
    let request = Request::read(call, "chatMessage")?;
    let (size, node) = (request.size()?, request.node()?);
    let book = teams.book.read();
    let mut found: Vec<Row<'_>> = rows(call, &book).filter(|row| row.holds(&node, call.oid)).collect();
    found.sort_by_key(|row| std::cmp::Reverse(row.post.at));
    let shown: Vec<Value> = found
        .iter()
        .enumerate()
        .skip(request.from)
        .take(size)
        .map(|(rank, row)| row.hit(rank + 1, &request.terms(), &book))
        .collect();
    // The total is that of the page, as the documentation of this search says.
    let body = json!({
        "@odata.context": format!("{}/v1.0/$metadata#Collection(microsoft.graph.searchResponse)", call.origin),
        "value": [{
            "searchTerms": request.terms(),
            "hitsContainers": [{
                "total": shown.len(), "moreResultsAvailable": request.from + size < found.len(), "hits": shown,
            }],
        }],
    });
    Ok(Answer::json(body.to_string().into_bytes()))
}

/// Everything that was said where the caller is.
fn rows<'a>(call: &Call<'_>, book: &'a Seeded) -> impl Iterator<Item = Row<'a>> {
    let oid = call.oid.to_owned();
    let chats =
        book.chats.iter().filter(move |chat| chat.has(&oid)).flat_map(|chat| {
            chat.posts.iter().map(|post| Row::of(post, &chat.members, Some(&chat.id), None))
        });
    let (oid, channels) = (call.oid.to_owned(), call.granted(&["ChannelMessage.Read.All"]));
    let teams = book
        .teams
        .iter()
        .filter(move |_| channels)
        .flat_map(|team| team.channels.iter().map(move |channel| (team, channel, channel.people(team))));
    let posts = teams.filter(move |(_, _, people)| people.iter().any(|one| one.oid == oid)).flat_map(
        |(team, channel, people)| {
            let all = channel.posts.iter().flat_map(|post| std::iter::once(post).chain(&post.replies));
            all.map(move |post| Row::of(post, people, None, Some((&team.id, &channel.id))))
        },
    );
    chats.chain(posts).filter(|row| !row.post.event && row.post.deleted.is_none())
}

impl<'a> Row<'a> {
    fn of(
        post: &'a Post,
        people: &'a [Colleague],
        chat: Option<&'a str>,
        channel: Option<(&'a str, &'a str)>,
    ) -> Self {
        let text = if post.html { text::from_html(&post.body) } else { post.body.to_string() };
        Self { post, people, chat, channel, text }
    }

    fn author(&self) -> Option<&'a Colleague> {
        if let Author::Person(person) = &self.post.author { Some(person) } else { None }
    }

    fn holds(&self, node: &Node, me: &str) -> bool {
        match node {
            Node::And(parts) => parts.iter().all(|part| self.holds(part, me)),
            Node::Or(parts) => parts.iter().any(|part| self.holds(part, me)),
            Node::Not(part) => !self.holds(part, me),
            Node::Words { place, words, prefix } => {
                let has = |text: &str| kql::contains(text, words, *prefix);
                let is = |one: &Colleague| has(&one.name) || has(&one.mail);
                match place {
                    Place::From => self.author().is_some_and(is),
                    // To whom is known where two people talk.
                    Place::To => {
                        let author = self.author().map_or("", |one| one.oid.as_str());
                        self.people.len() == 2 && self.people.iter().any(|one| one.oid != author && is(one))
                    }
                    Place::Anywhere => {
                        has(&self.text)
                            || self.author().is_some_and(is)
                            || self
                                .post
                                .cards
                                .iter()
                                .any(|card| card.name.as_ref().is_some_and(|name| has(name)))
                    }
                    Place::Cc
                    | Place::Bcc
                    | Place::Participants
                    | Place::Recipients
                    | Place::Subject
                    | Place::Body
                    | Place::Attachment
                    | Place::Category
                    | Place::Kind
                    | Place::Importance => false,
                }
            }
            Node::Date { from, to, .. } => {
                from.is_none_or(|from| self.post.at >= from) && to.is_none_or(|to| self.post.at < to)
            }
            Node::HasAttachments(yes) => self.post.cards.is_empty() != *yes,
            Node::IsMentioned(yes) => self.post.mentions.iter().any(|one| one.oid == me) == *yes,
            Node::IsRead(_) | Node::Size(..) => true,
        }
    }

    /// A hit tells less than a message does: no body, no attachments, and the author as mail has one.
    fn hit(&self, rank: usize, terms: &[&str], book: &Seeded) -> Value {
        let author = self.author();
        let known = author.and_then(|author| person(book, &author.oid)).or(author);
        let id = self.post.id();
        let seconds = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let identity = match self.channel {
            Some((team, channel)) => json!({ "teamId": team, "channelId": channel }),
            None => json!({}),
        };
        let hit_id = format!("AAMk{id:0>24}{rank}");
        json!({
            "rank": rank,
            "summary": summary(&self.text, terms),
            "resource": {
                "@odata.type": "#microsoft.graph.chatMessage",
                "id": id,
                "createdDateTime": seconds(self.post.at),
                "lastModifiedDateTime": seconds(self.post.modified()),
                "subject": self.post.subject.as_deref().unwrap_or_default(),
                "importance": self.post.importance,
                "webLink": format!(
                    "https://outlook.office365.com/owa/?ItemID={hit_id}&exvsurl=1&viewmodel=ReadMessageItem&t={TENANT_ID}"
                ),
                "from": {
                    "emailAddress": {
                        "name": known.map(|one| one.name.as_str()), "address": known.map(|one| one.mail.as_str()),
                    },
                },
                "channelIdentity": identity,
                "etag": time(self.post.modified()),
                "chatId": self.chat,
            },
            "hitId": hit_id,
        })
    }
}

/// The text around the first term, with the terms marked.
fn summary(text: &str, terms: &[&str]) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let words: Vec<String> = line
        .chars()
        .take(SUMMARY)
        .collect::<String>()
        .split(' ')
        .map(|word| {
            let lower = word.to_lowercase();
            let marked = terms.iter().any(|term| term.len() > 1 && lower.starts_with(&term.to_lowercase()));
            if marked { format!("<c0>{word}</c0>") } else { word.to_owned() }
        })
        .collect();
    let more = if line.chars().count() > SUMMARY { "<ddd/>" } else { "" };
    format!("{}{more}", words.join(" "))
}
