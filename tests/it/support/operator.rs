//! An operator: the admin API of one replica.

use super::cluster::{Cluster, Plan, Store};
use super::http;
use reqwest::{Method, Response};
use serde_json::{Value, json};

/// Token of every test server that has operators.
pub(crate) const TOKEN: &str = "operators-of-the-tests-0123456789abcdef";
/// Settings of a server with operators.
pub(crate) const SETTINGS: [(&str, &str); 2] =
    [("ENTRADA_ADMIN_LISTEN", "127.0.0.1:0"), ("ENTRADA_ADMIN_TOKEN", TOKEN)];

/// Who holds the token.
pub(crate) struct Operator {
    /// `http://…/admin/v1`.
    pub(crate) base: String,
    http: reqwest::Client,
}

impl Operator {
    /// The operator of replica `index`.
    pub(crate) fn of(cluster: &mut Cluster, index: usize) -> Self {
        Self { base: cluster.replicas[index].wait_for("operators: "), http: http::client() }
    }

    /// Sends any request with the token.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        let request = self.http.request(method, format!("{}/{path}", self.base)).bearer_auth(TOKEN);
        let request = if let Some(body) = &body { request.json(body) } else { request };
        request.send().await.unwrap()
    }

    /// Turns a switch.
    pub(crate) async fn switch(&self, what: &str, enabled: bool) -> Value {
        let response = self.send(Method::PUT, what, Some(json!({ "enabled": enabled }))).await;
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let response = self.send(Method::GET, path, None).await;
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }
}

/// Clusters with operators: one replica on each store, and two on Redis.
pub(crate) async fn clusters() -> Vec<Cluster> {
    let plan = |replicas| Plan { replicas, settings: &SETTINGS, ..Plan::default() };
    let mut all = vec![Cluster::start(Store::embedded(), plan(1)).await];
    for replicas in [1, 2] {
        if let Some(store) = Store::redis() {
            all.push(Cluster::start(store, plan(replicas)).await);
        }
    }
    all
}
