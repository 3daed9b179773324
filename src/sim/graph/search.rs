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

/// One search.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request {
    #[serde(default)]
    entity_types: Vec<String>,
    query: Text,
    #[serde(default)]
    pub(super) from: usize,
    size: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Text {
    query_string: String,
}

impl Request {
    /// The one search of a request for messages of a kind.
    pub(super) fn read(call: &Call<'_>, kind: &str) -> Result<Self, GraphError> {
        let mut requests = parse(call)?.requests;
        let (Some(request), None) = (requests.pop(), requests.pop()) else {
            return Err(GraphError::bad_request("Exactly one search request is supported."));
        };
        if request.entity_types == [kind] {
            return Ok(request);
        }
        let text = "This tenant searches the entity types 'message', 'chatMessage' and 'driveItem', each on its own.";
        Err(GraphError::bad_request(text))
    }

    /// Hits of its page.
    pub(super) fn size(&self) -> Result<usize, GraphError> {
        let size = self.size.unwrap_or(MAX_SIZE);
        if (1..=MAX_SIZE).contains(&size) {
            return Ok(size);
        }
        let text = format!("The maximum page size for message search is {MAX_SIZE}.");
        Err(GraphError::bad_request(text))
    }

    /// What it looks for.
    pub(super) fn node(&self) -> Result<kql::Node, GraphError> {
        let bad = |message| GraphError::bad_request(format!("Syntax error in the query string: {message}"));
        kql::parse(&self.query.query_string).map_err(bad)
    }

    /// The words of its text.
    pub(super) fn terms(&self) -> Vec<&str> {
        kql::words(&self.query.query_string).collect()
    }
}

fn parse(call: &Call<'_>) -> Result<Body, GraphError> {
    serde_json::from_slice(call.body)
        .map_err(|_| GraphError::bad_request("Unable to read JSON request payload."))
}

/// What a search looks for.
pub(super) enum Wanted {
    Messages,
    ChatMessages,
    Files,
}

/// Reads that from the request.
pub(super) fn wanted(call: &Call<'_>) -> Result<Wanted, GraphError> {
    let body = parse(call)?;
    let kinds = body.requests.first().map(|request| request.entity_types.as_slice());
    Ok(match kinds {
        Some([kind]) if kind == "driveItem" => Wanted::Files,
        Some([kind]) if kind == "chatMessage" => Wanted::ChatMessages,
        _ => Wanted::Messages,
    })
}

/// Runs the one search of the request.
pub(super) fn query(call: &Call<'_>, mailbox: &Mailbox) -> Result<Answer, GraphError> {
    let request = Request::read(call, "message")?;
    if !call.granted(&READ) {
        return Err(GraphError::access_denied());
    }
    let (size, node) = (request.size()?, request.node()?);
    let found: Vec<u32> = mailbox
        .newest_in(None, node.window())
        .iter()
        .copied()
        .filter(|ix| node.matches(&MailRow::new(mailbox, *ix, call.prefer.ids)))
        .collect();
    let select = Select::parse(Some(FIELDS), &MESSAGE, "message")?;
    let view = View { call, mailbox, select, attachments: None };
    Ok(Answer::json(write(&view, &found, request.from, size, &request.terms())))
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
