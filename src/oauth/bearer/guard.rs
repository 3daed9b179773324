//! Who is behind a request.

use super::presented::{Presented, Scheme};
use super::watch::KeyWatch;
use crate::domain::clock::{SharedClock, Timestamp};
use crate::domain::grant::AccessRecord;
use crate::domain::ids::{FlowId, ServiceName};
use crate::domain::resource::Resources;
use crate::domain::token::{Hasher, Token, TokenKind, TokenRef};
use crate::oauth::audit;
use crate::oauth::dpop::{Dpop, DpopSettings, ProofFault};
use crate::oauth::trace::{self, Step};
use crate::ports::store::{Store, StoreError};
use crate::tools::context::Caller;
use actix_web::dev::RequestHead;
use parking_lot::RwLock;
use std::collections::HashSet;
use std::sync::Arc;

/// Sign-ins remembered as arrived; beyond it they are forgotten and may be noted twice.
const MANY_FLOWS: usize = 10_000;

/// A bearer that is valid for the service it was presented to.
#[derive(Clone, Debug)]
pub(crate) struct Bearer {
    pub(crate) caller: Caller,
    /// Where it stands in the store, with the grant that it comes from.
    pub(crate) token: TokenRef,
    pub(crate) expires_at: Timestamp,
}

/// Why a request is not authenticated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthFailure {
    #[error("no bearer token was presented")]
    Missing,
    #[error("the request carries more than one Authorization header")]
    Ambiguous,
    #[error("the token is unknown, expired or revoked")]
    Invalid,
    #[error("the token was issued for another service")]
    WrongAudience,
    /// A personal key whose person has to satisfy Microsoft first.
    #[error(
        "Microsoft wants to see the person behind this key: sign in again with any connected app, or make a new key"
    )]
    SignIn,
    /// Bound to a key and presented as if it were not.
    #[error("the token is bound to a key: send it as Authorization: DPoP, with a proof in the header DPoP")]
    Unproven,
    /// Presented as bound, which it is not: a downgrade that its holder would not notice (RFC 9449 §7.1).
    #[error("the token is not bound to a key: send it as Authorization: Bearer")]
    Unbound,
    #[error(transparent)]
    Proof(ProofFault),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ProofFault> for AuthFailure {
    fn from(fault: ProofFault) -> Self {
        if let ProofFault::Store(error) = fault { Self::Store(error) } else { Self::Proof(fault) }
    }
}

/// Checks tokens and words the refusals.
pub(crate) struct BearerGuard {
    store: Arc<dyn Store>,
    hasher: Hasher,
    pub(super) resources: Arc<Resources>,
    clock: SharedClock,
    pub(super) dpop: Dpop,
    /// None where personal keys do not count.
    pub(super) keys: Option<KeyWatch>,
    /// Sign-ins whose first call was noted by this process.
    arrived: RwLock<HashSet<FlowId>>,
}

impl std::fmt::Debug for BearerGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BearerGuard")
    }
}

