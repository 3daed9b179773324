//! Every answer fits Graph's own description (closed schemas): the simulator cannot drift from it.
use jsonschema::Validator;
use serde_json::{Value, json};

use super::{ALL, Got, Lab};

const TEXT: (&str, &str) = ("Prefer", "outlook.body-content-type=\"text\"");
const HTML: (&str, &str) =
    ("Prefer", "outlook.body-content-type=\"html\", outlook.timezone=\"Korea Standard Time\"");
const IMMUTABLE: (&str, &str) = ("Prefer", "IdType=\"ImmutableId\"");

/// Template in the description, and requests of it; `{m}`, `{a}`, `{f}` stand for ids.
const REQUESTS: &[(&str, &[&str])] = &[
    ("/me", &["/me", "/me?$select=id,displayName,mail,userPrincipalName,preferredLanguage"]),
    ("/users/{user-id}", &["/users/{u}", "/users/{u}?$select=accountEnabled,userType,id"]),
    ("/me/mailboxSettings", &["/me/mailboxSettings", "/me/mailboxSettings?$select=timeZone"]),
    (
        "/me/mailFolders",
        &[
            "/me/mailFolders",
            "/me/mailFolders?$top=100&includeHiddenFolders=true&$count=true",
            "/me/mailFolders?$select=id,displayName,totalItemCount&$top=3",
            "/me/mailFolders?$filter=displayName eq 'Inbox'",
            "/me/mailFolders?$skip=3",
            "/me/mailFolders?$expand=childFolders&$top=50",
        ],
    ),
    (
        "/me/mailFolders/{mailFolder-id}",
        &[
            "/me/mailFolders/inbox",
            "/me/mailFolders/{f}",
            "/me/mailFolders/sentitems?$select=unreadItemCount",
        ],
    ),
    (
        "/me/mailFolders/{mailFolder-id}/childFolders",
        &["/me/mailFolders/{f}/childFolders", "/me/mailFolders/msgfolderroot/childFolders?$top=50"],
    ),
    (
        "/me/messages",
        &[
            "/me/messages",
            "/me/messages?$top=1000&$select=subject,body,uniqueBody,from,flag",
            "/me/messages?$top=200&$select=internetMessageHeaders,internetMessageId,conversationIndex,webLink",
            "/me/messages?$top=200&$expand=attachments($select=id,name,contentType,size,isInline)&$select=id",
            "/me/messages?$top=25&$orderby=receivedDateTime desc&$select=id,subject,bodyPreview,toRecipients",
            "/me/messages?$filter=receivedDateTime ge 2020-01-01T00:00:00Z and isRead eq false&$orderby=receivedDateTime desc&$count=true",
            "/me/messages?$filter=hasAttachments eq true and importance eq 'high'",
            "/me/messages?$filter=toRecipients/any(r:r/emailAddress/address eq 'alice@contoso.example')",
            "/me/messages?$filter=startswith(subject,'RE:') or contains(subject,'it''s')",
            "/me/messages?$filter=categories/any(c:c eq 'Travel')",
            "/me/messages?$filter=not (isDraft eq true) and flag/flagStatus eq 'flagged'",
            "/me/messages?$filter=isDraft eq true",
            "/me/messages?$search=\"crane OR 계약서*\"",
            "/me/messages?$search=\"from:maria AND hasAttachments:true\"&$top=5",
            "/me/messages?$search=\"subject:\\\"revised drawings\\\" received>=2020-01-01\"",
            "/me/messages?$orderby=subject,isRead desc&$top=50&$skip=10",
        ],
    ),
    (
        "/me/mailFolders/{mailFolder-id}/messages",
        &[
            "/me/mailFolders/inbox/messages?$top=3",
            "/me/mailFolders/{f}/messages",
            "/me/mailFolders/drafts/messages",
            "/me/mailFolders/sentitems/messages?$select=sentDateTime",
        ],
    ),
    (
        "/me/messages/{message-id}",
        &[
            "/me/messages/{m}",
            "/me/messages/{m}?$select=subject,body,uniqueBody,internetMessageHeaders&$expand=attachments($select=id,name,contentType,size,isInline)",
            "/me/messages/{m}?$expand=attachments",
        ],
    ),
    (
        "/me/messages/{message-id}/attachments",
        &[
            "/me/messages/{m}/attachments",
            "/me/messages/{m}/attachments?$select=id,name,size,contentType,isInline",
        ],
    ),
    (
        "/me/messages/{message-id}/attachments/{attachment-id}",
        &[
            "/me/messages/{m}/attachments/{a}",
            "/me/messages/{m}/attachments/{a}?$select=name,contentBytes",
            "/me/messages/{m}/attachments/{a}?$expand=microsoft.graph.itemAttachment/item",
        ],
    ),
    ("/users/{user-id}/messages", &["/users/{u}/messages?$top=2"]),
    (
        "/me/calendars",
        &["/me/calendars", "/me/calendars?$select=id,name,isDefaultCalendar,canEdit,owner,hexColor"],
    ),
    (
        "/me/calendarView",
        &[
            "/me/calendarView?startDateTime={from}&endDateTime={to}&$top=200&$orderby=start/dateTime",
            "/me/calendarView?startDateTime={from}&endDateTime={to}&$top=3&$count=true",
            "/me/calendarView?startDateTime={from}&endDateTime={to}&$select=id,subject,start,end,onlineMeeting,recurrence",
        ],
    ),
    (
        "/me/calendars/{calendar-id}/calendarView",
        &["/me/calendars/{c}/calendarView?startDateTime={from}&endDateTime={to}"],
    ),
    (
        "/me/events",
        &["/me/events?$top=50", "/me/events?$select=subject,recurrence,type&$orderby=start/dateTime desc"],
    ),
    ("/me/events/{event-id}", &["/me/events/{e}", "/me/events/{e}?$select=body,attendees"]),
    (
        "/me/events/{event-id}/instances",
        &["/me/events/{e}/instances?startDateTime={from}&endDateTime={to}&$top=5"],
    ),
    ("/me/calendarView/delta", &["/me/calendarView/delta?startDateTime={from}&endDateTime={to}"]),
    (
        "/places/microsoft.graph.room",
        &["/places/microsoft.graph.room", "/places/microsoft.graph.room?$top=5&$select=displayName,capacity"],
    ),
    ("/users/{user-id}/calendarView", &["/users/{u}/calendarView?startDateTime={from}&endDateTime={to}"]),
    ("/me/drive", &["/me/drive", "/me/drive?$select=id"]),
    ("/me/drive/root", &["/me/drive/root", "/me/drive/root?$select=id,name,folder"]),
    (
        "/me/drive/root/children",
        &[
            "/me/drive/root/children",
            "/me/drive/root/children?$top=2&$orderby=name&$select=id,name,size,file,folder",
        ],
    ),
    (
        "/me/drive/items/{driveItem-id}",
        &["/me/drive/items/{i}", "/me/drive/items/{i}?$select=id,eTag,webUrl"],
    ),
    ("/me/drive/items/{driveItem-id}/children", &["/me/drive/items/root/children?$top=1"]),
    ("/me/drive/items/{driveItem-id}/versions", &["/me/drive/items/{i}/versions"]),
    ("/me/drive/items/{driveItem-id}/permissions", &["/me/drive/items/{i}/permissions"]),
    ("/me/drive/root/search(q='{q}')", &["/me/drive/root/search(q='e')?$top=3"]),
    ("/me/drive/recent", &["/me/drive/recent"]),
    ("/me/drive/sharedWithMe", &["/me/drive/sharedWithMe"]),
    (
        "/me/drive/root/delta",
        &[
            "/me/drive/root/delta?$top=40",
            "/me/drive/root/delta?token=latest",
            "/me/drive/root/delta?token=2020-01-01T00:00:00Z",
        ],
    ),
];

