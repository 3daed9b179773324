//! `/places/microsoft.graph.room`: the rooms of the organisation, the same for everybody in it.
use serde_json::{Map, Value, json};

use super::call::{Answer, Call};
use super::error::GraphError;
use super::options::Options;
use super::paging;

/// Pattern of the route.
pub(super) const PATTERN: &str = "/places/{kind}";
/// Graph's default page of places, and its largest.
const PAGE: usize = 100;
/// Rooms without a name of their own; with the others they take two pages.
const NUMBERED: usize = 118;
const ROOM: [&str; 19] = [
    "id",
    "placeId",
    "displayName",
    "address",
    "geoCoordinates",
    "phone",
    "nickname",
    "label",
    "capacity",
    "building",
    "floorNumber",
    "floorLabel",
    "isWheelChairAccessible",
    "bookingType",
    "tags",
    "audioDeviceName",
    "videoDeviceName",
    "displayDeviceName",
    "emailAddress",
];

/// Name, mail prefix, building, floor, seats, camera.
type Known<'a> = (&'a str, &'a str, &'a str, i32, u32, Option<&'a str>);

const NAMED: [Known<'static>; 5] = [
    ("Room 4.12", "room412", "Hamburg Altona", 4, 8, Some("Logitech Rally")),
    ("Board room \"Elbe\"", "elbe", "Hamburg Altona", 6, 20, Some("Surface Hub")),
    ("회의실 3층", "seoul3", "서울 본사", 3, 6, None),
    ("대회의실 4층", "seoul4", "서울 본사", 4, 40, Some("Poly Studio")),
    ("Quiet box 🎧", "quiet", "Hamburg Altona", 1, 1, None),
];

/// Answers one page of rooms.
pub(super) fn list(call: &Call<'_>, kind: &str) -> Result<Answer, GraphError> {
    if call.method != "GET" {
        return Err(GraphError::method());
    }
    if kind != "microsoft.graph.room" {
        return Err(GraphError::no_segment(kind));
    }
    if !call.granted(&["Place.Read.All", "Place.ReadWrite.All"]) {
        return Err(GraphError::access_denied());
    }
    let options = Options::read(call, &["$select", "$top", "$skip", "$count", "$skiptoken"])?;
    let wanted = wanted(call)?;
    let rooms: Vec<Value> = (0..NAMED.len() + NUMBERED).map(|ix| room(ix, &wanted)).collect();
    let start = paging::position(call)?.map_or(options.skip, |at| at.at as usize);
    let end = start.saturating_add(options.page(call, PAGE).min(PAGE));
    let page: Vec<Value> = rooms.iter().skip(start).take(end - start).cloned().collect();
    let context = format!("{}/v1.0/$metadata#places/microsoft.graph.room", call.origin);
    let next = (end < rooms.len()).then_some(end);
    let body = paging::page_body(call, &context, page, next, options.count.then_some(rooms.len()));
    Ok(Answer::json(body.to_string().into_bytes()))
}

fn wanted<'a>(call: &'a Call<'_>) -> Result<Vec<&'a str>, GraphError> {
    let Some(text) = call.query.get("$select") else { return Ok(ROOM.to_vec()) };
    let names: Vec<&str> = text.split(',').map(str::trim).collect();
    match names.iter().find(|name| !ROOM.contains(*name)) {
        None => Ok(names),
        Some(name) => Err(GraphError::bad_uri(format!(
            "Could not find a property named '{name}' on type 'microsoft.graph.room'."
        ))),
    }
}

fn room(ix: usize, wanted: &[&str]) -> Value {
    let numbered = ix.saturating_sub(NAMED.len());
    let name = format!("Cabin {numbered:03}");
    let mail = format!("cabin{numbered:03}");
    let seats = u32::try_from(numbered % 9).unwrap_or_default() + 2;
    let floor = i32::try_from(numbered / 40).unwrap_or_default();
    let other: Known<'_> = (&name, &mail, "Busan Harbour", floor, seats, None);
    let (name, mail, building, floor, seats, camera) = NAMED.get(ix).copied().unwrap_or(other);
    let all = json!({
        "id": format!("3162f1e1-c4c0-604b-51d8-{ix:012x}"),
        "placeId": format!("3162f1e1-c4c0-604b-51d8-{ix:012x}"),
        "displayName": name,
        "address": { "street": null, "city": null, "state": null, "postalCode": null, "countryOrRegion": null },
        "geoCoordinates": null,
        "phone": "",
        "nickname": name,
        "label": null,
        "capacity": seats,
        "building": building,
        "floorNumber": floor,
        "floorLabel": null,
        "isWheelChairAccessible": floor < 2,
        "bookingType": "standard",
        "tags": [],
        "audioDeviceName": null,
        "videoDeviceName": camera,
        "displayDeviceName": null,
        "emailAddress": format!("{mail}@contoso.example"),
    });
    let Value::Object(all) = all else { return Value::Null };
    all.into_iter()
        .filter(|(name, _)| name == "id" || wanted.contains(&name.as_str()))
        .collect::<Map<_, _>>()
        .into()
}
