//! Channels of Teams as a user meets them.

use super::support::browser::Browser;
use super::support::cluster::{Cluster, Plan, Store};
use super::support::http;
use super::support::login::parameter;
use super::support::mcp::{Answer, Mcp};
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

/// Permissions that an administrator has to grant.
const ADMIN: &str =
    "ChannelMessage.Read.All TeamMember.Read.All ChannelMember.Read.All OnlineMeetingTranscript.Read.All";
const READ: &str = "teams_get_channel_messages";
const MEMBERS: &str = "teams_list_members";
const FIND: &str = "teams_search_messages";
const MEETING: &str = "teams_get_meeting";

/// Alice, who runs the tenant, grants these for everybody.
pub(crate) async fn grant(cluster: &Cluster, scopes: &str) {
    let tenant = &cluster.tenant;
    let callback = format!("{}/callback", cluster.url);
    let scopes: Vec<String> =
        scopes.split(' ').map(|scope| format!("https://graph.microsoft.com/{scope}")).collect();
    let query = [
        ("client_id", tenant.client_id.as_str()),
        ("redirect_uri", &callback),
        ("scope", &scopes.join(" ")),
        ("state", "s"),
    ];
    let page = format!("{}/{}/v2.0/adminconsent", tenant.url, tenant.directory_id);
    let page = reqwest::Url::parse_with_params(&page, query).unwrap();
    let landed = Browser::new(ALICE).walk(page.as_str(), &callback).await;
    assert_eq!(parameter(&landed, "admin_consent").as_deref(), Some("True"), "{landed}");
    assert_eq!(parameter(&landed, "error"), None, "{landed}");
}

/// Somebody with everything that channels take, once it is granted.
async fn reading(cluster: &Cluster, user: &str) -> Mcp {
    asking(cluster, user, &format!("{SCOPES} {ADMIN} OnlineMeetings.Read Calendars.Read")).await
}

fn items(answer: &Answer) -> Vec<Value> {
    answer.output()["items"].as_array().unwrap().clone()
}

