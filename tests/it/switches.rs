//! An operator switches tools and services off and on: lists, calls and routes follow on every replica, and everybody
//! who listens is told.

use super::support::cluster::Cluster;
use super::support::http::{self, eventually};
use super::support::login::Client;
use super::support::mcp::Mcp;
use super::support::operator::{Operator, clusters};
use super::support::socket::{Said, Socket};
use super::support::sse::Stream;
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";
const TOOL: &str = "list_mail_folders";
const CHANGED: &str = "notifications/tools/list_changed";

fn names(list: &Value) -> Vec<&str> {
    list["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

/// Clients of every framing at one replica, all of them listening.
struct Listeners {
    legacy: Mcp,
    modern: Mcp,
    streams: Vec<Stream>,
    socket: Socket,
}

impl Listeners {
    async fn open(replica: &str, bearer: &str) -> Self {
        let legacy = Mcp::legacy(replica, bearer, "2025-11-25").await;
        let modern = Mcp::modern(replica, bearer);
        let mut streams = Vec::new();
        for response in [legacy.open_stream().await, modern.listen().await] {
            assert_eq!(response.status(), 200);
            streams.push(Stream::of(response));
        }
        streams.push(modern.sse_session().await);
        streams[1].until("subscriptions/acknowledged").await;
        let socket = Socket::session(replica, bearer).await;
        Self { legacy, modern, streams, socket }
    }

    /// Everybody is told; what they see then when they ask, and what a call answers.
    async fn told(&mut self, shown: bool) {
        for stream in &mut self.streams {
            stream.until(CHANGED).await;
        }
        let Said::Text(text) = self.socket.next().await else { panic!("the connection ended") };
        assert!(text.contains(CHANGED), "{text}");
        for client in [&self.legacy, &self.modern] {
            let list = client.send("tools/list", json!({})).await;
            assert_eq!(names(list.result()).contains(&TOOL), shown);
            let (called, unknown) =
                (client.call(TOOL, json!({})).await, client.call("no_such_tool", json!({})).await);
            if shown {
                called.output();
            } else {
                let message = |text: &str| text.replace("no_such_tool", TOOL);
                assert_eq!((called.status, &*called.text), (unknown.status, &*message(&unknown.text)));
                assert_eq!(called.error_code(), -32602);
            }
        }
        let call = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" });
        self.socket.say(&call.to_string()).await;
        let Said::Text(text) = self.socket.next().await else { panic!("the connection ended") };
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(names(&answer["result"]).contains(&TOOL), shown);
    }
}

async fn sign_in(cluster: &Cluster) -> String {
    Client::register(&cluster.url).await.sign_in(ALICE).await.access
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_disappears_and_comes_back_everywhere_and_listeners_are_told() {
    for mut cluster in clusters().await {
        let bearer = sign_in(&cluster).await;
        let operator = Operator::of(&mut cluster, 0);
        let mut all = Vec::new();
        for index in 0..cluster.replicas.len() {
            all.push(Listeners::open(cluster.replica_url(index), &bearer).await);
        }
        for enabled in [false, true] {
            let service = operator.switch(&format!("services/mail-query/tools/{TOOL}"), enabled).await;
            let tool = service["tools"].as_array().unwrap().iter().find(|tool| tool["name"] == TOOL).unwrap();
            assert_eq!((&service["enabled"], &tool["enabled"]), (&json!(true), &json!(enabled)));
            for listeners in &mut all {
                listeners.told(enabled).await;
            }
        }
    }
}

/// Every address of a service.
fn addresses(base: &str) -> Vec<String> {
    let paths = [
        "mail-query/mcp",
        "mail-query",
        "mail-query/sse",
        "mail-query/ws",
        "mail-query/authorize",
        ".well-known/oauth-protected-resource/mail-query/mcp",
        ".well-known/oauth-protected-resource/mail-query/sse",
        ".well-known/oauth-authorization-server/mail-query/mcp",
    ];
    paths.iter().map(|path| format!("{base}/{path}")).collect()
}

async fn is_gone(base: &str) -> bool {
    for url in addresses(base) {
        if http::status(&url).await != Some(404) {
            return false;
        }
    }
    true
}

/// Scopes that the authorization server lists, in both of its documents.
async fn scopes(base: &str) -> Vec<String> {
    let read = async |name: &str| {
        let response = http::client().get(format!("{base}/.well-known/{name}")).send().await.unwrap();
        let document: Value = response.json().await.unwrap();
        serde_json::from_value::<Vec<String>>(document["scopes_supported"].clone()).unwrap()
    };
    let listed = read("oauth-authorization-server").await;
    assert_eq!(read("openid-configuration").await, listed);
    listed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_switched_off_is_like_an_unknown_one_and_nobody_loses_a_login() {
    for mut cluster in clusters().await {
        let client = Client::register(&cluster.url).await;
        let login = client.sign_in(ALICE).await;
        let operator = Operator::of(&mut cluster, 0);
        let last = cluster.replica_url(cluster.replicas.len() - 1).to_owned();
        let mut listening = Stream::of(Mcp::modern(&last, &login.access).listen().await);
        listening.until("acknowledged").await;
        assert!(!is_gone(&last).await);
        let all = scopes(&last).await;
        assert!(all.iter().any(|scope| scope.starts_with("Mail.")), "{all:?}");

        // What lends its tools lists the permissions for them as well.
        operator.switch("services/m365", false).await;
        operator.switch("services/mail-query", false).await;
        listening.until(CHANGED).await;
        assert!(is_gone(&last).await && is_gone(cluster.replica_url(0)).await);
        for url in [&*last, cluster.replica_url(0)] {
            let left = scopes(url).await;
            assert!(!left.iter().any(|scope| scope.starts_with("Mail.")), "{left:?}");
            for kept in ["Calendars.Read", "User.Read", "offline_access", "openid"] {
                assert!(left.iter().any(|scope| scope == kept), "{kept}: {left:?}");
            }
        }
        let (gone, unknown) = (
            http::client().post(format!("{last}/mail-query/mcp")).send().await.unwrap(),
            http::client().post(format!("{last}/no-such-service/mcp")).send().await.unwrap(),
        );
        assert_eq!(gone.status(), unknown.status());
        assert_eq!(gone.text().await.unwrap(), unknown.text().await.unwrap());
        let page = http::client().get(format!("{last}/info")).send().await.unwrap().text().await.unwrap();
        assert!(page.contains("calendar") && !page.contains("mail-query"), "{page}");
        let authorize = http::client().get(client.authorize_url("s")).send().await.unwrap();
        let target = authorize.headers()["location"].to_str().unwrap();
        assert!(target.contains("error=invalid_target"), "{target}");
        let login = super::support::login::tokens(client.refresh(&login.refresh).await).await;

        operator.switch("services/m365", true).await;
        operator.switch("services/mail-query", true).await;
        listening.until(CHANGED).await;
        assert_eq!(scopes(&last).await, all);
        Mcp::modern(&last, &login.access).call(TOOL, json!({})).await.output();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn switches_outlive_a_restart_and_unknown_ones_are_refused() {
    for mut cluster in clusters().await {
        let bearer = sign_in(&cluster).await;
        let operator = Operator::of(&mut cluster, 0);
        for (path, status) in [
            ("services/no-such-service", 404),
            ("services/mail-query/tools/no_such_tool", 404),
            ("services/mail-query", 400),
        ] {
            let body = if status == 404 { json!({ "enabled": false }) } else { json!({ "enabled": "no" }) };
            let response = operator.send(reqwest::Method::PUT, path, Some(body)).await;
            assert_eq!(response.status(), status, "{path}");
        }
        operator.switch(&format!("services/mail-query/tools/{TOOL}"), false).await;
        let index = cluster.replicas.len() - 1;
        cluster.crash_and_restart(index).await;
        let client = Mcp::modern(cluster.replica_url(index), &bearer);
        assert!(!names(client.send("tools/list", json!({})).await.result()).contains(&TOOL));
        let operator = Operator::of(&mut cluster, index);
        let services = operator.get("services").await;
        let mail =
            services["services"].as_array().unwrap().iter().find(|s| s["name"] == "mail-query").unwrap();
        let off: Vec<&Value> =
            mail["tools"].as_array().unwrap().iter().filter(|tool| tool["enabled"] == false).collect();
        assert_eq!(off.iter().map(|tool| &tool["name"]).collect::<Vec<_>>(), [TOOL]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_lost_the_bus_reads_the_switches_when_it_is_back() {
    for mut cluster in clusters().await.into_iter().filter(|cluster| cluster.replicas.len() == 2) {
        let bearer = sign_in(&cluster).await;
        let operator = Operator::of(&mut cluster, 0);
        let other = Mcp::modern(cluster.replica_url(1), &bearer);
        let what = format!("services/mail-query/tools/{TOOL}");
        // Whoever is not connected hears nothing; being connected again is the news.
        cluster.redis().cut_connections().await;
        operator.switch(&what, false).await;
        eventually("the other replica has applied the switch", || async {
            let list = other.send("tools/list", json!({})).await;
            (!names(list.result()).contains(&TOOL)).then_some(())
        })
        .await;
    }
}
