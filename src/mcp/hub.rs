//! Who listens to changes on this replica: `subscriptions/listen` streams of the modern era and sessions whose own
//! stream was opened here last.
//!
//! A change is announced once, on any replica, and goes over the bus to all of them, this one included. Each tells its
//! own listen streams; a session is told by the replica whose claim of the session's stream stands. A replica that may
//! have missed announcements tells everyone here that everything they follow has changed: listing once too often is
//! cheap, never hearing of a change is not.

use super::encode;
use crate::domain::cipher::Cipher;
use crate::domain::ids::{ServiceName, SessionId};
use crate::domain::random;
use crate::domain::secret::Sealed;
use crate::domain::stream::{BEYOND, standalone};
use crate::ports::hearing::{Hears, follow};
use crate::ports::sessions::SessionRouter;
use crate::ports::store::{Store, StoreError};
use crate::tools::outlet::{Announcer, Change};
use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Where changes are announced; sealed, as names of resources and results of tasks are the users' own.
const TOPIC: &str = "changes";

/// Key of the meta member that ties a message to its subscription (2026-07-28).
pub(super) const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";
/// How long replicas may differ in hearing of a change.
const TURN: Duration = Duration::from_mins(1);

/// What a `subscriptions/listen` stream was granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) tools: bool,
    pub(super) prompts: bool,
    pub(super) resources: bool,
    pub(super) uris: Vec<String>,
    pub(super) tasks: Vec<String>,
}

impl Filter {
    /// As the acknowledgement spells it: granted members only.
    pub(super) fn json(&self) -> Value {
        let mut out = Map::new();
        for (name, granted) in [
            ("toolsListChanged", self.tools),
            ("promptsListChanged", self.prompts),
            ("resourcesListChanged", self.resources),
        ] {
            if granted {
                out.insert(name.to_owned(), Value::Bool(true));
            }
        }
        for (name, list) in [("resourceSubscriptions", &self.uris), ("taskIds", &self.tasks)] {
            if !list.is_empty() {
                out.insert(name.to_owned(), json!(list));
            }
        }
        Value::Object(out)
    }

    fn wants(&self, change: &Change) -> bool {
        match change {
            Change::Tools => self.tools,
            Change::Prompts => self.prompts,
            Change::Resources => self.resources,
            Change::Resource(uri) => self.uris.contains(uri),
        }
    }
}

struct Entry {
    service: ServiceName,
    filter: Filter,
    /// The id of the listen request.
    id: Value,
    out: mpsc::Sender<Bytes>,
}

#[derive(Default)]
struct Table {
    next: u64,
    listeners: HashMap<u64, Entry>,
    sessions: HashMap<SessionId, Follower>,
}

/// A session whose own stream was opened here.
#[derive(Clone)]
struct Follower {
    service: ServiceName,
    /// The stream's claim; a greater one means that another replica tells the session.
    epoch: u64,
}

/// What goes over the bus.
#[derive(Debug, Serialize, Deserialize)]
enum News {
    /// `serial` tells one change from the next like it.
    Changed {
        service: String,
        change: Change,
        serial: String,
    },
    Task {
        service: String,
        id: String,
        task: Value,
    },
}

impl News {
    fn changed(service: &ServiceName, change: &Change) -> Self {
        Self::Changed { service: service.to_string(), change: change.clone(), serial: random::text::<12>() }
    }
}

/// The listeners of this replica.
#[derive(Default)]
pub(super) struct Hub {
    table: Mutex<Table>,
    /// None for a hub that speaks for itself alone.
    reach: Option<Reach>,
}

/// How sessions and the other replicas are reached.
pub(super) struct Reach {
    pub(super) router: Arc<dyn SessionRouter>,
    pub(super) store: Arc<dyn Store>,
    pub(super) cipher: Cipher,
    pub(super) session_ttl: Duration,
    /// Services that list resources.
    pub(super) with_resources: HashSet<ServiceName>,
}

/// A stream's entry in the hub, taken out when dropped.
pub(super) struct Listener {
    hub: Arc<Hub>,
    key: u64,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.hub.table.lock().listeners.remove(&self.key);
    }
}

