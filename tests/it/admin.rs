//! The operators' API: what there is, and its end.

use super::support::cluster::Cluster;
use super::support::http;
use super::support::login::{Client, Tokens};
use super::support::mcp::Mcp;
use super::support::operator::{Operator, TOKEN, clusters};
use super::support::process::Process;
use super::support::socket::{Said, Socket};
use super::support::sse::Stream;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";

async fn works(base: &str, login: &Tokens) -> bool {
    Mcp::modern(base, &login.access).call("list_mail_folders", json!({})).await.status == 200
}

/// Every item of a list, page by page.
async fn all(operator: &Operator, path: &str, limit: usize) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let joint = if path.contains('?') { '&' } else { '?' };
        let from = cursor.map(|cursor| format!("&cursor={}", encoded(&cursor))).unwrap_or_default();
        let page = operator.get(&format!("{path}{joint}limit={limit}{from}")).await;
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return items;
        }
    }
}

fn encoded(text: &str) -> String {
    let url = reqwest::Url::parse_with_params("http://x/", [("v", text)]).unwrap();
    url.query().unwrap().trim_start_matches("v=").to_owned()
}

fn members<'a>(items: &'a [Value], name: &str) -> BTreeSet<&'a str> {
    items.iter().map(|item| item[name].as_str().unwrap_or_else(|| panic!("no {name}: {item}"))).collect()
}

async fn revoke(operator: &Operator, whose: Value) -> u64 {
    let response = operator.send(Method::POST, "revoke", Some(whose)).await;
    assert_eq!(response.status(), 200);
    response.json::<Value>().await.unwrap()["revoked"].as_u64().unwrap()
}

