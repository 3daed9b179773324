//! OneDrive: everybody's own drive, and what others have shared from theirs.
//!
//! A path leads to an item in one of three ways: `root`, `items/{id}`, or either of them with a path between colons
//! (`root:/Documents/notes.txt:/content`). What follows says what is asked of the item.

mod changes;
mod ids;
mod listing;
mod render;
mod search;
mod share;
mod store;
mod transfer;
mod units;
mod write;

pub(super) use search::query as search;
pub(super) use store::Drives;
pub(super) use transfer::{configure, range, refuse, ticket};

use self::render::View;
use self::store::{Drive, Who, denied, invalid, not_found};
use super::call::{Answer, Call};
use super::error::GraphError;
use crate::sim::directory::{Directory, Person};

/// Patterns mounted one by one, like those of the other parts.
pub(super) const PATTERNS: [&str; 24] = [
    "/me/drive",
    "/me/drive/recent",
    "/me/drive/sharedWithMe",
    "/me/drive/root",
    "/me/drive/root/children",
    "/me/drive/root/delta",
    "/me/drive/root/{search:search\\(.*}",
    "/me/drive/root:{path:.*}:/children",
    "/me/drive/root:{path:.*}:/content",
    "/me/drive/root:{path:.*}:/createUploadSession",
    "/me/drive/root:{path:.*}",
    "/me/drive/items/{item}",
    "/me/drive/items/{item}/children",
    "/me/drive/items/{item}/content",
    "/me/drive/items/{item}/copy",
    "/me/drive/items/{item}/createLink",
    "/me/drive/items/{item}/createUploadSession",
    "/me/drive/items/{item}/permissions",
    "/me/drive/items/{item}/permissions/{permission}",
    "/me/drive/items/{item}/versions",
    "/me/drive/items/{path:.*}",
    "/drives/{drive}",
    "/drives/{drive}/{path:.*}",
    "/shares/{share}/driveItem",
];

const READ: [&str; 4] = ["Files.Read", "Files.ReadWrite", "Files.Read.All", "Files.ReadWrite.All"];
const READ_ALL: [&str; 2] = ["Files.Read.All", "Files.ReadWrite.All"];
const WRITE: [&str; 2] = ["Files.ReadWrite", "Files.ReadWrite.All"];
const WRITE_ALL: [&str; 1] = ["Files.ReadWrite.All"];

/// Whether the path is one of this part.
pub(super) fn is_drive(path: &[String]) -> bool {
    let mut segments = path.iter().map(String::as_str);
    match segments.next() {
        Some("drives" | "shares") => true,
        Some("me") => segments.next() == Some("drive"),
        _ => false,
    }
}

/// One request to a drive.
struct Desk<'a> {
    call: &'a Call<'a>,
    drives: &'a Drives,
    me: Who,
}

/// An item that a path leads to.
#[derive(Clone, Copy, Debug)]
struct Spot {
    drive: usize,
    node: usize,
}

/// Where a path leads.
struct Place<'a> {
    drive: usize,
    /// Where it starts: the root or an item by its id.
    from: usize,
    /// Names between the colons.
    names: Vec<&'a str>,
    /// What is asked of the item.
    rest: Vec<&'a str>,
}

/// Answers what lies below `/me/drive`, `/drives` and `/shares`.
pub(super) fn dispatch(
    drives: &Drives,
    directory: &Directory,
    call: &Call<'_>,
    segments: &[&str],
) -> Result<Answer, GraphError> {
    let person: &Person = directory.by_oid(call.oid).ok_or_else(|| GraphError::bad_token(true))?;
    let headers = drives.units.spend(cost(call, segments))?;
    let desk = Desk { call, drives, me: Who::of(person) };
    let mut answer = desk.answer(segments)?;
    answer.headers.extend(headers);
    Ok(answer)
}

/// Resource units: 1 for an item or its bytes, 2 for lists and changes, 5 for permissions.
fn cost(call: &Call<'_>, segments: &[&str]) -> u32 {
    match segments.last() {
        Some(&("permissions" | "createLink")) => 5,
        Some(&"delta") if call.query.get("token").is_some() => 1,
        Some(&("children" | "delta" | "recent" | "sharedWithMe" | "versions" | "copy")) => 2,
        Some(last) if last.starts_with("search(") => 2,
        _ if call.method == "GET" => 1,
        _ => 2,
    }
}

