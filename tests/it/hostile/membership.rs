//! Who is let in by group and app role: at the sign-in, and again at every refresh. H35's part about groups.

use super::{ALICE, BOB, Table, outcome};
use crate::support::browser::Browser;
use crate::support::cluster::{Cluster, Plan, Store};
use crate::support::login::{Client, REDIRECT, Tokens, parameter, tokens};
use crate::support::mcp::Mcp;
use reqwest::Method;
use serde_json::{Value, json};

/// The group that the operator lets in, and another one.
const LISTED: &str = "5AFE0000-1111-4222-8333-444455556666";
const OTHER: &str = "0b5e55ed-1111-4222-8333-444455556666";
const ROLE: &str = "Entrada.User";
const MINJI: &str = "minji@contoso.example";
const CHECK: &str = "/v1.0/me/checkMemberObjects";
const GROUPS: (&str, &str) = ("DCR_ALLOWED_GROUPS", LISTED);
/// More groups than the listed one, up to 25: Graph takes 20 ids at a time.
const LONG_LIST: usize = 25;

/// Runs `row` on the embedded store and on Redis, with these settings.
async fn on_both(settings: &[(&str, &str)], row: impl AsyncFn(&mut Cluster, Table)) {
    let plan = || Plan { settings, ..Plan::default() };
    row(&mut Cluster::start(Store::embedded(), plan()).await, Table::on("embedded")).await;
    if let Some(store) = Store::redis() {
        row(&mut Cluster::start(store, plan()).await, Table::on("redis")).await;
    }
}

/// Puts `user` into these groups and no others.
async fn put_into(cluster: &Cluster, user: &str, groups: &[String]) {
    let change = json!({ "groups": groups });
    cluster.tenant.control(Method::POST, &format!("users/{user}"), Some(change)).await;
}

