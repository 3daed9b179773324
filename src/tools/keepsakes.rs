//! Small records that a service keeps for one user, such as the names that a person gave to chats: sealed in the
//! store, bound to user and kind, the same on every replica.

use super::cursor::unavailable;
use super::error::{ToolError, ToolErrorKind};
use crate::domain::cipher::Cipher;
use crate::domain::ids::UserKey;
use crate::ports::store::{Store, StoreError, Swap};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

/// Kinds of records.
pub(crate) const TEAMS_NAMES: &str = "teams-names";
pub(crate) const ONENOTE_BOOK: &str = "onenote-book";
pub(crate) const IACS_PANELS: &str = "iacs-panels";
pub(crate) const PROFILE: &str = "profile";
pub(crate) const ACTIVITY: &str = "activity";
/// All of them: what is removed when a person wants nothing kept.
pub(crate) const KINDS: [&str; 5] = [TEAMS_NAMES, ONENOTE_BOOK, IACS_PANELS, PROFILE, ACTIVITY];
/// Life of a record that was removed: its count of versions ends with it.
const REMOVED: Duration = Duration::from_secs(1);
/// Life of a record after its last change.
const LIFE: Duration = Duration::from_hours(3 * 365 * 24);
/// Writers of one user's record that may come between before a change gives up.
const ATTEMPTS: usize = 8;
/// Largest record, in bytes.
const MAX_BYTES: usize = 512 << 10;

/// Keeps them.
#[derive(Clone)]
pub(crate) struct Keepsakes {
    store: Arc<dyn Store>,
    cipher: Cipher,
}

impl Keepsakes {
    pub(crate) fn new(store: Arc<dyn Store>, cipher: Cipher) -> Self {
        Self { store, cipher }
    }

    /// The user's record of a kind; a new one when there is none.
    pub(crate) async fn load<T: DeserializeOwned + Default>(
        &self,
        user: &UserKey,
        kind: &str,
    ) -> Result<T, ToolError> {
        Ok(self.read(&name(user, kind)).await?.1)
    }

    /// Changes it; of two changes at once, the later one sees what the earlier one wrote. `change` may run several times.
    pub(crate) async fn change<T: Serialize + DeserializeOwned + Default, R>(
        &self,
        user: &UserKey,
        kind: &str,
        change: impl Fn(&mut T) -> R,
    ) -> Result<R, ToolError> {
        let name = name(user, kind);
        for _ in 0..ATTEMPTS {
            let (version, mut record) = self.read::<T>(&name).await?;
            let outcome = change(&mut record);
            let plain = serde_json::to_vec(&record).map_err(ToolError::internal)?;
            if plain.len() > MAX_BYTES {
                let kind = ToolErrorKind::InvalidInput { field: None };
                return Err(ToolError::new(kind, "No more of this is kept for one person."));
            }
            let sealed = self.cipher.seal(&name, &plain);
            if self.store.swap_shared(&name, version, &sealed, LIFE).await.map_err(unavailable)? == Swap::Done
            {
                return Ok(outcome);
            }
        }
        Err(unavailable(StoreError::Unavailable("others keep changing this record".to_owned())))
    }

    /// Removes it; whether there was one.
    pub(crate) async fn forget(&self, user: &UserKey, kind: &str) -> Result<bool, ToolError> {
        let name = name(user, kind);
        for _ in 0..ATTEMPTS {
            let Some(record) = self.store.shared(&name).await.map_err(unavailable)? else { return Ok(false) };
            let sealed = self.cipher.seal(&name, b"{}");
            let swapped = self.store.swap_shared(&name, record.version, &sealed, REMOVED).await;
            if swapped.map_err(unavailable)? == Swap::Done {
                return Ok(true);
            }
        }
        Err(unavailable(StoreError::Unavailable("others keep changing this record".to_owned())))
    }

    /// Version and value. What does not open or read is a failure and not an absence: the next change would lose it.
    async fn read<T: DeserializeOwned + Default>(&self, name: &str) -> Result<(u64, T), ToolError> {
        let Some(record) = self.store.shared(name).await.map_err(unavailable)? else {
            return Ok((0, T::default()));
        };
        let plain = self.cipher.open(name, &record.sealed).map_err(ToolError::internal)?;
        let value = serde_json::from_slice(&plain)
            .map_err(|_| ToolError::internal("a record of a user is unreadable"))?;
        Ok((record.version, value))
    }
}

fn name(user: &UserKey, kind: &str) -> String {
    format!("user:{user}:{kind}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::embedded::EmbeddedStore;
    use crate::domain::clock::TestClock;
    use crate::domain::keyring::KeyRing;
    use std::collections::BTreeMap;

    type Names = BTreeMap<String, String>;

    fn keepsakes() -> Keepsakes {
        let store = Arc::new(EmbeddedStore::memory(Arc::new(TestClock::at(1_795_219_200_000))));
        Keepsakes::new(store, Cipher::new(&KeyRing::from_text(&"k".repeat(40)).unwrap()))
    }

    #[tokio::test]
    async fn a_record_is_its_users_and_its_kinds_alone() {
        let (kept, alice, bob) = (keepsakes(), UserKey::new("t", "alice"), UserKey::new("t", "bob"));
        kept.change(&alice, "names", |names: &mut Names| names.insert("a".to_owned(), "가".to_owned()))
            .await
            .unwrap();
        assert_eq!(kept.load::<Names>(&alice, "names").await.unwrap()["a"], "가");
        for (user, kind) in [(&bob, "names"), (&alice, "others")] {
            assert!(kept.load::<Names>(user, kind).await.unwrap().is_empty());
        }
    }

    #[tokio::test]
    async fn what_was_removed_is_empty_and_may_begin_anew() {
        let (kept, alice, bob) = (keepsakes(), UserKey::new("t", "alice"), UserKey::new("t", "bob"));
        let add = |names: &mut Names| names.insert("a".to_owned(), String::new());
        for user in [&alice, &bob] {
            kept.change(user, "names", add).await.unwrap();
        }
        assert!(kept.forget(&alice, "names").await.unwrap());
        assert!(kept.load::<Names>(&alice, "names").await.unwrap().is_empty());
        assert_eq!(kept.load::<Names>(&bob, "names").await.unwrap().len(), 1);
        assert!(!kept.forget(&alice, "others").await.unwrap());
        kept.change(&alice, "names", add).await.unwrap();
        assert_eq!(kept.load::<Names>(&alice, "names").await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn no_change_is_lost_among_many_at_once() {
        let (kept, alice) = (keepsakes(), UserKey::new("t", "alice"));
        let one = |number: usize| {
            let (kept, alice) = (&kept, &alice);
            async move {
                kept.change(alice, "names", |names: &mut Names| {
                    names.insert(number.to_string(), String::new())
                })
                .await
            }
        };
        for outcome in futures_util::future::join_all((0..6).map(one)).await {
            outcome.unwrap();
        }
        assert_eq!(kept.load::<Names>(&alice, "names").await.unwrap().len(), 6);
    }
}
