//! The way of a request through the front, the same for both APIs.

use super::answering::{self, Wire};
use super::body::Members;
use super::conversation::Conversation;
use super::door;
use super::engine::Job;
use super::error::ApiError;
use super::idempotency::{self, Asked, Standing};
use super::state::OpenAiState;
use super::usage;
use crate::domain::random;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// A checked request, of either API.
pub(super) trait Wanted: Sized {
    /// What ids of its answers begin with.
    const PREFIX: &'static str;
    /// Reads the members of a request to the model `service`.
    fn read(members: Members, service: &str) -> Result<Self, ApiError>;
    fn is_streamed(&self) -> bool;
    /// The writer of its answer.
    fn wire(&self, id: &str, created: i64, service: &str) -> Box<dyn Wire>;
    fn into_conversation(self) -> Conversation;
}

/// Serves a request.
pub(super) async fn serve<W: Wanted>(
    request: HttpRequest,
    mut payload: web::Payload,
    state: web::Data<OpenAiState>,
) -> HttpResponse {
    let answer = Box::pin(answer::<W>(&request, &mut payload, &state)).await;
    door::finish(answer, &request, &state)
}

async fn answer<W: Wanted>(
    request: &HttpRequest,
    payload: &mut web::Payload,
    state: &web::Data<OpenAiState>,
) -> Result<HttpResponse, ApiError> {
    let (service, bearer) = door::admit(request, state).await?;
    let name = service.info().name.clone();
    let members = door::object(request, payload, state).await?;
    let key = idempotency::key(request.headers())?;
    let body = key.map(|_| Value::Object(members.clone()).to_string()).unwrap_or_default();
    let wanted = W::read(Members::new(members), name.as_str())?;
    let id = format!("{}{}", W::PREFIX, random::text::<18>());
    let created = state.clock.now().as_secs();
    let is_streamed = wanted.is_streamed();
    usage::ready().await;
    let mut claim = None;
    if let Some(key) = key {
        let (user, client) = (&bearer.caller.user, &bearer.caller.client);
        let path = request.path();
        let asked = Asked { user, client, service: &name, path, body: &body, id: &id, created };
        match state.kept.claim(key, &asked).await? {
            Standing::Free(held) => claim = Some(held),
            Standing::Answered(recorded) => {
                let wire = wanted.wire(&recorded.id, recorded.created, name.as_str());
                return Ok(answering::again(recorded, wire, is_streamed));
            }
        }
    }
    let wire = wanted.wire(&id, created, name.as_str());
    let job = Job {
        state: state.clone(),
        service: name,
        caller: bearer.caller,
        conversation: wanted.into_conversation(),
        cancel: CancellationToken::new(),
    };
    answering::answer(job, wire, is_streamed, claim).await
}