impl BearerGuard {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        hasher: Hasher,
        resources: Arc<Resources>,
        clock: SharedClock,
        dpop: DpopSettings,
    ) -> Self {
        let dpop = Dpop::new(store.clone(), hasher.clone(), resources.clone(), clock.clone(), dpop);
        Self { store, hasher, resources, clock, dpop, keys: None, arrived: RwLock::default() }
    }

    /// The same where personal keys count as well.
    pub(in crate::oauth) fn with_personal_keys(self, watch: KeyWatch) -> Self {
        Self { keys: Some(watch), ..self }
    }

    /// The check of proofs, for the token endpoint.
    pub(in crate::oauth) fn dpop(&self) -> &Dpop {
        &self.dpop
    }

    /// The caller behind a request, if its token is one for `service`.
    pub(crate) async fn authenticate(
        &self,
        head: &RequestHead,
        service: &ServiceName,
    ) -> Result<Bearer, AuthFailure> {
        self.accept(&Presented::of(head)?, service).await
    }

    /// The same for what is presented otherwise.
    pub(crate) async fn accept(
        &self,
        presented: &Presented<'_>,
        service: &ServiceName,
    ) -> Result<Bearer, AuthFailure> {
        let (token, record) = self.find(presented).await?;
        if record.service != *service {
            return Err(AuthFailure::WrongAudience);
        }
        self.check_binding(presented, &record).await?;
        self.check_key(&record).await?;
        let span = tracing::Span::current();
        span.record("client.id", record.client.as_str()).record("grant.id", record.grant.as_str());
        if record.jkt.is_some() {
            span.record("token.bound", true);
        }
        if let Some(flow) = &record.flow {
            span.record("flow.id", flow.as_str());
            self.note_first_call(flow, &record).await;
        }
        let AccessRecord { user, client, grant, scopes, .. } = record;
        let caller = Caller { user, client, grant, scopes };
        Ok(Bearer { caller, token, expires_at: record.expires_at })
    }

    /// What stands behind the token of a request, whatever service it is for.
    pub(in crate::oauth) async fn identify(&self, head: &RequestHead) -> Result<AccessRecord, AuthFailure> {
        let presented = Presented::of(head)?;
        let (_, record) = self.find(&presented).await?;
        self.check_binding(&presented, &record).await?;
        self.check_key(&record).await?;
        Ok(record)
    }

    /// The token's place and record; whether its sender may use it is not looked at yet.
    async fn find(&self, presented: &Presented<'_>) -> Result<(TokenRef, AccessRecord), AuthFailure> {
        if presented.scheme == Scheme::Dpop && !self.dpop.is_offered() {
            return Err(AuthFailure::Missing);
        }
        let token = Token::parse_bearer(presented.token).ok_or(AuthFailure::Invalid)?;
        if token.kind == TokenKind::Personal && self.keys.is_none() {
            return Err(AuthFailure::Invalid);
        }
        let now = self.clock.now();
        for place in self.hasher.token_refs(&token) {
            if let Some(record) = self.store.access(&place, now).await? {
                let live = record.expires_at > now;
                return if live { Ok((place, record)) } else { Err(AuthFailure::Invalid) };
            }
        }
        Err(AuthFailure::Invalid)
    }

    /// Whether the token was presented as its binding wants it (RFC 9449 §7.1 and §7.2).
    async fn check_binding(
        &self,
        presented: &Presented<'_>,
        record: &AccessRecord,
    ) -> Result<(), AuthFailure> {
        match (&record.jkt, presented.scheme) {
            (None, Scheme::Bearer) => Ok(()),
            (None, Scheme::Dpop) => Err(AuthFailure::Unbound),
            (Some(_), Scheme::Bearer) if !self.dpop.is_offered() => Err(AuthFailure::Invalid),
            (Some(_), Scheme::Bearer) => {
                audit::alarm("bound_token_unproven", &record.client, Some(&record.user));
                Err(AuthFailure::Unproven)
            }
            (Some(jkt), Scheme::Dpop) => {
                let bound = (presented.token, jkt);
                let checked = Box::pin(self.dpop.check(presented.proof, presented.target, bound)).await;
                checked.map_err(|fault| {
                    audit::proof_refused(&record.client, &fault);
                    fault.into()
                })
            }
        }
    }

    /// Nobody refreshes a personal key: whether its person is still let in is asked here.
    async fn check_key(&self, record: &AccessRecord) -> Result<(), AuthFailure> {
        match &self.keys {
            Some(watch) if record.client.is_personal_key() => Box::pin(watch.admit(record)).await,
            Some(_) | None => Ok(()),
        }
    }

    /// Whether a bearer that was accepted still stands.
    pub(crate) async fn holds(&self, token: &TokenRef) -> Result<bool, StoreError> {
        Ok(self.store.access(token, self.clock.now()).await?.is_some())
    }

    /// The last step of a sign-in's trace: its bearer is used.
    async fn note_first_call(&self, flow: &FlowId, record: &AccessRecord) {
        if self.arrived.read().contains(flow) {
            return;
        }
        {
            let mut arrived = self.arrived.write();
            if arrived.len() >= MANY_FLOWS {
                arrived.clear();
            }
            if !arrived.insert(flow.clone()) {
                return;
            }
        }
        let step = Step {
            client: record.client.as_str(),
            service: record.service.as_str(),
            grant: record.grant.as_str(),
            ..Step::named("first_call")
        };
        trace::write(&*self.store, flow, self.clock.now(), step).await;
    }
}
