//! A server without a socket, a browser with cookies, and fakes behind the two upstream ports.

use crate::adapters::embedded::EmbeddedStore;
use crate::domain::cipher::Cipher;
use crate::domain::clock::{Clock, TestClock, Timestamp};
use crate::domain::ids::{ServiceName, UserKey};
use crate::domain::keyring::KeyRing;
use crate::domain::resource::{Resources, ServiceInfo};
use crate::domain::scope::ScopeSet;
use crate::domain::secret::Secret;
use crate::domain::token::Hasher;
use crate::domain::upstream::{Profile, SignIn, UpstreamAccess, UpstreamTokens};
use crate::oauth::bearer::BearerGuard;
use crate::oauth::params::Params;
use crate::oauth::pkce;
use crate::oauth::{OauthParts, OauthSettings, OauthState, configure};
use crate::ports::documents::{Document, DocumentSource, FetchError};
use crate::ports::identity::{
    CodeExchange, IdentityError, IdentityFault, IdentityProvider, UpstreamAuthorization,
};
use crate::ports::issuers::{IssuerKeys, KeysUnavailable};
use crate::ports::tokens::{AccessTokens, TokenError};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{self, HeaderMap};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, HttpRequest, web};
use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub(super) const ISSUER: &str = "https://entrada.example";
pub(super) const REDIRECT: &str = "https://app.example/cb";
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(super) const OLD_KEY: &str = "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
/// After a rotation: a new active key, the old one kept for reading.
pub(super) const ROTATED_KEYS: &str =
    "b:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=,a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
pub(super) const RESOURCE: &str = "https://entrada.example/mail-query/mcp";

/// Entra as told: the code is the name of the person who signed in.
#[derive(Default)]
pub(super) struct FakeIdentity {
    challenges: Mutex<HashMap<String, String>>,
    pub(super) away: Mutex<bool>,
    pub(super) exchange_fault: Mutex<Option<IdentityFault>>,
}

fn fault(fault: IdentityFault) -> IdentityError {
    IdentityError::new(fault, "<b>detail</b>")
}

#[async_trait]
impl IdentityProvider for FakeIdentity {
    async fn authorize_url(&self, request: &UpstreamAuthorization) -> Result<String, IdentityError> {
        if *self.away.lock() {
            return Err(fault(IdentityFault::Unavailable));
        }
        assert_eq!(request.redirect_uri, format!("{ISSUER}/callback"));
        self.challenges.lock().insert(request.nonce.clone(), request.code_challenge.clone());
        Ok(format!("https://login.example/authorize?state={}&nonce={}", request.state, request.nonce))
    }

    async fn is_issuer(&self, issuer: &str) -> Result<bool, IdentityError> {
        Ok(issuer == "https://login.example/t-1/v2.0")
    }

    fn callback_error(&self, error: &str, _: &str, _: Option<&str>) -> IdentityError {
        fault(match error {
            "access_denied" => IdentityFault::Denied,
            "admin" => IdentityFault::AdminConsentRequired,
            _ => IdentityFault::Unavailable,
        })
    }

    async fn exchange(&self, exchange: &CodeExchange) -> Result<SignIn, IdentityError> {
        if let Some(kind) = *self.exchange_fault.lock() {
            return Err(fault(kind));
        }
        let expected = self.challenges.lock().remove(&exchange.nonce).expect("a nonce of ours");
        assert_eq!(pkce::challenge(exchange.verifier.expose()), expected);
        let name = exchange.code.expose().clone();
        let now = Timestamp::from_millis(0);
        let tokens = UpstreamTokens {
            access_token: Secret::new("graph".to_owned()),
            access_expires_at: now,
            refresh_token: Secret::new("entra".to_owned()),
            scopes: exchange.scopes.clone(),
            obtained_at: now,
            profile: Profile {
                username: format!("{name}@contoso.example"),
                name: name.clone(),
                ..Profile::default()
            },
            challenge: None,
            usable_until: None,
        };
        Ok(SignIn { user: UserKey::new("t-1", name), tokens, auth_time: None })
    }

    async fn refresh(&self, _: &UserKey, current: &UpstreamTokens) -> Result<UpstreamTokens, IdentityError> {
        Ok(current.clone())
    }

    async fn check(&self) -> Result<(), IdentityError> {
        Ok(())
    }
}

