//! The authorization server: registration, sign-in with consent, tokens, metadata, and the bearer check that every
//! protected front uses. Knows no tool and no protocol of the resource side.
//!
//! One sign-in: `/register` → `/authorize` (checks, flow record, browser cookie) → `/consent` (the person decides) →
//! Entra → `/callback` (verified identity, sealed tokens, our code) → `/token` (bearer and refresh token).

pub(crate) mod bearer;

mod account;
mod admission;
pub(crate) mod audit;
mod authorize;
mod callback;
mod client_metadata;
mod clients;
mod consent;
mod cookies;
mod dpop;
mod flow;
mod forward;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod help;
mod introspect;
mod jwks;
mod jwt;
mod kept;
pub(crate) mod limits;
mod manage;
mod metadata;
mod once;
mod openid;
mod pages;
mod params;
mod pkce;
mod redirect;
mod register;
mod revoke;
mod routes;
mod scopes;
mod state;
mod token;
mod trace;
mod wire;

#[cfg(test)]
mod tests;

pub(crate) use clients::{ConfiguredClient, MetadataDocumentSettings};
pub(crate) use dpop::DpopSettings;
pub(crate) use limits::LimitSettings;
pub(crate) use redirect::RedirectPolicy;
pub(crate) use register::{RegistrationMode, RegistrationSettings};
pub(crate) use routes::configure;
pub(crate) use scopes::ScopePolicy;
pub(crate) use state::{OauthParts, OauthSettings, OauthState, TrustedIssuer};
