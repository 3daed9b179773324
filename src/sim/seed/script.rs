//! Written threads, and how a post reaches the mailboxes of its people with the history quoted below.
use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::OnceLock;

use chrono::{DateTime, Duration, Utc};

use super::SeededMailbox;
use super::files::FileKind;
use super::folders::{INBOX, SENT, named};
use super::model::{Attachment, Body, Contact, Flag, Importance, Mail};
use super::people::Cast;
use super::rng::{hash, mix};
use super::text::escape;

/// A conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thread {
    pub(super) subject: &'static str,
    /// Hours before the tenant's start when it began.
    pub(super) hours_ago: i64,
    /// Folder of received copies where a mailbox has one of this name.
    pub(super) folder: &'static str,
    pub(super) posts: &'static [Post],
    pub(super) categories: &'static [&'static str],
    pub(super) importance: Importance,
    pub(super) korean: bool,
    /// Written as plain text.
    pub(super) plain: bool,
}

/// One message of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Post {
    pub(super) from: &'static str,
    pub(super) to: &'static [&'static str],
    pub(super) cc: &'static [&'static str],
    /// Hours after the post before.
    pub(super) later: i64,
    /// Before the subject, except in the first post.
    pub(super) prefix: &'static str,
    /// Paragraphs, one per line.
    pub(super) text: &'static str,
    pub(super) files: &'static [(&'static str, FileKind)],
    pub(super) unread: bool,
    pub(super) flag: Flag,
}

/// Defaults of a thread.
pub(super) const THREAD: Thread = Thread {
    subject: "",
    hours_ago: 24,
    folder: "",
    posts: &[],
    categories: &[],
    importance: Importance::Normal,
    korean: false,
    plain: false,
};

/// Defaults of a post.
pub(super) const POST: Post = Post {
    from: "",
    to: &[],
    cc: &[],
    later: 3,
    prefix: "RE: ",
    text: "",
    files: &[],
    unread: false,
    flag: Flag::None,
};

/// Puts each post into the mailbox of everyone who wrote or got it.
pub(super) fn deliver(thread: &Thread, cast: &Cast, mailboxes: &mut [SeededMailbox], now: DateTime<Utc>) {
    let conversation = hash(thread.subject.as_bytes());
    let mut at = now - Duration::hours(thread.hours_ago) - Duration::minutes((conversation % 50) as i64);
    let mut history = String::new();
    for (place, post) in thread.posts.iter().enumerate() {
        if place > 0 {
            at += Duration::hours(post.later);
        }
        let sent = at.min(now - Duration::minutes(2));
        let letter = Letter::write(thread, post, cast, &Turn { place, sent, history: &history });
        for mailbox in mailboxes.iter_mut() {
            let key = mailbox.owner.key.as_str();
            if post.from == key {
                mailbox.written.push(letter.mail(SENT, false));
            } else if post.to.contains(&key) || post.cc.contains(&key) {
                let folder =
                    if thread.folder.is_empty() { INBOX } else { named(&mailbox.folders, thread.folder) };
                mailbox.written.push(letter.mail(folder, post.unread));
            }
        }
        history = letter.quoted;
    }
}

/// When a post comes, and what came before it.
struct Turn<'a> {
    place: usize,
    sent: DateTime<Utc>,
    history: &'a str,
}

/// A post with everything resolved.
struct Letter<'a> {
    thread: &'a Thread,
    post: &'a Post,
    place: usize,
    sent: DateTime<Utc>,
    from: Contact,
    to: Vec<Contact>,
    cc: Vec<Contact>,
    subject: String,
    unique: String,
    full: String,
    /// This post and all before it, as the next one quotes them.
    quoted: String,
}

impl<'a> Letter<'a> {
    fn write(thread: &'a Thread, post: &'a Post, cast: &Cast, turn: &Turn<'_>) -> Self {
        let all = |keys: &[&str]| keys.iter().map(|k| cast.contact(k)).collect::<Vec<_>>();
        let (from, to, cc) = (cast.contact(post.from), all(post.to), all(post.cc));
        let prefix = if turn.place == 0 { "" } else { post.prefix };
        let subject = format!("{prefix}{}", thread.subject);
        let head = heading(thread, &from, &to, &subject, turn.sent);
        let write = if thread.plain { plain } else { html };
        let (unique, full, quoted) = write(post, turn.history, &head);
        Self { thread, post, place: turn.place, sent: turn.sent, from, to, cc, subject, unique, full, quoted }
    }

