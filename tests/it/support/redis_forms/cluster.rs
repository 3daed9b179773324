//! A cluster of six: three masters with a replica each.

use super::guard::{ESCAPED, Guard, USER};
use super::left_out;
use super::node::{Kind, Node, eventually};
use std::sync::Arc;

const MASTERS: usize = 3;
const SLOTS: u16 = 16_384;

/// One line of `CLUSTER NODES`, as far as tests look.
struct Known {
    id: String,
    port: u16,
    is_master: bool,
    has_failed: bool,
    slots: Vec<(u16, u16)>,
}

/// The whole set-up.
pub(crate) struct ClusterServers {
    /// Which of them are masters changes.
    pub(crate) nodes: Vec<Node>,
    guard: Option<Arc<Guard>>,
}

impl ClusterServers {
    /// Starts six nodes and waits until they are one cluster; `None` where the machine opted out.
    pub(crate) async fn start() -> Option<Self> {
        Self::launch(None).await
    }

    /// The same behind TLS and an ACL.
    pub(crate) async fn start_guarded() -> Option<Self> {
        Self::launch(Some(Arc::new(Guard::new()))).await
    }

    async fn launch(guard: Option<Arc<Guard>>) -> Option<Self> {
        if left_out() {
            return None;
        }
        let mut nodes = Vec::new();
        for _ in 0..2 * MASTERS {
            nodes.push(Node::start(Kind::ClusterNode, guard.clone(), &[]).await);
        }
        let all = Self { nodes, guard };
        all.join().await;
        Some(all)
    }

