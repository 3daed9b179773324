//! Writing events: creation, changes, removal and answers, and what becomes of the other people's copies.
use serde_json::Value;

use super::super::GraphState;
use super::super::call::{Answer, Call};
use super::super::error::GraphError;
use super::super::given;
use super::super::ids::{self, EventRef};
use super::input;
use super::occur::{self, Occurrence};
use super::render::change_key;
use crate::sim::clock;
use crate::sim::directory::{Directory, Person};
use crate::sim::seed::calendar::{Change, Event};
use crate::sim::seed::model::Contact;
use crate::sim::seed::rng::{hash, mix};

/// Scopes that change events.
const WRITE: [&str; 2] = ["Calendars.ReadWrite", "Calendars.ReadWrite.Shared"];
type Book = std::collections::HashMap<String, Vec<Event>>;

/// Answers every write below `/me/calendar`, `/me/calendars` and `/me/events`.
pub(super) fn dispatch(
    state: &GraphState,
    directory: &Directory,
    person: &Person,
    call: &Call<'_>,
    rest: &[&str],
) -> Result<Answer, GraphError> {
    let known = match call.method {
        "POST" => matches!(
            rest,
            ["events"]
                | ["calendar", "events"]
                | ["calendars", _, "events"]
                | ["events", _, "cancel" | "accept" | "tentativelyAccept" | "decline"]
        ),
        "PATCH" | "DELETE" => matches!(rest, ["events", _]),
        _ => false,
    };
    if !known {
        return Err(GraphError::method());
    }
    if !call.granted(&WRITE) {
        return Err(GraphError::access_denied());
    }
    let mut book = state.calendars.write();
    let before = book.clone();
    let mut desk = Desk { book: &mut book, directory, person, call };
    let outcome = match rest {
        ["events"] | ["calendar", "events"] => desk.create(0),
        ["calendars", id, "events"] => desk.create(super::known(call, id)?),
        ["events", id] if call.method == "PATCH" => desk.update(id),
        ["events", id] => desk.delete(id),
        ["events", id, "cancel"] => desk.cancel(id),
        ["events", id, verb] => desk.respond(id, verb),
        _ => Err(GraphError::method()),
    };
    note_changes(state, &before, &book);
    outcome
}

/// Writes down which events are not as they were.
fn note_changes(state: &GraphState, before: &Book, after: &Book) {
    let mut journals = state.calendar_journal.write();
    for (oid, events) in after {
        let old = before.get(oid).map_or(&[][..], Vec::as_slice);
        let changed = events.iter().enumerate().filter(|(ix, event)| old.get(*ix) != Some(*event));
        journals
            .entry(oid.clone())
            .or_default()
            .extend(changed.map(|(ix, _)| super::Change { ix, before: old.get(ix).cloned() }));
    }
}

/// One person's write.
struct Desk<'a> {
    book: &'a mut Book,
    directory: &'a Directory,
    person: &'a Person,
    call: &'a Call<'a>,
}