fn groups(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

/// So many groups that no token holds them, `ids` among them.
fn overage(ids: &[&str]) -> Vec<String> {
    let mut all: Vec<String> = (0..250).map(|n| format!("00000000-0000-4000-8000-{n:012}")).collect();
    all.extend(groups(ids));
    all
}

/// How a sign-in of `user` ends: `code`, or the error.
async fn ends(client: &Client, user: &str) -> String {
    let landing = Browser::new(user).walk(&client.authorize_url("s"), REDIRECT).await;
    assert_eq!(parameter(&landing, "iss").as_deref(), Some(client.base.as_str()));
    assert_eq!(parameter(&landing, "code").is_some(), parameter(&landing, "error").is_none());
    parameter(&landing, "error").unwrap_or_else(|| "code".to_owned())
}

/// How often Graph was asked about groups.
async fn asked(cluster: &Cluster) -> u64 {
    let counters = cluster.tenant.counters().await;
    counters["routes"]["POST /v1.0/me/checkMemberObjects"].as_u64().unwrap_or(0)
}

/// Status of a tool list with this bearer.
async fn status(cluster: &Cluster, login: &Tokens) -> u16 {
    Mcp::modern(&cluster.url, &login.access).send("tools/list", json!({})).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn only_members_of_a_listed_group_sign_in() {
    on_both(&[GROUPS], async |cluster, table| {
        let client = Client::register(&cluster.url).await;
        let cases: [(&str, Vec<String>, &str); 7] = [
            ("in the group", groups(&[OTHER, &LISTED.to_lowercase()]), "code"),
            ("in another group", groups(&[OTHER]), "access_denied"),
            ("in no group", Vec::new(), "access_denied"),
            ("in 250 groups and the group", overage(&[LISTED]), "code"),
            ("in 250 groups", overage(&[OTHER]), "access_denied"),
            ("in 200 groups", overage(&[LISTED]).split_off(51), "code"),
            ("in 201 groups", overage(&[LISTED]).split_off(50), "code"),
        ];
        for (what, put, end) in cases {
            put_into(cluster, BOB, &put).await;
            assert_eq!(ends(&client, BOB).await, end, "{what}");
            table.held("H35", format!("a person {what}, one group being let in"), end);
        }
        let page = Browser::new(MINJI).walk(&client.authorize_url("s"), REDIRECT).await;
        let page = parameter(&page, "error_uri").expect("a page for the person");
        let (_, text) = Browser::new(MINJI).open(&page).await;
        assert!(text.contains("<html") && !text.to_lowercase().contains(&LISTED.to_lowercase()), "{text}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_names_no_groups_in_tokens_will_do() {
    on_both(&[GROUPS], async |cluster, _| {
        let option = json!({ "group_claims": false });
        cluster.tenant.control(Method::POST, "options", Some(option)).await;
        let client = Client::register(&cluster.url).await;
        put_into(cluster, ALICE, &groups(&[LISTED])).await;
        assert_eq!(ends(&client, ALICE).await, "code");
        assert_eq!(ends(&client, BOB).await, "access_denied");
        assert_eq!(asked(cluster).await, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_is_asked_for_in_parts() {
    let mut list = overage(&[]);
    list.truncate(LONG_LIST);
    list.push(LISTED.to_owned());
    on_both(&[("DCR_ALLOWED_GROUPS", &list.join(","))], async |cluster, _| {
        let others: Vec<String> = (300..600).map(|n| format!("00000000-0000-4000-8000-{n:012}")).collect();
        let client = Client::register(&cluster.url).await;
        put_into(cluster, ALICE, &others).await;
        assert_eq!(ends(&client, ALICE).await, "access_denied");
        put_into(cluster, ALICE, &[others, groups(&[LISTED])].concat()).await;
        assert_eq!(ends(&client, ALICE).await, "code");
        assert_eq!(asked(cluster).await, 4);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_role_lets_in_beside_a_group() {
    on_both(&[GROUPS, ("DCR_ALLOWED_ROLES", "Entrada.User Entrada.Admin")], async |cluster, table| {
        let client = Client::register(&cluster.url).await;
        let give = async |user: &str, roles: Value| {
            let change = json!({ "roles": roles });
            cluster.tenant.control(Method::POST, &format!("users/{user}"), Some(change)).await;
        };
        put_into(cluster, ALICE, &groups(&[LISTED])).await;
        give(BOB, json!([ROLE])).await;
        give(MINJI, json!(["Entrada.Guest"])).await;
        assert_eq!(ends(&client, ALICE).await, "code");
        assert_eq!(ends(&client, MINJI).await, "access_denied");
        // A role is in the token: nobody has to be asked, and it does not matter who is away.
        put_into(cluster, BOB, &overage(&[])).await;
        cluster.tenant.fault(json!({ "path": CHECK, "status": 503 })).await;
        let login = client.sign_in(BOB).await;
        let login = tokens(client.refresh(&login.refresh).await).await;
        cluster.tenant.clear_faults().await;
        give(BOB, json!([])).await;
        assert_eq!(outcome(client.refresh(&login.refresh).await).await, "400 invalid_grant");
        assert_eq!(status(cluster, &login).await, 401);
        table.held("H35", "a person whose app role is taken away, at the next refresh", "400 invalid_grant");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_the_group_loses_access_at_the_next_refresh() {
    on_both(&[GROUPS], async |cluster, table| {
        for (size, put) in [("few", groups as fn(&[&str]) -> Vec<String>), ("250", overage)] {
            let client = Client::register_as(&cluster.url, size).await;
            put_into(cluster, ALICE, &put(&[LISTED])).await;
            put_into(cluster, BOB, &put(&[LISTED])).await;
            let alice = client.sign_in(ALICE).await;
            let bob = client.sign_in(BOB).await;
            let alice = tokens(client.refresh(&alice.refresh).await).await;
            put_into(cluster, ALICE, &put(&[OTHER])).await;
            assert_eq!(status(cluster, &alice).await, 200, "a bearer lives to its end");
            assert_eq!(outcome(client.refresh(&alice.refresh).await).await, "400 invalid_grant");
            assert_eq!(status(cluster, &alice).await, 401, "the family is dead");
            put_into(cluster, ALICE, &put(&[LISTED])).await;
            assert_eq!(outcome(client.refresh(&alice.refresh).await).await, "400 invalid_grant");
            let bob = tokens(client.refresh(&bob.refresh).await).await;
            assert_eq!(status(cluster, &bob).await, 200, "nobody else is touched");
            assert_eq!(ends(&client, ALICE).await, "code", "and a sign-in lets the person in again");
            table.held(
                "H35",
                format!("a person of {size} groups leaves the listed one, at the next refresh"),
                "400 invalid_grant, family dead",
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graph_that_is_away_lets_nobody_in_and_loses_nothing() {
    // Entra's refresh tokens die when they are used: what it answered must be kept although Graph is away.
    let plan = || Plan { settings: &[GROUPS], tenant_arguments: &["--strict-refresh"], ..Plan::default() };
    let row = async |cluster: &mut Cluster, table: Table| {
        let client = Client::register(&cluster.url).await;
        put_into(cluster, ALICE, &overage(&[LISTED])).await;
        let login = client.sign_in(ALICE).await;
        for fault in [
            json!({ "status": 503, "headers": { "Retry-After": "7" } }),
            json!({ "status": 429, "headers": { "Retry-After": "7" } }),
            json!({ "status": 200, "body": "<html>a portal</html>" }),
            json!({ "reset": true }),
        ] {
            let mut rule = fault.clone();
            rule["path"] = json!(CHECK);
            cluster.tenant.fault(rule).await;
            assert_eq!(ends(&client, ALICE).await, "temporarily_unavailable", "{fault}");
            let refused = client.refresh(&login.refresh).await;
            let wait = refused.headers()["retry-after"].to_str().unwrap().to_owned();
            assert_eq!(outcome(refused).await, "503 temporarily_unavailable", "{fault}");
            if fault["headers"].is_object() {
                assert_eq!(wait, "7", "what Graph said");
            }
            assert_eq!(status(cluster, &login).await, 200);
            cluster.tenant.clear_faults().await;
        }
        let login = tokens(client.refresh(&login.refresh).await).await;
        assert_eq!(status(cluster, &login).await, 200);
        table.held(
            "H35",
            "Graph away while the groups of a person are asked for",
            "503, then 200 with the same token",
        );
    };
    row(&mut Cluster::start(Store::embedded(), plan()).await, Table::on("embedded")).await;
    if let Some(store) = Store::redis() {
        row(&mut Cluster::start(store, plan()).await, Table::on("redis")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_ask_once_for_one_refresh() {
    let Some(store) = Store::redis() else { return };
    let plan = Plan { settings: &[GROUPS], replicas: 2, ..Plan::default() };
    let cluster = Cluster::start(store, plan).await;
    let client = Client::register(&cluster.url).await;
    put_into(&cluster, ALICE, &overage(&[LISTED])).await;
    let login = client.sign_in(ALICE).await;
    let (before, refreshed) = (asked(&cluster).await, cluster.tenant.grants("refresh_token").await);
    let clients = [client.at(cluster.replica_url(0)), client.at(cluster.replica_url(1))];
    let all = (0..12).map(|n| clients[n % 2].refresh(&login.refresh));
    let mut successors = Vec::new();
    for answer in futures_util::future::join_all(all).await {
        successors.push(tokens(answer).await.refresh);
    }
    successors.dedup();
    assert_eq!(successors.len(), 1, "one successor for all twelve");
    assert_eq!(asked(&cluster).await - before, 1);
    assert_eq!(cluster.tenant.grants("refresh_token").await - refreshed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_set_later_counts_from_the_next_refresh() {
    let mut cluster = Cluster::start(Store::embedded(), Plan::default()).await;
    let client = Client::register(&cluster.url).await;
    put_into(&cluster, ALICE, &groups(&[LISTED])).await;
    let (alice, bob) = (client.sign_in(ALICE).await, client.sign_in(BOB).await);
    cluster.set(GROUPS.0, GROUPS.1);
    cluster.crash_and_restart(0).await;
    tokens(client.refresh(&alice.refresh).await).await;
    assert_eq!(outcome(client.refresh(&bob.refresh).await).await, "400 invalid_grant");
}
