//! The first message of a client that could send no header: who it is, and which session it comes back to.

use super::super::encode;
use super::super::jsonrpc::Id;
use super::super::state::McpState;
use crate::domain::ids::ServiceName;
use crate::domain::resource::Endpoint;
use crate::oauth::bearer::{AuthFailure, Bearer, Presented};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
pub(super) struct Hello<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    method: &'a str,
    params: Params,
}

#[derive(Deserialize)]
struct Params {
    token: String,
    /// Of the key that the token is bound to, made for the GET that opened the connection.
    #[serde(default)]
    proof: Option<String>,
    #[serde(default, rename = "sessionId")]
    session: Option<String>,
}

/// What a first message came to.
pub(super) enum Greeting {
    /// Welcome; the answer, if one was asked for, and the session asked for.
    Known { bearer: Box<Bearer>, answer: Option<Vec<u8>>, session: Option<String> },
    /// Not authenticated, and what would help.
    Stranger(&'static str),
    /// It cannot be told now.
    Unavailable,
}

/// For whoever says nothing that counts.
pub(super) const STRANGER: &str = "send `authenticate` with a valid token first";

/// Reads `authenticate`; none when it is another message, or has an id that is none.
pub(super) fn read(text: &str) -> Option<Hello<'_>> {
    let hello: Hello<'_> = serde_json::from_str(text).ok()?;
    let has_good_id = hello.id.is_none_or(|id| Id::of(id).is_some());
    (hello.method == "authenticate" && has_good_id).then_some(hello)
}

/// What it is answered with, if it asks for an answer.
pub(super) fn answer(hello: &Hello<'_>) -> Option<Vec<u8>> {
    hello.id.map(|id| encode::splice(id.get(), br#""result":{}}"#))
}

/// Lets in who says `authenticate`.
pub(super) async fn greet(state: &McpState, service: &ServiceName, text: &str) -> Greeting {
    let Some(hello) = read(text) else { return Greeting::Stranger(STRANGER) };
    let path = format!("/{}", Endpoint::Ws.path_at(service));
    let presented = Presented::said(&hello.params.token, hello.params.proof.as_deref(), &path);
    match state.guard.accept(&presented, service).await {
        Ok(bearer) => {
            let answer = answer(&hello);
            Greeting::Known { bearer: Box::new(bearer), answer, session: hello.params.session }
        }
        Err(AuthFailure::Store(_)) => Greeting::Unavailable,
        Err(AuthFailure::Unproven) => {
            Greeting::Stranger("the token is bound to a key: send `proof` beside `token`")
        }
        Err(AuthFailure::Unbound) => {
            Greeting::Stranger("the token is not bound to a key: send it without `proof`")
        }
        Err(AuthFailure::Proof(_)) => Greeting::Stranger(
            "make another `proof`, for GET and this URL, with the nonce of /token if it gives one",
        ),
        Err(
            AuthFailure::Missing
            | AuthFailure::Ambiguous
            | AuthFailure::Invalid
            | AuthFailure::WrongAudience
            | AuthFailure::SignIn,
        ) => Greeting::Stranger(STRANGER),
    }
}
