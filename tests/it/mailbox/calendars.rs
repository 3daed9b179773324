//! Calendars of others: read where they are shared, written where that is allowed, and told to people before.

use super::*;
use chrono::{Duration, NaiveDate, Utc, Weekday};

const SCOPES: &str = "Calendars.ReadWrite Calendars.ReadWrite.Shared";
const LIST: &str = "calendar_list_events";
const CREATE: &str = "calendar_create_event";

/// A Saturday to come: the seed's series repeat on working days.
#[expect(clippy::disallowed_methods, reason = "the tenant lives in the real week")]
fn free_day() -> NaiveDate {
    Utc::now().date_naive().week(Weekday::Mon).first_day() + Duration::days(9 * 7 + 5)
}

async fn calendar(cluster: &Cluster, user: &str, scope: &str) -> Mcp {
    let resource = format!("{}/calendar/mcp", cluster.url);
    let client = Client::register(&cluster.url).await.for_resource(&resource).with_scope(scope);
    Mcp::of(&resource, &client.sign_in(user).await.access)
}

async fn on(client: &Mcp, mailbox: &str, day: NaiveDate) -> Vec<Value> {
    let wish = json!({"mailbox": mailbox, "start_date": day, "end_date": day, "include_cancelled": true});
    let answer = client.call(LIST, wish).await;
    assert_eq!(answer.output()["applied"]["mailbox"], json!(mailbox));
    items(answer.output()).to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_that_is_shared_is_read_and_not_written() {
    let cluster = Cluster::embedded().await;
    let bare = calendar(&cluster, BOB, "Calendars.ReadWrite").await;
    let asked = bare.call(LIST, json!({ "mailbox": ALICE })).await;
    assert_eq!(asked.status, 403, "{}", asked.text);
    assert!(asked.header("www-authenticate").contains("Calendars.Read.Shared"), "{asked:?}");

    let bob = calendar(&cluster, BOB, SCOPES).await;
    let first = bob.call(LIST, json!({"mailbox": ALICE, "limit": 2})).await.output().clone();
    let alice = calendar(&cluster, ALICE, "").await;
    let own =
        alice.call(LIST, json!({"limit": 2, "time_zone": "America/Los_Angeles"})).await.output().clone();
    let hers = |event: &Value| format!("{ALICE}:{}", event["id"].as_str().unwrap());
    for (seen, own) in items(&first).iter().zip(items(&own)) {
        let veiled = json!("Private Appointment");
        let subject = if own["private"] == true { &veiled } else { &own["subject"] };
        assert_eq!((&seen["id"], &seen["subject"]), (&json!(hers(own)), subject), "{first}");
    }
    let cursor = first["next_cursor"].as_str().unwrap();
    assert!(cursor.starts_with(ALICE), "{cursor}");
    let next = bob.call(LIST, json!({ "cursor": cursor })).await.output().clone();
    assert_eq!(next["applied"]["mailbox"], ALICE);
    assert!(!format!("{first}{next}").contains("Dentist"), "what is private stays so");
    assert!(items(&next).iter().all(|event| event["id"].as_str().unwrap().starts_with(ALICE)), "{next}");

    let series = items(&next).iter().chain(items(&first)).find(|event| event["series_id"].is_string());
    let series = series.unwrap_or_else(|| panic!("{next}"));
    let read = bob.call("calendar_get_event", json!({"event_id": series["id"]})).await.output().clone();
    assert_eq!(read["event"]["id"], series["id"]);
    let from = series["start"].as_str().unwrap().get(..10).unwrap();
    let wish = json!({"event_id": series["series_id"], "instances_from": from});
    let read = bob.call("calendar_get_event", wish).await.output().clone();
    assert_eq!((&read["event"]["id"], &read["event"]["kind"]), (&series["series_id"], &json!("series")));
    assert!(read["instances"][0]["id"].as_str().unwrap().starts_with(ALICE), "{read}");

    let calendars = bob.call("calendar_list_calendars", json!({ "mailbox": ALICE })).await.output().clone();
    let surveys = items(&calendars).iter().find(|one| one["name"] == "Vessel surveys").unwrap();
    for wish in [json!({"calendar": surveys["id"]}), json!({"mailbox": ALICE, "calendar": "vessel SURVEYS"})]
    {
        let listed = bob.call(LIST, wish.clone()).await.output().clone();
        assert_eq!(listed["applied"]["mailbox"], ALICE, "{wish}");
    }
    // It is hers to write.
    let day = free_day();
    let wish = json!({"mailbox": ALICE, "subject": "Bob was here", "start": format!("{day}T09:00")});
    let held = bob.call(CREATE, wish.clone()).await.output().clone();
    assert_eq!(held["status"], "confirmation_required", "another's calendar takes a word: {held}");
    let mut agreed = wish;
    agreed["confirm_token"] = held["confirm_token"].clone();
    let (code, text) = refused(&bob, CREATE, agreed).await;
    assert!(code == "mailbox_unavailable" && text.contains("does not open"), "{text}");
    assert!(on(&bob, ALICE, day).await.is_empty());
    for mailbox in [MINJI, SUPPORT, "nobody@contoso.example"] {
        let (code, text) = refused(&bob, LIST, json!({ "mailbox": mailbox })).await;
        assert_eq!(code, "mailbox_unavailable", "{mailbox}: {text}");
    }
    let minji = calendar(&cluster, MINJI, SCOPES).await;
    let answer = minji.call("calendar_get_event", json!({"event_id": series["id"]})).await;
    assert!(!answer.refusal().contains(series["subject"].as_str().unwrap()), "{}", answer.text);
    assert!(refused(&minji, LIST, json!({ "cursor": cursor })).await.1.contains("unknown or expired"));
    let (code, _) = refused(&bob, "calendar_changes", json!({ "mailbox": ALICE })).await;
    assert_eq!(code, "invalid_input", "Graph tells changes of one's own calendar alone");
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_shared_calendar_are_made_changed_answered_and_removed() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) =
        tokio::join!(calendar(&cluster, ALICE, SCOPES), calendar(&cluster, BOB, "Calendars.ReadWrite"));
    let day = free_day();
    let at = |hour: u32| format!("{day}T{hour:02}:00");
    let made = json!({"mailbox": SUPPORT, "subject": "Call Northsea", "start": at(9), "time_zone": "UTC"});
    let made = alice.confirmed(CREATE, made).await;
    let id = &made["event"]["id"];
    assert!(!super::bare(id).is_empty());
    let there =
        json!({"mailbox": SUPPORT, "calendar": "Vessel surveys", "subject": "Survey", "start": at(15)});
    alice.confirmed(CREATE, there).await;
    let all = on(&alice, SUPPORT, day).await;
    assert_eq!((all.len(), &all[0]["id"]), (1, id), "the default calendar alone: {all:?}");
    let own = json!({"start_date": day, "end_date": day});
    assert_eq!(alice.call(LIST, own).await.output()["count"], 0, "not in her own calendar");

    let change = json!({"event_id": id, "location": "Desk 12", "add_attendees": [BOB]});
    let changed = alice.confirmed("calendar_update_event", change).await;
    assert_eq!((&changed["event"]["location"], &changed["event"]["id"]), (&json!("Desk 12"), id));
    let his = json!({"start_date": day, "end_date": day});
    let his = bob.call(LIST, his).await.output().clone();
    assert!(items(&his)[0]["organizer"].as_str().unwrap().contains(SUPPORT), "{his}");
    let gone = alice.confirmed("calendar_delete_event", json!({ "event_id": id })).await;
    assert_eq!((&gone["how"], &gone["told"]), (&json!("cancelled"), &json!([BOB])));

    // Bob invites the shared mailbox; whoever may write there answers.
    for (hour, response, told) in
        [(10, "accept", "accepted"), (11, "tentative", "tentative"), (12, "decline", "declined")]
    {
        let invite = json!({"subject": format!("Visit {hour}"), "start": at(hour), "time_zone": "UTC", "attendees": [SUPPORT]});
        let invited = bob.confirmed(CREATE, invite).await;
        let all = on(&alice, SUPPORT, day).await;
        let visit = all.iter().find(|event| event["subject"] == json!(format!("Visit {hour}"))).unwrap();
        let answer = json!({"event_id": visit["id"], "response": response});
        alice.confirmed("calendar_respond_event", answer).await;
        let seen = json!({"event_id": invited["event"]["id"]});
        let seen = bob.call("calendar_get_event", seen).await.output().clone();
        assert!(seen["event"]["attendees"][0].as_str().unwrap().contains(told), "{seen}");
        if response == "accept" {
            // Taking an invitation of somebody else's off the calendar tells nobody.
            let gone = alice.confirmed("calendar_delete_event", json!({"event_id": visit["id"]})).await;
            assert_eq!(gone["how"], "deleted");
        }
    }
}
