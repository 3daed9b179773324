//! `POST /$batch` (JSON batching): many small requests in few, each with an answer of its own.

use super::client::{GraphClient, dice, remaining};
use super::encode::Target;
use super::error::{GraphError, refusal};
use super::request::{Asker, Request};
use super::retry;
use crate::ports::graph::GraphResponse;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Most parts of one request.
const MAX_PARTS: usize = 20;
/// How often parts are sent again that were not executed.
const MAX_ROUNDS: u32 = 4;
/// The wait when a part was throttled without saying for how long.
const SILENT_WAIT: Duration = Duration::from_secs(2);

/// One request of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    method: Method,
    target: String,
    body: Option<Value>,
}

impl Part {
    pub(crate) fn new(method: Method, target: Target, body: Option<Value>) -> Self {
        Self { method, target: target.build(), body }
    }

    /// Without `Prefer` of its own, a part would speak of ids that die with a move.
    fn json(&self, asker: Asker<'_>, id: usize, after: Option<usize>) -> Value {
        let mut part = Map::from_iter([
            ("id".to_owned(), json!(id.to_string())),
            ("method".to_owned(), json!(self.method.as_str())),
            ("url".to_owned(), json!(asker.placed(&self.target))),
        ]);
        let mut headers = Map::from_iter([("Prefer".to_owned(), json!("IdType=\"ImmutableId\""))]);
        if let Some(body) = &self.body {
            headers.insert("Content-Type".to_owned(), json!("application/json"));
            part.insert("body".to_owned(), body.clone());
        }
        part.insert("headers".to_owned(), headers.into());
        part.extend(after.map(|before| ("dependsOn".to_owned(), json!([before.to_string()]))));
        part.into()
    }
}

#[derive(Deserialize)]
struct Responses {
    responses: Vec<Reply>,
}

#[derive(Deserialize)]
struct Reply {
    id: String,
    status: u16,
    #[serde(default)]
    headers: Option<Map<String, Value>>,
    #[serde(default)]
    body: Option<Value>,
}

impl Reply {
    /// `None` when the part was not executed since one before it failed.
    fn outcome(self) -> Option<Result<Value, GraphError>> {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = self.body.unwrap_or_default();
        if status == StatusCode::FAILED_DEPENDENCY {
            return None;
        }
        if status.is_success() {
            return Some(Ok(body));
        }
        let wait =
            self.headers.into_iter().flatten().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
        let mut headers = HeaderMap::new();
        headers.extend(
            wait.and_then(|(_, value)| value.as_str()?.parse().ok())
                .map(|value| (http::header::RETRY_AFTER, value)),
        );
        if status == StatusCode::TOO_MANY_REQUESTS {
            let retry_after = retry::ordered(&headers).unwrap_or(SILENT_WAIT);
            return Some(Err(GraphError::Throttled { retry_after, request_id: None }));
        }
        Some(Err(refusal(&GraphResponse { status, headers, body: Bytes::from(body.to_string()) })))
    }
}

impl GraphClient {
    /// Sends every part; the outcomes in the order of the parts. Parts have to bear being sent twice: then `repeatable`.
    ///
    /// First they go as chains, which run one after the other and leave the other slots of the mailbox to others. What a
    /// chain left undone since a part before it failed, and what was throttled, goes again, side by side.
    ///
    /// # Errors
    /// Nothing was done. Later on, the parts that nobody knows of carry the failure.
    pub(crate) async fn batch(
        &self,
        asker: Asker<'_>,
        parts: &[Part],
        repeatable: bool,
    ) -> Result<Vec<Result<Value, GraphError>>, GraphError> {
        let mut known: Vec<Option<Result<Value, GraphError>>> = vec![None; parts.len()];
        let mut told = false;
        for round in 0..MAX_ROUNDS {
            let is_open =
                |at: &usize| matches!(known.get(*at), Some(None | Some(Err(GraphError::Throttled { .. }))));
            let open: Vec<usize> = (0..parts.len()).filter(is_open).collect();
            let waits = known.iter().filter_map(|outcome| match outcome {
                Some(Err(GraphError::Throttled { retry_after, .. })) => Some(*retry_after),
                Some(_) | None => None,
            });
            let pause = waits.max().map(|wait| retry::jittered(wait, dice()));
            if open.is_empty() || pause.is_some_and(|pause| pause >= remaining(asker.deadline)) {
                break;
            }
            tokio::time::sleep(pause.unwrap_or_default()).await;
            for chunk in open.chunks(MAX_PARTS) {
                let sent = self.round(asker, parts, chunk, (round == 0, repeatable)).await;
                match sent {
                    Ok(replies) => {
                        told = true;
                        for (at, outcome) in replies {
                            if let Some(place) = known.get_mut(at) {
                                *place = outcome;
                            }
                        }
                    }
                    Err(error) if !told => return Err(error),
                    Err(error) => {
                        for at in chunk {
                            if let Some(place) = known.get_mut(*at) {
                                *place = Some(Err(error.clone()));
                            }
                        }
                    }
                }
            }
        }
        let undone = || GraphError::Unavailable {
            reason: "a part of a batch was not executed".to_owned(),
            retry_after: None,
            request_id: None,
        };
        Ok(known.into_iter().map(|outcome| outcome.unwrap_or_else(|| Err(undone()))).collect())
    }

