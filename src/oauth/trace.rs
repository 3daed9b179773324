//! The trace of a sign-in: one id from `/authorize` over consent, Entra and the token to the first call, in every log
//! line on the way, in the answers to the browser, and as a short record for the operator who is told the id.

use super::state::OauthState;
use crate::domain::clock::Timestamp;
use crate::domain::ids::FlowId;
use crate::domain::random;
use crate::ports::store::Store;
use actix_web::HttpResponse;
use actix_web::http::header::{HeaderName, HeaderValue};
use serde::Serialize;
use std::time::Duration;

/// How long a trace can be looked up.
const LIFE: Duration = Duration::from_hours(24);
/// Names the flow to whoever looks at the answer.
const HEADER: HeaderName = HeaderName::from_static("x-entrada-flow");
/// Without 0, O, 1, I and L: the id is read out loud.
const LETTERS: &str = "ABCDEFGHJKMNPQRSTUVWXYZ23456789";
const GROUP: usize = 4;

/// A new id, e.g. `K7QM-2XPD-9RTA`: about 59 random bits, no secret.
pub(super) fn new_id() -> FlowId {
    let letter = |byte: u8| LETTERS.chars().nth(usize::from(byte) % LETTERS.len()).unwrap_or('A');
    let letters: Vec<char> = random::bytes::<12>().into_iter().map(letter).collect();
    let groups: Vec<String> = letters.chunks(GROUP).map(|group| group.iter().collect()).collect();
    FlowId::new(groups.join("-"))
}

/// One step, as it is kept. What does not apply is empty and left out.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Step<'a> {
    #[serde(rename = "step")]
    pub(crate) name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) client: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) service: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) grant: &'a str,
    /// OAuth error or fault class, when the step failed.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) error: &'a str,
    /// `AADSTS` number of Entra's refusal.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) aadsts: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde calls")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[derive(Serialize)]
struct Kept<'a> {
    at: i64,
    #[serde(flatten)]
    step: Step<'a>,
}

impl<'a> Step<'a> {
    pub(crate) fn named(step: &'a str) -> Self {
        Self { name: step, ..Self::default() }
    }
}

impl OauthState {
    /// Logs a step and adds it to the trace.
    pub(super) async fn step(&self, flow: &FlowId, step: Step<'_>) {
        write(&*self.store, flow, self.clock.now(), step).await;
    }
}

/// Logs a step and adds it to the trace. A trace that cannot be written costs nobody the sign-in.
pub(super) async fn write(store: &dyn Store, flow: &FlowId, now: Timestamp, step: Step<'_>) {
    tracing::info!(
        target: "entrada::flow",
        step = step.name,
        flow.id = %flow,
        client.id = step.client,
        service.name = step.service,
        grant.id = step.grant,
        error = step.error,
        aadsts = step.aadsts,
        "sign-in step"
    );
    let kept = Kept { at: now.as_millis(), step };
    let text = serde_json::to_string(&kept).unwrap_or_default();
    if let Err(error) = store.trace(flow.as_str(), &text, LIFE).await {
        tracing::debug!(error = %error, "a trace cannot be written");
    }
}

/// Names the flow in an answer.
pub(super) fn mark(response: &mut HttpResponse, flow: &FlowId) {
    if let Ok(value) = HeaderValue::from_str(flow.as_str()) {
        response.headers_mut().insert(HEADER, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_can_be_read_out_loud() {
        let id = new_id();
        let groups: Vec<&str> = id.as_str().split('-').collect();
        assert_eq!(groups.iter().map(|g| g.len()).collect::<Vec<_>>(), [4, 4, 4]);
        assert!(id.as_str().bytes().all(|b| b == b'-' || LETTERS.as_bytes().contains(&b)));
        assert_ne!(id, new_id());
    }

    #[test]
    fn empty_members_are_left_out() {
        let step = Step { name: "entra", error: "Denied", aadsts: 65004, ..Step::default() };
        let text = serde_json::to_string(&Kept { at: 5, step }).unwrap();
        assert_eq!(text, r#"{"at":5,"step":"entra","error":"Denied","aadsts":65004}"#);
    }
}