    /// Makes one cluster of nodes that know nobody.
    async fn join(&self) {
        let share = SLOTS / MASTERS as u16;
        for (at, node) in self.nodes.iter().enumerate() {
            let () = node.ask(&["CLUSTER", "SET-CONFIG-EPOCH", &(at + 1).to_string()]).await;
            if at < MASTERS {
                let first = share * at as u16;
                let last = if at + 1 == MASTERS { SLOTS - 1 } else { first + share - 1 };
                let () = node.ask(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]).await;
            }
        }
        for node in &self.nodes[1..] {
            self.nodes[0].meet(node).await;
        }
        for node in &self.nodes {
            eventually("every node knows the others", || async {
                let known = known(node).await?;
                (known.len() == self.nodes.len() && known.iter().all(|other| !other.has_failed)).then_some(())
            })
            .await;
        }
        for at in 0..MASTERS {
            let id: String = self.nodes[at].ask(&["CLUSTER", "MYID"]).await;
            let replica = &self.nodes[at + MASTERS];
            eventually("the replica is taken", || async {
                replica.try_ask::<()>(&["CLUSTER", "REPLICATE", &id]).await.ok()
            })
            .await;
        }
        self.whole().await;
    }

    /// Waits until every node that runs sees a cluster that serves, and every replica follows its master.
    pub(crate) async fn whole(&self) {
        for node in &self.nodes {
            eventually("the cluster serves", || async {
                let text: String = node.try_ask(&["CLUSTER", "INFO"]).await.ok()?;
                let masters = known(node).await?.iter().filter(|other| other.is_master).count();
                (text.contains("cluster_state:ok") && masters == MASTERS).then_some(())
            })
            .await;
            eventually("replicas follow", || async {
                let role = node.info("replication", "role").await?;
                let link = node.info("replication", "master_link_status").await;
                let followers = node.info("replication", "connected_slaves").await?;
                let fine = match role.as_str() {
                    "master" => followers != "0",
                    _ => link.as_deref() == Some("up"),
                };
                fine.then_some(())
            })
            .await;
        }
    }

    /// Setting that points the product here: some of the nodes, as operators name them.
    pub(crate) fn url(&self) -> String {
        let places: Vec<String> = self.nodes.iter().step_by(2).map(Node::address).collect();
        match &self.guard {
            Some(_) => format!("rediss+cluster://{USER}:{ESCAPED}@{}", places.join(",")),
            None => format!("redis+cluster://{}", places.join(",")),
        }
    }

    /// Further settings that it takes.
    pub(crate) fn settings(&self) -> Vec<(String, String)> {
        let Some(guard) = &self.guard else { return Vec::new() };
        vec![("ENTRADA_STORE__CA_FILE".to_owned(), guard.ca_file().to_str().unwrap().to_owned())]
    }

    pub(crate) fn guard(&self) -> Option<&Arc<Guard>> {
        self.guard.as_ref()
    }

    /// What a node that runs knows of the others.
    async fn view(&self) -> Option<Vec<Known>> {
        for node in &self.nodes {
            if let Some(known) = known(node).await {
                return Some(known);
            }
        }
        None
    }

    /// The living masters.
    pub(crate) async fn masters(&self) -> Vec<usize> {
        let view = eventually("a node answers", || self.view()).await;
        let serving = view.iter().filter(|node| node.is_master && !node.has_failed && !node.slots.is_empty());
        serving.filter_map(|known| self.nodes.iter().position(|node| node.port == known.port)).collect()
    }

    /// The node that serves `slot`.
    pub(crate) async fn master_of(&self, slot: u16) -> usize {
        eventually("somebody serves the slot", || async {
            let view = self.view().await?;
            let serves = |node: &&Known| {
                node.is_master && node.slots.iter().any(|(first, last)| (*first..=*last).contains(&slot))
            };
            let port = view.iter().find(serves)?.port;
            self.nodes.iter().position(|node| node.port == port)
        })
        .await
    }

    /// The slot of `key`.
    pub(crate) async fn slot(&self, key: &str) -> u16 {
        let mut asked = None;
        for node in &self.nodes {
            if let Ok(slot) = node.try_ask::<u16>(&["CLUSTER", "KEYSLOT", key]).await {
                asked = Some(slot);
                break;
            }
        }
        asked.expect("a node answers")
    }

    /// The slots that hold something.
    pub(crate) async fn slots_with_keys(&self) -> Vec<u16> {
        let mut slots = Vec::new();
        for at in self.masters().await {
            let keys: Vec<String> = self.nodes[at].ask(&["KEYS", "*"]).await;
            for key in keys {
                slots.push(self.slot(&key).await);
            }
        }
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    /// About so many of them, from all over the table.
    pub(crate) async fn some_slots_with_keys(&self, count: usize) -> Vec<u16> {
        let slots = self.slots_with_keys().await;
        let step = slots.len().div_ceil(count).max(1);
        slots.into_iter().step_by(step).collect()
    }

    /// Kills the first master, with everything replicated, and answers which node it was.
    pub(crate) async fn kill_master(&mut self) -> usize {
        let victim = self.masters().await[0];
        self.kill_node(victim).await
    }

    /// Kills a master, with everything of it replicated.
    pub(crate) async fn kill_node(&mut self, victim: usize) -> usize {
        self.settle(victim).await;
        self.nodes[victim].kill();
        victim
    }

    /// Kills the first master in the middle of whatever it does; what its replica does not have is gone.
    pub(crate) async fn crash_master(&mut self) -> usize {
        let victim = self.masters().await[0];
        self.nodes[victim].kill();
        victim
    }

    /// Starts a killed node again; it follows whoever took over.
    pub(crate) async fn revive(&mut self, node: usize) {
        self.nodes[node].revive().await;
        self.whole().await;
    }

    /// Waits until the replica of this master has what it has.
    pub(crate) async fn settle(&self, master: usize) {
        let node = &self.nodes[master];
        let reached = eventually("the master says where it stands", || async {
            node.info("replication", "master_repl_offset").await?.parse::<u64>().ok()
        })
        .await;
        eventually("the replica has caught up", || async {
            let replica = node.info("replication", "slave0").await?;
            let offset = replica.split(',').find_map(|part| part.strip_prefix("offset="))?;
            (offset.parse::<u64>().ok()? >= reached).then_some(())
        })
        .await;
    }

    /// Waits until the cluster serves every slot without this node, as every node that runs sees it.
    pub(crate) async fn failed_over(&self, from: usize) {
        let gone = self.nodes[from].port;
        for node in self.nodes.iter().filter(|node| node.port != gone) {
            eventually("a replica takes over", || async {
                let text: String = node.try_ask(&["CLUSTER", "INFO"]).await.ok()?;
                let known = known(node).await?;
                let serves = known.iter().any(|other| other.port == gone && !other.slots.is_empty());
                (text.contains("cluster_state:ok") && !serves).then_some(())
            })
            .await;
        }
    }

    /// A further master without slots, known to all; which node it is.
    pub(crate) async fn add_master(&mut self) -> usize {
        let node = Node::start(Kind::ClusterNode, self.guard.clone(), &[]).await;
        self.nodes[0].meet(&node).await;
        self.nodes.push(node);
        for node in &self.nodes {
            eventually("every node knows the new one, and that one who serves", || async {
                let known = known(node).await?;
                let text: String = node.try_ask(&["CLUSTER", "INFO"]).await.ok()?;
                let all = known.len() == self.nodes.len() && known.iter().all(|other| !other.has_failed);
                (all && text.contains("cluster_state:ok")).then_some(())
            })
            .await;
        }
        self.nodes.len() - 1
    }

    /// Begins to move a slot: both masters answer with `ASK` or `TRYAGAIN` for what has left or not come yet.
    pub(crate) async fn begin_move(&self, slot: u16, from: usize, to: usize) {
        let (source, target) = (&self.nodes[from], &self.nodes[to]);
        let slot = slot.to_string();
        let (source_id, target_id): (String, String) =
            (source.ask(&["CLUSTER", "MYID"]).await, target.ask(&["CLUSTER", "MYID"]).await);
        let () = target.ask(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &source_id]).await;
        let () = source.ask(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &target_id]).await;
    }

    /// Moves up to `count` keys of a slot that moves; how many there were.
    pub(crate) async fn move_keys(&self, slot: u16, from: usize, to: usize, count: usize) -> usize {
        let (source, target) = (&self.nodes[from], &self.nodes[to]);
        let (slot, count) = (slot.to_string(), count.to_string());
        let keys: Vec<String> = source.ask(&["CLUSTER", "GETKEYSINSLOT", &slot, &count]).await;
        if !keys.is_empty() {
            let port = target.port.to_string();
            let mut migrate = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000"];
            if self.guard.is_some() {
                migrate.extend(["AUTH", super::guard::ADMIN_PASSWORD]);
            }
            migrate.push("KEYS");
            migrate.extend(keys.iter().map(String::as_str));
            let answer: String = source.ask(&migrate).await;
            assert!(answer == "OK" || answer == "NOKEY", "{answer}");
        }
        keys.len()
    }

    /// Moves a slot with all that is in it, a few keys at a time.
    pub(crate) async fn reshard(&self, slot: u16, from: usize, to: usize) {
        self.begin_move(slot, from, to).await;
        while self.move_keys(slot, from, to, 10).await > 0 {}
        self.end_move(slot, from, to).await;
    }

    /// Moves a slot to the next master.
    pub(crate) async fn reshard_to_next(&self, slot: u16) {
        let from = self.master_of(slot).await;
        let masters = self.masters().await;
        let at = masters.iter().position(|master| *master == from).expect("who serves a slot is a master");
        self.reshard(slot, from, masters[(at + 1) % masters.len()]).await;
    }

    /// Ends the move: every master is told, as `redis-cli --cluster reshard` does.
    pub(crate) async fn end_move(&self, slot: u16, from: usize, to: usize) {
        let slot = slot.to_string();
        let id: String = self.nodes[to].ask(&["CLUSTER", "MYID"]).await;
        for at in [to, from] {
            let () = self.nodes[at].ask(&["CLUSTER", "SETSLOT", &slot, "NODE", &id]).await;
        }
        for at in self.masters().await {
            let () = self.nodes[at].ask(&["CLUSTER", "SETSLOT", &slot, "NODE", &id]).await;
        }
    }
}

/// What `node` knows, itself included.
async fn known(node: &Node) -> Option<Vec<Known>> {
    let text: String = node.try_ask(&["CLUSTER", "NODES"]).await.ok()?;
    let read = |line: &str| {
        let parts: Vec<&str> = line.split_whitespace().collect();
        let (place, flags) = (parts.get(1)?, parts.get(2)?);
        let port = place.split('@').next()?.rsplit(':').next()?.parse().ok()?;
        let range = |part: &&str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            Some((first.parse().ok()?, last.parse().ok()?))
        };
        Some(Known {
            id: (*parts.first()?).to_owned(),
            port,
            is_master: flags.contains("master"),
            has_failed: flags.contains("fail") || flags.contains("handshake"),
            slots: parts.iter().skip(8).filter_map(range).collect(),
        })
    };
    let known: Vec<Known> = text.lines().filter_map(read).collect();
    known.iter().all(|node| !node.id.is_empty()).then_some(known)
}
