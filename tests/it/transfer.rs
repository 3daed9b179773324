//! Files past the model: one-time links that a browser opens, and tickets that `curl` sends a file with. Whoever comes
//! here has no bearer and knows nothing but an address.

mod links;
mod uploads;

use super::support::cluster::Cluster;
use super::support::http;
use super::support::login::{Client, Tokens};
use super::support::mcp::Mcp;
use reqwest::Response;
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const SCOPES: &str = "Mail.ReadWrite Mail.Send Files.ReadWrite";

/// A user at a service, with the client and the tokens behind it.
struct Person {
    mcp: Mcp,
    client: Client,
    tokens: Tokens,
}

async fn connect(cluster: &Cluster, base: &str, service: &str, user: &str) -> Person {
    let resource = format!("{}/{service}/mcp", cluster.url);
    let client = Client::register(&cluster.url).await.for_resource(&resource).with_scope(SCOPES);
    let tokens = client.sign_in(user).await;
    let mcp = Mcp::of(&format!("{base}/{service}/mcp"), &tokens.access);
    Person { mcp, client, tokens }
}

async fn at(cluster: &Cluster, service: &str, user: &str) -> Person {
    connect(cluster, &cluster.url, service, user).await
}

/// A link to a file of the caller's.
async fn link(mcp: &Mcp, path: &str) -> String {
    let answer = mcp.call("read_file", json!({"file_path": path, "mode": "link"})).await;
    let link = answer.output()["download_url"].as_str().unwrap().to_owned();
    assert!(answer.result()["content"][0]["text"].as_str().unwrap().contains(&link), "{}", answer.text);
    link
}

async fn get(url: &str) -> Response {
    http::client().get(url).send().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

/// The last segment of an address: what nobody may read in a log.
fn ticket(url: &str) -> &str {
    url.rsplit('/').next().unwrap()
}

/// Names in the folder where files wait that were sent in.
async fn waiting(cluster: &Cluster, user: &str) -> Vec<String> {
    let root = cluster.tenant.graph(user, "/me/drive/root/children?$top=200").await;
    if !root["value"].as_array().unwrap().iter().any(|item| item["name"] == "Apps") {
        return Vec::new();
    }
    let all = cluster.tenant.graph(user, "/me/drive/root:/Apps/Entrada:/children").await;
    let names = all["value"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned());
    names.collect()
}

async fn json(response: Response) -> Value {
    response.json().await.unwrap()
}
