//! The main job: the official client signs a person in and reads that person's mail, and nobody else's.

use super::support::cluster::{Cluster, Store, ready};
use super::support::official::{self, Official};
use super::support::process::Process;
use super::support::tenant::Tenant;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";

/// Everything since long before the tenant was seeded.
fn everything() -> Value {
    json!({ "start_date": "2000-01-01", "max_mails": 200 })
}

/// Every `subject` in a tool's structured answer.
pub(crate) fn subjects(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(value, &mut found);
    found
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("subject").and_then(Value::as_str).map(ToOwned::to_owned));
            members.values().for_each(|member| collect(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What Graph itself shows the two users.
struct Truth {
    alice: BTreeSet<String>,
    bob: BTreeSet<String>,
}

impl Truth {
    async fn ask(tenant: &Tenant) -> Self {
        let (alice, bob) = tokio::join!(tenant.subjects(ALICE), tenant.subjects(BOB));
        let truth = Self { alice: alice.into_iter().collect(), bob: bob.into_iter().collect() };
        assert!(truth.alice.difference(&truth.bob).count() > 3, "the mailboxes must differ");
        assert!(truth.bob.difference(&truth.alice).count() > 3, "the mailboxes must differ");
        truth
    }
}

/// Signs in, lists, reads; asserts that the mail is in `own`.
async fn read_mail(base: &str, user: &str, modern: bool, own: &BTreeSet<String>) -> BTreeSet<String> {
    let mode = if modern { official::modern() } else { official::legacy() };
    let client = Official::connect(base, user, mode).await;
    assert!(client.pages.len() >= 2, "a consent page and a sign-in page, got {:?}", client.pages);
    let tools = client.tools().await;
    for expected in ["query_email", "get_email", "get_email_thread", "list_mail_folders", "get_attachment"] {
        assert!(tools.iter().any(|tool| tool == expected), "{expected} is missing in {tools:?}");
    }
    let (structured, text) = client.call("query_email", everything()).await;
    let mine = subjects(&structured);
    assert!(mine.len() > 3, "{user} sees too little: {structured}");
    assert!(mine.is_subset(own), "{user} sees foreign mail: {:?}", mine.difference(own));
    assert!(
        mine.iter().any(|subject| !subject.is_empty() && text.contains(subject.as_str())),
        "the text shows no subject: {text}"
    );
    client.close().await;
    mine
}

/// Alice and Bob at the same time, each seeing only their own.
async fn both_users(base: &str, modern: bool, truth: &Truth) {
    let alice = Box::pin(read_mail(base, ALICE, modern, &truth.alice));
    let bob = Box::pin(read_mail(base, BOB, modern, &truth.bob));
    let (alice, bob) = tokio::join!(alice, bob);
    assert_ne!(alice, bob);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_shows_each_user_their_own_mail_in_both_eras() {
    let mut demo = Process::entrada(&["demo", "--port", "0", "--tenant-port", "0"], &[]);
    let base = demo.wait_for("entrada listening on ");
    ready(&base).await;
    // The seed is the same in every tenant, so another one can tell what is in the mailboxes.
    let truth = Truth::ask(&Tenant::start(&[])).await;
    both_users(&base, false, &truth).await;
    both_users(&base, true, &truth).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_on_the_embedded_store_does_the_main_job() {
    let cluster = Cluster::embedded().await;
    let truth = Truth::ask(&cluster.tenant).await;
    both_users(&cluster.url, false, &truth).await;
    both_users(&cluster.url, true, &truth).await;
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_on_redis_behind_round_robin_do_the_main_job() {
    let Some(cluster) = Cluster::pair().await else { return };
    let truth = Truth::ask(&cluster.tenant).await;
    both_users(&cluster.url, false, &truth).await;
    both_users(&cluster.url, true, &truth).await;
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_on_redis_does_the_main_job() {
    let Some(store) = Store::redis() else { return };
    let Store::Redis(redis) = &store else { return };
    let arguments = ["demo", "--port", "0", "--tenant-port", "0", "--store", &redis.url()];
    let mut demo = Process::entrada(&arguments, &[]);
    let base = demo.wait_for("entrada listening on ");
    ready(&base).await;
    let truth = Truth::ask(&Tenant::start(&[])).await;
    both_users(&base, false, &truth).await;
}
