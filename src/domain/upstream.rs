//! The Entra side of a sign-in: who it was and the tokens for Microsoft Graph. Plain only in memory.

use crate::domain::clock::Timestamp;
use crate::domain::ids::UserKey;
use crate::domain::scope::ScopeSet;
use crate::domain::secret::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Tokens that Entra issued for one user. Serialised only to be sealed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct UpstreamTokens {
    /// Bearer for Graph; opaque to us.
    #[serde(serialize_with = "expose", deserialize_with = "secret")]
    pub(crate) access_token: Secret<String>,
    pub(crate) access_expires_at: Timestamp,
    #[serde(serialize_with = "expose", deserialize_with = "secret")]
    pub(crate) refresh_token: Secret<String>,
    /// Scopes recorded as granted; refreshes ask for these and never for the configured list.
    pub(crate) scopes: ScopeSet,
    pub(crate) obtained_at: Timestamp,
    /// Display data of the user, never an authorization key.
    pub(crate) profile: Profile,
    /// `claims` that only the person can satisfy: set, these tokens are used no more and the next sign-in asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) challenge: Option<String>,
    /// How long Graph may go on taking the access token while Entra is away (`ext_expires_in`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) usable_until: Option<Timestamp>,
}

/// Mutable data of the person: names to show, and what the operator's lists look at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    /// `preferred_username`, usually the UPN.
    #[serde(default)]
    pub(crate) username: String,
    #[serde(default)]
    pub(crate) name: String,
    /// App roles of the registration that the person has, as the newest id_token says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) roles: Vec<String>,
    /// Absent while nobody has said: too many for a token, or the registration puts none into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) groups: Option<Groups>,
}

/// Which of some groups a person is in; the others are nobody's business here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Groups {
    /// Object ids that were looked for.
    pub(crate) asked: Vec<String>,
    /// Those of them that the person is in, directly or through other groups.
    pub(crate) member_of: Vec<String>,
}

/// Who signed in, from a verified id_token.
#[derive(Clone, Debug)]
pub(crate) struct SignIn {
    pub(crate) user: UserKey,
    pub(crate) tokens: UpstreamTokens,
}

/// What a Graph call needs: a live access token and the record version it came from.
#[derive(Clone, Debug)]
pub(crate) struct UpstreamAccess {
    pub(crate) token: Secret<String>,
    pub(crate) version: u64,
    pub(crate) expires_at: Timestamp,
    pub(crate) profile: Profile,
    /// Whether the profile has all that the operator's lists look at.
    pub(crate) settled: bool,
}

impl UpstreamAccess {
    pub(crate) fn new(tokens: &UpstreamTokens, version: u64, settled: bool) -> Self {
        Self {
            token: tokens.access_token.clone(),
            version,
            expires_at: tokens.access_expires_at,
            profile: tokens.profile.clone(),
            settled,
        }
    }
}

/// Associated data of a user's sealed Entra record: a record moved to another user or rolled back does not open.
pub(crate) fn sealing_context(user: &UserKey, version: u64) -> String {
    format!("upstream|{}|{}|{version}", user.tid, user.oid)
}

fn expose<S: Serializer>(secret: &Secret<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret<String>, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}
