//! The authorization server as strangers meet it: metadata, aliases, CORS, and requests made to hurt (H numbers of
//! the acceptance list).

use super::support::browser::Browser;
use super::support::cluster::{Cluster, Plan, Store};
use super::support::http;
use super::support::login::{Client, REDIRECT, VERIFIER, challenge, parameter, tokens};
use super::support::mcp::Mcp;
use reqwest::{Method, Response};
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";

async fn get(url: &str) -> Response {
    http::client().get(url).send().await.unwrap()
}

async fn document(url: &str) -> Value {
    let response = get(url).await;
    assert_eq!(response.status(), 200, "{url}");
    assert_eq!(response.headers()["access-control-allow-origin"], "*", "{url}");
    response.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_is_found_from_the_challenge_and_agrees_with_itself() {
    let cluster = Cluster::embedded().await;
    let base = &cluster.url;
    // Each URL names itself: clients refuse a document about another one.
    for end in ["/mail-query/mcp", "/mail-query", "/mail-query/sse"] {
        let resource = format!("{base}{end}");
        let challenge = get(&resource).await;
        assert_eq!(challenge.status(), 401);
        let header = challenge.headers()["www-authenticate"].to_str().unwrap().to_owned();
        let named = header.split("resource_metadata=\"").nth(1).unwrap().split('"').next().unwrap();
        let protected = document(named).await;
        assert_eq!(protected["resource"], json!(resource));
        assert_eq!(protected["authorization_servers"], json!([base]));
        assert_eq!(named, format!("{base}/.well-known/oauth-protected-resource{end}"));
    }
    let server = document(&format!("{base}/.well-known/oauth-authorization-server")).await;
    assert_eq!(server["issuer"], json!(base));
    assert_eq!(server["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(server["authorization_response_iss_parameter_supported"], json!(true));
    for suffix in ["/mail-query", "/mail-query/mcp"] {
        let same = document(&format!("{base}/.well-known/oauth-authorization-server{suffix}")).await;
        assert_eq!(same, server, "{suffix}");
    }
    let unknown = get(&format!("{base}/.well-known/oauth-protected-resource/nowhere/mcp")).await;
    assert_eq!(unknown.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_is_found_at_every_place_where_clients_look() {
    let cluster = Cluster::embedded().await;
    let base = &cluster.url;
    let get = async |path: &str| {
        let request =
            http::client().get(format!("{base}{path}")).header("MCP-Protocol-Version", "2024-11-05");
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str::<Value>(&response.text().await.unwrap()).unwrap_or_default())
    };
    for service in ["mail-query", "calendar"] {
        for end in ["", "/mcp", "/sse", "/ws"] {
            let resource = format!("/{service}{end}");
            for path in [
                format!("/.well-known/oauth-protected-resource{resource}"),
                format!("{resource}/.well-known/oauth-protected-resource"),
            ] {
                let (status, document) = get(&path).await;
                assert_eq!(
                    (status, &document["resource"]),
                    (200, &json!(format!("{base}{resource}"))),
                    "{path}"
                );
                assert_eq!(document["authorization_servers"], json!([base]), "{path}");
            }
        }
        let (_, server) = get("/.well-known/oauth-authorization-server").await;
        let (_, openid) = get("/.well-known/openid-configuration").await;
        assert_eq!((&server["issuer"], &openid["issuer"]), (&json!(base), &json!(base)));
        for end in [format!("/{service}"), format!("/{service}/mcp")] {
            for (kind, document) in
                [("oauth-authorization-server", &server), ("openid-configuration", &openid)]
            {
                assert_eq!(
                    &get(&format!("/.well-known/{kind}{end}")).await,
                    &(200, document.clone()),
                    "{kind}{end}"
                );
            }
        }
    }
    // The root is where the service of all services stands.
    let root = get("/.well-known/oauth-protected-resource").await;
    assert_eq!((root.0, &root.1["resource"]), (200, &json!(format!("{base}/mcp"))));
    for path in [
        "/.well-known/oauth-protected-resource/m365/mcp",
        "/.well-known/oauth-protected-resource/nowhere/mcp",
        "/.well-known/oauth-protected-resource/mail-query/nothing",
        "/.well-known/oauth-authorization-server/nowhere",
    ] {
        assert_eq!(get(path).await.0, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_host_header_changes_no_url() {
    let cluster = Cluster::embedded().await;
    let replica = cluster.replica_url(0);
    for path in
        ["/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource/mail-query/mcp"]
    {
        let request = http::client().get(format!("{replica}{path}"));
        let request =
            request.header("X-Forwarded-Host", "evil.example").header("Forwarded", "host=evil.example");
        let text = request.header("X-Forwarded-Proto", "https").send().await.unwrap().text().await.unwrap();
        assert!(text.contains(&cluster.url) && !text.contains("evil.example"), "{path}: {text}");
    }
    let request = http::client().get(format!("{replica}/mail-query/mcp")).header("Host", "evil.example");
    let response = request.send().await.unwrap();
    let challenge =
        response.headers().get("www-authenticate").map(|value| value.to_str().unwrap().to_owned());
    assert!(!challenge.unwrap_or_default().contains("evil.example"));
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_may_ask_from_anywhere_without_credentials() {
    let cluster = Cluster::embedded().await;
    for path in ["/register", "/token", "/.well-known/oauth-authorization-server", "/mail-query/mcp"] {
        let request = http::client().request(Method::OPTIONS, format!("{}{path}", cluster.url));
        let request = request
            .header("Origin", "https://claude.ai")
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization, content-type, mcp-protocol-version");
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.status());
        let allowed =
            response.headers()["access-control-allow-headers"].to_str().unwrap().to_ascii_lowercase();
        assert!(allowed == "*" || allowed.contains("mcp-protocol-version"), "{path}: {allowed}");
        assert!(!response.headers().contains_key("access-control-allow-credentials"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_alias_does_the_whole_job() {
    let cluster = Cluster::embedded().await;
    let base = &cluster.url;
    for prefix in ["/oauth", "/mail-query"] {
        let body = json!({ "client_name": prefix, "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none" });
        let response =
            http::client().post(format!("{base}{prefix}/register")).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 201, "{prefix}");
        let id = response.json::<Value>().await.unwrap()["client_id"].as_str().unwrap().to_owned();
        let client = Client::known(base, &id);
        let url = client.authorize_url("s").replace("/authorize?", &format!("{prefix}/authorize?"));
        let landing = Browser::new(ALICE).walk(&url, REDIRECT).await;
        let code = parameter(&landing, "code").unwrap_or_else(|| panic!("{prefix}: {landing}"));
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
            ("client_id", &id),
        ];
        let response = http::client().post(format!("{base}{prefix}/token")).form(&form).send().await.unwrap();
        let login = tokens(response).await;
        Mcp::modern(base, &login.access).call("list_mail_folders", json!({})).await.output();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn registrations_made_to_hurt_are_refused() {
    let cluster = Cluster::embedded().await;
    for (what, uri) in [
        ("H01", "javascript:alert(1)"),
        ("H02", "data:text/html,x"),
        ("H02", "file:///etc/passwd"),
        ("H03", "http://evil.example/cb"),
        ("H04", "http://localhost.evil.example/cb"),
        ("H04", "http://127.0.0.1.nip.io/cb"),
        ("H05", "https://app.example/cb#f"),
        ("H06", "https://a@evil.example/cb"),
        ("H07", "https://app.example/a/../cb"),
        ("H07", "https://app.example\\@evil.example/cb"),
        ("H07", "https://app.example/%2e%2e/cb"),
    ] {
        let body = json!({ "client_name": "x", "redirect_uris": [uri] });
        let response =
            http::client().post(format!("{}/register", cluster.url)).json(&body).send().await.unwrap();
        let (status, text) = (response.status().as_u16(), response.text().await.unwrap());
        assert_eq!(status, 400, "{what} {uri}: {text}");
        assert!(text.contains("invalid_redirect_uri"), "{what} {uri}: {text}");
    }
}

/// The authorize URL with one parameter replaced (or removed).
fn altered(client: &Client, name: &str, value: Option<&str>) -> String {
    let mut url = reqwest::Url::parse(&client.authorize_url("s")).unwrap();
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(key, _)| key != name)
        .map(|(k, v)| (k.into_owned(), v.into_owned()))
        .collect();
    url.query_pairs_mut().clear().extend_pairs(kept);
    if let Some(value) = value {
        url.query_pairs_mut().append_pair(name, value);
    }
    url.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn authorization_requests_made_to_hurt_stay_here_or_go_back_as_errors() {
    let cluster = Cluster::embedded().await;
    let client = Client::register(&cluster.url).await;
    for (what, name, value) in [
        ("H21", "client_id", Some("unknown-client")),
        ("H22", "redirect_uri", Some("https://evil.example/cb")),
        ("H22", "redirect_uri", Some("http://127.0.0.1:9/callback/more")),
        ("H22", "redirect_uri", Some("http://127.0.0.1:9/CALLBACK")),
    ] {
        let response = get(&altered(&client, name, value)).await;
        assert_eq!(response.status(), 400, "{what} {name}={value:?}");
        assert!(!response.headers().contains_key("location"), "{what} {name}={value:?}");
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/html"), "{what}");
    }
    for (what, name, value, error) in [
        ("H11", "code_challenge", None, "invalid_request"),
        ("H12", "code_challenge_method", Some("plain"), "invalid_request"),
        ("H13", "code_challenge", Some("abc"), "invalid_request"),
        ("H80", "prompt", Some("none"), "login_required"),
        ("H81", "response_type", Some("token"), "unsupported_response_type"),
        ("H82", "scope", Some("No.Such.Scope"), "invalid_scope"),
    ] {
        let response = get(&altered(&client, name, value)).await;
        let location = response.headers().get("location").unwrap_or_else(|| panic!("{what}: no redirect"));
        let location = location.to_str().unwrap();
        assert!(location.starts_with(REDIRECT), "{what}: {location}");
        assert_eq!(parameter(location, "error").as_deref(), Some(error), "{what}: {location}");
        assert_eq!(parameter(location, "iss").as_deref(), Some(cluster.url.as_str()), "{what}");
        assert_eq!(parameter(location, "state").as_deref(), Some("s"), "{what}");
    }
    let doubled = format!("{}&client_id=other", client.authorize_url("s"));
    assert_eq!(get(&doubled).await.status(), 400, "H15");
    let page = get(&altered(&client, "client_id", Some("unknown-client"))).await;
    for (name, wanted) in [
        ("content-security-policy", "frame-ancestors 'none'"),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ] {
        assert!(page.headers()[name].to_str().unwrap().contains(wanted), "H26 {name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn token_requests_made_to_hurt_get_the_error_that_the_rfc_names() {
    let cluster = Cluster::embedded().await;
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    let other = Client::register_as(&cluster.url, "Another").await;
    let endpoint = format!("{}/token", cluster.url);
    let post = async |body: String| {
        let request =
            http::client().post(&endpoint).header("Content-Type", "application/x-www-form-urlencoded");
        let response = request.body(body).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json::<Value>().await.unwrap()["error"].as_str().unwrap_or_default().to_owned())
    };
    let id = &client.id;
    for (what, body, wanted) in [
        ("H41", format!("grant_type=authorization_code&code=&client_id={id}"), "invalid_request"),
        ("H41", format!("grant_type=refresh_token&grant_type=x&client_id={id}"), "invalid_request"),
        ("H46", format!("grant_type=password&client_id={id}"), "unsupported_grant_type"),
        ("H47", format!("grant_type=refresh_token&client_id={id}&refresh_token=x"), "invalid_grant"),
        (
            "H47",
            format!("grant_type=refresh_token&client_id={id}&refresh_token={}", login.access),
            "invalid_grant",
        ),
        (
            "H48",
            format!("grant_type=refresh_token&client_id={}&refresh_token={}", other.id, login.refresh),
            "invalid_grant",
        ),
        (
            "H53",
            format!(
                "grant_type=refresh_token&client_id={id}&refresh_token={}&scope=Mail.Send",
                login.refresh
            ),
            "invalid_scope",
        ),
    ] {
        assert_eq!(post(body.clone()).await, (400, wanted.to_owned()), "{what} {body}");
    }
    let response =
        http::client().post(&endpoint).json(&json!({ "grant_type": "refresh_token" })).send().await.unwrap();
    assert!(matches!(response.status().as_u16(), 400 | 415), "H39: {}", response.status());
    assert_eq!(get(&endpoint).await.status(), 405, "H40");
    // H42: a wrong verifier burns the code.
    let code = client.code(ALICE).await;
    let wrong = challenge("another verifier");
    let form = |verifier: &str| {
        format!(
            "grant_type=authorization_code&client_id={id}&code={code}&redirect_uri={REDIRECT}&code_verifier={verifier}"
        )
    };
    assert_eq!(post(form(&wrong)).await, (400, "invalid_grant".to_owned()), "H42");
    assert_eq!(post(form(VERIFIER)).await, (400, "invalid_grant".to_owned()), "H42: the code is burned");
    // After all that the login still works.
    let fresh = tokens(client.refresh(&login.refresh).await).await;
    // H49: again within the grace, the same answer.
    let again = tokens(client.refresh(&login.refresh).await).await;
    assert_eq!((fresh.access, fresh.refresh), (again.access, again.refresh), "H49");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_login_is_dead_on_every_replica_and_only_its_owner_can_kill_it() {
    let Some(cluster) = Cluster::pair().await else { return };
    let client = Client::register(&cluster.url).await;
    let other = Client::register_as(&cluster.url, "Another").await;
    let login = client.sign_in(ALICE).await;
    let revoke = async |client: &Client, token: &str| {
        let form = [("token", token), ("client_id", client.id.as_str())];
        let url = format!("{}/revoke", cluster.url);
        http::client().post(url).form(&form).send().await.unwrap().status().as_u16()
    };
    let statuses = async || {
        let mut statuses = Vec::new();
        for index in 0..2 {
            let mcp = Mcp::modern(cluster.replica_url(index), &login.access);
            statuses.push(mcp.call("list_mail_folders", json!({})).await.status);
        }
        statuses
    };
    // H69: nobody learns whether a token exists, and nobody kills another client's.
    assert_eq!(revoke(&client, "dcr_rt_unknown").await, 200);
    assert_eq!(revoke(&other, &login.refresh).await, 200);
    assert_eq!(statuses().await, [200, 200]);
    assert_eq!(revoke(&client, &login.refresh).await, 200);
    http::eventually("the bearer is dead everywhere", || async {
        (statuses().await == [401, 401]).then_some(())
    })
    .await;
    assert_eq!(client.refresh(&login.refresh).await.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_refresh_is_enough_for_a_tenant_that_kills_used_tokens() {
    let plan = Plan { tenant_arguments: &["--strict-refresh"], ..Plan::default() };
    let cluster = Cluster::start(Store::embedded(), plan).await;
    let client = Client::register(&cluster.url).await;
    let mut login = client.sign_in(ALICE).await;
    for _ in 0..3 {
        login = tokens(client.refresh(&login.refresh).await).await;
        cluster.tenant.expire_tokens().await;
        Mcp::modern(&cluster.url, &login.access).call("list_mail_folders", json!({})).await.output();
    }
}
