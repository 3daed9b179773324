//! Messages as JSON: only the chosen properties are computed.
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::attachments;
use super::call::Call;
use super::ids;
use super::json::Json;
use super::mailbox::{MailRow, Mailbox, flag_word};
use super::prefer::BodyForm;
use super::select::Select;
use super::zones::stamp;
use crate::sim::seed::model::{Body, Contact, Flag, Mail};
use crate::sim::seed::rng::mix;
use crate::sim::seed::text;

/// What to write of each message.
pub(super) struct View<'a> {
    pub(super) call: &'a Call<'a>,
    pub(super) mailbox: &'a Mailbox,
    pub(super) select: Select,
    pub(super) attachments: Option<Select>,
}

impl View<'_> {
    /// Writes message `ix` as an object; `context` goes first when given.
    pub(super) fn message(&self, json: &mut Json, ix: u32, context: Option<&str>) {
        let row = MailRow::new(self.mailbox, ix, self.call.prefer.ids);
        let mail = row.mail();
        json.object(|json| {
            if let Some(context) = context {
                json.member("@odata.context", context);
            }
            json.member("@odata.etag", &format!("W/\"{}\"", change_key(mail)));
            for field in &self.select.fields {
                self.field(json, field, ix, mail);
            }
            if let Some(select) = &self.attachments {
                json.key("attachments");
                attachments::write_all(json, self, ix, mail, select);
            }
        });
    }

    fn field(&self, json: &mut Json, field: &str, ix: u32, mail: &Mail) {
        match field {
            "id" => json.member("id", &self.mailbox.item_id(self.call.prefer.ids, ix, None)),
            "createdDateTime" | "receivedDateTime" => json.member(field, &self.time(mail.received)),
            "lastModifiedDateTime" => json.member(field, &self.time(mail.modified.unwrap_or(mail.received))),
            "sentDateTime" => json.member(field, &self.time(mail.sent)),
            "changeKey" => json.member(field, &change_key(mail)),
            "categories" => json.key(field).array(|json| mail.categories.iter().for_each(|c| json.text(c))),
            "hasAttachments" => json.flag(field, mail.has_attachments()),
            "internetMessageId" => json.member(field, &mail.internet_message_id()),
            "subject" => json.member(field, &mail.subject),
            "bodyPreview" => json.member(field, mail.preview()),
            "importance" => json.member(field, mail.importance.word()),
            "parentFolderId" => json.member(field, &self.mailbox.folder_id(mail.folder)),
            "conversationId" => {
                json.member(field, &ids::conversation(&self.mailbox.owner.oid, mail.conversation));
            }
            "conversationIndex" => {
                json.member(field, &ids::conversation_index(mail.conversation, mail.place));
            }
            "isDeliveryReceiptRequested" | "isReadReceiptRequested" => json.flag(field, false),
            "isRead" => json.flag(field, mail.read),
            "isDraft" => json.flag(field, mail.draft),
            "webLink" => json.member(field, &self.web_link(ix)),
            "inferenceClassification" => json.member(field, if mail.focused { "focused" } else { "other" }),
            "body" => body(json, field, &mail.body, self.call.prefer.body, false),
            "uniqueBody" => body(json, field, &mail.body, self.call.prefer.body, true),
            "sender" | "from" => {
                if let Some(from) = &mail.from {
                    json.key(field);
                    person(json, from);
                }
            }
            "toRecipients" => people(json, field, &mail.to),
            "ccRecipients" => people(json, field, &mail.cc),
            "bccRecipients" => people(json, field, &mail.bcc),
            "replyTo" => people(json, field, &mail.reply_to),
            "flag" => self.flag(json, mail),
            "internetMessageHeaders" => headers(json, mail),
            _ => {}
        }
    }

    /// A timestamp in the preferred zone.
    pub(super) fn time(&self, at: DateTime<Utc>) -> String {
        stamp(at, self.call.prefer.zone.as_ref().map(|(_, tz)| *tz))
    }

    fn web_link(&self, ix: u32) -> String {
        let id = self.mailbox.item_id(self.call.prefer.ids, ix, None);
        let id = utf8_percent_encode(&id, NON_ALPHANUMERIC);
        format!("https://outlook.office365.com/owa/?ItemID={id}&exvsurl=1&viewmodel=ReadMessageItem")
    }

    fn flag(&self, json: &mut Json, mail: &Mail) {
        json.key("flag").object(|json| {
            json.member("flagStatus", flag_word(mail.flag));
            let zone = self.call.prefer.zone.as_ref();
            let mut day = |key: &str, at: DateTime<Utc>| {
                let local = zone.map_or_else(|| at.naive_utc(), |(_, tz)| at.with_timezone(tz).naive_local());
                json.key(key).object(|json| {
                    json.member("dateTime", &local.format("%Y-%m-%dT%H:%M:%S.0000000").to_string());
                    json.member("timeZone", zone.map_or("UTC", |(name, _)| name));
                });
            };
            match mail.flag {
                Flag::None => {}
                Flag::Due(days) => {
                    day("startDateTime", mail.received);
                    day("dueDateTime", mail.received + Duration::days(i64::from(days)));
                }
                Flag::Complete => day("completedDateTime", mail.received + Duration::days(1)),
            }
        });
    }
}