    async fn round(
        &self,
        asker: Asker<'_>,
        parts: &[Part],
        chunk: &[usize],
        (chained, repeatable): (bool, bool),
    ) -> Result<Vec<(usize, Option<Result<Value, GraphError>>)>, GraphError> {
        let mut before = None;
        let mut requests = Vec::with_capacity(chunk.len());
        for at in chunk {
            let Some(part) = parts.get(*at) else { continue };
            requests.push(part.json(asker, *at, before.filter(|_| chained)));
            before = Some(*at);
        }
        let body = Bytes::from(json!({ "requests": requests }).to_string());
        let request = Request::write(Method::POST, Target::new("/$batch"), Some(body));
        let request = if repeatable { request.repeatable() } else { request };
        let answer = self.send(asker, request).await?;
        let read: Responses = answer.view()?;
        let place = |reply: Reply| {
            let at = reply.id.parse().ok()?;
            Some((at, reply.outcome().map(|outcome| outcome.map_err(|error| error.in_mailbox(asker)))))
        };
        Ok(read.responses.into_iter().filter_map(place).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::UserKey;
    use crate::graph::testing::{FakeGraph, FakeTokens, OpenGate, json as answer};
    use std::sync::Arc;
    use std::time::Instant;

    fn client(graph: Arc<FakeGraph>) -> GraphClient {
        GraphClient::new(graph, Arc::new(FakeTokens::default()), Arc::new(OpenGate::default()))
    }

    fn parts(count: usize) -> Vec<Part> {
        let one = |at| {
            Part::new(Method::PATCH, Target::new(format!("/me/messages/{at}")), Some(json!({"isRead": true})))
        };
        (0..count).map(one).collect()
    }

    async fn run(graph: &Arc<FakeGraph>, count: usize) -> Vec<Result<Value, GraphError>> {
        let user = UserKey::new("t", "alice");
        let asker = Asker {
            user: &user,
            mailbox: None,
            deadline: Instant::now() + Duration::from_mins(1),
            mark: None,
        };
        client(graph.clone()).batch(asker, &parts(count), true).await.unwrap()
    }

    /// Parts of a request, as Graph got them.
    fn asked(body: Option<&Bytes>) -> Vec<Value> {
        let body: Value = serde_json::from_slice(body.unwrap()).unwrap();
        body["requests"].as_array().unwrap().clone()
    }

    #[tokio::test]
    async fn parts_go_in_chains_of_twenty_and_speak_of_immutable_ids() {
        let graph = FakeGraph::new(|request, _| {
            // In any order, as Graph may.
            let replies: Vec<Value> = asked(request.body.as_ref())
                .iter()
                .rev()
                .map(|part| json!({"id": part["id"], "status": 200, "body": {"id": part["url"]}}))
                .collect();
            answer(200, &json!({ "responses": replies }))
        });
        let outcomes = run(&graph, 50).await;
        for (at, outcome) in outcomes.iter().enumerate() {
            assert_eq!(outcome.as_ref().unwrap()["id"], format!("/me/messages/{at}"));
        }
        let seen = graph.seen.lock();
        let sizes: Vec<usize> = seen.iter().map(|request| asked(request.body.as_ref()).len()).collect();
        assert_eq!(sizes, [20, 20, 10]);
        let first = asked(seen[0].body.as_ref());
        assert_eq!((first[0].get("dependsOn"), &first[1]["dependsOn"]), (None, &json!(["0"])));
        assert!(first[1]["headers"]["Prefer"].as_str().unwrap().contains("ImmutableId"));
    }

    #[tokio::test]
    async fn a_part_that_fails_holds_up_no_other_and_a_throttled_one_goes_again() {
        let graph = FakeGraph::new(|request, number| {
            let replies: Vec<Value> = asked(request.body.as_ref())
                .iter()
                .map(|part| {
                    let id = part["id"].as_str().unwrap();
                    match (number, id) {
                        (0, "0") => json!({"id": id, "status": 204}),
                        (0, "1") => json!({"id": id, "status": 404, "body": {"error": {"code": "ErrorItemNotFound", "message": "m"}}}),
                        (0, _) => json!({"id": id, "status": 424, "body": {}}),
                        (1, "2") => json!({"id": id, "status": 429, "headers": {"Retry-After": "0"}, "body": {}}),
                        _ => json!({"id": id, "status": 200, "body": {}}),
                    }
                })
                .collect();
            answer(200, &json!({ "responses": replies }))
        });
        let outcomes = run(&graph, 4).await;
        let told: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
        assert_eq!(told, [true, false, true, true]);
        assert!(matches!(&outcomes[1], Err(GraphError::Refused { code, .. }) if code == "ErrorItemNotFound"));
        let seen = graph.seen.lock();
        assert_eq!(seen.len(), 3);
        assert!(asked(seen[1].body.as_ref())[1].get("dependsOn").is_none(), "the second time side by side");
        assert_eq!(asked(seen[2].body.as_ref()).len(), 1);
    }

    #[tokio::test]
    async fn a_batch_that_is_refused_as_a_whole_did_nothing() {
        let graph =
            FakeGraph::new(|_, _| answer(400, &json!({"error": {"code": "BadRequest", "message": "m"}})));
        let user = UserKey::new("t", "alice");
        let asker = Asker {
            user: &user,
            mailbox: None,
            deadline: Instant::now() + Duration::from_mins(1),
            mark: None,
        };
        assert!(client(graph).batch(asker, &parts(2), true).await.is_err());
    }
}
