//! The first message of a client that could send no header: who it is, and which session it comes back to.

use super::super::state::McpState;
use crate::domain::ids::ServiceName;
use crate::domain::resource::Endpoint;
use crate::oauth::bearer::{AuthFailure, Bearer, Presented};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Hello<'a> {
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

/// Reads `authenticate`.
pub(super) async fn greet(state: &McpState, service: &ServiceName, text: &str) -> Greeting {
    let Ok(hello) = serde_json::from_str::<Hello<'_>>(text) else { return Greeting::Stranger(STRANGER) };
    if hello.method != "authenticate" {
        return Greeting::Stranger(STRANGER);
    }
    let path = format!("/{}", Endpoint::Ws.path_at(service));
    let presented = Presented::said(&hello.params.token, hello.params.proof.as_deref(), &path);
    match state.guard.accept(&presented, service).await {
        Ok(bearer) => {
            let id = hello.id.map(RawValue::get);
            let answer = id.map(|id| format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#).into_bytes());
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