impl Desk<'_> {
    fn answer(&self, segments: &[&str]) -> Result<Answer, GraphError> {
        if !self.call.granted(&READ) {
            return Err(denied());
        }
        let (drive, rest) = match segments {
            ["me", "drive", rest @ ..] => (self.own()?, rest),
            ["shares", token, "driveItem"] => return self.share(token),
            ["drives", id, rest @ ..] => {
                let all = self.drives.all.read();
                (all.iter().position(|drive| drive.id == *id).ok_or_else(not_found)?, rest)
            }
            _ => return Err(GraphError::no_segment(segments.first().copied().unwrap_or_default())),
        };
        match rest {
            [] => self.drive(drive),
            ["recent"] => self.recent(),
            ["sharedWithMe"] => self.shared_with_me(),
            _ => {
                let place = self.place(drive, rest)?;
                self.at(&place)
            }
        }
    }

    fn own(&self) -> Result<usize, GraphError> {
        let all = self.drives.all.read();
        all.iter().position(|drive| drive.owner.oid == self.me.oid).ok_or_else(not_found)
    }

    /// Takes the address apart; ids lead only into their own drive.
    fn place<'p>(&self, drive: usize, rest: &'p [&'p str]) -> Result<Place<'p>, GraphError> {
        let (from, colon, after) = match rest {
            ["root", after @ ..] => (0, false, after),
            ["root:", after @ ..] => (0, true, after),
            ["items", id, after @ ..] => {
                let colon = id.ends_with(':');
                let all = self.drives.all.read();
                let id = id.trim_end_matches(':');
                let found = all.get(drive).and_then(|d| if id == "root" { Some(0) } else { d.by_id(id) });
                (found.ok_or_else(not_found)?, colon, after)
            }
            _ => return Err(GraphError::no_segment(rest.first().copied().unwrap_or_default())),
        };
        if !colon {
            return Ok(Place { drive, from, names: Vec::new(), rest: after.to_vec() });
        }
        let end = after.iter().position(|name| name.ends_with(':')).map_or(after.len(), |at| at + 1);
        let (names, rest) = after.split_at_checked(end).unwrap_or((after, &[]));
        let names = names.iter().map(|name| name.trim_end_matches(':')).filter(|name| !name.is_empty());
        Ok(Place { drive, from, names: names.collect(), rest: rest.to_vec() })
    }

    /// The item of a place, if the caller may see it.
    fn spot(&self, place: &Place<'_>) -> Result<Spot, GraphError> {
        let all = self.drives.all.read();
        let drive = all.get(place.drive).ok_or_else(not_found)?;
        let node = drive.walk(place.from, &place.names).ok_or_else(not_found)?;
        self.allow(drive, node, false)?;
        Ok(Spot { drive: place.drive, node })
    }

    /// Whether the caller, with the scopes of the token, may read or change an item.
    fn allow(&self, drive: &Drive, node: usize, write: bool) -> Result<(), GraphError> {
        let own = drive.owner.oid == self.me.oid;
        let scopes: &[&str] = match (own, write) {
            (true, false) => &READ,
            (true, true) => &WRITE,
            (false, false) => &READ_ALL,
            (false, true) => &WRITE_ALL,
        };
        if self.call.granted(scopes) && drive.admits(&self.me.oid, node, write) {
            Ok(())
        } else {
            Err(denied())
        }
    }

    fn view(&self) -> Result<View<'_>, GraphError> {
        View::new(self.call)
    }

    fn at(&self, place: &Place<'_>) -> Result<Answer, GraphError> {
        match (self.call.method, place.rest.as_slice()) {
            ("GET", []) => self.get(self.spot(place)?),
            ("GET", ["children"]) => self.children(self.spot(place)?),
            ("GET", ["content"]) => self.content(self.spot(place)?),
            ("GET", ["delta"]) if place.from == 0 && place.names.is_empty() => self.delta(place.drive),
            ("GET", ["versions"]) => self.versions(self.spot(place)?),
            ("GET", ["permissions"]) => self.permissions(self.spot(place)?),
            ("GET", [search]) if search.starts_with("search(") => {
                let text = search.strip_prefix("search(q='").and_then(|rest| rest.strip_suffix("')"));
                self.find(self.spot(place)?, &text.ok_or_else(|| invalid("Syntax error"))?.replace("''", "'"))
            }
            ("PUT", ["content"]) => self.put(place),
            ("POST", ["children"]) => self.make_folder(self.spot(place)?),
            ("POST", ["createUploadSession"]) => self.open_upload(place),
            ("POST", ["copy"]) => self.copy(self.spot(place)?),
            ("POST", ["createLink"]) => self.create_link(self.spot(place)?),
            ("PATCH", []) => self.change(self.spot(place)?),
            ("DELETE", []) => self.delete(self.spot(place)?),
            ("DELETE", ["permissions", id]) => self.revoke(self.spot(place)?, id),
            (_, [] | [_] | ["permissions", _]) => Err(GraphError::new(
                405,
                "notSupported",
                "The HTTP method is not supported for this resource.",
            )),
            (_, [.., segment]) => Err(GraphError::no_segment(segment)),
        }
    }
}
