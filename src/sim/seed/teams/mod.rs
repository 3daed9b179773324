//! The teams and chats that the simulated people have: written ones with everything that makes reading them awkward,
//! many small ones for lists longer than a page, and one that is long.

mod channels;
mod chats;

pub(crate) use channels::{Channel, Team};

use chrono::{DateTime, Duration, SubsecRound as _, Utc};
use std::borrow::Cow;
use std::collections::HashMap;

use super::Directory;
use super::colleagues::{Colleague, everybody};
use super::rng::{hash, mix};

/// `chatType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChatKind {
    OneOnOne,
    Group,
    Meeting,
}

/// Who wrote a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Author {
    Person(Colleague),
    /// A bot, by its name.
    App(&'static str),
    /// Teams itself, or somebody whom Graph does not tell.
    Nobody,
}

/// A file or card below a message.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    /// What its place in the text is called; made from its number when nobody gave one.
    pub(crate) id: Option<String>,
    pub(crate) content_type: Cow<'static, str>,
    pub(crate) name: Option<Cow<'static, str>>,
    pub(crate) url: Option<String>,
    pub(crate) content: Option<String>,
}

/// One message. Its id is the millisecond of `at`, as in Teams.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    pub(crate) at: DateTime<Utc>,
    pub(crate) author: Author,
    pub(crate) body: Cow<'static, str>,
    pub(crate) html: bool,
    pub(crate) mentions: Vec<Colleague>,
    pub(crate) cards: Vec<Card>,
    /// What, and by whom.
    pub(crate) reactions: Vec<(String, Colleague)>,
    pub(crate) importance: &'static str,
    pub(crate) edited: Option<DateTime<Utc>>,
    pub(crate) deleted: Option<DateTime<Utc>>,
    /// Something that happened to the chat.
    pub(crate) event: bool,
    pub(crate) subject: Option<Cow<'static, str>>,
    /// Answers to a post of a channel, oldest first; they have none of their own.
    pub(crate) replies: Vec<Post>,
}

impl Post {
    /// A plain message.
    pub(crate) fn new(at: DateTime<Utc>, author: Author, body: impl Into<Cow<'static, str>>) -> Self {
        Self {
            at: at.trunc_subsecs(3),
            author,
            body: body.into(),
            html: true,
            mentions: Vec::new(),
            cards: Vec::new(),
            reactions: Vec::new(),
            importance: "normal",
            edited: None,
            deleted: None,
            event: false,
            subject: None,
            replies: Vec::new(),
        }
    }

    /// Its id in its chat.
    pub(crate) fn id(&self) -> String {
        self.at.timestamp_millis().to_string()
    }

    /// When it was last touched.
    pub(crate) fn modified(&self) -> DateTime<Utc> {
        self.at.max(self.edited.unwrap_or(self.at)).max(self.deleted.unwrap_or(self.at))
    }

    /// Whether a person wrote it.
    pub(crate) fn is_by(&self, oid: &str) -> bool {
        matches!(&self.author, Author::Person(person) if person.oid == oid)
    }
}

/// A chat.
#[derive(Clone, Debug)]
pub(crate) struct Chat {
    pub(crate) id: String,
    pub(crate) kind: ChatKind,
    pub(crate) topic: Option<Cow<'static, str>>,
    pub(crate) created: DateTime<Utc>,
    pub(crate) members: Vec<Colleague>,
    /// Until when each member has read; those not in it have read everything.
    pub(crate) read: HashMap<String, DateTime<Utc>>,
    /// Oldest first.
    pub(crate) posts: Vec<Post>,
}

impl Chat {
    /// Whether a person is in it.
    pub(crate) fn has(&self, oid: &str) -> bool {
        self.members.iter().any(|member| member.oid == oid)
    }
}

/// What people have in Teams.
#[derive(Clone, Debug)]
pub(crate) struct Seeded {
    pub(crate) everybody: Vec<Colleague>,
    pub(crate) chats: Vec<Chat>,
    pub(crate) teams: Vec<Team>,
    /// What each person wrote to themselves, by object id.
    pub(crate) notes: HashMap<String, Chat>,
}

