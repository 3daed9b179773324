//! What writes, both ways: bodies that fit Graph's own description are accepted, and the answers fit it too.
use serde_json::{Value, json};

use super::contract::{description, faults, validator};
use super::{Got, Lab};
use crate::sim::clock;

/// One write: method and path of the description, the address asked, a body, and the status of the answer.
pub(super) struct Wish<'a> {
    pub(super) method: &'a str,
    pub(super) template: &'a str,
    pub(super) url: String,
    pub(super) body: Value,
    pub(super) status: u16,
}

/// Sends a wish whose body and answer have to fit.
pub(super) async fn send(lab: &Lab, token: &str, description: &Value, wish: Wish<'_>) -> Got {
    let operation = &description["paths"][wish.template][wish.method.to_lowercase()];
    let told = format!("{} {}", wish.method, wish.url);
    assert!(operation.is_object(), "{told} is not described");
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    if !schema.is_null() && wish.status < 300 {
        assert_eq!(faults(&validator(description, schema), &wish.body), Vec::<String>::new(), "{told}: ours");
    }
    let text = if wish.body.is_null() { String::new() } else { wish.body.to_string() };
    let url = format!("/v1.0{}", wish.url);
    let got = lab.send(token, wish.method, &url, &[("Content-Type", "application/json")], &text).await;
    assert_eq!(got.status, wish.status, "{told}: {}", String::from_utf8_lossy(&got.body));
    let answer = &operation["responses"][wish.status.to_string()];
    let schema = if wish.status < 300 {
        assert!(answer.is_object(), "{told}: {} is not described", wish.status);
        answer["content"]["application/json"]["schema"].clone()
    } else {
        json!({ "$ref": "#/components/schemas/odataError" })
    };
    if schema.is_null() {
        assert!(got.body.is_empty(), "{told}: an answer without a body");
    } else {
        assert_eq!(faults(&validator(description, &schema), &got.json()), Vec::<String>::new(), "{told}");
    }
    got
}

#[actix_web::test]
async fn what_changes_events_fits_the_description() {
    let Some(description) = description() else { return };
    let lab = Lab::new(0);
    let alice = lab.token("alice", &["Calendars.ReadWrite"]);
    let bob = lab.token("bob", &["Calendars.ReadWrite"]);
    let at = |hour: u32| {
        let day = (clock::now() + chrono::Duration::days(100)).date_naive();
        json!({"dateTime": format!("{day}T{hour:02}:00:00"), "timeZone": "Europe/Berlin"})
    };
    let wish = |method, template, url: &str, body, status| Wish {
        method,
        template,
        url: url.to_owned(),
        body,
        status,
    };
    let event = json!({
        "subject": "Crane", "start": at(9), "end": at(10), "body": {"contentType": "text", "content": "a < b"},
        "location": {"displayName": "Pier 3"}, "isOnlineMeeting": true, "onlineMeetingProvider": "teamsForBusiness",
        "attendees": [{"emailAddress": {"address": "bob@contoso.example"}, "type": "required"}],
        "transactionId": "7E163156-7762-4BEB-A1C6-729EA81755A7", "showAs": "busy", "reminderMinutesBeforeStart": 20,
    });
    let made =
        send(&lab, &alice, &description, wish("POST", "/me/events", "/me/events", event.clone(), 201)).await;
    let made = made.json();
    // Once more under the same transaction: the event that is there, and no second one.
    let again = send(&lab, &alice, &description, wish("POST", "/me/events", "/me/events", event, 201)).await;
    assert_eq!(again.json()["id"], made["id"]);
    let id = made["id"].as_str().unwrap();
    let url = format!("/me/events/{id}");
    let change = json!({"subject": "Crane 2", "start": at(11), "end": at(12)});
    send(&lab, &alice, &description, wish("PATCH", "/me/events/{event-id}", &url, change, 200)).await;
    let odd = json!({"start": {"dateTime": "soon", "timeZone": "UTC"}});
    send(&lab, &alice, &description, wish("PATCH", "/me/events/{event-id}", &url, odd, 400)).await;

    let (found, _) = lab.pages("bob", "/me/events?$top=100", &[]).await;
    let copy =
        found.iter().find(|event| event["subject"] == "Crane 2").expect("the invited person has a copy");
    let theirs = copy["id"].as_str().unwrap();
    let answer = json!({"comment": "yes", "sendResponse": true});
    for verb in ["accept", "tentativelyAccept", "decline"] {
        let template = format!("/me/events/{{event-id}}/{verb}");
        let url = format!("/me/events/{theirs}/{verb}");
        let wish = Wish { method: "POST", template: &template, url, body: answer.clone(), status: 202 };
        send(&lab, &bob, &description, wish).await;
    }
    let own = format!("/me/events/{id}/accept");
    send(&lab, &alice, &description, wish("POST", "/me/events/{event-id}/accept", &own, answer, 400)).await;
    let cancel = format!("/me/events/{id}/cancel");
    let why = json!({"comment": "off"});
    send(&lab, &alice, &description, wish("POST", "/me/events/{event-id}/cancel", &cancel, why, 202)).await;
    send(&lab, &alice, &description, wish("DELETE", "/me/events/{event-id}", &url, Value::Null, 404)).await;
}

