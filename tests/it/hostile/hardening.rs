//! The edge and the inside: H26, H66, H70, H73, H76, H79, H85, and traces of sign-ins.

use super::{ALICE, BOB, Table, outcome, rows};
use crate::support::browser::{Browser, hidden};
use crate::support::cluster::{Cluster, Plan, Store};
use crate::support::http;
use crate::support::login::{Client, REDIRECT, VERIFIER, parameter, tokens};
use crate::support::mcp::Mcp;
use redis::AsyncCommands;
use reqwest::{Response, Url};
use serde_json::{Value, json};

rows!(on_both: h26, h66, h73, a_sign_in_leaves_a_trace, an_id_token_verifies);
rows!(on_a_pair: h85);

async fn get(url: &str) -> Response {
    http::client().get(url).send().await.unwrap()
}

fn assert_hardened(response: &Response, what: &str) {
    for (name, wanted) in [
        ("content-security-policy", "frame-ancestors 'none'"),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ] {
        let value = response.headers().get(name).map_or("", |v| v.to_str().unwrap());
        assert!(value.contains(wanted), "{what}: {name}: {value}");
    }
}

async fn page_text(response: Response) -> String {
    response.text().await.unwrap()
}

async fn h26(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let base = &cluster.url;
    let mut browser = Browser::new(ALICE);
    let first = browser.get(Url::parse(&client.authorize_url("s")).unwrap()).await;
    let consent = Url::parse(base).unwrap().join(first.headers()["location"].to_str().unwrap()).unwrap();
    let page = browser.get(consent.clone()).await;
    assert_eq!(page.status(), 200);
    assert_hardened(&page, "the consent page");
    let html = page_text(page).await;
    let forged =
        [("flow", hidden(&html, "flow")), ("csrf", "x".to_owned()), ("decision", "approve".to_owned())];
    let forged: Vec<(&str, &str)> = forged.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let refused = browser.post(&format!("{base}/consent"), &forged, &[]).await;
    assert_eq!(refused.status(), 403);
    assert_hardened(&refused, "a decision that is forged");
    for path in ["help/sign-in/declined?flow=AAAA-AAAA-AAAA", "callback?admin_consent=True"] {
        let page = get(&format!("{base}/{path}")).await;
        assert_eq!(page.status(), 200);
        assert_hardened(&page, path);
    }
    let declined = get(&format!("{base}/callback?admin_consent=True&error=access_denied")).await;
    assert_eq!(declined.status(), 403);
    assert_hardened(&declined, "an administrator who declined");
    let home = format!("{base}/account/connections");
    browser.walk(&home, &home).await;
    let account = browser.get(Url::parse(&home).unwrap()).await;
    assert_eq!(account.status(), 200);
    assert_hardened(&account, "the account page");
    for (what, url) in [
        ("unknown client", format!("{base}/authorize?client_id=x")),
        ("another browser", consent.to_string()),
        ("unknown state", format!("{base}/callback?code=x&state=y")),
        ("unknown flow", format!("{base}/consent?flow=x")),
    ] {
        let page = get(&url).await;
        assert!(page.status().is_client_error());
        assert_hardened(&page, what);
    }
    table.held(
        "H26",
        "consent page, eight error pages, help and account",
        "CSP, DENY, nosniff, no-referrer, no-store",
    );
}

async fn h66(cluster: &mut Cluster, table: Table) {
    let replica = cluster.replica_url(0);
    let poisoned = async |path: &str, host: Option<&str>| {
        let mut request = http::client().get(format!("{replica}{path}"));
        for name in ["X-Forwarded-Host", "X-Forwarded-Server", "X-Original-Host"] {
            request = request.header(name, "evil.example");
        }
        request = request.header("Forwarded", "host=evil.example;proto=https");
        if let Some(host) = host {
            request = request.header("Host", host);
        }
        let response = request.send().await.unwrap();
        let headers = format!("{:?}", response.headers());
        format!("{headers}{}", response.text().await.unwrap())
    };
    for path in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/.well-known/oauth-protected-resource/mail-query/mcp",
        "/mail-query/mcp",
        "/authorize?client_id=x",
    ] {
        for host in [None, Some("evil.example")] {
            let text = poisoned(path, host).await;
            assert!(!text.contains("evil.example"), "{path}: {text}");
        }
    }
    // The consent page, reached by a browser whose every request is poisoned.
    let mut cookie = String::new();
    let mut path = Client::register(&cluster.url).await.authorize_url("s").replace(&cluster.url, "");
    for step in ["authorize", "consent"] {
        let mut request = http::client().get(format!("{replica}{path}")).header("Cookie", &cookie);
        for name in ["X-Forwarded-Host", "X-Forwarded-Server", "Forwarded"] {
            request = request.header(name, "host=evil.example");
        }
        let response = request.send().await.unwrap();
        if let Some(set) = response.headers().get("set-cookie") {
            set.to_str().unwrap().split(';').next().unwrap().clone_into(&mut cookie);
        }
        if let Some(location) = response.headers().get("location") {
            location.to_str().unwrap().clone_into(&mut path);
        }
        let (status, text) = (response.status(), format!("{:?}", response.headers()));
        let text = text + &response.text().await.unwrap();
        assert!(!text.contains("evil.example"), "{step}: {text}");
        assert_eq!(status, if step == "consent" { 200 } else { 302 });
    }
    let metadata = poisoned("/.well-known/oauth-authorization-server", Some("evil.example")).await;
    assert!(metadata.contains(&cluster.url));
    table.held("H66", "Host, Forwarded and X-Forwarded-Host of somebody else", "configured host everywhere");
}

