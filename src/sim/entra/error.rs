//! AADSTS errors: the codes that the tenant can answer, as JSON bodies and as pages.

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{StatusCode, header},
    web,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::params::Params;
use crate::sim::{clock, directory::TENANT_DOMAIN, page, state::SimState};

/// The ids that tie a request to its answer.
#[derive(Debug)]
pub(super) struct Trace {
    /// Entra's own id: header `x-ms-request-id`.
    id: Uuid,
    /// The caller's `client-request-id`, or a new one.
    correlation_id: Uuid,
    timestamp: String,
}

impl Trace {
    /// Reads the caller's id from the header or the query.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let given = request
            .headers()
            .get("client-request-id")
            .and_then(|value| value.to_str().ok())
            .and_then(|value| Uuid::parse_str(value).ok())
            .or_else(|| {
                url::form_urlencoded::parse(request.query_string().as_bytes())
                    .find(|(name, _)| name == "client-request-id")
                    .and_then(|(_, value)| Uuid::parse_str(&value).ok())
            });
        Self {
            id: Uuid::new_v4(),
            correlation_id: given.unwrap_or_else(Uuid::new_v4),
            timestamp: clock::now().format("%Y-%m-%d %H:%M:%SZ").to_string(),
        }
    }

    /// `text` with the ids that Entra ends its descriptions with.
    pub(super) fn describe(&self, text: &str) -> String {
        format!(
            "{text} Trace ID: {} Correlation ID: {} Timestamp: {}",
            self.id, self.correlation_id, self.timestamp
        )
    }

    /// Adds the ids to an error body.
    pub(super) fn identify(&self, body: &mut serde_json::Map<String, Value>) {
        body.insert("timestamp".to_owned(), Value::from(self.timestamp.as_str()));
        body.insert("trace_id".to_owned(), Value::from(self.id.to_string()));
        body.insert("correlation_id".to_owned(), Value::from(self.correlation_id.to_string()));
    }

    /// Sets the headers that every Entra answer has.
    pub(super) fn stamp<'a>(&self, response: &'a mut HttpResponseBuilder) -> &'a mut HttpResponseBuilder {
        response
            .insert_header((header::CACHE_CONTROL, "no-store, no-cache"))
            .insert_header((header::PRAGMA, "no-cache"))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header(("x-ms-request-id", self.id.to_string()))
            .insert_header(("client-request-id", self.correlation_id.to_string()))
            .insert_header(("x-ms-ests-server", "2.1.0 - SIM ProdSlices"))
    }
}

/// One refusal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AadError {
    pub(super) code: u32,
    pub(super) error: &'static str,
    text: String,
    status: StatusCode,
    suberror: Option<&'static str>,
}

impl AadError {
    fn new(code: u32, error: &'static str, text: impl Into<String>) -> Self {
        Self { code, error, text: text.into(), status: StatusCode::BAD_REQUEST, suberror: None }
    }

    fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    fn suberror(mut self, suberror: &'static str) -> Self {
        self.suberror = Some(suberror);
        self
    }

    /// `AADSTS…: … Trace ID: … Correlation ID: … Timestamp: …`
    pub(super) fn description(&self, trace: &Trace) -> String {
        trace.describe(&format!("AADSTS{}: {}", self.code, self.text))
    }

    /// The text without ids, for the account page.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The token endpoint's error answer.
    pub(super) fn json(&self, base: &str, trace: &Trace) -> HttpResponse {
        let mut body = json!({
            "error": self.error,
            "error_description": self.description(trace),
            "error_codes": [self.code],
            "timestamp": trace.timestamp,
            "trace_id": trace.id,
            "correlation_id": trace.correlation_id,
            "error_uri": self.uri(base),
        });
        if let (Some(suberror), Some(object)) = (self.suberror, body.as_object_mut()) {
            object.insert("suberror".to_owned(), Value::from(suberror));
        }
        trace.stamp(&mut HttpResponse::build(self.status)).json(body)
    }

    /// The page for refusals that may not be sent to a reply URL.
    pub(super) fn page(&self, trace: &Trace) -> HttpResponse {
        let page = page::error(self.code, &self.description(trace));
        trace.stamp(&mut HttpResponse::build(self.status)).content_type(page::HTML).body(page.into_string())
    }

    /// Where the error is explained.
    pub(super) fn uri(&self, base: &str) -> String {
        format!("{base}/error?code={}", self.code)
    }
}

