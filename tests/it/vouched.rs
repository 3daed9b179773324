//! Enterprise-managed authorization: an identity provider of the organisation vouches for a person (ID-JAG).

use super::hostile::{ALICE, BOB, outcome};
use super::support::cluster::{Cluster, Plan, Store};
use super::support::http;
use super::support::login::{Client, REDIRECT};
use super::support::mcp::Mcp;
use super::support::signing::{Signer, now, unsigned};
use actix_web::{App, HttpServer, web};
use jsonwebtoken::Header;
use serde_json::{Value, json};
use std::sync::mpsc;

const ISSUER: &str = "https://idp.example";
/// `typ` of an ID-JAG.
const TYPE: &str = "oauth-id-jag+jwt";

fn typed(signer: &Signer) -> Header {
    Header { typ: Some(TYPE.into()), ..signer.header("k1") }
}

/// The organisation's identity provider: one key, published.
struct Idp {
    key: Signer,
    url: String,
    handle: actix_web::dev::ServerHandle,
}

impl Idp {
    fn start() -> Self {
        let key = Signer::new(7);
        let keys = key.jwks("k1");
        let (sender, started) = mpsc::channel();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    let keys = keys.clone();
                    App::new()
                        .route("/keys", web::get().to(move || std::future::ready(web::Json(keys.clone()))))
                });
                let server =
                    server.workers(1).disable_signals().shutdown_timeout(0).bind(("127.0.0.1", 0)).unwrap();
                let port = server.addrs()[0].port();
                let server = server.run();
                sender.send((port, server.handle())).unwrap();
                server.await.unwrap();
            });
        });
        let (port, handle) = started.recv().unwrap();
        Self { key, url: format!("http://127.0.0.1:{port}/keys"), handle }
    }
}

impl Drop for Idp {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

pub(super) struct World {
    pub(super) cluster: Cluster,
    idp: Idp,
    client: (String, String),
    alice: String,
    bob: String,
}

impl World {
    pub(super) async fn start(store: Store) -> Self {
        Self::beside(store, "").await
    }

    /// The same where further issuers are trusted, each written with `{tenant}`.
    async fn beside(store: Store, others: &str) -> Self {
        let idp = Idp::start();
        let mut cluster = Cluster::start(store, Plan::default()).await;
        let tenant = &cluster.tenant.directory_id;
        let trusted = format!("{ISSUER}|{}|{tenant}{}", idp.url, others.replace("{tenant}", tenant));
        cluster.set("ENTRADA_OAUTH__TRUSTED_ISSUERS", &trusted);
        cluster.crash_and_restart(0).await;
        let metadata = json!({
            "client_name": "Gateway", "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "client_secret_post",
        });
        let registered =
            http::client().post(format!("{}/register", cluster.url)).json(&metadata).send().await;
        let registered: Value = registered.unwrap().json().await.unwrap();
        let text = |name: &str| registered[name].as_str().unwrap().to_owned();
        let client = (text("client_id"), text("client_secret"));
        let oid = async |user| cluster.tenant.graph(user, "/me").await["id"].as_str().unwrap().to_owned();
        let (alice, bob) = (oid(ALICE).await, oid(BOB).await);
        // Alice has been here; Bob has not.
        Client::register(&cluster.url).await.sign_in(ALICE).await;
        Self { cluster, idp, client, alice, bob }
    }

    pub(super) fn claims(&self, jti: &str) -> Value {
        let now = now();
        json!({
            "iss": ISSUER, "aud": self.cluster.url, "sub": "alice", "oid": self.alice, "jti": jti,
            "client_id": self.client.0, "iat": now, "exp": now + 300,
            "resource": format!("{}/mail-query/mcp", self.cluster.url), "scope": "Mail.Read",
        })
    }

    pub(super) fn signed(&self, claims: &Value) -> String {
        self.idp.key.sign(&typed(&self.idp.key), claims)
    }

    async fn ask(&self, assertion: &str, extra: &[(&str, &str)]) -> reqwest::Response {
        self.request(assertion, extra).send().await.unwrap()
    }

    /// The client's request for a token by an assertion.
    pub(super) fn request(&self, assertion: &str, extra: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let mut form = vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", assertion),
            ("client_id", &self.client.0),
            ("client_secret", &self.client.1),
        ];
        form.extend(extra);
        http::client().post(format!("{}/token", self.cluster.url)).form(&form)
    }
}

