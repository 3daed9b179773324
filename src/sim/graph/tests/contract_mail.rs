//! Writing mail, both ways: bodies that fit Graph's own description are accepted, and the answers fit it too.
use serde_json::{Value, json};

use super::contract::description;
use super::contract_writes::{Wish, send};
use super::{Got, Lab};

const IMMUTABLE: (&str, &str) = ("Prefer", "IdType=\"ImmutableId\"");
const SUBJECT: &str = "\"Crane\" 🏗 100% שלום 크레인";

/// A tenant, its description, and a token that may write and send.
struct Desk {
    lab: Lab,
    description: Value,
    token: String,
}

impl Desk {
    fn of(user: &str) -> Option<Self> {
        let description = description()?;
        let lab = Lab::new(0);
        let token = lab.token(user, &["Mail.ReadWrite", "Mail.Send"]);
        Some(Self { lab, description, token })
    }

    /// A write below `/me/messages`; `template` begins there, `id` stands for `{message-id}`.
    async fn mail(&self, method: &str, template: &str, id: &str, body: Value, status: u16) -> Got {
        let template = format!("/me/messages{template}");
        let url = template.replace("{message-id}", id);
        send(
            &self.lab,
            &self.token,
            &self.description,
            Wish { method, template: &template, url, body, status },
        )
        .await
    }

    async fn new_draft(&self, to: &str) -> Value {
        let body = json!({
            "subject": SUBJECT, "body": {"contentType": "html", "content": "<p>Hello <b>Bob</b></p>"},
            "toRecipients": [{"emailAddress": {"address": to}}], "importance": "high",
        });
        self.mail("POST", "", "", body, 201).await.json()
    }

    async fn found(&self, user: &str, folder: &str) -> Vec<Value> {
        let path = format!("/me/mailFolders/{folder}/messages?$top=500");
        let rows = self.lab.get_with(user, &path, &[IMMUTABLE]).await.json();
        rows["value"].as_array().unwrap().iter().filter(|row| row["subject"] == SUBJECT).cloned().collect()
    }
}

#[actix_web::test]
async fn a_draft_is_written_changed_and_sent_once() {
    let Some(desk) = Desk::of("alice") else { return };
    let draft = desk.new_draft("bob@contoso.example").await;
    assert_eq!(
        (&draft["isDraft"], &draft["from"]["emailAddress"]["address"]),
        (&json!(true), &json!("alice@contoso.example"))
    );
    let id = draft["id"].as_str().unwrap();
    let changed = desk.mail("PATCH", "/{message-id}", id, json!({"ccRecipients": []}), 200).await.json();
    assert_ne!(changed["changeKey"], draft["changeKey"]);
    let old = [("If-Match", draft["@odata.etag"].as_str().unwrap()), ("Content-Type", "application/json")];
    let url = format!("/v1.0/me/messages/{id}");
    let late = desk.lab.send(&desk.token, "PATCH", &url, &old, "{\"subject\":\"x\"}").await;
    assert_eq!((late.status, late.code().as_str()), (412, "ErrorIrresolvableConflict"));

    // The mutable id dies with the move into Sent Items, the immutable one stays.
    let immutable = desk.found("alice", "drafts").await[0]["id"].clone();
    desk.mail("POST", "/{message-id}/send", id, Value::Null, 202).await;
    desk.mail("POST", "/{message-id}/send", id, Value::Null, 404).await;
    assert!(desk.found("alice", "drafts").await.is_empty());
    let sent = desk.found("alice", "sentitems").await;
    assert_eq!((sent.len(), &sent[0]["id"], &sent[0]["isDraft"]), (1, &immutable, &json!(false)));
    let theirs = desk.found("bob", "inbox").await;
    assert_eq!((theirs.len(), &theirs[0]["isRead"]), (1, &json!(false)));
    assert_eq!(theirs[0]["internetMessageId"], sent[0]["internetMessageId"]);
    let again = format!("/v1.0/me/messages/{}/send", immutable.as_str().unwrap());
    assert_eq!(desk.lab.send(&desk.token, "POST", &again, &[IMMUTABLE], "").await.status, 400);
    assert_eq!(desk.found("bob", "inbox").await.len(), 1);
}

