//! Form and query parameters, read once, hostile input included.

use std::collections::BTreeMap;

use super::error::AadError;

/// Decoded parameters. Entra refuses a parameter that comes twice.
#[derive(Debug, Default)]
pub(super) struct Params(BTreeMap<String, String>);

impl Params {
    /// Decodes `application/x-www-form-urlencoded` text; broken escapes and bytes become replacement characters.
    pub(super) fn parse(raw: &[u8]) -> Result<Self, AadError> {
        let mut known = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(raw) {
            if known.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                return Err(AadError::duplicated(&name));
            }
        }
        Ok(Self(known))
    }

    /// The value, unless absent or empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The value, or AADSTS900144.
    pub(super) fn need(&self, name: &str) -> Result<&str, AadError> {
        self.get(name).ok_or_else(|| AadError::missing(name))
    }

    /// True when the parameter was sent, even empty.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// All pairs but the named ones.
    pub(super) fn except<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0
            .iter()
            .filter(|(name, _)| !names.contains(&name.as_str()))
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}
