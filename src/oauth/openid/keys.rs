//! The keys that sign id_tokens: P-256, made here, kept sealed in the store, shared by all replicas. A new key is
//! published before it signs and the old one stays published after it, so no client and no replica meets an unknown one.

use crate::domain::clock::Timestamp;
use crate::domain::random;
use crate::domain::secret::Sealed;
use crate::oauth::state::OauthState;
use crate::ports::store::{StoreError, Swap};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use jsonwebtoken::EncodingKey;
use p256::SecretKey;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::pkcs8::EncodePrivateKey;
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const RECORD: &str = "id-token-keys";
/// Longer than any key is used.
const RECORD_LIFE: Duration = Duration::from_hours(400 * 24);
/// How long a replica goes on with what it read; well below [`LEAD`].
const CACHE_AGE: Duration = Duration::from_mins(1);
/// How long clients may keep the published keys.
pub(in crate::oauth) const JWKS_MAX_AGE: Duration = Duration::from_mins(5);
/// Time between the publication of a key and its first signature; longer than anybody keeps the list.
const LEAD: Duration = Duration::from_mins(10);
/// Time for which a key stays published after its last signature; longer than any id_token lives.
const OVERLAP: Duration = Duration::from_hours(24);
/// Replicas that may want to replace the key at the same moment.
const SWAP_ATTEMPTS: usize = 8;

/// A key as it is kept; serialised only to be sealed.
#[derive(Clone, Serialize, Deserialize)]
struct StoredKey {
    kid: String,
    signs_from: Timestamp,
    /// The scalar, base64url.
    secret: String,
}

/// The keys that stand.
pub(in crate::oauth) struct Keys {
    all: Vec<LoadedKey>,
    /// The published document (RFC 7517 §5).
    pub(in crate::oauth) jwks: Bytes,
}

struct LoadedKey {
    kid: String,
    signs_from: Timestamp,
    encoding: EncodingKey,
}

/// What this replica knows of them.
#[derive(Default)]
pub(in crate::oauth) struct SigningKeys {
    known: RwLock<Option<(Timestamp, Arc<Keys>)>>,
}

impl Keys {
    /// The key that signs now: the newest one whose time has come.
    pub(super) fn signing(&self, now: Timestamp) -> Option<(&str, &EncodingKey)> {
        let mine = self.all.iter().filter(|key| key.signs_from <= now).max_by_key(|key| key.signs_from);
        mine.map(|key| (key.kid.as_str(), &key.encoding))
    }

    fn load(stored: &[StoredKey]) -> Option<Self> {
        let (mut all, mut published) = (Vec::new(), Vec::new());
        for key in stored {
            let secret = SecretKey::from_slice(&URL_SAFE_NO_PAD.decode(&key.secret).ok()?).ok()?;
            published.push(public(&key.kid, &secret)?);
            let der = secret.to_pkcs8_der().ok()?;
            let encoding = EncodingKey::from_ec_der(der.as_bytes());
            all.push(LoadedKey { kid: key.kid.clone(), signs_from: key.signs_from, encoding });
        }
        Some(Self { all, jwks: Bytes::from(json!({ "keys": published }).to_string()) })
    }
}

