//! Channels of Teams as a user meets them.

use super::support::cluster::{Cluster, Plan, Store};
use super::support::mcp::Mcp;
use super::teams_write::{agreed, asking};
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const POST: &str = "teams_send_channel_message";
const SCOPES: &str = "ChannelMessage.Send Team.ReadBasic.All Channel.ReadBasic.All";

fn post(more: Value) -> Value {
    let mut all = json!({"team": "Ship Surveys", "channel": "Cranes", "content": "x"});
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all
}

/// How many posts Graph was asked to make.
async fn posts(cluster: &Cluster) -> u64 {
    let counters = cluster.tenant.counters().await;
    let routes = counters["routes"].as_object().unwrap();
    let is_post = |route: &&String| route.starts_with("POST ") && route.contains("/teams/");
    routes.keys().filter(is_post).map(|route| routes[route].as_u64().unwrap_or(0)).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_is_made_once_the_person_agreed() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, ALICE, SCOPES).await;
    let wish = post(json!({
        "team": "ship surveys", "channel": "cranes", "subject": "\"Load\" 🏗 100%", "mentions": ["bob@contoso.example"],
        "content": "@Bob Baker: **ready** <at id=\"9\">x</at> 크레인 עגורן",
    }));
    let (preview, done) = agreed(&alice, POST, wish).await;
    for part in [
        "\"Cranes\"",
        "\"Ship Surveys\"",
        "everybody in the channel",
        "\"Load\" 🏗 100%",
        "[claude]",
        "**ready**",
    ] {
        assert!(preview.contains(part), "{preview}");
    }
    assert_eq!((&done["team"], &done["channel"]), (&json!("Ship Surveys"), &json!("Cranes")));
    assert!(done["link"].as_str().unwrap().contains(done["message_id"].as_str().unwrap()), "{done}");
    let (preview, reply) =
        agreed(&alice, POST, post(json!({"reply_to": done["message_id"], "content": "more"}))).await;
    assert!(preview.starts_with("Answer the post"), "{preview}");
    assert!(reply["link"].as_str().unwrap().contains(done["message_id"].as_str().unwrap()), "{reply}");
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_post_is_made_once_and_a_lost_answer_is_told() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, ALICE, SCOPES).await;
    let (_, first) = agreed(&alice, POST, post(json!({"content": "once"}))).await;
    let (_, again) = agreed(&alice, POST, post(json!({"content": "once"}))).await;
    assert_eq!(again["message_id"], first["message_id"]);
    assert!(again["warnings"][0].as_str().unwrap().contains("not sent again"), "{again}");
    let mut wish = post(json!({"content": "lost"}));
    wish["confirm_token"] = alice.call(POST, wish.clone()).await.output()["confirm_token"].clone();
    let lost = json!({"method": "POST", "path": "/v1.0/teams/", "status": 503, "after": true, "times": 1});
    cluster.tenant.fault(lost).await;
    assert!(alice.call(POST, wish).await.refusal().contains("did not say whether"));
    let full = json!({"method": "POST", "path": "/v1.0/teams/", "status": 429, "headers": {"Retry-After": "120"}, "times": 1});
    cluster.tenant.fault(full).await;
    let mut wish = post(json!({"content": "full"}));
    wish["confirm_token"] = alice.call(POST, wish.clone()).await.output()["confirm_token"].clone();
    assert!(alice.call(POST, wish).await.refusal().contains("limits requests for Teams"));
    assert_eq!(posts(&cluster).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_posts_where_they_are_not() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(asking(&cluster, ALICE, SCOPES), asking(&cluster, BOB, SCOPES));
    let board = alice.call("teams_list_channels", json!({"team": "Ship Surveys", "name": "board"})).await;
    let board = board.output()["items"][0]["id"].clone();
    for (client, wish, part) in [
        (&bob, post(json!({"team": "영업본부", "channel": "견적"})), "names none"),
        (&bob, post(json!({"channel": "Board"})), "names none"),
        (&bob, post(json!({"channel": board})), "names none"),
        (&alice, post(json!({"channel": "2019"})), "archived"),
        (&alice, post(json!({"team": "Ship Surveys Archive", "channel": "General"})), "archived"),
        (&alice, post(json!({"team": "Ship"})), "fits several"),
        (&alice, post(json!({"channel": "' or 1 eq 1"})), "names none"),
        (&alice, post(json!({"mentions": ["Chris Park"]})), "chris.park2@contoso.example"),
        (&alice, post(json!({"mentions": ["Nobody At All"]})), "mentions"),
        (&alice, post(json!({"content": "  "})), "content"),
        (&alice, post(json!({"content": "가".repeat(9_000)})), "content"),
        (&alice, post(json!({"reply_to": "../x"})), "reply_to"),
        (&alice, post(json!({"reply_to": "1", "subject": "x"})), "subject"),
        (&alice, post(json!({"subject": "s".repeat(201)})), "subject"),
        (&alice, post(json!({"confirm_token": "w_none"})), "confirm_token"),
        (&alice, json!({"content": "x"}), "team"),
    ] {
        let refused = client.call(POST, wish.clone()).await.refusal();
        assert!(refused.contains(part), "{wish}: {refused}");
    }
    assert_eq!(posts(&cluster).await, 0);
    // A token is its owner's, and good for what was shown.
    let mut wish = post(json!({"content": "mine"}));
    wish["confirm_token"] = alice.call(POST, wish.clone()).await.output()["confirm_token"].clone();
    assert!(bob.call(POST, wish.clone()).await.refusal().contains("confirm_token"));
    wish["channel"] = json!("General");
    assert!(alice.call(POST, wish).await.refusal().contains("confirm_token"));
    let narrow = asking(&cluster, BOB, "Team.ReadBasic.All Channel.ReadBasic.All").await;
    let refused = narrow.call(POST, post(json!({}))).await;
    assert!(
        refused.status == 403 && refused.header("www-authenticate").contains("ChannelMessage.Send"),
        "{}",
        refused.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_count_as_writes_and_an_operator_who_bounds_readers_wants_to_know_them() {
    let plan = Plan { settings: &[("ENTRADA_TOOLS__WRITES_PER_HOUR", "1")], ..Plan::default() };
    let cluster = Cluster::start(Store::embedded(), plan).await;
    let alice: Mcp = asking(&cluster, ALICE, SCOPES).await;
    agreed(&alice, POST, post(json!({}))).await;
    let mut second = post(json!({"content": "second"}));
    second["confirm_token"] = alice.call(POST, second.clone()).await.output()["confirm_token"].clone();
    assert!(alice.call(POST, second).await.refusal().contains("1 times an hour"));
    let plan =
        Plan { settings: &[("ENTRADA_TOOLS__RECIPIENT_DOMAINS", "contoso.example")], ..Plan::default() };
    let cluster = Cluster::start(Store::embedded(), plan).await;
    let alice = asking(&cluster, ALICE, SCOPES).await;
    let refused = alice.call(POST, post(json!({}))).await;
    assert!(
        refused.status == 403 && refused.header("www-authenticate").contains("ChannelMember.Read.All"),
        "{}",
        refused.text
    );
}
