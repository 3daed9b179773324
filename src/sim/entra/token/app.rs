//! The `client_credentials` grant: a token of the application itself. It has no permission here, so no mailbox opens to it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    super::{error::AadError, params::Params, tenants::TenantPath},
    Issued,
};

const LIFE_SECONDS: u64 = 3599;

/// Issues to an application that has authenticated.
pub(super) fn issue(tenant: &str, params: &Params) -> Result<Issued, AadError> {
    if TenantPath::parse(tenant)? != TenantPath::Own {
        return Err(AadError::app_without_tenant());
    }
    let scope = params.need("scope")?;
    if scope.contains(' ') || !scope.ends_with("/.default") {
        return Err(AadError::app_scope(scope));
    }
    Ok(Issued {
        token_type: "Bearer",
        scope: None,
        expires_in: LIFE_SECONDS,
        ext_expires_in: LIFE_SECONDS,
        access_token: URL_SAFE_NO_PAD.encode([rand::random::<[u8; 32]>(); 24].concat()),
        refresh_token: None,
        id_token: None,
    })
}
