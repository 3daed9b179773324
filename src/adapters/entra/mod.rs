//! Microsoft Entra ID as the identity provider. Endpoints come from discovery, which is read when first needed: the
//! server starts while Entra is away. Graph access tokens are opaque here; identity comes from the id_token alone.

mod cached;
mod credential;
mod endpoint;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod groups;
mod id_token;
#[cfg(feature = "sim")]
#[cfg(test)]
mod tests;

use crate::adapters::http::Clients;
use crate::domain::clock::{SharedClock, Timestamp};
use crate::domain::ids::UserKey;
use crate::domain::meters::Meters;
use crate::domain::scope::ScopeSet;
use crate::domain::secret::Secret;
use crate::domain::upstream::{Profile, SignIn, UpstreamTokens};
use crate::ports::identity::{
    CodeExchange, IdentityError, IdentityFault, IdentityProvider, UpstreamAuthorization,
};
use async_trait::async_trait;
use cached::Cached;
pub(crate) use credential::Credential;
use endpoint::TokenAnswer;
use error::{Classified, ErrorBody, Stage};
use id_token::{Expected, IdTokenFault, Identified};
use jsonwebtoken::jwk::JwkSet;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Scopes of the sign-in itself, beside the Graph scopes.
const SIGN_IN_SCOPES: &str = "openid profile email offline_access";
const DOCUMENT_AGE: Duration = Duration::from_hours(24);
/// Pause between two fetches of the keys because of a key id that is not among them.
const KEY_COOL_DOWN: Duration = Duration::from_mins(5);
const GRAPH_PREFIX: &str = "https://graph.microsoft.com/";

/// Our registration at Entra.
#[derive(Clone, Debug)]
pub(crate) struct EntraSettings {
    /// `https://login.microsoftonline.com` or that of a national cloud.
    pub(crate) authority: String,
    /// Tenant id, verified domain, `common`, `organizations` or `consumers`.
    pub(crate) tenant: String,
    pub(crate) client_id: String,
    pub(crate) credential: Credential,
    /// Ask for tokens that Graph may end early by a claims challenge (continuous access evaluation).
    pub(crate) continuous_access: bool,
    /// Groups that the operator lets in, in lower case; empty when groups do not matter.
    pub(crate) endpoints: Endpoints,
    pub(crate) allowed_groups: Vec<String>,
    /// App roles that let in as well: who has one is not asked about groups.
    pub(crate) allowed_roles: Vec<String>,
    /// Base URL of Graph with its version, which knows the groups that no token tells.
    pub(crate) graph_url: String,
}

/// Endpoints that the operator sets; an empty text leaves one to discovery, which is not read when all are set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Endpoints {
    pub(crate) issuer: String,
    pub(crate) authorization_endpoint: String,
    pub(crate) token_endpoint: String,
    pub(crate) jwks_uri: String,
}

impl Endpoints {
    /// `found` with what is set here in its place.
    fn over(&self, found: Discovery) -> Discovery {
        let or = |set: &String, found: String| if set.is_empty() { found } else { set.clone() };
        Discovery {
            issuer: or(&self.issuer, found.issuer),
            authorization_endpoint: or(&self.authorization_endpoint, found.authorization_endpoint),
            token_endpoint: or(&self.token_endpoint, found.token_endpoint),
            jwks_uri: or(&self.jwks_uri, found.jwks_uri),
        }
    }

    fn are_complete(&self) -> bool {
        [&self.issuer, &self.authorization_endpoint, &self.token_endpoint, &self.jwks_uri]
            .iter()
            .all(|set| !set.is_empty())
    }
}

/// The members of the discovery document that are used.
#[derive(Debug, Default, Deserialize)]
struct Discovery {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
}

/// Entra over HTTP.
pub(crate) struct EntraProvider {
    settings: EntraSettings,
    http: Clients,
    clock: SharedClock,
    discovery: Cached<Discovery>,
    keys: Cached<JwkSet>,
    /// Entra's last word about our credential.
    refused: AtomicBool,
    meters: Arc<Meters>,
}