#[actix_web::test]
async fn what_cannot_be_sent_is_refused_and_stays() {
    let Some(desk) = Desk::of("alice") else { return };
    let empty = desk.mail("POST", "", "", json!({"subject": SUBJECT}), 201).await.json();
    let refused =
        desk.mail("POST", "/{message-id}/send", empty["id"].as_str().unwrap(), Value::Null, 400).await;
    assert_eq!(refused.code(), "ErrorInvalidRecipients");
    let odd = desk.new_draft("bob@contoso").await;
    desk.mail("POST", "/{message-id}/send", odd["id"].as_str().unwrap(), Value::Null, 400).await;
    let other = desk.new_draft("bob@contoso.example").await;
    let id = other["id"].as_str().unwrap();
    let as_bob = json!({"from": {"emailAddress": {"address": "bob@contoso.example"}}});
    desk.mail("PATCH", "/{message-id}", id, as_bob, 200).await;
    assert_eq!(
        desk.mail("POST", "/{message-id}/send", id, Value::Null, 403).await.code(),
        "ErrorSendAsDenied"
    );
    assert_eq!(desk.found("alice", "drafts").await.len(), 3);
    desk.mail("POST", "", "", json!({"subject": 7}), 400).await;
    desk.mail("POST", "", "", json!({"colour": "red"}), 400).await;
}

#[actix_web::test]
async fn answers_keep_the_history_and_take_a_comment_or_a_body() {
    let Some(desk) = Desk::of("alice") else { return };
    let rows =
        desk.lab.get("alice", "/me/mailFolders/inbox/messages?$top=1&$select=id,subject,from").await.json();
    let original = rows["value"][0].clone();
    let id = original["id"].as_str().unwrap();
    let reply =
        desk.mail("POST", "/{message-id}/createReply", id, json!({"comment": "ok"}), 201).await.json();
    assert_eq!(reply["toRecipients"][0], original["from"]);
    assert!(reply["subject"].as_str().unwrap().to_uppercase().starts_with("RE: "), "{reply}");
    assert!(reply["body"]["content"].as_str().unwrap().contains("ok"));
    desk.mail("POST", "/{message-id}/createReplyAll", id, json!({}), 201).await;
    let body = json!({"contentType": "text", "content": "mine"});
    let both = json!({"comment": "ok", "message": {"body": body}});
    desk.mail("POST", "/{message-id}/createReply", id, both, 400).await;
    let own =
        desk.mail("POST", "/{message-id}/createReply", id, json!({"message": {"body": body}}), 201).await;
    assert_eq!(own.json()["body"]["content"], "mine");
    let bob = json!([{"emailAddress": {"address": "bob@contoso.example"}}]);
    let forward = json!({"toRecipients": bob, "comment": "fyi"});
    let forward = desk.mail("POST", "/{message-id}/createForward", id, forward, 201).await.json();
    assert_eq!(forward["toRecipients"][0]["emailAddress"]["name"], "Bob Baker");
    desk.mail("POST", "/{message-id}/createForward", id, json!({"comment": "fyi"}), 400).await;
    let twice = json!({"toRecipients": bob, "message": {"toRecipients": bob}});
    desk.mail("POST", "/{message-id}/createForward", id, twice, 400).await;
}

#[actix_web::test]
async fn marks_moves_and_removal() {
    let Some(desk) = Desk::of("alice") else { return };
    let unread = "/me/mailFolders/inbox/messages?$top=1&$filter=isRead%20eq%20false";
    let before = desk.lab.get("alice", "/me/mailFolders/inbox").await.json();
    let message = desk.lab.get("alice", unread).await.json()["value"][0].clone();
    let id = message["id"].as_str().unwrap();
    let marks = json!({"isRead": true, "categories": ["Blue category"], "flag": {"flagStatus": "flagged"}, "importance": "low"});
    let marked = desk.mail("PATCH", "/{message-id}", id, marks, 200).await.json();
    assert_eq!((&marked["isRead"], &marked["flag"]["flagStatus"]), (&json!(true), &json!("flagged")));
    let after = desk.lab.get("alice", "/me/mailFolders/inbox").await.json();
    assert_eq!(after["unreadItemCount"].as_u64(), before["unreadItemCount"].as_u64().map(|n| n - 1));
    desk.mail("PATCH", "/{message-id}", id, json!({"subject": "mine"}), 400).await;
    desk.mail("POST", "/{message-id}/move", id, json!({"destinationId": "nowhere"}), 400).await;
    let moved =
        desk.mail("POST", "/{message-id}/move", id, json!({"destinationId": "archive"}), 201).await.json();
    assert_ne!(moved["id"], message["id"]);
    desk.mail("PATCH", "/{message-id}", id, json!({"isRead": false}), 404).await;
    let id = moved["id"].as_str().unwrap();
    let copy =
        desk.mail("POST", "/{message-id}/copy", id, json!({"destinationId": "archive"}), 201).await.json();
    assert_ne!(copy["id"], moved["id"]);
    desk.mail("DELETE", "/{message-id}", id, Value::Null, 204).await;
    desk.mail("DELETE", "/{message-id}", id, Value::Null, 404).await;
    let now = desk.lab.get("alice", "/me/mailFolders/inbox").await.json();
    assert_eq!(now["totalItemCount"].as_u64(), before["totalItemCount"].as_u64().map(|n| n - 1));
    let folder = |name: &str, status| Wish {
        method: "POST",
        template: "/me/mailFolders",
        url: "/me/mailFolders".to_owned(),
        body: json!({"displayName": name}),
        status,
    };
    send(&desk.lab, &desk.token, &desk.description, folder("Crane 🏗", 201)).await;
    send(&desk.lab, &desk.token, &desk.description, folder("crane 🏗", 409)).await;
}

