//! What only a form of Redis brings with it: failing over, slots that move, servers that are not what the URL says, and
//! nothing that is done twice behind anybody's back.

use super::fleets::{place, store_at};
use super::redis_forms::cluster::ClusterServers;
use super::redis_forms::guard::Guard;
use super::redis_forms::node::{Node, eventually};
use super::redis_forms::sentinel::SentinelServers;
use super::samples::{HOUR, START, Sample, cipher, session, user};
use super::stand_in::{Reply, StandIn, alone, bulk};
use crate::adapters::redis::RedisStore;
use crate::domain::redis_place::RedisPlace;
use crate::ports::shared::SharedStore;
use crate::ports::store::{CodeRedemption, GrantStore, Issue, RefreshState, RotationOutcome};
use crate::ports::store::{SessionStore, Store, StoreError, UpstreamStore};
use std::sync::Arc;

/// Stores something of every kind that must not be lost.
async fn fill(store: &dyn Store, sample: &Sample) {
    let refresh = Some((&sample.refresh.0, &sample.refresh.1));
    assert_eq!(store.issue((&sample.access.0, &sample.access.1), refresh).await.unwrap(), Issue::Done);
    store.put_session(&session("s"), HOUR).await.unwrap();
}

async fn check(store: &dyn Store, sample: &Sample) {
    // Each of them may lie at a server of its own, and the first command after a failover may be told to come again.
    eventually("everything is answered", || async {
        store.access(&sample.access.0, START).await.ok()?;
        store.refresh(&sample.refresh.0, START).await.ok()?;
        store.session(&session("s").id, HOUR).await.ok()
    })
    .await;
    assert_eq!(store.access(&sample.access.0, START).await.unwrap().as_ref(), Some(&sample.access.1));
    let refresh = store.refresh(&sample.refresh.0, START).await.unwrap();
    assert_eq!(refresh, RefreshState::Live(sample.refresh.1.clone()));
    assert_eq!(store.session(&session("s").id, HOUR).await.unwrap(), Some(session("s")));
}

