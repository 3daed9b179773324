//! `/authorize` and the way back: H11–H15, H21–H23, H31–H33, H62, H80–H84.

use super::{ALICE, Table, page, raw, rows};
use crate::support::browser::Browser;
use crate::support::cluster::Cluster;
use crate::support::http;
use crate::support::login::{Client, REDIRECT, VERIFIER, challenge, parameter};
use reqwest::{Response, Url};
use serde_json::json;

rows!(on_both: h11, h12, h13, h14, h15, h21, h22, h23, h31, h32, h33, h62, h80, h81, h82, h83, h84);

async fn get(url: &str) -> Response {
    http::client().get(url).send().await.unwrap()
}

/// A GET that is longer than any HTTP client of ours would send: its status, and whether it leads nowhere.
fn raw_get(cluster: &Cluster, target: &str) -> (u16, bool) {
    let host = cluster.url.strip_prefix("http://").unwrap();
    let head = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let (status, text) = raw(cluster.replica_url(0), &head);
    (status, !text.to_ascii_lowercase().contains("\r\nlocation:"))
}

/// The authorize URL with one parameter replaced, or removed.
fn altered(client: &Client, name: &str, value: Option<&str>) -> String {
    let mut url = Url::parse(&client.authorize_url("s")).unwrap();
    let kept = url.query_pairs().filter(|(key, _)| key != name);
    let kept: Vec<(String, String)> = kept.map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
    url.query_pairs_mut().clear().extend_pairs(kept).extend_pairs(value.iter().map(|value| (name, value)));
    url.into()
}

/// The error that the client is told at its own redirect URI, with `state` and `iss` beside it.
fn told(cluster: &Cluster, response: &Response) -> String {
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    assert!(matches!(response.status().as_u16(), 302 | 303), "{}", response.status());
    assert!(location.starts_with(&format!("{REDIRECT}?")), "{location}");
    assert_eq!(parameter(&location, "state").as_deref(), Some("s"), "{location}");
    assert_eq!(parameter(&location, "iss").as_deref(), Some(cluster.url.as_str()), "{location}");
    assert!(parameter(&location, "code").is_none());
    parameter(&location, "error").unwrap_or_else(|| panic!("no error: {location}"))
}

async fn refused(cluster: &Cluster, client: &Client, name: &str, value: Option<&str>) -> String {
    told(cluster, &get(&altered(client, name, value)).await)
}

async fn h11(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let seen = refused(cluster, &client, "code_challenge", None).await;
    assert_eq!(seen, "invalid_request");
    table.held("H11", "no code_challenge", seen);
}

async fn h12(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    for method in [Some("plain"), None] {
        let seen = refused(cluster, &client, "code_challenge_method", method).await;
        assert_eq!(seen, "invalid_request", "{method:?}");
    }
    table.held("H12", "method plain, or none", "invalid_request");
}

async fn h13(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let good = challenge(VERIFIER);
    for bad in ["abc".to_owned(), format!("{good}A"), format!("{}=", &good[..42]), format!("{good}=")] {
        let seen = refused(cluster, &client, "code_challenge", Some(&bad)).await;
        assert_eq!(seen, "invalid_request", "{bad}");
    }
    table.held("H13", "challenge of 3 or 44 characters, or padded", "invalid_request");
}

async fn h14(cluster: &mut Cluster, table: Table) {
    let metadata: serde_json::Value =
        get(&format!("{}/.well-known/oauth-authorization-server", cluster.url)).await.json().await.unwrap();
    let client = Client::register(&cluster.url).await;
    let allowed = Browser::new(ALICE).walk(&client.authorize_url("s"), REDIRECT).await;
    assert!(parameter(&allowed, "code").is_some());
    let denied = Browser::new(ALICE).denying().walk(&client.authorize_url("s"), REDIRECT).await;
    let refused = get(&altered(&client, "response_type", Some("token"))).await;
    let refused = refused.headers()["location"].to_str().unwrap().to_owned();
    for location in [allowed, denied, refused] {
        assert_eq!(json!(parameter(&location, "iss")), metadata["issuer"], "{location}");
    }
    table.held("H14", "code, refusal by the person, refused request", "iss equals issuer");
}

