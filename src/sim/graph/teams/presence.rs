//! Who is there: one's own presence, and that of people by their ids.
use serde_json::{Value, json};

use super::super::call::{Answer, Call};
use super::super::error::GraphError;
use super::super::options::Options;
use super::write::body;
use super::{forbidden, person};
use crate::sim::seed::teams::Seeded;

/// Ids that one request may name.
const MAX: usize = 650;

/// `GET /me/presence`.
pub(super) fn own(call: &Call<'_>, book: &Seeded) -> Result<Answer, GraphError> {
    if !call.granted(&["Presence.Read", "Presence.Read.All", "Presence.ReadWrite"]) {
        return Err(forbidden());
    }
    Options::read(call, &[])?;
    let mut body = of(book, call.oid);
    if let Some(members) = body.as_object_mut() {
        let context = format!("{}/v1.0/$metadata#users('{}')/presence/$entity", call.origin, call.oid);
        members.insert("@odata.context".to_owned(), json!(context));
    }
    Ok(Answer::json(body.to_string().into_bytes()))
}

/// `POST /communications/getPresencesByUserId`.
pub(super) fn of_people(call: &Call<'_>, book: &Seeded) -> Result<Answer, GraphError> {
    if !call.granted(&["Presence.Read.All"]) {
        return Err(forbidden());
    }
    let wish = body(call)?;
    let ids: Vec<&str> =
        wish.get("ids").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    if ids.is_empty() || ids.len() > MAX || ids.iter().any(|id| uuid::Uuid::try_parse(id).is_err()) {
        return Err(GraphError::bad_request(format!("The request must name 1 to {MAX} ids of users.")));
    }
    let context = format!("{}/v1.0/$metadata#Collection(microsoft.graph.presence)", call.origin);
    let value: Vec<Value> = ids.iter().map(|id| of(book, id)).collect();
    Ok(Answer::json(json!({ "@odata.context": context, "value": value }).to_string().into_bytes()))
}

/// The same people are always as busy, so that tests can tell them apart.
fn of(book: &Seeded, oid: &str) -> Value {
    let key = person(book, oid).map_or("", |one| one.key.as_str());
    let (availability, activity) = match key {
        "" => ("PresenceUnknown", "PresenceUnknown"),
        "alice" => ("Available", "Available"),
        "bob" => ("Busy", "InAMeeting"),
        "minji" => ("Away", "Away"),
        "carol" => ("DoNotDisturb", "Presenting"),
        _ => ("Offline", "Offline"),
    };
    let away = (key == "dave").then_some("<b>Back</b> on Monday 🏗 חזרה");
    let status = (key == "minji").then(|| {
        json!({
            "message": { "contentType": "text", "content": "외근 중 \"선석 7번\" 100%" },
            "publishedDateTime": "2026-01-02T03:04:05Z", "expiryDateTime": null,
        })
    });
    json!({
        "id": oid, "availability": availability, "activity": activity, "statusMessage": status,
        "outOfOfficeSettings": { "isOutOfOffice": away.is_some(), "message": away },
        "sequenceNumber": null,
    })
}
