//! Nonces of the server (RFC 9449 §8 and §9): a MAC over the time, so that every replica knows those of every other
//! and none is stored. One is good for three to six minutes, and the next is given with every answer.

use crate::domain::clock::Timestamp;
use crate::domain::token::Hasher;
use subtle::ConstantTimeEq;

const PURPOSE: &str = "dpop-nonce";
/// Life of a nonce as the newest one.
const PERIOD_S: i64 = 180;

/// The nonce to use from now on.
pub(super) fn current(hasher: &Hasher, now: Timestamp) -> String {
    hasher.hash(PURPOSE, &period(now).to_string()).to_text()
}

/// Whether `nonce` is that of this period or the one before. The next one counts as well: the clock of the replica that
/// gave it may be ahead.
pub(super) fn is_fresh(hasher: &Hasher, now: Timestamp, nonce: &str) -> bool {
    let here = period(now);
    let is_of = |period: i64| {
        let text = period.to_string();
        // Under every key of the ring: replicas that are about to get a new one have different first ones.
        hasher.hashes(PURPOSE, &text).any(|own| own.to_text().as_bytes().ct_eq(nonce.as_bytes()).into())
    };
    (here - 1..=here + 1).any(is_of)
}

fn period(now: Timestamp) -> i64 {
    now.as_secs().div_euclid(PERIOD_S)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::keyring::KeyRing;
    use std::time::Duration;

    const A: &str = "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const B: &str = "b:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

    fn hasher(list: &str) -> Hasher {
        Hasher::new(&KeyRing::from_list(list).unwrap())
    }

    #[test]
    fn a_nonce_lives_for_two_periods_at_every_replica() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let after = |periods: u64| now.plus(Duration::from_secs(180 * periods));
        let (here, there) = (hasher(A), hasher(A));
        let nonce = current(&here, now);
        for (at, expected) in [(now, true), (after(1), true), (after(2), false), (after(1000), false)] {
            assert_eq!(is_fresh(&there, at, &nonce), expected, "{at:?}");
        }
        assert_ne!(current(&here, after(1)), nonce, "the next one differs");
        assert!(is_fresh(&here, now, &current(&there, after(1))), "a clock that is ahead");
        assert!(!is_fresh(&here, now, &current(&there, after(2))));
        for wrong in ["", "x", &nonce[1..], &format!("{nonce}x")] {
            assert!(!is_fresh(&here, now, wrong), "{wrong}");
        }
    }

    #[test]
    fn a_nonce_outlives_the_key_it_was_made_with() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let nonce = current(&hasher(A), now);
        assert!(is_fresh(&hasher(&format!("{B},{A}")), now, &nonce));
        assert!(!is_fresh(&hasher(B), now, &nonce));
    }
}
