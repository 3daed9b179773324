//! A sign-in on its way: from `/authorize` to our code. The store sees it sealed, under the hash of a random id.

use super::cookies::Browser;
use super::params::append_query;
use super::state::OauthState;
use super::trace::Step;
use crate::domain::client::ClientOrigin;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{ClientId, FlowId, KeyThumbprint, ServiceName, UserKey};
use crate::domain::scope::ScopeSet;
use crate::domain::secret::Sealed;
use crate::domain::token::TokenHash;
use crate::html::Lang;
use crate::ports::store::{StoreError, Taken};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

const FLOW: &str = "flow";
const STATE: &str = "state";
const DECISION: &str = "decision";
const CONSENT: &str = "consent";
const CSRF: &str = "csrf";
/// Longest id that is looked up; ours have 43 characters.
const MAX_ID_CHARS: usize = 64;

/// A checked authorization request.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Flow {
    /// Ties together what happens to this sign-in.
    pub(super) id: FlowId,
    pub(super) client: ClientId,
    /// As declared by the client.
    pub(super) client_name: Option<String>,
    /// How far the name can be trusted.
    #[serde(default)]
    pub(super) client_origin: ClientOrigin,
    /// When the client registered.
    #[serde(default)]
    pub(super) client_since: Option<Timestamp>,
    pub(super) redirect_uri: String,
    /// The client's `state`, given back unchanged.
    pub(super) state: Option<String>,
    pub(super) code_challenge: String,
    pub(super) service: ServiceName,
    pub(super) scopes: ScopeSet,
    pub(super) login_hint: Option<String>,
    pub(super) prompt: Prompt,
    /// Oldest sign-in that the client accepts, in seconds (OpenID Connect Core §3.1.2.1).
    #[serde(default)]
    pub(super) max_age: Option<u32>,
    /// The client's `nonce`, for its id_token.
    #[serde(default)]
    pub(super) nonce: Option<String>,
    /// The key that the code will be bound to (`dpop_jkt`, RFC 9449 §10).
    #[serde(default)]
    pub(super) jkt: Option<KeyThumbprint>,
    /// The language that the client asks for (`ui_locales`); else the browser's counts.
    #[serde(default)]
    pub(super) lang: Option<Lang>,
    /// Secret of the browser that began it.
    pub(super) browser: String,
    pub(super) created_at: Timestamp,
}

/// What the client wants the person to be asked (OpenID Connect Core §3.1.2.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Prompt {
    /// Nothing may be shown.
    pub(super) none: bool,
    /// Our own page, even after an earlier approval.
    pub(super) consent: bool,
    /// `login` or `select_account`, which is Entra's part.
    pub(super) upstream: Option<String>,
}

impl Prompt {
    /// Reads the parameter; values that mean nothing here are left out.
    /// `None` when `none` stands beside another wish, which is an error (OpenID Connect Core §3.1.2.1).
    pub(super) fn parse(text: &str) -> Option<Self> {
        let has = |value: &str| text.split_ascii_whitespace().any(|word| word == value);
        let none = has("none");
        if none && text.split_ascii_whitespace().count() > 1 {
            return None;
        }
        let upstream = ["login", "select_account"].into_iter().find(|value| has(value));
        Some(Self { none, consent: has("consent"), upstream: upstream.map(ToOwned::to_owned) })
    }
}

/// A sign-in that was sent to Entra.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) flow: Flow,
    /// Our verifier towards Entra.
    pub(super) verifier: String,
    pub(super) nonce: String,
    /// The page was skipped because this user had approved before.
    pub(super) remembered_for: Option<UserKey>,
    /// What Entra is asked beyond the flow.
    #[serde(default)]
    pub(super) extra: Extra,
    pub(super) created_at: Timestamp,
}

impl Pending {
    /// The `prompt` that Entra is or was sent.
    pub(super) fn upstream_prompt(&self) -> Option<String> {
        match &self.extra.prompt {
            Some(prompt) if !self.flow.prompt.none => Some(prompt.clone()),
            Some(_) | None => self.flow.upstream_prompt(),
        }
    }
}

