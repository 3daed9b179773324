//! Entra and Graph behind the server: errors at the callback and at a refresh, challenges, a replica that dies.

use super::id_token::refused;
use super::{ALICE, Table, outcome, rows};
use crate::support::browser::Browser;
use crate::support::cluster::Cluster;
use crate::support::http::{self, eventually};
use crate::support::login::{Client, REDIRECT, parameter, tokens};
use crate::support::mcp::Mcp;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::time::Duration;

rows!(on_both: h38, h87);
rows!(without_limits: h37_every_family, h57_every_family);
rows!(on_a_pair: h56);

const CLAIMS: &str = r#"{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}"#;
const TOKEN: &str = "*/oauth2/v2.0/token";
const AUTHORIZE: &str = "*/oauth2/v2.0/authorize";

/// The table of Entra's errors: numbers, OAuth error at the callback, OAuth error at a refresh. What a person can mend
/// is asked again once and is named in [`ASKED_AGAIN`].
const FAMILIES: &[(&[u32], &str, &str)] = &[
    (&[65004], "access_denied", ""),
    (&[50020, 50034, 51004, 90072, 50105, 50194], "access_denied", "400 invalid_grant"),
    (&[53000, 53001, 53002, 53003, 50097, 50131], "access_denied", "400 invalid_grant"),
    (&[50055, 50057], "access_denied", "400 invalid_grant"),
    (&[50053], "access_denied", "503 temporarily_unavailable"),
    (
        &[700_082, 700_084, 70000, 70008, 70043, 50173, 50132, 50133, 54005, 501_481],
        "server_error",
        "400 invalid_grant",
    ),
    (
        &[
            50011, 700_016, 70001, 7_000_112, 90002, 500_011, 28000, 28002, 28003, 70011, 700_022, 700_023,
            9_010_010, 901_002, 9_002_327, 900_561, 900_144,
        ],
        "server_error",
        "503 temporarily_unavailable",
    ),
    (
        &[7_000_215, 7_000_218, 7_000_222, 700_027, 50012, 700_213, 700_229, 70021],
        "temporarily_unavailable",
        "503 temporarily_unavailable",
    ),
    (
        &[50033, 50087, 90006, 90024, 90033, 90055, 90090],
        "temporarily_unavailable",
        "503 temporarily_unavailable",
    ),
];

/// Refusals that are a question to the person, the prompt of the second attempt, and the end if that fails too.
const ASKED_AGAIN: &[(&[u32], &str, &str)] = &[
    (&[65001, 650_052], "consent", "access_denied"),
    (&[50072, 50074, 50076, 50078, 50079, 50158, 530_032, 530_035], "login", "access_denied"),
    (&[50058, 50140, 50199], "login", "login_required"),
];

async fn refuse(cluster: &Cluster, path: &str, times: u32, aadsts: Value) {
    cluster.tenant.fault(json!({ "path": path, "times": times, "aadsts": aadsts })).await;
}

/// Walks from the client's link to `target`.
async fn walk(client: &Client, target: &str) -> String {
    Browser::new(ALICE).walk(&client.authorize_url("s"), target).await
}

