//! Writing events as a user meets it: previews, the person's word, invitations in other people's calendars, refusals.

use super::support::cluster::{Cluster, Plan, Store};
use super::support::login::Client;
use super::support::mcp::{Mcp, hello};
use super::support::sse::Stream;
use chrono::{Duration, NaiveDate, Utc, Weekday};
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const MINJI: &str = "minji@contoso.example";
const CREATE: &str = "calendar_create_event";
const UPDATE: &str = "calendar_update_event";
const DELETE: &str = "calendar_delete_event";
const RESPOND: &str = "calendar_respond_event";
const WRITING: [&str; 4] = [CREATE, UPDATE, DELETE, RESPOND];
const SUBJECT: &str = "\"Crane\" 🏗 100% #7 & <b>'quoted'</b> 크레인";

/// A Saturday to come: the seed's series repeat on working days.
#[expect(clippy::disallowed_methods, reason = "the tenant lives in the real week")]
fn free_day() -> NaiveDate {
    Utc::now().date_naive().week(Weekday::Mon).first_day() + Duration::days(14 * 7 + 5)
}

/// A client that may write.
async fn calendar(cluster: &Cluster, user: &str) -> Mcp {
    asking(cluster, user, "Calendars.ReadWrite").await
}

async fn asking(cluster: &Cluster, user: &str, scope: &str) -> Mcp {
    let resource = format!("{}/calendar/mcp", cluster.url);
    let client = Client::register(&cluster.url).await.for_resource(&resource).with_scope(scope);
    let mut mcp = Mcp::modern(&cluster.url, &client.sign_in(user).await.access);
    mcp.endpoint = resource;
    mcp
}

/// The events of a day.
async fn listed(client: &Mcp, at: NaiveDate) -> Vec<Value> {
    let period = json!({"start_date": at, "end_date": at, "include_cancelled": true});
    client.call("calendar_list_events", period).await.output()["items"].as_array().unwrap().clone()
}

