//! How the server proves to Entra that it is the application: a certificate that is replaced, a federated token that
//! rotates; and what an administrator grants. The tenant checks all of it as Entra does.

use crate::hostile::outcome;
use crate::support::browser::Browser;
use crate::support::cluster::{Cluster, Plan, Store};
use crate::support::http::{self, eventually};
use crate::support::login::{Client, REDIRECT, parameter, tokens};
use crate::support::process::Process;
use crate::support::signing::now;
use crate::support::tenant::Tenant;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::Path;
use tempfile::TempDir;

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
/// A key and its certificate, for tests only; and another pair.
const FIRST: &str = include_str!("support/certificates/first.pem");
const SECOND: &str = include_str!("support/certificates/second.pem");
const ISSUER: &str = "https://oidc.cluster.example";
const SUBJECT: &str = "system:serviceaccount:entrada:entrada";
const AUDIENCE: &str = "api://AzureADTokenExchange";
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn key(pem: &str) -> EncodingKey {
    EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap()
}

/// `x5t#S256` of the certificate.
fn thumbprint(pem: &str) -> String {
    let body = pem.split("-----BEGIN CERTIFICATE-----").nth(1).unwrap().split("-----END").next().unwrap();
    let body: String = body.lines().map(str::trim).collect();
    URL_SAFE_NO_PAD.encode(Sha256::digest(STANDARD.decode(body).unwrap()))
}

fn federated_header() -> Header {
    Header { kid: Some("cluster".to_owned()), ..Header::new(Algorithm::RS256) }
}

fn federated_claims() -> Value {
    json!({ "iss": ISSUER, "sub": SUBJECT, "aud": AUDIENCE, "nbf": now() - 5, "exp": now() + 3600 })
}

/// A token that Kubernetes would project.
fn federated_token(pem: &str, claims: &Value) -> String {
    jsonwebtoken::encode(&federated_header(), claims, &key(pem)).unwrap()
}

/// Registers what counts; nothing else does.
async fn register(tenant: &Tenant, credentials: Value) {
    let mut all = json!({ "secret": false, "certificates": [], "federated": [] });
    all.as_object_mut().unwrap().extend(credentials.as_object().unwrap().clone());
    tenant.control(Method::POST, "app", Some(all)).await;
}

fn federation(pem: &str) -> Value {
    let mut jwk = Jwk::from_encoding_key(&key(pem), Algorithm::RS256).unwrap();
    jwk.common.key_id = Some("cluster".to_owned());
    json!({ "federated": [{ "issuer": ISSUER, "subject": SUBJECT, "audience": AUDIENCE, "jwks": { "keys": [jwk] } }] })
}

/// Puts a file in its place in one step, as a mount does.
fn replace(path: &Path, text: &str) {
    let next = path.with_extension("next");
    std::fs::write(&next, text).unwrap();
    std::fs::rename(next, path).unwrap();
}

async fn on_both(settings: &[(&str, &str)], row: impl AsyncFn(&Cluster)) {
    for store in [Some(Store::embedded()), Store::redis()].into_iter().flatten() {
        row(&Cluster::start(store, Plan { settings, ..Plan::default() }).await).await;
    }
}

/// Signs in, lets `break_it` do its work, and `mend` after a refresh failed: the login goes on without a restart.
async fn goes_on(cluster: &Cluster, aadsts: &str, break_it: impl AsyncFn(), mend: impl AsyncFn()) {
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    let login = tokens(client.refresh(&login.refresh).await).await;
    break_it().await;
    assert_eq!(outcome(client.refresh(&login.refresh).await).await, "503 temporarily_unavailable");
    let log = || cluster.replicas[0].stderr();
    assert!(log().contains("entra_setup") && log().contains(aadsts), "the operator is told:\n{}", log());
    let landing = Browser::new(BOB).walk(&client.authorize_url("s"), REDIRECT).await;
    assert_eq!(parameter(&landing, "error").as_deref(), Some("temporarily_unavailable"), "{landing}");
    entra_becomes(cluster, "credential_refused").await;
    mend().await;
    let login = tokens(client.refresh(&login.refresh).await).await;
    tokens(client.refresh(&login.refresh).await).await;
    client.sign_in(BOB).await;
    entra_becomes(cluster, "ok").await;
}

/// Waits until readiness says this of Entra, which is asked every ten seconds at most; the replica is ready all the while.
async fn entra_becomes(cluster: &Cluster, state: &str) {
    eventually(&format!("entra is {state}"), || async {
        let answer =
            http::client().get(format!("{}/health/ready", cluster.replica_url(0))).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.unwrap();
        (answer["entra"] == state).then_some(())
    })
    .await;
}

