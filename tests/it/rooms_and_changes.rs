//! Rooms of the organisation, which take an administrator's word, and what changed in a calendar since the last look.

use super::support::cluster::Cluster;
use super::support::http;
use super::support::login::Client;
use super::support::mcp::Mcp;
use chrono::{Duration, NaiveDate, Utc, Weekday};
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const ROOMS: &str = "calendar_find_rooms";
const CHANGES: &str = "calendar_changes";

/// A Saturday to come: the seed's series repeat on working days.
#[expect(clippy::disallowed_methods, reason = "the tenant lives in the real week")]
fn free_day() -> NaiveDate {
    Utc::now().date_naive().week(Weekday::Mon).first_day() + Duration::days(7 * 7 + 5)
}

fn resource(cluster: &Cluster) -> String {
    format!("{}/calendar/mcp", cluster.url)
}

async fn client(cluster: &Cluster, scope: &str) -> Client {
    Client::register(&cluster.url).await.for_resource(&resource(cluster)).with_scope(scope)
}

async fn asking(cluster: &Cluster, user: &str, scope: &str) -> Mcp {
    let login = client(cluster, scope).await.sign_in(user).await;
    let mut mcp = Mcp::modern(&cluster.url, &login.access);
    mcp.endpoint = resource(cluster);
    mcp
}

