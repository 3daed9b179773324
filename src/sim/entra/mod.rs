//! Entra ID of the simulated tenant, one endpoint per file.

pub(crate) mod grants;

/// Key id of the signing key, as in the header of tokens and in the JWKS.
pub(crate) const KEY_ID: &str = "sim-tenant-key-1";
