//! `/{tenant}/v2.0/.well-known/openid-configuration`

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::{error::Trace, tenants::TenantPath};
use crate::sim::state::SimState;

/// The OIDC metadata. Like Entra's, it does not name the PKCE methods although S256 works.
pub(super) async fn discovery(
    request: HttpRequest,
    tenant: web::Path<String>,
    state: web::Data<SimState>,
) -> HttpResponse {
    let trace = Trace::of(&request);
    let tenant = match TenantPath::parse(&tenant) {
        Ok(tenant) => tenant,
        Err(error) => return error.json(&state.url, &trace),
    };
    let base = format!("{}/{}", state.url, tenant.segment());
    trace.stamp(&mut HttpResponse::Ok()).json(json!({
        "token_endpoint": format!("{base}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{base}/discovery/v2.0/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": format!("{}/{}/v2.0", state.url, tenant.issuer_segment()),
        "request_uri_parameter_supported": false,
        "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "end_session_endpoint": format!("{base}/oauth2/v2.0/logout"),
        "claims_supported": [
            "sub", "iss", "cloud_instance_name", "aud", "exp", "iat", "auth_time", "acr", "nonce",
            "preferred_username", "name", "tid", "ver", "at_hash", "c_hash", "email",
        ],
        "tenant_region_scope": if tenant == TenantPath::Own { json!("EU") } else { json!(null) },
        "cloud_instance_name": "microsoftonline.com",
        "msgraph_host": state.url.split_once("://").map(|(_, host)| host),
    }))
}
