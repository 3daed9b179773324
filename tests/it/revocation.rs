//! A grant that is revoked, however and wherever: its open streams end on every replica, those of others stay.

use super::support::browser::{Browser, hidden};
use super::support::cluster::Cluster;
use super::support::http;
use super::support::login::{Client, Tokens};
use super::support::mcp::Mcp;
use super::support::operator::{Operator, clusters};
use super::support::socket::{Said, Socket};
use super::support::sse::{Event, Stream};
use serde_json::json;

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const CHANGED: &str = "notifications/tools/list_changed";
const SWITCH: &str = "services/mail-query/tools/list_mail_folders";

/// Streams of every kind, opened with one bearer at one replica.
struct Open {
    streams: Vec<Stream>,
    socket: Socket,
}

impl Open {
    async fn at(replica: &str, bearer: &str) -> Self {
        let legacy = Mcp::legacy(replica, bearer, "2025-11-25").await;
        let own = legacy.open_stream().await;
        assert_eq!(own.status(), 200);
        let mut streams = vec![Stream::of(own), legacy.sse_session().await];
        let mut listening = Stream::of(Mcp::modern(replica, bearer).listen().await);
        listening.until("subscriptions/acknowledged").await;
        streams.push(listening);
        let socket = Socket::session(replica, bearer).await;
        Self { streams, socket }
    }

    /// All of them end by the server's will; what they told before.
    async fn end(mut self) -> Vec<Event> {
        let mut told = Vec::new();
        for stream in self.streams {
            told.extend(stream.rest().await);
        }
        loop {
            match self.socket.next().await {
                Said::Text(_) => {}
                ended @ (Said::Closed(_) | Said::Gone) => {
                    assert_eq!(ended, Said::Closed(4401));
                    return told;
                }
            }
        }
    }

    /// All of them still hear what happens.
    async fn hear(&mut self) {
        for stream in &mut self.streams {
            stream.until(CHANGED).await;
        }
        loop {
            let Said::Text(text) = self.socket.next().await else { panic!("the connection ended") };
            if text.contains(CHANGED) {
                return;
            }
        }
    }
}

/// Ends the newest connection of Alice at her account page.
async fn at_the_account_page(base: &str) {
    let home = format!("{base}/account/connections");
    let mut alice = Browser::new(ALICE);
    alice.walk(&home, &home).await;
    let page = alice.open(&home).await.1;
    let grant = page.split("name=\"revoke\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let csrf = hidden(&page, "csrf");
    let form = [("csrf", csrf.as_str()), ("revoke", grant)];
    assert_eq!(alice.post(&home, &form, &[("origin", base)]).await.status(), 303);
}

async fn at_revoke(client: &Client, token: &str) {
    let form = [("token", token), ("client_id", &client.id)];
    let answer = http::client().post(format!("{}/revoke", client.base)).form(&form).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

/// The last but one refresh token comes again: the whole family ends.
async fn by_reuse(client: &Client, login: &Tokens) {
    let next = super::support::login::tokens(client.refresh(&login.refresh).await).await;
    super::support::login::tokens(client.refresh(&next.refresh).await).await;
    assert_eq!(client.refresh(&login.refresh).await.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_a_revoked_grant_end_on_every_replica_and_no_others() {
    for mut cluster in clusters().await {
        let (one, other) = (
            Client::register_as(&cluster.url, "One app").await,
            Client::register_as(&cluster.url, "Another app").await,
        );
        let operator = Operator::of(&mut cluster, 0);
        let (first, last) =
            (cluster.replica_url(0).to_owned(), cluster.replica_url(cluster.replicas.len() - 1).to_owned());
        let kept = other.sign_in(ALICE).await;
        let bob = one.sign_in(BOB).await;
        let mut others = [Open::at(&last, &kept.access).await, Open::at(&last, &bob.access).await];
        for way in ["account", "refresh token", "bearer", "reuse"] {
            let login = one.sign_in(ALICE).await;
            let open = Open::at(&last, &login.access).await;
            match way {
                "account" => at_the_account_page(&cluster.url).await,
                "refresh token" => at_revoke(&one.at(&first), &login.refresh).await,
                "bearer" => at_revoke(&one.at(&first), &login.access).await,
                _ => by_reuse(&one.at(&first), &login).await,
            }
            let told = open.end().await;
            assert!(!told.iter().any(|event| event.data.contains(CHANGED)), "{told:?}");
            let refused = Mcp::modern(&last, &login.access).send("tools/list", json!({})).await;
            assert_eq!(refused.status, 401, "{way}");
        }
        for enabled in [false, true] {
            operator.switch(SWITCH, enabled).await;
            for open in &mut others {
                open.hear().await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_lost_the_bus_looks_its_streams_bearers_up() {
    for mut cluster in clusters().await.into_iter().filter(|cluster| cluster.replicas.len() == 2) {
        let client = Client::register(&cluster.url).await;
        let (login, bob) = (client.sign_in(ALICE).await, client.sign_in(BOB).await);
        let operator = Operator::of(&mut cluster, 0);
        let replica = cluster.replica_url(1).to_owned();
        let (open, mut bobs) =
            (Open::at(&replica, &login.access).await, Open::at(&replica, &bob.access).await);
        cluster.redis().cut_connections().await;
        at_revoke(&client.at(cluster.replica_url(0)), &login.refresh).await;
        open.end().await;
        operator.switch(SWITCH, false).await;
        bobs.hear().await;
    }
}

/// A call that is under way when its grant ends is stopped with its stream.
#[tokio::test(flavor = "multi_thread")]
async fn a_streamed_call_ends_with_its_grant() {
    for cluster in clusters().await {
        let client = Client::register(&cluster.url).await;
        let login = client.sign_in(ALICE).await;
        let last = cluster.replica_url(cluster.replicas.len() - 1).to_owned();
        cluster.tenant.fault(json!({ "path": "/v1.0/", "delay_ms": 20_000 })).await;
        let session = Mcp::legacy(&last, &login.access, "2025-11-25").await;
        let modern = Mcp::modern(&last, &login.access);
        let mut streams = Vec::new();
        for client in [session, modern] {
            let response = client.open_call("list_mail_folders").await;
            let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
            assert!(kind.starts_with("text/event-stream"), "{kind}");
            streams.push(Stream::of(response));
        }
        at_revoke(&client.at(cluster.replica_url(0)), &login.refresh).await;
        for stream in streams {
            for event in stream.rest().await {
                assert!(!event.data.contains("folders"), "{event:?}");
            }
        }
    }
}

/// The streams of one cluster, so that nothing but the grant decides.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_opens_a_stream_with_a_bearer_that_was_revoked() {
    let cluster = Cluster::embedded().await;
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    let session = Mcp::legacy(&cluster.url, &login.access, "2025-11-25").await;
    at_revoke(&client, &login.refresh).await;
    for response in [session.open_stream().await, session.open_sse().await, session.listen().await] {
        assert_eq!(response.status(), 401);
    }
}
