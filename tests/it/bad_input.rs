//! Everything wrong that a client can send, each with a clear typed error, and the process alive afterwards.

use super::main_job::subjects;
use super::support::browser::Browser;
use super::support::cluster::Cluster;
use super::support::http;
use super::support::login::{Client, REDIRECT, parameter};
use super::support::mcp::{Answer, Mcp};
use super::support::tapped;
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";

struct World {
    cluster: Cluster,
    mcp: Mcp,
    refresh: String,
}

impl World {
    async fn start() -> Self {
        let cluster = Cluster::embedded().await;
        let login = Client::register(&cluster.url).await.sign_in(ALICE).await;
        // Past the balancer: what is refused must be refused by the server itself.
        let mcp = Mcp::modern(cluster.replica_url(0), &login.access);
        Self { cluster, mcp, refresh: login.refresh }
    }

    /// The process lives and still does the main job.
    async fn assert_well(&mut self) {
        assert!(self.cluster.replicas[0].is_alive());
        let answer = self.mcp.call("query_email", json!({ "days_back": 3650, "max_mails": 3 })).await;
        assert!(!subjects(answer.output()).is_empty(), "{}", answer.text);
        let log = self.cluster.replicas[0].stderr();
        assert!(!log.contains("panicked"), "{log}");
    }

    /// A raw POST to the endpoint with a content type and no more than that.
    async fn raw(&self, content_type: &str, body: Vec<u8>) -> (u16, Value) {
        let request = http::client().post(&self.mcp.endpoint).bearer_auth(&self.mcp.bearer);
        let request = request
            .header("Content-Type", content_type)
            .header("Accept", "application/json, text/event-stream");
        let response = tapped::send(request.body(body)).await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str(&tapped::text(response).await.unwrap()).unwrap_or_default())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_no_request() {
    let mut world = World::start().await;
    for body in ["{", "", "\u{0}", "{\"jsonrpc\":\"2.0\"", "nonsense"] {
        let (status, answer) = world.raw("application/json", body.into()).await;
        assert_eq!((status, &answer["error"]["code"]), (400, &json!(-32700)), "{body:?}: {answer}");
    }
    let (status, answer) = world.raw("application/json", vec![b'{', 0xff, 0xfe, b'}']).await;
    assert_eq!((status, &answer["error"]["code"]), (400, &json!(-32700)), "{answer}");
    for body in ["[]", "1", "{}", "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}", "null"] {
        let (status, answer) = world.raw("application/json", body.into()).await;
        assert_eq!((status, &answer["error"]["code"]), (400, &json!(-32600)), "{body}: {answer}");
    }
    let deep = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{}{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let (status, _) = world.raw("application/json", deep.into()).await;
    assert_eq!(status, 400);
    world.assert_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_content_types_are_415() {
    let mut world = World::start().await;
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }).to_string();
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
    ] {
        let (status, _) = world.raw(kind, body.clone().into()).await;
        assert_eq!(status, 415, "{kind}");
    }
    world.assert_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_ten_megabytes_is_413() {
    let mut world = World::start().await;
    let text = "a".repeat(10 << 20);
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "help", "arguments": { "tool_name": text } } });
    let (status, _) = world.raw("application/json", body.to_string().into()).await;
    assert_eq!(status, 413);
    let response = http::client()
        .post(format!("{}/token", world.cluster.replica_url(0)))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(format!("grant_type=refresh_token&refresh_token={text}"))
        .send()
        .await
        .unwrap();
    assert!(matches!(response.status().as_u16(), 400 | 413), "{}", response.status());
    world.assert_well().await;
}

