//! Tests of the refresher over the embedded store and a scripted identity provider. "Two replicas" are two sets of
//! actors over one store.

use crate::actors::{ActorDeps, Actors, GateSettings, RegistrySettings};
use crate::adapters::embedded::EmbeddedStore;
use crate::domain::cipher::Cipher;
use crate::domain::clock::{Clock, TestClock, Timestamp};
use crate::domain::ids::UserKey;
use crate::domain::keyring::KeyRing;
use crate::domain::scope::ScopeSet;
use crate::domain::secret::Secret;
use crate::domain::token::Hasher;
use crate::domain::upstream::{Profile, SignIn, UpstreamTokens, sealing_context};
use crate::ports::identity::{
    CodeExchange, IdentityError, IdentityFault, IdentityProvider, UpstreamAuthorization,
};
use crate::ports::store::{Store, Swap};
use crate::ports::tokens::{AccessTokens, TokenError};
use async_trait::async_trait;
use futures_util::future::join_all;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Answers refreshes as told and counts them; each one waits for a permit.
struct Scripted {
    clock: Arc<TestClock>,
    calls: AtomicUsize,
    fault: Mutex<Option<IdentityFault>>,
    gate: Semaphore,
}

#[async_trait]
impl IdentityProvider for Scripted {
    async fn is_issuer(&self, _: &str) -> Result<bool, IdentityError> {
        unreachable!("nobody answers an authorization request here")
    }

    async fn authorize_url(&self, _: &UpstreamAuthorization) -> Result<String, IdentityError> {
        Err(error(IdentityFault::Unavailable))
    }

    fn callback_error(&self, _: &str, _: &str, _: Option<&str>) -> IdentityError {
        error(IdentityFault::Unavailable)
    }

    async fn exchange(&self, _: &CodeExchange) -> Result<SignIn, IdentityError> {
        Err(error(IdentityFault::Unavailable))
    }

    async fn refresh(&self, _: &UserKey, _: &UpstreamTokens) -> Result<UpstreamTokens, IdentityError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        self.gate.acquire().await.unwrap().forget();
        match *self.fault.lock() {
            Some(fault) => Err(error(fault)),
            None => Ok(tokens(&format!("access-{call}"), self.clock.now().plus(Duration::from_hours(1)))),
        }
    }

    async fn check(&self) -> Result<(), IdentityError> {
        Ok(())
    }
}

fn error(fault: IdentityFault) -> IdentityError {
    IdentityError::new(fault, "")
}

fn tokens(access: &str, access_expires_at: Timestamp) -> UpstreamTokens {
    UpstreamTokens {
        access_token: Secret::new(access.to_owned()),
        access_expires_at,
        refresh_token: Secret::new("refresh".to_owned()),
        scopes: ScopeSet::parse("Mail.Read"),
        obtained_at: Timestamp::from_millis(0),
        profile: Profile::default(),
        challenge: None,
        usable_until: None,
    }
}

struct World {
    clock: Arc<TestClock>,
    store: Arc<dyn Store>,
    identity: Arc<Scripted>,
    cipher: Cipher,
    hasher: Hasher,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(TestClock::at(1_800_000_000_000));
        let identity = Arc::new(Scripted {
            clock: clock.clone(),
            calls: AtomicUsize::new(0),
            fault: Mutex::new(None),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
        });
        let ring = KeyRing::from_text("a key that is long enough for the ring").unwrap();
        let store = Arc::new(EmbeddedStore::memory(clock.clone()));
        Self { clock, store, identity, cipher: Cipher::new(&ring), hasher: Hasher::new(&ring) }
    }

    fn replica(&self) -> Actors {
        Actors::start(&ActorDeps {
            store: self.store.clone(),
            identity: self.identity.clone(),
            cipher: self.cipher.clone(),
            hasher: self.hasher.clone(),
            clock: self.clock.clone(),
            gate: GateSettings {
                concurrent: 4,
                requests: 100,
                period: Duration::from_mins(1),
                file_units: 100,
            },
            registry: RegistrySettings {
                max_streams: 8,
                max_streams_per_user: 8,
                session_ttl: Duration::from_hours(1),
            },
            give_up: Arc::new(|| {}),
        })
    }

    /// An Entra that answers one refresh for each permit.
    fn identity_with(&self, gate: Semaphore) -> Arc<Scripted> {
        let (calls, fault) = (AtomicUsize::new(0), Mutex::new(None));
        Arc::new(Scripted { clock: self.clock.clone(), calls, fault, gate })
    }

    /// A sign-in whose access token lives for `life`.
    async fn sign_in(&self, user: &UserKey, version: u64, life: Duration) {
        let plain = serde_json::to_vec(&tokens("first", self.clock.now().plus(life))).unwrap();
        let sealed = self.cipher.seal(&sealing_context(user, version), &plain);
        let life = Duration::from_hours(1000);
        assert_eq!(self.store.swap_upstream(user, version - 1, &sealed, life).await.unwrap(), Swap::Done);
    }
}