impl Desk<'_> {
    fn own(&mut self) -> Result<&mut Vec<Event>, GraphError> {
        self.book.get_mut(self.call.oid).ok_or_else(GraphError::not_found)
    }

    /// The event behind an id, if it is still in the version that `If-Match` names.
    fn find(&mut self, id: &str) -> Result<(EventRef, &mut Event), GraphError> {
        let wanted = ids::parse_event(self.call.prefer.ids, self.call.oid, id)?;
        let (call, ix) = (self.call, wanted.event as usize);
        let event =
            self.own()?.get_mut(ix).filter(|event| !event.deleted).ok_or_else(GraphError::not_found)?;
        let it = match wanted.day {
            None => Occurrence::own(ix, event),
            Some(day) => occur::on(ix, event, day).ok_or_else(GraphError::not_found)?,
        };
        let etag = format!("W/\"{}\"", change_key(call, &it));
        if call.if_match.is_some_and(|given| given != "*" && given != etag) {
            return Err(GraphError::new(
                412,
                "ErrorIrresolvableConflict",
                "The send or update operation could not be performed because the change key passed in the request does \
                 not match the current change key for the item.",
            ));
        }
        Ok((wanted, event))
    }

    fn create(&mut self, calendar: usize) -> Result<Answer, GraphError> {
        let members = input::members(self.call.body)?;
        let transaction = members.get("transactionId").and_then(Value::as_str).map(str::to_owned);
        let contact = contact(self.person);
        let serial = self.book.values().map(Vec::len).sum::<usize>() as u64;
        let meeting = mix(hash(contact.address.as_bytes()) ^ serial ^ clock::now_secs().unsigned_abs());
        let mut event = input::blank(contact, meeting, calendar);
        input::create(&mut event, &members, self.directory)?;
        event.transaction = transaction;
        let own = self.own()?;
        let known = own.iter().position(|known| {
            !known.deleted && known.transaction.is_some() && known.transaction == event.transaction
        });
        if let Some(ix) = known {
            let same =
                own.get(ix).is_some_and(|known| known.subject == event.subject && known.start == event.start);
            return if same { self.shown(201, ix, None) } else { Err(duplicate()) };
        }
        own.push(event.clone());
        let ix = own.len() - 1;
        self.spread(&event);
        self.shown(201, ix, None)
    }

    fn update(&mut self, id: &str) -> Result<Answer, GraphError> {
        let members = input::members(self.call.body)?;
        let directory = self.directory;
        let (wanted, event) = self.find(id)?;
        let mut changed = event.clone();
        match wanted.day {
            None => input::update(&mut changed, &members, directory)?,
            Some(day) => {
                let minutes = input::moved(&changed, day, &members)?;
                set_change(&mut changed, day, Change::Moved(minutes));
            }
        }
        changed.revision += 1;
        *event = changed.clone();
        if changed.response == "organizer" {
            self.spread(&changed);
        }
        self.shown(200, wanted.event as usize, wanted.day)
    }

    fn delete(&mut self, id: &str) -> Result<Answer, GraphError> {
        let (wanted, event) = self.find(id)?;
        remove(event, wanted);
        Ok(Answer::empty(204))
    }

    fn cancel(&mut self, id: &str) -> Result<Answer, GraphError> {
        given::action(self.call.body, &["comment"])?;
        let (wanted, event) = self.find(id)?;
        if event.response != "organizer" {
            return Err(invalid(
                "Your request can't be completed. You need to be an organizer to cancel a meeting.",
            ));
        }
        remove(event, wanted);
        let meeting = event.meeting;
        let others =
            self.book.iter_mut().filter(|(oid, _)| *oid != self.call.oid).flat_map(|(_, events)| events);
        for copy in others.filter(|copy| copy.meeting == meeting && !copy.deleted) {
            copy.revision += 1;
            if let Some(day) = wanted.day {
                set_change(copy, day, Change::Removed);
            } else {
                (copy.cancelled, copy.show_as) = (true, "free");
            }
        }
        Ok(Answer::empty(202))
    }

    fn respond(&mut self, id: &str, verb: &str) -> Result<Answer, GraphError> {
        let allowed: &[&str] = if verb == "accept" {
            &["comment", "sendResponse"]
        } else {
            &["comment", "sendResponse", "proposedNewTime"]
        };
        let given = given::action(self.call.body, allowed)?;
        let tells = given.get("sendResponse").and_then(Value::as_bool).unwrap_or(true);
        if given.contains_key("proposedNewTime") && !tells {
            return Err(invalid("A new time can only be proposed when a response is sent."));
        }
        let (_, event) = self.find(id)?;
        if event.response == "organizer" {
            return Err(invalid(
                "Your request can't be completed. You can't respond to this meeting because you're the meeting organizer.",
            ));
        }
        let (response, show_as) = match verb {
            "accept" => ("accepted", "busy"),
            "decline" => ("declined", "free"),
            _ => ("tentativelyAccepted", "tentative"),
        };
        (event.response, event.show_as) = (response, show_as);
        event.revision += 1;
        let meeting = event.meeting;
        let mine = |address: &str| address.eq_ignore_ascii_case(&self.person.mail);
        for copy in self.book.values_mut().flatten().filter(|copy| tells && copy.meeting == meeting) {
            for attendee in copy.attendees.iter_mut().filter(|attendee| mine(&attendee.contact.address)) {
                attendee.response = response;
            }
        }
        Ok(Answer::empty(202))
    }

    /// Brings a meeting into the calendars of those who are invited, and marks it as cancelled where they no longer are.
    fn spread(&mut self, event: &Event) {
        for person in self.directory.mailboxes().filter(|person| person.oid != self.call.oid) {
            let invited =
                event.attendees.iter().any(|a| a.contact.address.eq_ignore_ascii_case(&person.mail));
            let events = self.book.entry(person.oid.clone()).or_default();
            let copy = events.iter_mut().find(|copy| copy.meeting == event.meeting && !copy.deleted);
            match copy {
                Some(copy) if invited => {
                    let (response, show_as, calendar) = (copy.response, copy.show_as, copy.calendar);
                    *copy = Event { response, show_as, calendar, transaction: None, ..event.clone() };
                }
                Some(copy) => (copy.cancelled, copy.show_as) = (true, "free"),
                None if invited => events.push(Event {
                    response: "notResponded",
                    show_as: "tentative",
                    calendar: 0,
                    transaction: None,
                    ..event.clone()
                }),
                None => {}
            }
        }
    }

    fn shown(
        &mut self,
        status: u16,
        ix: usize,
        day: Option<chrono::NaiveDate>,
    ) -> Result<Answer, GraphError> {
        let call = self.call;
        let event = self.own()?.get(ix).ok_or_else(GraphError::not_found)?;
        let it = match day {
            None => Occurrence::own(ix, event),
            Some(day) => occur::on(ix, event, day).ok_or_else(GraphError::not_found)?,
        };
        Ok(Answer { status, ..super::one(call, &it)? })
    }
}

fn remove(event: &mut Event, wanted: EventRef) {
    event.revision += 1;
    match wanted.day {
        Some(day) => set_change(event, day, Change::Removed),
        None => event.deleted = true,
    }
}

fn set_change(event: &mut Event, day: chrono::NaiveDate, change: Change) {
    if let Some(series) = &mut event.series {
        series.changes.retain(|(known, _)| *known != day);
        series.changes.push((day, change));
    }
}

fn contact(person: &Person) -> Contact {
    Contact { name: person.display_name.clone().into(), address: person.mail.clone().into() }
}

fn duplicate() -> GraphError {
    let message = "Your request can't be completed. The TransactionId specified in the request has already been used to \
                   create a different event.";
    GraphError::new(409, "ErrorDuplicateTransactionId", message)
}

fn invalid(message: &str) -> GraphError {
    GraphError::new(400, "ErrorInvalidRequest", message)
}