/// `entrada check` with this secret: whether it is content, and what it prints.
fn check(tenant: &Tenant, secret: &str) -> (bool, String) {
    let mut settings = tenant.settings.clone();
    settings.extend([
        ("AZURE_CLIENT_SECRET".to_owned(), secret.to_owned()),
        ("ENTRADA_STORE".to_owned(), "embedded:memory".to_owned()),
        ("ENCRYPTION_KEY".to_owned(), "a-key-of-more-than-thirty-two-characters".to_owned()),
    ]);
    let mut process = Process::entrada(&["check"], &settings);
    let content = process.wait_exit().success();
    (content, process.stdout_at_end())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_command_tries_the_credential() {
    let tenant = Tenant::start(&[]);
    let (content, printed) = check(&tenant, &tenant.client_secret);
    assert!(content && printed.contains("ok    Entra credential: accepted"), "{printed}");
    let (content, printed) = check(&tenant, "an-expired-secret");
    assert!(!content && printed.contains("ok    Entra discovery"), "{printed}");
    assert!(printed.contains("FAIL  Entra credential") && printed.contains("AADSTS7000215"), "{printed}");
    assert!(!printed.contains("an-expired-secret"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_signs_in_and_a_replaced_file_counts_at_once() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("app.pem");
    let text = path.to_str().unwrap();
    on_both(&[("AZURE_CLIENT_SECRET", ""), ("AZURE_CLIENT_CERTIFICATE_PATH", text)], async |cluster| {
        replace(&path, FIRST);
        register(&cluster.tenant, json!({ "certificates": [FIRST] })).await;
        let only_second = async || register(&cluster.tenant, json!({ "certificates": [SECOND] })).await;
        goes_on(cluster, "700027", only_second, async || replace(&path, SECOND)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_federated_token_is_read_at_every_use() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("token");
    let text = path.to_str().unwrap();
    on_both(&[("AZURE_CLIENT_SECRET", ""), ("AZURE_FEDERATED_TOKEN_FILE", text)], async |cluster| {
        register(&cluster.tenant, federation(FIRST)).await;
        let fresh = async || replace(&path, &federated_token(FIRST, &federated_claims()));
        fresh().await;
        let mut old = federated_claims();
        old["exp"] = json!(now() - 3600);
        let expire = async || replace(&path, &federated_token(FIRST, &old));
        goes_on(cluster, "700024", expire, fresh).await;
        let mut foreign = federated_claims();
        foreign["sub"] = json!("system:serviceaccount:other:other");
        let other = async || replace(&path, &federated_token(FIRST, &foreign));
        goes_on(cluster, "700213", other, fresh).await;
    })
    .await;
}

/// The numbers by which Entra refuses an assertion.
#[tokio::test(flavor = "multi_thread")]
async fn the_tenant_refuses_assertions_as_entra_does() {
    let tenant = Tenant::start(&[]);
    let mut credentials = federation(SECOND);
    credentials["certificates"] = json!([FIRST]);
    register(&tenant, credentials).await;
    let endpoint = format!("{}/{}/oauth2/v2.0/token", tenant.url, tenant.directory_id);
    let app = tenant.client_id.as_str();
    let header = |pem: &str, algorithm| Header { x5t_s256: Some(thumbprint(pem)), ..Header::new(algorithm) };
    let claims = || json!({ "iss": app, "sub": app, "aud": endpoint, "nbf": now() - 5, "exp": now() + 300, "jti": "j" });
    let signed = |header: &Header, pem: &str, name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        jsonwebtoken::encode(header, &claims, &key(pem)).unwrap()
    };
    let federated = |pem: &str, name: &str, value: Value| {
        let mut claims = federated_claims();
        claims[name] = value;
        federated_token(pem, &claims)
    };
    let ps256 = header(FIRST, Algorithm::PS256);
    let cases = [
        ("right, by certificate", signed(&ps256, FIRST, "jti", json!("a")), 0),
        ("no JWT", "x.y.z".to_owned(), 50027),
        (
            "an unknown certificate",
            signed(&header(SECOND, Algorithm::PS256), SECOND, "jti", json!("b")),
            700_027,
        ),
        ("another key than the certificate's", signed(&ps256, SECOND, "jti", json!("c")), 700_027),
        ("no thumbprint", signed(&Header::new(Algorithm::PS256), FIRST, "jti", json!("d")), 700_027),
        ("another subject", signed(&ps256, FIRST, "sub", json!("other")), 700_021),
        ("another audience", signed(&ps256, FIRST, "aud", json!("https://other.example/token")), 700_023),
        ("expired", signed(&ps256, FIRST, "exp", json!(now() - 1000)), 700_024),
        ("not valid yet", signed(&ps256, FIRST, "nbf", json!(now() + 1000)), 700_024),
        ("right, by federation", federated(SECOND, "jti", json!("e")), 0),
        ("an unknown issuer", federated(SECOND, "iss", json!("https://evil.example")), 700_211),
        ("another audience, federated", federated(SECOND, "aud", json!("api://other")), 700_212),
        ("another service account", federated(SECOND, "sub", json!("other")), 700_213),
        ("expired, federated", federated(SECOND, "exp", json!(now() - 1000)), 700_024),
        ("signed by somebody else", federated(FIRST, "jti", json!("f")), 50013),
    ];
    for (what, assertion, code) in cases {
        let form = [
            ("client_id", app),
            ("grant_type", "refresh_token"),
            ("refresh_token", "unknown"),
            ("client_assertion_type", TYPE),
            ("client_assertion", &assertion),
        ];
        let answer = http::client().post(&endpoint).form(&form).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        // A right one gets as far as the refresh token.
        let expected = if code == 0 { 70000 } else { code };
        assert_eq!(answer["error_codes"], json!([expected]), "{what}: {answer}");
        assert!(answer["error_description"].as_str().unwrap().starts_with(&format!("AADSTS{expected}: ")));
    }
    let form = [
        ("client_id", app),
        ("grant_type", "refresh_token"),
        ("refresh_token", "x"),
        ("client_secret", &tenant.client_secret),
    ];
    let answer: Value =
        http::client().post(&endpoint).form(&form).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["error_codes"], json!([7_000_215]), "the secret was taken away: {answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_approves_by_the_link_of_our_page() {
    on_both(&[], async |cluster| {
        let option = json!({ "admin_consent_required": true });
        cluster.tenant.control(Method::POST, "options", Some(option)).await;
        let client = Client::register(&cluster.url).await;
        let entra = format!("{}/", cluster.tenant.url);
        let mut bob = Browser::new(BOB);
        let first = bob.walk(&client.authorize_url("s"), &entra).await;
        let callback = format!("{}/callback", cluster.url);
        let refused = bob.walk(&first, &callback).await;
        let (_, page) = bob.open(&refused).await;
        let links = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let link = links.map(|link| link.replace("&amp;", "&")).find(|link| link.contains("/adminconsent"));
        let link = link.unwrap_or_else(|| panic!("no link to approve in {page}"));
        // What is asked for is shown to whoever comes; only an administrator can approve.
        let html = Browser::new(BOB).get(reqwest::Url::parse(&link).unwrap()).await.text().await.unwrap();
        assert!(html.contains("Mail.Read"), "{html}");
        let landed = Browser::new(ALICE).walk(&link, &callback).await;
        assert_eq!(parameter(&landed, "admin_consent").as_deref(), Some("True"), "{landed}");
        assert_eq!(parameter(&landed, "tenant").as_deref(), Some(cluster.tenant.directory_id.as_str()));
        let granted = Browser::new(ALICE).get(reqwest::Url::parse(&landed).unwrap()).await;
        assert_eq!(granted.status(), 200);
        let declined =
            format!("{callback}?admin_consent=True&error=access_denied&error_description=AADSTS65004");
        let declined = Browser::new(ALICE).get(reqwest::Url::parse(&declined).unwrap()).await;
        assert_eq!(declined.status(), 403, "a refusal is not told as a success");
        client.sign_in(BOB).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_may_each_be_set_and_all_of_them_make_discovery_needless() {
    let mut cluster = Cluster::embedded().await;
    let (url, id) = (cluster.tenant.url.clone(), cluster.tenant.directory_id.clone());
    let login = Client::register(&cluster.url).await.sign_in(ALICE).await;
    // One of them: the others still come from discovery, and this one leads nowhere.
    cluster.set("ENTRADA_ENTRA__TOKEN_ENDPOINT", &format!("{url}/nowhere/oauth2/v2.0/token"));
    cluster.crash_and_restart(0).await;
    let client = Client::register(&cluster.url).await;
    assert_eq!(outcome(client.refresh(&login.refresh).await).await, "503 temporarily_unavailable");
    // All of them, and no authority that would answer.
    cluster.set("ENTRADA_ENTRA_AUTHORITY", "http://127.0.0.1:1");
    cluster.set("ENTRADA_ENTRA__ISSUER", &format!("{url}/{id}/v2.0"));
    cluster.set("ENTRADA_ENTRA__AUTHORIZATION_ENDPOINT", &format!("{url}/{id}/oauth2/v2.0/authorize"));
    cluster.set("ENTRADA_ENTRA__TOKEN_ENDPOINT", &format!("{url}/{id}/oauth2/v2.0/token"));
    cluster.set("ENTRADA_ENTRA__JWKS_URI", &format!("{url}/{id}/discovery/v2.0/keys"));
    cluster.crash_and_restart(0).await;
    eventually("the replica is ready", || async {
        (http::status(&format!("{}/health/ready", cluster.replica_url(0))).await == Some(200)).then_some(())
    })
    .await;
    let login = tokens(client.refresh(&login.refresh).await).await;
    assert!(login.access.starts_with("dcr_at_"));
    client.sign_in(BOB).await;
}
