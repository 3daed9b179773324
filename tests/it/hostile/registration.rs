//! `/register`: H01–H10. A refusal says which member is wrong, and keeps nothing.

use super::{Table, outcome, rows};
use crate::support::cluster::Cluster;
use crate::support::http;
use crate::support::login::REDIRECT;
use reqwest::{Body, RequestBuilder, Response};
use serde_json::{Value, json};

rows!(without_limits: h01, h02, h03, h04, h05, h06, h07, h08, h09, h10);

const URI: &str = "400 invalid_redirect_uri";
const METADATA: &str = "400 invalid_client_metadata";

fn post(cluster: &Cluster) -> RequestBuilder {
    http::client().post(format!("{}/register", cluster.url))
}

async fn register(cluster: &Cluster, metadata: &Value) -> Response {
    post(cluster).json(metadata).send().await.unwrap()
}

/// Status and error of a refusal, which nobody may keep and every browser may read.
async fn refused(response: Response) -> String {
    for (name, value) in [
        ("content-type", "application/json"),
        ("cache-control", "no-store"),
        ("access-control-allow-origin", "*"),
    ] {
        assert_eq!(response.headers()[name], value);
    }
    outcome(response).await
}

/// A good registration still works, and its URI is told as it was sent.
async fn good_one_works(cluster: &Cluster, uri: &str) {
    let metadata = json!({"redirect_uris": [uri], "token_endpoint_auth_method": "none"});
    let response = register(cluster, &metadata).await;
    assert_eq!(response.status(), 201, "{uri}");
    assert_eq!(response.json::<Value>().await.unwrap()["redirect_uris"], json!([uri]));
}

/// Each URI is refused alone, and among good ones.
async fn refuse_uris(cluster: &Cluster, uris: &[&str]) {
    for uri in uris {
        for list in [json!([uri]), json!([REDIRECT, uri])] {
            let metadata = json!({"redirect_uris": list, "token_endpoint_auth_method": "none"});
            assert_eq!(refused(register(cluster, &metadata).await).await, URI, "{uri:?}");
        }
    }
    good_one_works(cluster, REDIRECT).await;
}

async fn h01(cluster: &mut Cluster, table: Table) {
    let scripts = [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "javascript://127.0.0.1/%0aalert(1)",
    ];
    refuse_uris(cluster, &scripts).await;
    table.held("H01", "register redirect javascript:", URI);
}

async fn h02(cluster: &mut Cluster, table: Table) {
    let acted_on = [
        "data:text/html,<script>alert(1)</script>",
        "data:text/html;base64,PHNjcmlwdD4=",
        "vbscript:msgbox",
        "file:///etc/passwd",
        "blob:https://app.example/1",
        "about:blank",
        "view-source:https://app.example/",
    ];
    refuse_uris(cluster, &acted_on).await;
    table.held("H02", "register redirect data:, vbscript:, file:, blob:, about:", URI);
}

async fn h03(cluster: &mut Cluster, table: Table) {
    let plain = [
        "http://evil.example/cb",
        "http://evil.example:80/cb",
        "HTTP://evil.example/cb",
        "http://10.0.0.1/cb",
        "http://0.0.0.0/cb",
        "http://[2001:db8::1]/cb",
    ];
    refuse_uris(cluster, &plain).await;
    table.held("H03", "register redirect http:// elsewhere than loopback", URI);
}

async fn h04(cluster: &mut Cluster, table: Table) {
    let lookalikes = [
        "http://localhost.evil.example/cb",
        "http://127.0.0.1.nip.io/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://localhost:80@evil.example/",
        "http://localhost./cb",
    ];
    refuse_uris(cluster, &lookalikes).await;
    table.held("H04", "register redirect that looks like loopback", URI);
}

async fn h05(cluster: &mut Cluster, table: Table) {
    let fragments =
        ["https://app.example/cb#f", "https://app.example/cb#", "http://127.0.0.1/cb#f", "cursor://cb#f"];
    refuse_uris(cluster, &fragments).await;
    table.held("H05", "register redirect with a fragment", URI);
}

async fn h06(cluster: &mut Cluster, table: Table) {
    let users = [
        "https://a@evil.example/cb",
        "https://app.example:x@evil.example/cb",
        "https://@evil.example/cb",
        "http://127.0.0.1@evil.example/cb",
        "http://a@127.0.0.1/cb",
    ];
    refuse_uris(cluster, &users).await;
    table.held("H06", "register redirect with userinfo", URI);
}

async fn h07(cluster: &mut Cluster, table: Table) {
    let rewritable = [
        "https://app.example/a/../cb",
        "https://app.example/./cb",
        "https://app.example/a/..",
        "https://app.example\\@evil.example/cb",
        "https:\\\\app.example/cb",
        "https://app.example/%2e%2e/cb",
        "https://app.example/a%2f..%2fcb",
        "https://app.example/\u{1}cb",
        "https://app.example/cb\r\nSet-Cookie: a=b",
        "https://app.example/\u{7f}",
        "https://app.example/a b",
        "https://\u{fc}.example/cb",
        "https://app.example\u{3002}evil.example/cb",
    ];
    refuse_uris(cluster, &rewritable).await;
    for exact in ["https://App.example/CB?x=%7e&y", "https://app.example:443/", "http://127.0.0.1:05/"] {
        good_one_works(cluster, exact).await;
    }
    table.held("H07", "register redirect with dot segments, backslash, control byte, non-ASCII host", URI);
}

