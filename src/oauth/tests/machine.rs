//! Random histories of grants at two replicas, beside what the rules say of them: one code yields one grant, one refresh
//! token one answer, reuse after the grace ends the grant, and what has ended stays so.

use super::support::{Browser, REDIRECT, Reply, World};
use actix_web::test::TestRequest;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::json;
use std::time::Duration;

const HISTORIES: u64 = 10;
const STEPS: usize = 60;
const USERS: [&str; 3] = ["alice", "bob", "minji"];
/// No sums of these meet the windows of the rules, but for twice the third, which is the grace to the millisecond.
const WAITS_MS: [u64; 6] = [700, 3_000, 30_000, 61_000, 900_000, 3_700_000];
const CODE_MS: u64 = 60_000;
const RETRY_MS: u64 = 2_000;
const GRACE_MS: u64 = 60_000;
const ACCESS_MS: u64 = 3_600_000;
/// Replays of a code are known for at least as long.
const KNOWN_MS: u64 = 600_000;

/// One use of a refresh token's text, or of a code's.
struct Generation {
    refresh: String,
    access: String,
    issued: u64,
    /// The bearer was ended alone.
    ended: bool,
    /// When it was rotated, and the answer.
    used: Option<(u64, String)>,
}

struct Grant {
    client: usize,
    code: String,
    code_at: u64,
    redeemed: Option<u64>,
    is_over: bool,
    chain: Vec<Generation>,
}

struct History {
    replicas: [World; 2],
    clients: Vec<String>,
    grants: Vec<Grant>,
    now: u64,
    random: StdRng,
    told: Vec<String>,
}

impl Drop for History {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("what was done:\n{}", self.told.join("\n"));
        }
    }
}

impl History {
    async fn new(seed: u64) -> Self {
        let world = World::new();
        let mut clients = Vec::new();
        for name in ["one", "two"] {
            let metadata = json!({"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none", "client_name": name});
            clients.push(world.register(metadata).await.json()["client_id"].as_str().unwrap().to_owned());
        }
        let other = world.replica_with(world.state.settings.clone());
        let random = StdRng::seed_from_u64(seed);
        Self { replicas: [world, other], clients, grants: Vec::new(), now: 0, random, told: Vec::new() }
    }

    /// Several calls at once, each at one of the replicas.
    async fn at_once<'a, F: Future<Output = Reply>>(
        replicas: &'a [World; 2],
        count: usize,
        call: impl Fn(&'a World) -> F,
    ) -> Vec<Reply> {
        join_all((0..count).map(|at| call(&replicas[at % 2]))).await
    }

    async fn step(&mut self) {
        let count = self.random.random_range(1..5);
        match self.random.random_range(0..12) {
            0 | 1 if self.grants.len() < 8 => self.sign_in().await,
            0..3 => self.redeem(count).await,
            3..7 => self.refresh(count).await,
            7 => self.revoke().await,
            8 => self.strange().await,
            _ => {
                let wait = *WAITS_MS.choose(&mut self.random).unwrap();
                self.told.push(format!("wait {wait} ms"));
                self.replicas[0].wait(Duration::from_millis(wait));
                self.now += wait;
            }
        }
        self.look().await;
    }

    async fn sign_in(&mut self) {
        let user = USERS.choose(&mut self.random).unwrap();
        let client = self.random.random_range(0..self.clients.len());
        let code = Browser::new(&self.replicas[0]).sign_in(&self.clients[client], user).await;
        self.told.push(format!("{user} signs in at client {client}: grant {}", self.grants.len()));
        let (code_at, chain) = (self.now, Vec::new());
        self.grants.push(Grant { client, code, code_at, redeemed: None, is_over: false, chain });
    }

    fn pick(&mut self) -> Option<usize> {
        (!self.grants.is_empty()).then(|| self.random.random_range(0..self.grants.len()))
    }

