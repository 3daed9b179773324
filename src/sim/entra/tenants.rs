//! The `{tenant}` segment of Entra's paths.

use super::error::AadError;
use crate::sim::directory::{TENANT_DOMAIN, TENANT_ID};

/// How a request named its tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TenantPath {
    /// By GUID or verified domain.
    Own,
    /// `common` or `organizations`: the tenant follows from the account.
    Shared(&'static str),
}

impl TenantPath {
    /// Reads the path segment.
    pub(super) fn parse(segment: &str) -> Result<Self, AadError> {
        let segment = segment.to_ascii_lowercase();
        match segment.as_str() {
            TENANT_ID | TENANT_DOMAIN => Ok(Self::Own),
            "common" => Ok(Self::Shared("common")),
            "organizations" => Ok(Self::Shared("organizations")),
            _ => Err(AadError::tenant_not_found(&segment)),
        }
    }

    /// The segment as Entra writes it in its own documents.
    pub(super) fn segment(self) -> &'static str {
        match self {
            Self::Own => TENANT_ID,
            Self::Shared(name) => name,
        }
    }

    /// The segment as it appears in the issuer of the metadata.
    pub(super) fn issuer_segment(self) -> &'static str {
        match self {
            Self::Own => TENANT_ID,
            Self::Shared(_) => "{tenantid}",
        }
    }
}
