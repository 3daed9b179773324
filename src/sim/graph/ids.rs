//! Item ids as Exchange makes them: mutable ones change with the folder, immutable ones do not, and the
//! `IdType` preference decides how an incoming id is read.
use chrono::{Days, NaiveDate};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use crate::sim::seed::rng::{hash, mix};

const MUTABLE: [u8; 4] = [0, 3, 0x24, 0];
const IMMUTABLE: [u8; 4] = [0, 9, 0, 0x2e];
const FOLDER: [u8; 4] = [0, 3, 0x24, 1];
const CONVERSATION: [u8; 4] = [0, 4, 0x24, 0];
const EVENT: [u8; 4] = [0, 3, 0x24, 2];
const EVENT_IMMUTABLE: [u8; 4] = [0, 9, 0, 0x2f];
const CALENDAR: [u8; 4] = [0, 3, 0x24, 3];
const MUTABLE_LEN: usize = 77;
const IMMUTABLE_LEN: usize = 53;
const FOLDER_LEN: usize = 56;
const EVENT_LEN: usize = 65;
const NONE: u16 = u16::MAX;

/// Which kind of item id a request speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum IdKind {
    #[default]
    Mutable,
    Immutable,
}

/// What an item id points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ItemRef {
    pub(super) message: u32,
    pub(super) folder: u16,
    pub(super) attachment: Option<u16>,
}

/// Why an id leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadId {
    /// Not an id at all: `ErrorInvalidIdMalformed`.
    Malformed,
    /// An id of the other kind, or of what is no more: `ErrorItemNotFound`.
    Foreign,
    /// An id of another mailbox: `ErrorInvalidMailboxItemId`.
    Elsewhere,
}

/// The id of a message or of one of its attachments.
pub(super) fn item(kind: IdKind, mailbox: &str, item: ItemRef) -> String {
    let mut raw = Vec::with_capacity(MUTABLE_LEN);
    let tail = |raw: &mut Vec<u8>| {
        raw.extend(item.message.to_be_bytes());
        raw.extend(item.attachment.unwrap_or(NONE).to_be_bytes());
    };
    match kind {
        IdKind::Mutable => {
            raw.extend(MUTABLE);
            raw.extend(mailbox.as_bytes());
            raw.resize(40, 0);
            let filler = mix(hash(mailbox.as_bytes()) ^ u64::from(item.folder));
            raw.extend(filler.to_be_bytes());
            raw.extend(mix(filler ^ u64::from(item.message)).to_be_bytes());
            raw.extend([0, 0, 0, 0, 1]);
            raw.extend(item.folder.to_be_bytes());
            tail(&mut raw);
        }
        IdKind::Immutable => {
            raw.extend(IMMUTABLE);
            raw.extend(hash(mailbox.as_bytes()).to_be_bytes());
            raw.extend(mix(hash(mailbox.as_bytes()) ^ (u64::from(item.message) << 8)).to_be_bytes());
            raw.resize(39, 0);
            tail(&mut raw);
        }
    }
    sealed(raw)
}

/// Reads an item id as `kind` says.
pub(super) fn parse_item(kind: IdKind, mailbox: &str, id: &str) -> Result<ItemRef, BadId> {
    let raw = opened(id)?;
    let body = match raw.first_chunk::<4>() {
        Some(&MUTABLE) if kind == IdKind::Mutable => {
            if raw.get(4..4 + mailbox.len()) != Some(mailbox.as_bytes()) {
                return Err(BadId::Elsewhere);
            }
            raw.get(61..69)
        }
        Some(&IMMUTABLE) if kind == IdKind::Immutable => {
            if raw.get(4..12) != Some(hash(mailbox.as_bytes()).to_be_bytes().as_slice()) {
                return Err(BadId::Elsewhere);
            }
            raw.get(37..45)
        }
        Some(&MUTABLE | &IMMUTABLE) => return Err(BadId::Foreign),
        _ => return Err(BadId::Malformed),
    };
    let Some(&[f0, f1, m0, m1, m2, m3, a0, a1]) = body else { return Err(BadId::Malformed) };
    let attachment = Some(u16::from_be_bytes([a0, a1])).filter(|a| *a != NONE);
    Ok(ItemRef {
        message: u32::from_be_bytes([m0, m1, m2, m3]),
        folder: u16::from_be_bytes([f0, f1]),
        attachment,
    })
}

