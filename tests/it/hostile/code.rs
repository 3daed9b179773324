//! `grant_type=authorization_code` and the manners of the token endpoint: H39–H46, H69.

use super::{ALICE, Table, outcome, raw, rows};
use crate::support::cluster::Cluster;
use crate::support::http;
use crate::support::login::{Client, REDIRECT, VERIFIER, challenge, tokens};
use crate::support::mcp::Mcp;
use reqwest::Response;
use serde_json::{Value, json};

rows!(on_both: h39, h40, h41, h42, h43, h44, h46, h69);
rows!(on_a_pair: h45);

/// Posts form text as it is.
async fn post(url: &str, body: impl Into<reqwest::Body>) -> Response {
    let request = http::client().post(url).header("content-type", "application/x-www-form-urlencoded");
    request.body(body).send().await.unwrap()
}

fn redemption(client: &Client, code: &str, redirect: &str, verifier: &str) -> String {
    let id = &client.id;
    format!(
        "grant_type=authorization_code&client_id={id}&code={code}&redirect_uri={redirect}&code_verifier={verifier}"
    )
}

async fn works(cluster: &Cluster, bearer: &str) -> u16 {
    Mcp::modern(&cluster.url, bearer).call("list_mail_folders", json!({})).await.status
}

async fn h39(cluster: &mut Cluster, table: Table) {
    let url = format!("{}/token", cluster.url);
    let body = json!({"grant_type": "refresh_token", "refresh_token": "x"});
    let sent = http::client().post(&url).json(&body).send().await.unwrap();
    assert!(sent.headers()["content-type"].to_str().unwrap().starts_with("application/json"));
    assert_eq!(outcome(sent).await, "400 invalid_request");
    for kind in [Some("multipart/form-data; boundary=x"), None] {
        let mut request = http::client().post(&url).body("grant_type=refresh_token");
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        assert_eq!(outcome(request.send().await.unwrap()).await, "400 invalid_request", "{kind:?}");
    }
    table.held("H39", "JSON, multipart, no content type", "400 invalid_request");
}

async fn h40(cluster: &mut Cluster, table: Table) {
    let url = format!("{}/token", cluster.url);
    for method in ["GET", "PUT", "DELETE"] {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let response = http::client().request(method, &url).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["allow"]),
            (405, &"POST, OPTIONS".parse().unwrap())
        );
    }
    let (status, text) = raw(
        cluster.replica_url(0),
        "TRACE /token HTTP/1.1\r\nHost: x\r\nX-Secret: y\r\nConnection: close\r\n\r\n",
    );
    assert_eq!(status, 405);
    assert!(text.to_ascii_lowercase().contains("\r\nallow: post, options\r\n"), "{text}");
    assert!(!text.contains("X-Secret"));
    table.held("H40", "GET, PUT, DELETE, TRACE /token", "405 with Allow");
}

async fn h41(cluster: &mut Cluster, table: Table) {
    let url = format!("{}/token", cluster.url);
    let id = Client::register(&cluster.url).await.id;
    let start = format!("grant_type=authorization_code&client_id={id}&code_verifier={VERIFIER}");
    for body in [
        format!("{start}&code=a&code=b").into_bytes(),
        format!("{start}&code=").into_bytes(),
        format!("{start}&code=%FF").into_bytes(),
        format!("{start}&code=%00").into_bytes(),
        [start.as_bytes(), b"&code=\xff\xfe"].concat(),
    ] {
        let shown = String::from_utf8_lossy(&body).into_owned();
        assert_eq!(outcome(post(&url, body).await).await, "400 invalid_request", "{shown}");
    }
    let huge = post(&url, vec![b'a'; 1 << 20]).await;
    assert_eq!(outcome(huge).await, "413 invalid_request");
    table.held("H41", "repeated, empty, not UTF-8, NUL; 1 MB", "400 invalid_request; 413");
}

async fn h42(cluster: &mut Cluster, table: Table) {
    let url = format!("{}/token", cluster.url);
    let client = Client::register(&cluster.url).await;
    let code = client.code(ALICE).await;
    for verifier in ["", &"a".repeat(42), &"a".repeat(129), &"ä".repeat(43)] {
        let seen = outcome(post(&url, redemption(&client, &code, REDIRECT, verifier)).await).await;
        assert_eq!(seen, "400 invalid_request", "{verifier}");
    }
    let wrong = challenge("another verifier");
    let mismatch = outcome(post(&url, redemption(&client, &code, REDIRECT, &wrong)).await).await;
    assert_eq!(mismatch, "400 invalid_grant");
    let burned = outcome(client.redeem(&code).await).await;
    assert_eq!(burned, "400 invalid_grant");
    table.held(
        "H42",
        "verifier malformed; wrong; then right",
        format!("400 invalid_request; {mismatch}; {burned}: burned"),
    );
}

