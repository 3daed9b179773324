//! The first message of a client that could send no header: who it is, and which session it comes back to.

use super::super::state::McpState;
use crate::domain::ids::ServiceName;
use crate::oauth::bearer::{AuthFailure, Bearer};
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
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
    #[serde(default, rename = "sessionId")]
    session: Option<String>,
}

/// What a first message came to.
pub(super) enum Greeting {
    /// Welcome; the answer, if one was asked for, and the session asked for.
    Known { bearer: Box<Bearer>, answer: Option<Vec<u8>>, session: Option<String> },
    /// Not authenticated.
    Stranger,
    /// It cannot be told now.
    Unavailable,
}

/// Reads `authenticate`.
pub(super) async fn greet(state: &McpState, service: &ServiceName, text: &str) -> Greeting {
    let Ok(hello) = serde_json::from_str::<Hello<'_>>(text) else { return Greeting::Stranger };
    if hello.method != "authenticate" {
        return Greeting::Stranger;
    }
    let mut headers = HeaderMap::new();
    let Ok(value) = HeaderValue::from_str(&format!("Bearer {}", hello.params.token)) else {
        return Greeting::Stranger;
    };
    headers.insert(AUTHORIZATION, value);
    match state.guard.authenticate(&headers, service).await {
        Ok(bearer) => {
            let id = hello.id.map(RawValue::get);
            let answer = id.map(|id| format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#).into_bytes());
            Greeting::Known { bearer: Box::new(bearer), answer, session: hello.params.session }
        }
        Err(AuthFailure::Store(_)) => Greeting::Unavailable,
        Err(
            AuthFailure::Missing | AuthFailure::Ambiguous | AuthFailure::Invalid | AuthFailure::WrongAudience,
        ) => Greeting::Stranger,
    }
}