/// What a request to Entra carries because of an earlier answer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Extra {
    /// A `claims` challenge, as JSON.
    pub(super) claims: Option<String>,
    /// Wins over what the client wanted.
    pub(super) prompt: Option<String>,
    /// This sign-in was begun again once; it is not a second time.
    pub(super) again: bool,
}

/// The answer to a decision, kept so that a second click gets the same one.
#[derive(Serialize, Deserialize)]
struct Decision {
    location: String,
}

/// Without the browser's secret, the client's `state` and the person's address: errors carry flows.
impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flow")
            .field("id", &self.id)
            .field("client", &self.client)
            .field("service", &self.service)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

impl Flow {
    /// Whether `browser` began this flow, in constant time.
    pub(super) fn is_of(&self, browser: &Browser) -> bool {
        self.browser.as_bytes().ct_eq(browser.secret().as_bytes()).into()
    }

    /// What Entra is told: it knows no `max_age`, so a sign-in that has to be fresh is simply asked for again.
    pub(super) fn upstream_prompt(&self) -> Option<String> {
        if self.prompt.none {
            return Some("none".to_owned());
        }
        let fresh = self.max_age.is_some().then(|| "login".to_owned());
        fresh.or_else(|| self.prompt.upstream.clone())
    }

    /// A step of this flow, for its trace.
    pub(super) fn step<'a>(&'a self, step: &'a str) -> Step<'a> {
        Step { name: step, client: self.client.as_str(), service: self.service.as_str(), ..Step::default() }
    }

    /// The redirect that reports an error to the client (RFC 6749 §4.1.2.1, RFC 9207).
    pub(super) fn error_location(&self, issuer: &str, error: &str, description: &str) -> String {
        error_location(&self.redirect_uri, self.state.as_deref(), issuer, (error, description))
    }

    /// The redirect that hands over a code.
    pub(super) fn code_location(&self, issuer: &str, code: &str) -> String {
        let mut pairs = vec![("code", code)];
        pairs.extend(self.state.as_deref().map(|s| ("state", s)));
        pairs.push(("iss", issuer));
        append_query(&self.redirect_uri, &pairs)
    }

    /// What an approval is remembered under: another client, redirect, scope or service asks again.
    fn consent_tuple(&self) -> String {
        format!("{}\n{}\n{}\n{}", self.client, self.redirect_uri, self.scopes, self.service)
    }
}

/// The host that vouches for a client: that of the URL which is its id. Clients that registered themselves have none,
/// whatever they call themselves.
pub(super) fn verified_host(origin: ClientOrigin, client: &ClientId) -> Option<String> {
    let published = origin == ClientOrigin::Published;
    let url = published.then(|| url::Url::parse(client.as_str()).ok()).flatten()?;
    url.host_str().map(ToOwned::to_owned)
}

/// An error redirect; `error` is name and description.
pub(super) fn error_location(uri: &str, state: Option<&str>, issuer: &str, error: (&str, &str)) -> String {
    let mut pairs = vec![("error", error.0), ("error_description", error.1)];
    pairs.extend(state.map(|s| ("state", s)));
    pairs.push(("iss", issuer));
    append_query(uri, &pairs)
}

impl OauthState {
    /// Stores a flow under `id`.
    pub(super) async fn put_flow(&self, id: &str, flow: &Flow) -> Result<(), StoreError> {
        let place = self.hasher.hash(FLOW, id);
        self.store.put_flow(&place, &self.sealed(FLOW, place, flow), self.settings.flow_ttl).await
    }

    /// Reads a flow with the place it stands at.
    pub(super) async fn flow(&self, id: &str) -> Result<Option<(TokenHash, Flow)>, StoreError> {
        if id.len() > MAX_ID_CHARS {
            return Ok(None);
        }
        for place in self.hasher.hashes(FLOW, id) {
            if let Some(sealed) = self.store.flow(&place).await? {
                let flow: Option<Flow> = self.unsealed(FLOW, place, &sealed);
                let live = |f: &Flow| self.clock.now().since(f.created_at) < self.settings.flow_ttl;
                return Ok(flow.filter(live).map(|flow| (place, flow)));
            }
        }
        Ok(None)
    }

