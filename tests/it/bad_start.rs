//! Wrong settings stop the start with a sentence that helps; surroundings that are away do not.

use super::support::cluster::{Store, settings};
use super::support::http::{self, eventually};
use super::support::process::Process;
use super::support::tenant::Tenant;
use serde_json::{Value, json};
use std::net::TcpListener;

type Settings = Vec<(String, String)>;

/// Settings that would work, without a tenant behind them.
fn complete() -> Settings {
    [
        ("ENTRADA_LISTEN", "127.0.0.1:0"),
        ("ENTRADA_STORE", "embedded:memory"),
        ("ENCRYPTION_KEY", "a key of the tests that is long enough"),
        ("AZURE_CLIENT_ID", "00000000-0000-0000-0000-000000000001"),
        ("AZURE_CLIENT_SECRET", "a-secret-that-must-not-be-printed"),
        ("AZURE_TENANT_ID", "00000000-0000-0000-0000-000000000002"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

fn with(mut settings: Settings, name: &str, value: &str) -> Settings {
    settings.retain(|(known, _)| known != name);
    settings.push((name.to_owned(), value.to_owned()));
    settings
}

fn without(mut settings: Settings, name: &str) -> Settings {
    settings.retain(|(known, _)| known != name);
    settings
}

/// Starts a server that must refuse; its message.
fn refusal(settings: &Settings) -> String {
    let mut process = Process::entrada(&["serve"], settings);
    let status = process.wait_exit();
    assert!(!status.success(), "the start was not refused");
    let message = process.stderr_at_end();
    assert!(!message.contains("panicked"), "{message}");
    assert!(!message.contains("a-secret-that-must-not-be-printed"), "{message}");
    message
}

#[test]
fn an_unknown_setting_is_refused_with_the_nearest_known_name() {
    let message = refusal(&with(complete(), "ENTRADA_OAUTH__ACCESS_TLL_S", "60"));
    assert!(message.contains("ENTRADA_OAUTH__ACCESS_TLL_S"), "{message}");
    assert!(message.contains("ENTRADA_OAUTH__ACCESS_TTL_S"), "{message}");
}

#[test]
fn an_unknown_key_in_the_settings_file_is_refused() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("entrada.toml");
    std::fs::write(&file, "[server]\nlissten = \"127.0.0.1:0\"\n").unwrap();
    let message = refusal(&with(complete(), "ENTRADA_CONFIG", file.to_str().unwrap()));
    assert!(message.contains("lissten") && message.contains("listen"), "{message}");
}

#[test]
fn each_missing_secret_is_named() {
    for name in ["AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID", "ENCRYPTION_KEY"] {
        let message = refusal(&without(complete(), name));
        assert!(message.contains(name), "{name} is not named in: {message}");
    }
}

#[test]
fn values_that_make_no_sense_are_refused() {
    for (name, value, hint) in [
        ("ENTRADA_ADMIN_LISTEN", "127.0.0.1:0", "ENTRADA_ADMIN_TOKEN"),
        ("ENTRADA_ADMIN_LISTEN", "somewhere", "127.0.0.1:9090"),
        ("ENCRYPTION_KEY", "short", "32"),
        ("ENTRADA_STORE", "mongodb://127.0.0.1/", "redis://"),
        ("ENTRADA_PUBLIC_URL", "http://entrada.example.com", "https"),
        ("ENTRADA_GRAPH_URL", "http://graph.example.com/v1.0", "https"),
        ("ENTRADA_LISTEN", "not an address", "listen"),
        ("ENTRADA_MCP__MAX_BODY_BYTES", "many", "max_body_bytes"),
        ("ENTRADA_SERVICES__ENABLED", "mail-qeury", "mail-query"),
        ("ENTRADA_SERVER__TEST_CLOCK_OFFSET_S", "60", "insecure_upstream"),
    ] {
        let message = refusal(&with(complete(), name, value));
        assert!(message.contains(hint), "{name}={value} should mention {hint}: {message}");
    }
}

/// A loopback URL where nobody listens.
fn nobody() -> String {
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    format!("127.0.0.1:{port}")
}

/// Starts a server and waits until its readiness answers `status` with `member` "unavailable".
async fn alive_without(settings: &Settings, status: u16, member: &str) -> (Process, String) {
    let mut process = Process::entrada(&["serve"], settings);
    let url = process.wait_for("entrada listening on ");
    assert_eq!(http::status(&format!("{url}/health/live")).await, Some(200));
    let ready = format!("{url}/health/ready");
    eventually(&format!("readiness says {status}, {member} unavailable"), || async {
        let response = http::client().get(&ready).send().await.unwrap();
        let matches = response.status() == status;
        let body: Value = response.json().await.unwrap();
        (matches && body[member] == "unavailable").then_some(())
    })
    .await;
    assert!(process.is_alive());
    (process, url)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_redis_at_start_is_reported_and_waited_for() {
    let tenant = Tenant::start(&[]);
    let settings = settings(&tenant, "http://127.0.0.1:1", &format!("redis://{}/0", nobody()));
    let (process, url) = alive_without(&settings, 503, "store").await;
    assert!(
        process.stderr().contains("store"),
        "the log does not say what is missing:\n{}",
        process.stderr()
    );
    let body = json!({ "redirect_uris": ["http://127.0.0.1:9/callback"] });
    let response = http::client().post(format!("{url}/register")).json(&body).send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_entra_at_start_is_reported_and_waited_for() {
    let mut tenant = Tenant::start(&[]);
    let settings = settings(&tenant, "http://127.0.0.1:1", "embedded:memory");
    tenant.process.kill();
    // Ready all the same: tokens that are still valid work without Entra.
    alive_without(&settings, 200, "entra").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_what_is_wrong_and_what_works() {
    let Some(store) = Store::redis() else { return };
    let Store::Redis(mut redis) = store else { return };
    let tenant = Tenant::start(&[]);
    let settings = settings(&tenant, "http://127.0.0.1:1", &redis.url());
    let mut check = Process::entrada(&["check"], &settings);
    assert!(check.wait_exit().success(), "{}", check.stderr());
    redis.kill();
    let mut check = Process::entrada(&["check"], &settings);
    assert!(!check.wait_exit().success());
    let said = check.stdout_at_end();
    assert!(said.contains("FAIL") && said.contains("ok    "), "{said}");
}

#[test]
fn a_new_key_is_accepted_as_the_key_ring() {
    let mut keys = Process::entrada(&["keys", "new"], &[]);
    assert!(keys.wait_exit().success());
    let ring = keys.stdout_at_end();
    let settings = with(without(complete(), "ENCRYPTION_KEY"), "ENCRYPTION_KEYS", ring.trim());
    let mut process = Process::entrada(&["serve"], &settings);
    process.wait_for("entrada listening on ");
}

#[test]
fn a_token_of_operators_that_can_be_guessed_is_refused_and_not_repeated() {
    let weak = "a-secret-that-must-not-be-print";
    let settings = with(complete(), "ENTRADA_ADMIN_LISTEN", "127.0.0.1:0");
    let message = refusal(&with(settings, "ENTRADA_ADMIN_TOKEN", weak));
    assert!(message.contains("server.admin_token") && message.contains("32"), "{message}");
    assert!(!message.contains(weak), "{message}");
}

#[test]
fn a_table_of_organisations_that_cannot_be_read_is_refused() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("organizations.toml");
    let settings = with(complete(), "ENTRADA_SERVICES__ORGANIZATIONS_FILE", file.to_str().unwrap());
    assert!(refusal(&settings).contains("organizations.toml"));
    std::fs::write(&file, "[[organization]]\ncode = \"A\"\ndomains = [\"nowhere\"]\n").unwrap();
    let message = refusal(&settings);
    assert!(message.contains("organizations.toml") && message.contains("no mail domain"), "{message}");
}
