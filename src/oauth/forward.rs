//! The step to Entra, taken only after an approval: fresh `state`, nonce and verifier for every sign-in.

use super::flow::{Flow, Pending};
use super::state::OauthState;
use super::{pkce, scopes};
use crate::domain::ids::UserKey;
use crate::domain::random;
use crate::ports::identity::{IdentityError, UpstreamAuthorization};
use crate::ports::store::StoreError;

/// Why the browser cannot be sent to Entra.
#[derive(Debug, thiserror::Error)]
pub(super) enum ForwardError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

impl OauthState {
    /// The Entra URL for an approved flow. What its `state` stands for is stored, once usable, for ten minutes.
    pub(super) async fn forward(
        &self,
        flow: Flow,
        remembered_for: Option<UserKey>,
    ) -> Result<String, ForwardError> {
        let (state, nonce, verifier) = (random::text::<32>(), random::text::<32>(), pkce::new_verifier());
        let request = UpstreamAuthorization {
            redirect_uri: self.callback_uri(),
            state: state.clone(),
            nonce: nonce.clone(),
            code_challenge: pkce::challenge(&verifier),
            scopes: scopes::graph(&flow.scopes),
            login_hint: flow.login_hint.clone(),
            prompt: flow.upstream_prompt(),
        };
        let url = self.identity.authorize_url(&request).await?;
        let pending = Pending { flow, verifier, nonce, remembered_for, created_at: self.clock.now() };
        self.put_pending(&state, &pending).await?;
        self.step(&pending.flow.id, pending.flow.step("to_entra")).await;
        Ok(url)
    }
}
