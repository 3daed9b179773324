//! Random histories of a grant at two replicas, beside a model of what the port promises.

use super::Backend;
use super::samples::{DAY, HOUR, MINUTE, START, access_record, code_record, hasher, refresh_record, sealed};
use crate::adapters::records::{SUCCESSOR_LIFE, TOMBSTONE_LIFE};
use crate::domain::clock::Timestamp;
use crate::domain::grant::{AccessRecord, RefreshRecord};
use crate::domain::ids::{ClientId, GrantId};
use crate::domain::secret::Sealed;
use crate::domain::token::{Token, TokenKind, TokenRef, new_grant};
use crate::ports::store::{CodeRedemption, Issue, RefreshState, Rotation, RotationOutcome, Store};
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use std::sync::Arc;
use std::time::Duration;

const HISTORIES: u64 = 4;
const STEPS: usize = 50;
/// All of them together stay below the life of a refresh token, and no sum of them is the life of anything else.
const WAITS: [Duration; 4] =
    [Duration::from_secs(7), Duration::from_secs(47), Duration::from_secs(1_111), Duration::from_secs(4_003)];

/// A refresh token, the bearer that came with it, and what became of it.
struct Pair {
    refresh: (TokenRef, RefreshRecord),
    access: (TokenRef, AccessRecord),
    rotated: Option<(Timestamp, Sealed)>,
}

struct History {
    stores: [Arc<dyn Store>; 2],
    random: StdRng,
    now: Timestamp,
    born: Timestamp,
    grant: GrantId,
    code: TokenRef,
    redeemed: Option<Timestamp>,
    is_over: bool,
    pairs: Vec<Pair>,
    told: Vec<String>,
}

impl Drop for History {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("what was done:\n{}", self.told.join("\n"));
        }
    }
}

fn fresh(kind: TokenKind, grant: &GrantId) -> TokenRef {
    hasher().token_ref(&Token::mint(kind, grant))
}

impl History {
    async fn new(backend: &dyn Backend, seed: u64, now: Timestamp) -> Self {
        let (stores, random, grant) =
            ([backend.store(), backend.store()], StdRng::seed_from_u64(seed), new_grant());
        let code = fresh(TokenKind::Code, &grant);
        let mut record = code_record(&grant);
        (record.issued_at, record.expires_at) = (now, now.plus(MINUTE));
        stores[0].put_code(&code, &record).await.unwrap();
        let (pairs, told) = (Vec::new(), vec![format!("seed {seed}")]);
        Self { stores, random, now, born: now, grant, code, redeemed: None, is_over: false, pairs, told }
    }

    async fn step(&mut self, backend: &dyn Backend) {
        let count = self.random.random_range(1..5);
        match self.random.random_range(0..24) {
            0..6 => self.redeem(count).await,
            6..16 => self.rotate(count).await,
            16 => {
                self.told.push("revoke".to_owned());
                self.stores[1].revoke_grant(&self.grant).await.unwrap();
                self.is_over = true;
            }
            _ => {
                let wait = *WAITS.choose(&mut self.random).unwrap();
                self.told.push(format!("wait {wait:?}"));
                backend.travel(wait).await;
                self.now = self.now.plus(wait);
            }
        }
        self.look().await;
    }

    fn store(&self, at: usize) -> &dyn Store {
        &*self.stores[at % 2]
    }

    async fn redeem(&mut self, count: usize) {
        self.told.push(format!("{count} redeem the code"));
        let client = ClientId::new("client-1");
        let calls = (0..count).map(|at| self.store(at).redeem_code(&self.code, &client, self.now));
        let said: Vec<CodeRedemption> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
        let firsts = said.iter().filter(|one| matches!(one, CodeRedemption::First(_))).count();
        let is_good = self.redeemed.is_none() && !self.is_over && self.now < self.born.plus(MINUTE);
        assert_eq!(firsts, usize::from(is_good), "{said:?}");
        let since = self.redeemed.map(|at| self.now.since(at));
        if since.is_some_and(|since| since < TOMBSTONE_LIFE) || is_good {
            let at = self.redeemed.unwrap_or(self.now);
            let replayed = CodeRedemption::Replayed { client, at };
            assert_eq!(said.iter().filter(|one| **one == replayed).count(), count - firsts, "{said:?}");
        }
        if is_good {
            self.redeemed = Some(self.now);
            let pair = self.pair();
            let access = (&pair.access.0, &pair.access.1);
            let written =
                self.stores[0].issue(access, Some((&pair.refresh.0, &pair.refresh.1))).await.unwrap();
            assert_eq!(written, Issue::Done);
            self.pairs.push(pair);
        } else if self.is_over {
            let pair = self.pair();
            assert_eq!(
                self.stores[1].issue((&pair.access.0, &pair.access.1), None).await.unwrap(),
                Issue::Revoked
            );
        }
    }