impl std::fmt::Debug for EntraProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EntraProvider").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl EntraProvider {
    pub(crate) fn new(settings: EntraSettings, http: Clients, clock: SharedClock) -> Self {
        Self {
            settings,
            http,
            clock,
            discovery: Cached::new(),
            keys: Cached::new(),
            refused: AtomicBool::new(false),
            meters: Arc::default(),
        }
    }

    /// Counts requests there.
    pub(crate) fn metered(self, meters: Arc<Meters>) -> Self {
        Self { meters, ..self }
    }

    async fn discovery(&self) -> Result<Arc<Discovery>, IdentityError> {
        let authority = self.settings.authority.trim_end_matches('/');
        let url = format!("{authority}/{}/v2.0/.well-known/openid-configuration", self.settings.tenant);
        let set = &self.settings.endpoints;
        let load = async {
            if set.are_complete() {
                return Ok(set.over(Discovery::default()));
            }
            endpoint::get_json(self.http.here(), &url).await.map(|found| set.over(found))
        };
        self.discovery.get(self.clock.now(), DOCUMENT_AGE, load).await
    }

    async fn keys(&self, uri: &str, max_age: Duration) -> Result<Arc<JwkSet>, IdentityError> {
        self.keys.get(self.clock.now(), max_age, endpoint::get_json(self.http.here(), uri)).await
    }

    /// Posts to the token endpoint with our credential.
    async fn token(&self, form: &[(&str, &str)]) -> Result<TokenAnswer, Classified> {
        let discovery = self.discovery().await.map_err(|error| Classified { error, doubtful: false })?;
        let endpoint = &discovery.token_endpoint;
        let proof = self.settings.credential.parameters(&self.settings.client_id, endpoint, self.clock.now());
        let proof = proof.await.map_err(|error| Classified { error, doubtful: false })?;
        let mut all = form.to_vec();
        let claims = self.claims(None);
        all.extend(claims.iter().map(|claims| ("claims", claims.as_str())));
        all.push(("client_id", &self.settings.client_id));
        all.extend(proof.iter().map(|(name, value)| (*name, value.expose().as_str())));
        let answer = endpoint::post_token(self.http.here(), endpoint, &all).await;
        let error = answer.as_ref().err().map(|classified| &classified.error);
        self.note(error.map(|error| error.fault));
        let operation =
            if form.iter().any(|(name, _)| *name == "refresh_token") { "refresh" } else { "exchange" };
        let outcome = error.map_or("ok", |error| error.fault.name());
        self.meters.entra(operation, outcome, error.map_or(0, |error| error.code));
        answer
    }

    /// Remembers what an answer says about our credential; an outage says nothing.
    fn note(&self, fault: Option<IdentityFault>) {
        match fault {
            Some(IdentityFault::Unavailable) => {}
            Some(fault) => self.refused.store(fault == IdentityFault::CredentialRefused, Ordering::Relaxed),
            None => self.refused.store(false, Ordering::Relaxed),
        }
    }

    /// The `claims` parameter of an authorization request: a challenge, and our own capability when it is switched on.
    fn claims(&self, challenge: Option<&str>) -> Option<String> {
        let mut claims: Map<String, Value> =
            challenge.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        if self.settings.continuous_access {
            let access = claims.entry("access_token").or_insert_with(|| json!({}));
            if let Some(access) = access.as_object_mut() {
                access.insert("xms_cc".to_owned(), json!({ "values": ["cp1"] }));
            }
        }
        (!claims.is_empty()).then(|| Value::Object(claims).to_string())
    }

    async fn identify(&self, token: &str, nonce: Option<&str>) -> Result<Identified, IdentityError> {
        let discovery = self.discovery().await?;
        let kid = id_token::key_id(token).map_err(|fault| untrusted(&fault))?;
        let mut keys = self.keys(&discovery.jwks_uri, DOCUMENT_AGE).await?;
        if keys.find(&kid).is_none() {
            keys = self.keys(&discovery.jwks_uri, KEY_COOL_DOWN).await?;
        }
        let expected = Expected {
            issuer: &discovery.issuer,
            audience: &self.settings.client_id,
            nonce,
            now: self.clock.now(),
        };
        id_token::verify(token, &keys, expected).map_err(|fault| untrusted(&fault))
    }

    fn profile(&self, who: Identified) -> Profile {
        let groups = who.groups.map(|all| groups::among(&self.settings.allowed_groups, &all));
        Profile { username: who.username, name: who.name, roles: who.roles, groups }
    }

    async fn refresh_once(
        &self,
        user: &UserKey,
        current: &UpstreamTokens,
    ) -> Result<UpstreamTokens, Classified> {
        let scope = with_sign_in(&current.scopes);
        let answer = self
            .token(&[
                ("grant_type", "refresh_token"),
                ("refresh_token", current.refresh_token.expose()),
                ("scope", &scope),
            ])
            .await?;
        // Names may be old; what the lists look at may not.
        let mut profile = Profile { roles: Vec::new(), groups: None, ..current.profile.clone() };
        if let Some(id_token) = answer.id_token.as_deref() {
            let certain = |error| Classified { error, doubtful: false };
            let identified = self.identify(id_token, None).await;
            let who = identified.map_err(|error| certain(unproven(error)))?;
            if who.user != *user {
                return Err(certain(untrusted(&IdTokenFault::OtherUser)));
            }
            let now_called = self.profile(who);
            profile = if now_called.username.is_empty() {
                Profile { username: profile.username, name: profile.name, ..now_called }
            } else {
                now_called
            };
        }
        let refresh_token =
            answer.refresh_token.clone().map_or_else(|| current.refresh_token.clone(), Secret::new);
        let now = self.clock.now();
        Ok(tokens(&answer, refresh_token, &current.scopes, profile, now))
    }
}