fn names(answer: &Value) -> Vec<&str> {
    answer["items"].as_array().unwrap().iter().map(|room| room["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_are_found_once_an_administrator_agreed() {
    let cluster = Cluster::embedded().await;
    // What only an administrator grants is not among what clients ask for unasked.
    let url = format!("{}/.well-known/oauth-protected-resource/calendar/mcp", cluster.url);
    let metadata: Value = http::client().get(url).send().await.unwrap().json().await.unwrap();
    let published = metadata["scopes_supported"].to_string();
    assert!(published.contains("Calendars.ReadWrite") && !published.contains("Place"), "{published}");

    let bare = asking(&cluster, BOB, "").await;
    let step_up = bare.call(ROOMS, json!({})).await;
    assert_eq!(step_up.status, 403, "{}", step_up.text);
    assert!(step_up.header("www-authenticate").contains("Place.Read.All"), "{step_up:?}");
    let wish = client(&cluster, "Calendars.Read Place.Read.All").await;
    wish.approve(&cluster.tenant.url, BOB, ALICE).await;
    let bob = bare.with_bearer(&wish.sign_in(BOB).await.access);

    // The smallest room that is large enough comes first.
    let answer = bob.call(ROOMS, json!({"building": "ALTONA", "capacity": "2"})).await;
    assert_eq!(names(answer.output()), ["Room 4.12", "Board room \"Elbe\""], "{}", answer.text);
    assert_eq!(answer.output()["items"][0]["address"], "room412@contoso.example");
    assert_eq!(answer.output()["applied"]["post_filters"], json!(["capacity", "building"]));
    let korean = bob.call(ROOMS, json!({"text": "회의실 4"})).await;
    assert_eq!(names(korean.output()), ["대회의실 4층"]);
    for wish in [json!({"text": "box 🎧"}), json!({"text": "\"elbe\""})] {
        assert_eq!(bob.call(ROOMS, wish.clone()).await.output()["count"], 1, "{wish}");
    }
    // Both of Graph's pages are read; what does not fit is told.
    let all = bob.call(ROOMS, json!({"limit": 200})).await.output().clone();
    assert_eq!(
        (&all["count"], &all["applied"]["scanned"], &all["has_more"]),
        (&json!(123), &json!(123), &json!(false))
    );
    let some = bob.call(ROOMS, json!({"text": "cabin", "limit": 3})).await.output().clone();
    assert_eq!((&some["count"], &some["has_more"]), (&json!(3), &json!(true)));
    assert!(some["warnings"][0].as_str().unwrap().contains("118 rooms fit"), "{some}");
    assert_eq!(bob.call(ROOMS, json!({"text": "100% #7 ' nowhere"})).await.output()["count"], 0);
    let refusal = bob.call(ROOMS, json!({"capacity": 0})).await.refusal();
    assert!(refusal.contains("capacity"), "{refusal}");
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_told_since_the_last_look() {
    let cluster = Cluster::embedded().await;
    let scope = "Calendars.ReadWrite";
    let (alice, bob) = tokio::join!(asking(&cluster, ALICE, scope), asking(&cluster, BOB, scope));
    let at = free_day();
    let first = alice.call(CHANGES, json!({"end": at + Duration::days(2)})).await.output().clone();
    let told = |answer: &Value, part: &str| answer[part].as_array().unwrap().clone();
    assert!(["added", "updated", "removed"].iter().all(|part| told(&first, part).is_empty()), "{first}");
    let cursor = |answer: &Value| json!({"since_cursor": answer["since_cursor"]});
    let quiet = alice.call(CHANGES, cursor(&first)).await.output().clone();
    assert!(["added", "updated", "removed"].iter().all(|part| told(&quiet, part).is_empty()), "{quiet}");

    let event = |subject: &str, hour: u32| json!({"subject": subject, "start": format!("{at}T{hour:02}:00"), "end": format!("{at}T{hour:02}:30")});
    let subject = "\"Crane\" 100% #7 & <b>'x'</b> 크레인 שלום";
    let made = alice.call("calendar_create_event", event(subject, 9)).await.output()["event"]["id"].clone();
    let mut outside = event("Out of the period", 9);
    outside["start"] = json!(format!("{}T09:00", at + Duration::days(20)));
    outside["end"] = json!(format!("{}T10:00", at + Duration::days(20)));
    alice.call("calendar_create_event", outside).await.output();
    let answer = alice.call(CHANGES, cursor(&quiet)).await;
    let added = told(answer.output(), "added");
    assert_eq!(
        (added.len(), &added[0]["subject"], &added[0]["id"]),
        (1, &json!(subject), &made),
        "{}",
        answer.text
    );
    assert!(added[0]["start"].as_str().unwrap().starts_with(&format!("{at}T09:00:00+0")), "{added:?}");
    assert!(answer.result()["content"][0]["text"].as_str().unwrap().contains("1 new, 0 changed, 0 gone"));

    // One occurrence of a series moves: the series and that occurrence are told, not the others.
    let week = alice.call("calendar_list_events", json!({"search_query": "stand-up", "limit": 200})).await;
    let items = week.output()["items"].as_array().unwrap().clone();
    let regular = items
        .iter()
        .find(|item| item["kind"] == "occurrence" && item["organizer"].as_str().unwrap().contains("Alice"));
    let regular = regular.unwrap_or_else(|| panic!("no series of alice in {items:?}"));
    let day = regular["start"].as_str().unwrap().get(..10).unwrap();
    let moved = json!({"event_id": regular["id"], "start": format!("{day}T07:00"), "end": format!("{day}T07:30"), "notify": false});
    let preview = alice.call("calendar_update_event", moved.clone()).await.output().clone();
    let mut confirmed = moved;
    confirmed["confirm_token"] = preview["confirm_token"].clone();
    alice.call("calendar_update_event", confirmed).await.output();
    let answer = alice.call(CHANGES, cursor(answer.output())).await.output().clone();
    let kinds: Vec<Value> = told(&answer, "updated").iter().map(|change| change["kind"].clone()).collect();
    assert!(kinds.contains(&json!("series")) && kinds.contains(&json!("exception")), "{answer}");
    assert!(!kinds.contains(&json!("occurrence")), "{answer}");

    let preview = alice.call("calendar_delete_event", json!({"event_id": made})).await.output().clone();
    let confirmed = json!({"event_id": made, "confirm_token": preview["confirm_token"]});
    alice.call("calendar_delete_event", confirmed).await.output();
    let answer = alice.call(CHANGES, cursor(&answer)).await.output().clone();
    assert_eq!(answer["removed"], json!([made]), "{answer}");

    // A look is its owner's.
    let refusal = bob.call(CHANGES, cursor(&answer)).await.refusal();
    assert!(refusal.contains("since_cursor"), "{refusal}");
    let both = json!({"since_cursor": answer["since_cursor"], "start": at});
    assert!(alice.call(CHANGES, both).await.refusal().contains("start"));
    for (arguments, part) in [
        (json!({"since_cursor": "nonsense"}), "since_cursor"),
        (json!({"start": "soon"}), "start"),
        (json!({"start": "2026-01-02", "end": "2026-01-01"}), "end"),
        (json!({"time_zone": "Mars/Olympus"}), "time_zone"),
    ] {
        let refusal = alice.call(CHANGES, arguments.clone()).await.refusal();
        assert!(refusal.contains(part), "{arguments}: {refusal}");
    }
    // Graph forgets.
    cluster
        .tenant
        .fault(json!({
            "path": "/v1.0/me/calendarView/delta", "status": 410, "times": 1,
            "body": {"error": {"code": "SyncStateNotFound", "message": "The sync state generation is not found."}},
        }))
        .await;
    let refusal = alice.call(CHANGES, cursor(&answer)).await.refusal();
    assert!(refusal.contains("begin anew"), "{refusal}");
    cluster.assert_wire();
}
