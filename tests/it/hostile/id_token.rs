//! Id_tokens that Entra would never issue, and people whom the operator did not invite: H33–H36.

use super::{ALICE, BOB, Table, rows};
use crate::support::browser::Browser;
use crate::support::cluster::{Cluster, Plan, Store};
use crate::support::http;
use crate::support::login::{Client, REDIRECT, parameter};
use crate::support::signing::now;
use futures_util::future::join_all;
use serde_json::{Value, json};

rows!(without_limits: h34, h36);

/// A tenant that is not ours.
const STRANGER: &str = "99999999-9999-4999-8999-999999999999";

/// Signs in until the client hears of it.
async fn walk(client: &Client, user: &str) -> String {
    Browser::new(user).walk(&client.authorize_url("s"), REDIRECT).await
}

/// The error that the client hears, with `state` and `iss`, no code, and a page for the person behind it.
pub(super) async fn refused(cluster: &Cluster, end: &str) -> String {
    assert_eq!(parameter(end, "code"), None, "{end}");
    assert_eq!(parameter(end, "state").as_deref(), Some("s"), "{end}");
    assert_eq!(parameter(end, "iss").as_deref(), Some(cluster.url.as_str()), "{end}");
    let page = parameter(end, "error_uri").unwrap_or_else(|| panic!("no page: {end}"));
    let page = http::client().get(page).send().await.unwrap();
    assert!(page.status().is_success(), "{}", page.status());
    assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    parameter(end, "error").unwrap_or_else(|| panic!("no error: {end}"))
}

async fn h34(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let now = now();
    let wrong = |name: &str, value: Value| json!({ "claims": { name: value } });
    let issuer = format!("{}/{STRANGER}/v2.0", cluster.tenant.url);
    let forgeries = [
        wrong("nonce", json!("somebody else's")),
        wrong("nonce", json!("")),
        wrong("nonce", Value::Null),
        wrong("aud", json!("another application")),
        wrong("aud", json!([cluster.tenant.client_id, "another application"])),
        wrong("aud", Value::Null),
        wrong("azp", json!("another application")),
        wrong("exp", json!(now - 300)),
        wrong("exp", Value::Null),
        wrong("nbf", json!(now + 900)),
        wrong("iss", json!("https://evil.example/v2.0")),
        wrong("iss", json!(issuer)),
        wrong("iss", Value::Null),
        wrong("tid", json!(STRANGER)),
        wrong("tid", Value::Null),
        wrong("tid", json!("../common")),
        wrong("oid", Value::Null),
        wrong("oid", json!("")),
        wrong("ver", json!("1.0")),
        json!({ "claims": { "iss": issuer, "tid": STRANGER } }),
        json!({ "signature": "broken" }),
        json!({ "signature": "none" }),
        json!({ "signature": "public_key" }),
        json!({ "kid": "" }),
        json!({ "kid": "made-up" }),
    ];
    for (number, forgery) in forgeries.iter().enumerate() {
        cluster.tenant.forge(forgery.clone()).await;
        let end = walk(&client, ALICE).await;
        assert_eq!(parameter(&end, "code"), None, "{forgery}");
        assert_eq!(refused(cluster, &end).await, "access_denied", "{forgery}");
        http::eventually("the operator is told", || async {
            let told = cluster.replicas[0].stderr().matches("\"id_token_refused\"").count();
            (told > number).then_some(())
        })
        .await;
    }
    // Nobody's login stands after that, and the right token still signs in.
    assert!(parameter(&walk(&client, ALICE).await, "code").is_some());
    table.held("H33", "id_token of another issuer", "access_denied and a security event");
    table.held(
        "H34",
        "id_token with wrong nonce, aud, azp, exp, nbf, signature; alg none, HS256 with the public key",
        "access_denied, no code",
    );
}

async fn h36(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    for number in 0..20 {
        cluster.tenant.forge(json!({ "kid": format!("made-up-{number}") })).await;
    }
    let ends = join_all((0..20).map(|_| walk(&client, ALICE))).await;
    for end in &ends {
        assert_eq!(refused(cluster, end).await, "access_denied");
    }
    let counters = cluster.tenant.counters().await;
    let fetched = &counters["routes"]["GET /{tenant}/discovery/v2.0/keys"];
    assert_eq!(fetched, 1, "{counters}");
    assert!(parameter(&walk(&client, ALICE).await, "code").is_some());
    table.held("H36", "20 id_tokens with made-up key ids at once", "access_denied; keys fetched once");
}

/// Where a row keeps its state; `None` where this machine has no such store.
type Stores = fn() -> Option<Store>;

/// A cluster of an operator who lets in whom the settings name, and a client of it.
async fn admitting(store: Store, settings: &[(&str, &str)]) -> (Cluster, Client) {
    let cluster = Cluster::start(store, Plan { settings, ..Plan::default() }).await;
    let client = Client::register(&cluster.url).await;
    (cluster, client)
}

/// One list of the operator's after the other.
async fn lists(stores: Stores, table: Table) {
    for (name, value) in [
        ("ENTRADA_ENTRA__ALLOWED_TENANTS", STRANGER),
        ("ENTRADA_OAUTH__ALLOWED_USERS", BOB),
        ("ENTRADA_OAUTH__ALLOWED_DOMAINS", "fabrikam.example"),
    ] {
        let Some(store) = stores() else { return };
        let (cluster, client) = admitting(store, &[(name, value)]).await;
        let seen = refused(&cluster, &walk(&client, ALICE).await).await;
        assert_eq!(seen, "access_denied", "{name}={value}");
        http::eventually("the operator is told", || async {
            cluster.replicas[0].stderr().contains("not_admitted").then_some(())
        })
        .await;
        if value == BOB {
            assert!(parameter(&walk(&client, BOB).await, "code").is_some(), "whom the list names comes in");
        }
        let list = name.rsplit("__").next().unwrap().to_ascii_lowercase();
        table.held("H35", format!("a person outside {list}"), format!("{seen}, with a page that says so"));
    }
}

/// Where any organisation may sign in, the token says which: one that is not on the list, or none.
async fn tenants(stores: Stores, table: Table) {
    let Some(store) = stores() else { return };
    let (mut cluster, client) = admitting(store, &[("AZURE_TENANT_ID", "common")]).await;
    let own = cluster.tenant.directory_id.clone();
    cluster.set("ENTRADA_ENTRA__ALLOWED_TENANTS", &own);
    cluster.crash_and_restart(0).await;
    let of = |tid: &str| json!({ "tid": tid, "iss": format!("{}/{tid}/v2.0", cluster.tenant.url) });
    for claims in [of(STRANGER), of(""), of("../common"), json!({ "tid": null }), json!({ "tid": STRANGER })]
    {
        cluster.tenant.forge(json!({ "claims": claims })).await;
        let seen = refused(&cluster, &walk(&client, ALICE).await).await;
        assert_eq!(seen, "access_denied", "{claims}");
    }
    assert!(parameter(&walk(&client, ALICE).await, "code").is_some());
    table.held("H35", "id_token of another tenant, or of none, at /common", "access_denied, with a page");
}

#[tokio::test(flavor = "multi_thread")]
async fn h35() {
    let stores: [(Stores, Table); 2] =
        [(|| Some(Store::embedded()), Table("embedded")), (Store::redis, Table("redis"))];
    for (stores, table) in stores {
        lists(stores, table).await;
        tenants(stores, table).await;
    }
}
