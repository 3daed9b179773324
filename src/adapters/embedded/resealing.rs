//! Records under the keys of the ring.

use super::{Durability, EmbeddedStore};
use crate::adapters::resealing::{Counts, Verdict, judge, kind};
use crate::domain::cipher::Cipher;
use crate::ports::resealing::{Resealed, Resealing, SealedCount};
use crate::ports::store::StoreError;
use async_trait::async_trait;

/// Records per transaction: requests go on between two of them.
const PER_STEP: usize = 64;

#[async_trait]
impl Resealing for EmbeddedStore {
    async fn sealed_counts(&self) -> Result<Vec<SealedCount>, StoreError> {
        let mut counts = Counts::default();
        for key in self.sealed_keys() {
            if let (Some(kind), Some(value)) = (kind(&key), self.get(&key)) {
                counts.add(kind, &value);
            }
        }
        Ok(counts.into_list())
    }

    async fn reseal(&self, cipher: &Cipher) -> Result<Resealed, StoreError> {
        let mut total = Resealed::default();
        for step in self.sealed_keys().chunks(PER_STEP) {
            self.transact(Durability::Committed, |view| {
                for key in step {
                    let Some(value) = view.get(key) else { continue };
                    let verdict = judge(cipher, key, &value);
                    total.note(&verdict, true);
                    if let Verdict::Replace(fresh) = verdict {
                        view.replace(key, fresh);
                    }
                }
                Ok(())
            })
            .await?;
        }
        Ok(total)
    }
}

impl EmbeddedStore {
    fn sealed_keys(&self) -> Vec<String> {
        let table = self.table.lock();
        table.keys(self.clock.now()).filter(|key| kind(key).is_some()).map(ToOwned::to_owned).collect()
    }
}
