//! Why Graph gave no usable answer, by what can be done about it.

use super::request::Asker;
use crate::ports::graph::GraphResponse;
use crate::ports::tokens::TokenError;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use http::StatusCode;
use serde::Deserialize;
use std::time::Duration;

/// What kind of refusal; the codes behind each are in [`classify`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The token was refused twice.
    AuthExpired,
    /// Conditional access wants the person to sign in again (a claims challenge).
    StepUpRequired,
    MissingPermission,
    /// There is no such mailbox, or none that Graph reaches.
    MailboxUnavailable,
    /// The mailbox of somebody else does not open to this user, who holds the permission for such ones.
    MailboxDenied,
    /// This user may not send from it.
    SendDenied,
    /// An id of another mailbox than the one that was asked.
    OtherMailbox,
    NotFound,
    /// A query that Graph does not accept; our fault.
    InternalQuery,
    Conflict,
    /// A paging or delta link that has expired.
    Restart,
    TooLarge,
    Quota,
    Locked,
    /// Any other refusal.
    Refused,
}

/// No usable answer.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum GraphError {
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("Graph limits reached")]
    Throttled { retry_after: Duration, request_id: Option<String> },
    /// An answer of Graph that says no.
    #[error("Graph refused with {status} {code}")]
    Refused {
        fault: Fault,
        status: u16,
        code: String,
        /// Graph's words; may hold addresses or subjects: for the user, never for the log.
        message: String,
        request_id: Option<String>,
    },
    /// The token needs claims that only the person can bring; the JSON object that Entra wants to see.
    #[error("Graph wants the person to sign in again")]
    Challenged { claims: String },
    #[error("Graph is unavailable: {reason}")]
    Unavailable { reason: String, retry_after: Option<Duration>, request_id: Option<String> },
    #[error("Graph did not answer within the time of the call")]
    TimedOut,
    /// A write whose answer did not come: it may have happened.
    #[error("Graph did not say whether it happened: {reason}")]
    OutcomeUnknown { reason: String, request_id: Option<String> },
    #[error("the answer is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("a next link that does not belong to Graph")]
    ForeignLink,
    /// What was to be sent came otherwise than announced; nothing was kept of it.
    #[error("the bytes to send ended early, or did not end")]
    Cut,
    #[error("an answer of Graph that cannot be read: {0}")]
    Malformed(String),
}

impl GraphError {
    /// The same, of a request in the asker's mailbox: in another's one, a refusal is about that mailbox.
    pub(super) fn in_mailbox(mut self, asker: Asker<'_>) -> Self {
        if let Self::Refused { fault, .. } = &mut self
            && asker.mailbox.is_some()
            && *fault == Fault::MissingPermission
        {
            *fault = Fault::MailboxDenied;
        }
        self
    }
}