/// The id of a folder; folders have one kind only.
pub(super) fn folder(mailbox: &str, index: u16) -> String {
    let mut raw = FOLDER.to_vec();
    raw.extend(mailbox.as_bytes());
    raw.resize(46, 0);
    raw.extend(index.to_be_bytes());
    sealed(raw)
}

/// Reads a folder id.
pub(super) fn parse_folder(mailbox: &str, id: &str) -> Result<u16, BadId> {
    let raw = opened(id)?;
    if raw.first_chunk::<4>() != Some(&FOLDER) {
        return Err(BadId::Malformed);
    }
    if raw.get(4..4 + mailbox.len()) != Some(mailbox.as_bytes()) {
        return Err(BadId::Elsewhere);
    }
    let Some(&[a, b]) = raw.get(46..48) else { return Err(BadId::Malformed) };
    Ok(u16::from_be_bytes([a, b]))
}

/// What an event id points at: an event, or the occurrence of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EventRef {
    pub(super) event: u32,
    pub(super) day: Option<NaiveDate>,
}

/// The id of an event or occurrence.
pub(super) fn event(kind: IdKind, mailbox: &str, it: EventRef) -> String {
    let mut raw = match kind {
        IdKind::Mutable => EVENT.to_vec(),
        IdKind::Immutable => EVENT_IMMUTABLE.to_vec(),
    };
    raw.extend(mailbox.as_bytes());
    raw.resize(49, 0);
    raw.extend(it.event.to_be_bytes());
    // Days since the epoch of chrono's calendar, none as zero.
    let day = it.day.map_or(0, |day| day.signed_duration_since(NaiveDate::default()).num_days() as u32);
    raw.extend(day.to_be_bytes());
    sealed(raw)
}

/// Reads an event id as `kind` says.
pub(super) fn parse_event(kind: IdKind, mailbox: &str, id: &str) -> Result<EventRef, BadId> {
    let raw = opened(id)?;
    match raw.first_chunk::<4>() {
        Some(&EVENT) if kind == IdKind::Mutable => {}
        Some(&EVENT_IMMUTABLE) if kind == IdKind::Immutable => {}
        Some(&EVENT | &EVENT_IMMUTABLE) => return Err(BadId::Foreign),
        _ => return Err(BadId::Malformed),
    }
    if raw.get(4..4 + mailbox.len()) != Some(mailbox.as_bytes()) {
        return Err(BadId::Elsewhere);
    }
    let Some(&[e0, e1, e2, e3, d0, d1, d2, d3]) = raw.get(49..57) else { return Err(BadId::Malformed) };
    let day = Some(u32::from_be_bytes([d0, d1, d2, d3])).filter(|day| *day != 0);
    let day = day.and_then(|day| NaiveDate::default().checked_add_days(Days::new(u64::from(day))));
    Ok(EventRef { event: u32::from_be_bytes([e0, e1, e2, e3]), day })
}

/// The id of a calendar; calendars have one kind only.
pub(super) fn calendar(mailbox: &str, index: usize) -> String {
    let mut raw = CALENDAR.to_vec();
    raw.extend(mailbox.as_bytes());
    raw.resize(46, 0);
    raw.extend(u16::try_from(index).unwrap_or(NONE).to_be_bytes());
    sealed(raw)
}

/// Reads a calendar id.
pub(super) fn parse_calendar(mailbox: &str, id: &str) -> Result<usize, BadId> {
    let raw = opened(id)?;
    if raw.first_chunk::<4>() != Some(&CALENDAR) {
        return Err(BadId::Malformed);
    }
    if raw.get(4..4 + mailbox.len()) != Some(mailbox.as_bytes()) {
        return Err(BadId::Elsewhere);
    }
    let Some(&[a, b]) = raw.get(46..48) else { return Err(BadId::Malformed) };
    Ok(usize::from(u16::from_be_bytes([a, b])))
}

