//! Records under the keys of the ring.

use super::RedisStore;
use super::census::Scan;
use crate::adapters::keys;
use crate::adapters::resealing::{Counts, Verdict, judge, kind};
use crate::domain::cipher::Cipher;
use crate::ports::resealing::{Resealed, Resealing, SealedCount};
use crate::ports::store::StoreError;
use async_trait::async_trait;
use redis::Cmd;

#[async_trait]
impl Resealing for RedisStore {
    async fn sealed_counts(&self) -> Result<Vec<SealedCount>, StoreError> {
        let mut counts = Counts::default();
        let mut scan = Scan::start(&self.links, keys::ALL).await?;
        while let Some(found) = scan.next().await? {
            let found: Vec<String> = found.into_iter().filter(|key| kind(key).is_some()).collect();
            for (key, value) in found.iter().zip(self.values(&found).await?) {
                if let (Some(kind), Some(value)) = (kind(key), value) {
                    counts.add(kind, &value);
                }
            }
        }
        Ok(counts.into_list())
    }

    async fn reseal(&self, cipher: &Cipher) -> Result<Resealed, StoreError> {
        let mut total = Resealed::default();
        let mut scan = Scan::start(&self.links, keys::ALL).await?;
        while let Some(found) = scan.next().await? {
            let found: Vec<String> = found.into_iter().filter(|key| kind(key).is_some()).collect();
            for (key, value) in found.iter().zip(self.values(&found).await?) {
                let Some(value) = value else { continue };
                let verdict = judge(cipher, key, &value);
                let written = match &verdict {
                    Verdict::Replace(fresh) => {
                        let mut call = self.scripts.reseal.call();
                        call.key(key).arg(&value).arg(fresh);
                        self.links.script_again::<bool>(&call).await?
                    }
                    Verdict::Fine | Verdict::Left => false,
                };
                total.note(&verdict, written);
            }
        }
        Ok(total)
    }
}

impl RedisStore {
    /// The values of `keys`, in their order.
    async fn values(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let gets: Vec<Cmd> = keys.iter().map(Cmd::get).collect();
        self.links.read_all(&gets).await
    }
}
