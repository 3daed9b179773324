//! Clients of every origin that bind their tokens, or must; every grant; and what introspection tells of it.

use super::{ALICE, BOB, Key, MCP, ask, bound, call, stores};
use crate::hostile::outcome;
use crate::support::cluster::{Cluster, Plan, Store};
use crate::support::http;
use crate::support::https::Reply;
use crate::support::internet::{HOST, Net, document};
use crate::support::login::{Client, REDIRECT};
use crate::vouched::World;
use serde_json::{Value, json};
use tempfile::TempDir;

const SECRET: &str = "secret-of-the-gateways";
/// Clients that the operator set up.
const CLIENTS: &str = r#"
[[clients]]
id = "gateway"
auth_method = "client_secret_post"
secret = "secret-of-the-gateways"
grant_types = ["client_credentials"]

[[clients]]
id = "strict-gateway"
auth_method = "client_secret_post"
secret = "secret-of-the-gateways"
grant_types = ["client_credentials"]
dpop_bound_access_tokens = true

[[clients]]
id = "strict-app"
name = "Strict app"
redirect_uris = ["http://127.0.0.1:9/callback"]
dpop_bound_access_tokens = true
"#;

/// A product with these clients, and the folder of its settings.
async fn with_clients(store: Store) -> (Cluster, TempDir) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("entrada.toml");
    std::fs::write(&file, CLIENTS).unwrap();
    let settings =
        [("ENTRADA_CONFIG", file.to_str().unwrap()), ("ENTRADA_OAUTH__CLIENT_CREDENTIALS", "true")];
    (Cluster::start(store, Plan { settings: &settings, ..Plan::default() }).await, folder)
}

