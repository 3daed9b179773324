//! Who listens to changes on this replica: `subscriptions/listen` streams of the modern era and sessions whose GET
//! stream was opened here. A change is announced once; every listener gets it at most once.

use super::encode;
use crate::domain::ids::{ServiceName, SessionId};
use crate::ports::sessions::SessionRouter;
use crate::ports::store::Store;
use crate::tools::outlet::Change;
use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::mpsc;

/// Key of the meta member that ties a message to its subscription (2026-07-28).
pub(super) const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

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
    sessions: HashMap<SessionId, ServiceName>,
}

/// The listeners of this replica.
#[derive(Default)]
pub(super) struct Hub {
    table: Mutex<Table>,
    legacy: OnceLock<Legacy>,
}

/// How sessions are reached.
struct Legacy {
    router: Arc<dyn SessionRouter>,
    store: Arc<dyn Store>,
    session_ttl: Duration,
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
    pub(super) fn new(router: Arc<dyn SessionRouter>, store: Arc<dyn Store>, session_ttl: Duration) -> Self {
        Self { table: Mutex::default(), legacy: OnceLock::from(Legacy { router, store, session_ttl }) }
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

    /// Notes that a session opened its own stream here, in whatever framing.
    pub(super) fn follow(&self, session: &SessionId, service: &ServiceName) {
        self.table.lock().sessions.insert(session.clone(), service.clone());
    }

    /// Ends every listen stream, each with its graceful result; for shutdown.
    pub(super) fn drain(&self) {
        self.table.lock().listeners.clear();
    }

    /// Tells every listener of `service`.
    pub(super) async fn announce(&self, service: &ServiceName, change: &Change) {
        let (method, params) = match change {
            Change::Tools => ("notifications/tools/list_changed", json!({})),
            Change::Prompts => ("notifications/prompts/list_changed", json!({})),
            Change::Resources => ("notifications/resources/list_changed", json!({})),
            Change::Resource(uri) => ("notifications/resources/updated", json!({ "uri": uri })),
        };
        self.tell_listeners(service, method, &params, |filter| filter.wants(change));
        self.tell_sessions(service, method, &params, change).await;
    }

    /// Tells the listen streams that follow a task.
    pub(super) fn announce_task(&self, service: &ServiceName, id: &str, task: &Value) {
        let follows = |filter: &Filter| filter.tasks.iter().any(|t| t == id);
        self.tell_listeners(service, "notifications/tasks", task, follows);
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

    async fn tell_sessions(&self, service: &ServiceName, method: &str, params: &Value, change: &Change) {
        let Some(legacy) = self.legacy.get() else { return };
        let of_service = |(id, s): (&SessionId, &ServiceName)| (s == service).then(|| id.clone());
        let sessions: Vec<SessionId> = self.table.lock().sessions.iter().filter_map(of_service).collect();
        let message = Bytes::from(encode::notification(method, params));
        for session in sessions {
            if let Change::Resource(uri) = change {
                match legacy.store.session(&session, legacy.session_ttl).await {
                    Ok(Some(record)) if record.subscriptions.contains(uri) => {}
                    Ok(_) | Err(_) => continue,
                }
            }
            if !legacy.router.deliver(&session, message.clone()).await {
                self.table.lock().sessions.remove(&session);
            }
        }
    }
}
