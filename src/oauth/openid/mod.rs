//! OpenID Connect (Core 1.0) for clients that want to know who signed in: id_token, `/userinfo`, `/jwks.json` and the
//! discovery document. One switch for all of it: half of it makes clients fail that take discovery for a promise.

mod id_token;
mod keys;
mod userinfo;

use crate::domain::ids::UserKey;
use crate::domain::scope::ScopeSet;
use crate::domain::upstream::Profile;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

pub(super) use id_token::IdTokenBasis;
pub(super) use keys::{JWKS_MAX_AGE, Keys, SigningKeys};
pub(super) use userinfo::{get as userinfo, jwks};

/// Scopes that mean something only here (OpenID Connect Core §5.4).
pub(super) const SCOPES: &str = "openid profile email";

/// The subject of a person at this issuer (§8, public): the same for every client and for ever, and no way back to
/// the directory's ids.
pub(super) fn subject(issuer: &str, user: &UserKey) -> String {
    let mut hash = Sha256::new();
    for part in ["entrada-sub", issuer, &user.tid, &user.oid] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

/// What `profile` and `email` add (§5.4); members without a value are left out.
fn person(scopes: &ScopeSet, profile: &Profile) -> Map<String, Value> {
    let mut claims = Map::new();
    if scopes.contains("profile") {
        for (claim, value) in [("name", &profile.name), ("preferred_username", &profile.username)] {
            if !value.is_empty() {
                claims.insert(claim.to_owned(), json!(value));
            }
        }
    }
    // The sign-in name stands in a domain that the organisation proved to Microsoft to be its own; names of guests in
    // the form user#EXT#@tenant are nobody's mail address.
    if scopes.contains("email") && profile.username.contains('@') && !profile.username.contains('#') {
        claims.insert("email".to_owned(), json!(profile.username));
        claims.insert("email_verified".to_owned(), json!(true));
    }
    claims
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_belongs_to_one_person_at_one_issuer() {
        let of = |issuer, tid: &str, oid: &str| subject(issuer, &UserKey::new(tid, oid));
        let alice = of("https://a.example", "t", "alice");
        assert_eq!(alice, of("https://a.example", "t", "alice"));
        assert_ne!(alice, of("https://b.example", "t", "alice"));
        assert_ne!(of("https://a.example", "ta", "lice"), of("https://a.example", "t", "alice"));
    }

    #[test]
    fn claims_follow_the_scopes() {
        let profile = Profile { username: "a@x.example".to_owned(), ..Profile::default() };
        assert!(person(&ScopeSet::parse("openid"), &profile).is_empty());
        let all = person(&ScopeSet::parse("openid profile email"), &profile);
        let expected =
            json!({"preferred_username": "a@x.example", "email": "a@x.example", "email_verified": true});
        assert_eq!(Value::Object(all), expected);
        let guest = Profile { username: "a_x.example#EXT#@t.example".to_owned(), ..Profile::default() };
        assert!(person(&ScopeSet::parse("email"), &guest).is_empty());
    }
}
