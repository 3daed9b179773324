//! Every framing, and the OpenID unit: a proof for each request, or for the connection.

use super::{ALICE, Key, MCP, bound, challenges};
use crate::support::cluster::Cluster;
use crate::support::http;
use crate::support::login::Client;
use crate::support::mcp;
use crate::support::socket::{Said, Socket};
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn every_framing_asks_for_the_proof_when_it_opens() {
    let cluster = Cluster::embedded().await;
    let base = &*cluster.url;
    let client = Client::register(base).await;
    let key = Key::new(7);
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
    // A proof says what it is for: one for a POST opens no stream.
    let wrong = send(Method::GET, MCP, &[session, ("DPoP", &proof("POST", MCP))], None).await;
    assert_eq!(wrong.status(), 401);
    assert!(challenges(&wrong)[1].contains("error=\"invalid_dpop_proof\""));
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
