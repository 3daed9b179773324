//! Ids, tags and addresses of drives and items, shaped like those of OneDrive for Business.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::sim::seed::rng::{hash, mix};

/// Where the people's files seem to live.
pub(super) const HOST: &str = "https://contoso-my.sharepoint.example";
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// `b!` and the three GUIDs of site, web and list.
pub(super) fn drive(oid: &str) -> String {
    let mut raw = Vec::with_capacity(48);
    for salt in 0..6_u64 {
        raw.extend(mix(hash(oid.as_bytes()) ^ (salt << 40)).to_be_bytes());
    }
    format!("b!{}", URL_SAFE_NO_PAD.encode(raw))
}

/// `01`, a part of the drive, a part of the item: 34 characters of base 32.
pub(super) fn item(oid: &str, number: usize) -> String {
    let mut out = String::from("01");
    letters(&mut out, hash(oid.as_bytes()), 6);
    let own = mix(hash(oid.as_bytes()) ^ mix(number as u64 + 1));
    letters(&mut out, own, 12);
    letters(&mut out, mix(own), 12);
    letters(&mut out, number as u64, 2);
    out
}

fn letters(out: &mut String, mut value: u64, count: usize) {
    for _ in 0..count {
        out.push(ALPHABET.get((value & 31) as usize).map_or('A', |letter| char::from(*letter)));
        value >>= 5;
    }
}

/// The GUID inside an item's tags.
pub(super) fn guid(oid: &str, number: usize) -> String {
    let high = mix(hash(oid.as_bytes()) ^ 0x5eed ^ ((number as u64) << 8));
    uuid::Uuid::from_u64_pair(high, mix(high)).to_string().to_uppercase()
}

/// `webUrl` of a path below the root; empty for the root.
pub(super) fn web_url(upn: &str, path: &str) -> String {
    let site = upn.replace(['@', '.'], "_");
    let below = if path.is_empty() { String::new() } else { format!("/{}", encoded(path)) };
    format!("{HOST}/personal/{site}/Documents{below}")
}

/// A path, percent-encoded with its slashes kept.
pub(super) fn encoded(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}

/// `mimeType` by the name's ending.
pub(super) fn mime(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    match ending.as_str() {
        "txt" => "text/plain",
        "md" => "text/markdown",
        "csv" => "text/csv",
        "html" => "text/html",
        "json" => "application/json",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "mp4" => "video/mp4",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        _ => "application/octet-stream",
    }
}
