//! `/me/onlineMeetings`: the Teams meetings behind the events that one is invited to, and the transcripts of those that
//! were held.
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::super::GraphState;
use super::super::call::{Answer, Call};
use super::super::error::GraphError;
use super::super::options::Options;
use super::occur::{Occurrence, between};
use super::render::{join_url, uid};
use crate::sim::clock;
use crate::sim::directory::Directory;
use crate::sim::seed::calendar::Event;
use crate::sim::seed::model::Contact;

/// How long transcripts are kept.
const KEPT: Duration = Duration::days(30);

/// Answers what lies below `/me/onlineMeetings`.
pub(in crate::sim::graph) fn dispatch(
    state: &GraphState,
    directory: &Directory,
    call: &Call<'_>,
    rest: &[&str],
) -> Result<Answer, GraphError> {
    if call.method != "GET" {
        return Err(GraphError::method());
    }
    let scopes: &[&str] = match rest {
        [_] | [_, _] => &["OnlineMeetings.Read", "OnlineMeetings.ReadWrite"],
        _ => &["OnlineMeetingTranscript.Read.All"],
    };
    if !call.granted(scopes) {
        return Err(GraphError::new(403, "Forbidden", "Forbidden"));
    }
    let events = &*state.events(call.oid);
    let mut meetings = events.iter().filter(|event| event.online && !event.deleted && !event.cancelled);
    match rest {
        [_] => {
            Options::read(call, &["$filter"])?;
            let filter = call.query.get("$filter").unwrap_or_default();
            let url = filter.strip_prefix("JoinWebUrl eq '").and_then(|rest| rest.strip_suffix('\''));
            let url = url.ok_or_else(|| {
                GraphError::new(400, "InvalidArgument", "Filter expression expected: JoinWebUrl eq '{url}'.")
            })?;
            let found: Vec<Value> = meetings
                .filter(|event| join_url(event).eq_ignore_ascii_case(&url.replace("''", "'")))
                .take(1)
                .map(|event| entity(event, directory))
                .collect();
            Ok(page(call, "onlineMeetings", found))
        }
        [_, id, rest @ ..] => {
            let event = meetings.find(|event| meeting_id(event, directory) == *id);
            let event = event.ok_or_else(|| GraphError::new(404, "NotFound", "NotFound"))?;
            match rest {
                [] => Ok(Answer::json(entity(event, directory).to_string().into_bytes())),
                ["transcripts"] => {
                    Options::read(call, &["$top", "$skip", "$filter"])?;
                    let all = held(event).iter().map(|it| transcript(call, it, directory)).collect();
                    Ok(page(call, &format!("users('{}')/onlineMeetings('{id}')/transcripts", call.oid), all))
                }
                ["transcripts", one, "content"] => {
                    let all = held(event);
                    let it = all.iter().find(|it| transcript_id(it) == *one);
                    let it = it.ok_or_else(|| GraphError::new(404, "NotFound", "NotFound"))?;
                    Ok(Answer::raw("text/vtt", spoken(it).into_bytes().into()))
                }
                [.., segment] => Err(GraphError::no_segment(segment)),
            }
        }
        [] => Err(GraphError::no_segment("")),
    }
}

fn page(call: &Call<'_>, context: &str, value: Vec<Value>) -> Answer {
    let context = format!("{}/v1.0/$metadata#{context}", call.origin);
    let count = value.len();
    let body = json!({ "@odata.context": context, "@odata.count": count, "value": value });
    Answer::json(body.to_string().into_bytes())
}

/// The occurrences that were held, oldest first.
fn held(event: &Event) -> Vec<Occurrence<'_>> {
    let now = clock::now();
    between(0, event, now - KEPT, now).into_iter().filter(|it| it.end < now).collect()
}

fn oid<'a>(directory: &'a Directory, contact: &Contact) -> Option<&'a str> {
    directory.by_upn(&contact.address).map(|person| person.oid.as_str())
}

fn thread(event: &Event) -> String {
    format!("19:meeting_{:016x}@thread.v2", uid(event))
}

fn meeting_id(event: &Event, directory: &Directory) -> String {
    let organizer = oid(directory, &event.organizer).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(format!("1*{organizer}*0**{}", thread(event)))
}

fn transcript_id(it: &Occurrence<'_>) -> String {
    URL_SAFE_NO_PAD.encode(format!("2*{}", it.start.timestamp()))
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn identity(contact: &Contact, directory: &Directory) -> Value {
    let user = json!({ "id": oid(directory, contact), "displayName": contact.name });
    json!({ "application": null, "device": null, "user": user })
}

fn entity(event: &Event, directory: &Directory) -> Value {
    let own = Occurrence::own(0, event);
    let person = |contact: &Contact, role: &str| json!({ "upn": contact.address, "role": role, "identity": identity(contact, directory) });
    let attendees: Vec<Value> =
        event.attendees.iter().map(|attendee| person(&attendee.contact, "attendee")).collect();
    json!({
        "id": meeting_id(event, directory),
        "creationDateTime": time(own.start - Duration::days(1)),
        "startDateTime": time(own.start),
        "endDateTime": time(own.end),
        "joinWebUrl": join_url(event),
        "subject": event.subject,
        "participants": { "organizer": person(&event.organizer, "presenter"), "attendees": attendees },
        "chatInfo": { "threadId": thread(event), "messageId": "0", "replyChainMessageId": null },
        "allowTranscription": true,
        "allowRecording": true,
        "meetingType": if event.series.is_some() { "recurring" } else { "scheduled" },
    })
}

fn transcript(call: &Call<'_>, it: &Occurrence<'_>, directory: &Directory) -> Value {
    let (meeting, id) = (meeting_id(it.event, directory), transcript_id(it));
    let origin = call.origin;
    json!({
        "id": id,
        "meetingId": meeting,
        "callId": uuid::Uuid::from_u128(u128::from(uid(it.event))).to_string(),
        "contentCorrelationId": null,
        "createdDateTime": time(it.start + Duration::minutes(2)),
        "endDateTime": time(it.end),
        "meetingOrganizer": identity(&it.event.organizer, directory),
        "transcriptContentUrl":
            format!("{origin}/v1.0/users/{}/onlineMeetings/{meeting}/transcripts/{id}/content", call.oid),
    })
}

/// What was said: everybody in turn, with the day, so that occurrences can be told apart.
fn spoken(it: &Occurrence<'_>) -> String {
    let day = it.start.date_naive();
    let mut out = String::from("WEBVTT\n");
    let mut say = |minute: i64, who: &str, text: &str| {
        let _ = write!(out, "\n00:{minute:02}:03.120 --> 00:{minute:02}:09.000\n<v {who}>{text}</v>\n");
    };
    let organizer = it.event.organizer.name.as_ref();
    say(0, organizer, &format!("Minutes of {day} &amp; actions."));
    say(1, organizer, "Crane 2 is at \"100%\" &lt;ok&gt; 🏗.");
    for (minute, attendee) in (2..).zip(&it.event.attendees) {
        say(minute, &attendee.contact.name, "네, 확인했습니다. שלום");
    }
    out
}
