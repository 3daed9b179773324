//! Sealed `$skiptoken`s: a position that only the same query of the same mailbox can use.
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::call::Call;
use super::error::GraphError;

/// Fixed, because tokens must survive a restart of the simulator like those of Graph do.
const KEY: &[u8] = b"simulated tenant: skiptoken key, not a secret";

/// Where the next page starts: a place in the order, and the rows already given (for the search ceiling).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) at: u32,
    pub(super) given: u32,
}

/// The `@odata.nextLink` for `position`.
pub(super) fn next_link(call: &Call<'_>, position: Position) -> String {
    let query = call.query.without_position();
    let joint = if query.is_empty() { "" } else { "&" };
    format!("{}{}?{query}{joint}$skiptoken={}", call.origin, call.raw_path, seal(call, position))
}

/// A page of a list; `next` is where the following one starts.
pub(super) fn page_body(
    call: &Call<'_>,
    context: &str,
    page: Vec<Value>,
    next: Option<usize>,
    count: Option<usize>,
) -> Value {
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), json!(context));
    body.extend(count.map(|count| ("@odata.count".to_owned(), json!(count))));
    body.insert("value".to_owned(), json!(page));
    body.extend(next.map(|at| {
        let position = Position { at: u32::try_from(at).unwrap_or(u32::MAX), given: 0 };
        ("@odata.nextLink".to_owned(), json!(next_link(call, position)))
    }));
    body.into()
}

/// The position that this request starts at.
pub(super) fn position(call: &Call<'_>) -> Result<Option<Position>, GraphError> {
    let Some(token) = call.query.get("$skiptoken") else { return Ok(None) };
    let bad = || GraphError::new(400, "ErrorInvalidUrlQuery", "The skip token is not valid for this query.");
    let raw = URL_SAFE_NO_PAD.decode(token).map_err(|_| bad())?;
    let Some((head, mac)) = raw.split_at_checked(8) else { return Err(bad()) };
    tag(call, head).verify_truncated_left(mac).map_err(|_| bad())?;
    let (Some(at), Some(given)) = (head.first_chunk::<4>(), head.last_chunk::<4>()) else {
        return Err(bad());
    };
    Ok(Some(Position { at: u32::from_be_bytes(*at), given: u32::from_be_bytes(*given) }))
}

fn seal(call: &Call<'_>, position: Position) -> String {
    let mut raw = position.at.to_be_bytes().to_vec();
    raw.extend(position.given.to_be_bytes());
    let mac = tag(call, &raw).finalize().into_bytes();
    raw.extend(mac.iter().take(16));
    URL_SAFE_NO_PAD.encode(raw)
}

fn tag(call: &Call<'_>, head: &[u8]) -> Hmac<Sha256> {
    let mut mac = <Hmac<Sha256> as Mac>::new(&[0; 64].into());
    for part in
        [KEY, call.oid.as_bytes(), call.raw_path.as_bytes(), call.query.without_position().as_bytes(), head]
    {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac
}
