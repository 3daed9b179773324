//! The clients that people connect, replayed from their first request to their first tool call and past a refresh.
//!
//! Each runs with registration (RFC 7591) and, where the client has one, with its client ID metadata document. The
//! vendors' documents cannot be fetched from a test; they fail in transport, so the pinned copies answer.

mod clients;
mod replay;

use super::main_job::subjects;
use super::support::cluster::{Cluster, Plan, Store};
use super::support::tenant::Tenant;
use clients::Profile;
use replay::{Identity, Login, Replay};

use serde_json::Value;
use std::collections::BTreeSet;

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";

/// Subjects by whose mail they are.
struct Mailboxes {
    alice: BTreeSet<String>,
    bob: BTreeSet<String>,
}

impl Mailboxes {
    async fn of(tenant: &Tenant) -> Self {
        let (alice, bob) = tokio::join!(tenant.subjects(ALICE), tenant.subjects(BOB));
        Self { alice: alice.into_iter().collect(), bob: bob.into_iter().collect() }
    }

    /// What a result of `query_email` shows, by its text, which every version has: Alice's mail and nobody else's.
    fn seen(&self, name: &str, result: &Value) -> BTreeSet<String> {
        let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text: {result}"));
        let shown = |subject: &&String| text.contains(&format!("**{subject}**"));
        let foreign: Vec<_> = self.bob.difference(&self.alice).filter(shown).collect();
        assert!(foreign.is_empty(), "{name} sees foreign mail: {foreign:?}");
        assert!(subjects(result).is_subset(&self.alice), "{name} sees foreign mail: {result}");
        let mine: BTreeSet<String> = self.alice.iter().filter(shown).cloned().collect();
        assert!(mine.len() > 3, "{name} sees too little: {text}");
        mine
    }
}

/// The whole way, with either identity; sees Alice's mail and nothing else.
async fn goes_all_the_way(profile: &Profile) {
    let cluster = Cluster::start(Store::embedded(), Plan::default()).await;
    let mailboxes = Mailboxes::of(&cluster.tenant).await;
    let identities = [Some(Identity::Registered), profile.document.map(Identity::Document)];
    for identity in identities.into_iter().flatten() {
        let mut replay = Replay::new(profile, &cluster.url);
        replay.discover().await;
        let login = replay.sign_in(ALICE, identity).await;
        let mail = mailboxes.seen(profile.name, &replay.read_mail(&login).await);
        let next = replay.refresh(&login).await;
        assert_eq!(mailboxes.seen(profile.name, &replay.read_mail(&next).await), mail);
    }
    cluster.assert_wire();
}

macro_rules! replays {
    ($($client:ident),+ $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $client() {
            Box::pin(goes_all_the_way(&clients::$client())).await;
        }
    )+};
}

replays!(claude_hosted, claude_code, chatgpt, vs_code, cursor, mcp_remote, inspector, codex);

/// Claude registers twice within a second or two, and its back end refreshes from two addresses.
#[tokio::test(flavor = "multi_thread")]
async fn claude_may_register_twice_and_refresh_twice() {
    let cluster = Cluster::embedded().await;
    let profile = clients::claude_hosted();
    let mut replay = Replay::new(&profile, &cluster.url);
    replay.discover().await;
    let (first, second) = tokio::join!(replay.register(), replay.register());
    assert_eq!(first, second, "equal registrations are one client");
    let login = replay.sign_in(ALICE, Identity::Registered).await;
    assert_eq!(login.client_id, first);
    let (one, other) = tokio::join!(replay.refresh(&login), replay.refresh(&login));
    assert_eq!((one.access, one.refresh.clone()), (other.access, other.refresh), "the same successor");
    replay.read_mail(&replay.refresh(&Login { refresh: one.refresh, ..login }).await).await;
}

/// Several instances of mcp-remote share a folder and sign in at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn instances_of_mcp_remote_do_not_disturb_each_other() {
    let cluster = Cluster::embedded().await;
    let mailboxes = Mailboxes::of(&cluster.tenant).await;
    let profile = clients::mcp_remote();
    let mut replay = Replay::new(&profile, &cluster.url);
    replay.discover().await;
    let (one, other) = tokio::join!(
        replay.sign_in(ALICE, Identity::Registered),
        replay.sign_in(ALICE, Identity::Registered)
    );
    assert_ne!(one.access, other.access);
    let (mail, same) = tokio::join!(replay.read_mail(&one), replay.read_mail(&other));
    assert_eq!(mailboxes.seen(profile.name, &mail), mailboxes.seen(profile.name, &same));
}