#[derive(Default, Deserialize)]
struct Envelope {
    #[serde(default)]
    error: Body,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    code: String,
    message: String,
    #[serde(alias = "innererror", rename = "innerError")]
    inner: Option<Inner>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Inner {
    code: String,
    #[serde(rename = "request-id")]
    request_id: Option<String>,
}

/// Graph's id of a request, for support.
pub(super) fn request_id(response: &GraphResponse) -> Option<String> {
    let value = response.headers.get("request-id")?.to_str().ok()?;
    Some(value.chars().take(64).collect())
}

/// Reads an error answer, also one without JSON (gateways answer HTML or nothing).
pub(super) fn refusal(response: &GraphResponse) -> GraphError {
    let envelope: Envelope = serde_json::from_slice(&response.body).unwrap_or_default();
    let Body { code, message, inner } = envelope.error;
    let inner = inner.unwrap_or_default();
    let code = if code.is_empty() || code == "UnknownError" { first(inner.code, code) } else { code };
    let code = first(code, response.status.as_str().to_owned());
    let code: String = code.chars().filter(|c| !c.is_control()).take(80).collect();
    let request_id = request_id(response).or(inner.request_id);
    let failed = response.status.is_server_error() || response.status == StatusCode::REQUEST_TIMEOUT;
    if failed && response.status != StatusCode::INSUFFICIENT_STORAGE {
        let reason = format!("status {} {code}", response.status.as_u16());
        return GraphError::Unavailable { reason, retry_after: None, request_id };
    }
    let challenge =
        response.headers.get(http::header::WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    let challenge = challenge.unwrap_or_default();
    if response.status == StatusCode::UNAUTHORIZED
        && let Some(claims) = claims_in(challenge)
    {
        return GraphError::Challenged { claims };
    }
    let fault = classify(response.status, &code, challenge);
    let message = message.chars().filter(|c| !c.is_control()).take(300).collect();
    GraphError::Refused { fault, status: response.status.as_u16(), code, message, request_id }
}

/// The claims of a continuous access evaluation challenge: `error="insufficient_claims", claims="<base64 of JSON>"`.
fn claims_in(challenge: &str) -> Option<String> {
    if !challenge.contains("insufficient_claims") {
        return None;
    }
    let (_, rest) = challenge.split_once("claims=\"")?;
    let (text, _) = rest.split_once('"')?;
    let text = text.trim_end_matches('=');
    let bytes = STANDARD_NO_PAD.decode(text).or_else(|_| URL_SAFE_NO_PAD.decode(text)).ok()?;
    let claims: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&bytes).ok()?;
    (!claims.is_empty() && bytes.len() <= 4096).then(|| String::from_utf8(bytes).ok()).flatten()
}

fn first(one: String, other: String) -> String {
    if one.is_empty() { other } else { one }
}

fn classify(status: StatusCode, code: &str, challenge: &str) -> Fault {
    match code {
        "ErrorSendAsDenied" => return Fault::SendDenied,
        "ErrorInvalidMailboxItemId" => return Fault::OtherMailbox,
        "ErrorInvalidUser" | "MailboxNotEnabledForRESTAPI" | "MailboxNotHostedInExchangeOnline" => {
            return Fault::MailboxUnavailable;
        }
        "ErrorItemNotFound" | "itemNotFound" | "ErrorInvalidIdMalformed" => {
            return Fault::NotFound;
        }
        "InefficientFilter" | "ErrorInvalidUrlQueryFilter" | "SearchWithOrderBy" => {
            return Fault::InternalQuery;
        }
        "resyncRequired" | "syncStateNotFound" | "SyncStateNotFound" => return Fault::Restart,
        "nameAlreadyExists" | "resourceModified" | "ErrorIrresolvableConflict" => return Fault::Conflict,
        _ => {}
    }
    match status.as_u16() {
        401 if challenge.contains("claims=") => Fault::StepUpRequired,
        401 => Fault::AuthExpired,
        403 => Fault::MissingPermission,
        404 => Fault::NotFound,
        409 | 412 => Fault::Conflict,
        410 => Fault::Restart,
        413 => Fault::TooLarge,
        423 => Fault::Locked,
        507 => Fault::Quota,
        _ => Fault::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};

    fn answer(status: u16, body: &str) -> GraphResponse {
        GraphResponse {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    fn fault(status: u16, code: &str) -> Fault {
        let body = format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
        let GraphError::Refused { fault, .. } = refusal(&answer(status, &body)) else {
            panic!("{status} {code}")
        };
        fault
    }

    #[test]
    fn every_code_of_the_table_has_its_meaning() {
        for (status, code, expected) in [
            (401, "InvalidAuthenticationToken", Fault::AuthExpired),
            (403, "ErrorAccessDenied", Fault::MissingPermission),
            (403, "Authorization_RequestDenied", Fault::MissingPermission),
            (403, "ErrorSendAsDenied", Fault::SendDenied),
            (404, "ErrorInvalidUser", Fault::MailboxUnavailable),
            (404, "MailboxNotEnabledForRESTAPI", Fault::MailboxUnavailable),
            (404, "ErrorItemNotFound", Fault::NotFound),
            (400, "ErrorInvalidIdMalformed", Fault::NotFound),
            (400, "ErrorInvalidMailboxItemId", Fault::OtherMailbox),
            (400, "InefficientFilter", Fault::InternalQuery),
            (400, "SearchWithOrderBy", Fault::InternalQuery),
            (400, "BadRequest", Fault::Refused),
            (409, "nameAlreadyExists", Fault::Conflict),
            (412, "ErrorIrresolvableConflict", Fault::Conflict),
            (410, "resyncRequired", Fault::Restart),
            (400, "SyncStateNotFound", Fault::Restart),
            (413, "x", Fault::TooLarge),
            (423, "x", Fault::Locked),
            (507, "quotaLimitReached", Fault::Quota),
        ] {
            assert_eq!(fault(status, code), expected, "{status} {code}");
        }
    }

    #[test]
    fn gateways_that_answer_html_or_nothing_are_understood() {
        for body in ["", "<html><body>Forbidden</body></html>", "{", "[]", "null", r#"{"error":"text"}"#] {
            let GraphError::Refused { fault, status, code, .. } = refusal(&answer(403, body)) else {
                panic!()
            };
            assert_eq!((fault, status, code.as_str()), (Fault::MissingPermission, 403, "403"), "{body}");
            assert!(matches!(refusal(&answer(502, body)), GraphError::Unavailable { .. }), "{body}");
        }
    }

    #[test]
    fn both_casings_of_the_inner_error_and_its_more_exact_code_are_read() {
        for name in ["innerError", "innererror"] {
            let body = format!(
                r#"{{"error":{{"code":"","message":"m","{name}":{{"code":"ErrorItemNotFound","request-id":"r-1"}}}}}}"#
            );
            let GraphError::Refused { fault, request_id, .. } = refusal(&answer(404, &body)) else {
                panic!()
            };
            assert_eq!((fault, request_id.as_deref()), (Fault::NotFound, Some("r-1")));
        }
    }

    #[test]
    fn a_claims_challenge_asks_for_the_person() {
        let mut response = answer(401, "");
        response
            .headers
            .insert("www-authenticate", HeaderValue::from_static("Bearer error=\"x\", claims=\"e30\""));
        let GraphError::Refused { fault, .. } = refusal(&response) else { panic!() };
        assert_eq!(fault, Fault::StepUpRequired);
    }
}
