//! The identity provider behind us: Microsoft Entra ID.

use crate::domain::ids::UserKey;
use crate::domain::scope::ScopeSet;
use crate::domain::secret::Secret;
use crate::domain::upstream::{Profile, SignIn, UpstreamTokens};
use async_trait::async_trait;
use std::time::Duration;

/// An authorization request that we send upstream.
#[derive(Clone)]
pub(crate) struct UpstreamAuthorization {
    pub(crate) redirect_uri: String,
    pub(crate) state: String,
    pub(crate) nonce: String,
    /// S256 challenge of our own verifier.
    pub(crate) code_challenge: String,
    /// Graph scopes; the adapter adds `openid profile email offline_access`.
    pub(crate) scopes: ScopeSet,
    pub(crate) login_hint: Option<String>,
    pub(crate) prompt: Option<String>,
    /// `claims` of a challenge that Entra or Graph gave for this person (OpenID Connect Core §5.5).
    pub(crate) claims: Option<String>,
}

/// A code that came back from upstream.
#[derive(Clone, Debug)]
pub(crate) struct CodeExchange {
    pub(crate) code: Secret<String>,
    pub(crate) redirect_uri: String,
    pub(crate) verifier: Secret<String>,
    /// Must equal the id_token's `nonce`.
    pub(crate) nonce: String,
    pub(crate) scopes: ScopeSet,
}

/// What went wrong upstream, by what we have to do about it (`AADSTS` families).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdentityFault {
    /// The person declined.
    Denied,
    /// The user may consent but has not.
    ConsentRequired,
    /// An administrator has to consent.
    AdminConsentRequired,
    /// A second factor, a fresh sign-in or what `claims` says: only the person can go on.
    InteractionRequired,
    /// Device or place are not allowed; asking again from there changes nothing.
    Blocked,
    /// Account or tenant not allowed, or not assigned to the application.
    NotAllowed,
    /// The refresh token or code is dead: sign in again.
    GrantDead,
    /// The account is locked, disabled or its password has expired: nothing here can mend it.
    AccountState,
    /// A number that is in no table, at the callback.
    Unknown,
    /// `prompt=none` and nobody is signed in.
    LoginRequired,
    /// Our registration at Entra is wrong: an operator must act, users keep their login.
    Misconfigured,
    /// Our secret, certificate or federated token is refused: an operator must act, users keep their login.
    CredentialRefused,
    /// Outage, throttling, time-out.
    Unavailable,
    /// The id_token does not verify.
    InvalidIdToken,
}

impl IdentityFault {
    /// Stable name, for meters.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::ConsentRequired => "consent_required",
            Self::AdminConsentRequired => "admin_consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::Blocked => "blocked",
            Self::NotAllowed => "not_allowed",
            Self::GrantDead => "grant_dead",
            Self::AccountState => "account_state",
            Self::Unknown => "unknown",
            Self::LoginRequired => "login_required",
            Self::Misconfigured => "misconfigured",
            Self::CredentialRefused => "credential_refused",
            Self::Unavailable => "unavailable",
            Self::InvalidIdToken => "invalid_id_token",
        }
    }
}

/// An upstream failure. `detail` is for operators and never shown to clients.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{fault:?} (AADSTS{code}): {detail}")]
pub(crate) struct IdentityError {
    pub(crate) fault: IdentityFault,
    /// First of `error_codes`, 0 when there was none.
    pub(crate) code: u32,
    pub(crate) detail: String,
    pub(crate) retry_after: Option<Duration>,
    /// What the next sign-in must bring, as JSON, when the answer said so.
    pub(crate) claims: Option<String>,
}

impl IdentityError {
    /// A failure that came without a number.
    pub(crate) fn new(fault: IdentityFault, detail: impl Into<String>) -> Self {
        Self { fault, code: 0, detail: detail.into(), retry_after: None, claims: None }
    }
}

/// Signs users in and keeps their Graph tokens fresh.
#[async_trait]
pub(crate) trait IdentityProvider: Send + Sync {
    /// URL to send the browser to.
    async fn authorize_url(&self, request: &UpstreamAuthorization) -> Result<String, IdentityError>;
    /// Whether `issuer` is the one that answers our authorization requests (RFC 9207 §2.4).
    async fn is_issuer(&self, issuer: &str) -> Result<bool, IdentityError>;
    /// Where an administrator approves `scopes` for the whole organisation; Entra sends them on to `redirect_uri`.
    fn admin_consent_url(&self, _scopes: &ScopeSet, _redirect_uri: &str) -> Option<String> {
        None
    }
    /// Classifies the `error` parameters of a callback.
    fn callback_error(&self, error: &str, description: &str, claims: Option<&str>) -> IdentityError;
    /// Redeems a code; the answer's identity comes from a verified id_token.
    async fn exchange(&self, exchange: &CodeExchange) -> Result<SignIn, IdentityError>;
    /// Refreshes with the scopes recorded as granted. The answer keeps what upstream says nothing new about: the
    /// refresh token, and the profile, by which the operator's lists are checked again. An id_token that comes with it
    /// must name `user`: tokens of one person never end up in the record of another.
    async fn refresh(
        &self,
        user: &UserKey,
        current: &UpstreamTokens,
    ) -> Result<UpstreamTokens, IdentityError>;
    /// Whether `profile` says all that the operator's lists look at.
    fn is_settled(&self, _profile: &Profile) -> bool {
        true
    }
    /// Asks for what is missing, with the person's own access token, and answers the completed profile.
    async fn settle(&self, tokens: &UpstreamTokens) -> Result<Profile, IdentityError> {
        Ok(tokens.profile.clone())
    }
    /// Reaches discovery and keys; for readiness and `entrada check`.
    async fn check(&self) -> Result<(), IdentityError>;
    /// Whether our own credential was refused the last time that it was looked at.
    fn is_refused(&self) -> bool {
        false
    }
    /// Tries our own credential without a person; `false` where that is not possible. For `entrada check`.
    async fn try_credential(&self) -> Result<bool, IdentityError> {
        Ok(false)
    }
}
