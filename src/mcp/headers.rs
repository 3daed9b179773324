//! Request headers: content negotiation (RFC 9110), single-valued protocol headers, and their base64 form.

use super::encode::Framing;
pub(super) use crate::edge::body::is_json;
use actix_web::http::header::{self, HeaderMap};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

pub(super) const SESSION_ID: &str = "mcp-session-id";
pub(super) const PROTOCOL_VERSION: &str = "mcp-protocol-version";
pub(super) const METHOD: &str = "mcp-method";
pub(super) const NAME: &str = "mcp-name";
pub(super) const LAST_EVENT_ID: &str = "last-event-id";

/// What is wrong with a header that may occur once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadHeader {
    Repeated,
    /// Bytes other than printable ASCII, space and tab.
    Characters,
    /// The marked base64 form does not decode to UTF-8.
    Encoding,
}

/// A header's value without surrounding white space.
pub(super) fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, BadHeader> {
    let mut values = headers.get_all(name);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(BadHeader::Repeated);
    }
    let value = value.to_str().map_err(|_| BadHeader::Characters)?;
    Ok(Some(value.trim_matches([' ', '\t'])))
}

/// Decodes `=?base64?…?=` (2026-07-28, header encoding); anything else is literal text.
pub(super) fn decoded(value: &str) -> Result<Cow<'_, str>, BadHeader> {
    let inner = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    let Some(inner) = inner else { return Ok(Cow::Borrowed(value)) };
    let bytes = STANDARD.decode(inner).map_err(|_| BadHeader::Encoding)?;
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| BadHeader::Encoding)
}

/// How to answer a POST by its `Accept`: JSON where allowed, one event where that is all or is named first; `None` when
/// neither is allowed (406).
pub(super) fn framing(headers: &HeaderMap) -> Option<Framing> {
    let events = accepts(headers, "text", "event-stream");
    if accepts(headers, "application", "json") && !(events && names_events_first(headers)) {
        return Some(Framing::Json);
    }
    events.then_some(Framing::EventStream)
}

/// Whether a client that names both types names the event stream before JSON. Equal weights leave the choice to us;
/// the order is all there is to go by.
fn names_events_first(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT).filter_map(|v| v.to_str().ok());
    let kinds = values.flat_map(|v| v.split(',')).filter_map(|range| range.split(';').next()).map(str::trim);
    let known =
        |kind: &&str| ["text/event-stream", "application/json"].contains(&kind.to_ascii_lowercase().as_str());
    kinds.into_iter().find(known).is_some_and(|kind| kind.eq_ignore_ascii_case("text/event-stream"))
}

/// Whether `Accept` allows a media type: the most specific range decides, `q=0` excludes, no header allows all.
pub(super) fn accepts(headers: &HeaderMap, main: &str, sub: &str) -> bool {
    let mut best: Option<(u8, bool)> = None;
    let mut any = false;
    for value in headers.get_all(header::ACCEPT) {
        for range in value.to_str().unwrap_or_default().split(',').filter(|r| !r.trim().is_empty()) {
            any = true;
            let Some(found) = matches(range, main, sub) else { continue };
            if best.is_none_or(|(rank, _)| found.0 > rank) {
                best = Some(found);
            }
        }
    }
    best.map_or(!any, |(_, allowed)| allowed)
}

/// Specificity of a media range for `main/sub` and whether its weight allows it.
fn matches(range: &str, main: &str, sub: &str) -> Option<(u8, bool)> {
    let mut parts = range.split(';');
    let kind = parts.next()?.trim();
    let rank = match kind.split_once('/')? {
        (m, s) if m.eq_ignore_ascii_case(main) && s.eq_ignore_ascii_case(sub) => 2,
        (m, "*") if m.eq_ignore_ascii_case(main) => 1,
        ("*", "*") => 0,
        _ => return None,
    };
    let weight = parts.find_map(|p| p.trim().strip_prefix("q=")).and_then(|q| q.trim().parse::<f32>().ok());
    Some((rank, weight.is_none_or(|q| q > 0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn map(entries: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in entries {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        map
    }

    #[test]
    fn accept_decides_the_framing() {
        for (accept, expected) in [
            ("application/json, text/event-stream", Some(Framing::Json)),
            ("text/event-stream, application/json", Some(Framing::EventStream)),
            ("text/event-stream, */*", Some(Framing::EventStream)),
            ("application/json", Some(Framing::Json)),
            ("*/*", Some(Framing::Json)),
            ("application/*", Some(Framing::Json)),
            ("Application/JSON;charset=utf-8", Some(Framing::Json)),
            ("text/event-stream", Some(Framing::EventStream)),
            ("text/*", Some(Framing::EventStream)),
            ("application/json;q=0, text/event-stream", Some(Framing::EventStream)),
            ("application/json;q=0, */*", Some(Framing::EventStream)),
            ("text/html", None),
            ("application/xml, image/*", None),
            ("*/*;q=0", None),
            ("", Some(Framing::Json)),
        ] {
            assert_eq!(framing(&map(&[("accept", accept)])), expected, "{accept}");
        }
        assert_eq!(framing(&HeaderMap::new()), Some(Framing::Json));
        assert_eq!(
            framing(&map(&[("accept", "text/html"), ("accept", "text/event-stream")])),
            Some(Framing::EventStream)
        );
    }

    #[test]
    fn only_uncoded_json_is_json() {
        for (entries, expected) in [
            (&[("content-type", "application/json")][..], true),
            (&[("content-type", "Application/Json; charset=utf-8")], true),
            (&[("content-type", "text/plain")], false),
            (&[("content-type", "application/jsonp")], false),
            (&[], false),
            (&[("content-type", "application/json"), ("content-encoding", "gzip")], false),
        ] {
            assert_eq!(is_json(&map(entries)), expected, "{entries:?}");
        }
    }

    #[test]
    fn protocol_headers_are_single_printable_and_trimmed() {
        assert_eq!(single(&map(&[("mcp-method", "  tools/call\t")]), METHOD), Ok(Some("tools/call")));
        assert_eq!(single(&map(&[]), METHOD), Ok(None));
        assert_eq!(
            single(&map(&[("mcp-method", "a"), ("mcp-method", "a")]), METHOD),
            Err(BadHeader::Repeated)
        );
        let mut odd = HeaderMap::new();
        odd.insert(HeaderName::from_static("mcp-name"), HeaderValue::from_bytes("é".as_bytes()).unwrap());
        assert_eq!(single(&odd, NAME), Err(BadHeader::Characters));
    }

    #[test]
    fn the_base64_form_needs_both_markers_and_strict_padding() {
        assert_eq!(decoded("=?base64?7ZWc?=").unwrap(), "한");
        for literal in ["=?base64?SGVsbG8=", "SGVsbG8=?=", "plain", "=?BASE64?SGVsbG8=?="] {
            assert_eq!(decoded(literal).unwrap(), literal);
        }
        for bad in ["=?base64?SGVsbG8?=", "=?base64?SGV$bG8=?=", "=?base64?/w==?="] {
            assert_eq!(decoded(bad), Err(BadHeader::Encoding), "{bad}");
        }
    }
}
