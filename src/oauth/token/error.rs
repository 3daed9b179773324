//! Everything the token endpoint refuses, and the one mapping to the wire (RFC 6749 §5.2).

use crate::oauth::dpop::ProofFault;
use crate::oauth::limits;
use crate::oauth::params::ParamFault;
use crate::oauth::wire::{self, Refusal};
use crate::ports::store::StoreError;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use std::time::Duration;

/// Challenge for a client that tried HTTP Basic (RFC 6749 §5.2, RFC 7617 §2).
const BASIC: &str = "Basic realm=\"token\", charset=\"UTF-8\"";

/// Wait that is asked for when a client's own host is away.
const CLIENT_PAUSE: Duration = Duration::from_secs(30);

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub(in crate::oauth) enum TokenError {
    #[error("no such service")]
    UnknownService,
    #[error("the content type must be application/x-www-form-urlencoded")]
    ContentType,
    #[error("{}", .0.description)]
    Body(Refusal),
    #[error(transparent)]
    Params(#[from] ParamFault),
    #[error("{0}")]
    Malformed(&'static str),
    #[error("this grant_type is not supported")]
    UnsupportedGrant,
    /// `basic` when the client tried HTTP Basic.
    #[error("the client is unknown or did not prove itself; register again if it was removed")]
    Client { basic: bool },
    #[error("send the client's credentials in one way only")]
    TwoCredentials,
    /// One text for every cause: which check failed is nobody's business.
    #[error("the code or refresh token is unknown, spent, expired or not meant for this request")]
    Grant,
    #[error("the Microsoft sign-in behind this grant has ended: sign in again")]
    SignInEnded,
    #[error("a scope goes beyond what was granted")]
    Scope,
    #[error("resource is not the one this grant is for")]
    Target,
    #[error("Microsoft sign-in cannot answer for the moment")]
    Upstream { retry_after: Duration },
    #[error("the client's metadata or keys cannot be fetched for the moment")]
    ClientAway,
    #[error("the client may not use this grant")]
    UnauthorizedClient,
    #[error("too many requests")]
    TooMany { wait: Duration },
    #[error(transparent)]
    Proof(#[from] ProofFault),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TokenError {
    pub(in crate::oauth) fn response(&self) -> HttpResponse {
        let text = self.to_string();
        let refusal = match self {
            Self::UnknownService => return wire::not_found(),
            Self::Body(refusal) => refusal.clone(),
            Self::ContentType | Self::Params(_) | Self::Malformed(_) | Self::TwoCredentials => {
                Refusal::bad("invalid_request", text)
            }
            Self::UnsupportedGrant => Refusal::bad("unsupported_grant_type", text),
            Self::Client { basic } => {
                let refusal = Refusal::new(StatusCode::UNAUTHORIZED, "invalid_client", text);
                if *basic { refusal.challenging(BASIC) } else { refusal }
            }
            Self::Grant | Self::SignInEnded => Refusal::bad("invalid_grant", text),
            Self::Scope => Refusal::bad("invalid_scope", text),
            Self::Target => Refusal::bad("invalid_target", text),
            Self::Upstream { retry_after } => Refusal::unavailable(*retry_after),
            Self::ClientAway => Refusal { description: text, ..Refusal::unavailable(CLIENT_PAUSE) },
            Self::UnauthorizedClient => Refusal::bad("unauthorized_client", text),
            Self::TooMany { wait } => limits::too_many(*wait),
            Self::Store(error) | Self::Proof(ProofFault::Store(error)) => Refusal::store(error),
            Self::Proof(fault) => Refusal::bad(fault.code(), text),
        };
        refusal.response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header;

    #[test]
    fn every_refusal_has_its_status_and_name() {
        let table = [
            (TokenError::ContentType, 400),
            (TokenError::Malformed("x"), 400),
            (TokenError::UnsupportedGrant, 400),
            (TokenError::Client { basic: true }, 401),
            (TokenError::Grant, 400),
            (TokenError::Proof(ProofFault::Nonce), 400),
            (TokenError::Proof(ProofFault::Store(StoreError::Unavailable(String::new()))), 503),
            (TokenError::Upstream { retry_after: Duration::from_secs(7) }, 503),
            (TokenError::Store(StoreError::Unavailable(String::new())), 503),
        ];
        for (error, status) in table {
            let response = error.response();
            assert_eq!(response.status().as_u16(), status, "{error}");
            assert_eq!(response.headers().get(header::CACHE_CONTROL).unwrap(), "no-store");
            let challenged = response.headers().contains_key(header::WWW_AUTHENTICATE);
            assert_eq!(challenged, status == 401);
            assert_eq!(response.headers().contains_key(header::RETRY_AFTER), status == 503);
        }
    }
}
