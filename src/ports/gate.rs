//! Admission to Microsoft Graph: its published limits, kept on our side so that users do not meet them.

use crate::domain::ids::UserKey;
use async_trait::async_trait;
use std::any::Any;
use std::fmt;
use std::time::Duration;

/// Parts of Graph with limits of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Workload {
    /// Mail, calendar, contacts: 4 concurrent, 10,000 in 10 minutes per app and mailbox.
    Outlook,
    /// Teams and the people one finds there: 20 in a second per app and tenant for what is limited most.
    Teams,
    /// One chat or channel of Teams: 4 in a second.
    Thread,
    /// OneDrive: resource units in a minute per app and tenant.
    Files,
    /// OneNote: 120 in a minute, 400 in an hour, 5 concurrent per app and user.
    Notes,
}

/// The thing that is limited: a mailbox, one user's share of another workload, or a tenant's where Graph counts by
/// tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct GateKey {
    owner: UserKey,
    pub(crate) workload: Workload,
    thread: Option<Box<str>>,
}

impl GateKey {
    /// The key of a user's requests.
    pub(crate) fn new(user: &UserKey, workload: Workload) -> Self {
        let owner = match workload {
            Workload::Outlook | Workload::Notes => user.clone(),
            Workload::Teams | Workload::Thread | Workload::Files => UserKey::new(user.tid.clone(), ""),
        };
        Self { owner, workload, thread: None }
    }

    /// The key of requests in a mailbox, the user's own or another one, by its address.
    pub(crate) fn mailbox(user: &UserKey, address: &str) -> Self {
        let owner = UserKey::new(user.tid.clone(), address.to_ascii_lowercase());
        Self { owner, workload: Workload::Outlook, thread: None }
    }

    /// What it is called in the store; it names people, so only its hash goes there.
    pub(crate) fn text(&self) -> String {
        let workload = match self.workload {
            Workload::Outlook => "outlook",
            Workload::Teams => "teams",
            Workload::Thread => "thread",
            Workload::Files => "files",
            Workload::Notes => "notes",
        };
        format!("{workload}|{}|{}", self.owner, self.thread.as_deref().unwrap_or_default())
    }

    /// The key of requests about one chat or channel. Ids such as `48:notes` mean another thing to each user.
    pub(crate) fn thread(user: &UserKey, id: &str) -> Self {
        let key = Self { thread: Some(id.into()), ..Self::new(user, Workload::Thread) };
        if id.starts_with("48:") { Self { owner: user.clone(), ..key } } else { key }
    }
}

/// The wait would exceed what the caller allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Throttled {
    pub(crate) retry_after: Duration,
}

/// The right to have one request in flight; given back when dropped.
pub(crate) struct Permit {
    _place: Box<dyn Any + Send>,
}

impl Permit {
    /// `place` is whatever gives the place back when it is dropped.
    pub(crate) fn new(place: Box<dyn Any + Send>) -> Self {
        Self { _place: place }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permit(..)")
    }
}

/// Rate and concurrency limits per user and workload, over all replicas.
#[async_trait]
pub(crate) trait RateGate: Send + Sync {
    /// Waits for admission at most `patience`; of what this replica has in hand an atomic cell and a semaphore, no mailbox.
    /// `units` is what the request costs of the budget.
    async fn admit(&self, key: &GateKey, units: u32, patience: Duration) -> Result<Permit, Throttled>;
    /// Graph said 429: nobody sends for `key` until `pause` has passed, on any replica.
    fn penalise(&self, key: &GateKey, pause: Duration);
}