/// The description, when the folder of shared papers is there.
pub(super) fn description() -> Option<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/graph-openapi.json");
    let text = std::fs::read_to_string(path);
    if text.is_err() {
        println!("skipped: ../shared/graph-openapi.json is not there");
    }
    Some(serde_json::from_str(&text.ok()?).unwrap())
}

pub(super) fn validator(description: &Value, schema: &Value) -> Validator {
    let mut root = schema.clone();
    root["components"] = description["components"].clone();
    jsonschema::options().should_validate_formats(true).build(&root).unwrap()
}

fn answer_schema<'a>(description: &'a Value, template: &str, method: &str) -> &'a Value {
    &description["paths"][template][method]["responses"]["200"]["content"]["application/json"]["schema"]
}

#[actix_web::test]
async fn every_answer_fits_the_description() {
    let Some(description) = description() else { return };
    let lab = Lab::new(20);
    let closed = validator(&description, answer_schema(&description, "/me/messages", "get"));
    assert!(!closed.is_valid(&json!({ "value": [{ "nonsense": 1 }] })), "the schemas are closed");
    let schema = |template: &str| answer_schema(&description, template, "get");
    let validators: Vec<Validator> =
        REQUESTS.iter().map(|(template, _)| validator(&description, schema(template))).collect();
    let mut checked = 0;
    for user in ["alice", "bob", "minji"] {
        for prefer in [None, Some(TEXT), Some(HTML), Some(IMMUTABLE)] {
            let headers: Vec<_> = prefer.into_iter().collect();
            let ids = Ids::of(&lab, user, &headers).await;
            for ((_, requests), validator) in REQUESTS.iter().zip(&validators) {
                for request in *requests {
                    let path = ids.fill(request);
                    let got = lab.get_with(user, &path, &headers).await;
                    fits(validator, &got, &path);
                    checked += 1;
                }
            }
            lab.state.graph.reset();
        }
    }
    assert!(checked > 400, "{checked}");
}

fn fits(validator: &Validator, got: &Got, path: &str) {
    assert_eq!(got.status, 200, "{path}: {}", String::from_utf8_lossy(&got.body));
    let faults = faults(validator, &got.json());
    assert!(faults.is_empty(), "{path}: {}", faults.join("; ").chars().take(2000).collect::<String>());
}

