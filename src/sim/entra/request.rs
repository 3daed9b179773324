//! The authorization request: what may be shown on a page only, and what may be sent to the reply URL.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::{
    apps::{APP_ID, reply_url_registered},
    error::AadError,
    params::Params,
    scopes::Asked,
    tenants::TenantPath,
};
use crate::sim::state::SimState;

/// RFC 7636.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    S256(String),
    Plain(String),
}

impl Challenge {
    fn parse(params: &Params) -> Result<Option<Self>, AadError> {
        let Some(challenge) = params.get("code_challenge") else {
            return if params.has("code_challenge_method") {
                Err(AadError::bad_challenge())
            } else {
                Ok(None)
            };
        };
        if !(43..=128).contains(&challenge.len()) || !challenge.bytes().all(unreserved) {
            return Err(AadError::bad_challenge());
        }
        match params.get("code_challenge_method") {
            Some("S256") => Ok(Some(Self::S256(challenge.to_owned()))),
            Some("plain") | None => Ok(Some(Self::Plain(challenge.to_owned()))),
            Some(_) => Err(AadError::bad_challenge()),
        }
    }

    /// Whether the verifier belongs to this challenge.
    pub(super) fn matches(&self, verifier: &str) -> bool {
        (43..=128).contains(&verifier.len())
            && match self {
                Self::S256(challenge) => {
                    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) == *challenge
                }
                Self::Plain(challenge) => verifier == challenge,
            }
    }
}

fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// How the answer travels to the reply URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResponseMode {
    Query,
    Fragment,
    FormPost,
}

/// Where answers and refusals go.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) redirect_uri: String,
    pub(super) mode: ResponseMode,
    pub(super) state: Option<String>,
}

impl Target {
    /// Checks tenant, application and reply URL; a failure here may only be shown.
    pub(super) fn parse(tenant: &str, params: &Params, state: &SimState) -> Result<Self, AadError> {
        TenantPath::parse(tenant)?;
        let client_id = params.need("client_id")?;
        if client_id != APP_ID {
            return Err(AadError::unknown_app(client_id));
        }
        let registered = &state.options.redirect_uris;
        let redirect_uri = match (params.get("redirect_uri"), registered.first()) {
            (Some(given), _) => given,
            (None, Some(first)) => first,
            (None, None) => return Err(AadError::missing("redirect_uri")),
        };
        if !reply_url_registered(registered, redirect_uri) {
            return Err(AadError::wrong_reply_url());
        }
        let mode = match params.get("response_mode") {
            None | Some("query") => ResponseMode::Query,
            Some("fragment") => ResponseMode::Fragment,
            Some("form_post") => ResponseMode::FormPost,
            Some(_) => return Err(AadError::bad_value("response_mode")),
        };
        Ok(Self {
            redirect_uri: redirect_uri.to_owned(),
            mode,
            state: params.get("state").map(ToOwned::to_owned),
        })
    }
}

/// What the browser is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prompt {
    /// Show the account page.
    Page,
    /// Answer without a page.
    None,
}

/// The wish itself.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) asked: Asked,
    pub(super) nonce: Option<String>,
    pub(super) challenge: Option<Challenge>,
    pub(super) prompt: Prompt,
    pub(super) login_hint: Option<String>,
}

impl Wish {
    /// Checks the rest of the request; a failure here is sent to the reply URL.
    pub(super) fn parse(params: &Params) -> Result<Self, AadError> {
        if params.need("response_type")? != "code" {
            return Err(AadError::unsupported_response_type());
        }
        if params.has("resource") {
            return Err(AadError::resource_given());
        }
        let asked = Asked::parse(params.need("scope")?).map_err(super::scopes::ScopeFault::at_authorize)?;
        let prompt = match params.get("prompt") {
            Some("none") => Prompt::None,
            None | Some("login" | "consent" | "select_account" | "create") => Prompt::Page,
            Some(_) => return Err(AadError::bad_value("prompt")),
        };
        Ok(Self {
            asked,
            nonce: params.get("nonce").map(ToOwned::to_owned),
            challenge: Challenge::parse(params)?,
            prompt,
            login_hint: params.get("login_hint").map(ToOwned::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifier_of_rfc_7636_appendix_b_matches() {
        let params = Params::parse(
            b"code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
        )
        .unwrap();
        let challenge = Challenge::parse(&params).unwrap().unwrap();
        assert!(challenge.matches("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
        assert!(!challenge.matches("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl"));
        assert!(!challenge.matches(""));
        let short = Params::parse(b"code_challenge=abc&code_challenge_method=S256").unwrap();
        assert_eq!(Challenge::parse(&short), Err(AadError::bad_challenge()));
    }
}
