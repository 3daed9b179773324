//! The `Prefer` header of a mail request, and what of it was applied.
use chrono_tz::Tz;

use super::error::GraphError;
use super::ids::IdKind;
use super::zones;

/// The body form asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyForm {
    Text,
    Html,
}

/// Preferences that Graph mail understands; others are ignored, as HTTP wants it.
#[derive(Clone, Debug, Default)]
pub(super) struct Prefer {
    pub(super) ids: IdKind,
    pub(super) body: Option<BodyForm>,
    pub(super) zone: Option<(String, Tz)>,
    pub(super) page: Option<usize>,
}

impl Prefer {
    /// Reads all `Prefer` values.
    pub(super) fn parse<'a>(values: impl Iterator<Item = &'a str>) -> Result<Self, GraphError> {
        let mut prefer = Self::default();
        for item in values.flat_map(|v| v.split(',')) {
            let (name, value) = item.split_once('=').unwrap_or((item, ""));
            prefer.take(name.trim().to_ascii_lowercase().as_str(), value.trim().trim_matches('"'))?;
        }
        Ok(prefer)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), GraphError> {
        match name {
            "idtype" if value.eq_ignore_ascii_case("ImmutableId") => self.ids = IdKind::Immutable,
            "outlook.body-content-type" if value.eq_ignore_ascii_case("text") => {
                self.body = Some(BodyForm::Text);
            }
            "outlook.body-content-type" if value.eq_ignore_ascii_case("html") => {
                self.body = Some(BodyForm::Html);
            }
            "outlook.timezone" => {
                let zone = zones::zone(value).ok_or_else(|| bad_zone(value))?;
                self.zone = Some((value.to_owned(), zone));
            }
            "odata.maxpagesize" => self.page = value.parse().ok().filter(|n| (1..=1000).contains(n)),
            _ => {}
        }
        Ok(())
    }

    /// `Preference-Applied`.
    pub(super) fn applied(&self) -> Option<String> {
        let mut parts = Vec::new();
        if let Some(body) = self.body {
            let form = if body == BodyForm::Text { "text" } else { "html" };
            parts.push(format!("outlook.body-content-type=\"{form}\""));
        }
        if let Some((name, _)) = &self.zone {
            parts.push(format!("outlook.timezone=\"{name}\""));
        }
        if self.ids == IdKind::Immutable {
            parts.push("IdType=\"ImmutableId\"".to_owned());
        }
        if let Some(page) = self.page {
            parts.push(format!("odata.maxpagesize={page}"));
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

fn bad_zone(value: &str) -> GraphError {
    GraphError::new(
        400,
        "TimeZoneNotSupportedException",
        format!("A valid time zone must be specified; '{value}' is not supported."),
    )
}