#[async_trait]
impl IdentityProvider for EntraProvider {
    async fn authorize_url(&self, request: &UpstreamAuthorization) -> Result<String, IdentityError> {
        let discovery = self.discovery().await?;
        let mut url = url::Url::parse(&discovery.authorization_endpoint).map_err(|_| {
            let problem = "discovery names no usable authorization endpoint";
            IdentityError::new(IdentityFault::Misconfigured, problem)
        })?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("response_type", "code")
            .append_pair("response_mode", "query")
            .append_pair("redirect_uri", &request.redirect_uri)
            .append_pair("scope", &with_sign_in(&request.scopes))
            .append_pair("state", &request.state)
            .append_pair("nonce", &request.nonce)
            .append_pair("code_challenge", &request.code_challenge)
            .append_pair("code_challenge_method", "S256")
            .extend_pairs(request.login_hint.iter().map(|hint| ("login_hint", hint)))
            .extend_pairs(request.prompt.iter().map(|prompt| ("prompt", prompt)))
            .extend_pairs(self.claims(request.claims.as_deref()).iter().map(|claims| ("claims", claims)));
        Ok(url.into())
    }

    fn admin_consent_url(&self, scopes: &ScopeSet, redirect_uri: &str) -> Option<String> {
        // Administrators approve for one organisation; where any may sign in, theirs is found when they do.
        let tenant = match self.settings.tenant.as_str() {
            "common" | "consumers" => "organizations",
            tenant => tenant,
        };
        let authority = self.settings.authority.trim_end_matches('/');
        let names = scopes.iter().map(|scope| format!("{GRAPH_PREFIX}{scope}"));
        let query = [
            ("client_id", self.settings.client_id.clone()),
            ("scope", names.collect::<Vec<_>>().join(" ")),
            ("redirect_uri", redirect_uri.to_owned()),
        ];
        url::Url::parse_with_params(&format!("{authority}/{tenant}/v2.0/adminconsent"), query)
            .map(Into::into)
            .ok()
    }

    async fn is_issuer(&self, issuer: &str) -> Result<bool, IdentityError> {
        let discovery = self.discovery().await?;
        // Discovery of `common` and `organizations` names no tenant but the place where one goes.
        Ok(match discovery.issuer.split_once("{tenantid}") {
            None => issuer == discovery.issuer,
            Some((start, end)) => issuer
                .strip_prefix(start)
                .and_then(|rest| rest.strip_suffix(end))
                .is_some_and(|tenant| uuid::Uuid::try_parse(tenant).is_ok()),
        })
    }

    fn callback_error(&self, error: &str, description: &str, claims: Option<&str>) -> IdentityError {
        let body = ErrorBody {
            claims: claims.map(ToOwned::to_owned),
            error: error.to_owned(),
            error_description: description.to_owned(),
            ..ErrorBody::default()
        };
        error::classify(&body, Stage::Callback, None).error
    }

    async fn exchange(&self, exchange: &CodeExchange) -> Result<SignIn, IdentityError> {
        let answer = self
            .token(&[
                ("grant_type", "authorization_code"),
                ("code", exchange.code.expose()),
                ("redirect_uri", &exchange.redirect_uri),
                ("code_verifier", exchange.verifier.expose()),
                ("scope", &with_sign_in(&exchange.scopes)),
            ])
            .await
            .map_err(|classified| classified.error)?;
        let id_token = answer.id_token.as_deref().ok_or_else(|| missing("id_token"))?;
        let who = self.identify(id_token, Some(&exchange.nonce)).await?;
        let (user, auth_time) = (who.user.clone(), who.auth_time);
        let profile = self.profile(who);
        let refresh_token = answer.refresh_token.clone().ok_or_else(|| missing("refresh_token"))?;
        let now = self.clock.now();
        let tokens = tokens(&answer, Secret::new(refresh_token), &exchange.scopes, profile, now);
        Ok(SignIn { user, tokens, auth_time })
    }

