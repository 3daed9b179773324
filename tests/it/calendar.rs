//! `/calendar` as its user meets it: over MCP, with a bearer of its own, against the simulated tenant.

use super::support::cluster::Cluster;
use super::support::login::Client;
use super::support::mcp::{Answer, Mcp};
use chrono::{DateTime, Duration, NaiveDate, Utc, Weekday};
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const MINJI: &str = "minji@contoso.example";

/// Monday of this week, from which the tenant counts.
#[expect(clippy::disallowed_methods, reason = "the tenant lives in the real week")]
fn monday() -> NaiveDate {
    Utc::now().date_naive().week(Weekday::Mon).first_day()
}

fn day(days: i64) -> String {
    (monday() + Duration::days(days)).to_string()
}

async fn calendar(cluster: &Cluster, user: &str) -> Mcp {
    let resource = format!("{}/calendar/mcp", cluster.url);
    let login = Client::register(&cluster.url).await.for_resource(&resource).sign_in(user).await;
    let mut client = Mcp::modern(&cluster.url, &login.access);
    client.endpoint = resource;
    client
}

async fn list(client: &Mcp, arguments: Value) -> Vec<Value> {
    client.call("calendar_list_events", arguments).await.output()["items"].as_array().unwrap().clone()
}

fn subjects(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["subject"].as_str().unwrap()).collect()
}

fn find<'a>(items: &'a [Value], subject: &str) -> &'a Value {
    items
        .iter()
        .find(|item| item["subject"] == subject)
        .unwrap_or_else(|| panic!("no {subject} in {items:?}"))
}

