//! A master, its replicas, and three sentinels that watch them.

use super::guard::{ADMIN_PASSWORD, ESCAPED, Guard, SENTINEL_PASSWORD, USER};
use super::left_out;
use super::node::{Kind, Node, eventually};
use std::sync::Arc;

/// Name of the watched master.
pub(crate) const NAME: &str = "entrada";
const SENTINELS: usize = 3;

/// The whole set-up.
pub(crate) struct SentinelServers {
    /// Servers; which one is the master changes.
    pub(crate) servers: Vec<Node>,
    pub(crate) sentinels: Vec<Node>,
    guard: Option<Arc<Guard>>,
}

impl SentinelServers {
    /// Starts a master with two replicas and waits until the sentinels know everything; `None` where the machine opted
    /// out.
    pub(crate) async fn start() -> Option<Self> {
        Self::launch(None).await
    }

    /// The same behind TLS and passwords.
    pub(crate) async fn start_guarded() -> Option<Self> {
        Self::launch(Some(Arc::new(Guard::new()))).await
    }

    async fn launch(guard: Option<Arc<Guard>>) -> Option<Self> {
        if left_out() {
            return None;
        }
        let master = Node::start(Kind::Server, guard.clone(), &[]).await;
        let place = format!("127.0.0.1 {}", master.port);
        let mut servers = vec![master];
        for _ in 0..2 {
            servers.push(Node::start(Kind::Server, guard.clone(), &[("replicaof", &place)]).await);
        }
        let monitor = format!("monitor {NAME} {place} 2");
        let down = format!("down-after-milliseconds {NAME} 1000");
        let timeout = format!("failover-timeout {NAME} 3000");
        let parallel = format!("parallel-syncs {NAME} 2");
        let user = format!("auth-user {NAME} default");
        let password = format!("auth-pass {NAME} {ADMIN_PASSWORD}");
        let mut watch = vec![monitor.as_str(), &down, &timeout, &parallel];
        if guard.is_some() {
            watch.extend([user.as_str(), &password]);
        }
        let watch: Vec<(&str, &str)> = watch.into_iter().map(|line| ("sentinel", line)).collect();
        let mut sentinels = Vec::new();
        for _ in 0..SENTINELS {
            sentinels.push(Node::start(Kind::Sentinel, guard.clone(), &watch).await);
        }
        let all = Self { servers, sentinels, guard };
        all.whole().await;
        Some(all)
    }

    /// Setting that points the product here.
    pub(crate) fn url(&self) -> String {
        let places: Vec<String> = self.sentinels.iter().map(Node::address).collect();
        match &self.guard {
            Some(_) => format!("rediss+sentinel://{USER}:{ESCAPED}@{}/{NAME}/0", places.join(",")),
            None => format!("redis+sentinel://{}/{NAME}", places.join(",")),
        }
    }

    /// Further settings that it takes.
    pub(crate) fn settings(&self) -> Vec<(String, String)> {
        let Some(guard) = &self.guard else { return Vec::new() };
        let ca = guard.ca_file().to_str().unwrap().to_owned();
        vec![
            ("ENTRADA_STORE__CA_FILE".to_owned(), ca),
            ("ENTRADA_STORE__SENTINEL_PASSWORD".to_owned(), SENTINEL_PASSWORD.to_owned()),
        ]
    }

    pub(crate) fn guard(&self) -> Option<&Arc<Guard>> {
        self.guard.as_ref()
    }

    /// Waits until every sentinel knows the others and all replicas, and these follow their master.
    pub(crate) async fn whole(&self) {
        for sentinel in &self.sentinels {
            eventually("the sentinel knows everybody", || async {
                let known: Vec<String> = sentinel.try_ask(&["SENTINEL", "MASTER", NAME]).await.ok()?;
                let field = |name: &str| {
                    let at = known.iter().step_by(2).position(|field| field == name)?;
                    known.get(2 * at + 1).cloned()
                };
                let replicas = (self.servers.len() - 1).to_string();
                let others = (self.sentinels.len() - 1).to_string();
                let knows = field("num-slaves")? == replicas && field("num-other-sentinels")? == others;
                (knows && field("flags")? == "master").then_some(())
            })
            .await;
        }
        let master = self.master().await;
        eventually("all replicas follow", || async {
            let count = self.servers[master].info("replication", "connected_slaves").await?;
            (count == (self.servers.len() - 1).to_string()).then_some(())
        })
        .await;
        for (at, replica) in self.servers.iter().enumerate().filter(|(at, _)| *at != master) {
            eventually(&format!("replica {at} has everything"), || async {
                (replica.info("replication", "master_link_status").await? == "up").then_some(())
            })
            .await;
        }
    }

    /// The server that the sentinels call the master and that agrees.
    pub(crate) async fn master(&self) -> usize {
        eventually("the sentinels name a master", || async {
            for sentinel in &self.sentinels {
                let named: Result<(String, u16), _> =
                    sentinel.try_ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME]).await;
                let Ok((_, port)) = named else { continue };
                let at = self.servers.iter().position(|server| server.port == port)?;
                let role = self.servers[at].info("replication", "role").await?;
                return (role == "master").then_some(at);
            }
            None
        })
        .await
    }

    /// Waits until every replica that lives has what the master has.
    pub(crate) async fn settle(&self) {
        self.settle_at(self.master().await).await;
    }

    /// The same, where nobody needs to say who the master is.
    pub(crate) async fn settle_at(&self, master: usize) {
        let master = &self.servers[master];
        // Sentinels publish all the time, so what counts is where the master stands now.
        let reached = eventually("the master says where it stands", || async {
            master.info("replication", "master_repl_offset").await?.parse::<u64>().ok()
        })
        .await;
        eventually("the replicas have caught up", || async {
            let text: String = master.try_ask(&["INFO", "replication"]).await.ok()?;
            let behind = |line: &&str| line.starts_with("slave") && line.contains("state=");
            let caught_up = |line: &str| {
                let offset = line.split(',').find_map(|part| part.strip_prefix("offset="));
                let offset = offset.and_then(|offset| offset.trim().parse::<u64>().ok());
                offset >= Some(reached) && line.contains("state=online")
            };
            text.lines().filter(behind).all(caught_up).then_some(())
        })
        .await;
    }

    /// Kills the master, with everything replicated, and answers which server it was.
    pub(crate) async fn kill_master(&mut self) -> usize {
        self.settle().await;
        self.crash_master().await
    }

    /// Kills the master in the middle of whatever it does; what no replica has is gone.
    pub(crate) async fn crash_master(&mut self) -> usize {
        let master = self.master().await;
        self.servers[master].kill();
        master
    }

    /// Starts a killed server again, as a replica. Sentinels would make it one by themselves, after ten seconds.
    pub(crate) async fn revive(&mut self, server: usize) {
        self.servers[server].revive().await;
        let master = self.servers[self.master().await].port.to_string();
        let () = self.servers[server].ask(&["REPLICAOF", "127.0.0.1", &master]).await;
        self.whole().await;
    }

    /// Waits until another server is the master.
    pub(crate) async fn failed_over(&self, from: usize) -> usize {
        eventually("the sentinels fail over", || async {
            let now = self.master().await;
            (now != from).then_some(now)
        })
        .await
    }
}
