//! One user's things in another user's hands: bearers, sessions, ids, cursors.

use super::main_job::subjects;
use super::support::cluster::Cluster;
use super::support::login::Client;
use super::support::mcp::Mcp;
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";

/// A product with both users signed in at the same registered client.
struct Pair {
    cluster: Cluster,
    alice: String,
    bob: String,
}

async fn pair() -> Pair {
    let cluster = Cluster::embedded().await;
    let client = Client::register(&cluster.url).await;
    let (alice, bob) = tokio::join!(client.sign_in(ALICE), client.sign_in(BOB));
    Pair { cluster, alice: alice.access, bob: bob.access }
}

/// Ids and subjects of a user's mail, from Graph itself.
async fn mail_of(cluster: &Cluster, user: &str) -> Vec<(String, String)> {
    let answer = cluster.tenant.graph(user, "/me/messages?$top=50&$select=id,subject").await;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    answer["value"].as_array().unwrap().iter().map(|m| (text(&m["id"]), text(&m["subject"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_alice_does_not_exist_for_bob() {
    let pair = pair().await;
    let session = Mcp::legacy(&pair.cluster.url, &pair.alice, "2025-11-25").await;
    session.call("list_mail_folders", json!({})).await.output();
    let stolen = session.with_bearer(&pair.bob);
    for answer in [
        stolen.call("list_mail_folders", json!({})).await,
        stolen.send("tools/list", json!({})).await,
        stolen.send("ping", json!({})).await,
    ] {
        assert_eq!(answer.status, 404, "{}", answer.text);
    }
    assert_eq!(stolen.end_session().await, 404);
    // Alice did not notice.
    session.call("list_mail_folders", json!({})).await.output();
    assert!(matches!(session.end_session().await, 200 | 204));
    assert_eq!(session.send("tools/list", json!({})).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_alices_mail_open_nothing_for_bob() {
    let pair = pair().await;
    let mail = mail_of(&pair.cluster, ALICE).await;
    let (id, subject) = mail.into_iter().find(|(_, subject)| subject.len() > 10).unwrap();
    let bob = Mcp::modern(&pair.cluster.url, &pair.bob);
    let alice = Mcp::modern(&pair.cluster.url, &pair.alice);
    let own = alice.call("get_email", json!({ "id": id })).await;
    assert!(subjects(own.output()).contains(&subject), "{}", own.text);
    for answer in [
        bob.call("get_email", json!({ "id": id })).await,
        bob.call("get_email_thread", json!({ "id": id })).await,
        bob.call("get_attachment", json!({ "message_id": id, "name": "x" })).await,
    ] {
        answer.refusal();
        assert!(!answer.text.contains(&subject), "{}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn naming_somebody_else_in_the_arguments_changes_nothing() {
    let pair = pair().await;
    let own: Vec<String> =
        mail_of(&pair.cluster, BOB).await.into_iter().map(|(_, subject)| subject).collect();
    let bob = Mcp::modern(&pair.cluster.url, &pair.bob);
    for name in ["user_id", "user_email"] {
        let answer = bob.call("query_email", json!({ "days_back": 3650, (name): ALICE })).await;
        for subject in subjects(answer.output()) {
            assert!(own.contains(&subject), "{name}: {subject}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_alice_is_worthless_for_bob() {
    let pair = pair().await;
    let alice = Mcp::modern(&pair.cluster.url, &pair.alice);
    let bob = Mcp::modern(&pair.cluster.url, &pair.bob);
    let first = alice.call("query_email", json!({ "days_back": 3650, "limit": 2 })).await;
    let cursor = first.output()["next_cursor"].as_str().expect("more mail than one page").to_owned();
    let own = alice.call("query_email", json!({ "cursor": cursor })).await;
    let next = subjects(own.output());
    assert!(!next.is_empty());
    let foreign = bob.call("query_email", json!({ "cursor": cursor })).await;
    foreign.refusal();
    for subject in next {
        assert!(!foreign.text.contains(&subject), "{}", foreign.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_calls_of_both_users_never_mix() {
    let pair = pair().await;
    let url = pair.cluster.url.clone();
    let mut expected = Vec::new();
    for (user, bearer) in [(ALICE, &pair.alice), (BOB, &pair.bob)] {
        let own: Vec<String> = mail_of(&pair.cluster, user).await.into_iter().map(|(_, s)| s).collect();
        expected.push((Mcp::modern(&url, bearer), own));
    }
    let calls = (0..40).map(|index| {
        let (mcp, own) = expected[index % 2].clone();
        tokio::spawn(async move {
            let answer = mcp.call("query_email", json!({ "days_back": 3650, "max_mails": 10 })).await;
            let seen = subjects(answer.output());
            assert!(!seen.is_empty() && seen.iter().all(|subject| own.contains(subject)), "{seen:?}");
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
}