fn text(answer: &Answer) -> &str {
    answer.result()["content"][0]["text"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_shows_occurrences_conflicts_and_local_times() {
    let cluster = Cluster::embedded().await;
    let alice = calendar(&cluster, ALICE).await;
    let answer = alice.call("calendar_list_events", json!({"start_date": day(0), "end_date": day(6)})).await;
    let items = answer.output()["items"].as_array().unwrap().clone();
    let starts: Vec<&str> = items.iter().map(|item| item["start_utc"].as_str().unwrap()).collect();
    assert!(starts.is_sorted(), "{starts:?}");

    let review = find(&items, "Harbor crane: design review");
    assert_eq!(review["conflicts"], json!(["1:1 with Carol (overlaps the review)"]));
    assert!(review["start"].as_str().unwrap().starts_with(&format!("{}T14:00:00+0", day(3))), "{review}");
    let stand_ups: Vec<&Value> =
        items.iter().filter(|item| item["subject"] == "Class surveys: weekly stand-up").collect();
    let kinds: Vec<&str> = stand_ups.iter().map(|item| item["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["occurrence", "exception"], "one was moved");
    assert!(stand_ups[0]["join_url"].as_str().unwrap().starts_with("https://teams.microsoft.com/"));
    assert!(!subjects(&items).contains(&"Vendor call: ballast valves"), "it was cancelled");
    let all =
        list(&alice, json!({"start_date": day(0), "end_date": day(6), "include_cancelled": true})).await;
    assert_eq!(find(&all, "Vendor call: ballast valves")["cancelled"], true);
    assert!(text(&answer).contains("**Harbor crane: design review**"), "{}", text(&answer));

    let id = stand_ups[0]["series_id"].as_str().unwrap();
    let arguments = json!({"event_id": id, "instances_from": day(0), "instances_to": day(13)});
    let series = alice.call("calendar_get_event", arguments).await;
    let series = series.output();
    assert_eq!(series["event"]["repeats"], "every week on monday, wednesday (W. Europe Standard Time)");
    assert_eq!(series["instances"].as_array().unwrap().len(), 3, "{series}");
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_without_loss_or_repetition() {
    let cluster = Cluster::embedded().await;
    let alice = calendar(&cluster, ALICE).await;
    let whole = json!({"start_date": day(-30), "end_date": day(60), "limit": 200});
    let whole = list(&alice, whole).await;
    assert!(whole.len() > 20, "{}", whole.len());
    let (mut pieces, mut arguments) =
        (Vec::new(), json!({"start_date": day(-30), "end_date": day(60), "limit": 7}));
    loop {
        let answer = alice.call("calendar_list_events", arguments).await;
        let page = answer.output();
        pieces.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        assert_eq!(page["has_more"], true);
        arguments = json!({"cursor": cursor, "limit": 7});
    }
    assert_eq!(subjects(&pieces), subjects(&whole));
}

#[tokio::test(flavor = "multi_thread")]
async fn words_calendars_zones_and_whole_days() {
    let cluster = Cluster::embedded().await;
    let (alice, minji) = tokio::join!(calendar(&cluster, ALICE), calendar(&cluster, MINJI));
    let period = |more: Value| {
        let mut arguments = json!({"start_date": day(0), "end_date": day(40)});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    };
    let found = list(&alice, period(json!({"search_query": "CRANE room"}))).await;
    assert_eq!(subjects(&found), ["Harbor crane: design review"]);
    let surveys = list(&alice, period(json!({"calendar": "vessel SURVEYS"}))).await;
    assert_eq!(subjects(&surveys), ["DNV survey MV Sea Heron"]);
    let refused = alice.call("calendar_list_events", period(json!({"calendar": "nonsense"}))).await.refusal();
    assert!(refused.contains("Vessel surveys"), "{refused}");

    let holiday = find(&list(&alice, period(json!({}))).await, "Winter holiday").clone();
    assert_eq!((holiday["start"].as_str(), holiday["end"].as_str()), (Some(&*day(21)), Some(&*day(23))));
    let seoul = list(&minji, json!({"start_date": day(4), "end_date": day(4)})).await;
    assert!(find(&seoul, "KR 선급 검사 일정 협의")["start"].as_str().unwrap().ends_with("T09:00:00+09:00"));
    let named = json!({"start_date": day(4), "end_date": day(4), "time_zone": "Europe/Berlin"});
    let berlin = list(&minji, named).await;
    let start: DateTime<Utc> =
        find(&berlin, "KR 선급 검사 일정 협의")["start"].as_str().unwrap().parse().unwrap();
    assert_eq!(start.to_rfc3339(), format!("{}T00:00:00+00:00", day(4)));
    let refused = alice.call("calendar_list_events", json!({"time_zone": "Mars/Olympus"})).await.refusal();
    assert!(refused.contains("time_zone"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn free_slots_are_free_for_everybody() {
    let cluster = Cluster::embedded().await;
    let alice = calendar(&cluster, ALICE).await;
    let arguments = json!({
        "people": [ALICE, MINJI, "nobody@contoso.example"],
        "start": format!("{}T13:00", day(3)), "end": format!("{}T18:00", day(3)),
    });
    let answer = alice.call("calendar_get_schedule", arguments).await;
    let shown = answer.output();
    let people = shown["people"].as_array().unwrap();
    assert!(people[0]["busy"].as_array().unwrap().len() >= 2, "{shown}");
    assert!(people[2]["error"].as_str().unwrap().contains("nobody"), "{shown}");
    assert!(!shown["warnings"].as_array().unwrap().is_empty());
    let free: Vec<(&str, i64)> = shown["free"]
        .as_array()
        .unwrap()
        .iter()
        .map(|slot| (slot["start"].as_str().unwrap().get(11..16).unwrap(), slot["minutes"].as_i64().unwrap()))
        .collect();
    assert_eq!(free, [("13:00", 60), ("15:30", 150)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn suggested_times_suit_everybody_and_say_who_may_not_come() {
    let cluster = Cluster::embedded().await;
    let bare = calendar(&cluster, ALICE).await;
    let asked = json!({
        "attendees": [MINJI, BOB], "duration_minutes": 60, "time_zone": "Europe/Berlin",
        "window_start": format!("{}T08:00", day(3)), "window_end": format!("{}T18:00", day(3)),
    });
    // Looking into other people's time is a permission of its own.
    let step_up = bare.call("calendar_find_times", asked.clone()).await;
    assert_eq!(step_up.status, 403, "{}", step_up.text);
    assert!(step_up.header("www-authenticate").contains("Calendars.Read.Shared"));

    let resource = format!("{}/calendar/mcp", cluster.url);
    let client = Client::register(&cluster.url).await.for_resource(&resource);
    let login = client.with_scope("Calendars.Read.Shared").sign_in(ALICE).await;
    let alice = bare.with_bearer(&login.access);
    let answer = alice.call("calendar_find_times", asked.clone()).await;
    let slots = answer.output()["slots"].as_array().unwrap();
    assert!((1..=5).contains(&slots.len()), "{slots:?}");
    let confidence: Vec<f64> = slots.iter().map(|slot| slot["confidence"].as_f64().unwrap()).collect();
    assert!(confidence.is_sorted_by(|a, b| a >= b), "{confidence:?}");
    // What is suggested with certainty is free in everybody's calendar.
    let schedule =
        json!({"people": [ALICE, MINJI, BOB], "start": day(3), "end": day(3), "time_zone": "Europe/Berlin"});
    let schedule = alice.call("calendar_get_schedule", schedule).await;
    let instant = |value: &Value| value.as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    for slot in slots.iter().filter(|slot| slot["confidence"] == 100.0) {
        let (from, to) = (instant(&slot["start"]), instant(&slot["end"]));
        assert_eq!((to - from).num_minutes(), 60);
        for person in schedule.output()["people"].as_array().unwrap() {
            for busy in person["busy"].as_array().unwrap() {
                let apart = instant(&busy["end"]) <= from || instant(&busy["start"]) >= to;
                assert!(apart, "{slot} while {person}");
            }
        }
    }
    let stranger =
        json!({"attendees": ["someone@elsewhere.example"], "window_start": day(3), "window_end": day(3)});
    let answer = alice.call("calendar_find_times", stranger).await;
    assert_eq!(answer.output()["slots"], json!([]), "49 of 100 is less than half");
    assert!(!answer.output()["reason"].as_str().unwrap().is_empty());
    for (arguments, field) in [
        (json!({"attendees": ["Bob"]}), "attendees"),
        (json!({"window_start": day(1), "window_end": day(99)}), "window_end"),
        (json!({"duration_minutes": 2}), "duration_minutes"),
        (json!({"time_zone": "Mars/Olympus"}), "time_zone"),
    ] {
        let refusal = alice.call("calendar_find_times", arguments.clone()).await.refusal();
        assert!(refusal.contains(field), "{arguments}: {refusal}");
    }
    // Outside working hours only on request.
    let saturday = json!({"window_start": day(5), "window_end": day(5), "duration_minutes": 30});
    assert_eq!(alice.call("calendar_find_times", saturday.clone()).await.output()["slots"], json!([]));
    let mut any_time = saturday;
    any_time["working_hours_only"] = json!(false);
    assert!(
        !alice.call("calendar_find_times", any_time).await.output()["slots"].as_array().unwrap().is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_another_calendar_and_mail_bearers_do_not_fit() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(calendar(&cluster, ALICE), calendar(&cluster, BOB));
    let period = json!({"start_date": day(-10), "end_date": day(40), "limit": 200});
    let (of_alice, of_bob) = tokio::join!(list(&alice, period.clone()), list(&bob, period.clone()));
    let dentist = find(&of_alice, "Dentist");
    assert!(!subjects(&of_bob).contains(&"Dentist"));
    let id = dentist["id"].as_str().unwrap();
    assert_eq!(
        alice.call("calendar_get_event", json!({"event_id": id})).await.output()["event"]["private"],
        true
    );
    let refused = bob.call("calendar_get_event", json!({"event_id": id})).await.refusal();
    assert!(refused.contains("no such item"), "{refused}");
    // Others are told that somebody is busy, not with what.
    let people = json!({"people": [ALICE], "start": day(7), "end": day(8)});
    let shown = bob.call("calendar_get_schedule", people).await;
    assert!(!shown.text.contains("Dentist") && shown.text.contains("oof"), "{}", shown.text);
    // A cursor is its owner's.
    let page = alice.call("calendar_list_events", json!({"start_date": day(-10), "limit": 1})).await;
    let cursor = page.output()["next_cursor"].as_str().unwrap();
    assert!(bob.call("calendar_list_events", json!({"cursor": cursor})).await.refusal().contains("cursor"));
    let named = json!({"mailbox": ALICE});
    assert_eq!(bob.call("calendar_list_events", named).await.status, 403, "see `mailbox::calendars`");

    let mail = Client::register(&cluster.url).await.sign_in(ALICE).await;
    let foreign = alice.with_bearer(&mail.access);
    assert_eq!(foreign.call("calendar_list_calendars", json!({})).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_arguments_name_the_argument() {
    let cluster = Cluster::embedded().await;
    let alice = calendar(&cluster, ALICE).await;
    for (tool, arguments, part) in [
        ("calendar_list_events", json!({"start_date": "soon"}), "start_date"),
        ("calendar_list_events", json!({"start_date": day(3), "end_date": day(1)}), "end_date"),
        ("calendar_list_events", json!({"end_date": day(900)}), "end_date"),
        ("calendar_list_events", json!({"limit": 0}), "limit"),
        ("calendar_list_events", json!({"cursor": "c_unknown"}), "cursor"),
        ("calendar_get_event", json!({}), "event_id"),
        ("calendar_get_event", json!({"event_id": "'%#/../x"}), "id"),
        ("calendar_get_schedule", json!({"people": []}), "people"),
        ("calendar_get_schedule", json!({"people": "a@contoso.example", "end": day(200)}), "end"),
    ] {
        let refused = alice.call(tool, arguments.clone()).await.refusal();
        assert!(refused.contains(part), "{tool} {arguments}: {refused}");
    }
}