async fn the_provider_vouches_and_nobody_else(store: Store) {
    let world = World::start(store).await;
    let assertion = world.signed(&world.claims("j-1"));
    let answer: Value = world.ask(&assertion, &[]).await.json().await.unwrap();
    assert_eq!(answer["scope"], "Mail.Read User.Read", "{answer}");
    assert!(answer.get("refresh_token").is_none());
    let mcp = Mcp::modern(&world.cluster.url, answer["access_token"].as_str().unwrap());
    mcp.call("list_mail_folders", json!({})).await.output();
    assert_eq!(
        outcome(world.ask(&assertion, &[]).await).await,
        "400 invalid_grant",
        "an assertion counts once"
    );

    let with = |jti: &str, name: &str, value: Value| {
        let mut claims = world.claims(jti);
        claims[name] = value;
        world.signed(&claims)
    };
    for (jti, name, value, expected) in [
        ("j-2", "aud", json!("https://other.example"), "400 invalid_grant"),
        ("j-3", "aud", json!([world.cluster.url, "https://other.example"]), "400 invalid_grant"),
        ("j-4", "iss", json!("https://evil.example"), "400 invalid_grant"),
        ("j-5", "client_id", json!("another"), "400 invalid_grant"),
        ("j-6", "exp", json!(1_000_000_000), "400 invalid_grant"),
        ("j-7", "exp", json!(32_503_680_000_u64), "400 invalid_grant"),
        ("", "sub", json!("alice"), "400 invalid_grant"),
        ("j-8", "oid", json!(world.bob), "400 invalid_grant"),
        ("j-9", "oid", json!(""), "400 invalid_grant"),
        ("j-10", "resource", json!("https://other.example/mail-query/mcp"), "400 invalid_target"),
        ("j-11", "scope", json!("No.Such.Scope"), "400 invalid_scope"),
    ] {
        let seen = outcome(world.ask(&with(jti, name, value.clone()), &[]).await).await;
        assert_eq!(seen, expected, "{name}={value}");
    }
    let good = world.signed(&world.claims("j-12"));
    let wider = world.ask(&good, &[("scope", "Mail.Read Mail.Send")]).await;
    assert_eq!(outcome(wider).await, "400 invalid_scope");
    // Signed by somebody else, unsigned, and of another type.
    let forged = Signer::new(8).sign(&typed(&world.idp.key), &world.claims("j-13"));
    let untyped = world.idp.key.sign(&world.idp.key.header("k1"), &world.claims("j-14"));
    let unsigned = unsigned(json!({"typ": TYPE, "kid": "k1"}), &world.claims("j-15"));
    for assertion in [forged.as_str(), &untyped, &unsigned, "x.y.z"] {
        assert_eq!(outcome(world.ask(assertion, &[]).await).await, "400 invalid_grant", "{assertion}");
    }
    // A client that cannot prove itself.
    let public = Client::register(&world.cluster.url).await;
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("assertion", &*good),
        ("client_id", &*public.id),
    ];
    let refused =
        http::client().post(format!("{}/token", world.cluster.url)).form(&form).send().await.unwrap();
    assert_eq!(outcome(refused).await, "400 unauthorized_client");
    // After all those refusals the good one still counts.
    assert_eq!(outcome(world.ask(&good, &[]).await).await, "200");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_provider_vouches_for_its_people_on_the_embedded_store() {
    the_provider_vouches_and_nobody_else(Store::embedded()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_provider_vouches_for_its_people_on_redis() {
    if let Some(store) = Store::redis() {
        the_provider_vouches_and_nobody_else(store).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_trusted_issuers_the_grant_does_not_exist() {
    let cluster = Cluster::embedded().await;
    let client = Client::register(&cluster.url).await;
    let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("client_id", &*client.id)];
    let refused = http::client().post(format!("{}/token", cluster.url)).form(&form).send().await.unwrap();
    assert_eq!(outcome(refused).await, "400 unsupported_grant_type");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_does_not_answer_holds_up_nobody_else() {
    const SILENT: &str = "https://silent.example";
    let silent = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let others = format!(",{SILENT}|http://{}/keys|{{tenant}}", silent.local_addr().unwrap());
    let world = World::beside(Store::embedded(), &others).await;
    let mut claims = world.claims("silent-1");
    claims["iss"] = json!(SILENT);
    let waiting = tokio::spawn(world.request(&world.signed(&claims), &[]).send());
    let _asked = silent.accept().await.unwrap();
    assert_eq!(outcome(world.ask(&world.signed(&world.claims("j-1")), &[]).await).await, "200");
    assert!(!waiting.is_finished(), "the silent one was not waited for");
    assert_eq!(outcome(waiting.await.unwrap().unwrap()).await, "503 temporarily_unavailable");
}
