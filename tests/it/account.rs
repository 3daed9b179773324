//! `/account/connections` over HTTP: own connections only, ended at once, and by nobody but their owner's own page.

use super::support::browser::{Browser, hidden};
use super::support::cluster::Cluster;
use super::support::http;
use super::support::login::{Client, Tokens};
use super::support::mcp::Mcp;
use scraper::{Html, Selector};
use serde_json::json;

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";

async fn works(base: &str, login: &Tokens) -> bool {
    Mcp::modern(base, &login.access).call("list_mail_folders", json!({})).await.status == 200
}

/// Signs in to the account page and answers it.
async fn account(cluster: &Cluster, browser: &mut Browser) -> String {
    let home = format!("{}/account/connections", cluster.url);
    browser.walk(&home, &home).await;
    browser.open(&home).await.1
}

/// Names of the grants that a page offers to end.
fn offered(html: &str) -> Vec<String> {
    let page = Html::parse_document(html);
    let buttons = Selector::parse("button[name=revoke]").unwrap();
    page.select(&buttons).map(|button| button.attr("value").unwrap().to_owned()).collect()
}

async fn own_connections_only(cluster: &mut Cluster) {
    let base = cluster.url.clone();
    let home = format!("{base}/account/connections");
    let client = Client::register_as(&base, "Shared App").await;
    let other = Client::register_as(&base, "Second App").await;
    let (alices, second, bobs) =
        (client.sign_in(ALICE).await, other.sign_in(ALICE).await, client.sign_in(BOB).await);
    let (mut alice, mut bob) = (Browser::new(ALICE), Browser::new(BOB));
    let (hers, his) = (account(cluster, &mut alice).await, account(cluster, &mut bob).await);
    assert!(hers.contains(ALICE) && hers.contains("Second App"), "{hers}");
    assert!(his.contains(BOB) && !his.contains("Second App") && !his.contains(ALICE), "{his}");
    assert_eq!((offered(&hers).len(), offered(&his).len()), (2, 1));
    // Bob names Alice's grants in a form that is his in every other way: they do not exist for him.
    let own = hidden(&his, "csrf");
    for grant in offered(&hers) {
        let fields = [("csrf", own.as_str()), ("revoke", grant.as_str())];
        assert_eq!(bob.post(&home, &fields, &[("origin", &base)]).await.status(), 303);
    }
    assert!(works(&base, &alices).await && works(&base, &second).await);
    // Forms that do not come from Alice's page change nothing.
    let (csrf, grant) = (hidden(&hers, "csrf"), offered(&hers)[0].clone());
    let good = [("csrf", csrf.as_str()), ("revoke", grant.as_str())];
    for headers in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")]
    {
        assert_eq!(alice.post(&home, &good, &[headers]).await.status(), 403, "{headers:?}");
    }
    for wrong in [own.as_str(), ""] {
        let fields = [("csrf", wrong), ("revoke_all", "yes")];
        assert_eq!(alice.post(&home, &fields, &[("origin", &base)]).await.status(), 403);
    }
    assert_eq!(Browser::new(ALICE).post(&home, &good, &[("origin", &base)]).await.status(), 403);
    assert!(works(&base, &alices).await && works(&base, &second).await);
    // Hers does: newest first, so the second app ends, at once.
    assert_eq!(alice.post(&home, &good, &[("origin", &base)]).await.status(), 303);
    assert!(!works(&base, &second).await && works(&base, &alices).await);
    assert_eq!(other.refresh(&second.refresh).await.status(), 400);
    let all = [("csrf", csrf.as_str()), ("revoke_all", "yes")];
    assert_eq!(alice.post(&home, &all, &[("origin", &base)]).await.status(), 303);
    assert!(!works(&base, &alices).await && works(&base, &bobs).await);
    assert!(offered(&alice.open(&home).await.1).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_and_ends_own_connections_only() {
    own_connections_only(&mut Cluster::embedded().await).await;
    if let Some(mut cluster) = Cluster::start_on_redis().await {
        own_connections_only(&mut cluster).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_elsewhere_is_not_listed_and_signing_out_ends_every_copy() {
    let cluster = Cluster::embedded().await;
    let base = &cluster.url;
    let client = Client::register(base).await;
    let login = client.sign_in(ALICE).await;
    let mut alice = Browser::new(ALICE);
    let page = account(&cluster, &mut alice).await;
    assert_eq!(offered(&page).len(), 1);
    let form = [("token", login.refresh.as_str()), ("client_id", client.id.as_str())];
    http::client().post(format!("{base}/revoke")).form(&form).send().await.unwrap();
    let home = format!("{base}/account/connections");
    assert!(offered(&alice.open(&home).await.1).is_empty());
    let mut copy = alice.clone();
    let csrf = hidden(&page, "csrf");
    let out = alice.post(&format!("{base}/account/sign-out"), &[("csrf", &csrf)], &[("origin", base)]).await;
    assert_eq!(out.status(), 303);
    assert!(out.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    let (place, _) = copy.open(&home).await;
    assert!(place.as_str().starts_with(&cluster.tenant.url), "a copy of the cookie still opens {place}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_to_the_account_page_is_of_one_browser_and_one_use() {
    let cluster = Cluster::embedded().await;
    let home = format!("{}/account/connections", cluster.url);
    let callback = format!("{}/callback", cluster.url);
    let mut attacker = Browser::new(BOB);
    let back = attacker.walk(&home, &callback).await;
    // The victim is led to the end of the attacker's sign-in, and must not end up in the attacker's account.
    let mut victim = Browser::new(ALICE);
    let refused = victim.get(back.parse().unwrap()).await;
    assert_eq!(refused.status(), 403);
    assert!(!refused.headers().contains_key("set-cookie"));
    assert_eq!(attacker.get(back.parse().unwrap()).await.status(), 400, "the state was spent");
}
