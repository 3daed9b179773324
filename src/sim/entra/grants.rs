//! Codes, refresh tokens and consents of the tenant.

/// What Entra remembers between requests.
#[derive(Debug, Default)]
pub(crate) struct GrantBook {}