/// `changeKey`: changes with the message, not with the reader.
pub(super) fn change_key(mail: &Mail) -> String {
    format!(
        "CQAAABYAAAB{:016x}AAA",
        mix(mail.message ^ mail.received.timestamp() as u64 ^ mail.revision.rotate_left(40))
    )
}

/// Writes a body in the form asked for; without a preference, as it was written.
pub(super) fn body(json: &mut Json, key: &str, body: &Body, form: Option<BodyForm>, unique: bool) {
    let content = if unique { body.unique() } else { body.full() };
    let (kind, content) = match (form, body.is_html()) {
        (Some(BodyForm::Text), true) => ("text", text::from_html(&content).into()),
        (Some(BodyForm::Html), false) => ("html", text::to_html(&content).into()),
        (_, true) => ("html", content),
        (_, false) => ("text", content),
    };
    json.key(key).object(|json| {
        json.member("contentType", kind);
        json.member("content", &content);
    });
}

/// Writes one recipient.
pub(super) fn person(json: &mut Json, contact: &Contact) {
    json.object(|json| {
        json.key("emailAddress").object(|json| {
            json.member("name", &contact.name);
            json.member("address", &contact.address);
        });
    });
}

fn people(json: &mut Json, key: &str, contacts: &[Contact]) {
    json.key(key).array(|json| contacts.iter().for_each(|c| person(json, c)));
}

/// The header lines of a message, derived and seeded.
pub(super) fn header_lines(mail: &Mail) -> Vec<(&'static str, String)> {
    let list = |people: &[Contact]| {
        people.iter().map(|c| format!("{} <{}>", c.name, c.address)).collect::<Vec<_>>().join(", ")
    };
    let mut lines =
        vec![("Received", format!("from mail.contoso.example (10.0.0.4); {}", mail.received.to_rfc2822()))];
    lines.extend(mail.headers.iter().cloned());
    lines.extend(mail.from.iter().map(|c| ("From", format!("{} <{}>", c.name, c.address))));
    lines.push(("To", list(&mail.to)));
    if !mail.cc.is_empty() {
        lines.push(("Cc", list(&mail.cc)));
    }
    lines.push(("Subject", mail.subject.to_string()));
    lines.push(("Date", mail.sent.to_rfc2822()));
    lines.push(("Message-ID", mail.internet_message_id()));
    lines.push((
        "X-MS-Exchange-Organization-OriginalArrivalTime",
        mail.received.to_rfc3339_opts(SecondsFormat::Millis, true),
    ));
    lines
}

fn headers(json: &mut Json, mail: &Mail) {
    json.key("internetMessageHeaders").array(|json| {
        for (name, value) in header_lines(mail) {
            json.object(|json| {
                json.member("name", name);
                json.member("value", &value);
            });
        }
    });
}