async fn h43(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let code = client.code(ALICE).await;
    let login = tokens(client.redeem(&code).await).await;
    assert_eq!(works(cluster, &login.access).await, 200);
    // Within two seconds the same client is retrying and loses nothing; afterwards it is a replay.
    assert_eq!(outcome(client.redeem(&code).await).await, "400 invalid_grant");
    http::eventually("the replay ends what the code gave", || async {
        assert_eq!(outcome(client.redeem(&code).await).await, "400 invalid_grant");
        (works(cluster, &login.access).await == 401).then_some(())
    })
    .await;
    assert_eq!(outcome(client.refresh(&login.refresh).await).await, "400 invalid_grant");
    table.held("H43", "code again by the same client", "400 invalid_grant; bearer and refresh token dead");
}

async fn h44(cluster: &mut Cluster, table: Table) {
    let url = format!("{}/token", cluster.url);
    let client = Client::register(&cluster.url).await;
    let other = Client::register_as(&cluster.url, "Another").await;
    let code = client.code(ALICE).await;
    assert_eq!(outcome(other.redeem(&code).await).await, "400 invalid_grant");
    let code = client.code(ALICE).await;
    let elsewhere = post(&url, redemption(&client, &code, "http://127.0.0.1:9/other", VERIFIER)).await;
    assert_eq!(outcome(elsewhere).await, "400 invalid_grant");
    let foreign = client.for_resource("https://other.example/mail-query/mcp");
    let code = client.code(ALICE).await;
    assert_eq!(outcome(foreign.redeem(&code).await).await, "400 invalid_target");
    table.held(
        "H44",
        "code by another client, for another redirect or resource",
        "400 invalid_grant, invalid_target",
    );
}

async fn h45(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let code = client.code(ALICE).await;
    let running: Vec<_> = (0..50)
        .map(|index| {
            let (client, code) = (client.at(cluster.replica_url(index % 2)), code.clone());
            tokio::spawn(async move {
                let response = client.redeem(&code).await;
                (response.status().as_u16(), response.json::<Value>().await.unwrap())
            })
        })
        .collect();
    let (mut won, mut refused) = (Vec::new(), 0);
    for task in running {
        match task.await.unwrap() {
            (200, answer) => won.push(answer),
            (400, answer) if answer["error"] == "invalid_grant" => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((won.len(), refused), (1, 49));
    let bearer = won[0]["access_token"].as_str().unwrap();
    assert_eq!(works(cluster, bearer).await, 200, "parallel retries of one client are no replay");
    table.held("H45", "one code 50 times at once", "1 × 200, 49 × 400 invalid_grant");
}

async fn h46(cluster: &mut Cluster, table: Table) {
    let url = format!("{}/token", cluster.url);
    let id = Client::register(&cluster.url).await.id;
    for kind in ["password", "client_credentials", "urn:x:unknown"] {
        let seen = outcome(post(&url, format!("grant_type={kind}&client_id={id}")).await).await;
        assert_eq!(seen, "400 unsupported_grant_type", "{kind}");
    }
    assert_eq!(outcome(post(&url, format!("client_id={id}")).await).await, "400 invalid_request");
    table.held("H46", "grant_type password, client_credentials, unknown", "400 unsupported_grant_type");
}

async fn h69(cluster: &mut Cluster, table: Table) {
    let base = cluster.url.clone();
    let client = Client::register(&base).await;
    let other = Client::register_as(&base, "Another").await;
    let login = client.sign_in(ALICE).await;
    let form = async |path: &str, id: &str, token: &str| {
        outcome(post(&format!("{base}/{path}"), format!("client_id={id}&token={token}")).await).await
    };
    let anonymous =
        outcome(post(&format!("{base}/introspect"), format!("token={}", login.access)).await).await;
    assert_eq!(anonymous, "401 invalid_client");
    assert_eq!(form("introspect", &client.id, &login.access).await, "401 invalid_client", "a public client");
    for token in ["dcr_rt_unknown", "x"] {
        assert_eq!(form("revoke", &client.id, token).await, "200");
    }
    assert_eq!(form("revoke", &other.id, &login.refresh).await, "200");
    assert_eq!(form("revoke", &other.id, &login.access).await, "200");
    assert_eq!(works(cluster, &login.access).await, 200, "another client's token lives on");
    let read = http::client().get(format!("{base}/revoke")).send().await.unwrap().status();
    assert_eq!(read, 405);
    assert_eq!(form("revoke", &client.id, &login.refresh).await, "200");
    Mcp::modern(&cluster.url, &login.access).until_refused().await;
    table.held(
        "H69",
        "introspect without credentials; revoke unknown, foreign; GET",
        format!("{anonymous}; 200, 200 and alive; 405"),
    );
}
