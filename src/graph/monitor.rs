//! Work that Graph goes on with by itself (`driveItem: copy`): it answers 202 and the address of a monitor, which takes no
//! token and is itself the permission to look.

use super::client::{GraphClient, remaining};
use super::error::GraphError;
use super::request::{Asker, Request};
use super::retry;
use crate::ports::graph::{Elsewhere, GraphResponse};
use http::{Method, StatusCode};
use serde::Deserialize;
use std::time::Duration;

/// The pause before the first look; each one doubles.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(4);
const LOOK_TIMEOUT: Duration = Duration::from_secs(10);
const LOOK_BYTES: usize = 64 << 10;
/// What remains of a call's time for telling the outcome.
const RESERVE: Duration = Duration::from_secs(5);

/// How far it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Id of what was made, where the monitor tells it.
    Done(Option<String>),
    /// Graph's code.
    Failed(String),
    /// Not known within the time of the call.
    Running,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Progress {
    status: String,
    resource_id: Option<String>,
    error_code: String,
    error: Failure,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Failure {
    code: String,
}

impl GraphClient {
    /// Sends a [`Request::monitored`] and looks after it until it is done or the time of the call runs out.
    pub(crate) async fn work(&self, asker: Asker<'_>, request: Request) -> Result<Work, GraphError> {
        let Some(monitor) = self.send(asker, request).await?.location else {
            return Err(GraphError::Malformed("accepted work without a monitor".to_owned()));
        };
        let mut pause = FIRST;
        loop {
            let left = remaining(asker.deadline).saturating_sub(RESERVE);
            if left <= pause {
                return Ok(Work::Running);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST);
            // A look that fails says nothing about the work.
            let look = Elsewhere::bare(Method::GET, &monitor, LOOK_BYTES, left.min(LOOK_TIMEOUT));
            let looked = self.transport.fetch(look).await;
            let Ok(response) = looked else { continue };
            if let Some(outcome) = outcome(&response) {
                return Ok(outcome);
            }
            pause = retry::ordered(&response.headers).unwrap_or(pause).max(pause);
        }
    }
}

/// What a look tells; nothing while the work goes on.
fn outcome(response: &GraphResponse) -> Option<Work> {
    // The older form of a finished copy: on to the item, whose id has to be looked up.
    if response.status == StatusCode::SEE_OTHER {
        return Some(Work::Done(None));
    }
    if !response.status.is_success() {
        return None;
    }
    let Progress { status, resource_id, error_code, error } =
        serde_json::from_slice(&response.body).unwrap_or_default();
    match status.as_str() {
        "completed" => Some(Work::Done(resource_id.filter(|id| !id.is_empty()))),
        "failed" => Some(Work::Failed(if error.code.is_empty() { error_code } else { error.code })),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::HeaderMap;

    #[test]
    fn a_monitor_tells_success_failure_or_nothing() {
        let look = |status: u16, body: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            let body = Bytes::copy_from_slice(body.as_bytes());
            outcome(&GraphResponse { status, headers: HeaderMap::new(), body })
        };
        let done = |id: &str| Some(Work::Done(Some(id.to_owned())));
        let failed = |code: &str| Some(Work::Failed(code.to_owned()));
        assert_eq!(
            look(200, r#"{"status":"completed","resourceId":"01A","percentageComplete":100}"#),
            done("01A")
        );
        assert_eq!(look(200, r#"{"status":"completed"}"#), Some(Work::Done(None)));
        assert_eq!(look(303, ""), Some(Work::Done(None)));
        assert_eq!(
            look(200, r#"{"status":"failed","error":{"code":"nameAlreadyExists"}}"#),
            failed("nameAlreadyExists")
        );
        assert_eq!(look(202, r#"{"status":"failed","errorCode":"quota"}"#), failed("quota"));
        for (status, body) in [(202, r#"{"status":"inProgress"}"#), (200, "<html>"), (503, ""), (404, "{}")] {
            assert_eq!(look(status, body), None, "{status} {body}");
        }
    }
}
