//! `/net` as its user meets it: over MCP, with a bearer of its own, against servers on loopback that the operator
//! opened.

use super::support::cluster::{Cluster, Plan, Store};
use super::support::login::Client;
use super::support::mcp::{Answer, Mcp};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;

const ALICE: &str = "alice@contoso.example";
/// A loopback address of our own, so that port 5000 is free.
const HOST: &str = "127.77.1.2";

async fn net(cluster: &Cluster) -> Mcp {
    let resource = format!("{}/net/mcp", cluster.url);
    let login = Client::register(&cluster.url).await.for_resource(&resource).sign_in(ALICE).await;
    let mut client = Mcp::modern(&cluster.url, &login.access);
    client.endpoint = resource;
    client
}

async fn cluster(ranges: &str) -> Cluster {
    let settings = [("ENTRADA_SERVICES__ENABLED", "mail-query,net"), ("ENTRADA_NET__ALLOWED_RANGES", ranges)];
    Cluster::start(Store::embedded(), Plan { settings: &settings, ..Plan::default() }).await
}

/// Answers every request with its first line.
fn echo_server() {
    let listener = TcpListener::bind((HOST, 5000)).unwrap();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let mut request = [0; 4096];
            let read = socket.read(&mut request).unwrap_or(0);
            let text = String::from_utf8_lossy(&request[..read]).into_owned();
            let body = format!("{} \u{1f600} \u{202e}", text.lines().next().unwrap_or_default());
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nX-Note: here\r\n";
            let _ = write!(socket, "{head}Content-Length: {}\r\n\r\n{body}", body.len());
        }
    });
}

/// Code and text of a refused call.
fn refusal(answer: &Answer) -> (String, String) {
    let result = answer.result();
    assert_eq!(result["isError"], true, "{result}");
    let error = &result["structuredContent"]["error"];
    (error["code"].as_str().unwrap().to_owned(), result["content"][0]["text"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_pinged_its_ports_are_checked_and_a_page_is_fetched() {
    let cluster = cluster("127.77.0.0/16").await;
    echo_server();
    let net = net(&cluster).await;
    let page = net
        .call("fetch_page", json!({"host": HOST, "port": "5000", "path": "/a b?q=#x"}))
        .await
        .output()
        .clone();
    assert_eq!(page["status_code"], 200);
    assert_eq!(page["text_preview"], "GET /a%20b?q= HTTP/1.1 \u{1f600} \u{202e}");
    assert_eq!(page["headers"]["x-note"], "here");
    assert_eq!(
        (&page["truncated"], &page["url"]),
        (&json!(false), &json!("http://127.77.1.2:5000/a%20b?q="))
    );
    let short =
        net.call("fetch_page", json!({"host": HOST, "port": 5000, "max_bytes": 3})).await.output().clone();
    assert_eq!(
        (&short["text_preview"], &short["body_preview_len"], &short["truncated"]),
        (&json!("GET"), &json!(3), &json!(true))
    );

    let ports = net.call("check_common_ports", json!({"host": HOST})).await.output().clone();
    let open: Vec<&str> = ["22", "80", "443", "3000", "5000", "8000"]
        .into_iter()
        .filter(|port| ports[*port] == "open")
        .collect();
    assert_eq!(open, ["5000"], "{ports}");

    let echoes =
        net.call("ping_host", json!({"host": HOST, "count": 2, "timeout_sec": 1})).await.output().clone();
    assert_eq!((&echoes["sent"], &echoes["received"]), (&json!(2), &json!(2)), "{echoes}");
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inside_stays_out_of_reach_and_bad_input_names_its_field() {
    let cluster = cluster("127.77.0.0/16").await;
    let net = net(&cluster).await;
    for host in
        ["127.0.0.1", "localhost", "169.254.169.254", "10.0.0.1", "::1", "0x7f.1", "[::ffff:10.0.0.1]"]
    {
        for tool in ["ping_host", "check_common_ports", "fetch_page"] {
            let (code, text) = refusal(&net.call(tool, json!({"host": host})).await);
            assert_eq!(code, "invalid_input", "{tool} {host}: {text}");
            assert!(text.contains("public internet"), "{tool} {host}: {text}");
        }
    }
    for (arguments, field) in [
        (json!({"host": "http://example.com/"}), "host"),
        (json!({"host": ""}), "host"),
        (json!({}), "host"),
        (json!({"host": HOST, "port": 22}), "port"),
        (json!({"host": HOST, "port": 5000, "path": "/\u{7}"}), "path"),
        (json!({"host": HOST, "max_bytes": 0}), "max_bytes"),
    ] {
        let answer = net.call("fetch_page", arguments.clone()).await;
        let (code, text) = refusal(&answer);
        assert_eq!(code, "invalid_input", "{arguments}: {text}");
        assert!(text.contains(field), "{arguments}: {text}");
    }
    let gone = net.call("fetch_page", json!({"host": "127.77.9.9", "port": 5000})).await;
    let (code, _) = refusal(&gone);
    let structured: &Value = &gone.result()["structuredContent"];
    assert_eq!((code.as_str(), &structured["url"]), ("unavailable", &json!("http://127.77.9.9:5000/")));
    let (code, text) = refusal(&net.call("ping_host", json!({"host": "no-such-host.invalid"})).await);
    assert_eq!(code, "not_found", "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_off_unless_it_is_enabled() {
    let cluster = Cluster::embedded().await;
    let login = Client::register(&cluster.url).await.sign_in(ALICE).await;
    let mut client = Mcp::modern(&cluster.url, &login.access);
    client.endpoint = format!("{}/net/mcp", cluster.url);
    assert_eq!(client.send("tools/list", json!({})).await.status, 404);
}