async fn posted(client: &Mcp, more: Value) -> Vec<Value> {
    let mut all = json!({"team": "Ship Surveys", "channel": "General"});
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    items(&client.call(READ, all).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_an_administrator_is_asked_for_by_the_tool_that_needs_it() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, ALICE, SCOPES).await;
    for (tool, arguments, scope) in [
        (READ, json!({"team": "Ship Surveys", "channel": "General"}), "ChannelMessage.Read.All"),
        (MEMBERS, json!({"team": "Ship Surveys"}), "TeamMember.Read.All"),
        (MEMBERS, json!({"team": "Ship Surveys", "channel": "General"}), "ChannelMember.Read.All"),
        (FIND, json!({"keyword": "yard", "search_scope": "channels"}), "ChannelMessage.Read.All"),
        (MEETING, json!({"event_id": "x"}), "OnlineMeetings.Read"),
    ] {
        let refused = alice.call(tool, arguments).await;
        assert_eq!(refused.status, 403, "{tool}: {}", refused.text);
        let challenge = refused.header("www-authenticate");
        assert!(challenge.contains("insufficient_scope") && challenge.contains(scope), "{challenge}");
    }
    // The metadata names none of them, so that a client that asks for all of it can sign in.
    let document = format!("{}/.well-known/oauth-protected-resource/teams/mcp", cluster.url);
    let document: Value = http::client().get(&document).send().await.unwrap().json().await.unwrap();
    let published = document["scopes_supported"].to_string();
    assert!(published.contains("ChannelMessage.Send"), "{published}");
    for scope in ADMIN.split(' ') {
        assert!(!published.contains(scope), "{published}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_read_with_its_answers_page_by_page() {
    let cluster = Cluster::embedded().await;
    grant(&cluster, ADMIN).await;
    let alice = reading(&cluster, ALICE).await;
    let answer = alice.call(READ, json!({"team": "ship surveys", "channel": "general", "limit": 5})).await;
    let first = &items(&answer)[0];
    assert_eq!(
        (&first["subject"], &first["mentions"]),
        (&json!("\"Welcome\" <all> 100%"), &json!(["Bob Baker"]))
    );
    let text = first["text"].as_str().unwrap();
    assert!(text.contains("@Bob Baker") && text.contains("**Ship Surveys** & co 🏗 שלום"), "{text}");
    let replies = first["replies"].as_array().unwrap();
    assert_eq!(
        (&replies[0]["text"], &replies[1]["deleted"]),
        (&json!("Thanks, glad to be here"), &json!(true))
    );
    assert!(first["link"].as_str().unwrap().starts_with("https://teams.microsoft.com/l/message/"), "{first}");
    // Every post once, whatever ends the pages.
    for more in [json!({"limit": 17}), json!({"limit": 50, "max_chars": 900})] {
        let (mut all, mut cursor) = (Vec::new(), Value::Null);
        loop {
            let mut wish = json!({"team": "Ship Surveys", "channel": "General", "cursor": cursor});
            wish.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let answer = alice.call(READ, wish).await;
            all.extend(items(&answer));
            cursor = answer.output().get("next_cursor").cloned().unwrap_or_default();
            if cursor.is_null() {
                break;
            }
        }
        let notices: Vec<String> =
            all.iter().skip(1).map(|item| item["text"].as_str().unwrap().to_owned()).collect();
        assert_eq!(
            notices,
            (1..=60).rev().map(|number| format!("Survey notice {number}")).collect::<Vec<_>>(),
            "{more}"
        );
    }
    let since = all_of(&alice, &first["sent_utc"]).await;
    assert_eq!(since, 1, "nothing else was said since");
    // The newest word decides, and a long thread is read by itself.
    let cranes = posted(&alice, json!({"channel": "Cranes"})).await;
    assert_eq!((cranes.len(), &cranes[0]["more_replies"]), (2, &json!(true)));
    assert_eq!(cranes[0]["replies"].as_array().unwrap().last().unwrap()["text"], "Run 70: ok");
    assert!(
        cranes[1]["unsafe_notes"].to_string().contains("hidden")
            && !cranes[1]["text"].to_string().contains("General")
    );
    let root =
        json!({"team": "Ship Surveys", "channel": "Cranes", "message_id": cranes[0]["id"], "limit": 40});
    let newest = alice.call(READ, root.clone()).await;
    let mut older = root.clone();
    older["cursor"] = newest.output()["next_cursor"].clone();
    let older = alice.call(READ, older).await;
    let runs = |answer: &Answer| -> Vec<String> {
        items(answer)[0]["replies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["text"].as_str().unwrap().to_owned())
            .collect()
    };
    let all: Vec<String> = runs(&older).into_iter().chain(runs(&newest)).collect();
    assert_eq!(all, (1..=70).map(|number| format!("Run {number}: ok")).collect::<Vec<_>>());
    assert!(older.output().get("next_cursor").is_none(), "{}", older.text);
    let alone = posted(&alice, json!({"include_replies": false, "limit": 1})).await;
    assert!(alone[0].get("replies").is_none(), "{alone:?}");
    cluster.assert_wire();
}

async fn all_of(client: &Mcp, since: &Value) -> usize {
    posted(client, json!({"since": since})).await.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_and_members_are_their_peoples() {
    let cluster = Cluster::embedded().await;
    grant(&cluster, ADMIN).await;
    let (alice, bob) = tokio::join!(reading(&cluster, ALICE), reading(&cluster, BOB));
    let minji = reading(&cluster, "minji@contoso.example").await;
    assert!(posted(&alice, json!({"channel": "Board"})).await[0]["text"].to_string().contains("yard"));
    let board = alice.call("teams_list_channels", json!({"team": "Ship Surveys", "name": "board"})).await;
    let board = items(&board)[0]["id"].clone();
    for (client, channel) in [(&bob, json!("Board")), (&bob, board), (&minji, json!("General"))] {
        let refused = client.call(READ, json!({"team": "Ship Surveys", "channel": channel})).await.refusal();
        assert!(refused.contains("names none") && !refused.contains("yard"), "{refused}");
    }
    let korean = items(&minji.call(READ, json!({"team": "영업본부", "channel": "견적"})).await);
    assert_eq!(
        (&korean[0]["subject"], &korean[0]["replies"][0]["text"]),
        (&json!("크레인 견적 3차"), &json!("단가를 다시 봐 주세요 🙏"))
    );
    let names = |answer: &Answer| -> Vec<String> {
        items(answer).iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    let team = bob.call(MEMBERS, json!({"team": "Ship Surveys"})).await;
    assert_eq!(names(&team), ["Alice Anderson", "Carol Chen", "Dave Okafor"]);
    let partners = bob.call(MEMBERS, json!({"team": "Ship Surveys", "channel": "Partners"})).await;
    assert_eq!(names(&partners), ["Alice Anderson"]);
    // What is searched in channels is what one can read there.
    let hits = items(&alice.call(FIND, json!({"keyword": "yard", "search_scope": "channels"})).await);
    assert!(
        hits.len() == 1 && hits[0]["channel_id"].is_string() && hits[0]["team_id"].is_string(),
        "{hits:?}"
    );
    let read = json!({"team": hits[0]["team_id"], "channel": hits[0]["channel_id"], "message_id": hits[0]["message_id"]});
    assert!(items(&alice.call(READ, read).await)[0]["text"].to_string().contains("yard"));
    assert!(items(&bob.call(FIND, json!({"keyword": "yard", "search_scope": "channels"})).await).is_empty());
    assert!(items(&alice.call(FIND, json!({"keyword": "yard"})).await).is_empty(), "chats alone");
    // A post is previewed with its readers where they may be known, and mentions only them.
    let held = alice.call(POST, post(json!({"mentions": ["Bob Baker"]}))).await.output().clone();
    assert!(held["preview"].as_str().unwrap().contains("Dave Okafor <dave@contoso.example>"), "{held}");
    let refused = alice.call(POST, post(json!({"mentions": ["김민지"]}))).await.refusal();
    assert!(refused.contains("mentions") && refused.contains("Carol Chen"), "{refused}");
    let page = alice.call(READ, json!({"team": "Ship Surveys", "channel": "General", "limit": 1})).await;
    let stolen =
        json!({"team": "Ship Surveys", "channel": "General", "cursor": page.output()["next_cursor"]});
    assert!(bob.call(READ, stolen).await.refusal().contains("cursor"));
    for (tool, arguments, part) in [
        (READ, json!({"channel": "General"}), "team"),
        (READ, json!({"team": "Ship Surveys", "channel": "Nowhere"}), "Cranes"),
        (READ, json!({"team": "Ship Surveys", "channel": "General", "message_id": "../x"}), "message_id"),
        (READ, json!({"team": "Ship Surveys", "channel": "General", "message_id": "1"}), "no such chat"),
        (READ, json!({"team": "Ship Surveys", "channel": "General", "since": "soon"}), "since"),
        (READ, json!({"team": "Ship Surveys", "channel": "General", "limit": 51}), "limit"),
        (MEMBERS, json!({"team": "Ship Surveys", "chat_id": "48:notes"}), "chat_id"),
        (MEMBERS, json!({"channel": "General"}), "team"),
        (FIND, json!({"search_scope": "channels"}), "keyword"),
    ] {
        let refused = alice.call(tool, arguments.clone()).await.refusal();
        assert!(refused.contains(part), "{tool} {arguments}: {refused}");
    }
    let full = json!({"method": "GET", "path": "/v1.0/teams/", "status": 429, "headers": {"Retry-After": "120"}, "times": 1});
    cluster.tenant.fault(full).await;
    let refused = alice.call(READ, json!({"team": "Ship Surveys", "channel": "General"})).await.refusal();
    assert!(refused.contains("limits requests for Teams"), "{refused}");
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_who_bound_readers_let_posts_go_where_all_readers_are_known() {
    let plan =
        Plan { settings: &[("ENTRADA_TOOLS__RECIPIENT_DOMAINS", "contoso.example")], ..Plan::default() };
    let cluster = Cluster::start(Store::embedded(), plan).await;
    grant(&cluster, ADMIN).await;
    let alice = reading(&cluster, ALICE).await;
    let (preview, _) = agreed(&alice, POST, post(json!({"content": "hello"}))).await;
    assert!(preview.contains("read by Bob Baker <bob@contoso.example>"), "{preview}");
    let plan =
        Plan { settings: &[("ENTRADA_TOOLS__RECIPIENT_DOMAINS", "fabrikam.example")], ..Plan::default() };
    let cluster = Cluster::start(Store::embedded(), plan).await;
    grant(&cluster, ADMIN).await;
    let alice = reading(&cluster, ALICE).await;
    let refused = alice.call(POST, post(json!({}))).await.refusal();
    assert!(refused.contains("does not write to bob@contoso.example"), "{refused}");
}
