//! Request budgets per address, client and user, shared by all replicas. Generous: hosted clients send the requests of
//! all their users from a few addresses, and a refused refresh is a lost login to the person behind it.
//!
//! When the store cannot count, requests pass: every endpoint behind the budgets needs the store itself and answers 503
//! then, so nobody is locked out and nothing is left open.

use super::pages;
use super::state::OauthState;
use super::wire::{self, Refusal};
use crate::domain::ids::{ClientId, UserKey};
use crate::domain::peer::{self, FORWARDED_FOR};
use crate::domain::rate::Rate;
use crate::html::{Fault, Lang};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, web};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

const PURPOSE: &str = "limit";

/// The budgets.
#[derive(Clone, Debug)]
pub(crate) struct LimitSettings {
    pub(crate) enabled: bool,
    /// Per address and endpoint.
    pub(crate) register: Rate,
    pub(crate) authorize: Rate,
    pub(crate) token: Rate,
    pub(crate) other: Rate,
    /// Per client that proved itself, at the token endpoint.
    pub(crate) client: Rate,
    /// Per user: sign-ins and refreshes.
    pub(crate) user: Rate,
    /// Addresses that many people share, and how many times the budget they get.
    pub(crate) shared_ranges: Vec<IpNet>,
    pub(crate) shared_factor: u32,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            register: Rate::per_minute(30),
            authorize: Rate::per_minute(300),
            token: Rate::per_minute(600),
            other: Rate::per_minute(600),
            client: Rate::per_minute(6000),
            user: Rate::per_minute(120),
            shared_ranges: Vec::new(),
            shared_factor: 50,
        }
    }
}

/// What a budget per address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Register,
    Authorize,
    Token,
    Other,
}

impl Endpoint {
    const fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Authorize => "authorize",
            Self::Token => "token",
            Self::Other => "other",
        }
    }

    fn rate(self, limits: &LimitSettings) -> Rate {
        match self {
            Self::Register => limits.register,
            Self::Authorize => limits.authorize,
            Self::Token => limits.token,
            Self::Other => limits.other,
        }
    }
}

/// Middleware of an endpoint that answers JSON: 429 beyond the budget of the address.
pub(crate) async fn json(
    endpoint: Endpoint,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match refused(endpoint, &request).await {
        Some(wait) => Ok(request.into_response(too_many(wait).response())),
        None => Ok(next.call(request).await?.map_into_boxed_body()),
    }
}

/// Middleware of an endpoint that people see.
pub(super) async fn page(
    endpoint: Endpoint,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match refused(endpoint, &request).await {
        Some(wait) => {
            let response = too_many_page(wait, Lang::of(request.request()));
            Ok(request.into_response(response))
        }
        None => Ok(next.call(request).await?.map_into_boxed_body()),
    }
}

async fn refused(endpoint: Endpoint, request: &ServiceRequest) -> Option<Duration> {
    let state = request.app_data::<web::Data<OauthState>>()?.clone();
    // A preflight does nothing, and browsers cannot read why it was refused.
    if request.method() == actix_web::http::Method::OPTIONS {
        return None;
    }
    state.address_budget(endpoint, state.client_address(request.peer_addr(), request.headers())).await
}

/// The refusal in OAuth's JSON; RFC 6585 §4 has the status.
pub(super) fn too_many(wait: Duration) -> Refusal {
    let seconds = wait.as_secs() + 1;
    let text = format!("too many requests; try again in {seconds} s");
    let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", text);
    Refusal { retry_after: Some(Duration::from_secs(seconds)), ..refusal }
}

fn too_many_page(wait: Duration, lang: Lang) -> HttpResponse {
    let mut response = pages::dead_end(StatusCode::TOO_MANY_REQUESTS, Fault::TooMany, None, lang);
    response.headers_mut().insert(header::RETRY_AFTER, wire::seconds(wait));
    response
}

impl OauthState {
    /// Where a request comes from, through the proxies that are trusted.
    pub(super) fn client_address(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> IpAddr {
        let forwarded = headers.get_all(FORWARDED_FOR).map(|value| value.to_str().unwrap_or_default());
        peer::client_address(peer, forwarded, &self.settings.trusted_proxies)
    }

    async fn address_budget(&self, endpoint: Endpoint, address: IpAddr) -> Option<Duration> {
        let limits = &self.settings.limits;
        let shared = limits.shared_ranges.iter().any(|range| range.contains(&address));
        let rate = endpoint.rate(limits).times(if shared { limits.shared_factor } else { 1 });
        self.budget(&format!("{}|{}", endpoint.name(), peer::neighbourhood(address)), rate).await
    }

    /// The wait of a client that asks for tokens too often.
    pub(super) async fn client_budget(&self, client: &ClientId) -> Option<Duration> {
        self.budget(&format!("client|{client}"), self.settings.limits.client).await
    }

    /// The wait of a user who signs in or refreshes too often.
    pub(super) async fn user_budget(&self, user: &UserKey) -> Option<Duration> {
        self.budget(&format!("user|{user}"), self.settings.limits.user).await
    }

    async fn budget(&self, name: &str, rate: Rate) -> Option<Duration> {
        if !self.settings.limits.enabled {
            return None;
        }
        match self.store.admit(&self.hasher.hash(PURPOSE, name), rate).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::warn!(error = %error, "request budgets cannot be counted");
                None
            }
        }
    }
}