/// The refresher as told; counts what reached upstream.
#[derive(Default)]
pub(super) struct FakeTokens {
    versions: tokio::sync::Mutex<HashMap<UserKey, u64>>,
    pub(super) upstream_calls: AtomicUsize,
    pub(super) failure: Mutex<Option<TokenError>>,
    pub(super) forgotten: AtomicUsize,
    /// Everybody's mail domain; `contoso.example` unless told.
    pub(super) domain: Mutex<Option<&'static str>>,
}

#[async_trait]
impl AccessTokens for FakeTokens {
    async fn get(&self, user: &UserKey) -> Result<Arc<UpstreamAccess>, TokenError> {
        if let Some(failure) = self.failure.lock().clone() {
            return Err(failure);
        }
        Ok(Arc::new(self.access(user, 1)))
    }

    async fn renew(&self, user: &UserKey, seen: u64) -> Result<Arc<UpstreamAccess>, TokenError> {
        if let Some(failure) = self.failure.lock().clone() {
            return Err(failure);
        }
        let mut versions = self.versions.lock().await;
        let version = versions.entry(user.clone()).or_insert(seen);
        if *version <= seen {
            tokio::task::yield_now().await;
            self.upstream_calls.fetch_add(1, Ordering::SeqCst);
            *version = seen + 1;
        }
        Ok(Arc::new(self.access(user, *version)))
    }

    async fn challenged(&self, _: &UserKey, _: u64, _: &str) -> Result<(), TokenError> {
        Ok(())
    }

    fn forget(&self, _: &UserKey) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
    }
}

impl FakeTokens {
    fn access(&self, user: &UserKey, version: u64) -> UpstreamAccess {
        let domain = self.domain.lock().unwrap_or("contoso.example");
        let username = format!("{}@{domain}", user.oid);
        let profile = Profile { username, name: "A Person".to_owned(), ..Profile::default() };
        let token = Secret::new("graph".to_owned());
        UpstreamAccess {
            token,
            version,
            expires_at: Timestamp::from_millis(i64::MAX),
            profile,
            settled: true,
        }
    }
}

/// Documents of clients as told, by URL; counts what was asked for. Unknown ones are out of reach.
#[derive(Default)]
pub(super) struct FakeDocuments {
    pub(super) known: Mutex<HashMap<String, Result<Document, FetchError>>>,
    pub(super) asked: AtomicUsize,
}

impl FakeDocuments {
    pub(super) fn publish(&self, url: &str, body: &Value) {
        let document = Document { body: body.to_string().into(), max_age: None };
        self.known.lock().insert(url.to_owned(), Ok(document));
    }
}

#[async_trait]
impl DocumentSource for FakeDocuments {
    async fn fetch(&self, url: &url::Url, _: usize) -> Result<Document, FetchError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        let known = self.known.lock().get(url.as_str()).cloned();
        known.unwrap_or_else(|| Err(FetchError::Unreachable("nobody there".to_owned())))
    }
}

/// Nobody vouches for anybody here.
struct NoIssuers;

#[async_trait]
impl IssuerKeys for NoIssuers {
    async fn keys(&self, url: &str, _: &str) -> Result<Arc<jsonwebtoken::jwk::JwkSet>, KeysUnavailable> {
        Err(KeysUnavailable(url.to_owned()))
    }
}

/// An answer, read.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Reply {
    pub(super) fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    pub(super) fn location(&self) -> &str {
        self.header(header::LOCATION)
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub(super) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }

    /// A query parameter of the redirect.
    pub(super) fn redirected(&self, name: &str) -> Option<String> {
        let (_, query) = self.location().split_once('?')?;
        Params::parse(query.as_bytes()).unwrap().get(name).map(ToOwned::to_owned)
    }

    /// Asserts a page of ours that leads nowhere.
    pub(super) fn assert_page(&self, status: u16) {
        assert_eq!((self.status, self.location()), (status, ""), "{self:?}");
        assert!(self.header(header::CONTENT_TYPE).starts_with("text/html"));
        assert!(self.header(header::CONTENT_SECURITY_POLICY).contains("frame-ancestors 'none'"));
        assert_eq!(self.header(header::X_FRAME_OPTIONS), "DENY");
        assert_eq!(self.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert_eq!(self.header(header::REFERRER_POLICY), "no-referrer");
        assert_eq!(self.header(header::CACHE_CONTROL), "no-store");
    }
}

/// One server over one store.
pub(super) struct World {
    pub(super) state: web::Data<OauthState>,
    store: Arc<EmbeddedStore>,
    pub(super) identity: Arc<FakeIdentity>,
    pub(super) tokens: Arc<FakeTokens>,
    pub(super) documents: Arc<FakeDocuments>,
    pub(super) clock: Arc<TestClock>,
    pub(super) guard: Arc<BearerGuard>,
}

