//! `/me/checkMemberObjects`.
use serde::Deserialize;

use super::call::{Answer, Call};
use super::error::GraphError;
use super::json::Json;
use crate::sim::directory::Person;

/// Scopes that show the memberships of the caller.
const SCOPES: [&str; 3] = ["User.Read", "User.Read.All", "Directory.Read.All"];
/// Most ids of one request.
const MAX_IDS: usize = 20;

#[derive(Deserialize)]
struct Body {
    ids: Vec<String>,
}

/// Which of the named groups the caller is in.
pub(super) fn check(call: &Call<'_>, person: &Person) -> Result<Answer, GraphError> {
    if call.method != "POST" {
        return Err(GraphError::new(405, "Request_BadRequest", "Specified HTTP method is not allowed."));
    }
    if !call.granted(&SCOPES) {
        return Err(GraphError::denied());
    }
    let bad = |message: String| GraphError::new(400, "Request_BadRequest", message);
    let body: Body = serde_json::from_slice(call.body)
        .map_err(|_| bad("A value is required for parameter 'ids' of this operation.".to_owned()))?;
    if body.ids.len() > MAX_IDS {
        return Err(bad(format!("The parameter 'ids' takes at most {MAX_IDS} values.")));
    }
    if let Some(id) = body.ids.iter().find(|id| uuid::Uuid::try_parse(id).is_err()) {
        return Err(bad(format!("Invalid object identifier '{id}'.")));
    }
    let groups = person.memberships().groups;
    let mut json = Json::default();
    json.object(|json| {
        json.member("@odata.context", &format!("{}/v1.0/$metadata#Collection(Edm.String)", call.origin));
        json.key("value").array(|json| {
            for id in body.ids.iter().filter(|id| groups.iter().any(|g| g.eq_ignore_ascii_case(id))) {
                json.text(id);
            }
        });
    });
    Ok(Answer::json(json.finish()))
}