/// 401 with a challenge that leads to the metadata; with `error` only when a token was shown.
fn assert_challenge(answer: &Answer, presented: bool) {
    assert_eq!(answer.status, 401, "{}", answer.text);
    let challenge = answer.header("www-authenticate");
    assert!(challenge.starts_with("Bearer "), "{challenge}");
    assert!(challenge.contains("resource_metadata=\"") && challenge.contains("scope=\""), "{challenge}");
    assert_eq!(challenge.contains("error=\"invalid_token\""), presented, "{challenge}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bearers_that_are_missing_foreign_or_of_another_kind() {
    let mut world = World::start().await;
    let graph_token = world.cluster.tenant.graph_token(ALICE).await;
    let mut cut = world.mcp.bearer.clone();
    cut.pop();
    let other_server = {
        let other = Cluster::embedded().await;
        Client::register(&other.url).await.sign_in(ALICE).await.access
    };
    for (what, bearer) in [
        ("cut", cut.as_str()),
        ("made up", "dcr_at_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAaaaaaa"),
        ("nonsense", "x"),
        ("a refresh token", &world.refresh),
        ("of Graph", &graph_token),
        ("of another Entrada", &other_server),
    ] {
        let answer = world.mcp.with_bearer(bearer).send("tools/list", json!({})).await;
        println!("{what}");
        assert_challenge(&answer, true);
    }
    let bare = http::client().post(&world.mcp.endpoint).header("Content-Type", "application/json");
    let response = bare.body("{}").send().await.unwrap();
    let answer = Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: Value::Null,
        text: String::new(),
    };
    assert_challenge(&answer, false);
    let in_query = format!("{}?access_token={}", world.mcp.endpoint, world.mcp.bearer);
    let response = http::client().post(in_query).header("Content-Type", "application/json").body("{}");
    assert_eq!(response.send().await.unwrap().status(), 401);
    world.assert_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bearer_is_never_given_for_a_foreign_service() {
    let mut world = World::start().await;
    let client = Client::register(&world.cluster.url).await;
    for resource in ["https://graph.microsoft.com/", "http://evil.example/mail-query/mcp", "/mail-query/mcp"]
    {
        let foreign = client.for_resource(resource);
        let landing = Browser::new(ALICE).walk(&foreign.authorize_url("s"), REDIRECT).await;
        assert_eq!(parameter(&landing, "error").as_deref(), Some("invalid_target"), "{resource}: {landing}");
        assert_eq!(parameter(&landing, "iss").as_deref(), Some(world.cluster.url.as_str()));
        assert!(parameter(&landing, "code").is_none());
    }
    let response = client.for_resource("https://graph.microsoft.com/").refresh(&world.refresh).await;
    assert_eq!(response.status(), 400);
    assert_eq!(response.json::<Value>().await.unwrap()["error"], "invalid_target");
    world.assert_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_declines_gets_a_refusal_and_no_code() {
    let cluster = Cluster::embedded().await;
    let client = Client::register(&cluster.url).await;
    let landing = Browser::new(ALICE).denying().walk(&client.authorize_url("s"), REDIRECT).await;
    assert_eq!(parameter(&landing, "error").as_deref(), Some("access_denied"), "{landing}");
    assert_eq!(parameter(&landing, "state").as_deref(), Some("s"));
    assert!(parameter(&landing, "code").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_tools_and_methods() {
    let mut world = World::start().await;
    let answer = world.mcp.call("no_such_tool", json!({})).await;
    assert_eq!(answer.error_code(), -32602, "{}", answer.text);
    assert!(answer.text.contains("no_such_tool"));
    let answer = world.mcp.send("no/such/method", json!({})).await;
    assert_eq!((answer.status, answer.error_code()), (404, -32601), "{}", answer.text);
    let answer = world.mcp.send("tools/call", json!({ "name": "help", "arguments": [1] })).await;
    assert!(
        answer.body.get("error").is_some() || answer.body["result"]["isError"] == true,
        "{}",
        answer.text
    );
    world.assert_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_of_the_wrong_type_are_named() {
    let mut world = World::start().await;
    for (tool, arguments, named) in [
        ("query_email", json!({ "days_back": "many" }), "days_back"),
        ("query_email", json!({ "unread_only": "perhaps" }), "unread_only"),
        ("query_email", json!({ "max_mails": { "a": 1 } }), "max_mails"),
        ("query_email", json!({ "max_mails": -5 }), "max_mails"),
        ("query_email", json!({ "start_date": "not a date" }), "start_date"),
        ("query_email", json!({ "importance": "enormous" }), "importance"),
        ("get_email", json!({}), "id"),
        ("get_email", json!({ "id": 17.5 }), "id"),
    ] {
        let answer = world.mcp.call(tool, arguments.clone()).await;
        let said = if answer.body.get("error").is_some() { answer.text.clone() } else { answer.refusal() };
        assert!(said.contains(named), "{tool} {arguments}: {said}");
    }
    world.assert_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_in_the_future_or_in_the_wrong_order() {
    let mut world = World::start().await;
    let reversed = json!({ "start_date": "2026-03-10", "end_date": "2026-03-01" });
    let refusal = world.mcp.call("query_email", reversed).await.refusal();
    assert!(refusal.contains("start_date") && refusal.contains("end_date"), "{refusal}");
    let future = json!({ "start_date": "2999-01-01", "end_date": "2999-12-31" });
    let answer = world.mcp.call("query_email", future).await;
    let text = answer.result()["content"][0]["text"].as_str().unwrap_or_default().to_owned();
    assert!(subjects(&answer.result()["structuredContent"]).is_empty(), "{}", answer.text);
    assert!(!text.is_empty());
    world.assert_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quotes_and_backslashes_stay_text() {
    let mut world = World::start().await;
    let everything = subjects(world.mcp.call("query_email", json!({ "days_back": 3650 })).await.output());
    assert!(everything.len() > 3);
    for value in [
        "' or isRead eq true or subject eq '",
        "x') or (1 eq 1",
        "\" OR received>=2000-01-01 OR \"",
        "\\\" OR subject:a OR \\\"",
        "\\",
        "'",
        "a' eq 'a",
        "%27%20or%20true",
        "x\r\nPrefer: evil",
        "&$top=1000&$filter=true",
        "#fragment",
    ] {
        for name in ["sender_address", "recipient_address", "subject_contains", "keyword"] {
            let answer = world.mcp.call("query_email", json!({ "days_back": 3650, (name): value })).await;
            let found = subjects(&answer.result()["structuredContent"]);
            // One mail of the tenant has quotes and a backslash in its subject; it may be found, by them alone.
            let fits = |subject: &String| match name {
                "subject_contains" => subject.contains(value),
                "keyword" => value.len() == 1,
                _ => false,
            };
            assert!(found.iter().all(fits) && found.len() < 5, "{name}={value:?} found {found:?}");
        }
    }
    let statuses = world.cluster.tenant.counters().await["statuses"].clone();
    assert!(statuses.get("400").is_none(), "Graph was sent something broken: {statuses}");
    world.assert_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zip_bomb_is_named_and_not_opened() {
    let mut world = World::start().await;
    let listed = world.cluster.tenant.graph(ALICE, "/me/messages?$top=200&$filter=hasAttachments%20eq%20true&$select=id&$expand=attachments($select=id,name)").await;
    let bombs: Vec<(String, String)> = listed["value"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|message| {
            let id = message["id"].as_str().unwrap_or_default().to_owned();
            let attachments = message["attachments"].as_array().cloned().unwrap_or_default();
            attachments
                .into_iter()
                .map(move |a| (id.clone(), a["name"].as_str().unwrap_or_default().to_owned()))
        })
        .filter(|(_, name)| name == "contract.docx")
        .collect();
    assert!(!bombs.is_empty(), "the tenant has no bomb: {listed}");
    for (message, name) in bombs {
        let refusal = world.mcp.call("get_attachment", json!({ "message_id": message, "name": name })).await;
        assert!(refusal.refusal().contains("unpacks to more than"), "{}", refusal.text);
        assert!(refusal.text.len() < 10_000, "something of the bomb came through");
    }
    world.assert_well().await;
}
