//! Records under the keys of the ring: how many stand under which, and bringing them under the active one.

use super::store::StoreError;
use crate::domain::cipher::Cipher;
use async_trait::async_trait;

/// Records of one kind under one key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SealedCount {
    pub(crate) key: String,
    /// As `census` names it.
    pub(crate) kind: &'static str,
    pub(crate) count: u64,
}

/// What a sweep did with records under other keys than the active one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resealed {
    /// Sealed anew.
    pub(crate) done: u64,
    /// Written by somebody else meanwhile, hence under a newer key anyway or left for the next sweep.
    pub(crate) overtaken: u64,
    /// Left as they are: their key has left the ring, or they end within a day by themselves.
    pub(crate) left: u64,
}

/// For operators and the sweep; slow on a large store and never on a request's way.
#[async_trait]
pub(crate) trait Resealing: Send + Sync {
    /// Live records by kind and key. Logs of streams, which end with their session, are not looked into.
    async fn sealed_counts(&self) -> Result<Vec<SealedCount>, StoreError>;
    /// Brings every long-lived record under the active key of `cipher`. Each is replaced only if it still is what was
    /// read, and keeps version and life: safe beside replicas at work.
    async fn reseal(&self, cipher: &Cipher) -> Result<Resealed, StoreError>;
}
