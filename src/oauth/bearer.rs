//! The bearer check of every protected endpoint (RFC 6750): header → hash → one store look-up → audience.
//!
//! A token counts only in the `Authorization` header; in a query, a body or a cookie it is ignored. An outage of
//! the store is a 503 and never a 401, because clients throw credentials away on a 401.

use super::trace::{self, Step};
use crate::domain::clock::{Clock, SharedClock, Timestamp};
use crate::domain::grant::AccessRecord;
use crate::domain::ids::{FlowId, ServiceName};
use crate::domain::resource::{Endpoint, Resources};
use crate::domain::scope::ScopeSet;
use crate::domain::token::{Hasher, Token, TokenKind, TokenRef};
use crate::ports::store::{Store, StoreError};
use crate::tools::context::Caller;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use parking_lot::RwLock;
use serde_json::json;
use std::collections::HashSet;
use std::sync::Arc;

/// Seconds a client should wait after a 503.
const RETRY_AFTER_S: &str = "5";
/// Sign-ins remembered as arrived; beyond it they are forgotten and may be noted twice.
const MANY_FLOWS: usize = 10_000;

/// A bearer that is valid for the service it was presented to.
#[derive(Clone, Debug)]
pub(crate) struct Bearer {
    pub(crate) caller: Caller,
    /// Where it stands in the store, with the grant that it comes from.
    pub(crate) token: TokenRef,
    pub(crate) expires_at: Timestamp,
}

/// Why a request is not authenticated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthFailure {
    #[error("no bearer token was presented")]
    Missing,
    #[error("the request carries more than one Authorization header")]
    Ambiguous,
    #[error("the bearer token is unknown, expired or revoked")]
    Invalid,
    #[error("the bearer token was issued for another service")]
    WrongAudience,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Checks bearers and words the refusals.
#[derive(Clone)]
pub(crate) struct BearerGuard {
    store: Arc<dyn Store>,
    hasher: Hasher,
    resources: Arc<Resources>,
    clock: SharedClock,
    /// Sign-ins whose first call was noted by this process.
    arrived: Arc<RwLock<HashSet<FlowId>>>,
}

impl std::fmt::Debug for BearerGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BearerGuard")
    }
}

impl BearerGuard {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        hasher: Hasher,
        resources: Arc<Resources>,
        clock: SharedClock,
    ) -> Self {
        Self { store, hasher, resources, clock, arrived: Arc::default() }
    }

    /// The caller behind the request's bearer, if it is one for `service`.
    pub(crate) async fn authenticate(
        &self,
        headers: &HeaderMap,
        service: &ServiceName,
    ) -> Result<Bearer, AuthFailure> {
        let (token, record) = lookup(&*self.store, &self.hasher, &*self.clock, headers).await?;
        if record.service != *service {
            return Err(AuthFailure::WrongAudience);
        }
        let span = tracing::Span::current();
        span.record("client.id", record.client.as_str()).record("grant.id", record.grant.as_str());
        if let Some(flow) = &record.flow {
            span.record("flow.id", flow.as_str());
            self.note_first_call(flow, &record).await;
        }
        let caller = Caller { user: record.user, client: record.client, scopes: record.scopes };
        Ok(Bearer { caller, token, expires_at: record.expires_at })
    }

    /// Whether a bearer that was accepted still stands.
    pub(crate) async fn holds(&self, token: &TokenRef) -> Result<bool, StoreError> {
        Ok(self.store.access(token, self.clock.now()).await?.is_some())
    }

    /// The last step of a sign-in's trace: its bearer is used.
    async fn note_first_call(&self, flow: &FlowId, record: &AccessRecord) {
        if self.arrived.read().contains(flow) {
            return;
        }
        {
            let mut arrived = self.arrived.write();
            if arrived.len() >= MANY_FLOWS {
                arrived.clear();
            }
            if !arrived.insert(flow.clone()) {
                return;
            }
        }
        let step = Step {
            client: record.client.as_str(),
            service: record.service.as_str(),
            grant: record.grant.as_str(),
            ..Step::named("first_call")
        };
        trace::write(&*self.store, flow, self.clock.now(), step).await;
    }

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
                self.challenge(StatusCode::UNAUTHORIZED, None, text, at, &self.first_scopes(service))
            }
            AuthFailure::Ambiguous => {
                let text = "send exactly one Authorization header";
                let none = ScopeSet::default();
                self.challenge(StatusCode::BAD_REQUEST, Some("invalid_request"), text, at, &none)
            }
            AuthFailure::Invalid => self.invalid_token(at, "the token is unknown, expired or revoked"),
            AuthFailure::WrongAudience => self.invalid_token(at, "the token was issued for another service"),
            AuthFailure::Store(error) => {
                tracing::warn!(error = %error, "bearer check without store");
                unavailable()
            }
        }
    }

    /// A valid bearer whose scopes do not suffice: the challenge names everything to ask for, old and new.
    pub(crate) fn insufficient_scope(
        &self,
        at: (&ServiceName, Endpoint),
        required: &ScopeSet,
        held: &ScopeSet,
    ) -> HttpResponse {
        let text = format!("this needs the scope {}", required.difference(held));
        let error = Some("insufficient_scope");
        self.challenge(StatusCode::FORBIDDEN, error, &text, at, &held.union(required))
    }

    /// The bearer is fine, the Microsoft sign-in behind it has ended: the person must sign in again.
    pub(crate) fn sign_in_required(&self, at: (&ServiceName, Endpoint)) -> HttpResponse {
        self.invalid_token(at, "the Microsoft sign-in behind this token has ended: sign in again")
    }

    fn invalid_token(&self, at: (&ServiceName, Endpoint), text: &str) -> HttpResponse {
        let scopes = self.first_scopes(at.0);
        self.challenge(StatusCode::UNAUTHORIZED, Some("invalid_token"), text, at, &scopes)
    }

    /// What a first sign-in for the service asks for.
    fn first_scopes(&self, service: &ServiceName) -> ScopeSet {
        self.resources.service(service.as_str()).map(|s| s.required_scopes.clone()).unwrap_or_default()
    }

    fn challenge(
        &self,
        status: StatusCode,
        error: Option<&str>,
        text: &str,
        (service, endpoint): (&ServiceName, Endpoint),
        scopes: &ScopeSet,
    ) -> HttpResponse {
        let reason =
            error.map(|e| format!("error=\"{e}\", error_description=\"{text}\", ")).unwrap_or_default();
        let metadata = self.resources.metadata_of(service, endpoint);
        let mut value = format!("Bearer {reason}resource_metadata=\"{metadata}\"");
        // `offline_access` is a matter between client and authorization server, never of a resource.
        let scopes = scopes.difference(&ScopeSet::parse("offline_access"));
        if !scopes.is_empty() {
            value = format!("{value}, scope=\"{scopes}\"");
        }
        let mut response = base(status);
        response.insert_header((header::WWW_AUTHENTICATE, value));
        response.json(json!({"error": error.unwrap_or("unauthorized"), "error_description": text}))
    }
}