/// `GET /error?code=…`, the target of `error_uri`.
pub(super) async fn explain(request: HttpRequest) -> HttpResponse {
    let code = Params::parse(request.query_string().as_bytes())
        .ok()
        .and_then(|params| params.get("code").and_then(|code| code.parse().ok()))
        .unwrap_or(0);
    HttpResponse::Ok().content_type(page::HTML).body(
        page::error(code, "An error of the simulated tenant. Its cause is in the error description.")
            .into_string(),
    )
}

/// Everything that has no handler.
pub(crate) async fn not_found(request: HttpRequest, state: web::Data<SimState>) -> HttpResponse {
    AadError::new(900_971, "invalid_request", "There is no such endpoint in the simulated tenant.")
        .status(StatusCode::NOT_FOUND)
        .json(&state.url, &Trace::of(&request))
}

/// The catalogue. Texts are our own; clients decide on `error`, `error_codes` and `suberror`.
impl AadError {
    pub(super) fn missing(parameter: &str) -> Self {
        let parameter: String = parameter.chars().take(64).collect();
        Self::new(900_144, "invalid_request", format!("The request needs the parameter '{parameter}'."))
    }

    pub(super) fn duplicated(parameter: &str) -> Self {
        let parameter: String = parameter.chars().take(64).collect();
        Self::new(9_000_411, "invalid_request", format!("The parameter '{parameter}' is duplicated."))
    }

    pub(super) fn post_only(method: &str) -> Self {
        Self::new(900_561, "invalid_request", format!("The endpoint takes POST requests only, not {method}."))
    }

    pub(super) fn body_too_large() -> Self {
        Self::new(90_013, "invalid_request", "The request body is too large or broken.")
            .status(StatusCode::PAYLOAD_TOO_LARGE)
    }

    pub(super) fn tenant_not_found(name: &str) -> Self {
        let name: String = name.chars().take(80).collect();
        Self::new(90_002, "invalid_tenant", format!("Tenant '{name}' not found."))
    }

    pub(super) fn unknown_app(client_id: &str) -> Self {
        let client_id: String = client_id.chars().take(80).collect();
        Self::new(
            700_016,
            "unauthorized_client",
            format!("Application '{client_id}' was not found in the directory '{TENANT_DOMAIN}'."),
        )
    }

    pub(super) fn wrong_secret() -> Self {
        Self::new(7_000_215, "invalid_client", "Invalid client secret provided.")
            .status(StatusCode::UNAUTHORIZED)
    }

    pub(super) fn no_secret() -> Self {
        Self::new(
            7_000_218,
            "invalid_client",
            "The request body must contain one of: 'client_assertion', 'client_secret'.",
        )
        .status(StatusCode::UNAUTHORIZED)
    }

    pub(super) fn wrong_assertion(reason: &str, thumbprint: &str) -> Self {
        let thumbprint: String = thumbprint.chars().take(64).collect();
        let text = format!(
            "Client assertion contains an invalid signature. [Reason - {reason}, Thumbprint of key used by client: '{thumbprint}']"
        );
        Self::new(700_027, "invalid_client", text).status(StatusCode::UNAUTHORIZED)
    }

    pub(super) fn app_without_tenant() -> Self {
        Self::new(
            50_059,
            "invalid_request",
            "No tenant-identifying information found in either the request or implied by any provided credentials.",
        )
    }

    pub(super) fn app_scope(scope: &str) -> Self {
        let scope: String = scope.chars().take(200).collect();
        let text = format!(
            "The provided request must include a 'scope' input parameter that ends in '/.default'; '{scope}' does not."
        );
        Self::new(1_002_012, "invalid_scope", text)
    }

    pub(super) fn malformed_assertion() -> Self {
        Self::new(50_027, "invalid_request", "JWT token is invalid or malformed.")
    }

    pub(super) fn assertion_of_other_app() -> Self {
        Self::new(
            700_021,
            "invalid_client",
            "Client assertion application identifier doesn't match 'client_id' parameter.",
        )
        .status(StatusCode::UNAUTHORIZED)
    }

    pub(super) fn assertion_for_others() -> Self {
        Self::new(700_023, "invalid_client", "Client assertion audience claim does not match Realm issuer.")
            .status(StatusCode::UNAUTHORIZED)
    }

    pub(super) fn assertion_out_of_time() -> Self {
        Self::new(700_024, "invalid_client", "Client assertion is not within its valid time range.")
            .status(StatusCode::UNAUTHORIZED)
    }

    pub(super) fn no_federation(code: u32, what: &str, value: &str) -> Self {
        let value: String = value.chars().take(200).collect();
        let text =
            format!("No matching federated identity record found for presented assertion {what} '{value}'.");
        Self::new(code, "invalid_client", text).status(StatusCode::UNAUTHORIZED)
    }

