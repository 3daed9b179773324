//! The tenant's access tokens: shaped like the real ones (a JWT of about 2 KB that only its audience may
//! read), known to the desk by value, so that checking one is a look-up.

use std::{collections::HashMap, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use parking_lot::RwLock;
use serde_json::json;

use super::{clock, directory::Person};

/// Characters at the end of a token that select its entry: enough of the random part to be unique.
const TAIL: usize = 64;
/// Expired entries are swept when the desk grows past a multiple of this.
const SWEEP_AT: usize = 4096;

/// What a valid access token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccessClaims {
    pub(crate) oid: String,
    pub(crate) app_id: String,
    /// Graph permission names, without the OIDC ones.
    pub(crate) scopes: Vec<String>,
    /// Seconds since 1970.
    pub(crate) expires_at: i64,
}

#[derive(Debug)]
struct Entry {
    token: String,
    claims: Arc<AccessClaims>,
}

/// Issues, checks and revokes access tokens.
#[derive(Debug, Default)]
pub(crate) struct TokenDesk {
    live: RwLock<HashMap<String, Entry>>,
}

impl TokenDesk {
    /// Issues a token for the person, valid for `seconds` from now.
    pub(crate) fn issue(&self, person: &Person, tenant_id: &str, claims: AccessClaims) -> String {
        let token = shape(person, tenant_id, &claims);
        let mut live = self.live.write();
        if live.len() >= SWEEP_AT && live.len().is_power_of_two() {
            let now = clock::now_secs();
            live.retain(|_, entry| entry.claims.expires_at > now);
        }
        live.insert(tail(&token).to_owned(), Entry { token: token.clone(), claims: Arc::new(claims) });
        token
    }

    /// The claims of a token that is known, not expired and not revoked.
    pub(crate) fn verify(&self, token: &str) -> Option<Arc<AccessClaims>> {
        let live = self.live.read();
        let entry = live.get(tail(token))?;
        (entry.token == token && entry.claims.expires_at > clock::now_secs())
            .then(|| Arc::clone(&entry.claims))
    }

    /// Ends every token of one person.
    pub(crate) fn revoke_user(&self, oid: &str) {
        self.live.write().retain(|_, entry| entry.claims.oid != oid);
    }

    /// Ends every token of the tenant.
    pub(crate) fn expire_all(&self) {
        self.live.write().clear();
    }
}

fn tail(token: &str) -> &str {
    // A tail that would cut a character selects nothing, which is right: our tokens are ASCII.
    token.get(token.len().saturating_sub(TAIL)..).unwrap_or_default()
}

/// Builds the text. The signature is random: Graph tokens cannot be verified by anyone but Graph
/// (their header carries a `nonce` that changes the signed bytes), and a client must not try.
fn shape(person: &Person, tenant_id: &str, claims: &AccessClaims) -> String {
    let now = clock::now_secs();
    let header = json!({
        "typ": "JWT",
        "nonce": URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()),
        "alg": "RS256",
        "x5t": super::entra::KEY_ID,
        "kid": super::entra::KEY_ID,
    });
    let body = json!({
        "aud": "00000003-0000-0000-c000-000000000000",
        "iss": format!("https://sts.windows.net/{tenant_id}/"),
        "iat": now, "nbf": now, "exp": claims.expires_at,
        "acct": 0, "acr": "1",
        "aio": URL_SAFE_NO_PAD.encode([rand::random::<[u8; 32]>(), rand::random()].concat()),
        "amr": ["pwd", "mfa"],
        "app_displayname": "Entrada",
        "appid": claims.app_id,
        "appidacr": "1",
        "family_name": person.surname, "given_name": person.given_name,
        "idtyp": "user", "ipaddr": "203.0.113.24",
        "name": person.display_name, "oid": person.oid,
        "platf": "14", "puid": "10032000DEADBEEF",
        "rh": format!("1.{}.", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 48]>())),
        "scp": claims.scopes.join(" "),
        "sid": uuid::Uuid::from_bytes(rand::random()),
        "signin_state": ["kmsi"],
        "sub": URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()),
        "tenant_region_scope": "EU", "tid": tenant_id,
        "unique_name": person.upn, "upn": person.upn,
        "uti": URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>()),
        "ver": "1.0",
        "wids": ["b79fbf4d-3ef9-4689-8143-76b194e85509"],
        "xms_ftd": URL_SAFE_NO_PAD.encode([rand::random::<[u8; 32]>(), rand::random()].concat()),
        "xms_idrel": "1 14",
        "xms_st": { "sub": URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()) },
        "xms_tcdt": 1_514_764_800,
    });
    let signature: Vec<u8> = (0..8).flat_map(|_| rand::random::<[u8; 32]>()).collect();
    [
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(body.to_string()),
        URL_SAFE_NO_PAD.encode(signature),
    ]
    .join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::directory::{Directory, TENANT_ID};

    fn claims(oid: &str, expires_in: i64) -> AccessClaims {
        AccessClaims {
            oid: oid.to_owned(),
            app_id: "app".to_owned(),
            scopes: vec!["Mail.Read".to_owned()],
            expires_at: clock::now_secs() + expires_in,
        }
    }

    #[test]
    fn tokens_end_by_time_by_user_and_all_at_once() {
        let people = Directory::contoso().people;
        let desk = TokenDesk::default();
        let issue = |index: usize, seconds| {
            desk.issue(&people[index], TENANT_ID, claims(&people[index].oid, seconds))
        };
        let (alice, bob, old) = (issue(0, 60), issue(1, 60), issue(0, -1));
        assert_eq!(desk.verify(&alice).unwrap().scopes, ["Mail.Read"]);
        assert!(desk.verify(&old).is_none());
        assert!((1500..3000).contains(&alice.len()), "{}", alice.len());
        desk.revoke_user(&people[0].oid);
        assert!(desk.verify(&alice).is_none());
        assert!(desk.verify(&bob).is_some());
        desk.expire_all();
        assert!(desk.verify(&bob).is_none());
    }

    #[test]
    fn a_token_is_known_only_as_a_whole() {
        let people = Directory::contoso().people;
        let desk = TokenDesk::default();
        let token = desk.issue(&people[0], TENANT_ID, claims(&people[0].oid, 60));
        for broken in ["", "x", "\0", "토큰", &token[1..], &format!("A{token}"), &token[token.len() - 64..]]
        {
            assert!(desk.verify(broken).is_none(), "{broken:?}");
        }
    }
}
