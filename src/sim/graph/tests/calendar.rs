//! Calendars as a client meets them: occurrences, zones, exceptions, free and busy.
use chrono::{DateTime, Datelike as _, Duration, NaiveDate, Utc, Weekday};
use serde_json::{Value, json};

use super::Lab;
use crate::sim::clock;

const SEOUL: (&str, &str) = ("Prefer", "outlook.timezone=\"Korea Standard Time\"");

fn monday() -> NaiveDate {
    clock::now().date_naive().week(Weekday::Mon).first_day()
}

/// The view of `days` from a day of this week, counted from Monday.
fn view(first: i64, days: i64) -> String {
    let from = monday() + Duration::days(first);
    let to = from + Duration::days(days);
    format!(
        "/me/calendarView?startDateTime={from}T00:00:00Z&endDateTime={to}T00:00:00Z&$orderby=start/dateTime"
    )
}

fn subjects(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["subject"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn series_appear_as_occurrences_with_their_exceptions() {
    let lab = Lab::new(0);
    let (rows, pages) = lab.pages("alice", &format!("{}&$top=2", view(0, 14)), &[]).await;
    assert!(pages > 2, "short pages are followed");
    let stand_up = "Class surveys: weekly stand-up";
    let days: Vec<(&str, u32)> = rows
        .iter()
        .filter(|row| row["subject"] == stand_up)
        .map(|row| {
            let start: chrono::NaiveDateTime = row["start"]["dateTime"].as_str().unwrap().parse().unwrap();
            (row["type"].as_str().unwrap(), start.weekday().num_days_from_monday())
        })
        .collect();
    // The Monday of next week was removed, the Wednesday of this one moved.
    assert_eq!(days, [("occurrence", 0), ("exception", 2), ("occurrence", 2)]);
    let starts: Vec<&str> = rows.iter().map(|row| row["start"]["dateTime"].as_str().unwrap()).collect();
    assert!(starts.is_sorted());
    let master = rows.iter().find(|row| row["subject"] == stand_up).unwrap()["seriesMasterId"].clone();
    let master = lab.get("alice", &format!("/me/events/{}", master.as_str().unwrap())).await.json();
    assert_eq!(master["recurrence"]["pattern"]["daysOfWeek"], json!(["monday", "wednesday"]));
    assert_eq!(master["recurrence"]["range"]["recurrenceTimeZone"], "W. Europe Standard Time");
}

#[actix_web::test]
async fn a_series_keeps_its_wall_time_when_the_clocks_change() {
    let lab = Lab::new(0);
    let (rows, _) = lab.pages("alice", &format!("{}&$top=1000", view(-42, 420)), &[]).await;
    let zone = chrono_tz::Tz::Europe__Berlin;
    let hours: std::collections::BTreeSet<(u32, u32)> = rows
        .iter()
        .filter(|row| row["subject"] == "Project closing (last Friday)")
        .map(|row| {
            let text = format!("{}Z", row["start"]["dateTime"].as_str().unwrap());
            let start: DateTime<Utc> = text.parse().unwrap();
            let local = start.with_timezone(&zone);
            assert!(local.weekday() == Weekday::Fri && (local + Duration::days(7)).month() != local.month());
            (chrono::Timelike::hour(&local), chrono::Timelike::hour(&start))
        })
        .collect();
    assert_eq!(hours.into_iter().collect::<Vec<_>>(), [(16, 14), (16, 15)], "summer and winter");
}

#[actix_web::test]
async fn times_come_on_the_preferred_clock_and_whole_days_stay_whole() {
    let lab = Lab::new(0);
    let rows = lab.get_with("minji", &format!("{}&$top=100", view(0, 28)), &[SEOUL]).await.json();
    let rows = rows["value"].as_array().unwrap();
    let survey = rows.iter().find(|row| row["subject"] == "KR 선급 검사 일정 협의").unwrap();
    assert!(survey["start"]["dateTime"].as_str().unwrap().ends_with("T09:00:00.0000000"), "{survey}");
    assert_eq!(survey["start"]["timeZone"], "Korea Standard Time");
    assert!(survey["onlineMeeting"]["joinUrl"].as_str().unwrap().starts_with("https://teams.microsoft.com/"));
    let off = rows.iter().find(|row| row["subject"] == "연차").unwrap();
    let (start, end) = (off["start"]["dateTime"].as_str().unwrap(), off["end"]["dateTime"].as_str().unwrap());
    assert!(start.ends_with("T00:00:00.0000000") && end.ends_with("T00:00:00.0000000"), "{start} {end}");
}

#[actix_web::test]
async fn nobody_reads_another_calendar() {
    let lab = Lab::new(0);
    let rows = lab.get("bob", &format!("{}&$top=100", view(-30, 60))).await.json();
    let bob = rows["value"].as_array().unwrap();
    assert!(!subjects(bob).contains(&"Dentist"));
    let rows = lab.get("alice", &format!("{}&$top=100", view(-30, 60))).await.json();
    let dentist = rows["value"].as_array().unwrap().iter().find(|row| row["subject"] == "Dentist").unwrap();
    let id = dentist["id"].as_str().unwrap();
    assert_eq!(lab.get("alice", &format!("/me/events/{id}")).await.status, 200);
    let foreign = lab.get("bob", &format!("/me/events/{id}")).await;
    assert_eq!((foreign.status, foreign.code().as_str()), (400, "ErrorInvalidMailboxItemId"));
    let theirs = lab.get("bob", "/users/alice@contoso.example/calendars").await;
    assert_eq!((theirs.status, theirs.code().as_str()), (403, "ErrorAccessDenied"));
}

#[actix_web::test]
async fn refusals_are_those_of_graph() {
    let lab = Lab::new(0);
    let day = monday();
    for (path, status, code) in [
        ("/me/calendarView".to_owned(), 400, "ErrorInvalidParameter"),
        (format!("/me/calendarView?startDateTime={day}&endDateTime=soon"), 400, "ErrorInvalidParameter"),
        (
            format!("/me/calendarView?startDateTime={day}&endDateTime=2020-01-01"),
            400,
            "ErrorInvalidParameter",
        ),
        (format!("{}&$search=x", view(0, 7)), 400, "BadRequest"),
        (format!("{}&$select=nonsense", view(0, 7)), 400, "RequestBroker--ParseUri"),
        ("/me/events/x".to_owned(), 400, "ErrorInvalidIdMalformed"),
        ("/me/calendars/x/events".to_owned(), 400, "ErrorInvalidIdMalformed"),
        ("/me/calendar/nonsense".to_owned(), 400, "BadRequest"),
    ] {
        let got = lab.get("alice", &path).await;
        assert_eq!((got.status, got.code().as_str()), (status, code), "{path}");
    }
    let token = lab.token("alice", &["User.Read", "Mail.Read"]);
    let got = lab.send(&token, "GET", "/v1.0/me/calendars", &[], "").await;
    assert_eq!((got.status, got.code().as_str()), (403, "ErrorAccessDenied"));
}

#[actix_web::test]
async fn free_and_busy_shows_when_and_only_the_owner_what() {
    let lab = Lab::new(0);
    let thursday = monday() + Duration::days(3);
    let moment = |hour: u32| json!({ "dateTime": format!("{thursday}T{hour:02}:00:00"), "timeZone": "W. Europe Standard Time" });
    let body = json!({
        "schedules": ["alice@contoso.example", "nobody@contoso.example"],
        "startTime": moment(13), "endTime": moment(17), "availabilityViewInterval": 30,
    });
    for (user, own) in [("alice", true), ("bob", false)] {
        let token = lab.token(user, &["Calendars.Read"]);
        let url = "/v1.0/me/calendar/getSchedule";
        let got = lab.send(&token, "POST", url, &[], &body.to_string()).await;
        assert_eq!(got.status, 200, "{}", String::from_utf8_lossy(&got.body));
        let rows = got.json();
        assert_eq!(rows["value"][0]["availabilityView"], "00222000");
        assert_eq!(rows["value"][0]["scheduleItems"][0].get("subject").is_some(), own);
        assert_eq!(rows["value"][1]["error"]["responseCode"], "ErrorMailRecipientNotFound");
    }
}

#[actix_web::test]
async fn a_round_of_changes_tells_occurrences_by_their_master_and_takes_no_options() {
    let lab = Lab::new(0);
    let path =
        view(0, 14).replace("calendarView?", "calendarView/delta?").replace("&$orderby=start/dateTime", "");
    let (rows, pages) = lab.pages("alice", &path, &[("Prefer", "odata.maxpagesize=5")]).await;
    assert!(pages > 1 && rows.len() > 5, "{pages} {rows:?}");
    let of = |kind: &str| rows.iter().filter(|row| row["type"] == kind).collect::<Vec<_>>();
    let (masters, regular) = (of("seriesMaster"), of("occurrence"));
    assert!(masters.iter().any(|row| row["subject"] == "Class surveys: weekly stand-up"), "{masters:?}");
    assert!(regular.iter().all(|row| row.get("subject").is_none() && row["seriesMasterId"].is_string()));
    assert!(of("exception").iter().all(|row| row["subject"].is_string()), "{rows:?}");
    let refused = lab.get("alice", &format!("{path}&$select=subject")).await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "ErrorInvalidUrlQuery"));
}

#[actix_web::test]
async fn rooms_take_a_permission_and_two_pages() {
    let lab = Lab::new(0);
    let (rooms, pages) = lab.pages("bob", "/places/microsoft.graph.room", &[]).await;
    assert_eq!((rooms.len(), pages), (123, 2));
    let token = lab.token("bob", &["Calendars.Read"]);
    let refused = lab.send(&token, "GET", "/v1.0/places/microsoft.graph.room", &[], "").await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "ErrorAccessDenied"));
}