async fn h73(cluster: &mut Cluster, table: Table) {
    let response = get(&format!("{}/.well-known/oauth-protected-resource/nowhere/mcp", cluster.url)).await;
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("application/json"));
    let seen = outcome(response).await;
    assert_eq!(seen, "404 not_found");
    table.held("H73", "metadata of an unknown sub-path", seen);
}

/// Registrations from `address`, as the proxy in front of us says, until one is refused.
async fn registrations(cluster: &Cluster, addresses: impl Fn(usize) -> String) -> (usize, Response) {
    for count in 0..200 {
        let url = cluster.replica_url(count % cluster.replicas.len());
        let body = json!({"redirect_uris": [REDIRECT], "client_name": format!("c{count}"), "token_endpoint_auth_method": "none"});
        let request = http::client().post(format!("{url}/register")).json(&body);
        let response = request.header("X-Forwarded-For", addresses(count)).send().await.unwrap();
        if response.status() != 201 {
            return (count, response);
        }
    }
    panic!("200 registrations in a row");
}

async fn flood(store: Store, replicas: usize, name: &'static str) {
    let settings = [("ENTRADA_SERVER__TRUSTED_PROXIES", "127.0.0.1")];
    let cluster = Cluster::start(store, Plan { replicas, settings: &settings, ..Plan::default() }).await;
    for (what, address) in [
        (
            "one IPv4 address",
            Box::new(|_| "6.6.6.6, 198.51.100.7".to_owned()) as Box<dyn Fn(usize) -> String>,
        ),
        ("one IPv6 /64", Box::new(|n| format!("2001:db8:1:2::{n:x}"))),
        // What stands left of the proxy's own entry is the client's invention.
        ("invented addresses before it", Box::new(|n| format!("203.0.113.{n}, 192.0.2.9"))),
    ] {
        let (passed, refused) = registrations(&cluster, address).await;
        assert!((25..60).contains(&passed), "{what}: {passed}");
        let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        assert_eq!(refused.headers()["access-control-allow-origin"], "*");
        assert_eq!(outcome(refused).await, "429 too_many_requests", "{what}");
        Table(name).held(
            "H70",
            format!("60 registrations a minute from {what}"),
            format!("{passed} × 201, then 429 with Retry-After"),
        );
    }
    // Everybody else, and the hosted clients' shared addresses, go on.
    for address in ["198.51.100.8", "160.79.104.10"] {
        for count in 0..40 {
            let body = json!({"redirect_uris": [REDIRECT], "client_name": format!("{address} {count}")});
            let request = http::client().post(format!("{}/register", cluster.replica_url(0))).json(&body);
            let status = request.header("X-Forwarded-For", address).send().await.unwrap().status();
            if address.starts_with("160.") || count == 0 {
                assert_eq!(status, 201, "{address}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h70() {
    flood(Store::embedded(), 1, "embedded").await;
    if let Some(store) = Store::redis() {
        flood(store, 2, "two replicas on redis").await;
    }
}

/// Keys whose name contains `mark`.
async fn keys(connection: &mut redis::aio::MultiplexedConnection, mark: &str) -> Vec<String> {
    let all: Vec<String> = connection.keys("*").await.unwrap();
    all.into_iter().filter(|key| key.contains(mark)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn h76() {
    let Some(cluster) = Cluster::start_on_redis().await else { return };
    let client = Client::register(&cluster.url).await;
    let (alice, bob) = (client.sign_in(ALICE).await, client.sign_in(BOB).await);
    let works = async |bearer: &str| {
        Mcp::modern(&cluster.url, bearer).call("list_mail_folders", json!({})).await.status
    };
    let redis = redis::Client::open(cluster.store.url()).unwrap();
    let mut connection = redis.get_multiplexed_async_connection().await.unwrap();
    // The records of two bearers change places: neither becomes the other.
    let bearers = keys(&mut connection, "}:at:").await;
    assert_eq!(bearers.len(), 2);
    let one: Vec<u8> = connection.get(&bearers[0]).await.unwrap();
    let two: Vec<u8> = connection.get(&bearers[1]).await.unwrap();
    let () = connection.set(&bearers[0], &two).await.unwrap();
    let () = connection.set(&bearers[1], &one).await.unwrap();
    assert_eq!((works(&alice.access).await, works(&bob.access).await), (401, 401));
    let () = connection.set(&bearers[0], &one).await.unwrap();
    let () = connection.set(&bearers[1], &two).await.unwrap();
    assert_eq!((works(&alice.access).await, works(&bob.access).await), (200, 200));
    // A flipped byte.
    let mut flipped = one.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let () = connection.set(&bearers[0], &flipped).await.unwrap();
    let () = connection.set(&bearers[1], &flipped).await.unwrap();
    // What stood there a moment ago may still be known.
    Mcp::modern(&cluster.url, &alice.access).until_refused().await;
    Mcp::modern(&cluster.url, &bob.access).until_refused().await;
    let () = connection.set(&bearers[0], &one).await.unwrap();
    let () = connection.set(&bearers[1], &two).await.unwrap();
    // The Entra records of two people change places: their refreshes fail instead of crossing over.
    let records = keys(&mut connection, "ent:up:").await;
    assert_eq!(records.len(), 2);
    let one: Vec<u8> = connection.get(&records[0]).await.unwrap();
    let two: Vec<u8> = connection.get(&records[1]).await.unwrap();
    let () = connection.set(&records[0], &two).await.unwrap();
    let () = connection.set(&records[1], &one).await.unwrap();
    for login in [&alice, &bob] {
        let seen = outcome(client.refresh(&login.refresh).await).await;
        assert_eq!(seen, "400 invalid_grant");
        assert_eq!(works(&login.access).await, 401, "the family is closed");
    }
    let log = cluster.replicas[0].stderr();
    assert!(log.contains("record_refused"), "the operator is told");
    // What an older version said, under the number of the one that stands.
    let alice = client.sign_in(ALICE).await;
    let mut before = Vec::new();
    for record in &records {
        before.push(connection.get::<_, Vec<u8>>(record).await.unwrap());
    }
    let alice = tokens(client.refresh(&alice.refresh).await).await;
    let mut changed = Vec::new();
    for (record, older) in records.iter().zip(before) {
        let newer: Vec<u8> = connection.get(record).await.unwrap();
        if newer != older {
            changed.push((record, older, newer));
        }
    }
    let [(record, older, newer)] = &changed[..] else { panic!("one record is hers") };
    let split = |value: &[u8]| {
        let end = value.iter().position(|byte| *byte == b' ').unwrap() + 1;
        (value[..end].to_vec(), value[end..].to_vec())
    };
    assert_ne!(split(older).0, split(newer).0);
    let () = connection.set(record, [split(newer).0, split(older).1].concat()).await.unwrap();
    assert_eq!(outcome(client.refresh(&alice.refresh).await).await, "400 invalid_grant");
    assert_eq!(works(&alice.access).await, 401, "the family is closed");
    Table("redis").held(
        "H76",
        "sealed records swapped, flipped, an older one under the newer number",
        "401 and 400 invalid_grant, event; never another's",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn h79() {
    let Some(store) = Store::redis() else { return };
    let mut cluster = Cluster::start(store, Plan { replicas: 2, ..Plan::default() }).await;
    let client = Client::register(&cluster.url).await;
    let mut login = client.sign_in(ALICE).await;
    let old = "tests:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let new = "fresh:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    // First every replica learns to read the new key, then it becomes the one that seals.
    for ring in [format!("{old},{new}"), format!("{new},{old}")] {
        for index in 0..2 {
            cluster.set("ENCRYPTION_KEYS", &ring);
            cluster.crash_and_restart(index).await;
            for replica in 0..2 {
                let mcp = Mcp::modern(cluster.replica_url(replica), &login.access);
                mcp.call("list_mail_folders", json!({})).await.output();
            }
            login = tokens(client.refresh(&login.refresh).await).await;
        }
    }
    client.sign_in(ALICE).await;
    Table("two replicas").held(
        "H79",
        "a new encryption key, one replica at a time",
        "every bearer and refresh token goes on",
    );
}

async fn a_sign_in_leaves_a_trace(cluster: &mut Cluster, _: Table) {
    let client = Client::register(&cluster.url).await;
    let begun = get(&client.authorize_url("s")).await;
    assert!(begun.headers().contains_key("x-entrada-flow"));
    let refused = get(&format!("{}/authorize?client_id=unknown", cluster.url)).await;
    let id = refused.headers()["x-entrada-flow"].to_str().unwrap().to_owned();
    assert_eq!(id.len(), 14, "{id}");
    let login = client.sign_in(ALICE).await;
    Mcp::modern(&cluster.url, &login.access).call("list_mail_folders", json!({})).await.output();
    let log = cluster.replicas[0].stderr();
    assert!(log.lines().any(|line| line.contains(&id) && line.contains("authorize_refused")), "{log}");
    // Every step of the one sign-in carries the same id, down to the request line of the first call.
    let first_call = log.lines().find(|line| line.contains("first_call")).unwrap();
    let flow =
        first_call.split("flow.id=").nth(1).unwrap().split([' ', '}']).next().unwrap().trim_matches('"');
    for step in ["authorize", "approve", "to_entra", "signed_in", "token"] {
        let found = log.lines().any(|line| line.contains(flow) && line.contains(&format!("step=\"{step}\"")));
        assert!(found, "{step} of {flow}\n{log}");
    }
}

async fn an_id_token_verifies(cluster: &mut Cluster, _: Table) {
    let base = &cluster.url;
    let document: Value =
        get(&format!("{base}/.well-known/openid-configuration")).await.json().await.unwrap();
    assert_eq!(document["issuer"], json!(base));
    let client = Client::register(base).await;
    let url = format!("{}&scope=openid%20profile%20email&nonce=n-1", client.authorize_url("s"));
    let landing = Browser::new(ALICE).walk(&url, REDIRECT).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &parameter(&landing, "code").unwrap()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("client_id", &client.id),
    ];
    let token_endpoint = document["token_endpoint"].as_str().unwrap();
    let answer: Value =
        http::client().post(token_endpoint).form(&form).send().await.unwrap().json().await.unwrap();
    let id_token = answer["id_token"].as_str().unwrap();
    let keys = get(document["jwks_uri"].as_str().unwrap()).await.text().await.unwrap();
    let keys: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&keys).unwrap();
    let kid = jsonwebtoken::decode_header(id_token).unwrap().kid.unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    validation.set_audience(&[&client.id]);
    validation.set_issuer(&[base]);
    let claims = jsonwebtoken::decode::<Value>(id_token, &key, &validation).unwrap().claims;
    assert_eq!((&claims["nonce"], &claims["email"]), (&json!("n-1"), &json!(ALICE)));
    let request = http::client().get(document["userinfo_endpoint"].as_str().unwrap());
    let info: Value = request
        .bearer_auth(answer["access_token"].as_str().unwrap())
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!((&info["sub"], &info["email"]), (&claims["sub"], &json!(ALICE)));
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_tls_every_answer_says_so() {
    let settings = [("ENTRADA_PUBLIC_URL", "https://door.example")];
    let cluster = Cluster::start(Store::embedded(), Plan { settings: &settings, ..Plan::default() }).await;
    for path in ["/", "/authorize?client_id=x", "/.well-known/oauth-authorization-server", "/nowhere"] {
        let response = get(&format!("{}{path}", cluster.replica_url(0))).await;
        let header = response.headers().get("strict-transport-security");
        assert!(header.is_some_and(|value| value.to_str().unwrap().contains("max-age=31536000")), "{path}");
    }
    let plain = Cluster::embedded().await;
    assert!(!get(&plain.url).await.headers().contains_key("strict-transport-security"));
}

async fn h85(cluster: &mut Cluster, table: Table) {
    for (index, ahead_s) in ["120", "-120"].into_iter().enumerate() {
        cluster.set("ENTRADA_SERVER__TEST_CLOCK_OFFSET_S", ahead_s);
        cluster.crash_and_restart(index).await;
    }
    let urls = [cluster.replica_url(0).to_owned(), cluster.replica_url(1).to_owned()];
    let client = Client::register(&cluster.url).await;
    for (giving, taking) in [(&urls[0], &urls[1]), (&urls[1], &urls[0])] {
        // Code, refresh token and bearer come from one replica each time and are shown to the other.
        cluster.balancer.point_at(vec![giving.clone()]);
        let code = client.code(ALICE).await;
        let login = tokens(client.at(taking).redeem(&code).await).await;
        let next = tokens(client.at(giving).refresh(&login.refresh).await).await;
        let last = tokens(client.at(taking).refresh(&next.refresh).await).await;
        for (base, access) in [(giving, &last.access), (taking, &next.access)] {
            Mcp::modern(base, access).call("list_mail_folders", json!({})).await.output();
        }
    }
    table.held("H85", "replicas two minutes ahead and two behind, each shown what the other gave", "200");
}
