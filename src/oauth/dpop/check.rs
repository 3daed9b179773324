//! The whole check of a proof, for the token endpoint and for protected ones.

use super::proof::{Claims, Proof, ProofFault};
use super::{nonce, target};
use crate::domain::clock::{SharedClock, Timestamp};
use crate::domain::ids::KeyThumbprint;
use crate::domain::resource::Resources;
use crate::domain::token::Hasher;
use crate::oauth::jwt::ALGORITHMS;
use crate::oauth::once;
use crate::ports::store::Store;
use actix_web::dev::RequestHead;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq;

const HEADER: HeaderName = HeaderName::from_static("dpop");
const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
const PURPOSE: &str = "dpop";
/// How far `iat` may be from now, either way (SEP-1932).
const WINDOW_S: i64 = 300;
const MAX_JTI_CHARS: usize = 256;

/// What the operator chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DpopSettings {
    /// Whether clients may bind their tokens to a key.
    pub(crate) offered: bool,
    /// Whether proofs must hold a nonce of this server.
    pub(crate) nonces: bool,
}

impl Default for DpopSettings {
    fn default() -> Self {
        Self { offered: true, nonces: false }
    }
}

/// The request that a proof must be made for.
#[derive(Clone, Copy, Debug)]
pub(in crate::oauth) struct Target<'a> {
    pub(in crate::oauth) method: &'a str,
    /// As it was requested, aliases included.
    pub(in crate::oauth) path: &'a str,
}

impl<'a> Target<'a> {
    pub(in crate::oauth) fn of(head: &'a RequestHead) -> Self {
        Self { method: head.method.as_str(), path: head.uri.path() }
    }
}

/// The one proof among the headers.
pub(in crate::oauth) fn header(headers: &HeaderMap) -> Result<Option<&str>, ProofFault> {
    let mut all = headers.get_all(HEADER);
    let Some(value) = all.next() else { return Ok(None) };
    if all.next().is_some() {
        return Err(ProofFault::Repeated);
    }
    value.to_str().map(|text| Some(text.trim())).map_err(|_| ProofFault::Malformed)
}

/// The challenge of a protected endpoint (§7.1); `parameters` are empty or end with a comma and a space.
pub(in crate::oauth) fn challenge(parameters: &str) -> String {
    format!("DPoP {parameters}algs=\"{}\"", ALGORITHMS.join(" "))
}

/// Whether this can be the thumbprint of a key: 32 octets in strict base64url.
pub(in crate::oauth) fn is_thumbprint(text: &str) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|octets| octets.len() == 32)
}

/// Checks proofs.
pub(crate) struct Dpop {
    store: Arc<dyn Store>,
    hasher: Hasher,
    resources: Arc<Resources>,
    clock: SharedClock,
    settings: DpopSettings,
}

impl Dpop {
    pub(in crate::oauth) fn new(
        store: Arc<dyn Store>,
        hasher: Hasher,
        resources: Arc<Resources>,
        clock: SharedClock,
        settings: DpopSettings,
    ) -> Self {
        Self { store, hasher, resources, clock, settings }
    }

    /// Whether clients may use it at all.
    pub(in crate::oauth) fn is_offered(&self) -> bool {
        self.settings.offered
    }

    /// The key that a request for tokens proves; none when it sends no proof, or nobody looks at it.
    pub(in crate::oauth) async fn key_of(
        &self,
        head: &RequestHead,
    ) -> Result<Option<KeyThumbprint>, ProofFault> {
        if !self.settings.offered {
            return Ok(None);
        }
        let Some(text) = header(&head.headers)? else { return Ok(None) };
        let proof = Proof::read(text)?;
        self.accept(&proof, Target::of(head), None).await?;
        Ok(Some(proof.thumbprint))
    }

    /// Whether `proof` shows that its sender holds the key `jkt` that `token` is bound to.
    pub(in crate::oauth) async fn check(
        &self,
        proof: Option<&str>,
        target: Target<'_>,
        (token, jkt): (&str, &KeyThumbprint),
    ) -> Result<(), ProofFault> {
        let proof = Proof::read(proof.ok_or(ProofFault::Missing)?)?;
        if proof.thumbprint != *jkt {
            return Err(ProofFault::OtherKey);
        }
        self.accept(&proof, target, Some(token)).await
    }

    async fn accept(
        &self,
        proof: &Proof<'_>,
        target: Target<'_>,
        token: Option<&str>,
    ) -> Result<(), ProofFault> {
        let (claims, now) = (proof.verified()?, self.clock.now());
        self.judge(&claims, target, token, now)?;
        let left = claims.iat.saturating_add(WINDOW_S + 1).saturating_sub(now.as_secs());
        let life = Duration::from_secs(left.max(1).cast_unsigned());
        let value = format!("{}\n{}", proof.thumbprint.as_str(), claims.jti);
        let first = once::spend(&*self.store, &self.hasher, (PURPOSE, &value), life).await?;
        if first { Ok(()) } else { Err(ProofFault::Replayed) }
    }

    /// The rules of RFC 9449 §4.3 for what a proof says.
    fn judge(
        &self,
        claims: &Claims,
        target: Target<'_>,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<(), ProofFault> {
        if claims.htm != target.method {
            return Err(ProofFault::Method);
        }
        if !target::is(&claims.htu, self.resources.issuer(), target.path) {
            return Err(ProofFault::Target);
        }
        if claims.iat.saturating_sub(now.as_secs()).saturating_abs() > WINDOW_S {
            return Err(ProofFault::Time);
        }
        if claims.jti.is_empty() || claims.jti.len() > MAX_JTI_CHARS {
            return Err(ProofFault::Id);
        }
        if let Some(token) = token {
            let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(token));
            let said = claims.ath.as_deref().unwrap_or_default();
            if !bool::from(hash.as_bytes().ct_eq(said.as_bytes())) {
                return Err(ProofFault::TokenHash);
            }
        }
        if self.settings.nonces {
            let said = claims.nonce.as_deref().unwrap_or_default();
            if !nonce::is_fresh(&self.hasher, now, said) {
                return Err(ProofFault::Nonce);
            }
        }
        Ok(())
    }

    /// Gives the nonce for the next proof, where proofs need one.
    pub(in crate::oauth) fn stamp(&self, headers: &mut HeaderMap) {
        if !self.settings.offered || !self.settings.nonces {
            return;
        }
        if let Ok(value) = HeaderValue::from_str(&nonce::current(&self.hasher, self.clock.now())) {
            headers.insert(NONCE, value);
        }
    }
}
