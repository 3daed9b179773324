//! Which of the operator's groups a person is in, when the id_token does not say: more than 200 groups do not fit into
//! one, and a registration may put none into it at all. Graph is asked about the listed groups only, never for all.

use super::endpoint::{TIMEOUT, bounded, retry_after, unavailable, unreachable};
use crate::domain::upstream::Groups;
use crate::ports::identity::{IdentityError, IdentityFault};
use reqwest::header::WWW_AUTHENTICATE;
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;

/// Most ids that one request may ask about.
const MAX_IDS: usize = 20;

/// The listed ones among all groups of a person. Object ids are compared without regard to case.
pub(super) fn among(listed: &[String], all: &[String]) -> Groups {
    let is_in = |id: &&String| all.iter().any(|group| group.eq_ignore_ascii_case(id));
    Groups { asked: listed.to_vec(), member_of: listed.iter().filter(is_in).cloned().collect() }
}

/// Asks Graph, transitively, as the person whose token it is.
///
/// # Errors
/// `Unavailable` when Graph cannot say now, `ConsentRequired` when the token lacks `User.Read`, `InteractionRequired`
/// when Graph wants the person to sign in again first.
///
/// # Source
/// `POST /me/checkMemberObjects` (Microsoft Graph v1.0), delegated permission `User.Read`, at most 20 ids.
pub(super) async fn ask(
    http: &Client,
    graph_url: &str,
    token: &str,
    listed: &[String],
) -> Result<Groups, IdentityError> {
    let url = format!("{}/me/checkMemberObjects", graph_url.trim_end_matches('/'));
    let mut found = Vec::new();
    for ids in listed.chunks(MAX_IDS) {
        let request = http.post(&url).timeout(TIMEOUT).bearer_auth(token).json(&json!({ "ids": ids }));
        let response = request.send().await.map_err(|e| unreachable(&e))?;
        found.extend(read(response).await?);
    }
    Ok(among(listed, &found))
}

async fn read(response: Response) -> Result<Vec<String>, IdentityError> {
    #[derive(Deserialize)]
    struct Answer {
        value: Vec<String>,
    }
    let (status, wait) = (response.status(), retry_after(&response));
    let challenge = response.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    let is_challenged = challenge.is_some_and(|text| text.contains("insufficient_claims"));
    let body = bounded(response).await?;
    match status {
        StatusCode::OK => serde_json::from_slice::<Answer>(&body)
            .map(|answer| answer.value)
            .map_err(|_| unavailable("Graph's answer about groups is not as expected".to_owned(), None)),
        StatusCode::FORBIDDEN => {
            let problem = "Graph does not tell the groups of the person: the token lacks User.Read";
            Err(IdentityError::new(IdentityFault::ConsentRequired, problem))
        }
        StatusCode::UNAUTHORIZED if is_challenged => {
            let problem = "Graph wants the person to sign in again";
            Err(IdentityError::new(IdentityFault::InteractionRequired, problem))
        }
        other => Err(unavailable(format!("Graph answered {other} about groups"), wait)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_groups_are_kept() {
        let texts = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        let groups = among(&texts(&["a", "b"]), &texts(&["B", "c"]));
        assert_eq!((groups.asked, groups.member_of), (texts(&["a", "b"]), texts(&["b"])));
    }
}
