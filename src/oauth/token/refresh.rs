//! `grant_type=refresh_token` (RFC 6749 §6, RFC 9700 §4.14): every use rotates. A token sent again within the grace
//! gets the very answer of the first use, byte for byte; later it is a theft and ends the grant, or
//! is merely refused where the operator has clients that replay old tokens. The Entra tokens
//! behind the grant are renewed with it, once for any number of parallel requests, and an outage there costs nobody
//! the login.

use super::error::TokenError;
use super::issue::{Basis, Keys, fresh};
use super::resource_fits;
use crate::domain::cipher::Cipher;
use crate::domain::client::ClientRecord;
use crate::domain::clock::Timestamp;
use crate::domain::grant::RefreshRecord;
use crate::domain::ids::{GrantId, KeyThumbprint};
use crate::domain::scope::ScopeSet;
use crate::domain::secret::Sealed;
use crate::domain::token::{Token, TokenKind, TokenRef};
use crate::domain::upstream::UpstreamAccess;
use crate::oauth::admission::Admission;
use crate::oauth::dpop::ProofFault;
use crate::oauth::params::Params;
use crate::oauth::state::OauthState;
use crate::oauth::{audit, scopes};
use crate::ports::store::{RefreshState, Rotation, RotationOutcome};
use crate::ports::tokens;
use bytes::Bytes;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

/// When to ask again about a person whose groups another replica, with another list, has looked up.
const UNKNOWN_PAUSE: Duration = Duration::from_secs(2);

/// The one use of a refresh token that is going on.
struct Use<'a> {
    state: &'a OauthState,
    client: &'a ClientRecord,
    params: &'a Params,
    token: Token,
    /// The key that the request proved.
    key: Option<KeyThumbprint>,
}

pub(super) async fn redeem(
    state: &OauthState,
    client: &ClientRecord,
    params: &Params,
    key: Option<KeyThumbprint>,
) -> Result<Bytes, TokenError> {
    let text = params.get("refresh_token").ok_or(TokenError::Malformed("refresh_token is missing"))?;
    let token = Token::parse(TokenKind::Refresh, text).ok_or(TokenError::Grant)?;
    let one = Use { state, client, params, token, key };
    let (place, found) = find(state, &one.token).await?;
    match found {
        RefreshState::Live(record) => {
            let scopes = one.check(&record)?;
            one.rotate(place, record, scopes).await
        }
        RefreshState::Rotated { record, at, successor } => {
            one.check(&record)?;
            one.repeat(&record, at, &successor).await
        }
        RefreshState::Unknown => Err(TokenError::Grant),
    }
}

/// Where the token stands, and as what.
async fn find(state: &OauthState, token: &Token) -> Result<(TokenRef, RefreshState), TokenError> {
    let now = state.clock.now();
    for place in state.hasher.token_refs(token) {
        match state.store.refresh(&place, now).await? {
            RefreshState::Unknown => {}
            found @ (RefreshState::Live(_) | RefreshState::Rotated { .. }) => return Ok((place, found)),
        }
    }
    Err(TokenError::Grant)
}