#[actix_web::test]
async fn a_delta_tells_everything_first_and_then_what_changed() {
    let Some(desk) = Desk::of("alice") else { return };
    let (mut link, mut seen) = ("/me/mailFolders/inbox/messages/delta?$select=subject,isRead".to_owned(), 0);
    let page = async |link: &str| {
        let got = desk.lab.get_with("alice", link, &[IMMUTABLE, ("Prefer", "odata.maxpagesize=7")]).await;
        assert_eq!(got.status, 200, "{link}");
        got.json()
    };
    let cut = |link: &Value| link.as_str().map(|link| link.split_once("/v1.0").unwrap().1.to_owned());
    let since = loop {
        let got = page(&link).await;
        seen += got["value"].as_array().unwrap().len();
        match cut(&got["@odata.nextLink"]) {
            Some(next) => link = next,
            None => break cut(&got["@odata.deltaLink"]).expect("the end of a round"),
        }
    };
    let inbox = desk.lab.get("alice", "/me/mailFolders/inbox").await.json();
    assert_eq!(seen as u64, inbox["totalItemCount"].as_u64().unwrap());
    assert_eq!(page(&since).await["value"], json!([]));
    let rows = desk.lab.get_with("alice", "/me/mailFolders/inbox/messages?$top=2", &[IMMUTABLE]).await.json();
    let id = |at: usize| rows["value"][at]["id"].as_str().unwrap().to_owned();
    for (method, id, body) in [("PATCH", id(0), "{\"importance\":\"low\"}"), ("DELETE", id(1), "")] {
        let url = format!("/v1.0/me/messages/{id}");
        let headers = [IMMUTABLE, ("Content-Type", "application/json")];
        assert!(desk.lab.send(&desk.token, method, &url, &headers, body).await.status < 300);
    }
    let changed = page(&since).await;
    let rows = changed["value"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["id"], &rows[1]["id"]), (2, &json!(id(0)), &json!(id(1))));
    assert_eq!(rows[1]["@removed"]["reason"], "deleted");
    let next = cut(&changed["@odata.deltaLink"]).unwrap();
    assert_eq!(page(&next).await["value"], json!([]));
    assert_eq!(desk.lab.get("bob", &since).await.status, 410, "the link is Alice's");
    let forged = since.replace("deltatoken=", "deltatoken=A");
    assert_eq!(desk.lab.get("alice", &forged).await.code(), "SyncStateNotFound");
}

#[actix_web::test]
async fn scopes_decide_who_writes_and_who_sends() {
    let Some(desk) = Desk::of("alice") else { return };
    let draft = desk.new_draft("bob@contoso.example").await;
    let send = format!("/v1.0/me/messages/{}/send", draft["id"].as_str().unwrap());
    let json = [("Content-Type", "application/json")];
    for (scopes, path, status) in [
        (&["Mail.Read", "Mail.Send"][..], "/v1.0/me/messages", 403),
        (&["Mail.ReadWrite"], send.as_str(), 403),
        (&["Mail.ReadWrite"], "/v1.0/me/messages", 201),
        (&["Mail.Send"], send.as_str(), 202),
    ] {
        let got = desk.lab.send(&desk.lab.token("alice", scopes), "POST", path, &json, "{}").await;
        assert_eq!(got.status, status, "{scopes:?} {path}");
    }
    let bob = desk.lab.token("bob", &["Mail.ReadWrite", "Mail.Send"]);
    assert_eq!(desk.lab.send(&bob, "POST", &send, &[], "").await.status, 400);
}

