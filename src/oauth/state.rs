//! What every endpoint works with, and the settings of the authorization server.

use super::bearer::{BearerGuard, KeyWatch};
use super::clients::{self, ConfiguredClient, MetadataDocumentSettings, Remote};
use super::dpop::DpopSettings;
use super::limits::LimitSettings;
use super::metadata::Documents;
use super::openid::SigningKeys;
use super::register::RegistrationSettings;
use super::scopes::ScopePolicy;
use crate::domain::cipher::Cipher;
use crate::domain::client::ClientRecord;
use crate::domain::clock::SharedClock;
use crate::domain::ids::ClientId;
use crate::domain::resource::Resources;
use crate::domain::token::{Hasher, Token, TokenKind};
use crate::domain::upstream::SignIn;
use crate::ports::documents::DocumentSource;
use crate::ports::identity::{CodeExchange, IdentityError, IdentityProvider};
use crate::ports::issuers::IssuerKeys;
use crate::ports::store::Store;
use crate::ports::tokens::AccessTokens;
use ipnet::IpNet;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// Lifetimes and limits.
#[derive(Clone, Debug)]
pub(crate) struct OauthSettings {
    /// Life of a bearer.
    pub(crate) access_ttl: Duration,
    /// Life of a refresh token that is not used.
    pub(crate) refresh_ttl: Duration,
    /// Life of a grant, however often it is refreshed.
    pub(crate) grant_ttl: Duration,
    /// Life of an authorization code.
    pub(crate) code_ttl: Duration,
    /// Life of a client after its last use.
    pub(crate) client_ttl: Duration,
    /// Time in which a retried refresh gets the first answer again.
    pub(crate) refresh_grace: Duration,
    /// Life of a sign-in between `/authorize` and the callback.
    pub(crate) flow_ttl: Duration,
    /// Time for which an approval is remembered.
    pub(crate) consent_ttl: Duration,
    /// Life of a user's sealed Entra tokens without use (Entra's own is 90 days).
    pub(crate) upstream_ttl: Duration,
    /// Whether a refresh token that comes again after the grace ends its grant, or is merely refused.
    pub(crate) reuse_revokes: bool,
    /// Whether the OpenID Connect unit is offered.
    pub(crate) openid: bool,
    /// Time for which one key signs id_tokens.
    pub(crate) id_token_key_ttl: Duration,
    /// Whether clients of the operator may get tokens of their own.
    pub(crate) client_credentials: bool,
    /// Whether people may make keys for clients that know only a static one; off, those that were made count no more.
    pub(crate) personal_keys: bool,
    /// Longest life of such a key.
    pub(crate) personal_key_ttl: Duration,
    /// Whether clients may bind their tokens to a key.
    pub(crate) dpop: DpopSettings,
    /// Identity providers that may vouch for people; none switches assertions off.
    pub(crate) trusted_issuers: Vec<TrustedIssuer>,
    /// Proxies that are believed when they say where a request comes from.
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) limits: LimitSettings,
    pub(crate) registration: RegistrationSettings,
    pub(crate) metadata_documents: MetadataDocumentSettings,
    /// Clients that the operator set up.
    pub(crate) clients: Vec<ConfiguredClient>,
    pub(crate) scopes: ScopePolicy,
    /// Who may sign in; an empty list allows everybody.
    pub(crate) allowed_users: Vec<String>,
    pub(crate) allowed_domains: Vec<String>,
    pub(crate) allowed_tenants: Vec<String>,
    /// Object ids of Entra groups, in lower case.
    pub(crate) allowed_groups: Vec<String>,
    /// App roles of the registration.
    pub(crate) allowed_roles: Vec<String>,
}

/// An identity provider that may vouch for the people of one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TrustedIssuer {
    /// `iss` of its assertions, byte by byte.
    pub(crate) issuer: String,
    /// Where its keys are published.
    pub(crate) jwks_url: String,
    /// The Entra tenant whose people it may name.
    pub(crate) tenant: String,
}

impl Default for OauthSettings {
    fn default() -> Self {
        Self {
            access_ttl: HOUR,
            refresh_ttl: 30 * DAY,
            grant_ttl: 90 * DAY,
            code_ttl: Duration::from_mins(1),
            client_ttl: 90 * DAY,
            refresh_grace: Duration::from_mins(1),
            flow_ttl: Duration::from_mins(10),
            consent_ttl: 90 * DAY,
            upstream_ttl: 90 * DAY,
            reuse_revokes: true,
            openid: true,
            id_token_key_ttl: 30 * DAY,
            client_credentials: false,
            personal_keys: true,
            personal_key_ttl: 365 * DAY,
            dpop: DpopSettings::default(),
            trusted_issuers: Vec::new(),
            trusted_proxies: Vec::new(),
            limits: LimitSettings::default(),
            registration: RegistrationSettings::default(),
            metadata_documents: MetadataDocumentSettings::default(),
            clients: Vec::new(),
            scopes: ScopePolicy::default(),
            allowed_users: Vec::new(),
            allowed_domains: Vec::new(),
            allowed_tenants: Vec::new(),
            allowed_groups: Vec::new(),
            allowed_roles: Vec::new(),
        }
    }
}