fn service(name: &str, title: &str, required: &str, supported: &str) -> ServiceInfo {
    ServiceInfo {
        name: ServiceName::new(name),
        title: title.to_owned(),
        description: String::new(),
        required_scopes: ScopeSet::parse(required),
        supported_scopes: ScopeSet::parse(supported),
    }
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(OauthSettings::default(), Some("mail-query"))
    }

    pub(super) fn with(settings: OauthSettings, default_service: Option<&str>) -> Self {
        let clock = Arc::new(TestClock::at(1_800_000_000_000));
        let store = Arc::new(EmbeddedStore::memory(clock.clone()));
        Self::over(store, clock, OLD_KEY, (settings, default_service))
    }

    /// Another replica over the same store, with its own keys and upstream.
    pub(super) fn replica(&self, keys: &str) -> Self {
        let what = (self.state.settings.clone(), Some("mail-query"));
        Self::over(Arc::clone(&self.store), Arc::clone(&self.clock), keys, what)
    }

    /// Another replica over the same store, with other settings.
    pub(super) fn replica_with(&self, settings: OauthSettings) -> Self {
        let what = (settings, Some("mail-query"));
        Self::over(Arc::clone(&self.store), Arc::clone(&self.clock), OLD_KEY, what)
    }

    fn over(
        store: Arc<EmbeddedStore>,
        clock: Arc<TestClock>,
        keys: &str,
        (settings, default_service): (OauthSettings, Option<&str>),
    ) -> Self {
        let ring = KeyRing::from_list(keys).unwrap();
        let services = vec![
            service("mail-query", "Mail", "Mail.Read User.Read", "Mail.Read Mail.Send"),
            service("calendar", "Calendar", "Calendars.Read", "Calendars.Read Calendars.ReadWrite"),
        ];
        let default_service = default_service.map(ServiceName::new);
        let resources = Arc::new(Resources::new(ISSUER.to_owned(), services, default_service));
        let (identity, tokens) = (Arc::new(FakeIdentity::default()), Arc::new(FakeTokens::default()));
        let documents = Arc::new(FakeDocuments::default());
        let hasher = Hasher::new(&ring);
        let state = OauthState::new(OauthParts {
            store: store.clone(),
            identity: identity.clone(),
            tokens: tokens.clone(),
            documents: documents.clone(),
            issuer_keys: Arc::new(NoIssuers),
            cipher: Cipher::new(&ring),
            hasher,
            resources,
            clock: clock.clone(),
            settings,
        });
        let guard = state.guard();
        Self { state: web::Data::new(state), store, identity, tokens, documents, clock, guard }
    }

    pub(super) fn wait(&self, by: Duration) {
        let before = self.clock.now();
        self.clock.advance(by);
        assert!(self.clock.now() > before);
    }

    /// Everything that the store holds.
    pub(super) fn dump(&self) -> Vec<u8> {
        self.store.dump()
    }

    pub(super) async fn call(&self, request: TestRequest) -> Reply {
        let app = init_service(App::new().app_data(self.state.clone()).configure(configure)).await;
        let response: ServiceResponse = call_service(&app, request.to_request()).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = String::from_utf8(read_body(response).await.to_vec()).unwrap();
        Reply { status, headers, body }
    }

    pub(super) async fn get(&self, uri: &str) -> Reply {
        self.call(TestRequest::get().uri(uri)).await
    }

    pub(super) async fn register(&self, metadata: Value) -> Reply {
        self.call(TestRequest::post().uri("/register").set_json(metadata)).await
    }

    /// A public client with one https redirect.
    pub(super) async fn public_client(&self) -> String {
        let metadata = json!({
            "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none", "client_name": "Test App",
        });
        self.register(metadata).await.json()["client_id"].as_str().unwrap().to_owned()
    }

    pub(super) async fn token(&self, form: &[(&str, &str)]) -> Reply {
        self.call(TestRequest::post().uri("/token").set_form(form)).await
    }

    /// Redeems a code of the test client.
    pub(super) async fn redeem(&self, client: &str, code: &str) -> Reply {
        self.token(&code_form(client, code)).await
    }

    pub(super) async fn refresh(&self, client: &str, token: &str) -> Reply {
        self.token(&[("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)]).await
    }

    /// A finished sign-in: the token answer.
    pub(super) async fn signed_in(&self, client: &str, user: &str) -> Value {
        let code = Browser::new(self).sign_in(client, user).await;
        let reply = self.redeem(client, &code).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }

    /// Whether a bearer works at the mail service.
    pub(super) async fn works(&self, bearer: &str) -> bool {
        let request = presenting(&format!("Bearer {bearer}"));
        self.guard.authenticate(request.head(), &ServiceName::new("mail-query")).await.is_ok()
    }
}

/// A request to the mail service with this `Authorization`.
pub(super) fn presenting(authorization: &str) -> HttpRequest {
    let request = TestRequest::post().uri("/mail-query/mcp");
    request.insert_header((header::AUTHORIZATION, authorization)).to_http_request()
}

/// The form that redeems a code.
pub(super) fn code_form<'a>(client: &'a str, code: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("resource", RESOURCE),
    ]
}