/// What introspection tells a client of a token.
async fn introspect(base: &str, (id, secret): (&str, &str), token: &str) -> Value {
    let form = [("client_id", id), ("client_secret", secret), ("token", token)];
    let response = http::client().post(format!("{base}/introspect")).form(&form).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

async fn registered(base: &str, metadata: Value) -> Value {
    http::client()
        .post(format!("{base}/register"))
        .json(&metadata)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

/// Status and error of a request for tokens.
async fn seen(base: &str, form: &[(&str, &str)], proof: Option<&str>) -> (u16, Value) {
    let (status, answer, _) = ask(base, form, proof).await;
    (status, answer["error"].clone())
}

fn refused() -> (u16, Value) {
    (400, json!("invalid_dpop_proof"))
}

/// The code of a client that takes bound tokens only is for whoever has a proof; without one nothing is spent.
async fn insists(client: &Client) {
    let (key, code) = (Key::new(7), client.code(ALICE).await);
    let form = client.code_form(&code);
    assert_eq!(seen(&client.base, &form, None).await, refused());
    let proof = || key.proof("POST", &format!("{}/token", client.base), None);
    let (status, answer, _) = ask(&client.base, &form, Some(&proof())).await;
    assert_eq!((status, &answer["token_type"]), (200, &json!("DPoP")), "{answer}");
    let form = client.refresh_form(answer["refresh_token"].as_str().unwrap());
    assert_eq!(seen(&client.base, &form, None).await, refused());
    let (status, answer, _) = ask(&client.base, &form, Some(&proof())).await;
    assert_eq!((status, &answer["token_type"]), (200, &json!("DPoP")), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_wants_bound_tokens_gets_no_others() {
    let cluster = Cluster::embedded().await;
    let metadata = json!({
        "client_name": "Bound", "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none",
        "dpop_bound_access_tokens": true,
    });
    let answer = registered(&cluster.url, metadata).await;
    assert_eq!(answer["dpop_bound_access_tokens"], true, "{answer}");
    insists(&Client::known(&cluster.url, answer["client_id"].as_str().unwrap())).await;
    let wrong = json!({ "redirect_uris": [REDIRECT], "dpop_bound_access_tokens": "yes" });
    let refused = http::client().post(format!("{}/register", cluster.url)).json(&wrong).send().await.unwrap();
    assert_eq!(refused.status(), 400);
    for path in
        ["/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource/mail-query/mcp"]
    {
        let document: Value =
            http::client().get(format!("{}{path}", cluster.url)).send().await.unwrap().json().await.unwrap();
        let algorithms = document["dpop_signing_alg_values_supported"].as_array().unwrap();
        assert!(algorithms.contains(&json!("ES256")) && !algorithms.contains(&json!("none")), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn so_does_a_client_of_the_settings() {
    for store in stores() {
        let (cluster, _folder) = with_clients(store).await;
        insists(&Client::known(&cluster.url, "strict-app")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn so_does_a_client_whose_document_says_so() {
    for store in stores() {
        let net = Net::start(store).await;
        let mut said = document("/bound.json");
        said["dpop_bound_access_tokens"] = json!(true);
        net.site.publish("/bound.json", Reply::json(said.to_string()));
        insists(&Client::known(&net.cluster.url, &format!("{HOST}/bound.json"))).await;
        said["dpop_bound_access_tokens"] = json!("yes");
        said["client_id"] = json!(format!("{HOST}/wrong.json"));
        net.site.publish("/wrong.json", Reply::json(said.to_string()));
        let wrong = Client::known(&net.cluster.url, &format!("{HOST}/wrong.json"));
        let page = http::client().get(wrong.authorize_url("s")).send().await.unwrap();
        assert_eq!(page.status(), 400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn introspection_tells_which_key_a_token_is_bound_to() {
    for store in stores() {
        let (cluster, _folder) = with_clients(store).await;
        let base = &*cluster.url;
        let (client, key, gateway) = (Client::register(base).await, Key::new(7), ("gateway", SECRET));
        let (access, refresh) = bound(&client, ALICE, &key).await;
        let told = introspect(base, gateway, &access).await;
        assert_eq!((&told["active"], &told["token_type"]), (&json!(true), &json!("DPoP")), "{told}");
        let own = json!({ "jkt": key.signer.thumbprint() });
        assert_eq!((&told["cnf"], &told["client_id"]), (&own, &json!(client.id)), "{told}");
        // A public client's refresh token is bound as well (RFC 9449 §5).
        let told = introspect(base, gateway, &refresh).await;
        assert_eq!((&told["active"], &told["cnf"]), (&json!(true), &own), "{told}");
        let plain = client.sign_in(BOB).await;
        let told = introspect(base, gateway, &plain.access).await;
        assert_eq!((&told["token_type"], told.get("cnf")), (&json!("Bearer"), None), "{told}");
        // Whoever registered hears nothing of other clients' tokens, and so not of their keys.
        let metadata =
            json!({ "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "client_secret_post" });
        let other = registered(base, metadata).await;
        let text = |name: &str| other[name].as_str().unwrap();
        let told = introspect(base, (text("client_id"), text("client_secret")), &access).await;
        assert_eq!(told, json!({ "active": false }));
        let form = [("token", &*refresh), ("client_id", &*client.id)];
        let ended = http::client().post(format!("{base}/revoke")).form(&form).send().await.unwrap();
        assert_eq!(ended.status(), 200);
        assert_eq!(introspect(base, gateway, &access).await, json!({ "active": false }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_speaks_for_itself_may_bind_its_bearer() {
    for store in stores() {
        let (cluster, _folder) = with_clients(store).await;
        let (base, key, thief) = (&*cluster.url, Key::new(7), Key::new(8));
        let resource = format!("{base}{MCP}");
        let form = |id: &'static str| {
            [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", SECRET)]
        };
        let own = |id| [form(id).as_slice(), &[("resource", resource.as_str())]].concat();
        let proof = || key.proof("POST", &format!("{base}/token"), None);
        let (status, answer, _) = ask(base, &own("gateway"), Some(&proof())).await;
        assert_eq!((status, &answer["token_type"]), (200, &json!("DPoP")), "{answer}");
        let access = answer["access_token"].as_str().unwrap();
        let told = introspect(base, ("gateway", SECRET), access).await;
        assert_eq!(told["cnf"]["jkt"], key.signer.thumbprint(), "{told}");
        let dpop = format!("DPoP {access}");
        for (authorization, signer, expected) in [
            (&dpop, Some(&key), 200),
            (&dpop, Some(&thief), 401),
            (&dpop, None, 401),
            (&format!("Bearer {access}"), None, 401),
        ] {
            let proof = signer.map(|signer| signer.proof("POST", &resource, Some(access)));
            let proofs: Vec<&str> = proof.as_deref().into_iter().collect();
            assert_eq!(call(base, authorization, &proofs).await.status(), expected, "{authorization}");
        }
        let (status, plain, _) = ask(base, &own("gateway"), None).await;
        assert_eq!((status, &plain["token_type"]), (200, &json!("Bearer")), "{plain}");
        for (grant, token) in [("authorization_code", "code"), ("refresh_token", "refresh_token")] {
            let other =
                [("grant_type", grant), (token, "x"), ("client_id", "gateway"), ("client_secret", SECRET)];
            assert_eq!(seen(base, &other, None).await, (400, json!("unauthorized_client")), "{grant}");
        }
        let public = Client::register(base).await;
        let own_way = [("grant_type", "client_credentials"), ("client_id", &*public.id)];
        assert_eq!(seen(base, &own_way, None).await, (400, json!("unauthorized_client")));
        assert_eq!(seen(base, &own("strict-gateway"), None).await, refused());
        let (status, answer, _) = ask(base, &own("strict-gateway"), Some(&proof())).await;
        assert_eq!((status, &answer["token_type"]), (200, &json!("DPoP")), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bearer_by_an_assertion_may_be_bound() {
    for store in stores() {
        let world = World::start(store).await;
        let (base, key, thief) = (&*world.cluster.url, Key::new(7), Key::new(8));
        let token = format!("{base}/token");
        let assertion = world.signed(&world.claims("bound-1"));
        let with =
            async |proof: &str| world.request(&assertion, &[]).header("DPoP", proof).send().await.unwrap();
        // A proof that must be made again costs no assertion.
        let wrong = with(&key.proof("GET", &token, None)).await;
        assert_eq!(outcome(wrong).await, "400 invalid_dpop_proof");
        let answer: Value = with(&key.proof("POST", &token, None)).await.json().await.unwrap();
        assert_eq!((&answer["token_type"], answer.get("refresh_token")), (&json!("DPoP"), None), "{answer}");
        let access = answer["access_token"].as_str().unwrap();
        let (url, dpop) = (format!("{base}{MCP}"), format!("DPoP {access}"));
        let called = async |signer: &Key| {
            let proof = signer.proof("POST", &url, Some(access));
            call(base, &dpop, &[&proof]).await.status().as_u16()
        };
        assert_eq!((called(&key).await, called(&thief).await), (200, 401));
        assert_eq!(call(base, &format!("Bearer {access}"), &[]).await.status(), 401);
        assert_eq!(outcome(with(&thief.proof("POST", &token, None)).await).await, "400 invalid_grant");
    }
}