impl Hub {
    /// A hub that hears of the other replicas. Must run inside a runtime.
    pub(super) fn start(reach: Reach) -> Arc<Self> {
        let notes = reach.store.subscribe(TOPIC);
        let hub = Arc::new(Self { table: Mutex::default(), reach: Some(reach) });
        follow(notes, &hub);
        hub
    }

    /// Adds a listen stream.
    pub(super) fn listen(
        self: &Arc<Self>,
        service: &ServiceName,
        filter: Filter,
        id: Value,
        out: mpsc::Sender<Bytes>,
    ) -> Listener {
        let mut table = self.table.lock();
        let key = table.next;
        table.next += 1;
        table.listeners.insert(key, Entry { service: service.clone(), filter, id, out });
        Listener { hub: Arc::clone(self), key }
    }

    /// Notes that a session opened its own stream here, under this claim.
    pub(super) fn follow(&self, session: &SessionId, service: &ServiceName, epoch: u64) {
        let follower = Follower { service: service.clone(), epoch };
        self.table.lock().sessions.insert(session.clone(), follower);
    }

    /// Ends every listen stream, each with its graceful result; for shutdown.
    pub(super) fn drain(&self) {
        self.table.lock().listeners.clear();
    }

    /// Tells all who follow a task, on every replica.
    pub(super) async fn announce_task(&self, service: &ServiceName, id: &str, task: &Value) {
        let news = News::Task { service: service.to_string(), id: id.to_owned(), task: task.clone() };
        self.spread(&news).await;
    }

    /// Tells the listeners of this replica alone of the change `serial`, which every replica learns of by itself.
    pub(super) async fn tell_here(&self, service: &ServiceName, change: &Change, serial: String) {
        self.take(&News::Changed { service: service.to_string(), change: change.clone(), serial }).await;
    }

    /// Hands news to every replica; at least to this one when the bus is away, after which the others resync.
    async fn spread(&self, news: &News) {
        let Some(reach) = self.reach.as_ref() else { return self.take(news).await };
        // News has no way to fail.
        let plain = serde_json::to_vec(news).unwrap_or_default();
        let sealed = Bytes::copy_from_slice(reach.cipher.seal(TOPIC, &plain).as_bytes());
        if let Err(error) = reach.store.publish(TOPIC, sealed).await {
            tracing::warn!(%error, "a change did not reach the other replicas");
            self.take(news).await;
        }
    }

    /// Tells the listeners here.
    async fn take(&self, news: &News) {
        match news {
            News::Changed { service, change, serial } => {
                let service = ServiceName::new(service.as_str());
                let (method, params) = note(change);
                self.tell_listeners(&service, method, &params, |filter| filter.wants(change));
                self.tell_sessions(&service, change, serial).await;
            }
            News::Task { service, id, task } => {
                let follows = |filter: &Filter| filter.tasks.iter().any(|t| t == id);
                self.tell_listeners(
                    &ServiceName::new(service.as_str()),
                    "notifications/tasks",
                    task,
                    follows,
                );
            }
        }
    }

    /// URIs that anybody here subscribed to.
    async fn followed(&self, service: &ServiceName) -> HashSet<String> {
        let mut uris: HashSet<String> = {
            let table = self.table.lock();
            let of_service = table.listeners.values().filter(|l| l.service == *service);
            of_service.flat_map(|l| l.filter.uris.iter().cloned()).collect()
        };
        let Some(reach) = self.reach.as_ref() else { return uris };
        for (session, _) in self.followers(service) {
            if let Ok(Some(record)) = reach.store.session(&session, reach.session_ttl).await {
                uris.extend(record.subscriptions.iter().cloned());
            }
        }
        uris
    }

    fn followers(&self, service: &ServiceName) -> Vec<(SessionId, u64)> {
        let table = self.table.lock();
        let of_service = table.sessions.iter().filter(|(_, f)| f.service == *service);
        of_service.map(|(id, f)| (id.clone(), f.epoch)).collect()
    }

