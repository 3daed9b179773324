//! `grant_type=refresh_token`: H47–H59.

use super::{ALICE, Table, outcome, rows};
use crate::support::cluster::{Cluster, Plan, Store};
use crate::support::http;
use crate::support::login::{Client, Tokens, tokens};
use crate::support::mcp::Mcp;
use reqwest::Response;
use serde_json::{Value, json};

rows!(on_both: h47, h48, h49, h51, h53, h54, h55, h57, h58, h59);
rows!(on_a_pair: h52);

async fn works(cluster: &Cluster, login: &Tokens) -> u16 {
    Mcp::modern(&cluster.url, &login.access).call("list_mail_folders", json!({})).await.status
}

/// A refresh with further parameters.
async fn refresh_with(client: &Client, token: &str, extra: &[(&str, &str)]) -> Response {
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", &client.id)];
    form.extend(extra);
    http::client().post(format!("{}/token", client.base)).form(&form).send().await.unwrap()
}

async fn h47(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    let last = if login.refresh.ends_with('A') { "B" } else { "A" };
    let mistyped = format!("{}{last}", &login.refresh[..login.refresh.len() - 1]);
    for token in ["x", &login.refresh[..40], &mistyped, &login.access] {
        assert_eq!(outcome(client.refresh(token).await).await, "400 invalid_grant");
    }
    assert_eq!(outcome(client.refresh(&login.refresh).await).await, "200");
    table.held("H47", "unknown, truncated, other checksum, an access token", "400 invalid_grant");
}

async fn h48(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let other = Client::register_as(&cluster.url, "Another").await;
    let login = client.sign_in(ALICE).await;
    let seen = outcome(other.refresh(&login.refresh).await).await;
    assert_eq!(seen, "400 invalid_grant");
    assert_eq!(works(cluster, &login).await, 200);
    assert_eq!(outcome(client.refresh(&login.refresh).await).await, "200");
    table.held("H48", "the refresh token of another client", format!("{seen}; its owner goes on"));
}

async fn h49(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    let first = client.refresh(&login.refresh).await.text().await.unwrap();
    let second = client.refresh(&login.refresh).await;
    assert_eq!(second.status(), 200);
    assert_eq!(first, second.text().await.unwrap());
    table.held("H49", "the same refresh token again within the grace", "200, the same answer byte by byte");
}

/// With a grace of nothing, so that "after the grace" needs no waiting.
async fn after_the_grace(store: Store, policy: &str) -> (String, Vec<String>) {
    let settings = [("ENTRADA_OAUTH__REFRESH_GRACE_S", "0"), ("ENTRADA_OAUTH__REFRESH_REUSE", policy)];
    let cluster = Cluster::start(store, Plan { settings: &settings, ..Plan::default() }).await;
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    let fresh = tokens(client.refresh(&login.refresh).await).await;
    // The grace is over when the clock shows another millisecond than that of the rotation.
    let seen = http::eventually("the grace is over", || async {
        let seen = outcome(client.refresh(&login.refresh).await).await;
        (seen != "200").then_some(seen)
    })
    .await;
    let told = async || cluster.replicas[0].stderr().contains("rt_reuse").then_some(());
    http::eventually("the operator is told", told).await;
    let later =
        vec![works(&cluster, &fresh).await.to_string(), outcome(client.refresh(&fresh.refresh).await).await];
    (seen, later)
}

#[tokio::test(flavor = "multi_thread")]
async fn h50() {
    let mut stores = vec![(Store::embedded(), "embedded"), (Store::embedded(), "embedded, reject")];
    stores.extend(Store::redis().map(|store| (store, "redis")));
    for (store, name) in stores {
        let policy = if name.ends_with("reject") { "reject" } else { "revoke" };
        let (seen, later) = after_the_grace(store, policy).await;
        assert_eq!(seen, "400 invalid_grant");
        let expected = if policy == "reject" { ["200", "200"] } else { ["401", "400 invalid_grant"] };
        assert_eq!(later, expected, "{policy}");
        Table(name).held(
            "H50",
            "a refresh token after the grace",
            format!("{seen}; then {}", later.join(" and ")),
        );
    }
}

async fn h51(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let first = client.sign_in(ALICE).await;
    let second = tokens(client.refresh(&first.refresh).await).await;
    let third = tokens(client.refresh(&second.refresh).await).await;
    let seen = outcome(client.refresh(&first.refresh).await).await;
    assert_eq!(seen, "400 invalid_grant");
    Mcp::modern(&cluster.url, &third.access).until_refused().await;
    assert_eq!(outcome(client.refresh(&third.refresh).await).await, "400 invalid_grant");
    table.held("H51", "a refresh token two generations old", format!("{seen}; the family is dead"));
}

