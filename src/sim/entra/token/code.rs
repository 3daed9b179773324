//! The `authorization_code` grant.

use super::{
    super::{apps::reply_url_registered, error::AadError, params::Params},
    Issued, active_person, asked_now, issue,
};
use crate::sim::state::SimState;

/// Redeems a code. Every check comes before the code is spent.
pub(super) fn redeem(state: &SimState, params: &Params) -> Result<Issued, AadError> {
    let text = params.need("code")?;
    let redirect_uri = params.need("redirect_uri")?;
    if !reply_url_registered(&state.options.redirect_uris, redirect_uri) {
        return Err(AadError::wrong_reply_url());
    }
    let code = state.grants.peek_code(text)?;
    if code.redirect_uri != redirect_uri {
        return Err(AadError::wrong_reply_url());
    }
    match (&code.challenge, params.get("code_verifier")) {
        (Some(challenge), Some(verifier)) if challenge.matches(verifier) => {}
        (Some(_), None) => return Err(AadError::no_verifier()),
        (Some(_) | None, Some(_)) => return Err(AadError::wrong_verifier()),
        (None, None) => {}
    }
    let mut grant = code.grant;
    let person = active_person(state, &grant)?;
    let now = asked_now(state, params, &grant)?;
    // What the browser agreed to stays valid when the exchange names Graph permissions only.
    grant.asked.openid |= now.openid;
    grant.asked.graph = now.graph;
    state.grants.spend_code(text)?;
    issue(state, person, grant, code.nonce.as_deref())
}
