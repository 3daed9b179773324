//! The id_token.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{error::AadError, forgery::forge, grants::Grant, keys};
use crate::sim::{clock, directory::Person, state::SimState};

const LIFE_SECONDS: i64 = 3600;
/// Most groups that fit into a JWT.
const MAX_GROUPS: usize = 200;

#[derive(Serialize)]
struct Claims<'a> {
    ver: &'static str,
    iss: String,
    sub: String,
    aud: &'a str,
    exp: i64,
    iat: i64,
    nbf: i64,
    oid: &'a str,
    tid: &'a str,
    sid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    uti: String,
    rh: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    roles: Vec<String>,
    #[serde(flatten)]
    groups: GroupClaims,
}

/// Groups, or where they can be asked for when they are too many for a token.
#[derive(Serialize, Default)]
struct GroupClaims {
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<String>>,
    #[serde(rename = "_claim_names", skip_serializing_if = "Option::is_none")]
    claim_names: Option<Value>,
    #[serde(rename = "_claim_sources", skip_serializing_if = "Option::is_none")]
    claim_sources: Option<Value>,
}

impl GroupClaims {
    /// Entra leaves the claim out for people without groups, and names a source beyond [`MAX_GROUPS`].
    fn of(state: &SimState, person: &Person, groups: Vec<String>) -> Self {
        if groups.is_empty() || !state.options.group_claims() {
            return Self::default();
        }
        if groups.len() <= MAX_GROUPS {
            return Self { groups: Some(groups), ..Self::default() };
        }
        let tenant = &state.directory.tenant_id;
        let endpoint = format!("https://graph.windows.net/{tenant}/users/{}/getMemberObjects", person.oid);
        Self {
            groups: None,
            claim_names: Some(json!({ "groups": "src1" })),
            claim_sources: Some(json!({ "src1": { "endpoint": endpoint } })),
        }
    }
}

/// Signs the id_token of a grant; `profile` and `email` decide which names it has.
pub(super) fn issue(
    state: &SimState,
    person: &Person,
    grant: &Grant,
    nonce: Option<&str>,
) -> Result<String, AadError> {
    let now = clock::now_secs();
    let memberships = person.memberships();
    let tenant_id = &state.directory.tenant_id;
    let claims = Claims {
        ver: "2.0",
        iss: format!("{}/{tenant_id}/v2.0", state.url),
        sub: pairwise(&grant.app_id, &person.oid),
        aud: &grant.app_id,
        exp: now + LIFE_SECONDS,
        iat: now,
        nbf: now,
        oid: &person.oid,
        tid: tenant_id,
        sid: &grant.sid,
        auth_time: state.options.auth_time_claim().then_some(grant.auth_time),
        uti: URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>()),
        rh: format!("1.{}.", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())),
        name: grant.asked.profile.then_some(person.display_name.as_str()),
        preferred_username: grant.asked.profile.then_some(person.upn.as_str()),
        email: grant.asked.email.then_some(person.mail.as_str()),
        nonce,
        roles: memberships.roles,
        groups: GroupClaims::of(state, person, memberships.groups),
    };
    let token = match state.forgeries.take() {
        Some(wish) => {
            serde_json::to_value(&claims).map_err(Into::into).and_then(|claims| forge(wish, claims))
        }
        None => keys::sign(&claims),
    };
    token.map_err(|_| AadError::internal())
}

/// The same person has another `sub` in another application.
fn pairwise(app_id: &str, oid: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{app_id}/{oid}")))
}