impl Use<'_> {
    /// The checks that change nothing: the right client and key, scopes that only shrink, the same resource.
    fn check(&self, record: &RefreshRecord) -> Result<ScopeSet, TokenError> {
        if record.client != self.client.id {
            audit::alarm("refresh_other_client", &self.client.id, Some(&record.user));
            return Err(TokenError::Grant);
        }
        self.check_key(record)?;
        let now = self.state.clock.now();
        if record.grant_expires_at <= now {
            return Err(TokenError::Grant);
        }
        if !resource_fits(self.state, self.params, record.service.as_str()) {
            return Err(TokenError::Target);
        }
        scopes::narrowed(self.params.get("scope"), &record.scopes).ok_or(TokenError::Scope)
    }

    /// Whoever cannot prove the key is not the one the token was given to: refused, and no use of it, neither a first
    /// one nor one too many.
    fn check_key(&self, record: &RefreshRecord) -> Result<(), TokenError> {
        match (&record.jkt, &self.key) {
            // Nobody looks at proofs any more: only a new sign-in goes on.
            (Some(_), None) if !self.state.guard.dpop().is_offered() => Err(TokenError::Grant),
            (Some(_), None) => {
                audit::alarm("bound_token_unproven", &self.client.id, Some(&record.user));
                Err(ProofFault::Missing.into())
            }
            (Some(bound), Some(proven)) if bound != proven => {
                audit::alarm("refresh_other_key", &self.client.id, Some(&record.user));
                Err(TokenError::Grant)
            }
            (Some(_) | None, _) => Ok(()),
        }
    }

    async fn rotate(
        &self,
        place: TokenRef,
        record: RefreshRecord,
        scopes: ScopeSet,
    ) -> Result<Bytes, TokenError> {
        let state = self.state;
        if let Some(wait) = state.user_budget(&record.user).await {
            return Err(TokenError::TooMany { wait });
        }
        let upstream = self.renew(&record).await?;
        let now = state.clock.now();
        let basis = Basis {
            grant: record.grant.clone(),
            client: record.client.clone(),
            user: record.user.clone(),
            service: record.service.clone(),
            scopes,
            granted: record.scopes.clone(),
            upstream_version: upstream.version,
            grant_expires_at: record.grant_expires_at,
            flow: None,
            keys: Keys::of(self.key.clone(), self.client),
        };
        let fresh = fresh(state, basis, now, |_| None);
        let rotation = Rotation {
            old: place,
            refresh: fresh.refresh,
            access: fresh.access,
            successor: self.seal(&record.grant, &fresh.answer),
            now,
        };
        match state.store.rotate(&rotation).await? {
            RotationOutcome::Done => {
                state.keep_client(&self.client.id).await;
                audit::event("refresh", &self.client.id, Some(&record.user));
                Ok(fresh.answer)
            }
            RotationOutcome::Lost { at, successor } => self.repeat(&record, at, &successor).await,
            RotationOutcome::Unknown => Err(TokenError::Grant),
        }
    }

    /// Entra's word that the person still may: a newer token than the one this grant was issued on.
    async fn renew(&self, record: &RefreshRecord) -> Result<Arc<UpstreamAccess>, TokenError> {
        match self.state.tokens.renew(&record.user, record.upstream_version).await {
            Ok(access) => match self.state.settings.admission(&record.user.tid, &access.profile) {
                Admission::Admitted => Ok(access),
                Admission::Refused => {
                    audit::alarm("not_admitted", &self.client.id, Some(&record.user));
                    self.state.store.revoke_grant(&record.grant).await?;
                    Err(TokenError::Grant)
                }
                Admission::Unknown => Err(TokenError::Upstream { retry_after: UNKNOWN_PAUSE }),
            },
            Err(tokens::TokenError::SignInRequired) => {
                audit::alarm("upstream_ended", &self.client.id, Some(&record.user));
                self.state.store.revoke_grant(&record.grant).await?;
                Err(TokenError::SignInEnded)
            }
            Err(tokens::TokenError::Unavailable { retry_after }) => Err(TokenError::Upstream { retry_after }),
        }
    }

    /// The answer of the first use, while the grace lasts and nobody has gone on from it.
    async fn repeat(
        &self,
        record: &RefreshRecord,
        at: Timestamp,
        successor: &Sealed,
    ) -> Result<Bytes, TokenError> {
        let fresh_enough = self.state.clock.now().since(at) <= self.state.settings.refresh_grace;
        if fresh_enough {
            match self.unseal(&record.grant, successor) {
                Some(answer) if !self.is_superseded(&answer).await? => return Ok(answer),
                // A client that proved itself may have taken another key; it is no thief.
                None if !self.client.is_public() => {
                    audit::alarm("refresh_other_key", &self.client.id, Some(&record.user));
                    return Err(TokenError::Grant);
                }
                Some(_) | None => {}
            }
        }
        audit::alarm("rt_reuse", &self.client.id, Some(&record.user));
        if self.state.settings.reuse_revokes {
            self.state.store.revoke_grant(&record.grant).await?;
        }
        Err(TokenError::Grant)
    }

    /// Whether the successor has been used itself: then the token sent now is two generations old.
    async fn is_superseded(&self, answer: &[u8]) -> Result<bool, TokenError> {
        #[derive(Deserialize)]
        struct Answer<'a> {
            refresh_token: &'a str,
        }
        let Some(next) = serde_json::from_slice::<Answer<'_>>(answer)
            .ok()
            .and_then(|answer| Token::parse(TokenKind::Refresh, answer.refresh_token))
        else {
            return Ok(true);
        };
        match find(self.state, &next).await {
            Ok((_, RefreshState::Rotated { .. })) => Ok(true),
            // Unknown here, because a replica with a newer key hashed it, is not used.
            Ok((_, RefreshState::Live(_) | RefreshState::Unknown)) | Err(TokenError::Grant) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// Sealed under the old token itself, and to the key that was proven with it: only who has both can read what it
    /// became.
    fn seal(&self, grant: &GrantId, answer: &[u8]) -> Sealed {
        Cipher::from_token(self.token.expose()).seal(&self.context(grant), answer)
    }

    /// None when the first use proved another key, or none.
    fn unseal(&self, grant: &GrantId, successor: &Sealed) -> Option<Bytes> {
        let opened = Cipher::from_token(self.token.expose()).open(&self.context(grant), successor);
        opened.inspect_err(|e| tracing::info!(error = %e, "a successor does not open")).ok().map(Bytes::from)
    }

    fn context(&self, grant: &GrantId) -> String {
        match &self.key {
            Some(key) => format!("successor|{grant}|{key}"),
            None => format!("successor|{grant}"),
        }
    }
}
