//! Chats, members and messages as Graph writes them.
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::sim::directory::TENANT_ID;
use crate::sim::seed::colleagues::Colleague;
use crate::sim::seed::teams::{Author, Card, Chat, Post};

/// A moment to the millisecond.
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// An id inside a URL.
pub(super) fn encoded(id: &str) -> String {
    percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Where Teams shows a chat.
pub(super) fn link(chat: &Chat) -> String {
    format!("https://teams.microsoft.com/l/chat/{}/0?tenantId={TENANT_ID}", encoded(&chat.id))
}

/// A member of a chat, team or channel; people of other companies have no address that is told.
pub(super) fn member(of: &str, member: &Colleague) -> Value {
    let foreign = member.oid.is_empty();
    json!({
        "@odata.type": "#microsoft.graph.aadUserConversationMember",
        "id": encoded(&format!("{of}##{}", member.mail)),
        "roles": if foreign { vec!["guest"] } else { vec!["owner"] },
        "displayName": member.name,
        "visibleHistoryStartDateTime": "0001-01-01T00:00:00Z",
        "userId": (!foreign).then_some(&member.oid),
        "email": member.mail,
        "tenantId": (!foreign).then_some(TENANT_ID),
    })
}

fn identity(person: &Colleague) -> Value {
    let kind = if person.oid.is_empty() { "federatedUser" } else { "aadUser" };
    json!({
        "@odata.type": "#microsoft.graph.teamworkUserIdentity",
        "id": (!person.oid.is_empty()).then_some(&person.oid),
        "displayName": person.name,
        "userIdentityType": kind,
    })
}

fn from(author: &Author) -> Value {
    match author {
        Author::Person(person) => json!({ "application": null, "device": null, "user": identity(person) }),
        Author::App(name) => json!({
            "user": null, "device": null,
            "application": {
                "@odata.type": "#microsoft.graph.teamworkApplicationIdentity",
                "id": "b0700000-0000-4000-8000-000000000001",
                "displayName": name,
                "applicationIdentityType": "bot",
            },
        }),
        Author::Nobody => Value::Null,
    }
}

fn kind(post: &Post) -> &'static str {
    if post.event { "systemEventMessage" } else { "message" }
}

fn body(post: &Post) -> Value {
    json!({ "contentType": if post.html { "html" } else { "text" }, "content": post.body })
}

/// `lastMessagePreview`.
pub(super) fn preview(post: &Post) -> Value {
    json!({
        "id": post.id(),
        "createdDateTime": time(post.at),
        "isDeleted": post.deleted.is_some(),
        "messageType": kind(post),
        "eventDetail": null,
        "body": body(post),
        "from": from(&post.author),
    })
}

/// Where a message stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    Chat(&'a str),
    /// `root` is the post that it answers.
    Channel {
        team: &'a str,
        channel: &'a str,
        root: Option<&'a str>,
    },
}

impl Place<'_> {
    /// The address of its messages below `$metadata#`.
    pub(super) fn context(self) -> String {
        match self {
            Self::Chat(chat) => format!("chats('{}')/messages", encoded(chat)),
            Self::Channel { team, channel, root } => {
                let below = root.map(|root| format!("('{root}')/replies")).unwrap_or_default();
                format!("teams('{team}')/channels('{}')/messages{below}", encoded(channel))
            }
        }
    }

    fn chat(&self) -> Option<&str> {
        if let Self::Chat(chat) = self { Some(chat) } else { None }
    }

    fn root(&self) -> Option<&str> {
        if let Self::Channel { root, .. } = self { *root } else { None }
    }

    fn identity(self) -> Value {
        match self {
            Self::Chat(_) => Value::Null,
            Self::Channel { team, channel, .. } => json!({ "teamId": team, "channelId": channel }),
        }
    }

    /// Teams shows posts of channels at an address of their own, and messages of chats at none.
    fn url(self, id: &str) -> Value {
        let Self::Channel { team, channel, root } = self else { return Value::Null };
        let (channel, root) = (encoded(channel), root.unwrap_or(id));
        json!(format!(
            "https://teams.microsoft.com/l/message/{channel}/{id}?groupId={team}&tenantId={TENANT_ID}&createdTime={id}&parentMessageId={root}"
        ))
    }
}

/// A message.
pub(super) fn message(place: Place<'_>, post: &Post) -> Value {
    let mentions: Vec<Value> = post
        .mentions
        .iter()
        .enumerate()
        .map(|(id, person)| {
            json!({
                "id": id,
                "mentionText": person.name,
                "mentioned": { "application": null, "device": null, "conversation": null, "user": identity(person) },
            })
        })
        .collect();
    let reactions: Vec<Value> = post
        .reactions
        .iter()
        .map(|(what, person)| {
            json!({
                "reactionType": what, "displayName": null, "reactionContentUrl": null,
                "createdDateTime": time(post.at),
                "user": { "application": null, "device": null, "user": identity(person) },
            })
        })
        .collect();
    json!({
        "id": post.id(),
        "replyToId": place.root(),
        "etag": post.modified().timestamp_millis().to_string(),
        "messageType": kind(post),
        "createdDateTime": time(post.at),
        "lastModifiedDateTime": time(post.modified()),
        "lastEditedDateTime": post.edited.map(time),
        "deletedDateTime": post.deleted.map(time),
        "subject": post.subject,
        "summary": null,
        "chatId": place.chat(),
        "importance": post.importance,
        "locale": "en-us",
        "webUrl": place.url(&post.id()),
        "channelIdentity": place.identity(),
        "from": from(&post.author),
        "body": body(post),
        "attachments": post.cards.iter().enumerate().map(card).collect::<Vec<_>>(),
        "mentions": mentions,
        "reactions": reactions,
    })
}

fn card((number, card): (usize, &Card)) -> Value {
    json!({
        "id": card.id.clone().unwrap_or_else(|| format!("5e32f195-0000-4000-8000-{:012}", number + 1)),
        "contentType": card.content_type,
        "contentUrl": card.url,
        "content": card.content,
        "name": card.name,
        "thumbnailUrl": null,
        "teamsAppId": null,
    })
}