    fn mail(&self, folder: usize, unread: bool) -> Mail {
        let conversation = hash(self.thread.subject.as_bytes());
        let message = mix(conversation ^ (self.place as u64 + 1));
        let (full, unique) = (self.full.clone(), self.unique.clone());
        let received = folder != SENT;
        Mail {
            subject: self.subject.clone().into(),
            from: Some(self.from.clone()),
            to: self.to.clone(),
            cc: self.cc.clone(),
            bcc: Vec::new(),
            reply_to: Vec::new(),
            sent: self.sent,
            received: self.sent + Duration::seconds(if received { 2 } else { 0 }),
            folder,
            read: !unread,
            draft: false,
            focused: true,
            importance: self.thread.importance,
            flag: if received { self.post.flag } else { Flag::None },
            categories: self
                .thread
                .categories
                .iter()
                .filter(|_| received)
                .map(|c| Cow::Borrowed(*c))
                .collect(),
            conversation,
            place: self.place as u32,
            message,
            body: if self.thread.plain { Body::Text { full, unique } } else { Body::Html { full, unique } },
            attachments: self
                .post
                .files
                .iter()
                .map(|(name, kind)| Attachment::new(*name, *kind, message))
                .collect(),
            headers: vec![("Authentication-Results", "spf=pass dkim=pass dmarc=pass".to_owned())],
            preview: OnceLock::new(),
            revision: 0,
            modified: None,
        }
    }
}

/// The lines above quoted history, as Outlook writes them.
fn heading(
    thread: &Thread,
    from: &Contact,
    to: &[Contact],
    subject: &str,
    sent: DateTime<Utc>,
) -> [(&'static str, String); 4] {
    let to = to.iter().map(|c| c.name.as_ref()).collect::<Vec<_>>().join("; ");
    let from = format!("{} <{}>", from.name, from.address);
    let names = if thread.korean {
        ["보낸 사람", "보낸 날짜", "받는 사람", "제목"]
    } else {
        ["From", "Sent", "To", "Subject"]
    };
    let [a, b, c, d] = names;
    [(a, from), (b, sent.format("%Y-%m-%d %H:%M").to_string()), (c, to), (d, subject.to_owned())]
}

fn html(post: &Post, history: &str, head: &[(&str, String); 4]) -> (String, String, String) {
    let mut own = String::new();
    for line in post.text.lines() {
        // Writing to a String cannot fail.
        let _ = write!(own, "<p>{}</p>\r\n", escape(line));
    }
    let open = "<html><head>\r\n<meta http-equiv=\"Content-Type\" content=\"text/html; \
        charset=utf-8\"></head><body>\r\n<div style=\"font-family:Aptos,sans-serif; font-size:11pt\">\r\n";
    let unique = format!("{open}{own}</div></body></html>");
    let full = format!("{open}{own}</div>\r\n{history}</body></html>");
    let mut quoted = String::from(
        "<div id=\"appendonsend\"></div>\r\n<hr style=\"display:inline-block; width:98%\">\r\n<div \
            id=\"divRplyFwdMsg\">",
    );
    for (name, value) in head {
        let _ = write!(quoted, "<b>{name}:</b> {}<br>\r\n", escape(value));
    }
    let _ = write!(quoted, "</div>\r\n<div>{own}</div>\r\n{history}");
    (unique, full, quoted)
}

fn plain(post: &Post, history: &str, head: &[(&str, String); 4]) -> (String, String, String) {
    let own = post.text.replace('\n', "\r\n");
    let full = format!("{own}\r\n{history}");
    let mut quoted = String::from("\r\n________________________________\r\n");
    for (name, value) in head {
        let _ = write!(quoted, "{name}: {value}\r\n");
    }
    let _ = write!(quoted, "\r\n{own}\r\n{history}");
    (own, full, quoted)
}