    fn tell_listeners(
        &self,
        service: &ServiceName,
        method: &str,
        params: &Value,
        wants: impl Fn(&Filter) -> bool,
    ) {
        let mut table = self.table.lock();
        table.listeners.retain(|_, listener| {
            if listener.service != *service || !wants(&listener.filter) {
                return true;
            }
            let mut params = params.clone();
            encode::set(&mut params, "_meta", json!({ SUBSCRIPTION: listener.id }));
            // A reader that lets its messages pile up loses the stream and lists again when it comes back.
            listener.out.try_send(Bytes::from(encode::notification(method, &params))).is_ok()
        });
    }

    async fn tell_sessions(&self, service: &ServiceName, change: &Change, serial: &str) {
        let Some(reach) = self.reach.as_ref() else { return };
        let (method, params) = note(change);
        let message = Bytes::from(encode::notification(method, &params));
        for (session, epoch) in self.followers(service) {
            if let Change::Resource(uri) = change {
                match reach.store.session(&session, reach.session_ttl).await {
                    Ok(Some(record)) if record.subscriptions.contains(uri) => {}
                    Ok(_) | Err(_) => continue,
                }
            }
            match tell_once(reach, &session, &message, serial).await {
                Ok(Some(standing)) if standing == epoch => {}
                // Ended, or another replica's from now on.
                Ok(_) => self.forget(&session, epoch),
                // When the store is back everybody is told to list again.
                Err(error) => tracing::warn!(%error, "a session was not told of a change"),
            }
        }
    }

    /// Forgets a session, unless it opened its stream here anew meanwhile.
    fn forget(&self, session: &SessionId, epoch: u64) {
        let mut table = self.table.lock();
        if table.sessions.get(session).is_some_and(|f| f.epoch == epoch) {
            table.sessions.remove(session);
        }
    }
}

#[async_trait]
impl Hears for Hub {
    async fn heard(&self, message: Bytes) {
        let Some(reach) = self.reach.as_ref() else { return };
        let sealed = Sealed::from_bytes(message.to_vec());
        match reach.cipher.open(TOPIC, &sealed).map(|plain| serde_json::from_slice::<News>(&plain)) {
            Ok(Ok(news)) => self.take(&news).await,
            Ok(Err(_)) | Err(_) => {
                tracing::warn!("an announced change could not be read; its sender may be newer");
            }
        }
    }

    /// After lost announcements: everything that anybody here follows may have changed. Tasks are asked about by
    /// their clients anyway (`pollIntervalMs`).
    async fn missed(&self) {
        let services: HashSet<ServiceName> = {
            let table = self.table.lock();
            let listening = table.listeners.values().map(|l| l.service.clone());
            listening.chain(table.sessions.values().map(|f| f.service.clone())).collect()
        };
        for service in services {
            let lists = self.reach.as_ref().is_some_and(|reach| reach.with_resources.contains(&service));
            let mut changes = vec![Change::Tools, Change::Prompts];
            if lists {
                changes.push(Change::Resources);
                changes.extend(self.followed(&service).await.into_iter().map(Change::Resource));
            }
            for change in changes {
                self.take(&News::changed(&service, &change)).await;
            }
        }
    }
}

#[async_trait]
impl Announcer for Hub {
    async fn announce(&self, service: &ServiceName, change: &Change) {
        self.spread(&News::changed(service, change)).await;
    }
}

/// Tells a session of the change `serial`, unless another replica did: while a stream moves, two take it for theirs.
/// Answers the claim on the stream that stands.
async fn tell_once(
    reach: &Reach,
    session: &SessionId,
    message: &Bytes,
    serial: &str,
) -> Result<Option<u64>, StoreError> {
    let (router, stream) = (&reach.router, standalone(session));
    if reach.store.try_lease(&format!("told|{session}|{serial}"), "hub", TURN).await? {
        return Ok(router.append(session, &stream, message, false).await?.map(|appended| appended.epoch));
    }
    Ok(router.read(session, &stream, BEYOND).await?.map(|heard| heard.epoch))
}

/// Method and parameters that tell of a change.
fn note(change: &Change) -> (&'static str, Value) {
    match change {
        Change::Tools => ("notifications/tools/list_changed", json!({})),
        Change::Prompts => ("notifications/prompts/list_changed", json!({})),
        Change::Resources => ("notifications/resources/list_changed", json!({})),
        Change::Resource(uri) => ("notifications/resources/updated", json!({ "uri": uri })),
    }
}
