//! The key ring from outside: a new key comes in and the old one goes while people work, and the operator sees where the
//! records stand.

use crate::hostile::outcome;
use crate::support::cluster::{Cluster, Plan, Store};
use crate::support::http::eventually;
use crate::support::login::{Client, tokens};
use crate::support::mcp::Mcp;
use crate::support::process::Process;
use serde_json::json;

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const OLD: &str = "old:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const NEW: &str = "new:Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";
const KINDS: [&str; 3] = ["clients", "upstream records", "common records"];

/// What `entrada keys <command>` prints.
fn keys(store: &str, ring: &str, command: &str) -> String {
    let settings = [("ENTRADA_STORE", store), ("ENCRYPTION_KEYS", ring)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut process = Process::entrada(&["keys", command], &settings);
    let ended = process.wait_exit();
    let printed = process.stdout_at_end();
    assert!(ended.success(), "{printed}\n{}", process.stderr_at_end());
    printed
}

/// Records of `kind` under `key` in the print of `keys status`.
fn count(status: &str, key: &str, kind: &str) -> u64 {
    let mut lines = status.lines().skip_while(|line| !line.starts_with(&format!("{key}:"))).skip(1);
    let mine = lines.by_ref().take_while(|line| line.starts_with("  "));
    let prefix = format!("  {kind}: ");
    mine.filter_map(|line| line.strip_prefix(&prefix)?.parse::<u64>().ok()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_comes_in_and_the_old_one_goes_under_load() {
    let Some(store) = Store::redis() else { return };
    let url = store.url();
    let plan = Plan { replicas: 2, settings: &[("ENCRYPTION_KEYS", OLD)], ..Plan::default() };
    let mut cluster = Cluster::start(store, plan).await;
    let client = Client::register(&cluster.url).await;
    let (mut alice, bob) = (client.sign_in(ALICE).await, client.sign_in(BOB).await);
    let status = keys(&url, OLD, "status");
    assert!(KINDS.iter().all(|kind| count(&status, "old", kind) > 0), "{status}");
    assert!(status.starts_with("old: ") && status.contains("(active)"), "{status}");
    // Every replica learns the key, then every replica writes with it: one after the other, as in a rollout.
    let [both, active] = [format!("{OLD},{NEW}"), format!("{NEW},{OLD}")];
    for ring in [&both, &active] {
        cluster.set("ENCRYPTION_KEYS", ring);
        for index in 0..2 {
            cluster.crash_and_restart(index).await;
            alice = tokens(client.refresh(&alice.refresh).await).await;
        }
    }
    let working = async {
        for _ in 0..10 {
            alice = tokens(client.refresh(&alice.refresh).await).await;
            let answer = Mcp::modern(&cluster.url, &alice.access).send("tools/list", json!({})).await;
            assert_eq!(answer.status, 200);
        }
    };
    let sweeping = tokio::task::spawn_blocking({
        let (url, active) = (url.clone(), active.clone());
        move || (0..3).map(|_| keys(&url, &active, "reencrypt")).collect::<Vec<_>>()
    });
    let ((), swept) = futures_util::future::join(working, sweeping).await;
    assert!(swept.unwrap()[0].contains("records brought under new"));
    let status = keys(&url, &active, "status");
    for kind in KINDS.iter().chain(&["grants", "access tokens", "refresh tokens"]) {
        assert_eq!(count(&status, "old", kind), 0, "{kind}: {status}");
        assert!(count(&status, "new", kind) > 0, "{kind}: {status}");
    }
    // The old key leaves. Who was here since the rotation notices nothing.
    cluster.set("ENCRYPTION_KEYS", NEW);
    for index in 0..2 {
        cluster.crash_and_restart(index).await;
    }
    let alice = tokens(client.refresh(&alice.refresh).await).await;
    let answer = Mcp::modern(&cluster.url, &alice.access).call("list_mail_folders", json!({})).await;
    assert!(answer.output()["count"].as_u64().is_some_and(|count| count > 0), "{}", answer.text);
    // Bob's refresh token was made under the old key and not used since: what the 90 days are for.
    assert_eq!(outcome(client.refresh(&bob.refresh).await).await, "400 invalid_grant");
    assert!(client.sign_in(BOB).await.access.starts_with("dcr_at_"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_sweeps_by_itself() {
    let settings = [("ENCRYPTION_KEYS", OLD), ("ENTRADA_KEYS__REENCRYPT_AFTER_S", "0")];
    let plan = Plan { settings: &settings, ..Plan::default() };
    let mut cluster = Cluster::start(Store::embedded(), plan).await;
    let client = Client::register(&cluster.url).await;
    let alice = client.sign_in(ALICE).await;
    let active = format!("{NEW},{OLD}");
    cluster.set("ENCRYPTION_KEYS", &active);
    cluster.crash_and_restart(0).await;
    eventually("the sweep is done", || async {
        cluster.replicas[0].stderr().contains("resealed").then_some(())
    })
    .await;
    tokens(client.refresh(&alice.refresh).await).await;
    let url = cluster.store.url();
    cluster.replicas[0].terminate();
    assert!(cluster.replicas[0].wait_exit().success());
    let status = keys(&url, &active, "status");
    assert_eq!(count(&status, "old", "upstream records"), 0, "{status}");
    assert!(count(&status, "new", "upstream records") > 0, "{status}");
    let status = keys(&url, OLD, "status");
    assert!(status.contains("NOT in the ring"), "{status}");
}
