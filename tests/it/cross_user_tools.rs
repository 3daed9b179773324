//! Every tool of every service, one user's ids in another user's hands: nothing of the one is shown to the other, and
//! nothing of it changes. A new tool is in it without a word here.

use super::support::cluster::{Cluster, Plan, Store};
use super::support::http;
use super::support::login::Client;
use super::support::mcp::Mcp;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const ADMIN: &str = ALICE;
/// Values of one kind that are tried; more are of the same make.
const OF_A_KIND: usize = 3;
/// Shorter texts are words that anybody may use.
const TELLING: usize = 8;
/// A tenth of what the tests ask would pass for abuse.
const SETTINGS: [(&str, &str); 2] = [
    ("ENTRADA_TOOLS__WRITES_PER_HOUR", "100000"),
    (
        "ENTRADA_OAUTH__ADMIN_GRANTED_SCOPES",
        "Place.Read.All,ChannelMessage.Read.All,ChannelMember.Read.All,TeamMember.Read.All,OnlineMeetingTranscript.Read.All",
    ),
];

/// What a sweep through a user's own things brought.
#[derive(Default)]
struct Found {
    /// Ids, cursors and paths by the name they go by.
    ids: BTreeMap<String, Vec<Value>>,
    texts: BTreeSet<String>,
    /// All that was read.
    read: String,
}

impl Found {
    fn take(&mut self, name: &str, value: &Value) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| self.take(name, value)),
            Value::Array(all) => all.iter().for_each(|value| self.take(name, value)),
            Value::String(text) if (is_id(name) || text.starts_with("c_")) && !text.is_empty() => {
                let known = self.ids.entry(name.to_owned()).or_default();
                if !known.contains(value) {
                    known.push(value.clone());
                }
            }
            Value::String(text) if text.chars().count() >= TELLING && !is_time(text) => {
                self.texts.insert(text.clone());
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// Some of every kind, of those that `wanted` picks.
    fn samples(&self, wanted: impl Fn(&Value) -> bool) -> Vec<&Value> {
        let mut all = Vec::new();
        for values in self.ids.values() {
            all.extend(values.iter().filter(|value| wanted(value)).take(OF_A_KIND));
        }
        all
    }
}

/// The hour of something is nobody's secret.
fn is_time(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit() || "-:.+TZ ".contains(c))
}

fn is_id(name: &str) -> bool {
    let ends = ["id", "ids", "cursor", "path", "uri"];
    ends.iter().any(|end| name == *end || name.ends_with(&format!("_{end}")))
}

/// An argument that chooses whose thing a call is about.
fn chooses(name: &str) -> bool {
    let others = [
        "folder", "parent", "calendar", "name", "attach", "team", "channel", "notebook", "source", "move_to",
    ];
    is_id(name) || others.contains(&name)
}

/// Clients of a service for both users, with every scope that it publishes.
async fn connect(cluster: &Cluster, path: &str) -> [Mcp; 2] {
    let resource = format!("{}/{path}", cluster.url);
    let url = format!("{}/.well-known/oauth-protected-resource/{path}", cluster.url);
    let metadata: Value = http::client().get(url).send().await.unwrap().json().await.unwrap();
    let scopes = metadata["scopes_supported"].as_array().unwrap().iter().map(|scope| scope.as_str().unwrap());
    let scopes = scopes.collect::<Vec<_>>().join(" ");
    let client = Client::register(&cluster.url).await.for_resource(&resource).with_scope(&scopes);
    if scopes.contains("Place.Read.All") || scopes.contains("ChannelMessage.Read.All") {
        client.approve(&cluster.tenant.url, BOB, ADMIN).await;
    }
    let (alice, bob) = tokio::join!(client.sign_in(ALICE), client.sign_in(BOB));
    [alice, bob].map(|login| Mcp::of(&resource, &login.access))
}

async fn tools(client: &Mcp) -> Vec<Value> {
    let listed = client.send("tools/list", json!({})).await;
    listed.result()["tools"].as_array().unwrap().clone()
}

fn properties(tool: &Value) -> &Map<String, Value> {
    tool["inputSchema"]["properties"].as_object().unwrap()
}

/// What a required argument may hold that is about nobody.
fn harmless(name: &str, schema: &Value) -> Value {
    let text = match name {
        "start" => "2031-03-01T09:00",
        "end" => "2031-03-01T10:00",
        "host" => "127.0.0.1",
        _ => "x",
    };
    let one = |schema: &Value| match (schema["enum"].as_array(), schema["type"].as_str()) {
        (Some(known), _) => known[0].clone(),
        (None, Some("integer" | "number")) => json!(1),
        (None, Some("boolean")) => json!(false),
        (None, Some("object")) => json!({}),
        (None, _) if name == "people" || name == "to" => json!(BOB),
        (None, _) => json!(text),
    };
    if schema["type"] == "array" { json!([one(&schema["items"])]) } else { one(schema) }
}

/// Arguments that a tool needs, with `name` holding `value`.
fn arguments(tool: &Value, name: &str, value: &Value) -> Value {
    let required = tool["inputSchema"]["required"].as_array().cloned().unwrap_or_default();
    let mut all = Map::new();
    for one in required.iter().filter_map(Value::as_str) {
        all.insert(one.to_owned(), harmless(one, &properties(tool)[one]));
    }
    let is_list = properties(tool).get(name).is_some_and(|schema| schema["type"] == "array");
    all.insert(name.to_owned(), if is_list { json!([value]) } else { value.clone() });
    all.into()
}

