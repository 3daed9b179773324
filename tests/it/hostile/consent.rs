//! The consent page against those who would decide in somebody's place: H24, H25, H27–H30.

use super::{ALICE, Table, rows};
use crate::support::browser::{Browser, hidden};
use crate::support::cluster::Cluster;
use crate::support::http;
use crate::support::login::{Client, REDIRECT, parameter};
use reqwest::Response;
use serde_json::{Value, json};

rows!(on_both: h24, h25, h27, h28, h29, h30);
rows!(on_a_pair: h30_pair);

/// A consent page that a browser has before it.
struct Page {
    html: String,
    post: String,
    flow: String,
    csrf: String,
}

async fn page(cluster: &Cluster, browser: &mut Browser, url: &str) -> Page {
    let (here, html) = browser.open(url).await;
    assert_eq!(here.path(), "/consent", "{html}");
    let (flow, csrf) = (hidden(&html, "flow"), hidden(&html, "csrf"));
    Page { html, post: format!("{}/consent", cluster.url), flow, csrf }
}

impl Page {
    async fn decide(&self, browser: &mut Browser, csrf: Option<&str>, decision: &str) -> Response {
        let mut fields = vec![("flow", self.flow.as_str()), ("decision", decision)];
        fields.extend(csrf.map(|csrf| ("csrf", csrf)));
        browser.post(&self.post, &fields, &[]).await
    }
}

fn location(response: &Response) -> String {
    assert_eq!(response.status(), 303);
    response.headers()["location"].to_str().unwrap().to_owned()
}

async fn registered(cluster: &Cluster, name: &str, redirect: &str) -> Client {
    let body = json!({
        "client_name": name, "redirect_uris": [redirect], "token_endpoint_auth_method": "none",
        "client_uri": "https://claude.ai",
    });
    let answer = http::client().post(format!("{}/register", cluster.url)).json(&body).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    Client::known(&cluster.url, answer["client_id"].as_str().unwrap_or_else(|| panic!("{answer}")))
}

/// The request of a client with a redirect URI of its own.
fn request(client: &Client, redirect: &str) -> String {
    let encoded = |uri: &str| url_encoded(uri);
    client.authorize_url("s").replace(&encoded(REDIRECT), &encoded(redirect))
}

fn url_encoded(text: &str) -> String {
    let mut url = reqwest::Url::parse("http://x").unwrap();
    url.query_pairs_mut().append_pair("v", text);
    url.query().unwrap()[2..].to_owned()
}

async fn h24(cluster: &mut Cluster, table: Table) {
    let mut browser = Browser::new(ALICE);
    let redirect = "https://app.example/cb";
    let first = registered(cluster, "First", redirect).await;
    let second = registered(cluster, "Second", redirect).await;
    browser.walk(&request(&first, redirect), redirect).await;
    // The first is remembered, the second is not; and never does one approval cover more scopes.
    let again = browser.walk(&request(&first, redirect), &cluster.tenant.url).await;
    assert!(again.starts_with(&cluster.tenant.url), "{again}");
    page(cluster, &mut browser, &request(&second, redirect)).await;
    let wider = format!("{}&scope=Mail.Read%20MailboxSettings.Read", request(&first, redirect));
    page(cluster, &mut browser, &wider).await;
    table.held("H24", "a second client, and more scopes, of a signed-in user", "asked again");
}

async fn h25(cluster: &mut Cluster, table: Table) {
    let redirect = "https://evil.example/cb";
    let client = registered(cluster, "Claude", redirect).await;
    let html = page(cluster, &mut Browser::new(ALICE), &request(&client, redirect)).await.html;
    assert!(
        html.contains("Claude") && html.contains("evil.example") && html.contains("Not verified"),
        "{html}"
    );
    assert!(!html.contains("claude.ai") && !html.contains("Verified address"), "{html}");
    table.held("H25", "a client that calls itself Claude", "host shown, not verified");
}