async fn h37_every_family(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    for (codes, error, _) in FAMILIES {
        for code in *codes {
            let name = if *code == 65004 { "access_denied" } else { "invalid_request" };
            refuse(cluster, AUTHORIZE, 1, json!({ "code": code, "error": name })).await;
            let end = walk(&client, REDIRECT).await;
            assert_eq!(parameter(&end, "error").as_deref(), Some(*error), "AADSTS{code}: {end}");
            assert_eq!(parameter(&end, "iss").as_deref(), Some(cluster.url.as_str()));
            assert_eq!(parameter(&end, "state").as_deref(), Some("s"));
            assert!(!end.contains("AADSTS") && !end.contains("Trace"), "Entra's words stay here: {end}");
        }
    }
    for (codes, prompt, end_error) in ASKED_AGAIN {
        for code in *codes {
            refuse(cluster, AUTHORIZE, 1, json!({ "code": code })).await;
            let second = walk_to_second_attempt(cluster, &client).await;
            assert_eq!(parameter(&second, "prompt").as_deref(), Some(*prompt), "AADSTS{code}");
            refuse(cluster, AUTHORIZE, 2, json!({ "code": code })).await;
            let end = walk(&client, REDIRECT).await;
            assert_eq!(parameter(&end, "error").as_deref(), Some(*end_error), "AADSTS{code} twice: {end}");
        }
    }
    for code in [90094, 90095, 650_056, 650_057] {
        refuse(cluster, AUTHORIZE, 1, json!({ "code": code })).await;
        administrator_is_needed(cluster, &client).await;
    }
    invented(cluster, &client).await;
    refuse(cluster, AUTHORIZE, 1, json!({ "code": 53003, "claims": CLAIMS })).await;
    let second = walk_to_second_attempt(cluster, &client).await;
    assert_eq!(parameter(&second, "claims").as_deref(), Some(CLAIMS));
    refuse(cluster, AUTHORIZE, 1, json!({ "code": 987_654_321, "error": "something_new" })).await;
    let end = walk(&client, REDIRECT).await;
    assert_eq!(parameter(&end, "error").as_deref(), Some("server_error"), "a number that nobody knows");
    table.held(
        "H37",
        "every AADSTS family at the callback",
        "the mapped error with iss and state; no Entra text",
    );
}

/// Opens the page that says that an administrator must approve: what for, where, and the way back to the client.
async fn administrator_is_needed(cluster: &Cluster, client: &Client) {
    let mut browser = Browser::new(ALICE);
    let entra = browser.walk(&client.authorize_url("s"), &format!("{}/", cluster.tenant.url)).await;
    let back = browser.walk(&entra, &format!("{}/callback", cluster.url)).await;
    let (_, page) = browser.open(&back).await;
    assert!(page.contains("Mail.Read") && page.contains("/adminconsent?"), "{page}");
    let links = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let links: Vec<String> = links.map(|link| link.replace("&amp;", "&")).collect();
    let told = links.iter().find(|link| link.starts_with(REDIRECT)).unwrap_or_else(|| panic!("{page}"));
    assert_eq!(parameter(told, "error").as_deref(), Some("access_denied"), "{told}");
    assert_eq!(parameter(told, "iss").as_deref(), Some(cluster.url.as_str()));
    assert_eq!(parameter(told, "state").as_deref(), Some("s"));
}

/// Errors that come back without a number of Entra's, or were made up by whoever wrote the address.
async fn invented(cluster: &Cluster, client: &Client) {
    const TEXT: &str = "<script>alert(1)</script>\r\nSet-Cookie: evil=1";
    for (error, expected) in [
        ("access_denied", "access_denied"),
        ("temporarily_unavailable", "temporarily_unavailable"),
        ("server_error", "server_error"),
        ("<b>x</b>\r\nLocation: https://evil.example", "server_error"),
    ] {
        let mut browser = Browser::new(ALICE);
        let back = browser.walk(&client.authorize_url("s"), &format!("{}/callback", cluster.url)).await;
        let query = [("state", parameter(&back, "state").unwrap()), ("error", error.to_owned())];
        let url = reqwest::Url::parse_with_params(&format!("{}/callback", cluster.url), query).unwrap();
        let url = reqwest::Url::parse_with_params(url.as_str(), [("error_description", TEXT)]).unwrap();
        let response = browser.get(url).await;
        let end = response.headers()["location"].to_str().unwrap().to_owned();
        assert!(end.starts_with(REDIRECT), "{end}");
        assert_eq!(refused(cluster, &end).await, expected, "{error}");
        for (name, value) in [("error", "<"), ("error_description", "<"), ("error_description", "evil")] {
            assert!(!parameter(&end, name).unwrap_or_default().contains(value), "{end}");
        }
        let cookies = response.headers().get_all("set-cookie").iter();
        assert!(!cookies.into_iter().any(|cookie| cookie.to_str().unwrap().contains("evil")));
    }
}

/// The URL of the second request to Entra, after the first was refused.
async fn walk_to_second_attempt(cluster: &Cluster, client: &Client) -> String {
    let mut browser = Browser::new(ALICE);
    let entra = format!("{}/", cluster.tenant.url);
    let first = browser.walk(&client.authorize_url("s"), &entra).await;
    browser.walk(&first, &entra).await
}

