//! What Prometheus reads: behind the operators' token, in OpenMetrics, and about nobody.

use super::support::http;
use super::support::login::Client;
use super::support::mcp::Mcp;
use super::support::operator::{Operator, TOKEN, clusters};
use serde_json::json;

const ALICE: &str = "alice@contoso.example";

async fn scrape(url: &str) -> String {
    let response = http::client().get(url).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = response.text().await.unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    text
}

/// Value of the one series that begins with `series`.
fn value(text: &str, series: &str) -> u64 {
    let found: Vec<&str> = text.lines().filter(|line| line.starts_with(series)).collect();
    assert_eq!(found.len(), 1, "{series}:\n{text}");
    found[0].rsplit_once(' ').unwrap().1.parse().unwrap()
}

#[actix_web::test]
async fn calls_graph_entra_and_the_audit_log_are_counted() {
    // Each replica has meters of its own; behind a balancer nobody knows whose.
    for mut cluster in clusters().await.into_iter().filter(|cluster| cluster.replicas.len() == 1) {
        let url = format!("{}/metrics", Operator::of(&mut cluster, 0).base.trim_end_matches("/admin/v1"));
        for (token, sent) in [("nothing", None), ("a wrong one", Some("x"))] {
            let request = http::client().get(&url);
            let request = if let Some(sent) = sent { request.bearer_auth(sent) } else { request };
            assert_eq!(request.send().await.unwrap().status(), 401, "{token}");
        }
        let base = cluster.url.clone();
        assert_eq!(http::client().get(format!("{base}/metrics")).send().await.unwrap().status(), 404);

        let login = Client::register(&base).await.sign_in(ALICE).await;
        let mcp = Mcp::modern(&base, &login.access);
        assert_eq!(mcp.call("list_mail_folders", json!({})).await.status, 200);
        mcp.call("get_email", json!({ "id": "never-was" })).await;
        mcp.call("no_such_tool_alice", json!({})).await;
        let text = scrape(&url).await;
        let calls = "entrada_tool_calls_total{service=\"mail-query\"";
        assert_eq!(value(&text, &format!("{calls},tool=\"list_mail_folders\",outcome=\"ok\"}}")), 1);
        assert_eq!(value(&text, &format!("{calls},tool=\"get_email\",outcome=\"not_found\"}}")), 1);
        assert_eq!(value(&text, &format!("{calls},tool=\"unknown\",outcome=\"unknown_tool\"}}")), 1);
        assert!(value(&text, "entrada_graph_requests_total{method=\"GET\",status=\"200\"}") >= 1);
        assert_eq!(
            value(
                &text,
                "entrada_entra_token_requests_total{operation=\"exchange\",outcome=\"ok\",aadsts=\"0\"}"
            ),
            1
        );
        assert_eq!(value(&text, "entrada_audit_events_total{event=\"register\"}"), 1);
        assert_eq!(value(&text, "entrada_open_streams "), 0);
        assert_eq!(
            value(&text, "entrada_http_requests_total{method=\"POST\",route=\"/{svc}/mcp\",status=\"200\"}"),
            3
        );
        // It is about the server, and about no person, client or subject.
        for secret in
            [TOKEN, &login.access, &login.refresh, ALICE, "alice", "never-was", &cluster.tenant.directory_id]
        {
            assert!(!text.contains(secret), "{secret}:\n{text}");
        }
    }
}
