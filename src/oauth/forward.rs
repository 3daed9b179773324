//! The step to Entra, taken only after an approval: fresh `state`, nonce and verifier for every sign-in.

use super::flow::{Extra, Flow, Pending};
use super::state::OauthState;
use super::{pkce, scopes};
use crate::domain::ids::UserKey;
use crate::domain::random;
use crate::domain::upstream::{UpstreamTokens, sealing_context};
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
    /// The Entra URL for an approved flow. What its `state` stands for is stored, once usable, for ten minutes. `last` is
    /// whom this browser signed in lately: if claims are wanted of that person, Entra is asked for them at once.
    pub(super) async fn forward(
        &self,
        flow: Flow,
        remembered_for: Option<UserKey>,
        last: Option<&UserKey>,
    ) -> Result<String, ForwardError> {
        let claims = match last {
            Some(user) => self.standing_challenge(user).await?,
            None => None,
        };
        self.forward_with(flow, remembered_for, Extra { claims, ..Extra::default() }).await
    }

    /// What Entra or Graph wants to see at the next sign-in of `user`.
    pub(super) async fn standing_challenge(&self, user: &UserKey) -> Result<Option<String>, StoreError> {
        let record = match self.store.upstream(user).await {
            Ok(record) => record,
            // A record that nobody can read any more must not lock its owner out.
            Err(StoreError::Corrupt { .. }) => None,
            Err(error @ StoreError::Unavailable(_)) => return Err(error),
        };
        let opened = record
            .and_then(|record| self.cipher.open(&sealing_context(user, record.version), &record.sealed).ok());
        let tokens = opened.and_then(|plain| serde_json::from_slice::<UpstreamTokens>(&plain).ok());
        Ok(tokens.and_then(|tokens| tokens.challenge))
    }

    /// The same, with what an earlier answer asked for.
    pub(super) async fn forward_with(
        &self,
        flow: Flow,
        remembered_for: Option<UserKey>,
        extra: Extra,
    ) -> Result<String, ForwardError> {
        let (state, nonce, verifier) = (random::text::<32>(), random::text::<32>(), pkce::new_verifier());
        let pending = Pending {
            flow,
            verifier: verifier.clone(),
            nonce: nonce.clone(),
            remembered_for,
            extra,
            created_at: self.clock.now(),
        };
        let (flow, extra) = (&pending.flow, &pending.extra);
        let request = UpstreamAuthorization {
            redirect_uri: self.callback_uri(),
            state: state.clone(),
            nonce: nonce.clone(),
            code_challenge: pkce::challenge(&verifier),
            scopes: scopes::graph(&flow.scopes),
            login_hint: flow.login_hint.clone(),
            prompt: pending.upstream_prompt(),
            claims: extra.claims.clone(),
        };
        let url = self.identity.authorize_url(&request).await?;
        self.put_pending(&state, &pending).await?;
        self.step(&pending.flow.id, pending.flow.step("to_entra")).await;
        Ok(url)
    }
}
