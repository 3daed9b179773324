//! `Content-Disposition` of a file that is to be saved (RFC 6266), its name also in full Unicode (RFC 8187).

use actix_web::http::header::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but `attr-char` (RFC 8187 §3.2.1).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');
/// Longest name that is sent.
const MAX_CHARS: usize = 200;

/// The header's value. Names come from strangers: what could end the quotes, lead to another folder or turn the reading
/// direction is taken out.
pub(super) fn attachment(name: &str) -> HeaderValue {
    let unsafe_char = |c: char| {
        c.is_control()
            || "\"\\/:*?<>|".contains(c)
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let name: String = name.chars().map(|c| if unsafe_char(c) { '_' } else { c }).take(MAX_CHARS).collect();
    let name = name.trim().trim_start_matches('.');
    let name = if name.is_empty() { "file" } else { name };
    // Programs that know only the first form would decode a percent sign in it.
    let plain: String = name.chars().map(|c| if c.is_ascii() && c != '%' { c } else { '_' }).collect();
    let full = utf8_percent_encode(name, ENCODED);
    let value = if plain == name {
        format!("attachment; filename=\"{plain}\"")
    } else {
        format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{full}")
    };
    HeaderValue::from_str(&value).unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_arrive_whole_and_harmless() {
        for (name, value) in [
            ("a b.pdf", "attachment; filename=\"a b.pdf\""),
            (
                "견적서 100%.pdf",
                "attachment; filename=\"___ 100_.pdf\"; filename*=UTF-8''%EA%B2%AC%EC%A0%81%EC%84%9C%20100%25.pdf",
            ),
            ("a\"; filename=\"b.exe", "attachment; filename=\"a_; filename=_b.exe\""),
            ("x\r\nSet-Cookie: y", "attachment; filename=\"x__Set-Cookie_ y\""),
            ("../../.ssh/config", "attachment; filename=\"_.._.ssh_config\""),
            ("gpj.\u{202e}exe", "attachment; filename=\"gpj._exe\""),
            ("", "attachment; filename=\"file\""),
            ("it's(1).txt", "attachment; filename=\"it's(1).txt\""),
        ] {
            assert_eq!(attachment(name), value, "{name:?}");
        }
        assert!(attachment(&"가".repeat(1000)).len() < 2500);
    }
}
