//! What must not be readable anywhere: tokens, codes, names and mail, in the logs at their most talkative and in a
//! dump of the store.

use super::hostile::Table;
use super::support::browser::{Browser, hidden};
use super::support::cluster::{Cluster, Plan, Store};
use super::support::http;
use super::support::keys;
use super::support::login::{Client, REDIRECT, VERIFIER, parameter, tokens};
use super::support::mcp::Mcp;
use super::support::operator::{Operator, SETTINGS, TOKEN};
use redis::AsyncCommands;
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";

/// Everything secret that one ordinary day produces.
struct Day {
    secrets: Vec<(&'static str, String)>,
}

impl Day {
    /// Sign-in, mail, refresh, some failures.
    async fn live(cluster: &Cluster) -> Self {
        let client = Client::register(&cluster.url).await;
        let code = client.code(ALICE).await;
        let login = tokens(client.redeem(&code).await).await;
        let session = Mcp::legacy(&cluster.url, &login.access, "2025-11-25").await;
        let found = session.call("query_email", json!({ "days_back": 3650, "keyword": "Rotterdam" })).await;
        let subject = "Port call Rotterdam";
        assert!(found.text.contains(subject), "{}", found.text);
        session.call("get_attachment", json!({ "message_id": "secret-id", "name": "secret-name" })).await;
        assert_eq!(client.redeem(&code).await.status(), 400);
        assert_eq!(client.refresh("dcr_rt_mistyped-refresh-token").await.status(), 400);
        session.with_bearer("dcr_at_mistyped-access-token").send("ping", json!({})).await;
        cluster.tenant.fault(json!({ "path": "/v1.0/me/m", "status": 500, "times": 3 })).await;
        session.call("query_email", json!({ "sender_address": "carol@secret.example" })).await;
        cluster.tenant.clear_faults().await;
        let key = keys::make(&cluster.url, ALICE, keys::MAIL).await;
        session.with_bearer("dcr_pk_mistyped-personal-key").send("ping", json!({})).await;
        Mcp::modern(&cluster.url, &key).call("list_mail_folders", json!({})).await.output();
        let fresh = tokens(client.refresh(&login.refresh).await).await;
        // What is under way: a sign-in that waits at Entra, a code that nobody has fetched, a client with a secret.
        let mine = "the-state-of-the-client";
        let mut browser = Browser::new(ALICE);
        let (consent, page) = browser.open(&client.authorize_url(mine)).await;
        let waiting = browser.walk(consent.as_str(), &format!("{}/", cluster.tenant.url)).await;
        let body =
            json!({ "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "client_secret_basic" });
        let register = http::client().post(format!("{}/register", cluster.url)).json(&body);
        let registered: Value = register.send().await.unwrap().json().await.unwrap();
        let text =
            |name: &str| registered[name].as_str().unwrap_or_else(|| panic!("{registered}")).to_owned();
        let secrets = [
            ("the client's state", mine.to_owned()),
            ("the state at Entra", parameter(&waiting, "state").unwrap()),
            ("the nonce at Entra", parameter(&waiting, "nonce").unwrap()),
            ("the token of a form", hidden(&page, "csrf")),
            ("a code that waits", client.code(ALICE).await),
            ("a client's secret", text("client_secret")),
            ("a registration's token", text("registration_access_token")),
            ("the code", code),
            ("the access token", login.access),
            ("the refresh token", login.refresh),
            ("the new access token", fresh.access),
            ("the new refresh token", fresh.refresh),
            ("the verifier", VERIFIER.to_owned()),
            ("a mistyped token", "mistyped-refresh-token".to_owned()),
            ("the secret of a personal key", key[key.len() - 40..].to_owned()),
            ("a mistyped key", "mistyped-personal-key".to_owned()),
            ("a mistyped bearer", "mistyped-access-token".to_owned()),
            ("the user's name", ALICE.to_owned()),
            ("a subject", subject.to_owned()),
            ("a searched word", "Rotterdam".to_owned()),
            ("a searched address", "carol@secret.example".to_owned()),
            ("the Entra secret", cluster.tenant.client_secret.clone()),
            // Entra's JWTs all begin like this.
            ("a token of Entra", "eyJ0eXAiOiJKV1Qi".to_owned()),
        ];
        Self { secrets: secrets.to_vec() }
    }

    fn assert_absent(&self, place: &str, text: &str) {
        for (what, secret) in &self.secrets {
            if let Some(at) = text.find(secret.as_str()) {
                let start = text.floor_char_boundary(at.saturating_sub(300));
                let end = text.ceil_char_boundary((at + 100).min(text.len()));
                panic!("{what} is readable in {place}: …{}…", &text[start..end]);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_is_logged_however_talkative() {
    let settings = [SETTINGS[0], SETTINGS[1], ("ENTRADA_LOG", "trace")];
    let mut cluster =
        Cluster::start(Store::embedded(), Plan { settings: &settings, ..Plan::default() }).await;
    let day = Day::live(&cluster).await;
    let log = cluster.replicas[0].stderr();
    assert!(log.lines().count() > 10, "the log is empty: {log}");
    day.assert_absent("the log", &log);
    assert!(log.contains("TRACE"), "the log is not at its most talkative");
    assert!(!log.contains(REDIRECT), "query strings are logged");
    let metrics = Operator::of(&mut cluster, 0).base.replace("/admin/v1", "/metrics");
    let metrics = http::client().get(metrics).bearer_auth(TOKEN).send().await.unwrap().text().await.unwrap();
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
    day.assert_absent("the metrics", &metrics);
    assert!(!log.contains(TOKEN), "the operators' token is logged");
    Table::on("embedded").held("H77", "the log of a day at TRACE, and the metrics", "no secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_is_readable_in_a_dump_of_redis() {
    let Some(cluster) = Cluster::start_on_redis().await else { return };
    let day = Day::live(&cluster).await;
    let client = redis::Client::open(cluster.store.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = connection.keys("*").await.unwrap();
    assert!(keys.len() > 3, "{keys:?}");
    let mut dump = String::new();
    for key in keys {
        dump.push_str(&key);
        let raw: Vec<u8> = redis::cmd("DUMP").arg(&key).query_async(&mut connection).await.unwrap();
        dump.push_str(&String::from_utf8_lossy(&raw));
        // Long values are compressed in a DUMP, so they are read as what they are as well.
        let kind: String = redis::cmd("TYPE").arg(&key).query_async(&mut connection).await.unwrap();
        let values: Vec<Vec<u8>> = match kind.as_str() {
            "string" => vec![connection.get(&key).await.unwrap()],
            "hash" => redis::cmd("HGETALL").arg(&key).query_async(&mut connection).await.unwrap(),
            "list" => connection.lrange(&key, 0, -1).await.unwrap(),
            "set" => connection.smembers(&key).await.unwrap(),
            "zset" => connection.zrange(&key, 0, -1).await.unwrap(),
            // Its life ended between the two questions; what it held stands in the DUMP, if that still came.
            "none" => Vec::new(),
            other => panic!("{key} is a {other}; teach this test to read it"),
        };
        for value in values {
            dump.push_str(&String::from_utf8_lossy(&value));
            dump.push('\n');
        }
    }
    day.assert_absent("Redis", &dump);
    Table::on("redis").held("H75", "a dump of the store after a day", "no secret, no name");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_file_holds_nothing_secret() {
    let mut cluster = Cluster::embedded().await;
    let day = Day::live(&cluster).await;
    cluster.replicas[0].terminate();
    assert!(cluster.replicas[0].wait_exit().success());
    let Store::Embedded(folder) = &cluster.store else { unreachable!() };
    let mut dump = String::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        dump.push_str(&String::from_utf8_lossy(&std::fs::read(entry.unwrap().path()).unwrap()));
    }
    assert!(dump.len() > 1000);
    day.assert_absent("the embedded file", &dump);
    Table::on("embedded").held("H75", "the file after a day", "no secret, no name");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_page_says_nothing_about_the_inside() {
    let cluster = Cluster::embedded().await;
    let client = Client::register(&cluster.url).await;
    cluster.tenant.break_tokens(500).await;
    let landing = Browser::new(ALICE).walk(&client.authorize_url("s"), REDIRECT).await;
    let error = parameter(&landing, "error").unwrap();
    assert!(["server_error", "temporarily_unavailable"].contains(&error.as_str()), "{landing}");
    let described = parameter(&landing, "error_description").unwrap_or_default();
    assert!(!described.contains("AADSTS") && !described.contains("http://"), "{described}");
}