/// The query of a good authorization request, with members replaced, added, or (empty) left out.
pub(super) fn authorize_uri(client: &str, changes: &[(&str, &str)]) -> String {
    let challenge = pkce::challenge(VERIFIER);
    let mut pairs: Vec<(&str, &str)> = vec![
        ("client_id", client),
        ("redirect_uri", REDIRECT),
        ("response_type", "code"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("state", "s&t=\u{e9}"),
        ("resource", RESOURCE),
    ];
    for (name, value) in changes {
        pairs.retain(|(known, _)| known != name);
        if !value.is_empty() {
            pairs.push((name, value));
        }
    }
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("/authorize?{query}")
}

/// A person at one browser.
pub(super) struct Browser<'a> {
    world: &'a World,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl<'a> Browser<'a> {
    pub(super) fn new(world: &'a World) -> Self {
        Self { world, cookies: Mutex::default() }
    }

    /// The same browser at another replica.
    pub(super) fn at(self, world: &World) -> Browser<'_> {
        Browser { world, cookies: self.cookies }
    }

    async fn send(&self, mut request: TestRequest) -> Reply {
        let cookies: Vec<String> =
            self.cookies.lock().iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.insert_header((header::COOKIE, cookies.join("; ")));
        }
        let reply = self.world.call(request).await;
        for cookie in reply.headers.get_all(header::SET_COOKIE) {
            let text = cookie.to_str().unwrap();
            assert!(text.starts_with("__Host-") && text.contains("Secure") && text.contains("HttpOnly"));
            assert!(text.contains("SameSite=Lax") && text.contains("Path=/"));
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.lock().insert(name.to_owned(), value.to_owned());
        }
        reply
    }

    pub(super) async fn get(&self, uri: &str) -> Reply {
        self.send(TestRequest::get().uri(uri.strip_prefix(ISSUER).unwrap_or(uri))).await
    }

    pub(super) async fn post(&self, uri: &str, form: &[(&str, &str)]) -> Reply {
        self.send(TestRequest::post().uri(uri).set_form(form)).await
    }

    /// Presses a button of the consent page.
    pub(super) async fn decide(&self, page: &Reply, decision: &str) -> Reply {
        let (flow, csrf) = (field(page, "flow"), field(page, "csrf"));
        self.post("/consent", &[("flow", &flow), ("csrf", &csrf), ("decision", decision)]).await
    }

    /// From `/authorize` to the consent page.
    pub(super) async fn consent_page(&self, uri: &str) -> Reply {
        let redirect = self.get(uri).await;
        assert_eq!(redirect.status, 302, "{redirect:?}");
        let page = self.get(redirect.location()).await;
        page.assert_page(200);
        page
    }

    /// From `/authorize` over the approval to the upstream `state`.
    pub(super) async fn approve(&self, uri: &str) -> String {
        let page = self.consent_page(uri).await;
        let reply = self.decide(&page, "approve").await;
        assert_eq!(reply.status, 303, "{reply:?}");
        reply.redirected("state").unwrap()
    }

    /// Entra sends the browser back.
    pub(super) async fn come_back(&self, state: &str, user: &str) -> Reply {
        self.get(&format!("/callback?code={user}&state={state}")).await
    }

    /// A whole sign-in: the code.
    pub(super) async fn sign_in(&self, client: &str, user: &str) -> String {
        let state = self.approve(&authorize_uri(client, &[])).await;
        let reply = self.come_back(&state, user).await;
        assert_eq!(reply.status, 302, "{reply:?}");
        reply.redirected("code").unwrap()
    }
}

/// Value of a hidden field.
pub(super) fn field(page: &Reply, name: &str) -> String {
    let (_, rest) = page.body.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
    rest.split('"').next().unwrap().to_owned()
}
