//! How old a sign-in may be: `auth_time` and `max_age` (OpenID Connect Core §2 and §3.1.2.1), where Entra's own session is
//! older than the sign-in here.

use crate::support::browser::Browser;
use crate::support::cluster::{Cluster, Plan, Store};
use crate::support::http;
use crate::support::login::{VERIFIER, challenge, parameter};
use crate::support::signing::now;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};

const REDIRECT: &str = "https://app.example/callback";
const ALICE: &str = "alice@contoso.example";
/// Requests take a moment, on a busy machine several.
const SLACK_S: u64 = 60;
const AGE_S: u64 = 5000;

/// A client on the web: one whose approval is remembered, so that it can sign in silently.
struct WebClient {
    base: String,
    id: String,
}

impl WebClient {
    async fn register(base: &str) -> Self {
        let metadata = json!({ "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none" });
        let answer = http::client().post(format!("{base}/register")).json(&metadata).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        Self { base: base.to_owned(), id: answer["client_id"].as_str().unwrap().to_owned() }
    }

    /// The client's link, with more parameters.
    fn link(&self, more: &[(&str, &str)]) -> String {
        let query = [
            ("response_type", "code"),
            ("client_id", self.id.as_str()),
            ("redirect_uri", REDIRECT),
            ("code_challenge_method", "S256"),
            ("code_challenge", &challenge(VERIFIER)),
            ("resource", &format!("{}/mail-query/mcp", self.base)),
            ("scope", "openid Mail.Read User.Read"),
        ];
        let mut url = reqwest::Url::parse_with_params(&format!("{}/authorize", self.base), query).unwrap();
        url.query_pairs_mut().extend_pairs(more);
        url.into()
    }

    /// The id_token behind the code that `landing` brought.
    async fn id_token(&self, landing: &str) -> Value {
        let code = parameter(landing, "code").unwrap_or_else(|| panic!("no code in {landing}"));
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
            ("client_id", &self.id),
        ];
        let answer = http::client().post(format!("{}/token", self.base)).form(&form).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        let token = answer["id_token"].as_str().unwrap_or_else(|| panic!("no id_token: {answer}"));
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
    }
}

/// Signs in silently: in the session that the browser has at Entra.
async fn silent(browser: &mut Browser, client: &WebClient, more: &[(&str, &str)]) -> String {
    browser.walk(&client.link(&[&[("prompt", "none")], more].concat()), REDIRECT).await
}

async fn on_both(row: impl AsyncFn(&Cluster, &WebClient, &mut Browser)) {
    for store in [Some(Store::embedded()), Store::redis()].into_iter().flatten() {
        let cluster = Cluster::start(store, Plan::default()).await;
        let client = WebClient::register(&cluster.url).await;
        let mut browser = Browser::new(ALICE);
        let begun = now();
        let landing = browser.walk(&client.link(&[]), REDIRECT).await;
        let at = client.id_token(&landing).await["auth_time"].as_u64().unwrap();
        assert!((begun - 1..=now() + 1).contains(&at), "a fresh sign-in is of now: {at}");
        let age = json!({ "age_sessions_s": AGE_S });
        cluster.tenant.control(Method::POST, &format!("users/{ALICE}"), Some(age)).await;
        row(&cluster, &client, &mut browser).await;
    }
}

fn assert_old(claims: &Value) {
    let age = now() - claims["auth_time"].as_u64().unwrap();
    assert!((AGE_S..=AGE_S + SLACK_S).contains(&age), "{age}: {claims}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_session_at_entra_is_what_the_id_token_tells() {
    on_both(async |_, client, browser| {
        let landing = silent(browser, client, &[]).await;
        assert_old(&client.id_token(&landing).await);
        let landing = silent(browser, client, &[("max_age", "9000")]).await;
        assert_old(&client.id_token(&landing).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_too_old_is_not_taken() {
    on_both(async |_, client, browser| {
        let refused = silent(browser, client, &[("max_age", "4000")]).await;
        assert_eq!(parameter(&refused, "error").as_deref(), Some("login_required"), "{refused}");
        // With a page allowed, the person signs in anew.
        let landing = browser.walk(&client.link(&[("max_age", "4000")]), REDIRECT).await;
        let at = client.id_token(&landing).await["auth_time"].as_u64().unwrap();
        assert!(now() - at <= SLACK_S, "{at}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_entra_does_not_say_only_a_new_sign_in_counts() {
    on_both(async |cluster, client, browser| {
        let option = json!({ "auth_time_claim": false });
        cluster.tenant.control(Method::POST, "options", Some(option)).await;
        let refused = silent(browser, client, &[("max_age", "9000")]).await;
        assert_eq!(parameter(&refused, "error").as_deref(), Some("login_required"), "{refused}");
        let landing = silent(browser, client, &[]).await;
        let at = client.id_token(&landing).await["auth_time"].as_u64().unwrap();
        assert!(now() - at <= SLACK_S, "the time of the sign-in here: {at}");
        let entra = format!("{}/", cluster.tenant.url);
        let more = [("max_age", "9000"), ("prompt", "select_account")];
        let asked = browser.walk(&client.link(&more), &entra).await;
        assert_eq!(parameter(&asked, "prompt").as_deref(), Some("login"), "{asked}");
        let landing = browser.walk(&asked, REDIRECT).await;
        assert!(parameter(&landing, "code").is_some(), "{landing}");
    })
    .await;
}
