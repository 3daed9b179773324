//! One product as its users meet it: a tenant, a store, some replicas, and one public URL in front of them.

use super::balancer::Balancer;
use super::http;
use super::process::Process;
use super::redis::Redis;
use super::redis_forms::cluster::ClusterServers;
use super::redis_forms::guard::Guard;
use super::redis_forms::node::Node;
use super::redis_forms::sentinel::SentinelServers;
use super::tenant::Tenant;
use std::sync::Arc;
use tempfile::TempDir;

/// Key of every test server; the replicas of one cluster must share it.
const KEY: &str = "tests:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// Where the state lives. The embedded store takes one process, so it has one replica.
pub(crate) enum Store {
    Embedded(TempDir),
    Redis(Redis),
    /// One server behind TLS and an ACL.
    Guarded(Box<Node>, Arc<Guard>),
    Sentinel(Box<SentinelServers>),
    Cluster(Box<ClusterServers>),
}

impl Store {
    pub(crate) fn embedded() -> Self {
        Self::Embedded(TempDir::new().unwrap())
    }

    /// `None` when this machine is said to have no Redis.
    pub(crate) fn redis() -> Option<Self> {
        Redis::start().map(Self::Redis)
    }

    /// One server behind TLS and an ACL; `None` as above, and so with the others.
    pub(crate) async fn guarded() -> Option<Self> {
        let guard = Arc::new(Guard::new());
        Some(Self::Guarded(Box::new(Node::server(Some(guard.clone()), &[]).await?), guard))
    }

    /// A master, two replicas, three sentinels.
    pub(crate) async fn sentinel() -> Option<Self> {
        SentinelServers::start().await.map(|servers| Self::Sentinel(Box::new(servers)))
    }

    /// Three masters with a replica each.
    pub(crate) async fn cluster() -> Option<Self> {
        ClusterServers::start().await.map(|servers| Self::Cluster(Box::new(servers)))
    }

    /// Every form behind TLS and passwords.
    pub(crate) async fn all_guarded() -> Vec<Self> {
        let sentinel = SentinelServers::start_guarded().await.map(|all| Self::Sentinel(Box::new(all)));
        let cluster = ClusterServers::start_guarded().await.map(|all| Self::Cluster(Box::new(all)));
        [Self::guarded().await, sentinel, cluster].into_iter().flatten().collect()
    }

    /// What stands before it.
    pub(crate) fn guard(&self) -> Option<&Arc<Guard>> {
        match self {
            Self::Embedded(_) | Self::Redis(_) => None,
            Self::Guarded(_, guard) => Some(guard),
            Self::Sentinel(servers) => servers.guard(),
            Self::Cluster(servers) => servers.guard(),
        }
    }

    /// A Redis that keeps its data when it is killed.
    pub(crate) fn durable_redis() -> Option<Self> {
        Redis::durable().map(Self::Redis)
    }

    /// The setting that names it.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Embedded(folder) => format!("embedded:{}", folder.path().join("entrada.redb").display()),
            Self::Redis(redis) => redis.url(),
            Self::Guarded(node, _) => node.url(),
            Self::Sentinel(servers) => servers.url(),
            Self::Cluster(servers) => servers.url(),
        }
    }

    /// What it takes beside the URL.
    pub(crate) fn settings(&self) -> Vec<(String, String)> {
        match self {
            Self::Embedded(_) | Self::Redis(_) => Vec::new(),
            Self::Guarded(_, guard) => {
                vec![("ENTRADA_STORE__CA_FILE".to_owned(), guard.ca_file().to_str().unwrap().to_owned())]
            }
            Self::Sentinel(servers) => servers.settings(),
            Self::Cluster(servers) => servers.settings(),
        }
    }

    /// The servers behind sentinels.
    pub(crate) fn sentinel_servers(&mut self) -> &mut SentinelServers {
        let Self::Sentinel(servers) = self else { panic!("no sentinels here") };
        servers
    }

    /// The nodes of a cluster.
    pub(crate) fn cluster_servers(&mut self) -> &mut ClusterServers {
        let Self::Cluster(servers) = self else { panic!("no cluster here") };
        servers
    }

    /// Kills a master of Sentinel or Cluster, with everything replicated; which server it was.
    pub(crate) async fn kill_master(&mut self) -> usize {
        match self {
            Self::Sentinel(servers) => servers.kill_master().await,
            Self::Cluster(servers) => servers.kill_master().await,
            Self::Embedded(_) | Self::Redis(_) | Self::Guarded(..) => panic!("a form without replicas"),
        }
    }

    /// The same in the middle of whatever it does: what was not replicated is gone.
    pub(crate) async fn crash_master(&mut self) -> usize {
        match self {
            Self::Sentinel(servers) => servers.crash_master().await,
            Self::Cluster(servers) => servers.crash_master().await,
            Self::Embedded(_) | Self::Redis(_) | Self::Guarded(..) => panic!("a form without replicas"),
        }
    }

    /// Waits until others serve what that one served.
    pub(crate) async fn failed_over(&self, from: usize) {
        match self {
            Self::Sentinel(servers) => {
                servers.failed_over(from).await;
            }
            Self::Cluster(servers) => servers.failed_over(from).await,
            Self::Embedded(_) | Self::Redis(_) | Self::Guarded(..) => panic!("a form without replicas"),
        }
    }

    /// Starts it again, as a replica of who took over, and waits until everything is whole.
    pub(crate) async fn revive(&mut self, server: usize) {
        match self {
            Self::Sentinel(servers) => servers.revive(server).await,
            Self::Cluster(servers) => servers.revive(server).await,
            Self::Embedded(_) | Self::Redis(_) | Self::Guarded(..) => panic!("a form without replicas"),
        }
    }
}