#[actix_web::test]
async fn suggested_times_fit_the_description() {
    let Some(description) = description() else { return };
    let lab = Lab::new(0);
    let alice = lab.token("alice", &["Calendars.Read.Shared"]);
    let day = (clock::now() + chrono::Duration::days(7)).date_naive();
    let at = |hour: u32| json!({"dateTime": format!("{day}T{hour:02}:00:00"), "timeZone": "UTC"});
    let ask = |body: Value, status| Wish {
        method: "POST",
        template: "/me/findMeetingTimes",
        url: "/me/findMeetingTimes".to_owned(),
        body,
        status,
    };
    let wanted = json!({
        "attendees": [{"type": "required", "emailAddress": {"address": "bob@contoso.example"}}],
        "timeConstraint": {"activityDomain": "unrestricted", "timeSlots": [{"start": at(0), "end": at(23)}]},
        "meetingDuration": "PT45M", "maxCandidates": 3, "returnSuggestionReasons": true,
    });
    let found = send(&lab, &alice, &description, ask(wanted, 200)).await.json();
    assert_eq!(found["meetingTimeSuggestions"].as_array().unwrap().len(), 3, "{found}");
    send(&lab, &alice, &description, ask(json!({}), 200)).await;
    send(&lab, &alice, &description, ask(json!({"meetingDuration": "soon"}), 400)).await;
    let bare = lab.token("alice", &["Calendars.Read"]);
    send(&lab, &bare, &description, ask(json!({}), 403)).await;
}

#[actix_web::test]
async fn what_changes_files_fits_the_description() {
    const ROOT: &str = "/me/drive/root/children";
    const PATH: &str = "/me/drive/root:/{item-path}";
    const CONTENT: &str = "/me/drive/root:/{item-path}:/content";
    const ITEM: &str = "/me/drive/items/{driveItem-id}";
    let Some(description) = description() else { return };
    let lab = Lab::new(0);
    let alice = lab.token("alice", &["Files.ReadWrite"]);
    let ask = async |method: &str, template: &str, url: &str, body: Value, status: u16| {
        let wish = Wish { method, template, url: url.to_owned(), body, status };
        send(&lab, &alice, &description, wish).await
    };
    let folder = json!({"name": "New", "folder": {}, "@microsoft.graph.conflictBehavior": "fail"});
    let made = ask("POST", ROOT, ROOT, folder.clone(), 201).await.json();
    ask("POST", ROOT, ROOT, folder, 409).await;
    let content = "/me/drive/root:/New/it%27s%20%231.txt:/content";
    let file = ask("PUT", CONTENT, content, json!("hello"), 201).await.json();
    ask("PUT", CONTENT, content, json!("again"), 200).await;
    let careful = format!("{content}?@microsoft.graph.conflictBehavior=fail");
    ask("PUT", CONTENT, &careful, json!("never"), 409).await;
    let session = "/me/drive/root:/New/large.bin:/createUploadSession";
    let template = "/me/drive/root:/{item-path}:/createUploadSession";
    let item = json!({"item": {"@microsoft.graph.conflictBehavior": "fail"}});
    ask("POST", template, session, item, 200).await;

    let url = format!("/me/drive/items/{}", file["id"].as_str().unwrap());
    let parent = json!({"id": made["id"], "driveId": made["parentReference"]["driveId"]});
    ask("PATCH", ITEM, &url, json!({"name": "b.txt"}), 200).await;
    ask("PATCH", ITEM, &url, json!({"name": "a:b.txt"}), 400).await;
    let copy = json!({"name": "copy.txt", "parentReference": parent});
    let accepted = ask("POST", &format!("{ITEM}/copy"), &format!("{url}/copy"), copy, 202).await;
    assert!(accepted.header("location").contains("/monitor/"));
    let link = json!({"type": "view", "scope": "organization", "expirationDateTime": "2190-12-31T00:00:00Z"});
    let (template, sharing) = (format!("{ITEM}/createLink"), format!("{url}/createLink"));
    let granted = ask("POST", &template, &sharing, link.clone(), 201).await.json();
    assert_eq!(ask("POST", &template, &sharing, link, 200).await.json()["id"], granted["id"]);
    let permission = format!("{url}/permissions/{}", granted["id"].as_str().unwrap());
    let template = format!("{ITEM}/permissions/{{permission-id}}");
    ask("DELETE", &template, &permission, Value::Null, 204).await;
    ask("DELETE", &template, &permission, Value::Null, 404).await;
    ask("DELETE", ITEM, &url, Value::Null, 204).await;
    ask("DELETE", PATH, "/me/drive/root:/New/none.txt", Value::Null, 404).await;
}