/// What the composition root hands over.
pub(crate) struct OauthParts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) identity: Arc<dyn IdentityProvider>,
    pub(crate) tokens: Arc<dyn AccessTokens>,
    pub(crate) documents: Arc<dyn DocumentSource>,
    pub(crate) issuer_keys: Arc<dyn IssuerKeys>,
    pub(crate) cipher: Cipher,
    pub(crate) hasher: Hasher,
    pub(crate) resources: Arc<Resources>,
    pub(crate) clock: SharedClock,
    pub(crate) settings: OauthSettings,
}

/// State of the endpoints.
pub(crate) struct OauthState {
    pub(super) store: Arc<dyn Store>,
    pub(super) identity: Arc<dyn IdentityProvider>,
    pub(super) tokens: Arc<dyn AccessTokens>,
    /// Documents of clients, fetched from wherever they say.
    pub(super) documents_of_others: Arc<dyn DocumentSource>,
    pub(super) remote: Remote,
    pub(super) configured: HashMap<String, ClientRecord>,
    pub(super) issuer_keys: Arc<dyn IssuerKeys>,
    pub(super) cipher: Cipher,
    pub(super) hasher: Hasher,
    pub(super) resources: Arc<Resources>,
    pub(super) clock: SharedClock,
    pub(super) settings: OauthSettings,
    pub(super) documents: Documents,
    pub(super) keys: SigningKeys,
    /// Checks tokens at our own protected endpoint, and the proofs of requests for tokens.
    pub(super) guard: Arc<BearerGuard>,
}

impl std::fmt::Debug for OauthState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OauthState").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl OauthState {
    pub(crate) fn new(parts: OauthParts) -> Self {
        let documents = Documents::new(&parts.resources, &parts.settings);
        let mut guard = BearerGuard::new(
            parts.store.clone(),
            parts.hasher.clone(),
            parts.resources.clone(),
            parts.clock.clone(),
            parts.settings.dpop,
        );
        if parts.settings.personal_keys {
            guard = guard.with_personal_keys(KeyWatch::new(&parts));
        }
        Self {
            store: parts.store,
            identity: parts.identity,
            tokens: parts.tokens,
            documents_of_others: parts.documents,
            remote: Remote::default(),
            configured: clients::configured(&parts.settings.clients, &parts.hasher),
            issuer_keys: parts.issuer_keys,
            cipher: parts.cipher,
            hasher: parts.hasher,
            resources: parts.resources,
            clock: parts.clock,
            settings: parts.settings,
            documents,
            keys: SigningKeys::default(),
            guard: Arc::new(guard),
        }
    }

    /// The check of tokens, for the fronts that serve them.
    pub(crate) fn guard(&self) -> Arc<BearerGuard> {
        Arc::clone(&self.guard)
    }

    /// Whether a bearer of this kind counts at all.
    pub(super) fn counts(&self, token: &Token) -> bool {
        token.kind != TokenKind::Personal || self.settings.personal_keys
    }

    /// Whether browsers reach us over TLS; decides the cookie prefix.
    pub(super) fn is_secure(&self) -> bool {
        self.resources.issuer().starts_with("https://")
    }

    /// Renews the life of a client that is in use, which thus never ends before a grant of it. A failure costs nothing
    /// now, and the tokens are issued already.
    pub(super) async fn keep_client(&self, client: &ClientId) {
        let life = self.settings.client_ttl.max(self.settings.grant_ttl);
        if let Err(error) = self.store.touch_client(client, life).await {
            tracing::warn!(error = %error, "the life of a client could not be renewed");
        }
    }

    /// Redeems a code of Entra's and completes what the operator's lists look at.
    pub(super) async fn signed_in(&self, exchange: &CodeExchange) -> Result<SignIn, IdentityError> {
        let mut sign_in = self.identity.exchange(exchange).await?;
        if !self.identity.is_settled(&sign_in.tokens.profile) {
            sign_in.tokens.profile = self.identity.settle(&sign_in.tokens).await?;
        }
        Ok(sign_in)
    }

    /// Our one redirect URI at Entra.
    pub(super) fn callback_uri(&self) -> String {
        format!("{}/callback", self.resources.issuer())
    }
}