/// How to start one.
pub(crate) struct Plan<'a> {
    pub(crate) replicas: usize,
    pub(crate) tenant_arguments: &'a [&'a str],
    pub(crate) settings: &'a [(&'a str, &'a str)],
    /// Commands of a shell before each replica, in its process.
    pub(crate) prelude: &'static str,
}

impl Default for Plan<'_> {
    fn default() -> Self {
        Self { replicas: 1, tenant_arguments: &[], settings: &[], prelude: "" }
    }
}

/// A running product.
pub(crate) struct Cluster {
    pub(crate) replicas: Vec<Process>,
    /// Public URL: the balancer's.
    pub(crate) url: String,
    pub(crate) balancer: Balancer,
    pub(crate) tenant: Tenant,
    pub(crate) store: Store,
    urls: Vec<String>,
    settings: Vec<(String, String)>,
    prelude: &'static str,
}

impl Cluster {
    /// Starts everything and waits until every replica is ready.
    pub(crate) async fn start(store: Store, plan: Plan<'_>) -> Self {
        let tenant = Tenant::start(plan.tenant_arguments);
        let balancer = Balancer::start();
        let mut settings = settings(&tenant, &balancer.url, &store.url());
        settings.extend(store.settings());
        settings.extend(plan.settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let url = balancer.url.clone();
        let (replicas, urls, prelude) = (Vec::new(), Vec::new(), plan.prelude);
        let mut cluster = Self { replicas, url, balancer, tenant, store, urls, settings, prelude };
        for _ in 0..plan.replicas {
            let (process, url) = cluster.launch().await;
            cluster.replicas.push(process);
            cluster.urls.push(url);
        }
        cluster.balancer.point_at(cluster.urls.clone());
        cluster
    }

    /// One replica on the embedded store.
    pub(crate) async fn embedded() -> Self {
        Self::start(Store::embedded(), Plan::default()).await
    }

    /// One replica on Redis.
    pub(crate) async fn start_on_redis() -> Option<Self> {
        Some(Self::start(Store::redis()?, Plan::default()).await)
    }

    /// Two replicas on Redis.
    pub(crate) async fn pair() -> Option<Self> {
        Some(Self::start(Store::redis()?, Plan { replicas: 2, ..Plan::default() }).await)
    }

    async fn launch(&self) -> (Process, String) {
        let mut process = Process::entrada_after(self.prelude, &["serve"], &self.settings);
        let url = process.wait_for("entrada listening on ");
        ready(&url).await;
        (process, url)
    }

    /// Ends replica `index` without warning and starts it again.
    pub(crate) async fn crash_and_restart(&mut self, index: usize) {
        self.replicas[index].kill();
        let (process, url) = self.launch().await;
        self.replicas[index] = process;
        self.urls[index] = url;
        self.balancer.point_at(self.urls.clone());
    }

    /// Starts one more replica; its index.
    pub(crate) async fn add(&mut self) -> usize {
        let (process, url) = self.launch().await;
        self.replicas.push(process);
        self.urls.push(url);
        self.balancer.point_at(self.urls.clone());
        self.urls.len() - 1
    }

    /// Ends replica `index` without warning, for good.
    pub(crate) fn lose(&mut self, index: usize) {
        self.replicas.remove(index).kill();
        self.urls.remove(index);
        self.balancer.point_at(self.urls.clone());
    }

    /// Replaces replica `index` as an orchestrator does: the new one is ready first, then the balancer is told, then the
    /// old one is asked to stop, which it must do well.
    pub(crate) async fn roll(&mut self, index: usize) {
        let (process, url) = self.launch().await;
        let mut old = std::mem::replace(&mut self.replicas[index], process);
        self.urls[index] = url;
        self.balancer.point_at(self.urls.clone());
        old.terminate();
        let ended = tokio::task::spawn_blocking(move || (old.wait_exit(), old)).await.unwrap();
        assert!(ended.0.success(), "{}; log:\n{}", ended.0, ended.1.stderr());
    }

    /// Changes a setting of the replicas that are started from here on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// URL of one replica, past the balancer.
    pub(crate) fn replica_url(&self, index: usize) -> &str {
        &self.urls[index]
    }

    /// Whether several replicas can share the store.
    pub(crate) fn has_shared_store(&self) -> bool {
        !matches!(self.store, Store::Embedded(_))
    }

    /// The Redis behind this cluster.
    pub(crate) fn redis(&mut self) -> &mut Redis {
        let Store::Redis(redis) = &mut self.store else { panic!("this cluster has no Redis by itself") };
        redis
    }

    /// Fails when MCP was never spoken, or any message of it broke its schema or held a null.
    pub(crate) fn assert_wire(&self) {
        self.balancer.recorder.assert_valid();
        assert!(self.balancer.recorder.checked() > 0, "no MCP message passed the balancer");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.balancer.recorder.assert_valid();
        }
    }
}

/// Waits until a server says that it is ready.
pub(crate) async fn ready(url: &str) {
    let health = format!("{url}/health/ready");
    http::eventually(&format!("{health} answers 200"), || async {
        (http::status(&health).await == Some(200)).then_some(())
    })
    .await;
}

/// Settings of a production server before this tenant.
pub(crate) fn settings(tenant: &Tenant, public_url: &str, store: &str) -> Vec<(String, String)> {
    let own = [
        ("ENTRADA_LISTEN", "127.0.0.1:0"),
        ("ENTRADA_PUBLIC_URL", public_url),
        ("ENTRADA_STORE", store),
        ("ENCRYPTION_KEYS", KEY),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    tenant.settings.iter().cloned().chain(own).collect()
}
