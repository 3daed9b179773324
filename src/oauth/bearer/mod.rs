//! The check of every protected endpoint (RFC 6750, RFC 9449 §7): header → hash → one store look-up → audience → proof,
//! where the token is bound to a key.
//!
//! A personal key is a bearer whose person made it by hand; `watch` does for it what a refresh does for others.
//!
//! A token counts only in the `Authorization` header; in a query, a body or a cookie it is ignored. An outage of
//! the store is a 503 and never a 401, because clients throw credentials away on a 401.

mod challenge;
mod guard;
mod presented;
mod watch;

pub(crate) use guard::{AuthFailure, Bearer, BearerGuard};
pub(crate) use presented::{Presented, presented};
pub(super) use watch::KeyWatch;
