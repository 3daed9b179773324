//! A cluster loses masters and moves slots, and nobody notices anything but time.

use super::users::{ALICE, Person, crowd, pair};
use crate::hostile::Table;
use crate::resume::{Caller, SERVICE};
use crate::support::cluster::Store;
use crate::support::http::{self, eventually};
use crate::support::login::Client;
use crate::support::mcp::Mcp;
use crate::support::sse::Stream;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

#[tokio::test(flavor = "multi_thread")]
async fn logins_and_sessions_go_on_when_masters_of_a_cluster_die() {
    let Some(store) = Store::cluster().await else { return };
    let mut cluster = pair(store).await;
    // Enough of them that every master holds something.
    let mut people = crowd(&cluster.url, 6).await;
    for round in 0..3 {
        let victim = cluster.store.cluster_servers().masters().await[round % 3];
        cluster.store.cluster_servers().kill_node(victim).await;
        for person in &people {
            person.use_all().await;
        }
        cluster.store.failed_over(victim).await;
        for person in &mut people {
            person.goes_on().await;
        }
        cluster.store.revive(victim).await;
    }
    for replica in &mut cluster.replicas {
        assert!(replica.is_alive());
    }
    Table::on("two replicas, Cluster").held(
        "H78",
        "every master is killed in turn",
        "503 with Retry-After in between; logins, sessions and refreshes go on without a restart",
    );
}

/// A person who never stops, until told: how often everything was answered.
async fn never_stops(mut person: Person, stop: Arc<AtomicBool>, answered: Arc<AtomicUsize>) -> Person {
    while !stop.load(Ordering::SeqCst) {
        if person.use_all().await {
            answered.fetch_add(1, Ordering::SeqCst);
        }
        person.refresh().await;
    }
    person
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_move_under_requests_and_nothing_is_lost() {
    let Some(store) = Store::cluster().await else { return };
    let mut cluster = pair(store).await;
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut running = Vec::new();
    for person in crowd(&cluster.url, 3).await {
        running.push(tokio::spawn(never_stops(person, stop.clone(), answered.clone())));
    }
    let servers = cluster.store.cluster_servers();
    let mut moved = 0;
    for round in 0..2 {
        for slot in servers.slots_with_keys().await {
            let from = servers.master_of(slot).await;
            let masters = servers.masters().await;
            let at = masters.iter().position(|master| *master == from).unwrap();
            let to = masters[(at + 1 + round) % masters.len()];
            if to == from {
                continue;
            }
            servers.begin_move(slot, from, to).await;
            while servers.move_keys(slot, from, to, 1).await > 0 {
                moved += 1;
            }
            servers.end_move(slot, from, to).await;
        }
    }
    assert!(moved > 20, "{moved}");
    // Scaling out: a node that the replicas have never heard of.
    let newcomer = servers.add_master().await;
    for slot in servers.slots_with_keys().await.into_iter().step_by(2) {
        let from = servers.master_of(slot).await;
        servers.reshard(slot, from, newcomer).await;
    }
    stop.store(true, Ordering::SeqCst);
    for person in running {
        let mut person = person.await.unwrap();
        person.goes_on().await;
    }
    assert!(answered.load(Ordering::SeqCst) > 0, "somebody was served meanwhile");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_at_one_replica_is_heard_at_the_other_on_a_cluster() {
    let Some(store) = Store::cluster().await else { return };
    let cluster = pair(store).await;
    let (first, second) = (cluster.replica_url(0), cluster.replica_url(1));
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    // The answer to what is posted at one replica comes down the stream that is open at the other.
    let caller = Caller::open(first, &login.access).await;
    let request = caller.http.get(format!("{first}/{SERVICE}/sse"));
    let request = request.bearer_auth(&caller.bearer).header("Accept", "text/event-stream");
    let mut stream = Stream::of(request.send().await.unwrap());
    let path = stream.next().await.unwrap().data;
    let session = path.split_once("sessionId=").unwrap().1.to_owned();
    let caller = Caller { session, ..caller };
    let posted = caller.post(&format!("{second}{path}"), &crate::resume::hello()).await;
    assert_eq!(posted.status(), 202);
    assert!(stream.until("serverInfo").await.contains("hello"));
    // A bearer that is revoked at one replica is worth nothing at either, and its streams end.
    let open = Stream::of(Mcp::legacy(second, &login.access, "2025-11-25").await.open_stream().await);
    let form = [("token", login.access.as_str()), ("client_id", &client.id)];
    let answer = http::client().post(format!("{first}/revoke")).form(&form).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    open.rest().await;
    stream.rest().await;
    for replica in [first, second] {
        eventually("the bearer is worth nothing", || async {
            let refused = Mcp::modern(replica, &login.access).send("tools/list", json!({})).await;
            (refused.status == 401).then_some(())
        })
        .await;
    }
}