/// Id of the chat with oneself, the same for everybody.
pub(crate) const NOTES: &str = "48:notes";
/// Small chats of Alice, so that her list is longer than a page.
const SMALL: usize = 50;
/// Messages of the long chat.
const LONG: usize = 1_200;

/// Teams as it is at `now`.
pub(crate) fn teams(directory: &Directory, now: DateTime<Utc>) -> Seeded {
    let now = now.trunc_subsecs(3);
    let everybody = everybody(directory);
    let cast = Cast { everybody: &everybody, now };
    let mut all = chats::written(&cast);
    all.push(long(&cast));
    all.extend((0..SMALL).map(|number| small(&cast, number)));
    let notes = directory.people.iter().map(|person| (person.oid.clone(), chats::notes(&cast, person)));
    Seeded { teams: channels::teams(&cast), chats: all, notes: notes.collect(), everybody: everybody.clone() }
}

/// Resolves the short names of the script, and its moments.
struct Cast<'a> {
    everybody: &'a [Colleague],
    now: DateTime<Utc>,
}

impl Cast<'_> {
    /// The person behind a short name; an unknown one is somebody of another company.
    fn who(&self, key: &str) -> Colleague {
        self.everybody.iter().find(|one| one.key == key).cloned().unwrap_or_else(|| Colleague {
            oid: String::new(),
            key: key.to_owned(),
            name: key.to_owned(),
            mail: format!("{}@partner.example", key.to_lowercase().replace(' ', ".")),
            title: String::new(),
        })
    }

    /// So many minutes ago.
    fn ago(&self, minutes: i64) -> DateTime<Utc> {
        self.now - Duration::minutes(minutes)
    }

    fn says(&self, key: &str, minutes: i64, body: impl Into<Cow<'static, str>>) -> Post {
        Post::new(self.ago(minutes), Author::Person(self.who(key)), body)
    }

    fn chat(&self, kind: ChatKind, topic: Option<&'static str>, people: &[&str], posts: Vec<Post>) -> Chat {
        let members: Vec<Colleague> = people.iter().map(|key| self.who(key)).collect();
        let id = chat_id(kind, &members, topic.unwrap_or_default());
        let created = posts.first().map_or(self.now, |post| post.at) - Duration::days(1);
        Chat { id, kind, topic: topic.map(Cow::Borrowed), created, members, read: HashMap::new(), posts }
    }
}

/// The id of a chat: told by its two people, or made from what it is about.
pub(crate) fn chat_id(kind: ChatKind, members: &[Colleague], about: &str) -> String {
    let mut oids: Vec<&str> = members.iter().map(|member| member.oid.as_str()).collect();
    oids.sort_unstable();
    let seed = hash(format!("{about}|{}", oids.join("|")).as_bytes());
    match kind {
        ChatKind::OneOnOne => format!("19:{}@unq.gbl.spaces", oids.join("_")),
        ChatKind::Group => format!("19:{seed:016x}{:016x}@thread.v2", mix(seed)),
        ChatKind::Meeting => format!("19:meeting_{seed:016x}{:016x}@thread.v2", mix(seed)),
    }
}

fn long(cast: &Cast<'_>) -> Chat {
    let post = |number: usize| {
        let key = if number.is_multiple_of(3) { "bob" } else { "alice" };
        let minutes = 60 * 24 * 3 + i64::try_from(LONG - number).unwrap_or(0) * 7;
        cast.says(key, minutes, format!("<p>Crane log entry {number}</p>"))
    };
    let posts = (1..=LONG).map(post).collect();
    cast.chat(ChatKind::Group, Some("Crane log"), &["alice", "bob"], posts)
}

fn small(cast: &Cast<'_>, number: usize) -> Chat {
    let start = 60 * 24 * (20 + i64::try_from(number).unwrap_or(0));
    let posts = vec![
        cast.says("carol", start + 10, format!("<p>Opening project {number:02}</p>")),
        cast.says("alice", start, format!("<p>Project {number:02} noted</p>")),
    ];
    let mut chat = cast.chat(ChatKind::Group, None, &["alice", "carol", "dave"], posts);
    chat.id = chat_id(ChatKind::Group, &chat.members, &format!("project {number}"));
    chat.topic = Some(Cow::Owned(format!("Project {number:02}")));
    chat
}
