//! `/register/{client_id}`: reading, changing and ending a registration (RFC 7592), for whoever holds its registration
//! access token. Only clients with a secret or keys have one; see [`super::register`] for why the others do not, and
//! those that the operator set up are changed in the settings alone.

use super::audit;
use super::client_metadata::{self, MetadataFault};
use super::register::{self, Credentials, RegisterError, SECRET_PURPOSE};
use super::state::OauthState;
use super::wire::{self, Refusal};
use crate::domain::client::{ClientAuthMethod, ClientRecord};
use crate::domain::ids::ClientId;
use crate::ports::store::StoreError;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};
use subtle::ConstantTimeEq;

/// Purpose under which registration access tokens are hashed.
pub(super) const PURPOSE: &str = "registration-token";

/// Why a registration is not told, changed or ended.
#[derive(Debug, thiserror::Error)]
enum ManageError {
    /// One answer for an unknown client, one without management, and a wrong token (§2.1).
    #[error("the registration access token is not one of this client")]
    Token,
    #[error("`client_id` must be that of the URL")]
    OtherClient,
    #[error("`{0}` must not be sent (RFC 7592 2.2)")]
    Member(&'static str),
    #[error("`client_secret` must be the one that this client has, or be left out")]
    Secret,
    #[error("a client with a secret or keys cannot become a public one; register a public client instead")]
    BecomesPublic,
    #[error(transparent)]
    Register(#[from] RegisterError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<MetadataFault> for ManageError {
    fn from(fault: MetadataFault) -> Self {
        Self::Register(fault.into())
    }
}

impl ManageError {
    fn response(&self) -> HttpResponse {
        match self {
            Self::Token => Refusal::new(StatusCode::UNAUTHORIZED, "invalid_token", self.to_string())
                .challenging(wire::BEARER)
                .response(),
            Self::OtherClient | Self::Member(_) | Self::Secret | Self::BecomesPublic => {
                Refusal::bad("invalid_client_metadata", self.to_string()).response()
            }
            Self::Register(error) => error.response(),
            Self::Store(error) => Refusal::store(error).response(),
        }
    }
}

/// `GET /register/{client_id}` (§2.1).
pub(super) async fn get(request: HttpRequest, state: web::Data<OauthState>) -> HttpResponse {
    match own(&request, &state).await {
        Ok(client) => wire::private_json(StatusCode::OK).json(told(&request, &state, &client, None)),
        Err(error) => error.response(),
    }
}

/// `PUT /register/{client_id}` (§2.2): replaces all metadata.
pub(super) async fn put(
    request: HttpRequest,
    state: web::Data<OauthState>,
    body: Result<web::Bytes, actix_web::Error>,
) -> HttpResponse {
    match change(&request, &state, body).await {
        Ok(answer) => wire::private_json(StatusCode::OK).json(answer),
        Err(error) => error.response(),
    }
}

/// `DELETE /register/{client_id}` (§2.3). Its refresh tokens end with it, for nobody can authenticate as it any more;
/// bearers live out their hour at most.
pub(super) async fn delete(request: HttpRequest, state: web::Data<OauthState>) -> HttpResponse {
    match end(&request, &state).await {
        Ok(()) => wire::private_json(StatusCode::NO_CONTENT).finish(),
        Err(error) => error.response(),
    }
}

/// The client information response (RFC 7591 §3.2.1) but for what only its registrant knows; never a null member.
pub(super) fn information(state: &OauthState, client: &ClientRecord) -> Map<String, Value> {
    let mut answer = client.metadata.clone();
    answer.insert("client_id".to_owned(), json!(client.id));
    answer.insert("client_id_issued_at".to_owned(), json!(client.issued_at.as_secs()));
    if client.management_hash.is_some() {
        let uri = format!("{}/register/{}", state.resources.issuer(), client.id);
        answer.insert("registration_client_uri".to_owned(), json!(uri));
    }
    answer
}

/// The same for the holder of the token, who is told the token that he sent: only its hash is kept.
fn told(request: &HttpRequest, state: &OauthState, client: &ClientRecord, secret: Option<String>) -> Value {
    let management = register::bearer(request).map(ToOwned::to_owned);
    Credentials { secret, management }.told(information(state, client))
}

/// The client of the URL, if the request holds its token.
async fn own(request: &HttpRequest, state: &OauthState) -> Result<ClientRecord, ManageError> {
    let id = request.match_info().get("client_id").unwrap_or_default();
    let token = register::bearer(request).ok_or(ManageError::Token)?;
    let client = state.store.client(&ClientId::new(id)).await?.ok_or(ManageError::Token)?;
    let hash = client.management_hash.as_deref().ok_or(ManageError::Token)?;
    if is_hashed(state, PURPOSE, token, hash) { Ok(client) } else { Err(ManageError::Token) }
}

fn is_hashed(state: &OauthState, purpose: &str, text: &str, hash: &str) -> bool {
    let same = |candidate: String| bool::from(candidate.as_bytes().ct_eq(hash.as_bytes()));
    state.hasher.hashes(purpose, text).any(|candidate| same(candidate.to_text()))
}

async fn change(
    request: &HttpRequest,
    state: &OauthState,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<Value, ManageError> {
    let client = own(request, state).await?;
    let input = client_metadata::object(&register::json_body(request, body)?)?;
    check(state, &client, &input)?;
    let accepted = client_metadata::accept(&input, &state.settings.registration.redirects)?;
    if accepted.auth_method == ClientAuthMethod::None {
        return Err(ManageError::BecomesPublic);
    }
    // A client that begins to use a secret is given one; one that stops using it loses it.
    let mut fresh = register::new_secret(accepted.auth_method);
    let secret_hash = match (&fresh, &client.secret_hash) {
        (None, _) => None,
        (Some(_), Some(standing)) => {
            fresh = None;
            Some(standing.clone())
        }
        (Some(secret), None) => Some(state.hasher.hash(SECRET_PURPOSE, secret).to_text()),
    };
    let changed = ClientRecord {
        auth_method: accepted.auth_method,
        secret_hash,
        digest: accepted.digest(),
        redirect_uris: accepted.redirect_uris,
        name: accepted.name,
        metadata: accepted.metadata,
        ..client
    };
    if !state.store.replace_client(&changed).await? {
        return Err(ManageError::Token);
    }
    audit::event("register_change", &changed.id, None);
    Ok(told(request, state, &changed, fresh))
}

/// Members that name the registration itself (§2.2).
fn check(state: &OauthState, client: &ClientRecord, input: &Map<String, Value>) -> Result<(), ManageError> {
    if input.get("client_id").is_none_or(|id| *id != json!(client.id)) {
        return Err(ManageError::OtherClient);
    }
    let own = [
        "registration_access_token",
        "registration_client_uri",
        "client_secret_expires_at",
        "client_id_issued_at",
    ];
    if let Some(member) = own.into_iter().find(|member| input.contains_key(*member)) {
        return Err(ManageError::Member(member));
    }
    let Some(secret) = input.get("client_secret") else { return Ok(()) };
    let secret = secret.as_str().unwrap_or_default();
    let is_own =
        client.secret_hash.as_deref().is_some_and(|hash| is_hashed(state, SECRET_PURPOSE, secret, hash));
    if is_own { Ok(()) } else { Err(ManageError::Secret) }
}

async fn end(request: &HttpRequest, state: &OauthState) -> Result<(), ManageError> {
    let client = own(request, state).await?;
    state.store.delete_client(&client.id).await?;
    audit::event("register_end", &client.id, None);
    Ok(())
}