async fn h08(cluster: &mut Cluster, table: Table) {
    let long = json!({"redirect_uris": [REDIRECT], "client_name": "x".repeat(1 << 20)}).to_string();
    let typed = || post(cluster).header("content-type", "application/json");
    let whole = refused(typed().body(long.clone()).send().await.unwrap()).await;
    // The same without a length in front.
    let pieces = long
        .into_bytes()
        .chunks(8192)
        .map(|piece| Ok::<_, std::io::Error>(piece.to_vec()))
        .collect::<Vec<_>>();
    let pieces = Body::wrap_stream(futures_util::stream::iter(pieces));
    let in_pieces = refused(typed().body(pieces).send().await.unwrap()).await;
    assert_eq!((whole.as_str(), in_pieces.as_str()), ("413 invalid_client_metadata", whole.as_str()));
    let uris = |count: usize| (0..count).map(|n| format!("http://[::1]/{n}")).collect::<Vec<_>>();
    let many = refused(register(cluster, &json!({"redirect_uris": uris(1000)})).await).await;
    assert_eq!(many, "413 invalid_client_metadata");
    for metadata in [
        json!({"redirect_uris": uris(500)}),
        json!({"redirect_uris": uris(21)}),
        json!({"redirect_uris": [REDIRECT], "client_name": "x".repeat(5 * 1024)}),
        json!({"redirect_uris": [REDIRECT], "contacts": vec!["a@app.example"; 500]}),
        json!({"redirect_uris": [REDIRECT], "scope": "x ".repeat(6000)}),
    ] {
        assert_eq!(refused(register(cluster, &metadata).await).await, METADATA);
    }
    let huge = json!({"redirect_uris": [format!("https://app.example/{}", "x".repeat(12_000))]});
    assert_eq!(refused(register(cluster, &huge).await).await, URI);
    good_one_works(cluster, REDIRECT).await;
    table.held(
        "H08",
        "register 1 MB; 1000 redirect URIs; 5 KB client_name",
        format!("{whole}; {many}; {METADATA}"),
    );
}

async fn h09(cluster: &mut Cluster, table: Table) {
    let good = json!({"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"}).to_string();
    for body in [
        "",
        "null",
        "[]",
        "{}",
        "7",
        "not json",
        &good[..good.len() - 1],
        &format!("[{good}]"),
        &"[".repeat(10_000),
        r#"{"redirect_uris":[]}"#,
        r#"{"redirect_uris":null}"#,
        r#"{"redirect_uris":"http://127.0.0.1/"}"#,
        r#"{"redirect_uris":[7]}"#,
    ] {
        let request = post(cluster).header("content-type", "application/json").body(body.to_owned());
        assert_eq!(refused(request.send().await.unwrap()).await, METADATA, "{body:.40}");
    }
    for kind in [
        Some("application/x-www-form-urlencoded"),
        Some("text/plain"),
        Some("multipart/form-data; boundary=x"),
        None,
    ] {
        let mut request = post(cluster).body(good.clone());
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        assert_eq!(refused(request.send().await.unwrap()).await, METADATA, "{kind:?}");
    }
    good_one_works(cluster, REDIRECT).await;
    table.held("H09", "register empty list, not JSON, an array, another content type", METADATA);
}

async fn h10(cluster: &mut Cluster, table: Table) {
    let keys = json!({"keys": [{"kty": "RSA", "n": "AQ", "e": "AQAB"}]});
    let private = json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ", "d": "AQ"}]});
    let mut asked = vec![
        json!({"grant_types": ["implicit"]}),
        json!({"grant_types": ["password"]}),
        json!({"grant_types": ["refresh_token"]}),
        json!({"response_types": ["token"]}),
        json!({"response_types": ["code id_token"]}),
        json!({"token_endpoint_auth_method": "tls_client_auth"}),
        json!({"token_endpoint_auth_method": "client_secret_jwt"}),
        json!({"token_endpoint_auth_method": "none", "client_secret": "s"}),
        json!({"jwks": keys, "jwks_uri": "https://app.example/jwks.json"}),
        json!({"token_endpoint_auth_method": "private_key_jwt"}),
        json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": private}),
        json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": []}}),
    ];
    for host in
        ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "localhost", "2130706433", "a:b@app.example"]
    {
        asked.push(json!({"jwks_uri": format!("https://{host}/jwks.json")}));
    }
    asked.push(json!({"jwks_uri": "http://app.example/jwks.json"}));
    for mut metadata in asked {
        metadata["redirect_uris"] = json!([REDIRECT]);
        assert_eq!(refused(register(cluster, &metadata).await).await, METADATA, "{metadata}");
    }
    good_one_works(cluster, REDIRECT).await;
    table.held(
        "H10",
        "register implicit, token, tls_client_auth, secret and none, jwks twice, jwks_uri inside",
        METADATA,
    );
}
