//! Personal keys from outside: a person makes one in the browser, a program that knows nothing else uses it.

use super::main_job::subjects;
use super::support::browser::{Browser, hidden};
use super::support::cluster::Cluster;
use super::support::http::{self, eventually};
use super::support::keys::{MAIL, Wanted, account, key_on, make, make_page};
use super::support::login::Client;
use super::support::mcp::{Answer, Mcp};
use super::support::operator::{Operator, clusters};
use scraper::{Html, Selector};
use serde_json::json;

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const DAY_S: i64 = 86_400;

async fn used(base: &str, key: &str) -> Answer {
    Mcp::modern(base, key).call("list_mail_folders", json!({})).await
}

/// The moments that stand on the card of a key: made, last used (once it is), end.
fn moments(page: &str) -> Vec<String> {
    let page = Html::parse_document(page);
    let times = Selector::parse("li.item time").unwrap();
    page.select(&times).map(|time| time.attr("datetime").unwrap().to_owned()).collect()
}

fn offered(page: &str) -> Vec<String> {
    let page = Html::parse_document(page);
    let buttons = Selector::parse("button[name=revoke]").unwrap();
    page.select(&buttons).map(|button| button.attr("value").unwrap().to_owned()).collect()
}

/// Restarts replica 0 with its clock so many seconds ahead; the tenant's id_tokens are still good then.
async fn later(cluster: &mut Cluster, seconds: i64) {
    cluster.tenant.forge(json!({ "claims": { "exp": 4_000_000_000_u32 }, "times": 100 })).await;
    cluster.set("ENTRADA_SERVER__TEST_CLOCK_OFFSET_S", &seconds.to_string());
    cluster.crash_and_restart(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_used_listed_and_revoked_on_every_replica() {
    for mut cluster in clusters().await {
        let base = cluster.url.clone();
        let replicas: Vec<String> =
            (0..cluster.replicas.len()).map(|index| cluster.replica_url(index).to_owned()).collect();
        let mut alice = Browser::new(ALICE);
        account(&base, &mut alice).await;
        let made = make_page(&base, &mut alice, MAIL).await;
        let key = key_on(&made).unwrap();
        for told in [format!("{base}/mail-query/v1"), format!("{base}/mail-query/mcp")] {
            assert!(made.contains(&told), "{made}");
        }
        let bobs = make(&base, BOB, Wanted { name: "Bobs key", ..MAIL }).await;
        // At every replica, in both eras, for its own person.
        let newest = cluster.tenant.graph(ALICE, "/me/messages?$top=1&$select=id,subject").await;
        let (id, subject) = (&newest["value"][0]["id"], newest["value"][0]["subject"].as_str().unwrap());
        let her_mail = json!({ "id": id });
        for replica in &replicas {
            used(replica, &key).await.output();
            let session = Mcp::legacy(replica, &key, "2025-11-25").await;
            let found = session.call("get_email", her_mail.clone()).await;
            assert!(subjects(found.output()).iter().any(|one| one == subject), "{}", found.text);
            assert_eq!(session.with_bearer(&bobs).send("tools/list", json!({})).await.status, 404);
            Mcp::modern(replica, &bobs).call("get_email", her_mail.clone()).await.refusal();
        }
        // Each sees their own and never the key itself.
        let home = format!("{base}/account/connections");
        let hers = alice.open(&home).await.1;
        assert!(
            hers.contains("Open WebUI") && !hers.contains("Bobs key") && !hers.contains("dcr_pk_"),
            "{hers}"
        );
        let mut bob = Browser::new(BOB);
        let his = account(&base, &mut bob).await;
        assert!(!his.contains("Open WebUI"), "{his}");
        // The operator sees whose they are and what they are called.
        let operator = Operator::of(&mut cluster, 0);
        let grants = operator.get("grants").await;
        let named = |name: &str| {
            let found = grants["items"].as_array().unwrap().iter().find(|grant| grant["name"] == name);
            found.unwrap_or_else(|| panic!("{name}: {grants}")).clone()
        };
        assert_ne!(named("Open WebUI")["user"], named("Bobs key")["user"]);
        // Bob ends nothing of Alice's, and no page but hers does.
        let grant = offered(&hers)[0].clone();
        let (own, csrf) = (hidden(&his, "csrf"), hidden(&hers, "csrf"));
        let foreign = [("csrf", own.as_str()), ("revoke", grant.as_str())];
        assert_eq!(bob.post(&home, &foreign, &[("origin", &base)]).await.status(), 303);
        assert_eq!(alice.post(&home, &foreign, &[("origin", &base)]).await.status(), 403);
        let good = [("csrf", csrf.as_str()), ("revoke", grant.as_str())];
        assert_eq!(alice.post(&home, &good, &[("origin", "https://evil.example")]).await.status(), 403);
        used(&replicas[0], &key).await.output();
        assert_eq!(alice.post(&home, &good, &[("origin", &base)]).await.status(), 303);
        for replica in &replicas {
            Mcp::modern(replica, &key).until_refused().await;
            used(replica, &bobs).await.output();
        }
        assert!(offered(&alice.open(&home).await.1).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_opens_what_it_says_and_nothing_else() {
    let cluster = Cluster::embedded().await;
    let base = &cluster.url;
    let key = make(base, ALICE, MAIL).await;
    let elsewhere = Mcp::of(&format!("{base}/calendar/mcp"), &key).send("tools/list", json!({})).await;
    assert_eq!(elsewhere.status, 401);
    let challenge = elsewhere.header("www-authenticate");
    assert!(challenge.contains("invalid_token") && challenge.contains("/calendar/mcp"), "{challenge}");
    assert!(elsewhere.text.contains("issued for another service"), "{}", elsewhere.text);
    let id = cluster.tenant.graph(ALICE, "/me/messages?$top=1&$select=id").await["value"][0]["id"].clone();
    let write = json!({ "message_ids": [id], "mark": "read" });
    let refused = Mcp::modern(base, &key).call("organize_email", write.clone()).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    let challenge = refused.header("www-authenticate").to_owned();
    assert!(challenge.contains("insufficient_scope") && challenge.contains("Mail.ReadWrite"), "{challenge}");
    assert!(challenge.contains(&format!("make a new key with it at {base}/account/keys")), "{challenge}");
    // As the message says.
    let wider = make(base, ALICE, Wanted { name: "Wider", more: &["Mail.ReadWrite"], ..MAIL }).await;
    assert_ne!(Mcp::modern(base, &wider).call("organize_email", write).await.status, 403);
    // It is no refresh token, and its holder may end it.
    let client = Client::register(base).await;
    assert_eq!(client.refresh(&wider).await.status(), 400);
    let end = http::client().post(format!("{base}/revoke")).form(&[("token", &wider)]).send().await.unwrap();
    assert_eq!(end.status(), 200);
    assert_eq!(used(base, &wider).await.status, 401);
    used(base, &key).await.output();
}

/// The form counts from its own page only, and nobody is asked at Microsoft otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn no_other_page_makes_a_key() {
    let cluster = Cluster::embedded().await;
    let base = &cluster.url;
    let form = format!("{base}/account/keys");
    let mut alice = Browser::new(ALICE);
    let page = account(base, &mut alice).await;
    let csrf = hidden(&page, "csrf");
    let fields = |csrf| [("csrf", csrf), ("service", "mail-query"), ("name", "k"), ("days", "30")];
    for headers in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")]
    {
        let answer = alice.post(&form, &fields(csrf.as_str()), &[headers]).await;
        assert_eq!(answer.status(), 403, "{headers:?}");
    }
    assert_eq!(alice.post(&form, &fields("wrong"), &[("origin", base)]).await.status(), 403);
    let mut bob = Browser::new(BOB);
    account(base, &mut bob).await;
    assert_eq!(bob.post(&form, &fields(csrf.as_str()), &[("origin", base)]).await.status(), 403);
    let nobody = Browser::new(ALICE).post(&form, &fields(csrf.as_str()), &[("origin", base)]).await;
    assert_eq!(nobody.status(), 403);
    assert!(offered(&alice.open(&format!("{base}/account/connections")).await.1).is_empty());
    // The front door leads to the form.
    let door = alice.open(base).await.1;
    assert!(door.contains(&format!("{base}/v1")) && door.contains("href=\"/account/keys\""), "{door}");
    // In Korean as well.
    let korean = alice.open(&format!("{form}?service=mail-query&ui_locales=ko")).await.1;
    assert!(korean.contains("lang=\"ko\"") && korean.contains("개인 키 만들기"), "{korean}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_keeps_the_sign_in_alive_and_ends_with_it() {
    let mut cluster = Cluster::embedded().await;
    let base = cluster.url.clone();
    let client = Client::register(&base).await;
    let login = client.sign_in(ALICE).await;
    let key = make(&base, ALICE, MAIL).await;
    let form = [("token", login.refresh.as_str()), ("client_id", client.id.as_str())];
    http::client().post(format!("{base}/revoke")).form(&form).send().await.unwrap();
    assert_eq!(used(&base, &login.access).await.status, 401);
    used(&base, &key).await.output();
    // Two hours on: Microsoft's token has ended, the one behind it has not, and the use is seen.
    later(&mut cluster, 2 * 3600).await;
    cluster.tenant.expire_tokens().await;
    used(&base, &key).await.output();
    let mut alice = Browser::new(ALICE);
    account(&base, &mut alice).await;
    let home = format!("{base}/account/connections");
    let noted = async || {
        let page = alice.clone().open(&home).await.1;
        let all = moments(&page);
        (all.len() == 3).then_some(all)
    };
    let all = eventually("the last use is noted", noted).await;
    assert!(all[2] > all[1] && all[1] > all[0], "{all:?}");
    // An administrator ends the person's sessions: the key opens nothing, and does not come back.
    cluster.tenant.revoke(ALICE).await;
    later(&mut cluster, 4 * 3600).await;
    assert_eq!(used(&base, &key).await.status, 401);
    client.sign_in(ALICE).await;
    assert_eq!(used(&base, &key).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_ends_in_time_and_where_the_operator_says_so() {
    let mut cluster = Cluster::embedded().await;
    let base = cluster.url.clone();
    let week = make(&base, ALICE, Wanted { name: "A week", days: "7", ..MAIL }).await;
    let month = make(&base, ALICE, MAIL).await;
    later(&mut cluster, 7 * DAY_S - 60).await;
    used(&base, &week).await.output();
    later(&mut cluster, 7 * DAY_S + 60).await;
    let expired = used(&base, &week).await;
    assert_eq!(expired.status, 401);
    assert!(expired.header("www-authenticate").contains("invalid_token"), "{expired:?}");
    used(&base, &month).await.output();
    cluster.set("ENTRADA_OAUTH__PERSONAL_KEYS", "false");
    cluster.crash_and_restart(0).await;
    assert_eq!(used(&base, &month).await.status, 401);
    assert_eq!(http::status(&format!("{base}/account/keys")).await, Some(404));
    cluster.set("ENTRADA_OAUTH__PERSONAL_KEYS", "true");
    cluster.set("ENTRADA_OAUTH__ALLOWED_USERS", BOB);
    cluster.crash_and_restart(0).await;
    assert_eq!(used(&base, &month).await.status, 401, "the person is not let in any more");
    cluster.set("ENTRADA_OAUTH__ALLOWED_USERS", "");
    cluster.crash_and_restart(0).await;
    assert_eq!(used(&base, &month).await.status, 401, "and that was the end of the key");
}
