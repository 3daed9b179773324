//! `Idempotency-Key`: a repeated request is answered and not done twice.

use super::super::support::cluster::{Cluster, Plan, Store};
use super::super::support::http;
use super::super::support::login::Client;
use super::super::support::openai::OpenAi;
use super::super::support::operator::clusters;
use super::{ALICE, BOB, connect};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_write_is_answered_again_and_done_once_on_any_replica() {
    for cluster in clusters().await {
        answered_again(&cluster).await;
    }
}

async fn answered_again(cluster: &Cluster) {
    let drive = connect(cluster, "onedrive", ALICE, "Files.ReadWrite").await;
    let write = drive.chat(r#"write_file {"file_path": "/once.txt", "content": "first"}"#, json!({}));
    let first = drive.post_once("/chat/completions", &write, "key-1").await;
    assert_eq!(first.message()["tool_results"][0]["is_error"], false, "{}", first.body);
    for _ in 0..4 {
        // Without `overwrite` a second write of the file would fail.
        let again = drive.post_once("/chat/completions", &write, "key-1").await;
        assert_eq!(again.body, first.body);
    }
    let mut streamed = write.clone();
    streamed["stream"] = json!(true);
    assert_eq!(drive.post_once("/chat/completions", &streamed, "key-1").await.refusal().0, 422);
    let other = drive.chat(r#"write_file {"file_path": "/other.txt", "content": "x"}"#, json!({}));
    assert_eq!(drive.post_once("/chat/completions", &other, "key-1").await.refusal().0, 422);
    let done_anew = drive.post_once("/chat/completions", &write, "key-2").await;
    assert_eq!(done_anew.message()["tool_results"][0]["is_error"], true, "{}", done_anew.body);

    // A key is its user's.
    let bobs = connect(cluster, "onedrive", BOB, "Files.ReadWrite").await;
    let written = bobs.post_once("/chat/completions", &write, "key-1").await;
    assert_ne!(written.body["id"], first.body["id"]);
    assert_eq!(written.message()["tool_results"][0]["is_error"], false);
    // And its client's.
    let app = Client::register_as(&cluster.url, "Another app").await;
    let app = app.for_resource(&format!("{}/onedrive/v1", cluster.url)).with_scope("Files.ReadWrite");
    let elsewhere = OpenAi::new(&cluster.url, "onedrive", &app.sign_in(ALICE).await.access);
    let other = elsewhere.post_once("/chat/completions", &write, "key-1").await;
    assert_eq!(other.message()["tool_results"][0]["is_error"], true, "{}", other.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_once_one_runs_and_the_others_come_back() {
    let Some(cluster) = Cluster::pair().await else { return };
    let drive = connect(&cluster, "onedrive", ALICE, "Files.ReadWrite").await;
    let write = drive.chat(r#"write_file {"file_path": "/race.txt", "content": "x"}"#, json!({}));
    let asked = (0..8).map(|_| drive.post_once("/chat/completions", &write, "race"));
    let answers = futures_util::future::join_all(asked).await;
    let mut done: Vec<&Value> = Vec::new();
    for answer in &answers {
        match answer.status {
            200 => done.push(&answer.body),
            409 => assert_eq!(
                (answer.refusal().1, answer.header("retry-after")),
                ("idempotency_key_in_use", "1")
            ),
            _ => panic!("{}", answer.body),
        }
    }
    assert!(!done.is_empty());
    assert!(done.iter().all(
        |body| *body == done[0] && body["choices"][0]["message"]["tool_results"][0]["is_error"] == false
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_finds_its_answer_when_it_comes_back() {
    let cluster = Cluster::embedded().await;
    let drive = connect(&cluster, "onedrive", ALICE, "Files.ReadWrite").await;
    let write = drive.chat(r#"write_file {"file_path": "/left.txt", "content": "x"}"#, json!({}));
    cluster.tenant.fault(json!({ "path": "/v1.0/me/drive", "delay_ms": 700, "times": 50 })).await;
    let asked = drive
        .request(reqwest::Method::POST, "/chat/completions")
        .header("Idempotency-Key", "left")
        .json(&write);
    let left = asked.timeout(std::time::Duration::from_millis(300)).send().await;
    assert!(left.is_err_and(|error| error.is_timeout()));
    let found = http::eventually("the answer is there", || async {
        let again = drive.post_once("/chat/completions", &write, "left").await;
        (again.status != 409).then_some(again)
    })
    .await;
    assert_eq!(found.message()["tool_results"][0]["is_error"], false, "{}", found.body);
    assert_eq!(drive.post_once("/chat/completions", &write, "left").await.body, found.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_kept_of_what_only_reads() {
    let cluster = Cluster::embedded().await;
    let mail = connect(&cluster, "mail-query", ALICE, "").await;
    let read = mail.chat(r#"query_email {"max_mails": 1}"#, json!({}));
    let first = mail.post_once("/chat/completions", &read, "read").await;
    let second = mail.post_once("/chat/completions", &read, "read").await;
    assert_ne!(first.body["id"], second.body["id"]);
    assert_eq!(first.structured(), second.structured());
    for bad in [String::new(), "x".repeat(300)] {
        assert_eq!(mail.post_once("/chat/completions", &read, &bad).await.refusal().0, 400);
    }
}

/// The store is away when a request ends: its key is given back once the store is there, and not left to run out.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_given_back_when_the_store_returns() {
    let Some(store) = Store::durable_redis() else { return };
    let mut cluster = Cluster::start(store, Plan::default()).await;
    let mail = connect(&cluster, "mail-query", ALICE, "").await;
    let read = mail.chat(r#"query_email {"max_mails": 1}"#, json!({}));
    let slow = json!({ "path": "/v1.0/me/*", "delay_ms": 1_500, "times": 1 });
    cluster.tenant.fault(slow).await;
    let request = mail.request(reqwest::Method::POST, "/chat/completions").header("Idempotency-Key", "held");
    let request = request.json(&read);
    let asked = tokio::spawn(async move { request.send().await.unwrap().status() });
    http::eventually("the request is at Microsoft", || async {
        (cluster.tenant.faults_left().await == 0).then_some(())
    })
    .await;
    let held: Vec<String> = cluster.redis().ask(&["KEYS", "ent:lease:*again:*"]).await;
    assert_eq!(held.len(), 1, "{held:?}");
    cluster.redis().kill();
    asked.await.unwrap();
    cluster.redis().restart();
    // How long it would have stood when it was seen last.
    let mut left = 0;
    loop {
        let life: i64 = cluster.redis().ask(&["PTTL", &held[0]]).await;
        if life < 0 {
            break;
        }
        left = life;
        tokio::task::yield_now().await;
    }
    assert!(left == 0 || left > 1_000, "it ran out");
}

/// The replica dies in the middle of the write: its key is free again soon, and who comes back is told to look.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_died_with_its_replica_is_not_done_again() {
    let Some(mut cluster) = Cluster::pair().await else { return };
    let mail = connect(&cluster, "mail-query", ALICE, "Mail.ReadWrite").await;
    let text = r#"create_email_draft {"to": ["bob@contoso.example"], "subject": "Torn", "body": "x"}"#;
    let write = mail.chat(text, json!({}));
    let slow = json!({ "method": "POST", "path": "/v1.0/me/messages", "delay_ms": 1_500, "times": 1 });
    cluster.tenant.fault(slow).await;
    let doomed = OpenAi::new(cluster.replica_url(0), "mail-query", &mail.key);
    let request =
        doomed.request(reqwest::Method::POST, "/chat/completions").header("Idempotency-Key", "torn");
    let request = request.json(&write);
    let hanging = tokio::spawn(async move { request.send().await.map(|answer| answer.status()) });
    http::eventually("the write is at Microsoft", || async {
        (cluster.tenant.faults_left().await == 0).then_some(())
    })
    .await;
    cluster.replicas[0].kill();
    assert!(hanging.await.unwrap().is_err(), "a dead replica answered");
    let told = http::eventually("the key is free again", || async {
        let again = mail.post_once("/chat/completions", &write, "torn").await;
        assert!(matches!(again.status, 200 | 409), "{}", again.body);
        (again.status == 200).then_some(again)
    })
    .await;
    let result = &told.message()["tool_results"][0];
    assert_eq!(result["is_error"], true, "{}", told.body);
    assert_eq!(result["structured_content"]["error"]["graph_code"], "unknown_outcome", "{}", told.body);
    assert!(told.content().contains("Look for it"), "{}", told.body);
    assert_eq!(mail.post_once("/chat/completions", &write, "torn").await.body, told.body);
    let drafts = cluster.tenant.subjects(ALICE).await;
    let count = drafts.iter().filter(|subject| *subject == "Torn").count();
    assert!(count <= 1, "written {count} times");
}
