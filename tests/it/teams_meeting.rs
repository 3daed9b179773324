//! Online meetings and their transcripts as a user meets them.

use super::support::cluster::Cluster;
use super::support::mcp::Mcp;
use super::teams_channel::grant;
use super::teams_write::asking;
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";
const MEETING: &str = "teams_get_meeting";
const SCRIPT: &str = "OnlineMeetingTranscript.Read.All";
const STAND_UP: &str = "Class surveys: weekly stand-up";

#[expect(clippy::disallowed_methods, reason = "the tenant lives in the real week")]
fn day(days: i64) -> String {
    (chrono::Utc::now() + chrono::Duration::days(days)).date_naive().to_string()
}

/// Occurrences of the stand-up of the last weeks, oldest first, and an event that is no meeting.
async fn events(cluster: &Cluster) -> (Vec<Value>, Value) {
    let resource = format!("{}/calendar/mcp", cluster.url);
    let client = super::support::login::Client::register(&cluster.url).await.for_resource(&resource);
    let mut mcp = Mcp::modern(&cluster.url, &client.sign_in(ALICE).await.access);
    mcp.endpoint = resource;
    let wish = json!({"start_date": day(-20), "end_date": day(20), "limit": 200});
    let listed = mcp.call("calendar_list_events", wish).await;
    let all = listed.output()["items"].as_array().unwrap().clone();
    let plain = all.iter().find(|event| event["subject"] == "Harbor crane: design review").unwrap().clone();
    (all.into_iter().filter(|event| event["subject"] == STAND_UP).collect(), plain)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meeting_is_told_and_its_transcript_is_that_of_the_occurrence() {
    let cluster = Cluster::embedded().await;
    grant(&cluster, SCRIPT).await;
    let (stand_ups, plain) = events(&cluster).await;
    let alice = asking(&cluster, ALICE, &format!("OnlineMeetings.Read Calendars.Read {SCRIPT}")).await;
    let first = &stand_ups[0];
    let info = alice.call(MEETING, json!({"event_id": first["id"]})).await.output().clone();
    assert_eq!((&info["subject"], &info["organizer"]), (&json!(STAND_UP), &json!(ALICE)));
    assert!(
        info["attendees"].to_string().contains("bob@contoso.example") && info.get("transcript").is_none(),
        "{info}"
    );
    let day = first["start_utc"].as_str().unwrap_or_else(|| panic!("no start in {first}")).get(..10).unwrap();
    let read = alice.call(MEETING, json!({"event_id": first["id"], "part": "transcript"})).await;
    let text = read.output()["transcript"].as_str().unwrap();
    assert!(text.starts_with("**Alice Anderson** (00:00:03): Minutes of"), "{text}");
    assert!(
        text.contains(day) && text.contains("\"100%\" <ok> 🏗") && text.contains("네, 확인했습니다. שלום"),
        "{day}: {text}"
    );
    assert!(read.output()["recorded"].as_array().unwrap().len() > 3);
    // By its link it is the newest one, unless a day is named.
    let by_link = |more: Value| {
        let mut all = json!({"join_url": info["join_url"], "part": "transcript"});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let newest = alice.call(MEETING, by_link(json!({}))).await.output().clone();
    assert!(!newest["transcript"].as_str().unwrap().contains(day), "{newest}");
    assert_eq!(Some(&newest["transcript_of"]), newest["recorded"].as_array().unwrap().last());
    let that_day = alice.call(MEETING, by_link(json!({"date": day}))).await.output().clone();
    assert!(that_day["transcript"].as_str().unwrap().contains(day), "{that_day}");
    for (arguments, part) in [
        (by_link(json!({"date": "2020-01-01"})), "no transcript of this occurrence"),
        (by_link(json!({"date": "soon"})), "date"),
        (json!({}), "event_id"),
        (json!({"event_id": first["id"], "join_url": "https://x.example"}), "event_id"),
        (json!({"join_url": "javascript:alert(1)"}), "join_url"),
        (
            json!({"join_url": "https://teams.microsoft.com/l/meetup-join/' or 1 eq 1"}),
            "no such online meeting",
        ),
        (json!({"event_id": "nonsense"}), "event_id"),
        (json!({"event_id": plain["id"]}), "without an online meeting"),
        (
            json!({"event_id": stand_ups.last().unwrap()["id"], "part": "transcript"}),
            "no transcript of this occurrence",
        ),
        (json!({"event_id": first["id"], "part": "recording"}), "part"),
    ] {
        let refused = alice.call(MEETING, arguments.clone()).await.refusal();
        assert!(refused.contains(part), "{arguments}: {refused}");
    }
    // Who was not invited sees nothing of it; Bob was.
    let (minji, yael) = tokio::join!(
        asking(&cluster, "minji@contoso.example", "OnlineMeetings.Read"),
        asking(&cluster, "bob@contoso.example", "OnlineMeetings.Read"),
    );
    assert_eq!(yael.call(MEETING, json!({"join_url": info["join_url"]})).await.output()["subject"], STAND_UP);
    let crane = minji.call(MEETING, json!({"event_id": first["id"]})).await;
    assert!(
        crane.status == 403 && crane.header("www-authenticate").contains("Calendars.Read"),
        "{}",
        crane.text
    );
    // What was said is another permission.
    let refused = minji.call(MEETING, by_link(json!({}))).await;
    assert!(refused.status == 403 && refused.header("www-authenticate").contains(SCRIPT), "{}", refused.text);
    let full = json!({"path": "/v1.0/me/onlineMeetings", "status": 429, "headers": {"Retry-After": "120"}, "times": 1});
    cluster.tenant.fault(full).await;
    assert!(alice.call(MEETING, by_link(json!({}))).await.refusal().contains("limits requests for Teams"));
    cluster.assert_wire();
}
