//! Messages, bodies, attachments and searches as a reader sees them.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::Lab;

const IMMUTABLE: (&str, &str) = ("Prefer", "IdType=\"ImmutableId\"");

fn q(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

async fn filtered(lab: &Lab, user: &str, filter: &str) -> Vec<Value> {
    lab.pages(user, &format!("/me/messages?$top=500&$filter={}", q(filter)), &[]).await.0
}

async fn searched(lab: &Lab, user: &str, kql: &str) -> Vec<String> {
    let quoted = format!("\"{}\"", kql.replace('"', "\\\""));
    let rows = lab
        .pages(user, &format!("/me/messages?$top=500&$select=subject&$search={}", q(&quoted)), &[])
        .await
        .0;
    rows.iter().map(|r| r["subject"].as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn me_is_the_signed_in_person() {
    let lab = Lab::new(0);
    let me = lab.get("minji", "/me").await.json();
    assert_eq!(
        (me["displayName"].as_str(), me["preferredLanguage"].as_str()),
        (Some("김민지"), Some("ko-KR"))
    );
    assert_eq!(lab.get("minji", "/me/mailboxSettings").await.json()["timeZone"], "Korea Standard Time");
    let only = lab.get("minji", "/me/mailboxSettings?$select=timeZone").await.json();
    assert!(only["timeZone"] == "Korea Standard Time" && only.get("language").is_none());
    assert_eq!(lab.get("bob", "/me/mailboxSettings/timeZone").await.json()["value"], "Pacific Standard Time");
}

#[actix_web::test]
async fn filters_select_what_they_say() {
    let lab = Lab::new(0);
    let all = filtered(&lab, "alice", "receivedDateTime ge 1900-01-01").await;
    let count = |test: &dyn Fn(&Value) -> bool| all.iter().filter(|m| test(m)).count();
    let address = |m: &Value| m["from"]["emailAddress"]["address"].as_str().unwrap_or_default().to_owned();
    for (filter, want) in [
        ("isRead eq false", count(&|m| m["isRead"] == false)),
        ("not (isRead eq false)", count(&|m| m["isRead"] == true)),
        ("hasAttachments eq true", count(&|m| m["hasAttachments"] == true)),
        (
            "from/emailAddress/address eq 'BOB@contoso.example'",
            count(&|m| address(m) == "bob@contoso.example"),
        ),
        (
            "from/emailAddress/address eq 'erin.o''neil@contoso.example'",
            count(&|m| address(m).starts_with("erin.o'")),
        ),
        (
            "importance eq 'high' or isDraft eq true",
            count(&|m| m["importance"] == "high" || m["isDraft"] == true),
        ),
        ("startswith(subject,'re:')", count(&|m| m["subject"].as_str().unwrap().starts_with("RE:"))),
        ("contains(subject,'''urgent'' shipment')", 0),
        ("contains(subject,'\"50% off\" & more: #42 \\')", 1),
        (
            "categories/any(c:c eq 'travel')",
            count(&|m| m["categories"].as_array().unwrap().iter().any(|c| c == "Travel")),
        ),
        (
            "ccRecipients/any(r:r/emailAddress/address eq 'carol@contoso.example')",
            count(&|m| m["ccRecipients"].to_string().contains("carol@")),
        ),
        ("flag/flagStatus eq 'flagged'", count(&|m| m["flag"]["flagStatus"] == "flagged")),
        ("from eq null", 0),
    ] {
        let path = format!("/me/messages?$top=500&$filter={}", q(filter));
        let got = lab.get("alice", &path).await;
        if filter == "from eq null" {
            assert_eq!(got.status, 400);
            continue;
        }
        let found = got.json()["value"].as_array().unwrap().len();
        assert_eq!(found, want, "{filter}");
        assert!(want > 0 || filter.contains("urgent"), "{filter} selects nothing in this seed");
    }
}

#[actix_web::test]
async fn a_conversation_is_found_by_its_id() {
    let lab = Lab::new(0);
    let all = filtered(&lab, "alice", "contains(subject,'MV Sea Heron')").await;
    assert_eq!(all.len(), 5);
    let id = all[0]["conversationId"].as_str().unwrap();
    let thread = filtered(&lab, "alice", &format!("conversationId eq '{id}'")).await;
    assert_eq!(thread.len(), 5);
    let path = format!("/me/messages?$select=body,uniqueBody&$filter=conversationId%20eq%20'{}'", q(id));
    let newest = &lab.get("alice", &path).await.json()["value"][0];
    let text = |key: &str| newest[key]["content"].as_str().unwrap().to_owned();
    assert!(text("body").contains("fog") && !text("uniqueBody").contains("fog"));
}

#[actix_web::test]
async fn bodies_come_in_the_form_asked_for() {
    let lab = Lab::new(0);
    let path = "/me/messages?$top=500&$select=body,subject";
    for (prefer, only) in [("text", Some("text")), ("html", Some("html"))] {
        let header = format!("outlook.body-content-type=\"{prefer}\"");
        let got = lab.get_with("bob", path, &[("Prefer", &header)]).await;
        assert!(got.header("Preference-Applied").contains(&header));
        let body = got.json();
        let rows = body["value"].as_array().unwrap();
        assert!(rows.iter().all(|m| m["body"]["contentType"].as_str() == only));
        assert_eq!(
            prefer == "text",
            rows.iter().all(|m| !m["body"]["content"].as_str().unwrap().contains("<p>"))
        );
    }
    let native = lab.get("bob", path).await.json();
    let kinds: std::collections::HashSet<_> =
        native["value"].as_array().unwrap().iter().map(|m| m["body"]["contentType"].to_string()).collect();
    assert_eq!(kinds.len(), 2, "both kinds are written");
}

#[actix_web::test]
async fn times_follow_the_preferred_zone() {
    let lab = Lab::new(0);
    let path = "/me/messages?$top=1&$select=receivedDateTime";
    let utc =
        lab.get("alice", path).await.json()["value"][0]["receivedDateTime"].as_str().unwrap().to_owned();
    for zone in ["Korea Standard Time", "Asia/Seoul"] {
        let header = format!("outlook.timezone=\"{zone}\"");
        let local = lab.get_with("alice", path, &[("Prefer", &header)]).await.json();
        let local = local["value"][0]["receivedDateTime"].as_str().unwrap().to_owned();
        assert!(utc.ends_with('Z') && local.ends_with("+09:00"));
        let parse = |t: &str| chrono::DateTime::parse_from_rfc3339(t).unwrap();
        assert_eq!(parse(&utc), parse(&local));
    }
}

#[actix_web::test]
async fn ids_of_both_kinds_lead_to_the_message_but_not_crosswise() {
    let lab = Lab::new(5);
    let path = "/me/messages?$top=3&$select=subject";
    let mutable = lab.get("alice", path).await.json();
    let immutable = lab.get_with("alice", path, &[IMMUTABLE]).await.json();
    for (a, b) in mutable["value"].as_array().unwrap().iter().zip(immutable["value"].as_array().unwrap()) {
        assert_eq!(a["subject"], b["subject"]);
        let (a, b) = (a["id"].as_str().unwrap(), b["id"].as_str().unwrap());
        assert_ne!(a, b);
        for (id, headers, status) in
            [(a, &[][..], 200), (b, &[IMMUTABLE], 200), (a, &[IMMUTABLE], 404), (b, &[], 404)]
        {
            assert_eq!(
                lab.get_with("alice", &format!("/me/messages/{}", q(id)), headers).await.status,
                status
            );
        }
    }
}

#[actix_web::test]
async fn attachments_come_as_json_and_as_bytes() {
    let lab = Lab::new(0);
    let rows = filtered(&lab, "minji", "hasAttachments eq true").await;
    let mut kinds = std::collections::BTreeSet::new();
    for row in &rows {
        let id = row["id"].as_str().unwrap();
        let list = lab.get("minji", &format!("/me/messages/{id}/attachments")).await.json();
        for file in list["value"].as_array().unwrap() {
            let path = format!("/me/messages/{id}/attachments/{}", file["id"].as_str().unwrap());
            let one = lab.get("minji", &path).await.json();
            let kind = one["@odata.type"].as_str().unwrap().to_owned();
            let value = lab.get("minji", &format!("{path}/$value")).await;
            if let Some(bytes) = one["contentBytes"].as_str() {
                assert_eq!(STANDARD.decode(bytes).unwrap(), value.body);
                assert_eq!(value.body.len() as u64, one["size"].as_u64().unwrap());
            } else if kind.contains("itemAttachment") {
                assert!(String::from_utf8_lossy(&value.body).contains("Subject: =?utf-8?B?"));
                let item = lab
                    .get("minji", &format!("{path}?$expand=microsoft.graph.itemAttachment/item"))
                    .await
                    .json();
                assert!(item["item"]["subject"].as_str().unwrap().contains("선석"));
            } else {
                assert_eq!(value.status, 405);
            }
            kinds.insert(kind);
        }
    }
    assert_eq!(kinds.len(), 3);
}

#[actix_web::test]
async fn a_message_is_also_a_mime_file() {
    let lab = Lab::new(0);
    let rows = filtered(&lab, "minji", "contains(subject,'견적서 송부') and hasAttachments eq true").await;
    let mime = lab.get("minji", &format!("/me/messages/{}/$value", rows[0]["id"].as_str().unwrap())).await;
    let text = String::from_utf8(mime.body).unwrap();
    assert!(text.contains("Content-Type: multipart/mixed") && text.contains("\r\nSubject: =?utf-8?B?"));
    assert!(text.contains("Message-ID: <") && text.trim_end().ends_with("--"));
}

#[actix_web::test]
async fn searches_find_words_as_the_index_breaks_them() {
    let lab = Lab::new(0);
    let none: Vec<String> = Vec::new();
    let subject = "FW: 부산항 크레인 계약서 검토 요청";
    assert!(
        searched(&lab, "minji", "body:계약서*").await.len()
            > searched(&lab, "minji", "body:계약서").await.len()
    );
    assert_eq!(searched(&lab, "minji", "body:계약").await, none, "particles hide the noun");
    assert!(searched(&lab, "minji", "from:minji AND to:legal").await.contains(&subject.to_owned()));
    assert_eq!(
        searched(&lab, "alice", "\"revised drawings\" AND from:carol").await,
        ["RE: Harbor crane: revised drawings"]
    );
    assert_eq!(searched(&lab, "alice", "\"drawings revised\"").await, none);
    assert_eq!(searched(&lab, "alice", "attachment:itinerary").await, ["Travel to Busan 3-6 March"]);
    assert_eq!(
        searched(&lab, "alice", "subject:noodle OR subject:lunch NOT from:bob NOT from:alice").await,
        ["Lunch on Thursday?"]
    );
    assert_eq!(searched(&lab, "alice", "received<2001-01-01").await, none);
    let all = searched(&lab, "alice", "kind:email").await.len();
    assert_eq!(searched(&lab, "alice", "received>=2001-01-01").await.len(), all);
    assert!(searched(&lab, "alice", "hasAttachments:true").await.len() < all);
    assert_eq!(
        searched(&lab, "alice", "participants:minji*").await.len(),
        searched(&lab, "alice", "participants:minji").await.len()
    );
}

#[actix_web::test]
async fn a_search_ends_at_its_ceiling() {
    let lab = Lab::new(400);
    let path = format!("/me/messages?$top=60&$select=subject&$search={}", q("\"kind:email\""));
    let (rows, pages) = lab.pages("alice", &path, &[]).await;
    assert_eq!((rows.len(), pages), (250, 5));
}
