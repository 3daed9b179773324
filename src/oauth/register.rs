//! `POST /register`: dynamic client registration (RFC 7591). Equal public registrations fold into one client; a
//! secret is shown once and never handed to anybody else.

use super::client_metadata::{self, Accepted, MetadataFault};
use super::state::OauthState;
use super::wire::{self, Refusal};
use super::{audit, routes};
use crate::domain::client::{ClientAuthMethod, ClientOrigin, ClientRecord};
use crate::domain::ids::ClientId;
use crate::domain::random;
use crate::ports::store::StoreError;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

/// Purpose under which secrets are hashed.
pub(super) const SECRET_PURPOSE: &str = "client-secret";
const METADATA: &str = "invalid_client_metadata";

/// Why a registration fails.
#[derive(Debug, thiserror::Error)]
enum RegisterError {
    #[error("no such service")]
    UnknownService,
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
    fn response(&self) -> HttpResponse {
        match self {
            Self::UnknownService => wire::not_found(),
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
    if !wire::has_content_type(request.headers(), "application/json") {
        return Err(RegisterError::ContentType);
    }
    let body = wire::within_limit(body, METADATA).map_err(RegisterError::Body)?;
    let accepted = client_metadata::accept(&body)?;
    let (record, secret) = new_client(state, accepted);
    let stored = state.store.register_client(&record, state.settings.client_ttl).await?;
    audit::event("register", &stored.id, None);
    Ok(answer(stored, secret))
}

fn new_client(state: &OauthState, accepted: Accepted) -> (ClientRecord, Option<String>) {
    let digest = accepted.digest();
    let secret = match accepted.auth_method {
        ClientAuthMethod::None => None,
        ClientAuthMethod::ClientSecretBasic | ClientAuthMethod::ClientSecretPost => {
            Some(format!("dcr_cs_{}", random::text::<32>()))
        }
    };
    let record = ClientRecord {
        id: ClientId::new(format!("dcr_{}", random::text::<16>())),
        origin: ClientOrigin::Registered,
        auth_method: accepted.auth_method,
        secret_hash: secret.as_deref().map(|s| state.hasher.hash(SECRET_PURPOSE, s).to_text()),
        redirect_uris: accepted.redirect_uris,
        name: accepted.name,
        metadata: accepted.metadata,
        digest,
        issued_at: state.clock.now(),
    };
    (record, secret)
}

/// The client information response (RFC 7591 §3.2.1); never a null member.
fn answer(client: ClientRecord, secret: Option<String>) -> Value {
    let mut answer = client.metadata;
    answer.insert("client_id".to_owned(), json!(client.id));
    answer.insert("client_id_issued_at".to_owned(), json!(client.issued_at.as_secs()));
    if let Some(secret) = secret {
        answer.insert("client_secret".to_owned(), json!(secret));
        answer.insert("client_secret_expires_at".to_owned(), json!(0));
    }
    Value::Object(answer)
}