#[actix_web::test]
async fn automatic_replies_are_set_and_the_rest_of_them_stays() {
    let Some(desk) = Desk::of("alice") else { return };
    let token = desk.lab.token("alice", &["MailboxSettings.ReadWrite"]);
    let patch = async |setting: Value, status| {
        let body = json!({ "automaticRepliesSetting": setting });
        let url = "/me/mailboxSettings".to_owned();
        let wish = Wish { method: "PATCH", template: "/me/mailboxSettings", url, body, status };
        send(&desk.lab, &token, &desk.description, wish).await.json()
    };
    patch(json!({"status": "alwaysEnabled", "internalReplyMessage": "<p>Away</p>"}), 200).await;
    let now = patch(json!({"externalAudience": "none"}), 200).await["automaticRepliesSetting"].clone();
    assert_eq!(
        (&now["status"], &now["internalReplyMessage"]),
        (&json!("alwaysEnabled"), &json!("<p>Away</p>"))
    );
    patch(json!({"status": "sometimes"}), 400).await;
    let bob = desk.lab.get("bob", "/me/mailboxSettings").await.json();
    assert_eq!(bob["automaticRepliesSetting"]["status"], "disabled");
    let reader = desk.lab.token("alice", &["MailboxSettings.Read"]);
    let body = "{\"automaticRepliesSetting\":{}}";
    let refused = desk.lab.send(&reader, "PATCH", "/v1.0/me/mailboxSettings", &[], body).await;
    assert_eq!(refused.status, 403);
}

#[actix_web::test]
async fn files_are_attached_in_one_piece_or_in_pieces_and_taken_away() {
    const ALL: &str = "/{message-id}/attachments";
    let Some(desk) = Desk::of("alice") else { return };
    let draft = desk.new_draft("bob@contoso.example").await;
    let id = draft["id"].as_str().unwrap();
    let file = |name: &str, bytes: &str| {
        json!({
            "@odata.type": "#microsoft.graph.fileAttachment", "name": name, "contentType": "text/plain",
            "contentBytes": bytes,
        })
    };
    let made = desk.mail("POST", ALL, id, file("it's #1 100% 🚢.txt", "aGVsbG8="), 201).await.json();
    assert_eq!(
        (&made["size"], &made["contentType"], &made["isInline"]),
        (&json!(5), &json!("text/plain"), &json!(false))
    );
    let second = desk.mail("POST", ALL, id, file("second.txt", "aGVsbG8="), 201).await.json();
    for (body, status) in [
        (json!({"name": "x", "contentBytes": "aGVsbG8="}), 400),
        (file("x", "no base64!"), 400),
        (file("", "aGVsbG8="), 400),
        (file("large", &"A".repeat(4 << 20)), 413),
    ] {
        desk.mail("POST", ALL, id, body, status).await;
    }
    desk.mail("POST", ALL, "AAMkAG-none", file("x", "aGVsbG8="), 400).await;
    // Ids of the others stay when one goes.
    let url = format!("{id}/attachments/{}", made["id"].as_str().unwrap());
    let one = |url: String| format!("/me/messages/{url}");
    let gone = desk.lab.send(&desk.token, "DELETE", &format!("/v1.0{}", one(url.clone())), &[], "").await;
    assert_eq!((gone.status, gone.body.len()), (204, 0));
    assert_eq!(
        desk.lab.send(&desk.token, "DELETE", &format!("/v1.0{}", one(url)), &[], "").await.status,
        404
    );
    let rows = desk.lab.get("alice", &format!("/me/messages/{id}/attachments")).await.json();
    assert_eq!((rows["value"].as_array().unwrap().len(), &rows["value"][0]["id"]), (1, &second["id"]));

    let open =
        |size: u64| json!({"AttachmentItem": {"attachmentType": "file", "name": "b.bin", "size": size}});
    let template = "/{message-id}/attachments/createUploadSession";
    let small = desk.mail("POST", template, id, open(1 << 20), 400).await;
    assert_eq!(small.code(), "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize");
    desk.mail("POST", template, id, open(200 << 20), 413).await;
    desk.mail("POST", template, id, json!({"AttachmentItem": {"name": "b.bin"}}), 400).await;
    let session = desk.mail("POST", template, id, open(3 << 20), 201).await.json();
    let upload = session["uploadUrl"].as_str().unwrap().split_once("graph.test").unwrap().1.to_owned();
    let put = async |range: &str, bytes: &str, token: &str| {
        desk.lab.send(token, "PUT", &upload, &[("Content-Range", range)], bytes).await
    };
    let half = "x".repeat(1_572_864);
    // Every answer of this laboratory's client carries a token, and a token here has leaked.
    assert_eq!(put("bytes 0-1572863/3145728", &half, &desk.token).await.status, 401);
    let reader = desk.lab.token("alice", &["Mail.Read"]);
    let refused =
        desk.lab.send(&reader, "POST", &format!("/v1.0/me/messages/{id}/attachments"), &[], "{}").await;
    assert_eq!(refused.status, 403);
    let bob = desk.lab.token("bob", &["Mail.ReadWrite"]);
    let url = format!("/v1.0/me/messages/{id}/attachments");
    let body = file("x", "aGVsbG8=").to_string();
    assert_eq!(desk.lab.send(&bob, "POST", &url, &[], &body).await.status, 400);
}
