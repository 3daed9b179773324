//! Tokens that are bound to a key of the client (DPoP, RFC 9449), from the first request to the last.

use super::support::browser::Browser;
use super::support::cluster::{Cluster, Plan, Store};
use super::support::http;
use super::support::login::{Client, REDIRECT, parameter};
use super::support::mcp::{self, MODERN, Mcp};
use super::support::operator::SETTINGS;
use super::support::signing::{Signer, now};
use super::support::socket::{Said, Socket};
use jsonwebtoken::{Algorithm, Header};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicU64, Ordering};

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
/// The path of most requests here.
const MCP: &str = "/mail-query/mcp";

/// A client's key, which makes proofs.
struct Key(Signer);

impl Key {
    /// Claims of a proof for a request to `url`.
    fn claims(method: &str, url: &str, token: Option<&str>) -> Value {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let jti = format!("proof-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let mut claims = json!({ "htm": method, "htu": url, "iat": now(), "jti": jti });
        if let Some(token) = token {
            claims["ath"] = json!(base64(&Sha256::digest(token)));
        }
        claims
    }

    fn sign(&self, claims: &Value) -> String {
        let jwk = serde_json::from_value(self.0.jwk()).unwrap();
        let header =
            Header { typ: Some("dpop+jwt".to_owned()), jwk: Some(jwk), ..Header::new(Algorithm::ES256) };
        self.0.sign(&header, claims)
    }

    fn proof(&self, method: &str, url: &str, token: Option<&str>) -> String {
        self.sign(&Self::claims(method, url, token))
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// Asks `/token` at `base`, with a proof if there is one.
async fn ask(base: &str, form: &[(&str, &str)], proof: Option<&str>) -> (u16, Value, Option<String>) {
    let request = http::client().post(format!("{base}/token")).form(form);
    let request = if let Some(proof) = proof { request.header("DPoP", proof) } else { request };
    let response = request.send().await.unwrap();
    let nonce = response.headers().get("dpop-nonce").map(|value| value.to_str().unwrap().to_owned());
    (response.status().as_u16(), response.json().await.unwrap(), nonce)
}

/// Signs in with a proof: access and refresh token.
async fn bound(client: &Client, user: &str, key: &Key) -> (String, String) {
    let code = client.code(user).await;
    let proof = key.proof("POST", &format!("{}/token", client.base), None);
    let (status, answer, _) = ask(&client.base, &client.code_form(&code), Some(&proof)).await;
    assert_eq!((status, &answer["token_type"]), (200, &json!("DPoP")), "{answer}");
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

/// A request to the endpoint at `base`, with these credentials.
async fn call(base: &str, authorization: &str, proofs: &[&str]) -> Response {
    let body =
        mcp::request(MODERN, "7", "tools/call", json!({ "name": "list_mail_folders", "arguments": {} }));
    let mut request = http::client()
        .post(format!("{base}{MCP}"))
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", MODERN)
        .header("mcp-method", "tools/call")
        .header("mcp-name", "list_mail_folders")
        .header("authorization", authorization)
        .header("x-forwarded-host", "evil.example")
        .body(body);
    for proof in proofs {
        request = request.header("DPoP", *proof);
    }
    request.send().await.unwrap()
}

fn challenges(response: &Response) -> Vec<String> {
    let all = response.headers().get_all("www-authenticate").iter();
    all.map(|value| value.to_str().unwrap().to_owned()).collect()
}

async fn clusters() -> Vec<Cluster> {
    let mut all = vec![Cluster::embedded().await];
    all.extend(Cluster::pair().await);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_token_is_worth_nothing_without_its_key() {
    for cluster in clusters().await {
        let (base, last) = (cluster.url.clone(), cluster.replicas.len() - 1);
        let (here, there) = (cluster.replica_url(0), cluster.replica_url(last));
        let client = Client::register(&base).await;
        let (key, thief) = (Key(Signer::new(7)), Key(Signer::new(8)));
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
        let (key, thief) = (Key(Signer::new(7)), Key(Signer::new(8)));
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
    let (url, thief) = (format!("{}/token", cluster.url), Key(Signer::new(8)));
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
    let (key, thief) = (Key(Signer::new(7)), Key(Signer::new(8)));
    let authorize = |jkt: &str| format!("{}&dpop_jkt={jkt}", client.authorize_url("s"));
    let landing = Browser::new(ALICE).walk(&authorize("too-short"), REDIRECT).await;
    assert_eq!(parameter(&landing, "error").as_deref(), Some("invalid_request"), "{landing}");
    let url = format!("{}/token", cluster.url);
    for (who, expected) in [(Some(&thief), 400), (None, 400), (Some(&key), 200)] {
        let landing = Browser::new(ALICE).walk(&authorize(&key.0.thumbprint()), REDIRECT).await;
        let code = parameter(&landing, "code").unwrap_or_else(|| panic!("{landing}"));
        let proof = who.map(|key| key.proof("POST", &url, None));
        let (status, answer, _) = ask(&cluster.url, &client.code_form(&code), proof.as_deref()).await;
        assert_eq!(status, expected, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_framing_asks_for_the_proof_when_it_opens() {
    let cluster = Cluster::embedded().await;
    let base = &*cluster.url;
    let client = Client::register(base).await;
    let key = Key(Signer::new(7));
    let (access, _) = bound(&client, ALICE, &key).await;
    let dpop = format!("DPoP {access}");
    let proof = |method: &str, path: &str| key.proof(method, &format!("{base}{path}"), Some(&access));
    let send = async |method: Method, path: &str, headers: &[(&str, &str)], body: Option<String>| {
        let mut request =
            http::client().request(method, format!("{base}{path}")).header("authorization", &dpop);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = if let Some(body) = body {
            request
                .header("content-type", "application/json")
                .header("accept", "application/json, text/event-stream")
                .body(body)
        } else {
            request.header("accept", "text/event-stream")
        };
        request.send().await.unwrap()
    };
    // Streamable HTTP with a session: POST, GET and DELETE.
    let hello = mcp::request("2025-11-25", "1", "initialize", mcp::hello("2025-11-25"));
    let opened = send(Method::POST, MCP, &[("DPoP", &proof("POST", MCP))], Some(hello)).await;
    assert_eq!(opened.status(), 200);
    let session = opened.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let session = ("mcp-session-id", session.as_str());
    assert_eq!(send(Method::GET, MCP, &[session], None).await.status(), 401);
    let stream = send(Method::GET, MCP, &[session, ("DPoP", &proof("GET", MCP))], None).await;
    assert_eq!(stream.status(), 200);
    drop(stream);
    let ended = send(Method::DELETE, MCP, &[session, ("DPoP", &proof("DELETE", MCP))], None).await;
    assert!(ended.status().is_success());
    // HTTP+SSE.
    assert_eq!(send(Method::GET, "/mail-query/sse", &[], None).await.status(), 401);
    let stream =
        send(Method::GET, "/mail-query/sse", &[("DPoP", &proof("GET", "/mail-query/sse"))], None).await;
    assert_eq!(stream.status(), 200);
    // WebSocket, by header and by first message.
    let (ws, here) = ("/mail-query/ws", cluster.replica_url(0));
    let refused = Socket::connect(here, "mail-query", &[("authorization", &dpop)]).await;
    assert_eq!(refused.err(), Some(401));
    let with_proof = [("authorization", &*dpop), ("dpop", &*proof("GET", ws))];
    let mut socket = Socket::connect(here, "mail-query", &with_proof).await.unwrap();
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }).to_string();
    let hello = mcp::request("2025-11-25", "0", "initialize", mcp::hello("2025-11-25"));
    socket.answer(&hello).await;
    socket.answer(&ping).await;
    for (proof, welcome) in [(None, false), (Some(proof("POST", ws)), false), (Some(proof("GET", ws)), true)]
    {
        let mut socket = Socket::connect(here, "mail-query", &[]).await.unwrap();
        let mut params = json!({ "token": access });
        if let Some(proof) = proof {
            params["proof"] = json!(proof);
        }
        let hello = json!({ "jsonrpc": "2.0", "id": "auth", "method": "authenticate", "params": params });
        socket.say(&hello.to_string()).await;
        let said = socket.next().await;
        assert_eq!(matches!(said, Said::Text(_)), welcome, "{said:?}");
    }
    // A message of HTTP+SSE has a proof of its own; that of the stream is spent.
    let posted = send(Method::POST, "/mail-query/messages?sessionId=x", &[], Some(ping.clone())).await;
    assert_eq!(posted.status(), 401);
    let proven = proof("POST", "/mail-query/messages");
    let posted =
        send(Method::POST, "/mail-query/messages?sessionId=x", &[("DPoP", &proven)], Some(ping)).await;
    assert_eq!(posted.status(), 404, "the session is what is unknown");
    // The OpenID unit.
    let userinfo = async |proof: Option<String>| {
        let request = http::client().get(format!("{base}/userinfo")).header("authorization", &dpop);
        let request = if let Some(proof) = proof { request.header("DPoP", proof) } else { request };
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(userinfo(None).await, 401);
    assert_ne!(userinfo(Some(proof("GET", "/userinfo"))).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_wants_bound_tokens_gets_no_others() {
    let cluster = Cluster::embedded().await;
    let metadata = json!({
        "client_name": "Bound", "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none",
        "dpop_bound_access_tokens": true,
    });
    let answer =
        http::client().post(format!("{}/register", cluster.url)).json(&metadata).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["dpop_bound_access_tokens"], true, "{answer}");
    let client = Client::known(&cluster.url, answer["client_id"].as_str().unwrap());
    let code = client.code(ALICE).await;
    let (status, refused, _) = ask(&cluster.url, &client.code_form(&code), None).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_dpop_proof")), "{refused}");
    // The code was not spent by it.
    let proof = Key(Signer::new(7)).proof("POST", &format!("{}/token", cluster.url), None);
    assert_eq!(ask(&cluster.url, &client.code_form(&code), Some(&proof)).await.0, 200);
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
async fn nonces_of_the_server_go_around_where_the_operator_wants_them() {
    let settings = [SETTINGS[0], SETTINGS[1], ("ENTRADA_OAUTH__DPOP_NONCE", "true")];
    let plan = Plan { settings: &settings, ..Plan::default() };
    let cluster = Cluster::start(Store::embedded(), plan).await;
    let (base, key) = (&*cluster.url, Key(Signer::new(7)));
    let client = Client::register(base).await;
    let code = client.code(ALICE).await;
    let url = format!("{base}/token");
    let form = client.code_form(&code);
    let (status, asked, nonce) = ask(base, &form, Some(&key.proof("POST", &url, None))).await;
    assert_eq!((status, &asked["error"]), (400, &json!("use_dpop_nonce")), "{asked}");
    let nonce = nonce.expect("a nonce");
    let with_nonce = |mut claims: Value, nonce: &str| {
        claims["nonce"] = json!(nonce);
        key.sign(&claims)
    };
    let invented = with_nonce(Key::claims("POST", &url, None), "invented");
    assert_eq!(ask(base, &form, Some(&invented)).await.1["error"], "use_dpop_nonce");
    let proof = with_nonce(Key::claims("POST", &url, None), &nonce);
    let (status, answer, next) = ask(base, &form, Some(&proof)).await;
    assert_eq!((status, next.is_some()), (200, true), "{answer}");
    let access = answer["access_token"].as_str().unwrap();
    let (dpop, mcp) = (format!("DPoP {access}"), format!("{base}{MCP}"));
    let refused = call(base, &dpop, &[&key.proof("POST", &mcp, Some(access))]).await;
    assert_eq!(refused.status(), 401);
    assert!(challenges(&refused)[1].starts_with("DPoP error=\"use_dpop_nonce\""));
    let nonce = refused.headers()["dpop-nonce"].to_str().unwrap().to_owned();
    let proof = with_nonce(Key::claims("POST", &mcp, Some(access)), &nonce);
    assert_eq!(call(base, &dpop, &[&proof]).await.status(), 200);
    // Plain bearers are not concerned.
    let plain = client.sign_in(BOB).await;
    assert_eq!(Mcp::modern(base, &plain.access).call("list_mail_folders", json!({})).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn switched_off_there_is_nothing_of_it() {
    let settings = [("ENTRADA_OAUTH__DPOP", "off")];
    let plan = Plan { settings: &settings, ..Plan::default() };
    let cluster = Cluster::start(Store::embedded(), plan).await;
    let (base, key) = (&*cluster.url, Key(Signer::new(7)));
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
