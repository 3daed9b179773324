//! Cursors of lists: the service's own continuation, sealed for one user and service, so that it cannot be forged,
//! read or carried over.

use super::error::{INVALID_PARAMS, RpcError};
use super::jsonrpc::{Params, is_null, text};
use crate::domain::cipher::Cipher;
use crate::domain::ids::ServiceName;
use crate::domain::secret::Sealed;
use crate::tools::context::Caller;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Longest cursor worth opening.
const MAX_CURSOR: usize = 16 * 1024;

fn unknown() -> RpcError {
    RpcError::new(INVALID_PARAMS, "Unknown cursor.")
}

fn context(caller: &Caller, service: &ServiceName) -> String {
    format!("list-cursor|{service}|{}", caller.user)
}

pub(super) fn seal(cipher: &Cipher, caller: &Caller, service: &ServiceName, next: &str) -> String {
    URL_SAFE_NO_PAD.encode(cipher.seal(&context(caller, service), next.as_bytes()).as_bytes())
}

/// The continuation in `params.cursor`, if there is one.
pub(super) fn open(
    cipher: &Cipher,
    caller: &Caller,
    service: &ServiceName,
    params: &Params<'_>,
) -> Result<Option<String>, RpcError> {
    let Some(raw) = params.cursor.filter(|raw| !is_null(raw)) else { return Ok(None) };
    let text = text(raw).filter(|text| text.len() <= MAX_CURSOR).ok_or_else(unknown)?;
    let sealed = URL_SAFE_NO_PAD.decode(text.as_bytes()).map_err(|_| unknown())?;
    let plain = cipher.open(&context(caller, service), &Sealed::from_bytes(sealed)).map_err(|_| unknown())?;
    String::from_utf8(plain).map(Some).map_err(|_| unknown())
}

/// For lists that fit one page: there is no cursor that we ever gave out.
pub(super) fn none(params: &Params<'_>) -> Result<(), RpcError> {
    match params.cursor {
        Some(raw) if !is_null(raw) => Err(unknown()),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{ClientId, GrantId, UserKey};
    use crate::domain::keyring::KeyRing;
    use crate::domain::scope::ScopeSet;
    use serde_json::json;

    #[test]
    fn a_cursor_goes_on_for_its_user_and_service_alone() {
        let ring = KeyRing::from_list("k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap();
        let cipher = Cipher::new(&ring);
        let caller = |user: &str| Caller {
            user: UserKey::new("tenant", user),
            client: ClientId::new("c"),
            grant: GrantId::new("g"),
            scopes: ScopeSet::default(),
        };
        let (alice, mail) = (caller("alice"), ServiceName::new("mail-query"));
        let cursor = seal(&cipher, &alice, &mail, "50");
        let opened = |caller: &Caller, service: &ServiceName, cursor: &str| {
            let text = json!({ "cursor": cursor }).to_string();
            open(&cipher, caller, service, &serde_json::from_str(&text).unwrap()).ok()
        };
        assert_eq!(opened(&alice, &mail, &cursor), Some(Some("50".to_owned())));
        assert_eq!(opened(&caller("bob"), &mail, &cursor), None);
        assert_eq!(opened(&alice, &ServiceName::new("calendar"), &cursor), None);
        for bad in ["", "50", &cursor[1..], &"A".repeat(MAX_CURSOR + 1)] {
            assert_eq!(opened(&alice, &mail, bad), None, "{bad}");
        }
    }
}
