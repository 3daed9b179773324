//! `/me`, `/users/{id}` and `/me/mailboxSettings`.
use serde_json::{Value, json};

use super::GraphState;
use super::call::{Answer, Call};
use super::error::GraphError;
use super::given;
use super::json::Json;
use super::options::Options;
use super::select::{SETTINGS, Select, USER};
use crate::sim::directory::Person;

/// Scopes that show the signed-in user.
const SELF: [&str; 5] =
    ["User.Read", "User.ReadWrite", "User.ReadBasic.All", "User.Read.All", "Directory.Read.All"];
/// Scopes that show other users.
const OTHERS: [&str; 3] = ["User.ReadBasic.All", "User.Read.All", "Directory.Read.All"];
/// What a user has when nothing is selected.
const DEFAULT: &str = "businessPhones,displayName,givenName,jobTitle,mail,mobilePhone,officeLocation,\
    preferredLanguage,surname,userPrincipalName,id";

/// One user; `own` when it is the caller.
pub(super) fn user(call: &Call<'_>, person: &Person, own: bool) -> Result<Answer, GraphError> {
    if !call.granted(if own { &SELF } else { &OTHERS }) {
        return Err(GraphError::denied());
    }
    Options::read(call, &["$select", "$expand"])?;
    let asked = call.query.get("$select");
    let select = Select::parse(Some(asked.unwrap_or(DEFAULT)), &USER, "user")?;
    let mut json = Json::default();
    json.object(|json| {
        let fields = asked.map(|_| format!("({})", select.fields.join(","))).unwrap_or_default();
        json.member("@odata.context", &format!("{}/v1.0/$metadata#users{fields}/$entity", call.origin));
        for field in select.fields.iter().filter(|f| asked.is_none_or(|a| **f != "id" || a.contains("id"))) {
            property(json, field, person);
        }
    });
    Ok(Answer::json(json.finish()))
}

fn property(json: &mut Json, field: &str, person: &Person) {
    match field {
        "id" => json.member(field, &person.oid),
        "businessPhones" => json.key(field).array(|_| {}),
        "displayName" => json.member(field, &person.display_name),
        "givenName" => json.member(field, &person.given_name),
        "surname" => json.member(field, &person.surname),
        "jobTitle" => json.member(field, &person.job_title),
        "mail" => json.member(field, &person.mail),
        "userPrincipalName" => json.member(field, &person.upn),
        "preferredLanguage" => json.member(field, &person.locale),
        "accountEnabled" => json.flag(field, !person.is_disabled()),
        "userType" => json.member(field, "Member"),
        "mailNickname" => json.member(field, person.upn.split('@').next().unwrap_or_default()),
        _ => json.key(field).raw("null"),
    }
}

/// `mailboxSettings`, whole or one property of it.
pub(super) fn mailbox_settings(
    state: &GraphState,
    call: &Call<'_>,
    person: &Person,
    part: Option<&str>,
) -> Result<Answer, GraphError> {
    if !call.granted(&["MailboxSettings.Read", "MailboxSettings.ReadWrite"]) {
        return Err(GraphError::access_denied());
    }
    Options::read(call, &["$select"])?;
    let select = Select::parse(call.query.get("$select"), &SETTINGS, "mailboxSettings")?;
    let context = format!("{}/v1.0/$metadata#users('{}')/mailboxSettings", call.origin, person.oid);
    let mut json = Json::default();
    match part {
        Some("timeZone") => json.object(|json| {
            json.member("@odata.context", &format!("{context}/timeZone"));
            json.member("value", &person.time_zone);
        }),
        Some(other) => return Err(GraphError::no_segment(other)),
        None => json.object(|json| {
            json.member("@odata.context", &context);
            for field in &select.fields {
                match state.auto_replies.read().get(&person.oid) {
                    Some(replies) if *field == "automaticRepliesSetting" => {
                        json.key(field).raw(&replies.to_string());
                    }
                    _ => setting(json, field, person),
                }
            }
        }),
    }
    Ok(Answer::json(json.finish()))
}

/// `PATCH` of the automatic replies: members that are not given stay as they are.
pub(super) fn set_replies(
    state: &GraphState,
    call: &Call<'_>,
    person: &Person,
) -> Result<Answer, GraphError> {
    if !call.granted(&["MailboxSettings.ReadWrite"]) {
        return Err(GraphError::access_denied());
    }
    let members = given::members(call.body, &SETTINGS, "mailboxSettings")?;
    let Some(Value::Object(wanted)) = members.get("automaticRepliesSetting").filter(|_| members.len() == 1)
    else {
        let message = "Only automaticRepliesSetting can be set in the simulated tenant.";
        return Err(GraphError::new(501, "NotImplemented", message));
    };
    let known = [
        "status",
        "externalAudience",
        "scheduledStartDateTime",
        "scheduledEndDateTime",
        "internalReplyMessage",
        "externalReplyMessage",
    ];
    given::check(wanted, &known, "automaticRepliesSetting")?;
    for (name, words) in [
        ("status", ["disabled", "alwaysEnabled", "scheduled"]),
        ("externalAudience", ["none", "contactsOnly", "all"]),
    ] {
        wanted.get(name).map_or(Ok(""), |value| given::word(name, value, &words))?;
    }
    let mut all = state.auto_replies.write();
    let replies = all.entry(person.oid.clone()).or_insert_with(|| {
        json!({"status": "disabled", "externalAudience": "all", "internalReplyMessage": "", "externalReplyMessage": ""})
    });
    if let Some(replies) = replies.as_object_mut() {
        replies.extend(wanted.clone());
    }
    drop(all);
    mailbox_settings(state, call, person, None)
}

fn setting(json: &mut Json, field: &str, person: &Person) {
    let korean = person.locale.starts_with("ko");
    match field {
        "timeZone" => json.member(field, &person.time_zone),
        "dateFormat" => json.member(field, if korean { "yyyy-MM-dd" } else { "M/d/yyyy" }),
        "timeFormat" => json.member(field, if korean { "tt h:mm" } else { "h:mm tt" }),
        "userPurpose" => json.member(field, "user"),
        "delegateMeetingMessageDeliveryOptions" => json.member(field, "sendToDelegateOnly"),
        "language" => json.key(field).object(|json| {
            json.member("locale", &person.locale);
            json.member("displayName", if korean { "한국어(대한민국)" } else { "English (United States)" });
        }),
        "automaticRepliesSetting" => json.key(field).object(|json| {
            json.member("status", "disabled");
            json.member("externalAudience", "all");
            json.member("internalReplyMessage", "");
            json.member("externalReplyMessage", "");
        }),
        "workingHours" => json.key(field).object(|json| {
            json.key("daysOfWeek").array(|json| {
                for day in ["monday", "tuesday", "wednesday", "thursday", "friday"] {
                    json.text(day);
                }
            });
            json.member("startTime", "09:00:00.0000000");
            json.member("endTime", "18:00:00.0000000");
            json.key("timeZone").object(|json| json.member("name", &person.time_zone));
        }),
        _ => {}
    }
}
