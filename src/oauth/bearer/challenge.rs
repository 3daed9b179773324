//! How refusals of protected endpoints are worded (RFC 6750 §3, RFC 9449 §7.1, RFC 9728 §5.1).

use super::guard::{AuthFailure, BearerGuard};
use crate::domain::ids::ServiceName;
use crate::domain::resource::Endpoint;
use crate::domain::scope::ScopeSet;
use crate::oauth::dpop;
use crate::ports::store::StoreError;
use crate::tools::context::Caller;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde_json::json;

/// Seconds a client should wait after a 503.
const RETRY_AFTER_S: &str = "5";

/// Which scheme an error is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    /// The token, however it was presented.
    Token,
    /// The proof beside it.
    Proof,
}

/// What a refusal says.
struct Refusal<'a> {
    status: StatusCode,
    about: About,
    error: Option<&'a str>,
    text: &'a str,
    /// Scopes to ask for.
    scopes: ScopeSet,
}

impl<'a> Refusal<'a> {
    /// About the token.
    fn new(status: StatusCode, error: Option<&'a str>, text: &'a str, scopes: ScopeSet) -> Self {
        Self { status, about: About::Token, error, text, scopes }
    }
}

impl BearerGuard {
    /// The refusal of a request that [`Self::authenticate`] did not accept.
    pub(crate) fn response(
        &self,
        failure: &AuthFailure,
        service: &ServiceName,
        endpoint: Endpoint,
    ) -> HttpResponse {
        let at = (service, endpoint);
        match failure {
            AuthFailure::Missing => {
                let text = "sign in first: send Authorization: Bearer with a token for this service";
                let scopes = self.first_scopes(service);
                self.challenge(&Refusal::new(StatusCode::UNAUTHORIZED, None, text, scopes), at)
            }
            AuthFailure::Ambiguous => {
                let text = "send exactly one Authorization header";
                // Neither of them counts, so nobody is signed in.
                let (error, scopes) = (Some("invalid_request"), self.first_scopes(service));
                self.challenge(&Refusal::new(StatusCode::UNAUTHORIZED, error, text, scopes), at)
            }
            AuthFailure::Invalid
            | AuthFailure::WrongAudience
            | AuthFailure::SignIn
            | AuthFailure::Unproven
            | AuthFailure::Unbound => self.invalid_token(at, &failure.to_string()),
            AuthFailure::Store(error) => unavailable(error),
            AuthFailure::Proof(fault) => {
                let (text, scopes) = (fault.to_string(), self.first_scopes(service));
                let refusal = Refusal::new(StatusCode::UNAUTHORIZED, Some(fault.code()), &text, scopes);
                self.challenge(&Refusal { about: About::Proof, ..refusal }, at)
            }
        }
    }

    /// A valid bearer whose scopes do not suffice: the challenge names everything to ask for, old and new. No client can
    /// widen a personal key: its owner makes another.
    pub(crate) fn insufficient_scope(
        &self,
        at: (&ServiceName, Endpoint),
        required: &ScopeSet,
        caller: &Caller,
    ) -> HttpResponse {
        let held = &caller.scopes;
        let mut text = format!("this needs the scope {}", required.difference(held));
        if caller.client.is_personal_key() {
            text = format!("{text}: make a new key with it at {}", self.key_page());
        }
        let (error, scopes) = (Some("insufficient_scope"), held.union(required));
        self.challenge(&Refusal::new(StatusCode::FORBIDDEN, error, &text, scopes), at)
    }

    /// The bearer is fine, the Microsoft sign-in behind it has ended: the person must sign in again.
    pub(crate) fn sign_in_required(&self, at: (&ServiceName, Endpoint), caller: &Caller) -> HttpResponse {
        if caller.client.is_personal_key() {
            if let Some(watch) = &self.keys {
                watch.look_again(&caller.client);
            }
            let page = self.key_page();
            return self.invalid_token(
                at,
                &format!("the Microsoft sign-in behind this key has ended: make a new key at {page}"),
            );
        }
        self.invalid_token(at, "the Microsoft sign-in behind this token has ended: sign in again")
    }

    /// Where people make keys.
    fn key_page(&self) -> String {
        format!("{}/account/keys", self.resources.issuer())
    }

    fn invalid_token(&self, at: (&ServiceName, Endpoint), text: &str) -> HttpResponse {
        let (error, scopes) = (Some("invalid_token"), self.first_scopes(at.0));
        self.challenge(&Refusal::new(StatusCode::UNAUTHORIZED, error, text, scopes), at)
    }

    /// What a first sign-in for the service asks for.
    fn first_scopes(&self, service: &ServiceName) -> ScopeSet {
        self.resources.service(service.as_str()).map(|s| s.required_scopes.clone()).unwrap_or_default()
    }

    /// The challenge of each scheme on a line of its own, `Bearer` first and alone: many clients read no further.
    fn challenge(
        &self,
        refusal: &Refusal<'_>,
        (service, endpoint): (&ServiceName, Endpoint),
    ) -> HttpResponse {
        let Refusal { status, about, error, text, scopes } = refusal;
        let reason =
            error.map(|e| format!("error=\"{e}\", error_description=\"{text}\", ")).unwrap_or_default();
        let mut rest = format!("resource_metadata=\"{}\"", self.resources.metadata_of(service, endpoint));
        // `offline_access` is a matter between client and authorization server, never of a resource.
        let scopes = scopes.difference(&ScopeSet::parse("offline_access"));
        if !scopes.is_empty() {
            rest = format!("{rest}, scope=\"{scopes}\"");
        }
        let mut response = base(*status);
        // A wrong proof is no fault of a bearer: to that scheme the request came without one.
        let bearers = if *about == About::Token { reason.as_str() } else { "" };
        response.append_header((header::WWW_AUTHENTICATE, format!("Bearer {bearers}{rest}")));
        if self.dpop.is_offered() {
            response.append_header((header::WWW_AUTHENTICATE, dpop::challenge(&format!("{reason}{rest}, "))));
        }
        response.json(json!({"error": error.unwrap_or("unauthorized"), "error_description": text}))
    }

    /// Adds the nonce for the next proof, where proofs need one.
    pub(crate) fn stamp(&self, response: &mut HttpResponse) {
        self.dpop.stamp(response.headers_mut());
    }
}

fn unavailable(error: &StoreError) -> HttpResponse {
    tracing::warn!(error = %error, "bearer check without store");
    let mut response = base(StatusCode::SERVICE_UNAVAILABLE);
    response.insert_header((header::RETRY_AFTER, RETRY_AFTER_S));
    response.json(json!({
        "error": "temporarily_unavailable",
        "error_description": "the server cannot check tokens for the moment; yours is kept, try again shortly",
    }))
}

fn base(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((header::ACCESS_CONTROL_EXPOSE_HEADERS, "WWW-Authenticate, DPoP-Nonce, Retry-After"));
    response
}
