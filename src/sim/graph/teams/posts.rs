//! Posts of channels: threads by their newest word, and the answers in them.
use serde_json::{Value, json};

use super::super::call::{Answer, Call};
use super::super::error::GraphError;
use super::super::options::Options;
use super::messages::one;
use super::render::Place;
use super::{channels, forbidden, not_found, page, page_size, render};
use crate::sim::seed::teams::{Post, Seeded};

/// Page when none is asked for.
const PAGE: usize = 20;
/// Answers that come along with a post; nobody here has more.
const EXPANDED: usize = 1_000;

fn may_read(call: &Call<'_>) -> Result<(), GraphError> {
    let granted = call.granted(&["ChannelMessage.Read.All", "Group.Read.All"]);
    if granted { Ok(()) } else { Err(forbidden()) }
}

fn newest(post: &Post) -> chrono::DateTime<chrono::Utc> {
    post.replies.iter().map(Post::modified).max().map_or(post.modified(), |at| at.max(post.modified()))
}

/// `GET /teams/{id}/channels/{id}/messages`: no filter, no order, and `$expand=replies` alone.
pub(super) fn list(
    call: &Call<'_>,
    book: &Seeded,
    (team, channel): (&str, &str),
) -> Result<Answer, GraphError> {
    may_read(call)?;
    let size = page_size(call, &["$top", "$expand", "$skiptoken"], PAGE)?;
    let with_replies = match call.query.get("$expand") {
        None => false,
        Some("replies") => true,
        Some(other) => {
            return Err(GraphError::bad_request(format!(
                "Could not find a property named '{other}' on type 'microsoft.graph.chatMessage'."
            )));
        }
    };
    let (team, channel) = channels::own(call, book, team, channel)?;
    let mut rows: Vec<&Post> = channel.posts.iter().collect();
    rows.sort_by_key(|post| std::cmp::Reverse(newest(post)));
    let place = Place::Channel { team: &team.id, channel: &channel.id, root: None };
    page(call, &place.context(), &rows, size, |post| {
        let mut body = render::message(place, post);
        if let Some(members) = body.as_object_mut().filter(|_| with_replies) {
            let id = post.id();
            let place = Place::Channel { team: &team.id, channel: &channel.id, root: Some(&id) };
            let all = post.replies.iter().rev().take(EXPANDED).map(|reply| render::message(place, reply));
            members.insert("replies".to_owned(), all.collect());
            members.insert("replies@odata.count".to_owned(), json!(post.replies.len().min(EXPANDED)));
        }
        body
    })
}

/// `GET …/messages/{root}`.
pub(super) fn get(
    call: &Call<'_>,
    book: &Seeded,
    (team, channel): (&str, &str),
    root: &str,
) -> Result<Answer, GraphError> {
    may_read(call)?;
    Options::read(call, &[])?;
    let (team, channel) = channels::own(call, book, team, channel)?;
    let post = channel.posts.iter().find(|post| post.id() == root).ok_or_else(not_found)?;
    Ok(one(call, Place::Channel { team: &team.id, channel: &channel.id, root: None }, post, 200))
}

/// `GET …/messages/{root}/replies`, newest first.
pub(super) fn replies(
    call: &Call<'_>,
    book: &Seeded,
    (team, channel): (&str, &str),
    root: &str,
) -> Result<Answer, GraphError> {
    may_read(call)?;
    let size = page_size(call, &["$top", "$skiptoken"], PAGE)?;
    let (team, channel) = channels::own(call, book, team, channel)?;
    let post = channel.posts.iter().find(|post| post.id() == root).ok_or_else(not_found)?;
    let rows: Vec<&Post> = post.replies.iter().rev().collect();
    let place = Place::Channel { team: &team.id, channel: &channel.id, root: Some(root) };
    let render = |post: &&Post| -> Value { render::message(place, post) };
    page(call, &place.context(), &rows, size, render)
}
