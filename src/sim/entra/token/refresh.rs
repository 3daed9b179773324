//! The `refresh_token` grant.

use super::{
    super::{error::AadError, params::Params},
    Issued, active_person, asked_now, issue,
};
use crate::sim::state::SimState;

/// Refreshes. The old token stays usable, as in Entra, unless the tenant is strict.
pub(super) fn refresh(state: &SimState, params: &Params) -> Result<Issued, AadError> {
    let token = params.need("refresh_token")?;
    let mut grant = state.grants.peek_refresh(token)?;
    let person = active_person(state, &grant)?;
    grant.asked = asked_now(state, params, &grant)?;
    // A refresh always answers with a new refresh token, named or not.
    grant.asked.offline = true;
    if state.options.strict_refresh() {
        state.grants.spend_refresh(token)?;
    }
    issue(state, person, grant, None)
}