async fn delete(operator: &Operator, path: &str) -> (u16, Value) {
    let response = operator.send(Method::DELETE, path, None).await;
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn sees_and_ends(cluster: &mut Cluster) {
    let base = cluster.url.clone();
    let operator = Operator::of(cluster, 0);
    let (one, two) =
        (Client::register_as(&base, "One app").await, Client::register_as(&base, "Another app").await);
    let clients = all(&operator, "clients", 1).await;
    assert_eq!(members(&clients, "client_id"), BTreeSet::from([&*one.id, &*two.id]));
    assert_eq!(members(&clients, "client_name"), BTreeSet::from(["One app", "Another app"]));
    let client = operator.get(&format!("clients/{}", one.id)).await;
    assert_eq!((&client["client_name"], &client["origin"]), (&json!("One app"), &json!("registered")));

    let (a1, a2, b1) = (one.sign_in(ALICE).await, two.sign_in(ALICE).await, one.sign_in(BOB).await);
    let users = all(&operator, "users", 1).await;
    let alice = users.iter().find(|user| user["grants"] == 2).unwrap()["user"].as_str().unwrap().to_owned();
    let bob = users.iter().find(|user| user["grants"] == 1).unwrap()["user"].as_str().unwrap().to_owned();
    assert_eq!(members(&users, "user").len(), 2);
    let grants = all(&operator, "grants", 1).await;
    assert_eq!(members(&grants, "id").len(), 3);
    assert!(grants.iter().all(|grant| grant["service"] == "mail-query"));
    for (query, expected) in [
        (format!("user={}", encoded(&alice)), 2),
        (format!("user={}&client={}", encoded(&alice), one.id), 1),
        (format!("client={}", one.id), 2),
        (format!("tenant={}", cluster.tenant.directory_id), 3),
        ("tenant=another".to_owned(), 0),
        ("service=calendar".to_owned(), 0),
    ] {
        let found = all(&operator, &format!("grants?{query}"), 50).await;
        assert_eq!(members(&found, "id").len(), expected, "{query}");
    }
    let text = serde_json::to_string(&(&clients, &users, &grants)).unwrap();
    for secret in [&a1.access, &a1.refresh, &b1.access, ALICE, BOB] {
        assert!(!text.contains(secret), "{text}");
    }

    // One grant, at once and on every replica; the others stay.
    let hers = all(&operator, &format!("grants?user={}&client={}", encoded(&alice), one.id), 50).await;
    let path = format!("grants/{}", hers[0]["id"].as_str().unwrap());
    assert_eq!(delete(&operator, &path).await, (200, json!({ "revoked": 1 })));
    assert_eq!(delete(&operator, &path).await.0, 404);
    for index in 0..cluster.replicas.len() {
        assert!(!works(cluster.replica_url(index), &a1).await);
    }
    assert!(works(&base, &a2).await && works(&base, &b1).await);
    assert_eq!(one.refresh(&a1.refresh).await.status(), 400);

    // A user.
    assert_eq!(revoke(&operator, json!({ "user": alice })).await, 1);
    assert_eq!(revoke(&operator, json!({ "user": alice })).await, 0);
    assert!(!works(&base, &a2).await && works(&base, &b1).await);
    assert_eq!(members(&all(&operator, "users", 50).await, "user"), BTreeSet::from([&*bob]));

    // A client with all that people signed in with it.
    let a3 = two.sign_in(ALICE).await;
    let gone = delete(&operator, &format!("clients/{}", one.id)).await;
    assert_eq!(gone, (200, json!({ "deleted": true, "revoked": 1 })));
    assert_eq!(delete(&operator, &format!("clients/{}", one.id)).await.0, 404);
    assert!(!works(&base, &b1).await && works(&base, &a3).await);
    let page = http::client().get(one.authorize_url("s")).send().await.unwrap();
    assert_eq!(page.status(), 400, "the client is unknown");

    // A tenant.
    let b2 = two.sign_in(BOB).await;
    assert_eq!(revoke(&operator, json!({ "tenant": cluster.tenant.directory_id })).await, 2);
    assert!(!works(&base, &a3).await && !works(&base, &b2).await);
    assert!(all(&operator, "grants", 50).await.is_empty());
    let log = cluster.replicas[0].stderr();
    for event in ["admin_revoke_grant", "admin_revoke_user", "admin_delete_client", "admin_revoke_tenant"] {
        assert!(log.contains(event), "no {event} in the audit log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_and_ends_clients_users_and_grants() {
    for mut cluster in clusters().await {
        sees_and_ends(&mut cluster).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_ends_a_session_wherever_its_stream_is_open() {
    for mut cluster in clusters().await {
        let login = Client::register(&cluster.url).await.sign_in(ALICE).await;
        let operator = Operator::of(&mut cluster, 0);
        let last = cluster.replica_url(cluster.replicas.len() - 1).to_owned();
        let (ended, kept) = (
            Mcp::legacy(&last, &login.access, "2025-11-25").await,
            Mcp::legacy(&last, &login.access, "2025-06-18").await,
        );
        let stream = Stream::of(ended.open_stream().await);
        let sessions = all(&operator, "sessions", 1).await;
        assert_eq!(members(&sessions, "id").len(), 2);
        let id = sessions.iter().find(|session| session["protocol_version"] == "2025-11-25").unwrap();
        let path = format!("sessions/{}", id["id"].as_str().unwrap());
        assert_eq!(delete(&operator, &path).await.0, 200);
        assert_eq!(delete(&operator, &path).await.0, 404);
        stream.rest().await;
        assert_eq!(ended.send("tools/list", json!({})).await.status, 404);
        kept.send("tools/list", json!({})).await.result();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_ends_open_streams_with_the_user_and_those_of_others_stay() {
    for mut cluster in clusters().await {
        let client = Client::register(&cluster.url).await;
        let (login, bobs) = (client.sign_in(ALICE).await, client.sign_in(BOB).await);
        let operator = Operator::of(&mut cluster, 0);
        let last = cluster.replica_url(cluster.replicas.len() - 1).to_owned();
        let mut hers = Socket::session(&last, &login.access).await;
        let mut listening = Stream::of(Mcp::modern(&last, &login.access).listen().await);
        listening.until("acknowledged").await;
        let mut his = Socket::session(&last, &bobs.access).await;
        let grants = all(&operator, "grants", 50).await;
        let text = json!({ "jsonrpc": "2.0", "id": 2, "method": "ping" }).to_string();
        // Whose is whose is told by who is still served.
        let user = members(&grants, "user").into_iter().next().unwrap().to_owned();
        assert_eq!(revoke(&operator, json!({ "user": user })).await, 1);
        let (ended, stays) =
            if works(&last, &login).await { (&mut his, &mut hers) } else { (&mut hers, &mut his) };
        assert_eq!(ended.next().await, Said::Closed(4401));
        stays.say(&text).await;
        assert!(matches!(stays.next().await, Said::Text(_)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_can_be_looked_up_by_the_id_that_a_person_tells() {
    for mut cluster in clusters().await {
        let client = Client::register(&cluster.url).await;
        let login = client.sign_in(ALICE).await;
        assert!(works(&cluster.url, &login).await);
        let operator = Operator::of(&mut cluster, 0);
        let refused =
            http::client().get(client.authorize_url("s").replace("S256", "plain")).send().await.unwrap();
        let id = refused.headers()["x-entrada-flow"].to_str().unwrap().to_owned();
        let flow = operator.get(&format!("flows/{}", id.to_lowercase())).await;
        assert_eq!(flow["flow"], id);
        assert_eq!(flow["steps"][0]["step"], "authorize_refused", "{flow}");
        let nothing = operator.send(Method::GET, "flows/AAAA-AAAA-AAAA", None).await;
        assert_eq!(nothing.status(), 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_with_a_reason() {
    let mut cluster = clusters().await.remove(0);
    let operator = Operator::of(&mut cluster, 0);
    for (method, path, body) in [
        (Method::GET, "grants?cursor=nonsense", None),
        (Method::GET, "clients?limit=many", None),
        (Method::GET, "grants?whose=alice", None),
        (Method::GET, "grants?user=alice", None),
        (Method::POST, "revoke", Some(json!({}))),
        (Method::POST, "revoke", Some(json!({ "user": "a:b", "client": "c" }))),
        (Method::POST, "revoke", Some(json!({ "everybody": true }))),
        (Method::POST, "revoke", Some(json!({ "user": "alice" }))),
    ] {
        let response = operator.send(method, path, body).await;
        assert_eq!(response.status(), 400, "{path}");
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["error"], "invalid_request", "{path}");
    }
    for path in ["clients/nobody", "grants/nothing", "sessions/none"] {
        assert_eq!(delete(&operator, path).await.0, 404, "{path}");
    }
}

/// Runs `entrada admin`; whether it worked, and what it printed.
fn command(operator: &Operator, arguments: &[&str]) -> (bool, String) {
    let settings = [("ENTRADA_ADMIN_URL", operator.base.as_str()), ("ENTRADA_ADMIN_TOKEN", TOKEN)];
    let settings: Vec<_> =
        settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let mut process = Process::entrada(&[&["admin"], arguments].concat(), &settings);
    let ok = process.wait_exit().success();
    (ok, process.stdout_at_end() + &process.stderr_at_end())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_does_what_the_api_does() {
    let mut cluster = clusters().await.remove(0);
    let operator = Operator::of(&mut cluster, 0);
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    for (arguments, shown) in [
        (&["clients"][..], client.id.as_str()),
        (&["clients", &client.id], "redirect_uris"),
        (&["grants", "--client", &client.id], "mail-query"),
        (&["users"], "LAST_USED_AT"),
        (&["sessions"], "PROTOCOL_VERSION"),
        (&["services"], "list_mail_folders"),
        (&["disable", "mail-query", "list_mail_folders"], "OFF"),
        (&["enable", "mail-query", "list_mail_folders"], "on"),
    ] {
        let (ok, text) = command(&operator, arguments);
        assert!(
            ok && text.contains(shown) && !text.contains("OFF") || shown == "OFF" && text.contains("OFF"),
            "{arguments:?}: {text}"
        );
    }
    let (_, text) = command(&operator, &["grants", "--json"]);
    let grants: Value = serde_json::from_str(&text).unwrap();
    let user = grants[0]["user"].as_str().unwrap();
    assert!(works(&cluster.url, &login).await);
    assert_eq!(command(&operator, &["revoke", "--user", user]), (true, "revoked: 1".to_owned()));
    assert!(!works(&cluster.url, &login).await);
    for wrong in [&["revoke"][..], &["revoke", "--user", "a:b", "--tenant", "t"], &["flow", "AAAA-AAAA-AAAA"]]
    {
        let (ok, text) = command(&operator, wrong);
        assert!(!ok && !text.contains("panicked"), "{text}");
    }
    let mut without = Process::entrada(&["admin", "users"], &[]);
    assert!(!without.wait_exit().success());
    let text = without.stderr_at_end();
    assert!(text.contains("ENTRADA_ADMIN_TOKEN"), "{text}");
}

/// `entrada admin users` with these arguments and settings; what it complains of.
fn complaint(arguments: &[&str], settings: &[(&str, &str)]) -> String {
    let mut all = vec![("ENTRADA_ADMIN_TOKEN".to_owned(), TOKEN.to_owned())];
    all.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let mut process = Process::entrada(&[&["admin", "users"], arguments].concat(), &all);
    assert!(!process.wait_exit().success(), "{arguments:?}");
    let text = process.stderr_at_end();
    assert!(!text.contains(TOKEN) && !text.contains("panicked"), "{text}");
    text
}

#[test]
fn the_token_goes_to_other_machines_by_https_only_unless_the_operator_says_so() {
    const REMEDIES: [&str; 3] = ["https://", "port-forward", "--plain-http"];
    for url in [
        "http://192.0.2.1:9090",
        "http://[2001:db8::1]:9090/admin/v1",
        "http://admin.invalid:9090",
        "http://localhost.invalid:9090",
        "http://127.0.0.1.invalid:9090",
        "http://127.0.0.1@admin.invalid:9090",
    ] {
        for (arguments, settings) in
            [(vec!["--url", url], vec![]), (vec![], vec![("ENTRADA_ADMIN_URL", url)])]
        {
            let text = complaint(&arguments, &settings);
            assert!(REMEDIES.iter().all(|remedy| text.contains(remedy)), "{url}: {text}");
        }
    }
    let of_settings = complaint(&[], &[("ENTRADA_ADMIN_LISTEN", "192.0.2.1:9090")]);
    assert!(of_settings.contains("--plain-http"), "{of_settings}");
    // Whoever says so, and whoever uses https:// or stays on this machine, gets as far as the network.
    for arguments in [
        &["--url", "http://admin.invalid:9", "--plain-http"][..],
        &["--url", "https://admin.invalid:9"],
        &["--url", "http://127.0.0.1:9"],
        &["--url", "http://localhost:9"],
        &["--url", "http://[::1]:9"],
    ] {
        let text = complaint(arguments, &[]);
        assert!(text.contains("nobody answers at"), "{arguments:?}: {text}");
    }
}