async fn h38(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let page = "<html>bad gateway</html>";
    let incomplete = json!({ "token_type": "Bearer", "access_token": "x", "expires_in": 3600 });
    for (what, rule, expected) in [
        ("400 invalid_grant", json!({ "aadsts": { "code": 70000 } }), "server_error"),
        ("400 of a code spent", json!({ "aadsts": { "code": 54005 } }), "server_error"),
        (
            "400 invalid_request",
            json!({ "aadsts": { "code": 900_144, "error": "invalid_request" } }),
            "server_error",
        ),
        (
            "401 invalid_client",
            json!({ "status": 401, "aadsts": { "code": 7_000_222, "error": "invalid_client" } }),
            "temporarily_unavailable",
        ),
        ("400 HTML", json!({ "status": 400, "body": page }), "temporarily_unavailable"),
        ("429", json!({ "status": 429 }), "temporarily_unavailable"),
        ("500", json!({ "status": 500 }), "temporarily_unavailable"),
        ("502 HTML", json!({ "status": 502, "body": page }), "temporarily_unavailable"),
        ("200 HTML", json!({ "status": 200, "body": page }), "temporarily_unavailable"),
        ("200 without id_token", json!({ "status": 200, "body": incomplete }), "server_error"),
        ("a broken connection", json!({ "reset": true }), "temporarily_unavailable"),
        ("silence", json!({ "delay_ms": 60_000 }), "temporarily_unavailable"),
    ] {
        let mut rule = rule;
        rule["path"] = json!(TOKEN);
        cluster.tenant.fault(rule).await;
        let end = walk(&client, REDIRECT).await;
        assert_eq!(refused(cluster, &end).await, expected, "{what}");
        assert!(!end.contains("AADSTS") && !end.contains("html"), "Entra's words stay here: {end}");
        cluster.tenant.clear_faults().await;
    }
    assert!(parameter(&walk(&client, REDIRECT).await, "code").is_some());
    table.held(
        "H38",
        "the code exchange fails: 400, 401, 429, 500, HTML, half an answer, broken, silent",
        "server_error or temporarily_unavailable to the client, with a page",
    );
}

async fn h57_every_family(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let mut login = client.sign_in(ALICE).await;
    let asked = ASKED_AGAIN.iter().flat_map(|(codes, ..)| *codes);
    let closing = asked.chain(&[90094, 90095, 650_056, 650_057]).map(|code| (*code, "400 invalid_grant"));
    let others = FAMILIES.iter().flat_map(|(codes, _, end)| codes.iter().map(move |code| (*code, *end)));
    for (code, expected) in others.chain(closing).filter(|(_, expected)| !expected.is_empty()) {
        refuse(cluster, TOKEN, 1, json!({ "code": code })).await;
        let answer = client.refresh(&login.refresh).await;
        let retry_after = answer.headers().contains_key("retry-after");
        assert_eq!(outcome(answer).await, expected, "AADSTS{code}");
        if expected.starts_with("503") {
            assert!(retry_after, "AADSTS{code}");
            continue;
        }
        let dead = Mcp::modern(&cluster.url, &login.access).call("list_mail_folders", json!({})).await;
        assert_eq!(dead.status, 401, "AADSTS{code}: the family is closed");
        login = client.sign_in(ALICE).await;
    }
    // What nobody knows ends a login only when it is said twice.
    refuse(cluster, TOKEN, 2, json!({ "code": 987_654 })).await;
    assert_eq!(outcome(client.refresh(&login.refresh).await).await, "400 invalid_grant");
    let login = client.sign_in(ALICE).await;
    // The loop guard: no further question to Entra for this person while it is closed.
    refuse(cluster, TOKEN, 1, json!({ "code": 50196 })).await;
    let paused = client.refresh(&login.refresh).await;
    assert_eq!(paused.headers()["retry-after"], "300");
    assert_eq!(paused.status(), 503);
    let asked = cluster.tenant.grants("refresh_token").await;
    assert_eq!(client.refresh(&login.refresh).await.status(), 503);
    assert_eq!(cluster.tenant.grants("refresh_token").await, asked, "Entra is left alone");
    table.held(
        "H57",
        "every AADSTS family at a refresh",
        "400 and family closed, or 503 and kept, by the table",
    );
}