    pub(super) fn unsigned_federation() -> Self {
        Self::new(50_013, "invalid_client", "Assertion failed signature validation.")
            .status(StatusCode::UNAUTHORIZED)
    }

    pub(super) fn wrong_reply_url() -> Self {
        Self::new(
            50_011,
            "invalid_client",
            "The redirect URI of the request does not match one that is registered or was used before.",
        )
    }

    pub(super) fn resource_given() -> Self {
        Self::new(
            9_010_010,
            "invalid_target",
            "The resource parameter provided in the request doesn't match with the requested scopes.",
        )
    }

    pub(super) fn cross_origin() -> Self {
        Self::new(
            9_002_326,
            "invalid_request",
            "Cross-origin redemption is only for single-page applications; this request has an Origin.",
        )
    }

    pub(super) fn unsupported_grant(grant: &str) -> Self {
        let grant: String = grant.chars().take(64).collect();
        Self::new(
            70_003,
            "unsupported_grant_type",
            format!("The app asked for the unsupported grant '{grant}'."),
        )
    }

    pub(super) fn unsupported_response_type() -> Self {
        Self::new(
            700_054,
            "unsupported_response_type",
            "The response_type is not enabled for the application.",
        )
    }

    pub(super) fn bad_value(parameter: &str) -> Self {
        Self::new(90_023, "invalid_request", format!("Unsupported value of the parameter '{parameter}'."))
    }

    pub(super) fn bad_challenge() -> Self {
        Self::new(50_147, "invalid_request", "The code challenge or its method is not valid.")
    }

    pub(super) fn bad_scope(text: impl Into<String>) -> Self {
        Self::new(70_011, "invalid_scope", text)
    }

    pub(super) fn unknown_scope(scope: &str) -> Self {
        Self::new(
            650_053,
            "invalid_client",
            format!("The application asked for scope '{scope}' that doesn't exist on Microsoft Graph."),
        )
    }

    pub(super) fn unknown_resource(scope: &str) -> Self {
        Self::new(
            500_011,
            "invalid_resource",
            format!("The resource of scope '{scope}' is not in the tenant."),
        )
    }

    pub(super) fn needs_admin(scope: &str) -> Self {
        Self::new(90_094, "consent_required", format!("An administrator has to grant '{scope}'."))
    }

    pub(super) fn consent_missing() -> Self {
        Self::new(
            65_001,
            "invalid_grant",
            "The user or administrator has not consented to use the application.",
        )
        .suberror("consent_required")
    }

    pub(super) fn consent_missing_silently() -> Self {
        Self { error: "interaction_required", ..Self::consent_missing() }
    }

    pub(super) fn declined() -> Self {
        Self::new(65_004, "access_denied", "User declined to consent to access the app.")
    }

    pub(super) fn login_required() -> Self {
        Self::new(50_058, "login_required", "A silent sign-in was asked for but no user is signed in.")
    }

    pub(super) fn unknown_user() -> Self {
        Self::new(50_034, "invalid_grant", format!("There is no such account in {TENANT_DOMAIN}."))
    }

    pub(super) fn disabled_user() -> Self {
        Self::new(50_057, "invalid_grant", "The user account is disabled.")
    }

    pub(super) fn code_reused() -> Self {
        Self::new(54_005, "invalid_grant", "The authorization code was already redeemed.")
    }

    pub(super) fn code_expired() -> Self {
        Self::new(70_008, "invalid_grant", "The authorization code has expired.")
    }

    pub(super) fn bad_grant() -> Self {
        Self::new(70_000, "invalid_grant", "The provided grant is invalid or malformed.")
    }

    pub(super) fn wrong_verifier() -> Self {
        Self::new(501_481, "invalid_grant", "The code_verifier does not match the code_challenge.")
    }

    pub(super) fn no_verifier() -> Self {
        Self::new(
            50_148,
            "invalid_grant",
            "The code was asked for with a code_challenge; the verifier is missing.",
        )
    }

    pub(super) fn refresh_inactive() -> Self {
        Self::new(700_082, "invalid_grant", "The refresh token has expired due to inactivity.")
    }

    pub(super) fn refresh_revoked() -> Self {
        Self::new(50_173, "invalid_grant", "The grant was revoked; a fresh sign-in is needed.")
            .suberror("bad_token")
    }

    pub(super) fn internal() -> Self {
        Self::new(90_033, "temporarily_unavailable", "A transient error has occurred.")
            .status(StatusCode::SERVICE_UNAVAILABLE)
    }
}
