//! Records that say who somebody is: sealed, and bound to the place they stand at. Whoever can write to Redis can end a
//! login, but neither make one nor turn one into another person's.

use super::RedisStore;
use crate::adapters::records;
use crate::domain::secret::Sealed;
use crate::ports::store::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;

impl RedisStore {
    /// A record for `place`, as it is stored.
    pub(super) fn seal(
        &self,
        record: &'static str,
        place: &str,
        value: &impl Serialize,
    ) -> Result<Vec<u8>, StoreError> {
        let plain = records::encode(record, value)?;
        Ok(self.cipher.seal(place, &plain).as_bytes().to_vec())
    }

    /// What stands at `place`. A record that was changed, moved there or made by somebody else is none: its holder
    /// signs in again, where an error would be met on every attempt.
    pub(super) fn unseal<T: DeserializeOwned>(
        &self,
        record: &'static str,
        place: &str,
        bytes: &[u8],
    ) -> Result<Option<T>, StoreError> {
        match self.cipher.open(place, &Sealed::from_bytes(bytes.to_vec())) {
            Ok(plain) => records::decode(record, &plain).map(Some),
            Err(error) => {
                tracing::error!(target: "audit", event = "record_refused", record, error = %error, "record refused");
                Ok(None)
            }
        }
    }
}