async fn h27(cluster: &mut Cluster, table: Table) {
    let name = "<script>alert(1)</script>\"'\r\n\u{202e}drow";
    let html = {
        let script = "javascript:alert(1)";
        let body = json!({
            "client_name": name, "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none",
            "client_uri": script, "logo_uri": script, "tos_uri": script, "policy_uri": "JavaScript:alert(1)",
        });
        let answer =
            http::client().post(format!("{}/register", cluster.url)).json(&body).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        assert!(!answer.to_string().to_lowercase().contains("javascript:"), "{answer}");
        let client = Client::known(&cluster.url, answer["client_id"].as_str().unwrap());
        page(cluster, &mut Browser::new(ALICE), &client.authorize_url("s")).await.html
    };
    assert!(html.contains("&lt;script&gt;") && !html.contains("<script"), "{html}");
    assert!(!html.contains('\u{202e}') && !html.to_lowercase().contains("javascript:"));
    let body = json!({ "client_name": "x".repeat(10_000), "redirect_uris": [REDIRECT] });
    let long = http::client().post(format!("{}/register", cluster.url)).json(&body).send().await.unwrap();
    assert!(matches!(long.status().as_u16(), 400 | 413), "{}", long.status());
    table.held(
        "H27",
        "script, quotes, CRLF, RTL override, 10 kB as a name; javascript: as its links",
        "escaped, stripped, refused",
    );
}

async fn h28(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let mut browser = Browser::new(ALICE);
    let page = page(cluster, &mut browser, &client.authorize_url("s")).await;
    let wrong = page.csrf.chars().rev().collect::<String>();
    for csrf in [None, Some(wrong.as_str()), Some("")] {
        let response = page.decide(&mut browser, csrf, "approve").await;
        assert_eq!(response.status(), 403, "{csrf:?}");
        assert!(!response.headers().contains_key("location"));
    }
    let fields = [("flow", page.flow.as_str()), ("csrf", page.csrf.as_str()), ("decision", "approve")];
    let foreign = browser.post(&page.post, &fields, &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(foreign.status(), 403);
    // Nothing was decided by any of them: the person may still say no.
    let denied = location(&page.decide(&mut browser, Some(&page.csrf), "deny").await);
    assert_eq!(parameter(&denied, "error").as_deref(), Some("access_denied"), "{denied}");
    table.held("H28", "decision without, with a wrong token, from another site", "403, nothing decided");
}

async fn h29(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let (mut owner, mut bare, mut other) = (Browser::new(ALICE), Browser::new(ALICE), Browser::new(ALICE));
    let mine = page(cluster, &mut owner, &client.authorize_url("s")).await;
    page(cluster, &mut other, &client.authorize_url("s")).await;
    for stranger in [&mut bare, &mut other] {
        let response = mine.decide(stranger, Some(&mine.csrf), "approve").await;
        assert_eq!(response.status(), 403);
        let looked = stranger.get(format!("{}?flow={}", mine.post, mine.flow).parse().unwrap()).await;
        assert_eq!(looked.status(), 403);
    }
    location(&mine.decide(&mut owner, Some(&mine.csrf), "approve").await);
    table.held("H29", "decision from a browser without cookie, with another", "403");
}

async fn h30(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let mut browser = Browser::new(ALICE);
    let page = page(cluster, &mut browser, &client.authorize_url("s")).await;
    let first = location(&page.decide(&mut browser, Some(&page.csrf), "approve").await);
    for decision in ["approve", "deny"] {
        assert_eq!(location(&page.decide(&mut browser, Some(&page.csrf), decision).await), first);
    }
    table.held("H30", "the same decision three times", "the first answer, repeated");
}

/// The second click lands at the other replica.
async fn h30_pair(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let mut browser = Browser::new(ALICE);
    let mut page = page(cluster, &mut browser, &client.authorize_url("s")).await;
    let mut answers = Vec::new();
    for index in 0..2 {
        page.post = format!("{}/consent", cluster.replica_url(index));
        answers.push(location(&page.decide(&mut browser, Some(&page.csrf), "approve").await));
    }
    assert_eq!(answers[0], answers[1]);
    table.held("H30", "a double click that lands at both replicas", "the first answer, repeated");
}