    fn pair(&self) -> Pair {
        Pair {
            refresh: (fresh(TokenKind::Refresh, &self.grant), refresh_record(&self.grant, self.now)),
            access: (fresh(TokenKind::Access, &self.grant), access_record(&self.grant, self.now)),
            rotated: None,
        }
    }

    async fn rotate(&mut self, count: usize) {
        if self.pairs.is_empty() {
            return;
        }
        let newest = self.pairs.len() - 1;
        let which = if self.random.random_bool(0.6) { newest } else { self.random.random_range(0..=newest) };
        self.told.push(format!("{count} rotate {which}"));
        let rotations: Vec<Rotation> = (0..count)
            .map(|at| {
                let Pair { refresh, access, .. } = self.pair();
                let successor = sealed(&format!("answer {} {at}", self.told.len()));
                Rotation {
                    old: self.pairs[which].refresh.0.clone(),
                    refresh,
                    access,
                    successor,
                    now: self.now,
                }
            })
            .collect();
        let calls = rotations.iter().enumerate().map(|(at, rotation)| self.store(at).rotate(rotation));
        let said: Vec<RotationOutcome> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
        if self.is_over {
            assert!(said.iter().all(|one| *one == RotationOutcome::Unknown), "{said:?}");
            return;
        }
        let winner = said.iter().position(|one| *one == RotationOutcome::Done);
        assert_eq!(winner.is_some(), self.pairs[which].rotated.is_none(), "{said:?}");
        if let Some(winner) = winner {
            let Rotation { refresh, access, successor, .. } = rotations[winner].clone();
            self.pairs[which].rotated = Some((self.now, successor));
            self.pairs.push(Pair { refresh, access, rotated: None });
        }
        let (at, successor) = self.pairs[which].rotated.clone().unwrap();
        // The answer is kept for as long as somebody may ask for it; the fact that there was one, for ever.
        let is_kept = self.now.since(at) < SUCCESSOR_LIFE;
        for (_, outcome) in said.iter().enumerate().filter(|(at, _)| Some(*at) != winner) {
            let RotationOutcome::Lost { at: told, successor: given } = outcome else { panic!("{outcome:?}") };
            assert!(*told == at && (!is_kept || *given == successor), "{outcome:?}");
        }
        for (loser, rotation) in rotations.iter().enumerate().filter(|(at, _)| Some(*at) != winner) {
            assert_eq!(self.store(loser).access(&rotation.access.0, self.now).await.unwrap(), None);
        }
    }

    async fn look(&self) {
        for (at, pair) in self.pairs.iter().enumerate() {
            let bearer = self.store(at).access(&pair.access.0, self.now).await.unwrap();
            let is_good = !self.is_over && self.now < pair.access.1.expires_at;
            assert_eq!(bearer.is_some(), is_good, "bearer {at}");
            let state = self.store(at + 1).refresh(&pair.refresh.0, self.now).await.unwrap();
            if self.is_over {
                assert_eq!(state, RefreshState::Unknown, "{at} outlives its grant");
                continue;
            }
            match (&pair.rotated, state) {
                (None, RefreshState::Live(record)) => assert_eq!(record, pair.refresh.1),
                (Some((when, successor)), RefreshState::Rotated { record, at, successor: kept }) => {
                    assert_eq!((record, at), (pair.refresh.1.clone(), *when));
                    assert!(self.now.since(at) >= SUCCESSOR_LIFE || kept == *successor);
                }
                (_, state) => panic!("{at}: {state:?}"),
            }
        }
    }
}

pub(super) async fn every_history_follows_the_model(backend: &dyn Backend) {
    let mut now = START;
    for seed in 0..HISTORIES {
        let mut history = History::new(backend, seed, now).await;
        for _ in 0..STEPS {
            history.step(backend).await;
        }
        // In the end nothing of it is left.
        backend.travel(100 * DAY).await;
        now = history.now.plus(100 * DAY);
        for pair in &history.pairs {
            assert_eq!(history.stores[0].refresh(&pair.refresh.0, now).await.unwrap(), RefreshState::Unknown);
            assert_eq!(history.stores[1].access(&pair.access.0, now).await.unwrap(), None);
        }
        now = now.plus(HOUR);
        backend.travel(HOUR).await;
    }
}