async fn h52(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    let before = cluster.tenant.grants("refresh_token").await;
    let running: Vec<_> = (0..50)
        .map(|index| {
            let (client, token) = (client.at(cluster.replica_url(index % 2)), login.refresh.clone());
            tokio::spawn(async move {
                let response = client.refresh(&token).await;
                (response.status().as_u16(), response.text().await.unwrap())
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in running {
        answers.push(task.await.unwrap());
    }
    assert!(answers.iter().all(|answer| answer.0 == 200 && *answer == answers[0]), "{answers:?}");
    let calls = cluster.tenant.grants("refresh_token").await - before;
    assert_eq!(calls, 1);
    table.held("H52", "one refresh token 50 times at once", "50 × 200, one successor, one upstream call");
}

async fn h53(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    let seen =
        outcome(refresh_with(&client, &login.refresh, &[("scope", "Mail.Read Mail.Send")]).await).await;
    assert_eq!(seen, "400 invalid_scope");
    assert_eq!(outcome(client.refresh(&login.refresh).await).await, "200");
    table.held("H53", "a scope wider than granted", seen);
}

async fn h54(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let mut login = client.sign_in(ALICE).await;
    for (scope, expected) in
        [("Mail.Read", "Mail.Read"), ("", "Mail.Read User.Read"), ("offline_access", "Mail.Read User.Read")]
    {
        let response = refresh_with(&client, &login.refresh, &[("scope", scope)]).await;
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["scope"], expected, "{scope}: {answer}");
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        login = Tokens { access: text("access_token"), refresh: text("refresh_token") };
    }
    table.held("H54", "narrower scope; none; offline_access only", "200 narrower; then the whole set again");
}

async fn h55(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    let own = client.resource.clone();
    let fragment = format!("{own}#f");
    let foreign = "https://other.example/mail-query/mcp";
    for resources in [
        vec![("resource", foreign)],
        vec![("resource", &fragment)],
        vec![("resource", &*own), ("resource", foreign)],
    ] {
        let seen = outcome(refresh_with(&client, &login.refresh, &resources).await).await;
        assert_eq!(seen, "400 invalid_target", "{resources:?}");
    }
    assert_eq!(outcome(refresh_with(&client, &login.refresh, &[("resource", &own)]).await).await, "200");
    table.held("H55", "resource foreign, with fragment, own and foreign", "400 invalid_target");
}

async fn h57(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    cluster.tenant.revoke(ALICE).await;
    let seen = outcome(client.refresh(&login.refresh).await).await;
    assert_eq!(seen, "400 invalid_grant");
    let call = works(cluster, &login).await;
    assert_eq!(call, 401);
    table.held("H57", "Entra says that the sign-in has ended", format!("{seen}; MCP {call}"));
}

async fn h58(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    for status in [500, 502, 503, 429] {
        cluster.tenant.break_tokens(status).await;
        let response = client.refresh(&login.refresh).await;
        assert!(response.headers().contains_key("retry-after"), "{status}");
        assert_eq!(outcome(response).await, "503 temporarily_unavailable", "{status}");
        assert_eq!(works(cluster, &login).await, 200, "the bearer goes on");
        cluster.tenant.clear_faults().await;
    }
    for mut rule in [
        json!({ "status": 502, "body": "<html>bad gateway</html>" }),
        json!({ "status": 200, "body": "<html>a portal</html>" }),
        json!({ "reset": true }),
        json!({ "delay_ms": 60_000 }),
    ] {
        rule["path"] = json!("*/oauth2/v2.0/token");
        cluster.tenant.fault(rule.clone()).await;
        let response = client.refresh(&login.refresh).await;
        assert!(response.headers().contains_key("retry-after"), "{rule}");
        assert_eq!(outcome(response).await, "503 temporarily_unavailable", "{rule}");
        assert_eq!(works(cluster, &login).await, 200, "the bearer goes on");
        cluster.tenant.clear_faults().await;
    }
    let seen = http::eventually("the refresh works again", || async {
        let seen = outcome(client.refresh(&login.refresh).await).await;
        (seen == "200").then_some(seen)
    })
    .await;
    table.held(
        "H58",
        "Entra answers 5xx, 429, HTML, nothing",
        format!("503 with Retry-After; afterwards {seen}"),
    );
}

async fn h59(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    let mut seen = String::new();
    for code in [7_000_215, 7_000_222, 700_027] {
        let aadsts = json!({ "code": code, "error": "invalid_client" });
        let fault = json!({ "path": "*/oauth2/v2.0/token", "status": 401, "aadsts": aadsts });
        cluster.tenant.fault(fault).await;
        let response = client.refresh(&login.refresh).await;
        assert!(response.headers().contains_key("retry-after"), "{code}");
        seen = outcome(response).await;
        assert_eq!(seen, "503 temporarily_unavailable", "{code}");
        assert_eq!(works(cluster, &login).await, 200, "the bearer goes on");
        http::eventually("the operator is told", || async {
            let log = cluster.replicas[0].stderr();
            let told = |line: &str| line.contains("entra_setup") && line.contains(&code.to_string());
            log.lines().any(told).then_some(())
        })
        .await;
        cluster.tenant.clear_faults().await;
    }
    http::eventually("the login was kept", || async {
        (outcome(client.refresh(&login.refresh).await).await == "200").then_some(())
    })
    .await;
    table.held(
        "H59",
        "Entra refuses our own credential (7000215, 7000222, 700027)",
        format!("{seen}, an alarm; the login is kept"),
    );
}