fn alice() -> UserKey {
    UserKey::new("tenant", "alice")
}

#[actix_rt::test]
async fn a_live_token_is_served_without_asking_entra() {
    let world = World::new();
    world.sign_in(&alice(), 1, Duration::from_hours(1)).await;
    let replica = world.replica();
    assert_eq!(replica.tokens.get(&alice()).await.unwrap().token.expose(), "first");
    assert_eq!(world.identity.calls.load(Ordering::SeqCst), 0);
}

#[actix_rt::test]
async fn a_token_near_its_end_is_refreshed_once_while_nobody_waits_for_it() {
    let mut world = World::new();
    world.identity = world.identity_with(Semaphore::new(0));
    world.sign_in(&alice(), 1, Duration::from_mins(2)).await;
    let replicas = [world.replica(), world.replica()];
    let user = alice();
    while world.identity.calls.load(Ordering::SeqCst) == 0 {
        for access in join_all((0..20).map(|i| replicas[i % 2].tokens.get(&user))).await {
            assert_eq!(access.unwrap().token.expose(), "first");
        }
    }
    // Entra takes its time. Whoever looks at the record again waits for that as little.
    replicas[0].tokens.forget(&user);
    assert_eq!(replicas[0].tokens.get(&user).await.unwrap().version, 1);
    world.identity.gate.add_permits(1);
    for replica in &replicas {
        while replica.tokens.get(&user).await.unwrap().version != 2 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(world.identity.calls.load(Ordering::SeqCst), 1);
}

#[actix_rt::test]
async fn a_refresh_ahead_that_failed_is_not_repeated_by_every_call() {
    let world = World::new();
    world.sign_in(&alice(), 1, Duration::from_mins(4)).await;
    let replica = world.replica();
    *world.identity.fault.lock() = Some(IdentityFault::Unavailable);
    let user = alice();
    let calls = || world.identity.calls.load(Ordering::SeqCst);
    while calls() == 0 {
        assert_eq!(replica.tokens.get(&user).await.unwrap().version, 1);
        tokio::task::yield_now().await;
    }
    for _ in 0..200 {
        assert_eq!(replica.tokens.get(&user).await.unwrap().version, 1);
        tokio::task::yield_now().await;
    }
    assert_eq!(calls(), 1);
    *world.identity.fault.lock() = None;
    while replica.tokens.get(&user).await.unwrap().version == 1 {
        world.clock.advance(Duration::from_millis(20));
        tokio::task::yield_now().await;
    }
}

#[actix_rt::test]
async fn fifty_parallel_renewals_over_two_replicas_make_one_upstream_call() {
    let world = World::new();
    world.sign_in(&alice(), 1, Duration::from_hours(1)).await;
    let replicas = [world.replica(), world.replica()];
    let user = alice();
    let renewals = (0..50).map(|i| replicas[i % 2].tokens.renew(&user, 1));
    for access in join_all(renewals).await {
        assert_eq!(access.unwrap().version, 2);
    }
    assert_eq!(world.identity.calls.load(Ordering::SeqCst), 1);
    // Who comes later with the same need is served from what is there.
    assert_eq!(replicas[1].tokens.renew(&alice(), 1).await.unwrap().version, 2);
    assert_eq!(world.identity.calls.load(Ordering::SeqCst), 1);
}

#[actix_rt::test]
async fn an_outage_keeps_the_login_and_serves_what_still_lives() {
    let world = World::new();
    world.sign_in(&alice(), 1, Duration::from_mins(2)).await;
    let replica = world.replica();
    *world.identity.fault.lock() = Some(IdentityFault::Unavailable);
    assert_eq!(replica.tokens.get(&alice()).await.unwrap().token.expose(), "first");
    assert!(matches!(replica.tokens.renew(&alice(), 1).await, Err(TokenError::Unavailable { .. })));
    world.clock.advance(Duration::from_mins(3));
    assert!(matches!(replica.tokens.get(&alice()).await, Err(TokenError::Unavailable { .. })));
    *world.identity.fault.lock() = None;
    assert_eq!(replica.tokens.get(&alice()).await.unwrap().version, 2);
}

#[actix_rt::test]
async fn a_dead_grant_ends_the_login_of_this_user_only() {
    let world = World::new();
    let bob = UserKey::new("tenant", "bob");
    world.sign_in(&alice(), 1, Duration::ZERO).await;
    world.sign_in(&bob, 1, Duration::from_hours(1)).await;
    let replica = world.replica();
    *world.identity.fault.lock() = Some(IdentityFault::GrantDead);
    assert_eq!(replica.tokens.get(&alice()).await.unwrap_err(), TokenError::SignInRequired);
    assert!(world.store.upstream(&alice()).await.unwrap().is_none());
    assert_eq!(replica.tokens.get(&bob).await.unwrap().version, 1);
}

#[actix_rt::test]
async fn a_sign_in_during_a_refresh_is_not_overwritten_by_it() {
    a_sign_in_wins_over(None).await;
}

#[actix_rt::test]
async fn a_sign_in_during_a_refresh_outlives_the_grant_that_died() {
    a_sign_in_wins_over(Some(IdentityFault::GrantDead)).await;
}

async fn a_sign_in_wins_over(outcome: Option<IdentityFault>) {
    let mut world = World::new();
    world.identity = world.identity_with(Semaphore::new(0));
    *world.identity.fault.lock() = outcome;
    world.sign_in(&alice(), 1, Duration::ZERO).await;
    let replica = world.replica();
    let tokens = replica.tokens.clone();
    let waiting = actix_rt::spawn(async move { tokens.get(&alice()).await });
    while world.identity.calls.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    world.sign_in(&alice(), 2, Duration::from_hours(1)).await;
    world.identity.gate.add_permits(1);
    let access = waiting.await.unwrap().unwrap();
    assert_eq!((access.version, access.token.expose().as_str()), (2, "first"));
    assert_eq!(world.store.upstream(&alice()).await.unwrap().unwrap().version, 2);
}

#[actix_rt::test]
async fn a_record_moved_to_another_user_does_not_open() {
    let world = World::new();
    world.sign_in(&alice(), 1, Duration::from_hours(1)).await;
    let record = world.store.upstream(&alice()).await.unwrap().unwrap();
    let mallory = UserKey::new("tenant", "mallory");
    world.store.swap_upstream(&mallory, 0, &record.sealed, Duration::from_hours(1)).await.unwrap();
    let replica = world.replica();
    assert_eq!(replica.tokens.get(&mallory).await.unwrap_err(), TokenError::SignInRequired);
}

#[actix_rt::test]
async fn a_replica_without_the_newest_key_ends_no_login() {
    let mut world = World::new();
    let own = world.cipher.clone();
    let ring = KeyRing::from_list("newest:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap();
    world.cipher = Cipher::new(&ring);
    world.sign_in(&alice(), 1, Duration::from_hours(1)).await;
    world.cipher = own;
    let replica = world.replica();
    assert!(matches!(replica.tokens.renew(&alice(), 0).await, Err(TokenError::Unavailable { .. })));
}
