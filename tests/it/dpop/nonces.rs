//! Nonces of the server (RFC 9449 §8 and §9), where the operator wants them.

use super::{ALICE, BOB, Key, MCP, ask, call, challenges};
use crate::support::cluster::{Cluster, Plan, Store};
use crate::support::login::Client;
use crate::support::mcp::Mcp;
use crate::support::operator::SETTINGS;
use crate::support::signing::now;
use reqwest::Response;
use serde_json::{Value, json};

const NONCES: [(&str, &str); 3] = [SETTINGS[0], SETTINGS[1], ("ENTRADA_OAUTH__DPOP_NONCE", "true")];

/// A proof with a nonce, by a clock that is `ahead` by so many seconds.
fn with_nonce(key: &Key, mut claims: Value, nonce: &str, ahead: u64) -> String {
    (claims["nonce"], claims["iat"]) = (json!(nonce), json!(now() + ahead));
    key.sign(&claims)
}

fn nonce_of(response: &Response) -> String {
    response.headers()["dpop-nonce"].to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn nonces_of_the_server_go_around_where_the_operator_wants_them() {
    let plan = Plan { settings: &NONCES, ..Plan::default() };
    let cluster = Cluster::start(Store::embedded(), plan).await;
    let (base, key) = (&*cluster.url, Key::new(7));
    let client = Client::register(base).await;
    let code = client.code(ALICE).await;
    let url = format!("{base}/token");
    let form = client.code_form(&code);
    let (status, asked, nonce) = ask(base, &form, Some(&key.proof("POST", &url, None))).await;
    assert_eq!((status, &asked["error"]), (400, &json!("use_dpop_nonce")), "{asked}");
    let nonce = nonce.expect("a nonce");
    let invented = with_nonce(&key, Key::claims("POST", &url, None), "invented", 0);
    assert_eq!(ask(base, &form, Some(&invented)).await.1["error"], "use_dpop_nonce");
    let proof = with_nonce(&key, Key::claims("POST", &url, None), &nonce, 0);
    let (status, answer, next) = ask(base, &form, Some(&proof)).await;
    assert_eq!((status, next.is_some()), (200, true), "{answer}");
    let access = answer["access_token"].as_str().unwrap();
    let (dpop, mcp) = (format!("DPoP {access}"), format!("{base}{MCP}"));
    let refused = call(base, &dpop, &[&key.proof("POST", &mcp, Some(access))]).await;
    assert_eq!(refused.status(), 401);
    assert!(challenges(&refused)[1].starts_with("DPoP error=\"use_dpop_nonce\""));
    let nonce = nonce_of(&refused);
    let proof = with_nonce(&key, Key::claims("POST", &mcp, Some(access)), &nonce, 0);
    assert_eq!(call(base, &dpop, &[&proof]).await.status(), 200);
    // Plain bearers are not concerned.
    let plain = client.sign_in(BOB).await;
    assert_eq!(Mcp::modern(base, &plain.access).call("list_mail_folders", json!({})).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_of_one_replica_counts_at_the_other() {
    let Some(store) = Store::redis() else { return };
    let plan = Plan { replicas: 2, settings: &NONCES, ..Plan::default() };
    let cluster = Cluster::start(store, plan).await;
    let (base, here, there) = (&*cluster.url, cluster.replica_url(0), cluster.replica_url(1));
    let (key, client) = (Key::new(7), Client::register(base).await);
    let code = client.code(ALICE).await;
    let (form, url) = (client.code_form(&code), format!("{base}/token"));
    let (_, asked, nonce) = ask(here, &form, Some(&key.proof("POST", &url, None))).await;
    assert_eq!(asked["error"], "use_dpop_nonce", "{asked}");
    let proof = with_nonce(&key, Key::claims("POST", &url, None), &nonce.unwrap(), 0);
    let (status, answer, _) = ask(there, &form, Some(&proof)).await;
    assert_eq!((status, &answer["token_type"]), (200, &json!("DPoP")), "{answer}");
    let access = answer["access_token"].as_str().unwrap();
    let (dpop, mcp) = (format!("DPoP {access}"), format!("{base}{MCP}"));
    let asked = call(there, &dpop, &[&key.proof("POST", &mcp, Some(access))]).await;
    assert_eq!(asked.status(), 401);
    let proof = with_nonce(&key, Key::claims("POST", &mcp, Some(access)), &nonce_of(&asked), 0);
    assert_eq!(call(here, &dpop, &[&proof]).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_nonce_is_answered_with_a_fresh_one() {
    // Six minutes later no nonce counts that was given before.
    const LATER_S: u64 = 400;
    let plan = Plan { settings: &NONCES, ..Plan::default() };
    let mut cluster = Cluster::start(Store::embedded(), plan).await;
    let (key, client) = (Key::new(7), Client::register(&cluster.url).await);
    let url = format!("{}/token", cluster.url);
    let code = client.code(ALICE).await;
    let (_, _, old) = ask(&cluster.url, &client.code_form(&code), Some(&key.proof("POST", &url, None))).await;
    let old = old.unwrap();
    cluster.set("ENTRADA_SERVER__TEST_CLOCK_OFFSET_S", &LATER_S.to_string());
    cluster.crash_and_restart(0).await;
    let code = client.code(ALICE).await;
    let form = client.code_form(&code);
    let proof = |nonce: &str| with_nonce(&key, Key::claims("POST", &url, None), nonce, LATER_S);
    let (status, asked, fresh) = ask(&cluster.url, &form, Some(&proof(&old))).await;
    assert_eq!((status, &asked["error"]), (400, &json!("use_dpop_nonce")), "{asked}");
    let fresh = fresh.unwrap();
    assert_ne!(fresh, old);
    let (status, answer, _) = ask(&cluster.url, &form, Some(&proof(&fresh))).await;
    assert_eq!((status, &answer["token_type"]), (200, &json!("DPoP")), "{answer}");
    let access = answer["access_token"].as_str().unwrap();
    let (dpop, mcp) = (format!("DPoP {access}"), format!("{}{MCP}", cluster.url));
    let proof = |nonce: &str| with_nonce(&key, Key::claims("POST", &mcp, Some(access)), nonce, LATER_S);
    let asked = call(&cluster.url, &dpop, &[&proof(&old)]).await;
    assert_eq!(asked.status(), 401);
    assert!(challenges(&asked)[1].starts_with("DPoP error=\"use_dpop_nonce\""));
    let fresh = nonce_of(&asked);
    assert_ne!(fresh, old);
    assert_eq!(call(&cluster.url, &dpop, &[&proof(&fresh)]).await.status(), 200);
}
