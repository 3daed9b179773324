//! Typed views of Graph's lists that borrow from the answer.

use chrono::{DateTime, Utc};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

/// Text that borrows from the answer unless it had escapes. (`Option<Cow<str>>` would always allocate in serde.)
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;
        impl<'de> Visitor<'de> for Borrow {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or null")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Text::default())
            }
        }
        deserializer.deserialize_any(Borrow)
    }
}

/// An instant as Graph writes it (RFC 3339); nothing for null. chrono's own way to read one takes several times as long.
pub(crate) fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text = Text::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    DateTime::parse_from_rfc3339(&text).map(|at| Some(at.to_utc())).map_err(Error::custom)
}

/// One page of a list. Only a missing next link ends it; pages may be short or empty.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a, T: Deserialize<'de>"))]
pub(crate) struct Page<'a, T> {
    #[serde(default = "Vec::new")]
    pub(crate) value: Vec<T>,
    #[serde(rename = "@odata.nextLink", default)]
    pub(crate) next: Option<Text<'a>>,
    #[serde(rename = "@odata.deltaLink", default)]
    pub(crate) delta: Option<Text<'a>>,
}

impl<T> Page<'_, T> {
    /// The link to go on with; opaque.
    pub(crate) fn next_link(&self) -> Option<String> {
        link(self.next.as_ref())
    }

    /// The link to later changes with, at the end of a list of changes; opaque.
    pub(crate) fn delta_link(&self) -> Option<String> {
        link(self.delta.as_ref())
    }
}

fn link(text: Option<&Text<'_>>) -> Option<String> {
    text.filter(|link| !link.is_empty()).map(|link| link.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_read_and_null_is_none() {
        #[derive(Deserialize)]
        struct Row {
            #[serde(default, deserialize_with = "instant")]
            at: Option<DateTime<Utc>>,
        }
        let read = |json: &str| serde_json::from_str::<Row>(json).map(|row| row.at.map(|at| at.timestamp()));
        assert_eq!(read(r#"{"at":"2026-11-30T07:00:00Z"}"#).unwrap(), Some(1_796_022_000));
        assert_eq!(read(r#"{"at":"2026-11-30T07:00:00.1234567Z"}"#).unwrap(), Some(1_796_022_000));
        assert_eq!((read(r#"{"at":null}"#).unwrap(), read("{}").unwrap()), (None, None));
        assert!(read(r#"{"at":"yesterday"}"#).is_err());
    }

    #[test]
    fn text_borrows_from_the_answer_and_null_is_empty() {
        #[derive(Deserialize)]
        struct Row<'a> {
            #[serde(borrow, default)]
            subject: Option<Text<'a>>,
        }
        let bytes =
            r#"{"value":[{"subject":"plain"},{"subject":"q\"q"},{"subject":null},{}],"@odata.nextLink":""}"#;
        let page: Page<'_, Row<'_>> = serde_json::from_str(bytes).unwrap();
        let kinds: Vec<_> = page
            .value
            .iter()
            .map(|row| row.subject.as_ref().map(|t| matches!(t.0, Cow::Borrowed(_))))
            .collect();
        assert_eq!(kinds, [Some(true), Some(false), None, None]);
        assert_eq!(page.next_link(), None);
    }
}