    async fn refresh(
        &self,
        user: &UserKey,
        current: &UpstreamTokens,
    ) -> Result<UpstreamTokens, IdentityError> {
        match self.refresh_once(user, current).await {
            Ok(tokens) => Ok(tokens),
            // A number we do not know ends a login only when Entra says it twice.
            Err(first) if first.doubtful => {
                self.refresh_once(user, current).await.map_err(|again| match again.error.code {
                    code if code == first.error.code || !again.doubtful => again.error,
                    _ => endpoint::unavailable(again.error.detail.clone(), again.error.retry_after),
                })
            }
            Err(first) => Err(first.error),
        }
    }

    fn is_settled(&self, profile: &Profile) -> bool {
        if profile.roles.iter().any(|role| self.settings.allowed_roles.contains(role)) {
            return true;
        }
        let known = profile.groups.as_ref().map(|groups| groups.asked.as_slice()).unwrap_or_default();
        self.settings.allowed_groups.iter().all(|id| known.contains(id))
    }

    async fn settle(&self, tokens: &UpstreamTokens) -> Result<Profile, IdentityError> {
        let allowed = &self.settings.allowed_groups;
        let token = tokens.access_token.expose();
        let known = groups::ask(self.http.here(), &self.settings.graph_url, token, allowed).await?;
        Ok(Profile { groups: Some(known), ..tokens.profile.clone() })
    }

    async fn check(&self) -> Result<(), IdentityError> {
        let discovery = self.discovery().await?;
        let (id, endpoint) = (&self.settings.client_id, &discovery.token_endpoint);
        self.settings.credential.parameters(id, endpoint, self.clock.now()).await?;
        self.keys(&discovery.jwks_uri, DOCUMENT_AGE).await.map(|_| ())
    }

    fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    async fn try_credential(&self) -> Result<bool, IdentityError> {
        // An application gets tokens of its own from one tenant only.
        if matches!(self.settings.tenant.as_str(), "common" | "organizations" | "consumers") {
            return Ok(false);
        }
        let scope = format!("{GRAPH_PREFIX}.default");
        let form = [("grant_type", "client_credentials"), ("scope", scope.as_str())];
        match self.token(&form).await.map_err(|classified| classified.error) {
            // Whatever else Entra has against the request, it has looked at the credential before.
            Err(error)
                if !matches!(error.fault, IdentityFault::CredentialRefused | IdentityFault::Unavailable) =>
            {
                Ok(false)
            }
            answer => answer.map(|_| true),
        }
    }
}

fn tokens(
    answer: &TokenAnswer,
    refresh_token: Secret<String>,
    asked: &ScopeSet,
    profile: Profile,
    now: Timestamp,
) -> UpstreamTokens {
    let scopes = answer.scope.as_deref().map(granted).filter(|s| !s.is_empty());
    UpstreamTokens {
        access_token: answer.access(),
        access_expires_at: now.plus(Duration::from_secs(answer.expires_in)),
        challenge: None,
        usable_until: answer.ext_expires_in.map(|life| now.plus(Duration::from_secs(life))),
        refresh_token,
        scopes: scopes.unwrap_or_else(|| asked.clone()),
        obtained_at: now,
        profile,
    }
}

/// Graph scopes of an answer, by their short names and without those of the sign-in.
fn granted(scope: &str) -> ScopeSet {
    let short: ScopeSet =
        scope.split_ascii_whitespace().map(|s| s.strip_prefix(GRAPH_PREFIX).unwrap_or(s)).collect();
    short.difference(&ScopeSet::parse(SIGN_IN_SCOPES))
}

fn with_sign_in(scopes: &ScopeSet) -> String {
    scopes.union(&ScopeSet::parse(SIGN_IN_SCOPES)).to_string()
}

fn untrusted(fault: &IdTokenFault) -> IdentityError {
    IdentityError::new(IdentityFault::InvalidIdToken, format!("id_token: {fault}"))
}

/// An id_token of a refresh that does not verify proves nothing, neither for the tokens nor against the login: keys that
/// roll over and a clock of ours that runs away look the same. The tokens are not kept, the login is.
fn unproven(error: IdentityError) -> IdentityError {
    if error.fault == IdentityFault::InvalidIdToken {
        return endpoint::unavailable(error.detail, error.retry_after);
    }
    error
}

fn missing(what: &str) -> IdentityError {
    IdentityError::new(IdentityFault::Misconfigured, format!("the token answer has no {what}"))
}