async fn h87(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let mut browser = Browser::new(ALICE);
    let landing = browser.walk(&client.authorize_url("s"), REDIRECT).await;
    let login = tokens(client.redeem(&parameter(&landing, "code").unwrap()).await).await;
    let challenge =
        format!("Bearer realm=\"\", error=\"insufficient_claims\", claims=\"{}\"", STANDARD.encode(CLAIMS));
    let rule = json!({
        "path": "/v1.0/me", "status": 401, "times": 1, "headers": { "WWW-Authenticate": challenge },
        "body": { "error": { "code": "InvalidAuthenticationToken", "message": "Continuous access evaluation." } },
    });
    cluster.tenant.fault(rule).await;
    let answer = Mcp::modern(&cluster.url, &login.access).call("list_mail_folders", json!({})).await;
    assert_eq!(answer.status, 401, "{}", answer.text);
    assert!(answer.header("www-authenticate").contains("invalid_token"));
    // Not before the person came back: the tokens wait.
    assert_eq!(outcome(client.refresh(&login.refresh).await).await, "400 invalid_grant");
    let entra = format!("{}/", cluster.tenant.url);
    let known = browser.walk(&client.authorize_url("s"), &entra).await;
    assert_eq!(parameter(&known, "claims").as_deref(), Some(CLAIMS), "{known}");
    // A browser that does not say who comes is sent once more, when Entra has said who it is.
    let mut stranger = Browser::new(ALICE);
    let first = stranger.walk(&client.authorize_url("s"), &entra).await;
    assert_eq!(parameter(&first, "claims"), None);
    let second = stranger.walk(&first, &format!("{entra}{}", tenant_of(&first))).await;
    assert_eq!(parameter(&second, "claims").as_deref(), Some(CLAIMS), "{second}");
    let landing = stranger.walk(&second, REDIRECT).await;
    let login = tokens(client.redeem(&parameter(&landing, "code").unwrap()).await).await;
    Mcp::modern(&cluster.url, &login.access).call("list_mail_folders", json!({})).await.output();
    table.held(
        "H87",
        "Graph answers 401 insufficient_claims",
        "401 invalid_token; the next sign-in carries the claims",
    );
}

/// First part of the path of an Entra URL.
fn tenant_of(url: &str) -> String {
    let url = reqwest::Url::parse(url).unwrap();
    url.path_segments().and_then(|mut parts| parts.next().map(ToOwned::to_owned)).unwrap_or_default()
}

async fn h56(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    let before = cluster.tenant.grants("refresh_token").await;
    cluster.tenant.fault(json!({ "path": TOKEN, "delay_ms": 60_000, "times": 1 })).await;
    let dying = client.at(cluster.replica_url(0));
    let token = login.refresh.clone();
    let lost = tokio::spawn(async move { dying.try_refresh(&token).await.map(|answer| answer.status()) });
    // The rule is used up when the request has reached Entra: the replica holds the lease now.
    eventually("the refresh is at Entra", || async {
        (cluster.tenant.faults_left().await == 0).then_some(())
    })
    .await;
    cluster.replicas[0].kill();
    assert!(lost.await.unwrap().is_err(), "the connection died with the replica");
    let survivor = client.at(cluster.replica_url(1));
    let begun = std::time::Instant::now();
    let answer = eventually("the other replica takes over", || async {
        let answer = survivor.refresh(&login.refresh).await;
        (answer.status() == 200).then_some(answer)
    })
    .await;
    let waited: Duration = begun.elapsed();
    let fresh = tokens(answer).await;
    let survivor_url = cluster.replica_url(1).to_owned();
    assert_eq!(
        cluster.tenant.grants("refresh_token").await - before,
        1,
        "one refresh reached Entra's handler"
    );
    let again = tokens(survivor.refresh(&login.refresh).await).await;
    assert_eq!(again.refresh, fresh.refresh, "the retry gets the same successor");
    let health = http::status(&format!("{survivor_url}/health/ready")).await;
    assert_eq!(health, Some(200));
    table.held(
        "H56",
        "kill -9 amid a refresh",
        format!("taken over after {:.1} s, 200", waited.as_secs_f64()),
    );
}
