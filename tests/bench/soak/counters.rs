//! What clients, product and tenant have counted of the same work.

use crate::crowd::Crowd;
use crate::crowd::ledger::{Known, Ledger};
use crate::support::cluster::Cluster;
use crate::support::http;
use crate::support::operator::{Operator, TOKEN};
use std::collections::BTreeMap;

/// A calm minute, counted by the clients, the product and the tenant.
pub(crate) async fn compare(cluster: &mut Cluster, crowd: Crowd) {
    let before = counted(cluster).await;
    let load = crowd.work();
    load.go_on(20).await;
    let (_, ledger) = load.stop().await;
    let after = counted(cluster).await;
    ledger.reconcile(&cluster.tenant).await;
    let figures = ledger.figures();
    figures.assert_clean("the calm minute");
    let of = |what: &str| figures.kinds.get(what).copied().unwrap_or(0);
    let all: u64 = figures.kinds.values().sum();
    let grew = |name: &str| after[name] - before[name];
    let (done, open) = writes(&ledger);
    assert_eq!((open, figures.retried), (0, 0), "the calm minute is calm: {figures:#?}");
    for (what, clients, product, tenant) in [
        ("tool calls", Some(all - of("refresh")), Some(grew("calls")), None),
        ("rotations", Some(of("refresh") / 2), Some(grew("rotations")), None),
        ("refreshes at Entra", None, Some(grew("refreshes")), Some(grew("grants"))),
        ("requests to Graph", None, Some(grew("graph")), Some(grew("tenant graph"))),
        ("mails made", Some(done as u64), None, Some(grew("made"))),
        ("mails sent", Some(of("send_email")), None, Some(grew("sent"))),
    ] {
        let told: Vec<u64> = [clients, product, tenant].into_iter().flatten().collect();
        println!("{what}: clients {clients:?}, product {product:?}, tenant {tenant:?}");
        assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "{what}: the counts differ");
    }
}

/// What the replicas and the tenant have counted.
async fn counted(cluster: &mut Cluster) -> BTreeMap<&'static str, u64> {
    let mut all: BTreeMap<&'static str, u64> = BTreeMap::new();
    for index in 0..cluster.replicas.len() {
        let base = Operator::of(cluster, index).base;
        let url = format!("{}/metrics", base.trim_end_matches("/admin/v1"));
        let text = http::client().get(url).bearer_auth(TOKEN).send().await.unwrap().text().await.unwrap();
        for (name, series) in [
            ("calls", "entrada_tool_calls_total{"),
            ("graph", "entrada_graph_requests_total{"),
            ("refreshes", "entrada_entra_token_requests_total{operation=\"refresh\""),
            ("rotations", "entrada_audit_events_total{event=\"refresh\"}"),
        ] {
            let values = text.lines().filter(|line| line.starts_with(series));
            let values = values.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap());
            *all.entry(name).or_default() += values.sum::<u64>();
        }
    }
    let tenant = cluster.tenant.counters().await;
    let routes = tenant["routes"].as_object().unwrap();
    let count = |wanted: &dyn Fn(&str) -> bool| -> u64 {
        routes.iter().filter(|(route, _)| wanted(route)).filter_map(|(_, count)| count.as_u64()).sum()
    };
    all.insert("tenant graph", count(&|route| route.contains(" /v1.0/")));
    all.insert("made", count(&|route| route == "POST /v1.0/me/messages"));
    all.insert(
        "sent",
        count(&|route| route.starts_with("POST /v1.0/me/messages/") && route.ends_with("/send")),
    );
    all.insert("grants", tenant["grants"]["refresh_token"].as_u64().unwrap_or(0));
    all
}

/// How many writes are confirmed, and how many open.
pub(crate) fn writes(ledger: &Ledger) -> (usize, usize) {
    let writes = ledger.writes.lock().unwrap();
    let done = writes.values().filter(|write| write.known == Known::Done).count();
    (done, writes.len() - done)
}
