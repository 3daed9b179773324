//! The session of a person who looks at their own connections. The cookie holds a sealed name and a random secret;
//! the store holds, under the secret's hash, who it is, so that signing out ends every copy of the cookie.

use crate::domain::clock::Timestamp;
use crate::domain::ids::UserKey;
use crate::domain::random;
use crate::domain::secret::Sealed;
use crate::domain::token::TokenHash;
use crate::domain::upstream::SignIn;
use crate::oauth::cookies;
use crate::oauth::state::OauthState;
use crate::ports::store::StoreError;
use actix_web::HttpRequest;
use actix_web::cookie::Cookie;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use subtle::ConstantTimeEq;

const COOKIE: &str = "entrada_account";
const SEAL: &str = "account-cookie";
const RECORD: &str = "account-session";
const CSRF: &str = "account-csrf";
/// A session that is not used dies after this long.
const IDLE: Duration = Duration::from_mins(15);
/// And every session after this long.
const AGE: Duration = Duration::from_hours(2);

/// Who is signed in.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) user: UserKey,
    pub(super) username: String,
    secret: String,
    since: Timestamp,
}

/// Without the secret.
impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("user", &self.user).finish_non_exhaustive()
    }
}

/// The cookie, opened.
#[derive(Serialize, Deserialize)]
struct Ticket {
    user: UserKey,
    secret: String,
}

/// The record in the store.
#[derive(Serialize, Deserialize)]
struct Record {
    username: String,
    since: Timestamp,
    seen: Timestamp,
    /// Signed out: nothing opens it any more.
    ended: bool,
}

impl Session {
    /// Begins one, with its cookie.
    pub(super) async fn begin(sign_in: &SignIn, state: &OauthState) -> Result<Cookie<'static>, StoreError> {
        let session = Self {
            user: sign_in.user.clone(),
            username: sign_in.tokens.profile.username.clone(),
            secret: random::text::<32>(),
            since: state.clock.now(),
        };
        session.write(false, state).await?;
        let ticket = Ticket { user: session.user, secret: session.secret };
        let plain = serde_json::to_vec(&ticket).unwrap_or_default();
        let sealed = state.cipher.seal(SEAL, &plain);
        Ok(cookies::build(COOKIE, URL_SAFE_NO_PAD.encode(sealed.as_bytes()), state))
    }

    /// The session of a request, which lives on by being used.
    pub(super) async fn of(request: &HttpRequest, state: &OauthState) -> Result<Option<Self>, StoreError> {
        let Some(Ticket { user, secret }) = ticket(request, state) else { return Ok(None) };
        let now = state.clock.now();
        let hashes: Vec<TokenHash> = state.hasher.hashes(RECORD, &secret).collect();
        for hash in hashes {
            let id = format!("{RECORD}|{}", hash.to_text());
            let Some(sealed) = state.store.handle(&user, &id).await? else { continue };
            let Some(record) = open(&id, &sealed, state) else { return Ok(None) };
            if record.ended || now.since(record.seen) >= IDLE || now.since(record.since) >= AGE {
                return Ok(None);
            }
            let session = Self { user, username: record.username, secret, since: record.since };
            session.write(false, state).await?;
            return Ok(Some(session));
        }
        Ok(None)
    }

    /// Signs out: the cookie opens nothing any more, wherever it was copied to.
    pub(super) async fn end(self, state: &OauthState) -> Result<(), StoreError> {
        self.write(true, state).await
    }

    /// The cookie that replaces ours by nothing.
    pub(super) fn removal(state: &OauthState) -> Cookie<'static> {
        let mut cookie = cookies::build(COOKIE, String::new(), state);
        cookie.set_max_age(actix_web::cookie::time::Duration::ZERO);
        cookie
    }

    /// Token that ties a form to the session.
    pub(super) fn csrf(&self, state: &OauthState) -> String {
        state.hasher.hash(CSRF, &self.secret).to_text()
    }

    pub(super) fn csrf_is_right(&self, given: &str, state: &OauthState) -> bool {
        let given = given.as_bytes();
        state.hasher.hashes(CSRF, &self.secret).any(|hash| hash.to_text().as_bytes().ct_eq(given).into())
    }

    async fn write(&self, ended: bool, state: &OauthState) -> Result<(), StoreError> {
        let id = format!("{RECORD}|{}", state.hasher.hash(RECORD, &self.secret).to_text());
        let seen = state.clock.now();
        let record = Record { username: self.username.clone(), since: self.since, seen, ended };
        let sealed = state.cipher.seal(&id, &serde_json::to_vec(&record).unwrap_or_default());
        // A session that was ended is remembered for as long as any copy of its record could live.
        let life = if ended { AGE } else { IDLE };
        state.store.put_handle(&self.user, &id, &sealed, life).await
    }
}

fn ticket(request: &HttpRequest, state: &OauthState) -> Option<Ticket> {
    let cookie = request.cookie(&cookies::name(COOKIE, state))?;
    let sealed = Sealed::from_bytes(URL_SAFE_NO_PAD.decode(cookie.value()).ok()?);
    serde_json::from_slice(&state.cipher.open(SEAL, &sealed).ok()?).ok()
}

fn open(id: &str, sealed: &Sealed, state: &OauthState) -> Option<Record> {
    let plain = state.cipher.open(id, sealed);
    let plain = plain.inspect_err(|e| tracing::error!(error = %e, record = RECORD, "cannot open")).ok()?;
    serde_json::from_slice(&plain).ok()
}