async fn only(client: &Mcp, at: NaiveDate) -> Value {
    let all = listed(client, at).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_ones_own_is_made_changed_and_removed() {
    let cluster = Cluster::embedded().await;
    let alice = calendar(&cluster, ALICE).await;
    let at = free_day();
    // Wrong types are repaired, as everywhere.
    let wish = json!({"subject": SUBJECT, "start": format!("{at}T09:00"), "end": format!("{at}T09:45"),
        "reminder_minutes": "20", "is_online_meeting": "true", "attendees": "", "dry_run": "no"});
    let made = alice.call(CREATE, wish.clone()).await.output().clone();
    assert_eq!((&made["status"], &made["event"]["subject"]), (&json!("done"), &json!(SUBJECT)));
    let event = only(&alice, at).await;
    assert_eq!((&event["id"], &event["subject"]), (&made["event"]["id"], &json!(SUBJECT)));
    assert!(event["start"].as_str().unwrap().starts_with(&format!("{at}T09:00:00+0")), "{event}");
    assert!(event["join_url"].as_str().unwrap().starts_with("https://teams.microsoft.com/"));

    // The same wish once more is the same event: a client that repeats a lost call makes no second one.
    let again = alice.call(CREATE, wish).await.output().clone();
    assert_eq!(again["event"]["id"], made["event"]["id"]);
    assert_eq!(listed(&alice, at).await.len(), 1);

    let id = event["id"].as_str().unwrap();
    let change =
        json!({"event_id": id, "start": format!("{at}T14:00"), "location": "Pier 3 100%", "body": "a < b"});
    let dry = alice
        .call(UPDATE, json!({"event_id": id, "location": "Pier 3", "dry_run": true}))
        .await
        .output()
        .clone();
    assert!(dry["status"] == "preview" && dry["preview"].as_str().unwrap().contains("Pier 3"), "{dry}");
    let done = alice.call(UPDATE, change).await.output().clone();
    assert_eq!(done["changes"].as_array().unwrap().len(), 3, "{done}");
    let event = only(&alice, at).await;
    assert!(
        event["end"].as_str().unwrap().starts_with(&format!("{at}T14:45:00")),
        "the length stays: {event}"
    );
    assert_eq!((&event["location"], &event["subject"]), (&json!("Pier 3 100%"), &json!(SUBJECT)));
    assert!(event["join_url"].is_string(), "a new text leaves the meeting");

    let gone = alice.confirmed(DELETE, json!({"event_id": id})).await;
    assert_eq!(gone["how"], "deleted");
    assert!(listed(&alice, at).await.is_empty());
    assert!(alice.call(DELETE, json!({"event_id": id})).await.refusal().contains("no such item"));
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_invited_answer_and_are_told() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(calendar(&cluster, ALICE), calendar(&cluster, BOB));
    let minji = calendar(&cluster, MINJI).await;
    let at = free_day();
    let wish = json!({"subject": SUBJECT, "start": format!("{at}T12:00"), "time_zone": "Europe/Berlin",
        "attendees": [BOB], "recurrence": "weekly count 3"});
    let held = alice.call(CREATE, wish.clone()).await.output().clone();
    assert!(held["preview"].as_str().unwrap().contains(BOB), "{held}");
    assert!(listed(&alice, at).await.is_empty() && listed(&bob, at).await.is_empty(), "nothing was done yet");
    let made = alice.confirmed(CREATE, wish).await;
    let (series, theirs) = (made["event"]["id"].clone(), only(&bob, at).await);
    assert_eq!((&theirs["my_response"], &theirs["kind"]), (&json!("no answer"), &json!("occurrence")));
    assert_eq!(only(&bob, at + Duration::days(14)).await["subject"], SUBJECT);

    let answer = json!({"event_id": theirs["series_id"], "response": "accept"});
    let quiet = json!({"event_id": theirs["series_id"], "response": "tentative", "notify": false});
    assert_eq!(bob.call(RESPOND, quiet).await.output()["status"], "done", "nobody hears of it");
    let held = bob.call(RESPOND, answer.clone()).await.output().clone();
    assert!(held["preview"].as_str().unwrap().contains(ALICE), "{held}");
    bob.confirmed(RESPOND, answer).await;
    let seen = only(&alice, at).await;
    assert!(seen["attendees"][0].as_str().unwrap().contains("accepted"), "{seen}");
    let refused = alice.call(RESPOND, json!({"event_id": series, "response": "decline"})).await.refusal();
    assert!(refused.contains("organizes"), "{refused}");

    // The list of people is merged: nobody is lost who was not named.
    let more = json!({"event_id": series, "add_attendees": [MINJI]});
    alice.confirmed(UPDATE, more).await;
    assert_eq!(only(&minji, at).await["attendees"].as_array().unwrap().len(), 2);
    let fewer = json!({"event_id": series, "remove_attendees": [MINJI], "subject": "Crane, only Bob"});
    alice.confirmed(UPDATE, fewer).await;
    assert_eq!(only(&minji, at).await["cancelled"], true);
    assert_eq!(only(&bob, at).await["my_response"], "accepted");

    // A text that goes out is confirmed.
    let decline =
        json!({"event_id": theirs["series_id"], "response": "decline", "comment": "Away, 100% #sure"});
    bob.confirmed(RESPOND, decline).await;

    let one = only(&alice, at + Duration::days(7)).await["id"].clone();
    assert_eq!(alice.confirmed(DELETE, json!({"event_id": one})).await["how"], "cancelled");
    assert!(listed(&bob, at + Duration::days(7)).await.is_empty());
    let all = json!({"event_id": only(&alice, at).await["id"], "scope": "series", "comment": "Off"});
    let told = alice.confirmed(DELETE, all).await;
    assert_eq!(told["told"], json!([BOB]));
    assert_eq!(only(&bob, at).await["cancelled"], true);
    assert!(listed(&alice, at).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_modern_client_asks_the_person_whose_answer_is_to_that_wish_alone() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(calendar(&cluster, ALICE), calendar(&cluster, BOB));
    let at = free_day();
    let wish =
        |hour: u32| json!({"subject": SUBJECT, "start": format!("{at}T{hour}:00"), "attendees": [BOB]});
    let call = async |client: &Mcp, hour: u32, more: Value| {
        let can = json!({"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}});
        let mut params = json!({"name": CREATE, "arguments": wish(hour), "_meta": can});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        client.send("tools/call", params).await
    };
    let asked = call(&alice, 10, json!({})).await.result().clone();
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let (key, question) = asked["inputRequests"].as_object().unwrap().iter().next().unwrap();
    assert!(question["params"]["message"].as_str().unwrap().contains(SUBJECT), "{question}");
    let said = |action: &str| json!({"requestState": asked["requestState"], "inputResponses": {key: {"action": action}}});
    for action in ["decline", "cancel"] {
        let result = call(&alice, 10, said(action)).await.output().clone();
        assert_eq!(result["status"], "declined", "{action}");
    }
    assert_eq!(call(&bob, 10, said("accept")).await.error_code(), -32602, "the state is Alice's");
    assert_eq!(call(&alice, 11, said("accept")).await.error_code(), -32602, "and for that wish");
    // Even without the state, the answer is to another question.
    let other =
        call(&alice, 11, json!({"inputResponses": {key: {"action": "accept"}}})).await.result().clone();
    assert_eq!(other["resultType"], "input_required");
    assert!(listed(&alice, at).await.is_empty());
    assert_eq!(call(&alice, 10, said("accept")).await.output()["status"], "done");
    assert_eq!(only(&bob, at).await["subject"], SUBJECT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_legacy_client_asks_the_person_in_the_middle_of_the_call() {
    let cluster = Cluster::embedded().await;
    let mut alice = calendar(&cluster, ALICE).await;
    let reader = alice.clone();
    alice.version = "2025-11-25".to_owned();
    let mut can = hello("2025-11-25");
    can["capabilities"] = json!({"elicitation": {}});
    let opened = alice.send("initialize", can).await;
    alice.session = Some(opened.header("mcp-session-id").to_owned());
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(alice.post(ready.to_string(), &[]).await.status, 202);
    let at = free_day();
    let wish = json!({"subject": SUBJECT, "start": format!("{at}T10:00"), "attendees": [BOB]});
    for (action, status, events) in
        [("decline", "declined", 0), ("cancel", "declined", 0), ("accept", "done", 1)]
    {
        let mut stream = Stream::of(alice.open_call_with(CREATE, wish.clone()).await);
        let asked: Value = serde_json::from_str(&stream.until("elicitation/create").await).unwrap();
        assert!(asked["params"]["message"].as_str().unwrap().contains(BOB), "{asked}");
        let answer =
            json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": action, "content": {}}});
        assert_eq!(alice.post(answer.to_string(), &[]).await.status, 202);
        let result: Value = serde_json::from_str(&stream.until("structuredContent").await).unwrap();
        assert_eq!(result["result"]["structuredContent"]["status"], status, "{result}");
        assert_eq!(listed(&reader, at).await.len(), events, "{action}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_once_for_its_wish_and_its_owner_at_any_replica() {
    let Some(cluster) = Cluster::pair().await else { return };
    let (alice, bob) = tokio::join!(calendar(&cluster, ALICE), calendar(&cluster, BOB));
    let at = |client: &Mcp, replica: usize| {
        let mut there = client.clone();
        there.endpoint = format!("{}/calendar/mcp", cluster.replica_url(replica));
        there
    };
    let date = free_day();
    let mut wish = json!({"subject": SUBJECT, "start": format!("{date}T10:00"), "attendees": [BOB]});
    let held = at(&alice, 0).call(CREATE, wish.clone()).await.output().clone();
    wish["confirm_token"] = held["confirm_token"].clone();
    let mut changed = wish.clone();
    changed["attendees"] = json!([BOB, MINJI]);
    assert!(at(&alice, 1).call(CREATE, changed).await.refusal().contains("confirm_token"));
    assert!(at(&bob, 1).call(CREATE, wish.clone()).await.refusal().contains("confirm_token"));
    assert_eq!(at(&alice, 1).call(CREATE, wish.clone()).await.output()["status"], "done");
    for replica in [0, 1] {
        assert!(at(&alice, replica).call(CREATE, wish.clone()).await.refusal().contains("confirm_token"));
    }
    assert_eq!(listed(&alice, date).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_read_is_asked_to_step_up_and_a_reading_server_writes_nothing() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, ALICE, "Calendars.Read").await;
    let wish = json!({"subject": "x", "start": format!("{}T10:00", free_day())});
    let refused = alice.call(CREATE, wish.clone()).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    let challenge = refused.header("www-authenticate");
    assert!(
        challenge.contains("insufficient_scope") && challenge.contains("Calendars.ReadWrite"),
        "{challenge}"
    );
    assert!(listed(&alice, free_day()).await.is_empty());

    let settings = [("ENTRADA_TOOLS__READ_ONLY", "true")];
    let plan = Plan { settings: &settings, ..Plan::default() };
    let cluster = Cluster::start(Store::embedded(), plan).await;
    let alice = calendar_read_only(&cluster).await;
    let tools = alice.send("tools/list", json!({})).await.result()["tools"].clone();
    let names: Vec<&str> =
        tools.as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert!(
        names.contains(&"calendar_list_events") && !WRITING.iter().any(|tool| names.contains(tool)),
        "{names:?}"
    );
    for tool in WRITING {
        assert_eq!(alice.call(tool, wish.clone()).await.error_code(), -32602, "{tool}");
    }
}

/// A reading server does not even offer the permission to write.
async fn calendar_read_only(cluster: &Cluster) -> Mcp {
    let alice = asking(cluster, ALICE, "Calendars.ReadWrite Calendars.Read").await;
    let metadata = format!("{}/.well-known/oauth-protected-resource/calendar/mcp", cluster.url);
    let metadata = super::support::http::client().get(metadata).send().await.unwrap();
    let metadata: Value = metadata.json().await.unwrap();
    assert!(!metadata["scopes_supported"].to_string().contains("Calendars.ReadWrite"), "{metadata}");
    alice
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_writes_into_another_calendar_and_operators_bound_whom_one_reaches() {
    let settings =
        [("ENTRADA_TOOLS__RECIPIENT_DOMAINS", "contoso.example"), ("ENTRADA_TOOLS__WRITES_PER_HOUR", "1")];
    let cluster = Cluster::start(Store::embedded(), Plan { settings: &settings, ..Plan::default() }).await;
    let wide = "Calendars.ReadWrite Calendars.ReadWrite.Shared";
    let (alice, bob) = tokio::join!(calendar(&cluster, ALICE), asking(&cluster, BOB, wide));
    let at = free_day();
    let made =
        alice.call(CREATE, json!({"subject": "Mine", "start": format!("{at}T10:00")})).await.output().clone();
    let id = made["event"]["id"].as_str().unwrap();
    for (tool, more) in [
        (UPDATE, json!({"subject": "Bob was here"})),
        (DELETE, json!({})),
        (RESPOND, json!({"response": "decline"})),
        (UPDATE, json!({"subject": "x", "user_id": ALICE, "mailbox": MINJI})),
    ] {
        let mut arguments = more;
        arguments["event_id"] = json!(id);
        let refused = bob.call(tool, arguments.clone()).await.refusal();
        assert!(refused.contains("no such item") || refused.contains("mailbox"), "{tool}: {refused}");
    }
    assert_eq!(only(&alice, at).await["subject"], "Mine");

    let invite = |person: &str, hour: u32| json!({"subject": "x", "start": format!("{at}T{hour}:00"), "attendees": [person]});
    let outside = alice.call(CREATE, invite("eve@fabrikam.example", 12)).await.refusal();
    assert!(outside.contains("eve@fabrikam.example") && outside.contains("attendees"), "{outside}");
    alice.confirmed(CREATE, invite(BOB, 12)).await;
    let mut second = invite(BOB, 13);
    second["confirm_token"] = alice.call(CREATE, second.clone()).await.output()["confirm_token"].clone();
    assert!(alice.call(CREATE, second).await.refusal().contains("1 times an hour"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_wishes_name_the_argument() {
    let cluster = Cluster::embedded().await;
    let alice = calendar(&cluster, ALICE).await;
    let start = format!("{}T10:00", free_day());
    let made = alice.call(CREATE, json!({"subject": "x", "start": start})).await.output().clone();
    let id = made["event"]["id"].clone();
    for (tool, arguments, part) in [
        (CREATE, json!({"start": start}), "subject"),
        (CREATE, json!({"subject": "x"}), "start"),
        (CREATE, json!({"subject": "x", "start": "tomorrow"}), "start"),
        (CREATE, json!({"subject": "x", "start": start, "end": "2020-01-01T10:00"}), "end"),
        (CREATE, json!({"subject": "x", "start": start, "attendees": "bob"}), "attendees"),
        (CREATE, json!({"subject": "x", "start": start, "recurrence": "fortnightly"}), "recurrence"),
        (CREATE, json!({"subject": "x", "start": start, "show_as": "asleep"}), "show_as"),
        (CREATE, json!({"subject": "x", "start": start, "time_zone": "Mars/Olympus"}), "time_zone"),
        (CREATE, json!({"subject": "x", "start": start, "calendar": "nonsense"}), "Vessel surveys"),
        (CREATE, json!({"subject": "x".repeat(300), "start": start}), "subject"),
        (UPDATE, json!({"event_id": id}), "Nothing would change"),
        (UPDATE, json!({"event_id": id, "scope": "series", "subject": "y"}), "scope"),
        (UPDATE, json!({"event_id": id, "remove_attendees": [BOB]}), "remove_attendees"),
        (UPDATE, json!({"event_id": "'%#/../x", "subject": "y"}), "id"),
        (DELETE, json!({"event_id": id, "comment": "bye"}), "comment"),
        (DELETE, json!({"event_id": id, "confirm_token": "w_none"}), "confirm_token"),
        (DELETE, json!({}), "event_id"),
        (RESPOND, json!({"event_id": id, "response": "maybe"}), "response"),
        (RESPOND, json!({"event_id": id, "response": "accept", "propose_start": start}), "propose_start"),
        (RESPOND, json!({"event_id": id, "response": "decline", "notify": false, "comment": "x"}), "comment"),
    ] {
        let refused = alice.call(tool, arguments.clone()).await.refusal();
        assert!(refused.contains(part), "{tool} {arguments}: {refused}");
    }
}