async fn h15(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let mut seen = String::new();
    let whole = Url::parse(&client.authorize_url("s")).unwrap();
    let sent: Vec<(String, String)> = whole.query_pairs().into_owned().collect();
    let named = ["client_id", "state", "scope", "redirect_uri", "code_challenge", "response_type", "prompt"];
    for name in named {
        // Once more than there is, with the same value and with another.
        let own = sent.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        for value in [own.unwrap_or("x"), "y"] {
            let mut url = whole.clone();
            url.query_pairs_mut().append_pair(name, value);
            if own.is_none() {
                url.query_pairs_mut().append_pair(name, value);
            }
            seen = page(&get(url.as_str()).await);
            assert_eq!(seen, "400 page", "{name}");
        }
    }
    table.held("H15", "client_id, state, scope, redirect_uri or another twice", seen);
}

async fn h21(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let seen = page(&get(&altered(&client, "client_id", Some("dcr_unknown"))).await);
    assert_eq!(seen, "400 page");
    table.held("H21", "unknown client_id", seen);
}

async fn h22(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    for uri in [
        "https://evil.example/cb",
        "http://127.0.0.1:9/callback/more",
        "http://127.0.0.1:9/call",
        "http://127.0.0.1:9/CALLBACK",
        "http://127.0.0.1:9/callback/",
        "http://127.0.0.1:9/callback?x=1",
    ] {
        assert_eq!(page(&get(&altered(&client, "redirect_uri", Some(uri))).await), "400 page", "{uri}");
    }
    table.held("H22", "foreign, longer, shorter, other case, slash, extra query", "400 page");
}

async fn h23(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let entra = cluster.tenant.client_id.clone();
    let mut url = Url::parse(&altered(&client, "client_id", Some(&entra))).unwrap();
    let pairs: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| name != "redirect_uri")
        .map(|(k, v)| (k.into_owned(), v.into_owned()))
        .collect();
    url.query_pairs_mut().clear().extend_pairs(pairs).append_pair("redirect_uri", "https://evil.example/cb");
    let seen = page(&get(url.as_str()).await);
    assert_eq!(seen, "400 page");
    table.held("H23", "the Entra application id as client_id, foreign redirect", seen);
}

/// Signs in until Entra sends the browser back, and answers that URL unopened.
async fn way_back(cluster: &Cluster, browser: &mut Browser) -> String {
    let client = Client::register(&cluster.url).await;
    browser.walk(&client.authorize_url("s"), &format!("{}/callback", cluster.url)).await
}

async fn h31(cluster: &mut Cluster, table: Table) {
    let mut browser = Browser::new(ALICE);
    let back = way_back(cluster, &mut browser).await;
    let seen = page(&get(&back).await);
    assert_eq!(seen, "403 page");
    let burned = page(&browser.get(Url::parse(&back).unwrap()).await);
    assert_eq!(burned, "400 page");
    table.held("H31", "callback in another browser", format!("{seen}; afterwards {burned} in the right one"));
}

async fn h32(cluster: &mut Cluster, table: Table) {
    let mut browser = Browser::new(ALICE);
    let back = Url::parse(&way_back(cluster, &mut browser).await).unwrap();
    let first = browser.get(back.clone()).await;
    assert!(first.headers()["location"].to_str().unwrap().contains("code="));
    let callback = format!("{}/callback", cluster.url);
    assert_eq!(page(&browser.get(back).await), "400 page", "replayed");
    let long = format!("code=x&state={}", "x".repeat(60_000));
    for query in ["code=x&state=unknown", "code=x", "", &long] {
        let url = Url::parse(&format!("{callback}?{query}")).unwrap();
        assert_eq!(page(&browser.get(url).await), "400 page");
    }
    let long = raw_get(cluster, &format!("/callback?code=x&state={}", "x".repeat(100_000)));
    assert_eq!(
        long,
        (400, true),
        "what is no URL any more to the HTTP library is refused by it, without a page"
    );
    table.held("H32", "state replayed, unknown, missing, 100 kB", "400 page");
}