/// The bearer that a request presents, whatever service it is for: its place and its record.
pub(super) async fn lookup(
    store: &dyn Store,
    hasher: &Hasher,
    clock: &dyn Clock,
    headers: &HeaderMap,
) -> Result<(TokenRef, AccessRecord), AuthFailure> {
    let token = Token::parse(TokenKind::Access, presented(headers)?).ok_or(AuthFailure::Invalid)?;
    let now = clock.now();
    for place in hasher.token_refs(&token) {
        if let Some(record) = store.access(&place, now).await? {
            let live = record.expires_at > now;
            return if live { Ok((place, record)) } else { Err(AuthFailure::Invalid) };
        }
    }
    Err(AuthFailure::Invalid)
}

/// The token of the one `Authorization: Bearer` header; the scheme in any case (RFC 9110 §11.1).
pub(crate) fn presented(headers: &HeaderMap) -> Result<&str, AuthFailure> {
    let mut all = headers.get_all(header::AUTHORIZATION);
    let Some(value) = all.next() else { return Err(AuthFailure::Missing) };
    if all.next().is_some() {
        return Err(AuthFailure::Ambiguous);
    }
    let value = value.to_str().map_err(|_| AuthFailure::Invalid)?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(AuthFailure::Missing) }
}

fn unavailable() -> HttpResponse {
    let mut response = base(StatusCode::SERVICE_UNAVAILABLE);
    response.insert_header((header::RETRY_AFTER, RETRY_AFTER_S));
    response.json(json!({
        "error": "temporarily_unavailable",
        "error_description": "the server cannot check tokens for the moment; yours is kept, try again shortly",
    }))
}

fn base(status: StatusCode) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((header::ACCESS_CONTROL_EXPOSE_HEADERS, "WWW-Authenticate, Retry-After"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn headers(values: &[&'static str]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for value in values {
            map.append(header::AUTHORIZATION, HeaderValue::from_static(value));
        }
        map
    }

    #[test]
    fn the_scheme_is_read_in_any_case_and_only_once() {
        assert_eq!(presented(&headers(&["Bearer abc"])).unwrap(), "abc");
        assert_eq!(presented(&headers(&["bearer  abc"])).unwrap(), "abc");
        assert!(matches!(presented(&headers(&[])), Err(AuthFailure::Missing)));
        assert!(matches!(presented(&headers(&["Basic YTpi"])), Err(AuthFailure::Missing)));
        assert!(matches!(presented(&headers(&["Bearer a", "Bearer a"])), Err(AuthFailure::Ambiguous)));
        assert_eq!(presented(&headers(&["Bearer"])).unwrap(), "");
    }
}
