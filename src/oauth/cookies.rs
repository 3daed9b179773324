//! The two cookies: one binds a sign-in to the browser that began it, one remembers who signed in, so that an earlier
//! approval can be honoured. Neither authorizes anything.

use super::state::OauthState;
use crate::domain::clock::Timestamp;
use crate::domain::ids::UserKey;
use crate::domain::random;
use crate::domain::secret::Sealed;
use crate::domain::upstream::SignIn;
use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::time::Duration;

const FLOW: &str = "entrada_flow";
const USER: &str = "entrada_user";
const SEAL_CONTEXT: &str = "user-cookie";
const USER_MAX_AGE: Duration = Duration::from_hours(12);
/// Characters of 32 random bytes in base64url.
const BROWSER_CHARS: usize = 43;

/// The secret of one browser.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Browser(String);

impl Browser {
    /// The browser of the request, if it has been here.
    pub(super) fn of(request: &HttpRequest, state: &OauthState) -> Option<Self> {
        let value = request.cookie(&name(FLOW, state))?.value().to_owned();
        let well_formed = value.len() == BROWSER_CHARS && value.bytes().all(|b| b.is_ascii_graphic());
        well_formed.then_some(Self(value))
    }

    /// A browser that is here for the first time.
    pub(super) fn new() -> Self {
        Self(random::text::<32>())
    }

    pub(super) fn secret(&self) -> &str {
        &self.0
    }

    pub(super) fn cookie(&self, state: &OauthState) -> Cookie<'static> {
        build(FLOW, self.0.clone(), state)
    }
}

#[derive(Serialize, Deserialize)]
struct UserSeal {
    user: UserKey,
    /// For display only.
    #[serde(default)]
    username: String,
    at: Timestamp,
}

/// Who signed in with a browser lately.
#[derive(Clone, Debug)]
pub(super) struct LastUser {
    pub(super) user: UserKey,
    pub(super) username: String,
}

/// Who signed in with this browser lately.
pub(super) fn user(request: &HttpRequest, state: &OauthState) -> Option<LastUser> {
    let cookie = request.cookie(&name(USER, state))?;
    let sealed = Sealed::from_bytes(URL_SAFE_NO_PAD.decode(cookie.value()).ok()?);
    let seal: UserSeal = serde_json::from_slice(&state.cipher.open(SEAL_CONTEXT, &sealed).ok()?).ok()?;
    let last = LastUser { user: seal.user, username: seal.username };
    (state.clock.now().since(seal.at) < USER_MAX_AGE).then_some(last)
}

/// The cookie that remembers who signed in until the browser is closed.
pub(super) fn user_cookie(sign_in: &SignIn, state: &OauthState) -> Cookie<'static> {
    let username = sign_in.tokens.profile.username.clone();
    let seal = UserSeal { user: sign_in.user.clone(), username, at: state.clock.now() };
    let plain = serde_json::to_vec(&seal).unwrap_or_default();
    let sealed = state.cipher.seal(SEAL_CONTEXT, &plain);
    build(USER, URL_SAFE_NO_PAD.encode(sealed.as_bytes()), state)
}

/// `__Host-` pins a cookie to this host and to TLS; browsers refuse the prefix on plain loopback.
pub(super) fn name(base: &str, state: &OauthState) -> String {
    if state.is_secure() { format!("__Host-{base}") } else { base.to_owned() }
}

pub(super) fn build(base: &str, value: String, state: &OauthState) -> Cookie<'static> {
    Cookie::build(name(base, state), value)
        .path("/")
        .http_only(true)
        .secure(state.is_secure())
        // Lax: the way back from Entra is a top-level navigation from another site.
        .same_site(SameSite::Lax)
        .finish()
}
