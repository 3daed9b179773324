//! Character references and invisible characters.

use std::borrow::Cow;

/// Decodes character references; unknown names stay as they are.
pub(super) fn decode(raw: &str) -> Cow<'_, str> {
    if !raw.contains('&') {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        if let Some((decoded, used)) = reference(from) {
            out.push(decoded);
            rest = from.get(used..).unwrap_or_default();
        } else {
            out.push('&');
            rest = from.get(1..).unwrap_or_default();
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The character a reference stands for and its length in bytes.
fn reference(from: &str) -> Option<(char, usize)> {
    let body = from.strip_prefix('&')?;
    let len = body
        .bytes()
        .take(32)
        .position(|b| !(b.is_ascii_alphanumeric() || b == b'#'))
        .unwrap_or_else(|| body.len().min(32));
    let name = body.get(..len)?;
    let closed = usize::from(body.as_bytes().get(len) == Some(&b';'));
    let decoded = if let Some(digits) = name.strip_prefix('#') {
        let code = match digits.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => digits.parse().ok()?,
        };
        char::from_u32(code).filter(|c| *c != '\0').unwrap_or('\u{FFFD}')
    } else {
        named(name)?
    };
    Some((decoded, 1 + len + closed))
}

fn named(name: &str) -> Option<char> {
    Some(match name {
        "amp" | "AMP" => '&',
        "lt" | "LT" => '<',
        "gt" | "GT" => '>',
        "quot" | "QUOT" => '"',
        "apos" => '\'',
        "nbsp" => '\u{A0}',
        "ensp" | "emsp" | "thinsp" => ' ',
        "copy" => '©',
        "reg" => '®',
        "trade" => '™',
        "hellip" => '…',
        "mdash" => '—',
        "ndash" => '–',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        "laquo" => '«',
        "raquo" => '»',
        "bull" => '•',
        "middot" => '·',
        "times" => '×',
        "euro" => '€',
        "pound" => '£',
        "yen" => '¥',
        "deg" => '°',
        "rarr" => '→',
        "larr" => '←',
        "zwnj" => '\u{200C}',
        "zwj" => '\u{200D}',
        "shy" => '\u{AD}',
        "ZeroWidthSpace" => '\u{200B}',
        "NoBreak" => '\u{2060}',
        "lrm" => '\u{200E}',
        "rlm" => '\u{200F}',
        _ => return None,
    })
}

/// Whether a character takes no room on screen and can carry text past a reader.
/// The zero-width joiner is judged by its neighbour: emoji need it.
pub(in crate::extract) fn is_invisible(c: char, before: Option<char>) -> bool {
    match c {
        '\u{200D}' => !before.is_some_and(|b| ('\u{2190}'..).contains(&b)),
        '\u{AD}'
        | '\u{34F}'
        | '\u{61C}'
        | '\u{115F}'
        | '\u{1160}'
        | '\u{17B4}'
        | '\u{17B5}'
        | '\u{180B}'..='\u{180E}'
        | '\u{200B}'
        | '\u{200C}'
        | '\u{200E}'
        | '\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{3164}'
        | '\u{FEFF}'
        | '\u{FFA0}'
        | '\u{FFF9}'..='\u{FFFB}'
        | '\u{E0000}'..='\u{E0FFF}' => true,
        '\t' | '\n' => false,
        c => c.is_control(),
    }
}

/// Text without invisible characters, and how many were dropped.
pub(in crate::extract) fn drop_invisible(text: &str) -> (Cow<'_, str>, usize) {
    let mut before = None;
    if !text.chars().any(|c| is_invisible(c, before.replace(c))) {
        return (Cow::Borrowed(text), 0);
    }
    let mut out = String::with_capacity(text.len());
    let mut dropped = 0;
    for c in text.chars() {
        if is_invisible(c, out.chars().next_back()) {
            dropped += 1;
        } else {
            out.push(c);
        }
    }
    (Cow::Owned(out), dropped)
}

/// Appends text to HTML, escaped for element content and double-quoted attributes.
pub(super) fn escape_into(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_decode_once() {
        assert_eq!(decode("a &amp;lt; b &#x41;&#66; &hellip;"), "a &lt; b AB …");
        assert_eq!(decode("&unknown; & &#xD800; &#0; &"), "&unknown; & \u{FFFD} \u{FFFD} &");
        assert_eq!(decode("R&D &#44032;"), "R&D 가");
    }

    #[test]
    fn invisible_characters_go_and_emoji_stay() {
        assert_eq!(drop_invisible("pa\u{200B}y\u{AD}\u{E0041}"), ("pay".into(), 3));
        assert_eq!(drop_invisible("👩\u{200D}💻").1, 0);
        assert_eq!(drop_invisible("한글\ttext\n").1, 0);
    }
}
