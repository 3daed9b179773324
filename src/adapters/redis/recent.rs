//! Bearers that were looked up a moment ago, so that a client which calls all the time costs Redis one look-up a second.
//!
//! A revocation must stop a bearer everywhere within a second (design, "Store"). Three things hold that, each alone: what
//! is kept here is never older than [`FRESH`], whatever becomes of the bus; a revocation that is heard drops it at once;
//! and nothing is kept while nobody listens. The replica that revokes does not wait for the bus to tell itself.

use crate::domain::grant::AccessRecord;
use crate::domain::ids::GrantId;
use crate::domain::token::{TokenHash, TokenRef};
use crate::ports::events::Revocation;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Longest time between the look-up of a bearer and its next one.
const FRESH: Duration = Duration::from_millis(900);
/// Grants with kept bearers; beyond it, bearers are looked up each time.
const MANY: usize = 4096;

/// One bearer, and when Redis was asked about it.
struct Kept {
    hash: TokenHash,
    asked: Instant,
    record: AccessRecord,
}

/// What is kept.
#[derive(Default)]
struct State {
    by_grant: HashMap<GrantId, Vec<Kept>>,
    /// Revocations heard and gaps in hearing them: an answer that was under way meanwhile is not kept.
    changes: u64,
    hears: bool,
    swept: Option<Instant>,
}

/// Bearers of the last second.
#[derive(Default)]
pub(super) struct Recent {
    state: Mutex<State>,
}

/// A look-up under way.
pub(super) struct LookUp {
    asked: Instant,
    changes: u64,
}

impl Recent {
    /// The record of a bearer, or the right to bring it.
    pub(super) fn find(&self, token: &TokenRef) -> Result<AccessRecord, LookUp> {
        let now = Instant::now();
        let state = self.state.lock();
        let kept = state.by_grant.get(&token.grant).and_then(|all| all.iter().find(|k| k.hash == token.hash));
        match kept.filter(|kept| now.duration_since(kept.asked) < FRESH) {
            Some(kept) => Ok(kept.record.clone()),
            None => Err(LookUp { asked: now, changes: state.changes }),
        }
    }

    /// Keeps what Redis answered, unless something was revoked while it did.
    pub(super) fn keep(&self, token: &TokenRef, look_up: LookUp, record: &AccessRecord) {
        let now = Instant::now();
        let mut state = self.state.lock();
        if !state.hears || state.changes != look_up.changes {
            return;
        }
        if state.swept.is_none_or(|swept| now.duration_since(swept) >= FRESH) {
            state.swept = Some(now);
            state.by_grant.retain(|_, all| {
                all.retain(|kept| now.duration_since(kept.asked) < FRESH);
                !all.is_empty()
            });
        }
        if state.by_grant.len() >= MANY && !state.by_grant.contains_key(&token.grant) {
            return;
        }
        let all = state.by_grant.entry(token.grant.clone()).or_default();
        all.retain(|kept| kept.hash != token.hash);
        all.push(Kept { hash: token.hash, asked: look_up.asked, record: record.clone() });
    }

    /// Drops what was revoked.
    pub(super) fn revoked(&self, what: &Revocation) {
        let mut state = self.state.lock();
        state.changes += 1;
        let Some(all) = state.by_grant.get_mut(&what.grant) else { return };
        all.retain(|kept| !what.means(&TokenRef { grant: what.grant.clone(), hash: kept.hash }));
    }

    /// Whether revocations are heard from now on. What may have been missed is forgotten either way.
    pub(super) fn hears(&self, hears: bool) {
        let mut state = self.state.lock();
        state.changes += 1;
        state.hears = hears;
        state.by_grant.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::Timestamp;
    use crate::domain::ids::{ClientId, ServiceName, UserKey};
    use crate::domain::keyring::KeyRing;
    use crate::domain::scope::ScopeSet;
    use crate::domain::token::{Hasher, Token, TokenKind, new_grant};

    fn bearer(grant: &GrantId) -> (TokenRef, AccessRecord) {
        let hasher = Hasher::new(&KeyRing::from_text("a key of at least thirty-two characters").unwrap());
        let token = hasher.token_ref(&Token::mint(TokenKind::Access, grant));
        let record = AccessRecord {
            grant: grant.clone(),
            client: ClientId::new("c"),
            user: UserKey::new("t", "o"),
            service: ServiceName::new("mail-query"),
            scopes: ScopeSet::parse("Mail.Read"),
            flow: None,
            jkt: None,
            name: None,
            issued_at: Timestamp::from_millis(0),
            expires_at: Timestamp::from_millis(1),
        };
        (token, record)
    }

    fn look_up(recent: &Recent, token: &TokenRef) -> LookUp {
        recent.find(token).map(drop).unwrap_err()
    }

    /// Two bearers of one grant and one of another, all kept.
    fn kept() -> (Recent, [TokenRef; 3]) {
        let (recent, grant) = (Recent::default(), new_grant());
        recent.hears(true);
        let tokens = [&grant, &grant, &new_grant()].map(|grant| {
            let (token, record) = bearer(grant);
            recent.keep(&token, look_up(&recent, &token), &record);
            assert_eq!(recent.find(&token).ok(), Some(record));
            token
        });
        (recent, tokens)
    }

    #[test]
    fn a_revoked_bearer_goes_alone_and_a_revoked_grant_with_all_of_its_own() {
        let (recent, [one, other, foreign]) = kept();
        recent.revoked(&Revocation::of_bearer(&one));
        assert!(recent.find(&one).is_err());
        assert!(recent.find(&other).is_ok());
        recent.revoked(&Revocation::of_grant(&one.grant));
        assert!(recent.find(&other).is_err());
        assert!(recent.find(&foreign).is_ok());
    }

    #[test]
    fn an_answer_that_a_revocation_overtook_is_not_kept() {
        let recent = Recent::default();
        recent.hears(true);
        let (token, record) = bearer(&new_grant());
        let under_way = look_up(&recent, &token);
        recent.revoked(&Revocation::of_grant(&token.grant));
        recent.keep(&token, under_way, &record);
        assert!(recent.find(&token).is_err());
    }

    #[test]
    fn nothing_is_kept_while_nobody_hears() {
        let (recent, [token, ..]) = kept();
        recent.hears(false);
        assert!(recent.find(&token).is_err());
        let record = bearer(&token.grant).1;
        recent.keep(&token, look_up(&recent, &token), &record);
        assert!(recent.find(&token).is_err());
    }

    #[test]
    fn what_is_kept_is_looked_up_again_within_the_second() {
        let (recent, [token, ..]) = kept();
        let record = bearer(&token.grant).1;
        let look_up = LookUp {
            asked: Instant::now().checked_sub(FRESH).unwrap(),
            changes: recent.state.lock().changes,
        };
        recent.keep(&token, look_up, &record);
        assert!(recent.find(&token).is_err());
    }
}