    /// Settles a decision; the first one stands and its location is answered to everybody.
    pub(super) async fn settle(&self, place: &TokenHash, location: String) -> Result<String, StoreError> {
        let mine = self.sealed(DECISION, *place, &Decision { location: location.clone() });
        let stands = self.store.settle_flow(place, &mine, self.settings.flow_ttl).await?;
        Ok(self.unsealed::<Decision>(DECISION, *place, &stands).map_or(location, |d| d.location))
    }

    /// Stores what the upstream `state` stands for.
    pub(super) async fn put_pending(&self, state: &str, pending: &Pending) -> Result<(), StoreError> {
        self.put(STATE, state, pending).await
    }

    /// Takes it, once; `None` when it is unknown, spent or too old.
    pub(super) async fn take_pending(&self, state: &str) -> Result<Option<Pending>, StoreError> {
        let pending: Option<Pending> = self.take(STATE, state).await?;
        let now = self.clock.now();
        Ok(pending.filter(|p| now.since(p.created_at) < self.settings.flow_ttl))
    }

    /// Stores a value of `kind` that counts once, for the time of a sign-in.
    pub(super) async fn put<T: Serialize>(&self, kind: &str, id: &str, value: &T) -> Result<(), StoreError> {
        let place = self.hasher.hash(kind, id);
        self.store.put_state(&place, &self.sealed(kind, place, value), self.settings.flow_ttl).await
    }

    /// Takes it.
    pub(super) async fn take<T: DeserializeOwned>(
        &self,
        kind: &str,
        id: &str,
    ) -> Result<Option<T>, StoreError> {
        if id.len() > MAX_ID_CHARS {
            return Ok(None);
        }
        for place in self.hasher.hashes(kind, id) {
            match self.store.take_state(&place).await? {
                Taken::First(sealed) => return Ok(self.unsealed(kind, place, &sealed)),
                Taken::Replayed => return Ok(None),
                Taken::Unknown => {}
            }
        }
        Ok(None)
    }

    /// Whether `user` approved exactly this before.
    pub(super) async fn has_consent(&self, user: &UserKey, flow: &Flow) -> Result<bool, StoreError> {
        let tuple = flow.consent_tuple();
        for digest in self.hasher.hashes(CONSENT, &tuple) {
            if self.store.has_consent(user, &digest).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) async fn remember_consent(&self, user: &UserKey, flow: &Flow) -> Result<(), StoreError> {
        let digest = self.hasher.hash(CONSENT, &flow.consent_tuple());
        self.store.remember_consent(user, &digest, self.settings.consent_ttl).await
    }

    /// Token that ties a form to flow and browser.
    pub(super) fn csrf(&self, id: &str, flow: &Flow) -> String {
        self.hasher.hash(CSRF, &format!("{id}|{}", flow.browser)).to_text()
    }

    pub(super) fn csrf_is_right(&self, id: &str, flow: &Flow, given: &str) -> bool {
        let bound = format!("{id}|{}", flow.browser);
        let right = |hash: TokenHash| bool::from(hash.to_text().as_bytes().ct_eq(given.as_bytes()));
        self.hasher.hashes(CSRF, &bound).any(right)
    }

    fn sealed<T: Serialize>(&self, kind: &str, place: TokenHash, value: &T) -> Sealed {
        let plain = serde_json::to_vec(value).unwrap_or_default();
        self.cipher.seal(&format!("{kind}|{}", place.to_text()), &plain)
    }

    fn unsealed<T: DeserializeOwned>(&self, kind: &str, place: TokenHash, sealed: &Sealed) -> Option<T> {
        let opened = self.cipher.open(&format!("{kind}|{}", place.to_text()), sealed);
        let plain = opened.inspect_err(|e| tracing::error!(error = %e, record = kind, "cannot open")).ok()?;
        serde_json::from_slice(&plain).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_may_hold_several_wishes() {
        let both = Prompt::parse("consent select_account").unwrap();
        assert!(both.consent && !both.none);
        assert_eq!(both.upstream.as_deref(), Some("select_account"));
        assert_eq!(Prompt::parse("create"), Some(Prompt::default()));
        assert!(Prompt::parse("none").unwrap().none);
        assert_eq!(Prompt::parse("none login"), None);
    }
}
