//! Encoders: the only way text from outside enters a Graph URL, an OData filter or a KQL query.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt::Write as _;

/// Everything but unreserved characters (RFC 3986 §2.3): path segments and query values alike.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Query values keep what is harmless there and makes a logged query readable.
const QUERY: &AsciiSet =
    &SEGMENT.remove(b',').remove(b':').remove(b'(').remove(b')').remove(b'$').remove(b'/').remove(b'\'');

/// One path segment, e.g. an immutable id with `/`, `+` and `=` in it.
pub(crate) fn segment(text: &str) -> String {
    // A lone dot segment would be resolved away by URL parsers, encoded or not; an empty one would name the list.
    if matches!(text, "" | "." | "..") {
        return format!("_{text}");
    }
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// A path and its query options.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    text: String,
    options: bool,
}

impl Target {
    /// `path` is ours and already encoded: literals and [`segment`]s.
    pub(crate) fn new(path: impl Into<String>) -> Self {
        Self { text: path.into(), options: false }
    }

    /// Adds `name=value`; the value is encoded here.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.text.push(if self.options { '&' } else { '?' });
        self.options = true;
        let _ = write!(self.text, "{name}={}", utf8_percent_encode(value, QUERY));
        self
    }

    pub(crate) fn build(self) -> String {
        self.text
    }
}

/// An OData string literal (OData 4.01 URL conventions §5.1.1.6.1): quotes doubled, control characters dropped.
/// Percent-encoding follows in [`Target::with`].
pub(crate) fn odata(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for c in text.chars().filter(|c| !c.is_control()) {
        if c == '\'' {
            out.push('\'');
        }
        out.push(c);
    }
    out.push('\'');
    out
}

/// Words that KQL reads as operators when they stand alone.
const OPERATORS: [&str; 7] = ["AND", "OR", "NOT", "NEAR", "ONEAR", "WORDS", "XRANK"];

/// A KQL term, matched as a prefix: a plain word with a star, everything else as a quoted phrase. Quotes and
/// backslashes cannot be escaped in KQL and become spaces; inside a phrase operators, colons and parentheses are
/// plain text.
pub(crate) fn kql_term(text: &str) -> Option<String> {
    let clean = kql_clean(text);
    let word = !clean.is_empty() && clean.chars().all(char::is_alphanumeric);
    if word && !OPERATORS.contains(&clean.to_uppercase().as_str()) {
        return Some(format!("{clean}*"));
    }
    let star = if clean.ends_with(char::is_alphanumeric) { "*" } else { "" };
    phrase(&format!("{clean}{star}"))
}

/// A KQL phrase that is matched as it is: addresses and names.
pub(crate) fn kql_phrase(text: &str) -> Option<String> {
    phrase(&kql_clean(text))
}

fn phrase(clean: &str) -> Option<String> {
    // A phrase of punctuation only matches nothing or everything, depending on the service.
    clean.chars().any(char::is_alphanumeric).then(|| format!("\"{clean}\""))
}

