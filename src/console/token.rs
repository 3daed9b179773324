//! The one credential of operators (RFC 6750, header only). A user's bearer is a wrong token here like any other.

use super::state::ConsoleState;
use super::wire;
use crate::oauth::audit;
use crate::oauth::bearer::{AuthFailure, presented};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderValue, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::{Error, web};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The token's digest: all that is kept, and of one length whatever is presented.
#[derive(Clone)]
pub(crate) struct AdminToken([u8; 32]);

impl AdminToken {
    pub(crate) fn new(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }

    fn matches(&self, presented: &str) -> bool {
        self.0.ct_eq(&<[u8; 32]>::from(Sha256::digest(presented))).into()
    }
}

/// Why a request is not an operator's.
enum Denied {
    Missing,
    Wrong,
}

/// Lets requests pass that carry the token.
pub(super) async fn required(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match check(&request) {
        Ok(()) => next.call(request).await.map(ServiceResponse::map_into_boxed_body),
        Err(denied) => {
            let challenge = match denied {
                Denied::Missing => "Bearer realm=\"admin\"",
                Denied::Wrong => {
                    audit::alarm_operator(
                        "admin_denied",
                        request.match_pattern().as_deref().unwrap_or_default(),
                    );
                    "Bearer realm=\"admin\", error=\"invalid_token\""
                }
            };
            let mut response = wire::unauthorized();
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            Ok(request.into_response(response))
        }
    }
}

fn check(request: &ServiceRequest) -> Result<(), Denied> {
    let state = request.app_data::<web::Data<ConsoleState>>().ok_or(Denied::Wrong)?;
    match presented(request.headers()) {
        Ok(token) if state.token.matches(token) => Ok(()),
        Err(AuthFailure::Missing) => Err(Denied::Missing),
        Ok(_) | Err(_) => Err(Denied::Wrong),
    }
}