async fn h33(cluster: &mut Cluster, table: Table) {
    let mut browser = Browser::new(ALICE);
    let back = way_back(cluster, &mut browser).await;
    let foreign = Url::parse_with_params(&back, [("iss", "https://evil.example")]).unwrap();
    let seen = page(&browser.get(foreign).await);
    assert_eq!(seen, "400 page");
    http::eventually("the operator is told", || async {
        cluster.replicas[0].stderr().contains("callback_foreign_issuer").then_some(())
    })
    .await;
    // The right issuer changes nothing.
    let back = way_back(cluster, &mut browser).await;
    let issuer = format!("{}/{}/v2.0", cluster.tenant.url, cluster.tenant.directory_id);
    let right = Url::parse_with_params(&back, [("iss", issuer)]).unwrap();
    let landed = browser.get(right).await;
    assert!(landed.headers()["location"].to_str().unwrap().contains("code="));
    table.held("H33", "callback with the iss of somebody else", format!("{seen} and a security event"));
}

async fn h62(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    for resource in [
        "https://other.example/mail-query/mcp".to_owned(),
        format!("{}#f", client.resource),
        "/mail-query/mcp".to_owned(),
        format!("{}/nothing/mcp", cluster.url),
    ] {
        let seen = refused(cluster, &client, "resource", Some(&resource)).await;
        assert_eq!(seen, "invalid_target", "{resource}");
    }
    let twice = format!("{}&resource={}", client.authorize_url("s"), client.resource);
    assert_eq!(told(cluster, &get(&twice).await), "invalid_target");
    table.held("H62", "resource foreign, with fragment, relative, unknown, repeated", "invalid_target");
}

async fn h80(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let seen = refused(cluster, &client, "prompt", Some("none")).await;
    assert_eq!(seen, "login_required");
    assert_eq!(refused(cluster, &client, "prompt", Some("none login")).await, "invalid_request");
    table.held("H80", "prompt=none without a session", seen);
}

async fn h81(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    for kind in ["token", "code id_token", "code token", "id_token"] {
        let seen = refused(cluster, &client, "response_type", Some(kind)).await;
        assert_eq!(seen, "unsupported_response_type", "{kind}");
    }
    assert_eq!(refused(cluster, &client, "response_mode", Some("fragment")).await, "invalid_request");
    table.held("H81", "response_type token, code id_token", "unsupported_response_type");
}

async fn h82(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    for scope in ["No.Such.Scope".to_owned(), "a ".repeat(3000)] {
        assert_eq!(refused(cluster, &client, "scope", Some(&scope)).await, "invalid_scope");
    }
    table.held("H82", "only unknown scopes; 6 kB of scopes", "invalid_scope");
}

async fn h83(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let url = client.authorize_url("s");
    let (endpoint, query) = url.split_once('?').unwrap();
    let request = http::client().post(endpoint).body(query.to_owned());
    let form = request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
    assert_eq!(form.status(), 303);
    assert!(form.headers()["location"].to_str().unwrap().starts_with("/consent?flow="));
    let long = altered(&client, "state", Some(&"x".repeat(64 * 1024)));
    let (huge, leads_nowhere) = raw_get(cluster, long.strip_prefix(&cluster.url).unwrap());
    assert!(matches!(huge, 400 | 414) && leads_nowhere, "{huge}");
    table.held("H83", "POST form; 64 KiB of query", format!("303 to the consent page; {huge}"));
}

async fn h84(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let other_port = get(&altered(&client, "redirect_uri", Some("http://127.0.0.1:5555/callback"))).await;
    assert_eq!(other_port.status(), 302);
    assert!(other_port.headers()["location"].to_str().unwrap().starts_with("/consent?flow="));
    let localhost = get(&altered(&client, "redirect_uri", Some("http://localhost:9/callback"))).await;
    assert_eq!(page(&localhost), "400 page");
    table.held("H84", "loopback on another port; localhost for 127.0.0.1", "accepted; 400 page");
}
