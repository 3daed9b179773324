//! Requests to Entra's endpoints: bounded answers, time-outs, errors classified.

use super::error::{Classified, ErrorBody, Stage, classify, sanitise};
use crate::domain::secret::Secret;
use crate::ports::identity::{IdentityError, IdentityFault};
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use zeroize::Zeroize;

/// Discovery, keys, token answers and lists of groups are a few kilobytes.
const MAX_BODY: usize = 512 * 1024;
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);

/// A token answer (RFC 6749 §5.1 with `id_token`).
#[derive(Deserialize)]
pub(super) struct TokenAnswer {
    pub(super) access_token: String,
    pub(super) refresh_token: Option<String>,
    pub(super) id_token: Option<String>,
    pub(super) expires_in: u64,
    /// How long Graph may take the token while Entra is away.
    pub(super) ext_expires_in: Option<u64>,
    pub(super) scope: Option<String>,
}

/// Fetches a JSON document.
pub(super) async fn get_json<T: DeserializeOwned>(http: &Client, url: &str) -> Result<T, IdentityError> {
    let response = http.get(url).timeout(TIMEOUT).send().await.map_err(|e| unreachable(&e))?;
    let status = response.status();
    let body = bounded(response).await?;
    if !status.is_success() {
        return Err(unavailable(format!("{url} answered {status}"), None));
    }
    serde_json::from_slice(&body).map_err(|e| unavailable(format!("{url} is not as expected: {e}"), None))
}

/// Posts to the token endpoint. No `Origin` header: Entra refuses a secret beside one (AADSTS9002327).
pub(super) async fn post_token(
    http: &Client,
    url: &str,
    form: &[(&str, &str)],
) -> Result<TokenAnswer, Classified> {
    let trace = uuid::Uuid::new_v4().to_string();
    let request = http.post(url).timeout(TIMEOUT).header("client-request-id", &trace).form(form);
    let response = request.send().await.map_err(|e| sure(unreachable(&e)))?;
    let status = response.status();
    let retry_after = retry_after(&response);
    let mut body = bounded(response).await.map_err(sure)?;
    let answer = read_answer(status, &body, retry_after);
    body.zeroize();
    if let Err(classified) = &answer {
        tracing::info!(request = %trace, status = status.as_u16(), code = classified.error.code, "Entra refused");
    }
    answer
}

pub(super) fn read_answer(
    status: StatusCode,
    body: &[u8],
    retry_after: Option<Duration>,
) -> Result<TokenAnswer, Classified> {
    if status.is_success() {
        return serde_json::from_slice(body)
            .map_err(|_| sure(unavailable("the token answer is not as expected".to_owned(), None)));
    }
    let throttled = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
    match serde_json::from_slice::<ErrorBody>(body) {
        Ok(error) if !throttled && !error.error.is_empty() => {
            Err(classify(&error, Stage::Token, retry_after))
        }
        Ok(_) | Err(_) => Err(sure(unavailable(format!("token endpoint answered {status}"), retry_after))),
    }
}

pub(super) async fn bounded(mut response: Response) -> Result<Vec<u8>, IdentityError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| unreachable(&e))? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(unavailable("the answer is too large".to_owned(), None));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// `Retry-After` in seconds; Entra sends no dates.
pub(super) fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(|s: u64| Duration::from_secs(s.min(3600)))
}

pub(super) fn unreachable(error: &reqwest::Error) -> IdentityError {
    let what = if error.is_timeout() {
        "time-out"
    } else if error.is_connect() {
        "no connection"
    } else {
        "broken answer"
    };
    // The URL is left out: an authorization code or a secret never travels in it, but a query might one day.
    unavailable(format!("Entra: {what}"), None)
}

/// Entra cannot answer now.
pub(super) fn unavailable(detail: String, retry_after: Option<Duration>) -> IdentityError {
    IdentityError { retry_after, ..IdentityError::new(IdentityFault::Unavailable, sanitise(&detail)) }
}

fn sure(error: IdentityError) -> Classified {
    Classified { error, doubtful: false }
}

impl TokenAnswer {
    /// The access token, taken out of the answer.
    pub(super) fn access(&self) -> Secret<String> {
        Secret::new(self.access_token.clone())
    }
}

impl Drop for TokenAnswer {
    fn drop(&mut self) {
        self.access_token.zeroize();
        self.refresh_token.zeroize();
        self.id_token.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(status: u16, body: &str) -> IdentityFault {
        let status = StatusCode::from_u16(status).unwrap();
        read_answer(status, body.as_bytes(), None).err().unwrap().error.fault
    }

    #[test]
    fn outages_are_never_taken_for_a_dead_login() {
        let dead = r#"{"error":"invalid_grant","error_codes":[700082]}"#;
        assert_eq!(fault(400, dead), IdentityFault::GrantDead);
        assert_eq!(fault(503, dead), IdentityFault::Unavailable);
        assert_eq!(fault(429, "{}"), IdentityFault::Unavailable);
        assert_eq!(fault(502, "<html>bad gateway</html>"), IdentityFault::Unavailable);
        assert_eq!(fault(400, "<html>blocked</html>"), IdentityFault::Unavailable);
        assert_eq!(fault(200, "<html>portal</html>"), IdentityFault::Unavailable);
    }
}
