//! What a bound token is worth in whose hands, from the code to the last refresh.

use super::{ALICE, BOB, Key, MCP, ask, bound, call, challenges, clusters};
use crate::support::browser::Browser;
use crate::support::cluster::{Cluster, Plan, Store};
use crate::support::login::{Client, REDIRECT, parameter};
use crate::support::signing::now;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_token_is_worth_nothing_without_its_key() {
    for cluster in clusters().await {
        let (base, last) = (cluster.url.clone(), cluster.replicas.len() - 1);
        let (here, there) = (cluster.replica_url(0), cluster.replica_url(last));
        let client = Client::register(&base).await;
        let (key, thief) = (Key::new(7), Key::new(8));
        let (access, _) = bound(&client, ALICE, &key).await;
        let (url, dpop) = (format!("{base}{MCP}"), format!("DPoP {access}"));
        let good = key.proof("POST", &url, Some(&access));
        assert_eq!(call(here, &dpop, &[&good]).await.status(), 200);
        // The same proof is spent at every replica.
        let again = call(there, &dpop, &[&good]).await;
        assert_eq!(again.status(), 401);
        let told = challenges(&again);
        assert!(told[0].starts_with("Bearer ") && !told[0].contains("error="), "{told:?}");
        assert!(told[1].starts_with("DPoP error=\"invalid_dpop_proof\""), "{told:?}");
        assert!(told[1].contains("algs=\"") && told.len() == 2, "{told:?}");

        let with = |member: &str, value: Value| {
            let mut claims = Key::claims("POST", &url, Some(&access));
            claims[member] = value;
            key.sign(&claims)
        };
        for (what, proof) in [
            ("another key", thief.proof("POST", &url, Some(&access))),
            ("another method", key.proof("GET", &url, Some(&access))),
            ("another service", key.proof("POST", &format!("{base}/calendar/mcp"), Some(&access))),
            (
                "a name that only a header says",
                key.proof("POST", &format!("http://evil.example{MCP}"), Some(&access)),
            ),
            ("an alias of the path", key.proof("POST", &format!("{base}/mail-query"), Some(&access))),
            ("another token", key.proof("POST", &url, Some("dcr_at_other"))),
            ("no token", key.proof("POST", &url, None)),
            ("an old time", with("iat", json!(now() - 400))),
            ("a time to come", with("iat", json!(now() + 400))),
        ] {
            let refused = call(here, &dpop, &[&proof]).await;
            assert_eq!(refused.status(), 401, "{what}");
            assert!(challenges(&refused)[1].contains("invalid_dpop_proof"), "{what}");
        }
        let (one, two) = (key.proof("POST", &url, Some(&access)), key.proof("POST", &url, Some(&access)));
        assert_eq!(call(here, &dpop, &[&one, &two]).await.status(), 401, "two proofs");
        assert_eq!(call(here, &dpop, &[]).await.status(), 401, "no proof");
        let stripped = call(here, &format!("Bearer {access}"), &[&one]).await;
        assert_eq!(stripped.status(), 401, "as a plain bearer");
        assert!(challenges(&stripped)[0].contains("invalid_token"));
        // Another person's key opens nothing of hers, with her token or with theirs.
        let (his, _) = bound(&client, BOB, &thief).await;
        for (token, signer) in [(&access, &thief), (&his, &key)] {
            let proof = signer.proof("POST", &url, Some(token));
            assert_eq!(call(here, &format!("DPoP {token}"), &[&proof]).await.status(), 401);
        }
        // A plain bearer is no bound one, whatever comes with it.
        let plain = client.sign_in(BOB).await.access;
        let proof = key.proof("POST", &url, Some(&plain));
        assert_eq!(call(here, &format!("DPoP {plain}"), &[&proof]).await.status(), 401);
        assert_eq!(call(here, &format!("Bearer {plain}"), &[]).await.status(), 200);
        // And the key goes on working.
        let last = key.proof("POST", &url, Some(&access));
        assert_eq!(call(there, &dpop, &[&last]).await.status(), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_stays_with_its_key_through_every_refresh() {
    for cluster in clusters().await {
        let (base, last) = (cluster.url.clone(), cluster.replicas.len() - 1);
        let client = Client::register(&base).await;
        let (key, thief) = (Key::new(7), Key::new(8));
        let (_, refresh) = bound(&client, ALICE, &key).await;
        let (form, url) = (client.refresh_form(&refresh), format!("{base}/token"));
        let there = cluster.replica_url(last);
        let (status, answer, _) = ask(there, &form, None).await;
        assert_eq!((status, &answer["error"]), (400, &json!("invalid_dpop_proof")), "{answer}");
        let stolen = thief.proof("POST", &url, None);
        let (status, answer, _) = ask(&base, &form, Some(&stolen)).await;
        assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")), "{answer}");
        // Neither was a use of it.
        let (status, next, _) = ask(&base, &form, Some(&key.proof("POST", &url, None))).await;
        assert_eq!((status, &next["token_type"]), (200, &json!("DPoP")), "{next}");
        // A repetition within the grace gets the same answer, by the key alone.
        let (status, _, _) = ask(there, &form, Some(&thief.proof("POST", &url, None))).await;
        assert_eq!(status, 400);
        let (status, same, _) = ask(there, &form, Some(&key.proof("POST", &url, None))).await;
        assert_eq!((status, &same["access_token"]), (200, &next["access_token"]));
        let access = next["access_token"].as_str().unwrap();
        let mcp = format!("{base}{MCP}");
        let used = call(there, &format!("DPoP {access}"), &[&key.proof("POST", &mcp, Some(access))]).await;
        assert_eq!(used.status(), 200);
        // Proofs of the token endpoint are spent as well.
        let once = key.proof("POST", &url, None);
        let second = client.refresh_form(next["refresh_token"].as_str().unwrap());
        assert_eq!(ask(&base, &second, Some(&once)).await.0, 200);
        let (status, answer, _) = ask(there, &second, Some(&once)).await;
        assert_eq!((status, &answer["error"]), (400, &json!("invalid_dpop_proof")), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_refresh_token_that_a_thief_binds_to_a_key_is_noticed() {
    let cluster = Cluster::embedded().await;
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    let form = client.refresh_form(&login.refresh);
    let (url, thief) = (format!("{}/token", cluster.url), Key::new(8));
    let (status, stolen, _) = ask(&cluster.url, &form, Some(&thief.proof("POST", &url, None))).await;
    assert_eq!((status, &stolen["token_type"]), (200, &json!("DPoP")), "{stolen}");
    // The owner's next refresh tells the two apart, even within the grace for repetitions, and ends both.
    assert_eq!(client.refresh(&login.refresh).await.status(), 400);
    let access = stolen["access_token"].as_str().unwrap();
    let proof = thief.proof("POST", &format!("{}{MCP}", cluster.url), Some(access));
    assert_eq!(call(&cluster.url, &format!("DPoP {access}"), &[&proof]).await.status(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_for_one_key_is_redeemed_by_no_other() {
    let cluster = Cluster::embedded().await;
    let client = Client::register(&cluster.url).await;
    let (key, thief) = (Key::new(7), Key::new(8));
    let authorize = |jkt: &str| format!("{}&dpop_jkt={jkt}", client.authorize_url("s"));
    let landing = Browser::new(ALICE).walk(&authorize("too-short"), REDIRECT).await;
    assert_eq!(parameter(&landing, "error").as_deref(), Some("invalid_request"), "{landing}");
    let url = format!("{}/token", cluster.url);
    for (who, expected) in [(Some(&thief), 400), (None, 400), (Some(&key), 200)] {
        let landing = Browser::new(ALICE).walk(&authorize(&key.signer.thumbprint()), REDIRECT).await;
        let code = parameter(&landing, "code").unwrap_or_else(|| panic!("{landing}"));
        let proof = who.map(|key| key.proof("POST", &url, None));
        let (status, answer, _) = ask(&cluster.url, &client.code_form(&code), proof.as_deref()).await;
        assert_eq!(status, expected, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn switched_off_there_is_nothing_of_it() {
    let settings = [("ENTRADA_OAUTH__DPOP", "off")];
    let plan = Plan { settings: &settings, ..Plan::default() };
    let cluster = Cluster::start(Store::embedded(), plan).await;
    let (base, key) = (&*cluster.url, Key::new(7));
    let client = Client::register(base).await;
    let code = client.code(ALICE).await;
    let proof = key.proof("POST", &format!("{base}/token"), None);
    let (status, answer, _) = ask(base, &client.code_form(&code), Some(&proof)).await;
    assert_eq!((status, &answer["token_type"]), (200, &json!("Bearer")), "{answer}");
    let access = answer["access_token"].as_str().unwrap();
    assert_eq!(call(base, &format!("Bearer {access}"), &[]).await.status(), 200);
    let refused = call(base, &format!("DPoP {access}"), &[]).await;
    assert_eq!((refused.status().as_u16(), challenges(&refused).len()), (401, 1));
}
