//! A Redis in which others write as well, and one that still has records of an older layout: what is not ours is left alone,
//! what lies where ours should be is nobody's login, and nothing of it is a panic or a 500.

use super::users::{ALICE, pair};
use crate::support::cluster::{Cluster, Store};
use crate::support::http::{self, eventually};
use crate::support::login::{Client, Tokens, tokens};
use crate::support::mcp::Mcp;
use crate::support::redis_forms::node::Node;
use serde_json::json;

const TOOL: &str = "list_mail_folders";

fn node(cluster: &Cluster) -> &Node {
    let Store::Guarded(node, _) = &cluster.store else { panic!("that is one server") };
    node
}

/// The only key of this pattern.
async fn key(cluster: &Cluster, pattern: &str) -> String {
    let mut keys: Vec<String> = node(cluster).ask(&["KEYS", pattern]).await;
    assert_eq!(keys.len(), 1, "{pattern}: {keys:?}");
    keys.remove(0)
}

/// Puts a list, as other software might, or a text where a record of ours is.
async fn replace(cluster: &Cluster, key: &str, words: &[&str]) {
    let _: u64 = node(cluster).ask(&["DEL", key]).await;
    let _: redis::Value = node(cluster).ask(words).await;
}

/// What a call with this bearer is answered at both replicas, once neither knows it any more from before.
async fn call_is(cluster: &Cluster, bearer: &str, status: u16) {
    for at in 0..2 {
        let mcp = Mcp::modern(cluster.replica_url(at), bearer);
        let answer = eventually("the record is read anew", || async {
            let answer = mcp.call(TOOL, json!({})).await;
            assert!(matches!(answer.status, 200 | 401 | 503), "{}: {}", answer.status, answer.text);
            (answer.status == status).then_some(answer)
        })
        .await;
        if status == 503 {
            assert!(!answer.header("retry-after").is_empty(), "when to come again");
        }
        if status == 401 {
            assert!(answer.header("www-authenticate").contains("resource_metadata"), "where to sign in");
        }
    }
}

/// The log of either replica says so.
async fn is_logged(cluster: &Cluster, said: &str) {
    eventually("the log says it", || async {
        cluster.replicas.iter().any(|replica| replica.stderr().contains(said)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_values_and_an_older_layout_are_nobodys_login() {
    let Some(store) = Store::guarded().await else { return };
    let mut cluster = pair(store).await;
    let foreign = [("session:1", "theirs"), ("ent:", "theirs"), ("ent:nothing:of:ours", "theirs")];
    for (key, value) in foreign {
        let () = node(&cluster).ask(&["SET", key, value]).await;
    }
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    call_is(&cluster, &login.access, 200).await;

    // A list where a bearer should be is an outage, which heals when it is gone; then the bearer is unknown.
    let bearer = key(&cluster, "ent:*:at:*").await;
    replace(&cluster, &bearer, &["RPUSH", &bearer, "theirs"]).await;
    call_is(&cluster, &login.access, 503).await;
    is_logged(&cluster, "does other software write to this database?").await;
    let _: u64 = node(&cluster).ask(&["DEL", &bearer]).await;
    call_is(&cluster, &login.access, 401).await;

    // A bearer of an older layout, which was not sealed, is unknown as well. The login lives on by its refresh token.
    let older = r#"{"client":"c","grant":"g","scopes":["Mail.Read"]}"#;
    replace(&cluster, &bearer, &["SET", &bearer, older]).await;
    call_is(&cluster, &login.access, 401).await;
    let _: u64 = node(&cluster).ask(&["DEL", &bearer]).await;
    let login = tokens(client.refresh(&login.refresh).await).await;
    call_is(&cluster, &login.access, 200).await;

    refresh_tokens_and_tokens_of_entra(&cluster, &client, login).await;

    for (key, value) in foreign {
        let found: String = node(&cluster).ask(&["GET", key]).await;
        assert_eq!(found, value, "{key} is left alone");
    }
    assert_eq!(http::status(&format!("{}/health/ready", cluster.url)).await, Some(200));
    for replica in &mut cluster.replicas {
        assert!(replica.is_alive());
        let log = replica.stderr();
        assert!(!log.contains("panicked") && !log.contains("theirs") && !log.contains(older), "{log}");
    }
}

/// A refresh token of an older layout, without its mark, and then what is kept of Entra's tokens.
async fn refresh_tokens_and_tokens_of_entra(cluster: &Cluster, client: &Client, login: Tokens) {
    let mut tokens: Vec<String> = node(cluster).ask(&["KEYS", "ent:*:rt:*"]).await;
    tokens.sort_unstable();
    for key in &tokens {
        replace(cluster, key, &["SET", key, r#"{"grant":1}"#]).await;
    }
    let refused = client.refresh(&login.refresh).await;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    is_logged(cluster, "a stored refresh token is unreadable").await;
    // Nothing of it is in the way of signing in anew, even where Entra's tokens lie.
    let upstream = key(cluster, "ent:up:*").await;
    replace(cluster, &upstream, &["SET", &upstream, "tokens of an older layout"]).await;
    let anew = client.sign_in(ALICE).await;
    call_is(cluster, &anew.access, 200).await;
}
