//! Links: agreed to, bounded by the operator, taken away.

use super::super::support::cluster::{Plan, Store};
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn links_are_agreed_to_bounded_and_taken_away() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(onedrive(&cluster, ALICE), onedrive(&cluster, BOB));
    let path = "Shared by me/it's 100% #1.txt";
    write(&alice, path, "for colleagues").await;
    let wish = json!({"file_path": path, "role": "view", "expires": "2190-12-31"});
    let held = alice.call(SHARE, wish.clone()).await.output().clone();
    let preview = held["preview"].as_str().unwrap();
    assert!(
        preview.contains(path) && preview.contains("organization") && preview.contains("2191-01-01"),
        "{preview}"
    );
    assert_eq!(info(&alice, path).await["permissions"].as_array().unwrap().len(), 1, "nothing was done yet");

    let shared = confirmed(&alice, SHARE, wish).await;
    let link = shared["permission"]["link_url"].as_str().unwrap().to_owned();
    assert_eq!(
        (&shared["permission"]["link_scope"], &shared["path"]),
        (&json!("organization"), &json!(path))
    );
    assert!(shared["permission"]["expires"].as_str().unwrap().starts_with("219"), "{shared}");
    let found = bob.call("get_file_info", json!({"file_path": link})).await;
    assert_eq!(found.output()["name"], "it's 100% #1.txt");
    // Another word for another link: one that lets people write.
    let edit = confirmed(&alice, SHARE, json!({"file_path": path, "role": "edit"})).await;
    assert_eq!(edit["permission"]["roles"], json!(["write"]));
    assert_eq!(info(&alice, path).await["permissions"].as_array().unwrap().len(), 3);

    let revoke = json!({"file_path": path, "revoke_id": shared["permission"]["id"]});
    let held = alice.call(SHARE, revoke.clone()).await.output().clone();
    assert!(held["preview"].as_str().unwrap().contains(&link), "{held}");
    confirmed(&alice, SHARE, revoke.clone()).await;
    bob.call("get_file_info", json!({"file_path": link})).await.refusal();
    assert!(refused(&alice, SHARE, revoke).await.contains("revoke_id"));

    let owner = info(&alice, path).await["permissions"][0]["id"].clone();
    for (arguments, part) in [
        (json!({"file_path": path, "revoke_id": owner}), "owner"),
        (json!({"file_path": path, "revoke_id": "x", "role": "view"}), "revoke_id"),
        (json!({"file_path": path, "revoke_id": "'%#/../x"}), "revoke_id"),
        (json!({"file_path": path, "expires": "2020-01-01"}), "expires"),
        (json!({"file_path": path, "expires": "soon"}), "expires"),
        (json!({"file_path": path, "scope": "world"}), "scope"),
        (json!({"file_path": path, "role": "own"}), "role"),
        (json!({"file_path": "/"}), "file_path"),
    ] {
        let words = refused(&alice, SHARE, arguments.clone()).await;
        assert!(words.contains(part), "{arguments}: {words}");
    }
    // Many organizations forbid links for anybody.
    let body = json!({"error": {"code": "accessDenied", "message": "Sharing is disabled"}});
    let anybody = json!({"file_path": path, "scope": "anonymous"});
    let mut again = anybody.clone();
    let held = alice.call(SHARE, anybody.clone()).await.output().clone();
    assert!(held["preview"].as_str().unwrap().contains("without signing in"), "{held}");
    again["confirm_token"] = held["confirm_token"].clone();
    let forbidden = json!({"path": "*/createLink", "status": 403, "body": body});
    cluster.tenant.fault(forbidden).await;
    assert!(refused(&alice, SHARE, again).await.contains("scope=organization"));
    cluster.tenant.clear_faults().await;
    assert_eq!(confirmed(&alice, SHARE, anybody).await["permission"]["link_scope"], "anonymous");
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_bound_whom_links_reach() {
    let settings = [("ENTRADA_TOOLS__RECIPIENT_DOMAINS", "contoso.example")];
    let cluster = Cluster::start(Store::embedded(), Plan { settings: &settings, ..Plan::default() }).await;
    let alice = onedrive(&cluster, ALICE).await;
    let words = refused(&alice, SHARE, json!({"file_path": "notes.txt", "scope": "anonymous"})).await;
    assert!(words.contains("scope=organization"), "{words}");
    confirmed(&alice, SHARE, json!({"file_path": "notes.txt"})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_may_have_a_password_that_nobody_repeats() {
    let cluster = Cluster::embedded().await;
    let alice = onedrive(&cluster, ALICE).await;
    let path = "Shared by me/secret.txt";
    write(&alice, path, "for some").await;
    let wish = json!({"file_path": path, "scope": "anonymous", "password": "Korrekt-Pferd 9"});
    let held = alice.call(SHARE, wish.clone()).await;
    let preview = held.output()["preview"].as_str().unwrap().to_owned();
    assert!(preview.contains("with the password") && !held.text.contains("Korrekt"), "{preview}");
    let mut other = wish.clone();
    other["password"] = json!("another one");
    other["confirm_token"] = held.output()["confirm_token"].clone();
    assert!(refused(&alice, SHARE, other).await.contains("confirm_token"));
    let shared = confirmed(&alice, SHARE, wish).await;
    assert!(!shared.to_string().contains("Korrekt"), "{shared}");
    let item = cluster.tenant.graph(ALICE, "/me/drive/root:/Shared%20by%20me/secret.txt").await;
    let all = format!("/me/drive/items/{}/permissions", item["id"].as_str().unwrap());
    let all = cluster.tenant.graph(ALICE, &all).await;
    let made =
        all["value"].as_array().unwrap().iter().find(|one| one["id"] == shared["permission"]["id"]).unwrap();
    assert_eq!(made["hasPassword"], true, "{made}");
    for (arguments, part) in [
        (json!({"file_path": path, "password": "abc"}), "password"),
        (json!({"file_path": path, "password": "a\nbcdef"}), "password"),
        (json!({"file_path": path, "password": "x".repeat(65)}), "password"),
        (json!({"file_path": path, "revoke_id": "x", "password": "abcdef"}), "password"),
    ] {
        let words = refused(&alice, SHARE, arguments.clone()).await;
        assert!(words.contains(part), "{arguments}: {words}");
    }
    assert!(!cluster.replicas[0].stderr().contains("Korrekt"));
}
