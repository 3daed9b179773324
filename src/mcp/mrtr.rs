//! Multi-round-trip requests (2026-07-28): the request state that a client carries between rounds, and its answers.
//!
//! The state is sealed, expires, and opens only for the user, service, method and parameters that it was made for, so
//! any replica can go on with it and nobody else can.

use super::error::{INVALID_PARAMS, RpcError};
use super::jsonrpc::{Params, text};
use super::pending;
use super::work::Work;
use crate::domain::canonical;
use crate::domain::cipher::Cipher;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{ServiceName, UserKey};
use crate::domain::secret::Sealed;
use crate::tools::outlet::Question;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Life of a state.
const LIFE: Duration = Duration::from_mins(10);
/// Longest state worth opening.
const MAX_STATE: usize = 64 * 1024;

/// What is inside.
#[derive(Serialize, Deserialize)]
struct State {
    expires_at: Timestamp,
    answers: Map<String, Value>,
}

/// Answers that came with a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers {
    pub(super) known: Map<String, Value>,
    /// A state came along and was intact.
    pub(super) resumed: bool,
}

/// Whose state it is, and for which request.
pub(super) struct Binding<'a> {
    pub(super) user: &'a UserKey,
    pub(super) service: &'a ServiceName,
    pub(super) work: &'a Work,
}

impl Binding<'_> {
    fn context(&self) -> String {
        // The order in which a client repeats its arguments does not matter.
        let digest = canonical::digest(&self.work.salient());
        format!("mrtr|{}|{}|{}|{digest}", self.service, self.user, self.work.method())
    }
}

/// Reads `inputResponses` and `requestState`. A state that does not open is an error, never a new question.
pub(super) fn read(
    params: &Params<'_>,
    binding: &Binding<'_>,
    cipher: &Cipher,
    now: Timestamp,
) -> Result<Answers, RpcError> {
    let mut answers = Answers::default();
    if let Some(raw) = params.request_state {
        let state = text(raw).and_then(|text| open(&text, binding, cipher));
        let state = state.filter(|state| now < state.expires_at).ok_or_else(|| {
            RpcError::new(INVALID_PARAMS, "`requestState` is not one of ours for this request, or expired.")
        })?;
        answers = Answers { known: state.answers, resumed: true };
    }
    if let Some(raw) = params.input_responses {
        answers.known.extend(responses(raw.get())?);
    }
    Ok(answers)
}

/// `inputResponses`: an object of result objects.
pub(super) fn responses(json: &str) -> Result<Map<String, Value>, RpcError> {
    let bad = || RpcError::new(INVALID_PARAMS, "`inputResponses` must be an object of result objects.");
    let given: Map<String, Value> = serde_json::from_str(json).map_err(|_| bad())?;
    if given.values().all(Value::is_object) { Ok(given) } else { Err(bad()) }
}

fn open(text: &str, binding: &Binding<'_>, cipher: &Cipher) -> Option<State> {
    if text.len() > MAX_STATE {
        return None;
    }
    let sealed = Sealed::from_bytes(URL_SAFE_NO_PAD.decode(text).ok()?);
    serde_json::from_slice(&cipher.open(&binding.context(), &sealed).ok()?).ok()
}

/// The members of an `input_required` result, without `resultType` and meta.
pub(super) fn input_required(
    questions: &[Question],
    answers: &Map<String, Value>,
    binding: &Binding<'_>,
    cipher: &Cipher,
    now: Timestamp,
) -> Value {
    let state = State { expires_at: now.plus(LIFE), answers: answers.clone() };
    // A struct of numbers and JSON has no way to fail.
    let plain = serde_json::to_vec(&state).unwrap_or_default();
    let sealed = cipher.seal(&binding.context(), &plain);
    json!({
        "inputRequests": requests(questions),
        "requestState": URL_SAFE_NO_PAD.encode(sealed.as_bytes()),
    })
}

/// Questions by key, as requests.
pub(super) fn requests(questions: &[Question]) -> Value {
    let one = |q: &Question| {
        let (method, params) = pending::form(&q.ask);
        (q.key.clone(), json!({ "method": method, "params": params }))
    };
    Value::Object(questions.iter().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::keyring::KeyRing;

    #[test]
    fn a_state_opens_for_its_own_user_service_and_request_only() {
        let cipher =
            Cipher::new(&KeyRing::from_list("a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap());
        let now = Timestamp::from_millis(1_000);
        let (alice, bob) = (UserKey::new("t", "alice"), UserKey::new("t", "bob"));
        let (mail, teams) = (ServiceName::new("mail"), ServiceName::new("teams"));
        let tool = |name: &str, arguments: Value| Work::Tool { name: name.to_owned(), arguments };
        let work = tool("send", json!({"a": 1, "b": {"c": 2, "d": 3}}));
        let binding = Binding { user: &alice, service: &mail, work: &work };
        let known = json!({"k": {"action": "accept"}}).as_object().unwrap().clone();
        let made = input_required(&[], &known, &binding, &cipher, now);
        let state = made["requestState"].to_string();
        let read_as = |user: &UserKey, service: &ServiceName, work: &Work, state: &str, now: Timestamp| {
            let raw = serde_json::value::RawValue::from_string(state.to_owned()).unwrap();
            let params = Params { request_state: Some(&raw), ..Params::default() };
            read(&params, &Binding { user, service, work }, &cipher, now).map(|a| a.known)
        };
        let reordered = tool("send", json!({"b": {"d": 3, "c": 2}, "a": 1}));
        assert_eq!(read_as(&alice, &mail, &reordered, &state, now).unwrap(), known);
        let late = now.plus(Duration::from_mins(10));
        for (user, service, work, state, now) in [
            (&bob, &mail, &work, state.as_str(), now),
            (&alice, &teams, &work, &state, now),
            (&alice, &mail, &tool("other", json!({"a": 1, "b": {"c": 2, "d": 3}})), &state, now),
            (&alice, &mail, &tool("send", json!({"a": 2})), &state, now),
            (&alice, &mail, &work, &state, late),
            (&alice, &mail, &work, &state.replace("\"A", "\"B"), now),
            (&alice, &mail, &work, "7", now),
        ] {
            assert_eq!(read_as(user, service, work, state, now).unwrap_err().code, INVALID_PARAMS);
        }
    }

    #[test]
    fn input_responses_are_an_object_of_objects() {
        assert_eq!(responses(r#"{"a":{}}"#).unwrap().len(), 1);
        for bad in ["7", "[]", r#"{"a":null}"#, r#"{"a":7}"#] {
            assert!(responses(bad).is_err(), "{bad}");
        }
    }
}
