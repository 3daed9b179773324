//! Redis behind TLS and an ACL: the product needs no more than STORAGE.md says.

use super::users::{ALICE, crowd, pair};
use crate::support::cluster::{Cluster, Store, settings};
use crate::support::http::{self, eventually};
use crate::support::login::Client;
use crate::support::mcp::Mcp;
use crate::support::process::Process;
use crate::support::tenant::Tenant;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_serve_over_tls_with_an_account_of_their_own() {
    for store in Store::all_guarded().await {
        serves(pair(store).await).await;
    }
}

async fn serves(mut cluster: Cluster) {
    for person in &mut crowd(&cluster.url, 2).await {
        person.goes_on().await;
    }
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    let form = [("token", login.access.as_str()), ("client_id", &client.id)];
    let revoke = format!("{}/revoke", cluster.replica_url(0));
    assert_eq!(http::client().post(revoke).form(&form).send().await.unwrap().status(), 200);
    eventually("the bearer is worth nothing at the other replica", || async {
        let refused = Mcp::modern(cluster.replica_url(1), &login.access).send("tools/list", json!({})).await;
        (refused.status == 401).then_some(())
    })
    .await;
    for replica in &mut cluster.replicas {
        assert!(replica.is_alive());
        assert!(!replica.stderr().contains("pa55"), "a password in the log");
    }
    // Everything that `check` asks is allowed as well.
    let mut own = settings(&cluster.tenant, &cluster.url, &cluster.store.url());
    own.extend(cluster.store.settings());
    let mut check = Process::entrada(&["check"], &own);
    let fine = check.wait_exit().success();
    let said = check.stdout_at_end();
    assert!(fine && said.contains("over TLS, by store.ca_file, as `entrada`"), "{said}");
    assert!(!said.contains("pa55"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_wants_certificates_of_its_clients_is_shown_ours() {
    let Some(store) = Store::guarded().await else { return };
    let Store::Guarded(node, guard) = &store else { return };
    let () = node.ask(&["CONFIG", "SET", "tls-auth-clients", "yes"]).await;
    let tenant = Tenant::start(&[]);
    let mut own = settings(&tenant, "http://127.0.0.1:1", &store.url());
    own.extend(store.settings());
    let mut without = Process::entrada(&["check"], &own);
    assert!(!without.wait_exit().success());
    let (certificate, key) = guard.certificate_files();
    for (name, file) in [("CERTIFICATE", certificate), ("KEY", key)] {
        own.push((format!("ENTRADA_STORE__{name}_FILE"), file.to_str().unwrap().to_owned()));
    }
    let mut with = Process::entrada(&["check"], &own);
    assert!(with.wait_exit().success(), "{}", with.stdout_at_end());
    assert!(store.guard().is_some());
}