/// Until then every answer is either right or says that the store is away.
async fn serves_again(store: &dyn Store) {
    eventually("the store serves again", || async {
        match store.ping().await {
            Ok(()) => Some(()),
            Err(StoreError::Unavailable(_)) => None,
            Err(other) => panic!("{other}"),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_master_is_found_by_the_sentinels() {
    let Some(mut servers) = SentinelServers::start().await else { return };
    let store = store_at(&place(&servers.url(), None));
    let sample = Sample::new();
    fill(&store, &sample).await;
    let killed = servers.kill_master().await;
    let error = store.ping().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    servers.failed_over(killed).await;
    serves_again(&store).await;
    check(&store, &sample).await;
    // Back and forth: the one that was killed follows now, and the one that leads hangs.
    servers.revive(killed).await;
    let leading = servers.master().await;
    servers.settle().await;
    servers.servers[leading].freeze();
    servers.failed_over(leading).await;
    serves_again(&store).await;
    check(&store, &sample).await;
    servers.servers[leading].thaw();
    servers.whole().await;
    check(&store, &sample).await;
    assert_eq!(store.issue((&sample.access.0, &sample.access.1), None).await.unwrap(), Issue::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_replica_of_a_dead_master_is_found_in_a_cluster() {
    let Some(mut servers) = ClusterServers::start().await else { return };
    let store = store_at(&place(&servers.url(), None));
    let samples: Vec<Sample> = (0..12).map(|_| Sample::new()).collect();
    for sample in &samples {
        fill(&store, sample).await;
    }
    for frozen in [false, true] {
        let victim = servers.masters().await[0];
        if frozen {
            servers.settle(victim).await;
            servers.nodes[victim].freeze();
        } else {
            servers.kill_node(victim).await;
        }
        servers.failed_over(victim).await;
        serves_again(&store).await;
        for sample in &samples {
            check(&store, sample).await;
        }
        if frozen {
            servers.nodes[victim].thaw();
            servers.whole().await;
        } else {
            servers.revive(victim).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_moves_and_nothing_is_lost() {
    let Some(servers) = ClusterServers::start().await else { return };
    let store = store_at(&place(&servers.url(), None));
    let sample = Sample::new();
    let refresh = Some((&sample.refresh.0, &sample.refresh.1));
    store.issue((&sample.access.0, &sample.access.1), refresh).await.unwrap();
    let slot = servers.slot(&format!("{{g:{}}}", sample.grant.as_str())).await;
    let from = servers.master_of(slot).await;
    let to = servers.masters().await.into_iter().find(|master| *master != from).unwrap();
    servers.begin_move(slot, from, to).await;
    // One key at a time: reading finds it on either side, by ASK.
    let mut moved = 0;
    while servers.move_keys(slot, from, to, 1).await > 0 {
        moved += 1;
        assert_eq!(store.access(&sample.access.0, START).await.unwrap().as_ref(), Some(&sample.access.1));
    }
    assert!(moved >= 5, "a grant has several records: {moved}");
    servers.end_move(slot, from, to).await;
    assert_eq!(store.access(&sample.access.0, START).await.unwrap().as_ref(), Some(&sample.access.1));
    let rotation = sample.rotation(&sample.refresh.0, START, "answer");
    assert_eq!(store.rotate(&rotation).await.unwrap(), RotationOutcome::Done);
    store.revoke_grant(&sample.grant).await.unwrap();
    assert_eq!(store.access(&rotation.access.0, START).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_node_gets_slots_of_a_running_cluster() {
    let Some(mut servers) = ClusterServers::start().await else { return };
    let store = store_at(&place(&servers.url(), None));
    let samples: Vec<Sample> = (0..6).map(|_| Sample::new()).collect();
    for sample in &samples {
        fill(&store, sample).await;
    }
    let newcomer = servers.add_master().await;
    for sample in &samples {
        let slot = servers.slot(&format!("{{g:{}}}", sample.grant.as_str())).await;
        let from = servers.master_of(slot).await;
        if from == newcomer {
            continue;
        }
        servers.begin_move(slot, from, newcomer).await;
        servers.move_keys(slot, from, newcomer, 2).await;
        assert_eq!(store.access(&sample.access.0, START).await.unwrap().as_ref(), Some(&sample.access.1));
        while servers.move_keys(slot, from, newcomer, 100).await > 0 {}
        servers.end_move(slot, from, newcomer).await;
        check(&store, sample).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bus_moves_on_when_its_node_dies() {
    use crate::ports::events::{Bus, Note, REVOKED};
    let Some(mut servers) = ClusterServers::start().await else { return };
    let (one, two) = (store_at(&place(&servers.url(), None)), store_at(&place(&servers.url(), None)));
    let mut heard = one.subscribe(REVOKED);
    let mut hears = async |what: &'static str| {
        eventually(what, || async { two.publish(REVOKED, what.into()).await.ok() }).await;
        loop {
            let note = tokio::time::timeout(std::time::Duration::from_secs(1), heard.recv()).await;
            match note {
                Ok(Ok(Note::Message(message))) if message == what.as_bytes() => return,
                Ok(_) => {}
                // Published before it listened.
                Err(_) => {
                    let _ = two.publish(REVOKED, what.into()).await;
                }
            }
        }
    };
    hears("before").await;
    // Every master in turn, so that of the listener is among them, unless it listens at a replica.
    for _ in 0..3 {
        let victim = servers.kill_master().await;
        servers.failed_over(victim).await;
        hears("after").await;
        servers.revive(victim).await;
    }
}

#[tokio::test]
async fn what_must_not_run_twice_is_sent_once_in_every_form() {
    for form in ["redis", "redis+cluster"] {
        let server = StandIn::start(|words, port| match words[0].as_str() {
            "CLUSTER" => Some(alone(port)),
            "EVALSHA" | "GET" => Some(Reply::Hangup),
            _ => None,
        })
        .await;
        let store = RedisStore::connect(&format!("{form}://127.0.0.1:{}", server.port), cipher()).unwrap();
        let sample = Sample::new();
        let error = store.redeem_code(&sample.code.0, &sample.code.1.client, START).await.unwrap_err();
        assert!(error.to_string().contains("lost"), "{form}: {error}");
        assert_eq!(server.times("EVALSHA"), 1, "{form}: a code is redeemed by one command");
        store.upstream(&user("alice")).await.unwrap_err();
        assert_eq!(server.times("GET"), 3, "{form}: reading is tried again");
    }
}

#[tokio::test]
async fn a_write_whose_master_dies_before_a_replica_has_it_is_not_told_as_done() {
    let sample = Sample::new();
    for (said, is_done) in [
        (":1\r\n", true),
        // Nobody follows: that is an operator's to mend, and serving beats stopping.
        (":0\r\n", true),
        ("-NOPERM User entrada has no permissions to run the 'wait' command\r\n", true),
        ("", false),
        ("-UNBLOCKED force unblock from blocking operation, instance state changed\r\n", false),
        ("-ERR WAIT cannot be used with replica instances.\r\n", false),
    ] {
        let server = StandIn::start(move |words, port| match words[0].as_str() {
            "CLUSTER" => Some(alone(port)),
            "EVALSHA" => Some(Reply::Line(":1\r\n".to_owned())),
            "WAIT" if said.is_empty() => Some(Reply::Hangup),
            "WAIT" => Some(Reply::Line(said.to_owned())),
            _ => None,
        })
        .await;
        let url = format!("redis+cluster://127.0.0.1:{}", server.port);
        let store = RedisStore::connect(&url, cipher()).unwrap();
        let spent = store.spend(&sample.access.0.hash, HOUR).await;
        assert_eq!(spent.is_ok(), is_done, "{said}: {spent:?}");
        assert_eq!((server.times("SET"), server.times("WAIT")), (1, 1), "{said}: spent once");
        // What may run twice is done once more, at whoever leads by then.
        let store = RedisStore::connect(&url, cipher()).unwrap();
        let forgotten = store.forget_upstream(&user("alice"), 1).await;
        assert_eq!(forgotten.is_ok(), is_done, "{said}: {forgotten:?}");
        let times = if said.is_empty() { 3 } else { 1 };
        assert_eq!(server.times("EVALSHA"), times, "{said}");
    }
}

#[tokio::test]
async fn a_script_that_is_not_known_is_sent_once_more_with_its_text() {
    let server = StandIn::start(|words, _| match words[0].as_str() {
        "EVALSHA" => Some(Reply::Line("-NOSCRIPT No matching script.\r\n".to_owned())),
        "EVAL" => Some(Reply::Line("*3\r\n:0\r\n$0\r\n\r\n:0\r\n".to_owned())),
        _ => None,
    })
    .await;
    let store = RedisStore::connect(&format!("redis://127.0.0.1:{}", server.port), cipher()).unwrap();
    let sample = Sample::new();
    let outcome = store.redeem_code(&sample.code.0, &sample.code.1.client, START).await.unwrap();
    assert_eq!(outcome, CodeRedemption::Unknown);
    assert_eq!((server.times("EVALSHA"), server.times("EVAL")), (1, 1));
}

/// What `ping` says about the place.
async fn complaint(place: &RedisPlace) -> String {
    let error = store_at(place).ping().await.unwrap_err().to_string();
    assert!(!error.contains("pa55"), "{error}");
    error
}

#[tokio::test]
async fn an_old_redis_is_told_from_a_new_one() {
    let server = StandIn::start(|words, _| {
        (words[0] == "INFO").then(|| Reply::Line(bulk("redis_version:6.2.14\r\nredis_mode:standalone")))
    })
    .await;
    let place = RedisPlace::parse(&format!("redis://127.0.0.1:{}", server.port)).unwrap();
    assert!(complaint(&place).await.contains("6.2.14"));
}

#[tokio::test]
async fn a_wrong_password_or_certificate_is_told_as_such() {
    let guard = Arc::new(Guard::new());
    let Some(node) = Node::server(Some(guard.clone()), &[]).await else { return };
    let right = node.url();
    store_at(&place(&right, Some(&guard))).ping().await.unwrap();
    let at = right.split_once('@').unwrap().1;
    for (login, said) in [("entrada:pa55wrong@", "refuses user or password"), ("", "asks for a password")] {
        let error = complaint(&place(&format!("rediss://{login}{at}"), Some(&guard))).await;
        assert!(error.contains(said), "{login}: {error}");
    }
    let other = Arc::new(Guard::new());
    for wrong in [place(&right, Some(&other)), place(&right, None)] {
        let error = complaint(&wrong).await;
        assert!(error.contains("store.ca_file"), "{error}");
    }
    // An account that may do too little.
    let () = node.ask(&["ACL", "SETUSER", "entrada", "-set", "-psetex"]).await;
    assert!(complaint(&place(&right, Some(&guard))).await.contains("may not do"));
}

#[tokio::test]
async fn a_redis_that_asks_clients_for_a_certificate_gets_ours() {
    let guard = Arc::new(Guard::new());
    let Some(node) = Node::server(Some(guard.clone()), &[("tls-auth-clients", "optional")]).await else {
        return;
    };
    let () = node.ask(&["CONFIG", "SET", "tls-auth-clients", "yes"]).await;
    let mut place = place(&node.url(), Some(&guard));
    store_at(&place).ping().await.unwrap_err();
    let (certificate, key) = guard.certificate_files();
    let read = |path: std::path::PathBuf| std::fs::read(path).unwrap();
    place.tls.as_mut().unwrap().client =
        Some((read(certificate), crate::domain::secret::Secret::new(read(key))));
    store_at(&place).ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_of_the_wrong_form_is_told_the_right_one() {
    let Some(sentinels) = SentinelServers::start().await else { return };
    let Some(cluster) = ClusterServers::start().await else { return };
    let Some(single) = Node::server(None, &[]).await else { return };
    let master = sentinels.master().await;
    let replica = (master + 1) % sentinels.servers.len();
    let sentinel = sentinels.sentinels[0].address();
    let node = cluster.nodes[0].address();
    for (url, said) in [
        (format!("redis://{sentinel}"), "redis+sentinel://"),
        (format!("redis://{node}"), "redis+cluster://"),
        (format!("redis://{}", sentinels.servers[replica].address()), "READONLY"),
        (format!("redis+sentinel://{sentinel}/other"), "they know: entrada"),
        (format!("redis+sentinel://{}/entrada", single.address()), "26379"),
        (format!("redis+cluster://{}", single.address()), "write redis://"),
        (format!("redis+cluster://{sentinel}"), "redis+sentinel://"),
    ] {
        let error = complaint(&RedisPlace::parse(&url).unwrap()).await;
        assert!(error.contains(said), "{url}: {error}");
    }
    let advice = store_at(&place(&single.url(), None)).advice().await.unwrap();
    assert_eq!(advice, Vec::<String>::new());
    let () = single.ask(&["CONFIG", "SET", "maxmemory", "100mb"]).await;
    let () = single.ask(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await;
    let advice = store_at(&place(&single.url(), None)).advice().await.unwrap();
    assert!(advice[0].contains("noeviction"), "{advice:?}");
}

#[tokio::test]
async fn a_full_redis_goes_on_reading() {
    let Some(node) = Node::server(None, &[]).await else { return };
    let store = store_at(&place(&node.url(), None));
    let sample = Sample::new();
    fill(&store, &sample).await;
    let () = node.ask(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let error = store.issue((&sample.access.0, &sample.access.1), None).await.unwrap_err();
    assert!(error.to_string().contains("full"), "{error}");
    let error = store.ping().await.unwrap_err();
    assert!(error.to_string().contains("full"), "{error}");
    assert_eq!(store.access(&sample.access.0, START).await.unwrap().as_ref(), Some(&sample.access.1));
    let () = node.ask(&["CONFIG", "SET", "maxmemory", "0"]).await;
    store.ping().await.unwrap();
    check(&store, &sample).await;
}

#[tokio::test]
async fn foreign_values_under_our_names_are_an_outage_and_no_panic() {
    use crate::adapters::keys;
    let Some(node) = Node::server(None, &[]).await else { return };
    let store = store_at(&place(&node.url(), None));
    let sample = Sample::new();
    let put = async |words: &[&str]| node.ask::<redis::Value>(words).await;
    // Of another kind, as software makes them that shares the database.
    for key in
        [keys::access(&sample.access.0), keys::upstream(&user("alice")), keys::session(&session("s").id)]
    {
        put(&["RPUSH", &key, "foreign"]).await;
    }
    put(&["SET", &keys::index(&sample.grant), "foreign"]).await;
    for error in [
        store.access(&sample.access.0, START).await.map(drop).unwrap_err(),
        store.upstream(&user("alice")).await.map(drop).unwrap_err(),
        store.session(&session("s").id, HOUR).await.map(drop).unwrap_err(),
        store.issue((&sample.access.0, &sample.access.1), None).await.map(drop).unwrap_err(),
    ] {
        assert!(error.to_string().contains("WRONGTYPE"), "{error}");
    }
    // Of an older layout: not sealed, or without the marks.
    let other = Sample::new();
    put(&["SET", &keys::access(&other.access.0), "{\"grant\":1}"]).await;
    put(&["SET", &keys::refresh(&other.refresh.0), "{\"grant\":1}"]).await;
    put(&["SET", &keys::code(&other.code.0), "{\"grant\":1}"]).await;
    put(&["SET", &keys::upstream(&user("bob")), "tokens"]).await;
    assert_eq!(store.access(&other.access.0, START).await.unwrap(), None, "nobody's");
    for error in [
        store.refresh(&other.refresh.0, START).await.map(drop).unwrap_err(),
        store.redeem_code(&other.code.0, &other.code.1.client, START).await.map(drop).unwrap_err(),
        store.upstream(&user("bob")).await.map(drop).unwrap_err(),
    ] {
        assert!(!error.to_string().contains("tokens"), "{error}");
    }
    // And what is not ours is left alone, in lists and counts as well.
    put(&["SET", "session:1", "theirs"]).await;
    assert!(store.census().await.unwrap().iter().all(|(_, count)| *count < 10));
    assert_eq!(put(&["GET", "session:1"]).await, redis::Value::BulkString(b"theirs".to_vec()));
}
