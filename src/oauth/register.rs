//! `POST /register`: dynamic client registration (RFC 7591). Equal public registrations fold into one client; a
//! secret is shown once and never handed to anybody else.
//!
//! A client that signs or has a secret is its registrant's alone and gets a registration access token (RFC 7592). A
//! public one is shared by everybody who registered the same metadata, and so gets none: whoever held one could change
//! or remove the client under all the others. Unused ones end by themselves.

use super::client_metadata::{self, Accepted, MetadataFault};
use super::redirect::RedirectPolicy;
use super::state::OauthState;
use super::wire::{self, Refusal};
use super::{audit, manage, routes};
use crate::domain::client::{ClientAuthMethod, ClientOrigin, ClientRecord};
use crate::domain::ids::ClientId;
use crate::domain::random;
use crate::domain::secret::Secret;
use crate::ports::store::StoreError;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};
use std::time::Duration;
use subtle::ConstantTimeEq;

/// Purpose under which secrets are hashed.
pub(super) const SECRET_PURPOSE: &str = "client-secret";
const METADATA: &str = "invalid_client_metadata";

/// Who may register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RegistrationMode {
    Open,
    /// Holders of this initial access token (RFC 7591 §3).
    Token(Secret<String>),
    Off,
}

/// How clients may set themselves up.
#[derive(Clone, Debug)]
pub(crate) struct RegistrationSettings {
    pub(crate) mode: RegistrationMode,
    /// Life of a client that nobody ever signed in with.
    pub(crate) unused_ttl: Duration,
    pub(crate) redirects: RedirectPolicy,
}

impl Default for RegistrationSettings {
    fn default() -> Self {
        Self {
            mode: RegistrationMode::Open,
            unused_ttl: Duration::from_hours(24),
            redirects: RedirectPolicy::default(),
        }
    }
}

/// Why a registration fails.
#[derive(Debug, thiserror::Error)]
pub(super) enum RegisterError {
    #[error("no such service")]
    UnknownService,
    #[error(
        "clients cannot register here; ask the operator for a client_id, or use a client metadata document"
    )]
    Off,
    #[error("registration needs the initial access token that the operator hands out")]
    NotAdmitted,
    #[error("the content type must be application/json")]
    ContentType,
    #[error("{}", .0.description)]
    Body(Refusal),
    #[error(transparent)]
    Metadata(#[from] MetadataFault),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RegisterError {
    pub(super) fn response(&self) -> HttpResponse {
        match self {
            Self::UnknownService => wire::not_found(),
            Self::Off => Refusal::new(StatusCode::FORBIDDEN, "access_denied", self.to_string()).response(),
            Self::NotAdmitted => Refusal::new(StatusCode::UNAUTHORIZED, "invalid_token", self.to_string())
                .challenging(wire::BEARER)
                .response(),
            Self::ContentType => Refusal::bad(METADATA, self.to_string()).response(),
            Self::Body(refusal) => refusal.response(),
            Self::Metadata(fault @ MetadataFault::Redirect { .. }) => {
                Refusal::bad("invalid_redirect_uri", fault.to_string()).response()
            }
            Self::Metadata(fault) => Refusal::bad(METADATA, fault.to_string()).response(),
            Self::Store(error) => Refusal::store(error).response(),
        }
    }
}

/// `POST /register` and its aliases.
pub(super) async fn post(
    request: HttpRequest,
    state: web::Data<OauthState>,
    body: Result<web::Bytes, actix_web::Error>,
) -> HttpResponse {
    match register(&request, &state, body).await {
        Ok(answer) => wire::private_json(StatusCode::CREATED).json(answer),
        Err(error) => error.response(),
    }
}

async fn register(
    request: &HttpRequest,
    state: &OauthState,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<Value, RegisterError> {
    if !routes::path_service_exists(request, state) {
        return Err(RegisterError::UnknownService);
    }
    admit(request, &state.settings.registration.mode)?;
    let input = client_metadata::object(&json_body(request, body)?)?;
    let accepted = client_metadata::accept(&input, &state.settings.registration.redirects)?;
    let credentials = Credentials::new(accepted.auth_method);
    let record = new_client(state, accepted, &credentials);
    let stored = state.store.register_client(&record, state.settings.registration.unused_ttl).await?;
    audit::event("register", &stored.id, None);
    Ok(credentials.told(manage::information(state, &stored)))
}

/// The body of a registration or of a change to one.
pub(super) fn json_body(
    request: &HttpRequest,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<web::Bytes, RegisterError> {
    if !wire::has_content_type(request.headers(), "application/json") {
        return Err(RegisterError::ContentType);
    }
    wire::within_limit(body, METADATA).map_err(RegisterError::Body)
}

fn admit(request: &HttpRequest, mode: &RegistrationMode) -> Result<(), RegisterError> {
    match mode {
        RegistrationMode::Open => Ok(()),
        RegistrationMode::Off => Err(RegisterError::Off),
        RegistrationMode::Token(token) => {
            let shown = bearer(request).unwrap_or_default();
            let same: bool = shown.as_bytes().ct_eq(token.expose().as_bytes()).into();
            if same { Ok(()) } else { Err(RegisterError::NotAdmitted) }
        }
    }
}

/// The bearer of a request, as sent.
pub(super) fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// What only the registrant is told, once.
pub(super) struct Credentials {
    pub(super) secret: Option<String>,
    pub(super) management: Option<String>,
}

impl Credentials {
    fn new(method: ClientAuthMethod) -> Self {
        let management =
            (method != ClientAuthMethod::None).then(|| format!("dcr_reg_{}", random::text::<32>()));
        Self { secret: new_secret(method), management }
    }

    /// The client information with them.
    pub(super) fn told(self, mut information: Map<String, Value>) -> Value {
        if let Some(secret) = self.secret {
            information.insert("client_secret".to_owned(), json!(secret));
            information.insert("client_secret_expires_at".to_owned(), json!(0));
        }
        if let Some(token) = self.management {
            information.insert("registration_access_token".to_owned(), json!(token));
        }
        Value::Object(information)
    }
}

/// A secret for the methods that need one.
pub(super) fn new_secret(method: ClientAuthMethod) -> Option<String> {
    match method {
        ClientAuthMethod::None | ClientAuthMethod::PrivateKeyJwt => None,
        ClientAuthMethod::ClientSecretBasic | ClientAuthMethod::ClientSecretPost => {
            Some(format!("dcr_cs_{}", random::text::<32>()))
        }
    }
}

fn new_client(state: &OauthState, accepted: Accepted, credentials: &Credentials) -> ClientRecord {
    let hash =
        |purpose, text: &Option<String>| text.as_deref().map(|t| state.hasher.hash(purpose, t).to_text());
    ClientRecord {
        id: ClientId::new(format!("dcr_{}", random::text::<16>())),
        origin: ClientOrigin::Registered,
        auth_method: accepted.auth_method,
        other_auth_methods: Vec::new(),
        secret_hash: hash(SECRET_PURPOSE, &credentials.secret),
        management_hash: hash(manage::PURPOSE, &credentials.management),
        digest: accepted.digest(),
        redirect_uris: accepted.redirect_uris,
        name: accepted.name,
        metadata: accepted.metadata,
        issued_at: state.clock.now(),
    }
}