/// The first things that do not fit.
pub(super) fn faults(validator: &Validator, body: &Value) -> Vec<String> {
    validator.iter_errors(body).map(|e| format!("{} at {}", e, e.instance_path())).take(3).collect()
}

/// A message with a file, that file, and a folder with children.
struct Ids {
    user: String,
    message: String,
    attachment: String,
    folder: String,
    calendar: String,
    series: String,
    /// A file in the drive.
    file: String,
}

impl Ids {
    async fn of(lab: &Lab, user: &str, headers: &[(&str, &str)]) -> Self {
        let list = lab
            .get_with(user, "/me/messages?$filter=hasAttachments%20eq%20true&$select=id&$top=1", headers)
            .await
            .json();
        let message = list["value"][0]["id"].as_str().unwrap().to_owned();
        let files = lab
            .get_with(user, &format!("/me/messages/{message}/attachments?$select=id"), headers)
            .await
            .json();
        let folders = lab.get_with(user, "/me/mailFolders?$top=100", headers).await.json();
        let parent = folders["value"]
            .as_array()
            .unwrap()
            .iter()
            .find(|f| f["childFolderCount"].as_u64() > Some(0))
            .unwrap();
        let calendars = lab.get_with(user, "/me/calendars", headers).await.json();
        let events = lab.get_with(user, "/me/events?$top=50&$select=type", headers).await.json();
        let series =
            events["value"].as_array().unwrap().iter().find(|e| e["type"] == "seriesMaster").unwrap();
        let recent = lab.get_with(user, "/me/drive/recent?$top=1", headers).await.json();
        let recent = &recent["value"][0];
        let file = recent.get("remoteItem").map_or(recent, |_| &serde_json::Value::Null);
        let children = lab.get_with(user, "/me/drive/root/search(q='txt')?$top=1", headers).await.json();
        let file = file["id"].as_str().or(children["value"][0]["id"].as_str()).unwrap();
        Self {
            file: file.to_owned(),
            calendar: calendars["value"][1]["id"].as_str().unwrap().to_owned(),
            series: series["id"].as_str().unwrap().to_owned(),
            user: format!("{user}@contoso.example"),
            message,
            attachment: files["value"][0]["id"].as_str().unwrap().to_owned(),
            folder: parent["id"].as_str().unwrap().to_owned(),
        }
    }

    fn fill(&self, request: &str) -> String {
        let path = request.replace("{u}", &self.user).replace("{m}", &self.message);
        let path = path.replace("{a}", &self.attachment).replace("{f}", &self.folder);
        let path =
            path.replace("{c}", &self.calendar).replace("{e}", &self.series).replace("{i}", &self.file);
        let day =
            |days: i64| (crate::sim::clock::now() + chrono::Duration::days(days)).date_naive().to_string();
        let path = path.replace("{from}", &format!("{}T00:00:00Z", day(-60))).replace("{to}", &day(60));
        let (path, query) = path.split_once('?').unwrap_or((&path, ""));
        let query: Vec<String> = query.split('&').filter(|p| !p.is_empty()).map(encode).collect();
        format!("{path}?{}", query.join("&"))
    }
}

fn encode(pair: &str) -> String {
    let (name, value) = pair.split_once('=').unwrap();
    format!("{name}={}", percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC))
}

#[actix_web::test]
async fn search_batch_and_errors_fit_the_description() {
    let Some(description) = description() else { return };
    let lab = Lab::new(0);
    let token = lab.token("minji", &ALL);
    let body = json!({ "requests": [{ "entityTypes": ["message"], "query": { "queryString": "계약서* OR subject:견적" }, "from": 0, "size": 25 }] });
    let found = lab.send(&token, "POST", "/v1.0/search/query", &[], &body.to_string()).await;
    fits(
        &validator(&description, answer_schema(&description, "/search/query", "post")),
        &found,
        "/search/query",
    );
    let container = &found.json()["value"][0]["hitsContainers"][0];
    assert!(container["total"].as_u64().unwrap() >= 4);
    let message = validator(&description, &json!({ "$ref": "#/components/schemas/message" }));
    for hit in container["hits"].as_array().unwrap() {
        assert!(message.is_valid(&hit["resource"]), "{hit}");
    }
    let body = json!({ "requests": [{ "id": "1", "method": "GET", "url": "/me/messages" }, { "id": "2", "method": "GET", "url": "/me/x" }] });
    let batch = lab.send(&token, "POST", "/v1.0/$batch", &[], &body.to_string()).await;
    fits(&validator(&description, answer_schema(&description, "/$batch", "post")), &batch, "/$batch");
    let error = validator(&description, &json!({ "$ref": "#/components/schemas/odataError" }));
    for path in ["/me/messages/x", "/me/messages?$filter=x", "/me/messages?$select=x", "/nonsense"] {
        let got = lab.get("minji", path).await;
        assert!(got.status >= 400 && error.is_valid(&got.json()), "{path}");
    }
}
