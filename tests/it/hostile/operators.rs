//! The operators' API in other hands: H74.

use super::{ALICE, Table, rows};
use crate::support::cluster::Cluster;
use crate::support::http;
use crate::support::login::Client;
use crate::support::mcp::Mcp;
use crate::support::operator::{Operator, TOKEN};
use reqwest::Method;
use serde_json::json;

rows!(with_operators: h74);

async fn h74(cluster: &mut Cluster, table: Table) {
    let login = Client::register(&cluster.url).await.sign_in(ALICE).await;
    let operator = Operator::of(cluster, 0);
    let (public, http) = (cluster.replica_url(0).to_owned(), http::client());
    let off = json!({ "enabled": false });
    let put = |base: &str| http.put(format!("{base}/services/mail-query")).json(&off);

    for base in [format!("{public}/admin/v1"), format!("{public}/mail-query/admin/v1")] {
        assert_eq!(put(&base).bearer_auth(TOKEN).send().await.unwrap().status(), 404);
        let listed = http.get(format!("{base}/services")).bearer_auth(TOKEN).send().await.unwrap();
        assert_eq!(listed.status(), 404);
    }
    let almost = format!("{}x", &TOKEN[..TOKEN.len() - 1]);
    for wrong in ["", &almost, &TOKEN[1..], &TOKEN.to_uppercase(), &login.access, &login.refresh] {
        let refused = put(&operator.base).bearer_auth(wrong).send().await.unwrap();
        let challenge = refused.headers()["www-authenticate"].to_str().unwrap().to_owned();
        assert_eq!(refused.status(), 401, "{wrong}");
        assert!(challenge.starts_with("Bearer ") && challenge.contains("invalid_token"), "{challenge}");
    }
    let places = [
        put(&operator.base),
        put(&operator.base).query(&[("access_token", TOKEN), ("token", TOKEN)]),
        put(&operator.base).basic_auth("admin", Some(TOKEN)),
        put(&operator.base).header("cookie", format!("token={TOKEN}")),
        put(&operator.base).bearer_auth(TOKEN).header("authorization", "Bearer other"),
    ];
    for request in places {
        let refused = request.send().await.unwrap();
        assert_eq!(refused.status(), 401);
        assert!(refused.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer "));
    }
    // Without the token nothing tells what there is.
    for path in ["", "/services", "/no-such-thing", "/../../health", "/clients"] {
        let refused = http.get(format!("{}{path}", operator.base)).send().await.unwrap();
        assert_eq!(refused.status(), 401, "{path}");
    }
    Mcp::modern(&cluster.url, &login.access).call("list_mail_folders", json!({})).await.output();
    assert_eq!(operator.send(Method::GET, "services", None).await.status(), 200);
    let log = cluster.replicas[0].stderr();
    assert!(log.contains("admin_denied") && !log.contains(TOKEN) && !log.contains(&almost), "{log}");
    table.held(
        "H74",
        "admin routes on the public port, with a user's bearer, a wrong token, the token elsewhere",
        "404, 401, 401, 401",
    );
}