fn public(kid: &str, secret: &SecretKey) -> Option<Value> {
    let point = secret.public_key().to_encoded_point(false);
    let (x, y) = (URL_SAFE_NO_PAD.encode(point.x()?), URL_SAFE_NO_PAD.encode(point.y()?));
    Some(json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": kid, "x": x, "y": y}))
}

fn new_key(signs_from: Timestamp) -> StoredKey {
    // All but a 2^-32th of all texts of 32 bytes are scalars of the curve.
    let secret = std::iter::repeat_with(random::bytes::<32>).find(|raw| SecretKey::from_slice(raw).is_ok());
    let secret = URL_SAFE_NO_PAD.encode(secret.unwrap_or_default());
    StoredKey { kid: random::text::<12>(), signs_from, secret }
}

/// The keys that should stand at `now`; the same list when nothing is due.
fn due(stored: &[StoredKey], now: Timestamp, life: Duration) -> Vec<StoredKey> {
    let mut keys = stored.to_vec();
    match keys.iter().map(|key| key.signs_from).max() {
        None => keys.push(new_key(now)),
        Some(newest) if newest.plus(life) <= now => keys.push(new_key(now.plus(LEAD))),
        Some(_) => {}
    }
    let starts: Vec<Timestamp> = keys.iter().map(|key| key.signs_from).collect();
    // A key is done with once a younger one has signed for the whole overlap.
    let outlived =
        |key: &StoredKey| starts.iter().any(|other| *other > key.signs_from && other.plus(OVERLAP) <= now);
    keys.retain(|key| !outlived(key));
    keys
}

impl OauthState {
    /// The keys, made or replaced when it is time.
    pub(in crate::oauth) async fn signing_keys(&self) -> Result<Arc<Keys>, StoreError> {
        let now = self.clock.now();
        let fresh = |read: &Timestamp| now.since(*read) < CACHE_AGE;
        if let Some((_, keys)) = self.keys.known.read().as_ref().filter(|(read, _)| fresh(read)) {
            return Ok(Arc::clone(keys));
        }
        let keys = Arc::new(self.current_keys(now).await?);
        *self.keys.known.write() = Some((now, Arc::clone(&keys)));
        Ok(keys)
    }

    async fn current_keys(&self, now: Timestamp) -> Result<Keys, StoreError> {
        for _ in 0..SWAP_ATTEMPTS {
            let standing = self.store.shared(RECORD).await?;
            let version = standing.as_ref().map_or(0, |record| record.version);
            let stored = standing.map(|record| self.opened(&record.sealed)).transpose()?.unwrap_or_default();
            let wanted = due(&stored, now, self.settings.id_token_key_ttl);
            let kids = |keys: &[StoredKey]| keys.iter().map(|key| key.kid.clone()).collect::<Vec<_>>();
            if kids(&wanted) == kids(&stored) {
                return Keys::load(&stored).ok_or_else(|| unreadable("a key is no scalar of P-256"));
            }
            let plain = serde_json::to_vec(&wanted).unwrap_or_default();
            let sealed = self.cipher.seal(RECORD, &plain);
            if self.store.swap_shared(RECORD, version, &sealed, RECORD_LIFE).await? == Swap::Done {
                tracing::info!(target: "audit", event = "id_token_key", keys = wanted.len(), "id_token_key");
            }
        }
        Err(StoreError::Unavailable("the keys of id_tokens are being replaced".to_owned()))
    }

    /// Keys that do not open are none of ours and are replaced. A record under an encryption key that this replica
    /// does not know stays: another replica reads it.
    fn opened(&self, sealed: &Sealed) -> Result<Vec<StoredKey>, StoreError> {
        match self.cipher.open(RECORD, sealed) {
            Ok(plain) => Ok(serde_json::from_slice(&plain).unwrap_or_default()),
            Err(error @ crate::domain::cipher::OpenError::UnknownKey(_)) => {
                Err(unreadable(&error.to_string()))
            }
            Err(error) => {
                tracing::error!(target: "audit", event = "record_refused", record = RECORD, error = %error, "record refused");
                Ok(Vec::new())
            }
        }
    }
}

fn unreadable(reason: &str) -> StoreError {
    StoreError::Corrupt { record: RECORD, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_hours(30 * 24);

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_millis(hours * 3_600_000)
    }

    #[test]
    fn a_key_is_published_before_it_signs_and_after() {
        let first = due(&[], at(0), LIFE);
        assert_eq!(first.len(), 1);
        assert_eq!(due(&first, at(719), LIFE).len(), 1);
        let both = due(&first, at(720), LIFE);
        assert_eq!(both.len(), 2);
        let keys = Keys::load(&both).unwrap();
        assert_eq!(keys.signing(at(720)).unwrap().0, first[0].kid, "the new one is only published yet");
        assert_eq!(keys.signing(at(721)).unwrap().0, both[1].kid);
        assert_eq!(due(&both, at(740), LIFE).len(), 2, "the old one can still be checked");
        let later = due(&both, at(750), LIFE);
        assert_eq!((later.len(), later[0].kid.as_str()), (1, both[1].kid.as_str()));
    }
}
