//! What people ask seldom: found untested by the gate of the catalogue (`tests/contract`).

use super::support::cluster::Cluster;
use super::support::login::Client;
use super::support::mcp::Mcp;
use chrono::{Days, Utc};
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";

async fn asking(cluster: &Cluster, service: &str, user: &str, scope: &str) -> Mcp {
    let resource = format!("{}/{service}/mcp", cluster.url);
    let client = Client::register(&cluster.url).await.for_resource(&resource).with_scope(scope);
    Mcp::of(&resource, &client.sign_in(user).await.access)
}

#[tokio::test(flavor = "multi_thread")]
async fn files_used_last_are_ones_own() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, "onedrive", ALICE, "").await;
    let bob = asking(&cluster, "onedrive", BOB, "").await;
    let recent = json!({"view": "recent", "limit": 20});
    let (hers, his) = tokio::join!(alice.call("list_files", recent.clone()), bob.call("list_files", recent));
    let ids = |answer: &Value| -> Vec<Value> {
        answer["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect()
    };
    let (hers, his) = (ids(hers.output()), ids(his.output()));
    assert!(!hers.is_empty());
    assert!(hers.iter().all(|id| !his.contains(id)), "{hers:?} {his:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "the tenant lives in the real week")]
async fn an_event_goes_into_the_calendar_that_is_named() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, "calendar", ALICE, "Calendars.ReadWrite").await;
    let at = Utc::now().date_naive().checked_add_days(Days::new(200)).unwrap();
    let wish = json!({"subject": "Dock 4", "start": format!("{at}T09:00"), "end": format!("{at}T10:00"),
        "calendar": "vessel surveys"});
    let made = alice.call("calendar_create_event", wish).await.output()["event"]["id"].clone();
    let listed = async |more: Value| {
        let mut period = json!({"start_date": at, "end_date": at});
        period.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = alice.call("calendar_list_events", period).await.output().clone();
        answer["items"].as_array().unwrap().iter().any(|item| item["id"] == made)
    };
    assert!(listed(json!({"calendar": "Vessel surveys"})).await);
    assert!(!listed(json!({})).await, "it is not in the default one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_inside_a_message_is_read() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, "mail-query", ALICE, "").await;
    let path = "/me/messages?$filter=hasAttachments%20eq%20true&$select=id&$top=100&$expand=attachments($select=id,name)";
    let answer = cluster.tenant.graph(ALICE, path).await;
    let inside = answer["value"].as_array().unwrap().iter().find_map(|message| {
        let files = message["attachments"].as_array()?;
        let file = files.iter().find(|file| file["@odata.type"] == "#microsoft.graph.itemAttachment")?;
        Some((message["id"].clone(), file["id"].clone(), file["name"].as_str()?.to_owned()))
    });
    let (message, file, name) = inside.expect("the tenant has a forwarded message");
    let wish = json!({"message_id": message, "attachment_id": file});
    let read = alice.call("get_attachment", wish.clone()).await;
    assert!(read.output().to_string().contains(&name), "{name}: {}", read.text);
    let bob = asking(&cluster, "mail-query", BOB, "").await;
    assert!(!bob.call("get_attachment", wish).await.refusal().contains(&name));
}