    async fn redeem(&mut self, count: usize) {
        let Some(at) = self.pick() else { return };
        let grant = &mut self.grants[at];
        let age = self.now - grant.redeemed.unwrap_or(grant.code_at);
        if grant.redeemed.is_some() && age > KNOWN_MS {
            // Known or forgotten: both refuse, and only one ends the grant.
            return;
        }
        self.told.push(format!("{count} redeem the code of grant {at}"));
        let client = &self.clients[grant.client];
        let replies = Self::at_once(&self.replicas, count, |world| world.redeem(client, &grant.code)).await;
        let (good, bad): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 200);
        assert!(bad.iter().all(|reply| reply.error() == "invalid_grant"), "{bad:?}");
        let is_first = grant.redeemed.is_none() && age < CODE_MS;
        assert_eq!(good.len(), usize::from(is_first), "a code is good once: {good:?}");
        if let Some(answer) = good.first() {
            grant.redeemed = Some(self.now);
            grant.chain.push(generation(answer, self.now));
        } else if grant.redeemed.is_some() && age > RETRY_MS {
            grant.is_over = true;
        }
    }

    async fn refresh(&mut self, count: usize) {
        let Some(at) = self.pick() else { return };
        let length = self.grants[at].chain.len();
        if length == 0 {
            return;
        }
        // The newest is the usual one.
        let back = if self.random.random_bool(0.6) { 0 } else { self.random.random_range(0..length) };
        let which = length - 1 - back;
        self.told.push(format!("{count} use refresh token {which} of grant {at}"));
        let grant = &mut self.grants[at];
        let (client, token) = (&self.clients[grant.client], &grant.chain[which].refresh);
        let replies = Self::at_once(&self.replicas, count, |world| world.refresh(client, token)).await;
        let is_superseded = grant.chain.get(which + 1).is_some_and(|next| next.used.is_some());
        let expected = match &grant.chain[which].used {
            _ if grant.is_over => None,
            None => Some(replies[0].body.clone()),
            Some((used, answer)) if self.now - used <= GRACE_MS && !is_superseded => Some(answer.clone()),
            Some(_) => None,
        };
        if let Some(body) = expected {
            assert!(replies.iter().all(|reply| reply.status == 200 && reply.body == body), "{replies:?}");
            if grant.chain[which].used.is_none() {
                grant.chain[which].used = Some((self.now, body));
                grant.chain.push(generation(&replies[0], self.now));
            }
        } else {
            assert!(replies.iter().all(|reply| reply.error() == "invalid_grant"), "{replies:?}");
            grant.is_over = true;
        }
    }

    async fn revoke(&mut self) {
        let Some(at) = self.pick() else { return };
        let by_refresh = self.random.random_bool(0.5);
        let which = self.random.random_range(0..self.grants[at].chain.len().max(1));
        let grant = &mut self.grants[at];
        let Some(generation) = grant.chain.get_mut(which) else { return };
        self.told.push(format!("revoke {which} of grant {at}, refresh token: {by_refresh}"));
        let token = if by_refresh { generation.refresh.as_str() } else { generation.access.as_str() };
        let form = [("client_id", self.clients[grant.client].as_str()), ("token", token)];
        let reply = self.replicas[1].call(TestRequest::post().uri("/revoke").set_form(form)).await;
        assert_eq!(reply.status, 200);
        grant.is_over |= by_refresh;
        generation.ended |= !by_refresh;
    }

    /// Another client with a token that is not its own.
    async fn strange(&mut self) {
        let Some(at) = self.pick() else { return };
        let grant = &self.grants[at];
        let Some(last) = grant.chain.last() else { return };
        let stranger = &self.clients[1 - grant.client];
        self.told.push(format!("a stranger uses the newest tokens of grant {at}"));
        assert_eq!(self.replicas[0].refresh(stranger, &last.refresh).await.error(), "invalid_grant");
        let form = [("client_id", stranger.as_str()), ("token", last.refresh.as_str())];
        assert_eq!(
            self.replicas[0].call(TestRequest::post().uri("/revoke").set_form(form)).await.status,
            200
        );
    }

    /// Every bearer works for exactly as long as it should.
    async fn look(&self) {
        for (at, grant) in self.grants.iter().enumerate() {
            for (which, generation) in grant.chain.iter().enumerate() {
                let is_good = !grant.is_over && !generation.ended && self.now - generation.issued < ACCESS_MS;
                let replica = &self.replicas[which % 2];
                assert_eq!(replica.works(&generation.access).await, is_good, "bearer {which} of grant {at}");
            }
        }
    }
}

fn generation(reply: &Reply, now: u64) -> Generation {
    let answer = reply.json();
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    Generation {
        refresh: text("refresh_token"),
        access: text("access_token"),
        issued: now,
        ended: false,
        used: None,
    }
}

#[actix_web::test]
async fn every_history_of_a_grant_follows_the_rules() {
    for seed in 0..HISTORIES {
        let mut history = History::new(seed).await;
        history.told.push(format!("seed {seed}"));
        for _ in 0..STEPS {
            history.step().await;
        }
    }
}