fn kql_clean(text: &str) -> String {
    let spaced: String =
        text.chars()
            .map(|c| {
                if c.is_control() || matches!(c, '"' | '\\' | '\u{201c}' | '\u{201d}' | '*') {
                    ' '
                } else {
                    c
                }
            })
            .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One clause of a search of the directory: `"displayName:Carol"`.
pub(crate) fn directory_term(property: &str, text: &str) -> Option<String> {
    let clean = kql_clean(text);
    phrase(&clean).map(|_| format!("\"{property}:{clean}\""))
}

/// The value of `$search`: the whole query in double quotes, inner quotes escaped.
pub(crate) fn search(kql: &str) -> String {
    format!("\"{}\"", kql.replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_goes_into_a_url_comes_out_as_the_same_one_value(text in ".*", id in "[^.]+") {
            let target = Target::new(format!("/me/messages/{}", segment(&id))).with("$filter", &text).build();
            let url = url::Url::parse(&format!("https://g.example/v1.0{target}")).unwrap();
            let pairs: Vec<_> = url.query_pairs().collect();
            prop_assert_eq!(pairs.len(), 1);
            prop_assert_eq!(&*pairs[0].1, &*text);
            let segments: Vec<_> = url.path_segments().unwrap().collect();
            prop_assert_eq!(segments.len(), 4);
            let decoded = percent_encoding::percent_decode_str(segments[3]).decode_utf8().unwrap();
            prop_assert_eq!(&*decoded, &*id);
            prop_assert!(url.fragment().is_none());
        }

        #[test]
        fn whatever_goes_into_a_literal_stays_inside(text in ".*") {
            let literal = odata(&text);
            let inner = literal.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap();
            prop_assert!(!inner.replace("\'\'", "").contains('\''));
        }

        #[test]
        fn whatever_is_searched_for_is_one_term(text in ".*") {
            for term in [kql_term(&text), kql_phrase(&text)].into_iter().flatten() {
                match term.strip_prefix('"') {
                    Some(rest) => {
                        let inner = rest.strip_suffix('"').unwrap();
                        prop_assert!(!inner.contains(['"', '\\']) && inner.chars().any(char::is_alphanumeric));
                    }
                    None => prop_assert!(term.trim_end_matches('*').chars().all(char::is_alphanumeric)),
                }
            }
        }
    }

    #[test]
    fn no_text_can_leave_its_odata_literal() {
        for (given, expected) in [
            ("plain", "'plain'"),
            ("O'Brien", "'O''Brien'"),
            ("' or 1 eq 1 or '", "''' or 1 eq 1 or '''"),
            ("a\\' or x", "'a\\'' or x'"),
            ("a\u{0}b\nc", "'abc'"),
            ("%27 or 1 eq 1", "'%27 or 1 eq 1'"),
            ("", "''"),
        ] {
            let literal = odata(given);
            assert_eq!(literal, expected);
            assert_eq!(literal.matches('\'').count() % 2, 0, "{given}");
        }
    }

    #[test]
    fn no_value_can_leave_its_query_option() {
        for (given, expected) in [
            ("a b", "/x?$filter=a%20b"),
            ("a&$top=1", "/x?$filter=a%26$top%3D1"),
            ("a#b", "/x?$filter=a%23b"),
            ("100%", "/x?$filter=100%25"),
            ("%27", "/x?$filter=%2527"),
            ("a+b", "/x?$filter=a%2Bb"),
            ("\"q\"\\", "/x?$filter=%22q%22%5C"),
            ("계약", "/x?$filter=%EA%B3%84%EC%95%BD"),
        ] {
            assert_eq!(Target::new("/x").with("$filter", given).build(), expected);
        }
    }

    #[test]
    fn no_id_can_leave_its_segment() {
        assert_eq!(segment("AAMk/x+y=="), "AAMk%2Fx%2By%3D%3D");
        assert_eq!(segment("a?b#c%2e"), "a%3Fb%23c%252e");
        assert_eq!(segment(".."), "_..");
    }

    #[test]
    fn kql_text_cannot_become_an_operator_or_end_its_phrase() {
        for (given, expected) in [
            ("계약서", Some("계약서*")),
            ("AND", Some("\"AND*\"")),
            ("or", Some("\"or*\"")),
            ("a OR from:boss", Some("\"a OR from:boss*\"")),
            ("\" OR received>=1900-01-01 OR \"", Some("\"OR received>=1900-01-01 OR*\"")),
            ("back\\slash", Some("\"back slash*\"")),
            ("end\\\"", Some("end*")),
            ("x) OR (y", Some("\"x) OR (y*\"")),
            ("a*", Some("a*")),
            ("***", None),
            ("\"\"", None),
            ("  ", None),
        ] {
            assert_eq!(kql_term(given).as_deref(), expected, "{given}");
        }
        assert_eq!(kql_phrase("kim@x.example").as_deref(), Some("\"kim@x.example\""));
        assert_eq!(search("from:\"a\""), "\"from:\\\"a\\\"\"");
    }
}
