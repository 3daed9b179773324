//! Metadata documents (RFC 8414 and RFC 9728), made once and served as bytes. They name exactly what works.

use super::jwt::ALGORITHMS;
use super::openid;
use super::register::RegistrationMode;
use super::state::{OauthSettings, OauthState};
use super::token::id_jag;
use super::wire;
use crate::domain::ids::ServiceName;
use crate::domain::resource::{Endpoint, Resources, ServiceInfo};
use crate::domain::scope::ScopeSet;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use arc_swap::ArcSwap;
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// How clients may authenticate, the weakest first.
const METHODS: [&str; 4] = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"];

/// The finished documents.
#[derive(Debug)]
pub(super) struct Documents {
    /// That of the server, and the version of the switches that it was made for.
    server: ArcSwap<(u64, Bytes)>,
    /// By path of the resource, e.g. `mail-query/mcp`.
    resources: HashMap<String, (ServiceName, Bytes)>,
}

impl Documents {
    pub(super) fn new(resources: &Resources, settings: &OauthSettings) -> Self {
        let mut documents = HashMap::new();
        for service in resources.services() {
            for endpoint in Endpoint::ALL {
                let path = endpoint.path_at(&service.name);
                let document = resource(resources, service, &path, settings);
                documents.insert(path, (service.name.clone(), Bytes::from(document.to_string())));
            }
        }
        Self { server: ArcSwap::from_pointee(Self::made(resources, settings)), resources: documents }
    }

    fn made(resources: &Resources, settings: &OauthSettings) -> (u64, Bytes) {
        // The version first: a switch that is turned meanwhile makes this one outdated, and not the other way round.
        let version = resources.version();
        (version, Bytes::from(server(resources, settings).to_string()))
    }

    /// The server's document, which tells of services that are on.
    fn server(&self, resources: &Resources, settings: &OauthSettings) -> Bytes {
        if self.server.load().0 != resources.version() {
            self.server.store(Arc::new(Self::made(resources, settings)));
        }
        self.server.load().1.clone()
    }
}

fn server(resources: &Resources, settings: &OauthSettings) -> Value {
    let issuer = resources.issuer();
    let mut all = ScopeSet::parse("offline_access");
    for service in resources.offered() {
        all = all.union(&settings.scopes.published(service));
    }
    let mut grants = vec!["authorization_code", "refresh_token"];
    if settings.client_credentials {
        grants.push("client_credentials");
    }
    let vouching = !settings.trusted_issuers.is_empty();
    if vouching {
        grants.push(id_jag::GRANT_TYPE);
    }
    if settings.openid {
        all = all.union(&ScopeSet::parse(openid::SCOPES));
    }
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "registration_endpoint": format!("{issuer}/register"),
        "revocation_endpoint": format!("{issuer}/revoke"),
        "introspection_endpoint": format!("{issuer}/introspect"),
        "scopes_supported": all.iter().collect::<Vec<_>>(),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": grants,
        "token_endpoint_auth_methods_supported": METHODS,
        "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "revocation_endpoint_auth_methods_supported": METHODS,
        "revocation_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        // A public client proves nothing, and is told nothing.
        "introspection_endpoint_auth_methods_supported": METHODS.iter().skip(1).collect::<Vec<_>>(),
        "introspection_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "client_id_metadata_document_supported": settings.metadata_documents.enabled,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
    });
    if settings.registration.mode == RegistrationMode::Off
        && let Value::Object(all) = &mut document
    {
        all.remove("registration_endpoint");
    }
    offer_dpop(&mut document, settings);
    if let (true, Value::Object(all)) = (vouching, &mut document) {
        all.insert("authorization_grant_profiles_supported".to_owned(), json!([id_jag::PROFILE]));
    }
    if settings.openid {
        let unit = json!({
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "jwks_uri": format!("{issuer}/jwks.json"),
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "claims_supported": [
                "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "name", "preferred_username",
                "email", "email_verified",
            ],
        });
        if let (Value::Object(all), Value::Object(unit)) = (&mut document, unit) {
            all.extend(unit);
        }
    }
    document
}

/// RFC 9449 §5.1 and RFC 9728 §2 have one name for it.
fn offer_dpop(document: &mut Value, settings: &OauthSettings) {
    if let (true, Value::Object(all)) = (settings.dpop.offered, document) {
        all.insert("dpop_signing_alg_values_supported".to_owned(), json!(ALGORITHMS));
    }
}

fn resource(resources: &Resources, service: &ServiceInfo, path: &str, settings: &OauthSettings) -> Value {
    let issuer = resources.issuer();
    let mut document = json!({
        "resource": format!("{issuer}/{path}"),
        "authorization_servers": [issuer],
        "scopes_supported": settings.scopes.published(service).iter().collect::<Vec<_>>(),
        "bearer_methods_supported": ["header"],
        "resource_name": service.title,
    });
    offer_dpop(&mut document, settings);
    document
}

/// `GET /.well-known/oauth-authorization-server`, also with the path of a service behind it: clients that take the
/// MCP URL for the issuer look there.
pub(super) async fn authorization_server(request: HttpRequest, state: web::Data<OauthState>) -> HttpResponse {
    match request.match_info().get("path") {
        Some(path) if of_resource(&state, path).is_none() => wire::not_found(),
        Some(_) | None => document(&state.documents.server(&state.resources, &state.settings)),
    }
}

/// `GET /.well-known/openid-configuration` and its suffixed forms: the same document, where the OpenID unit is offered.
pub(super) async fn openid_configuration(request: HttpRequest, state: web::Data<OauthState>) -> HttpResponse {
    if state.settings.openid { authorization_server(request, state).await } else { wire::not_found() }
}

/// `GET /.well-known/oauth-protected-resource/<svc>/<end>`, or the same appended to the resource.
pub(super) async fn protected_resource(request: HttpRequest, state: web::Data<OauthState>) -> HttpResponse {
    let found = match request.match_info().get("path") {
        Some(path) => of_resource(&state, path),
        None => state.resources.root_service().and_then(|service| of_resource(&state, &canonical(service))),
    };
    found.map_or_else(wire::not_found, document)
}

/// The document of a resource, by its path, while its service is on.
fn of_resource<'a>(state: &'a OauthState, path: &str) -> Option<&'a Bytes> {
    let path = path.trim_end_matches('/');
    let (service, document) = state.documents.resources.get(path)?;
    state.resources.service(service.as_str()).map(|_| document)
}

fn canonical(service: &ServiceInfo) -> String {
    Endpoint::Mcp.path_at(&service.name)
}

fn document(bytes: &Bytes) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::OK);
    wire::open_cors(&mut response);
    response
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .body(bytes.clone())
}
