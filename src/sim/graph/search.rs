//! `POST /search/query`: which search is meant, and the one for messages.
use serde::Deserialize;

use super::call::{Answer, Call};
use super::error::GraphError;
use super::json::Json;
use super::kql;
use super::mailbox::{MailRow, Mailbox};
use super::messages::READ;
use super::render::View;
use super::select::{MESSAGE, Select};

/// Hits per page of mail.
const MAX_SIZE: usize = 25;
/// What a hit shows of its message.
const FIELDS: &str = "id,createdDateTime,lastModifiedDateTime,receivedDateTime,sentDateTime,hasAttachments,\
    internetMessageId,subject,bodyPreview,importance,parentFolderId,conversationId,isRead,isDraft,webLink,\
    replyTo,sender,from";

#[derive(Deserialize)]
struct Body {
    requests: Vec<Request>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    #[serde(default)]
    entity_types: Vec<String>,
    query: Text,
    #[serde(default)]
    from: usize,
    size: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Text {
    query_string: String,
}

/// What a search looks for.
pub(super) enum Wanted {
    Messages,
    Files,
}

/// Reads that from the request.
pub(super) fn wanted(call: &Call<'_>) -> Result<Wanted, GraphError> {
    let body: Body = serde_json::from_slice(call.body)
        .map_err(|_| GraphError::bad_request("Unable to read JSON request payload."))?;
    let files = body.requests.first().is_some_and(|request| request.entity_types == ["driveItem"]);
    Ok(if files { Wanted::Files } else { Wanted::Messages })
}

/// Runs the one search of the request.
pub(super) fn query(call: &Call<'_>, mailbox: &Mailbox) -> Result<Answer, GraphError> {
    let body: Body = serde_json::from_slice(call.body)
        .map_err(|_| GraphError::bad_request("Unable to read JSON request payload."))?;
    let [request] = body.requests.as_slice() else {
        return Err(GraphError::bad_request("Exactly one search request is supported."));
    };
    if request.entity_types != ["message"] {
        return Err(GraphError::bad_request(
            "This tenant searches the entity types 'message' and 'driveItem', each on its own.",
        ));
    }
    if !call.granted(&READ) {
        return Err(GraphError::access_denied());
    }
    let size = request.size.unwrap_or(MAX_SIZE);
    if !(1..=MAX_SIZE).contains(&size) {
        return Err(GraphError::bad_request(format!(
            "The maximum page size for message search is {MAX_SIZE}."
        )));
    }
    let node = kql::parse(&request.query.query_string)
        .map_err(|message| GraphError::bad_request(format!("Syntax error in the query string: {message}")))?;
    let found: Vec<u32> = mailbox
        .newest_in(None, node.window())
        .iter()
        .copied()
        .filter(|ix| node.matches(&MailRow::new(mailbox, *ix, call.prefer.ids)))
        .collect();
    let select = Select::parse(Some(FIELDS), &MESSAGE, "message")?;
    let view = View { call, mailbox, select, attachments: None };
    let terms: Vec<&str> = kql::words(&request.query.query_string).collect();
    Ok(Answer::json(write(&view, &found, request.from, size, &terms)))
}

fn write(view: &View<'_>, found: &[u32], from: usize, size: usize, terms: &[&str]) -> Vec<u8> {
    let call = view.call;
    let mut json = Json::default();
    json.object(|json| {
        json.member(
            "@odata.context",
            &format!("{}/v1.0/$metadata#Collection(microsoft.graph.searchResponse)", call.origin),
        );
        json.key("value").array(|json| {
            json.object(|json| {
                json.key("searchTerms").array(|json| terms.iter().for_each(|t| json.text(t)));
                json.key("hitsContainers").array(|json| {
                    json.object(|json| {
                        json.key("hits").array(|json| {
                            for (rank, ix) in found.iter().enumerate().skip(from).take(size) {
                                hit(json, view, rank, *ix);
                            }
                        });
                        json.number("total", found.len() as u64);
                        json.flag("moreResultsAvailable", from + size < found.len());
                    });
                });
            });
        });
    });
    json.finish()
}

fn hit(json: &mut Json, view: &View<'_>, rank: usize, ix: u32) {
    json.object(|json| {
        json.member("hitId", &view.mailbox.item_id(view.call.prefer.ids, ix, None));
        json.number("rank", rank as u64 + 1);
        json.member("summary", view.mailbox.mail(ix).preview());
        json.key("resource");
        view.message(json, ix, None);
    });
}