/// `conversationId`: plain base64, so that `+`, `/` and `=` must be percent-encoded in a filter.
pub(super) fn conversation(mailbox: &str, conversation: u64) -> String {
    let mut raw = CONVERSATION.to_vec();
    raw.extend(mailbox.as_bytes());
    raw.extend([0xfb, 0xef, 0xff]);
    raw.extend(conversation.to_be_bytes());
    raw.extend(mix(conversation ^ hash(mailbox.as_bytes())).to_be_bytes());
    STANDARD.encode(raw)
}

/// `conversationIndex`: 22 bytes for the first message, 5 more for each answer.
pub(super) fn conversation_index(conversation: u64, place: u32) -> String {
    let mut raw = vec![1];
    raw.extend(conversation.to_be_bytes());
    raw.extend(mix(conversation).to_be_bytes());
    raw.extend([0; 5]);
    for answer in 0..place.min(30) {
        raw.push(0);
        raw.extend((mix(conversation ^ u64::from(answer)) as u32).to_be_bytes());
    }
    STANDARD.encode(raw)
}

fn sealed(mut raw: Vec<u8>) -> String {
    let check = hash(&raw);
    raw.extend(check.to_be_bytes());
    URL_SAFE.encode(raw)
}

fn opened(id: &str) -> Result<Vec<u8>, BadId> {
    let raw = URL_SAFE.decode(id).map_err(|_| BadId::Malformed)?;
    if ![MUTABLE_LEN, IMMUTABLE_LEN, FOLDER_LEN, EVENT_LEN].contains(&raw.len()) {
        return Err(BadId::Malformed);
    }
    let (body, check) = raw.split_at_checked(raw.len() - 8).ok_or(BadId::Malformed)?;
    if hash(body).to_be_bytes() != *check {
        return Err(BadId::Malformed);
    }
    Ok(body.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "a11ce000-5d0f-4b61-9f5e-3c1de01a0001";
    const BOB: &str = "b0b00000-7c2e-4d0a-8a17-91c2de5b0002";

    #[test]
    fn both_kinds_lead_back_and_only_as_their_own_kind() {
        for attachment in [None, Some(3)] {
            let it = ItemRef { message: 70_001, folder: 0, attachment };
            for kind in [IdKind::Mutable, IdKind::Immutable] {
                let id = item(kind, ALICE, it);
                assert_eq!(parse_item(kind, ALICE, &id), Ok(it));
                assert_eq!(parse_item(kind, BOB, &id), Err(BadId::Elsewhere));
            }
            let mutable = item(IdKind::Mutable, ALICE, it);
            assert!(mutable.starts_with("AAMkA"), "{mutable}");
            assert_eq!(parse_item(IdKind::Immutable, ALICE, &mutable), Err(BadId::Foreign));
        }
    }

    #[test]
    fn a_move_changes_only_the_mutable_id() {
        let (here, there) = (
            ItemRef { message: 7, folder: 1, attachment: None },
            ItemRef { message: 7, folder: 2, attachment: None },
        );
        assert_ne!(item(IdKind::Mutable, ALICE, here), item(IdKind::Mutable, ALICE, there));
        assert_eq!(item(IdKind::Immutable, ALICE, here), item(IdKind::Immutable, ALICE, there));
    }

    #[test]
    fn broken_ids_are_malformed() {
        let id = item(IdKind::Mutable, ALICE, ItemRef { message: 7, folder: 1, attachment: None });
        for bad in ["", "x", "AAMk", "../..", "한글", &id[1..], &format!("{id}A"), &id.to_lowercase()] {
            assert_eq!(parse_item(IdKind::Mutable, ALICE, bad), Err(BadId::Malformed), "{bad}");
        }
        assert_eq!(parse_folder(ALICE, &id), Err(BadId::Malformed));
        assert_eq!(parse_folder(ALICE, &folder(ALICE, 9)), Ok(9));
        assert_eq!(parse_folder(BOB, &folder(ALICE, 9)), Err(BadId::Elsewhere));
    }
}