/// Reads everything of one's own that can be found without knowing anything, then what those ids lead to.
async fn sweep(client: &Mcp, tools: &[Value]) -> Found {
    let mut found = Found::default();
    let is_reading = |tool: &&Value| tool["annotations"]["readOnlyHint"] == true;
    let keep = |found: &mut Found, answer: &Value| {
        let result = &answer["result"];
        if result["isError"] != true {
            found.take("", &result["structuredContent"]);
            found.read.push_str(&result["structuredContent"].to_string());
        }
    };
    for tool in tools.iter().filter(is_reading).filter(|tool| tool["inputSchema"]["required"].is_null()) {
        let answer = client.call(tool["name"].as_str().unwrap(), json!({})).await;
        keep(&mut found, &answer.body);
    }
    for tool in tools.iter().filter(is_reading) {
        for name in properties(tool).keys().filter(|name| chooses(name)) {
            let values: Vec<Value> = found.samples(|_| true).into_iter().cloned().collect();
            for value in values {
                let answer = client.call(tool["name"].as_str().unwrap(), arguments(tool, name, &value)).await;
                keep(&mut found, &answer.body);
            }
        }
    }
    found
}

/// Bob's calls, and what he said himself.
struct Prying<'a> {
    bob: &'a Mcp,
    secrets: Vec<String>,
    said: String,
    calls: usize,
}

impl Prying<'_> {
    async fn call(&mut self, tool: &Value, arguments: Value) {
        let name = tool["name"].as_str().unwrap();
        self.said.push_str(&arguments.to_string());
        let answer = self.bob.call(name, arguments.clone()).await;
        self.look(name, &arguments, &answer.text);
        assert!(answer.status < 500, "{name} {arguments}: {}", answer.text);
        assert!(answer.body["error"]["code"] != -32603, "{name} {arguments}: {}", answer.text);
        let token = &answer.body["result"]["structuredContent"]["confirm_token"];
        if token.is_string() {
            let mut confirmed = arguments.clone();
            confirmed["confirm_token"] = token.clone();
            let answer = self.bob.call(name, confirmed).await;
            self.look(name, &arguments, &answer.text);
        }
    }

    fn look(&mut self, name: &str, arguments: &Value, answer: &str) {
        self.calls += 1;
        for secret in &self.secrets {
            let shown = answer.contains(&written(secret)) && !self.said.contains(&written(secret));
            assert!(!shown, "{name} {arguments} shows {secret:?}: {answer}");
        }
    }
}

/// A text as it stands inside JSON.
fn written(text: &str) -> String {
    let quoted = json!(text).to_string();
    quoted.get(1..quoted.len() - 1).unwrap().to_owned()
}

/// Services that a server has unless told otherwise, from the file that says so.
fn services() -> Vec<&'static str> {
    let settings = include_str!("../../config/default.toml");
    let list = settings.lines().find_map(|line| line.strip_prefix("enabled = [\"m365\", ")).unwrap();
    list.trim_end_matches(']').split(", ").map(|name| name.trim_matches('"')).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_tool_shows_or_changes_what_is_somebody_elses() {
    let plan = Plan { settings: &SETTINGS, ..Plan::default() };
    let cluster = Cluster::start(Store::embedded(), plan).await;
    for service in services() {
        let [alice, bob] = connect(&cluster, &format!("{service}/mcp")).await;
        let tools = tools(&alice).await;
        let (before, of_bob) = (sweep(&alice, &tools).await, sweep(&bob, &tools).await);
        // What both can see is nobody's secret: shared meetings, chats and files.
        let is_secret = |text: &&String| !of_bob.read.contains(written(text).as_str());
        let secrets: Vec<String> = before.texts.iter().filter(is_secret).cloned().collect();
        let private = before.samples(|id| !of_bob.ids.values().flatten().any(|known| known == id));
        assert!(!secrets.is_empty() && !private.is_empty(), "{service}: {} {private:?}", secrets.len());
        let mut prying = Prying { bob: &bob, secrets, said: String::new(), calls: 0 };
        let mut tried = BTreeSet::new();
        for tool in &tools {
            for name in properties(tool).keys().filter(|name| chooses(name)) {
                for id in &private {
                    prying.call(tool, arguments(tool, name, id)).await;
                }
                tried.insert(tool["name"].to_string());
            }
            // Without anybody's id it is about the caller.
            prying.call(tool, arguments(tool, "user_id", &json!(ALICE))).await;
        }
        let after = sweep(&alice, &tools).await;
        let lost: Vec<&String> = prying.secrets.iter().filter(|text| !after.texts.contains(*text)).collect();
        assert!(lost.is_empty(), "{service}: gone after {} calls: {lost:?}", prying.calls);
        // What came to her is what both can see: a message in their chat, an invitation.
        let seen = sweep(&bob, &tools).await;
        let is_news =
            |text: &&String| !before.read.contains(&written(text)) && !seen.read.contains(&written(text));
        let news: Vec<&String> = after.texts.iter().filter(is_news).collect();
        assert!(news.is_empty(), "{service}: new after {} calls: {news:?}", prying.calls);
        println!(
            "{service}: {} tools, {} of them with ids of alice, {} calls, {} texts of hers, none shown",
            tools.len(),
            tried.len(),
            prying.calls,
            prying.secrets.len(),
        );
    }
}
