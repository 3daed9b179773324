//! Protocol revisions: the legacy ones that a handshake selects, and the modern one that each request names.

/// The revision that needs no handshake.
pub(super) const MODERN: &str = "2026-07-28";

/// A revision opened with `initialize`. Ordered by age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Legacy {
    V2024_11_05,
    V2025_03_26,
    V2025_06_18,
    V2025_11_25,
}

impl Legacy {
    pub(super) const ALL: [Self; 4] =
        [Self::V2024_11_05, Self::V2025_03_26, Self::V2025_06_18, Self::V2025_11_25];
    pub(super) const NEWEST: Self = Self::V2025_11_25;
    /// What a request without session and version header speaks (2025-06-18, transports).
    pub(super) const ASSUMED: Self = Self::V2025_03_26;

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.as_str() == text)
    }

    /// The answer to a client that asks for `requested`: the same if we speak it, else our newest.
    pub(super) fn negotiate(requested: &str) -> Self {
        Self::parse(requested).unwrap_or(Self::NEWEST)
    }

    /// Position in tables that hold one entry per revision.
    pub(super) const fn index(self) -> usize {
        self as usize
    }

    /// JSON arrays of messages: required in 2025-03-26, legal before, gone since 2025-06-18.
    pub(super) fn allows_batches(self) -> bool {
        self <= Self::V2025_03_26
    }

    /// Tool annotations exist.
    pub(super) fn has_annotations(self) -> bool {
        self >= Self::V2025_03_26
    }

    /// Audio content, `completions` and progress messages exist.
    pub(super) fn has_audio(self) -> bool {
        self >= Self::V2025_03_26
    }

    /// `elicitation/create` exists.
    pub(super) fn has_elicitation(self) -> bool {
        self >= Self::V2025_06_18
    }

    /// Elicitation by URL exists.
    pub(super) fn has_url_elicitation(self) -> bool {
        self >= Self::V2025_11_25
    }

    /// Forms may offer titled choices, several choices at once, and any default.
    pub(super) fn has_rich_forms(self) -> bool {
        self >= Self::V2025_11_25
    }

    /// `title`, `outputSchema` and `structuredContent` exist.
    pub(super) fn has_structured_output(self) -> bool {
        self >= Self::V2025_06_18
    }

    /// Streams open with an event that has an id and no data; older parsers choke on it.
    pub(super) fn primes_streams(self) -> bool {
        self >= Self::V2025_11_25
    }
}

/// The `MCP-Protocol-Version` header, sorted by what it means for the era.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VersionHeader<'a> {
    Absent,
    Legacy(Legacy),
    Modern,
    /// Unknown, and later than every legacy revision.
    Future(&'a str),
    /// Neither known nor plausible, or given twice.
    Invalid,
}

impl<'a> VersionHeader<'a> {
    pub(super) fn of(value: Option<&'a str>) -> Self {
        match value {
            None => Self::Absent,
            Some(MODERN) => Self::Modern,
            Some(text) => match Legacy::parse(text) {
                Some(version) => Self::Legacy(version),
                None if text > Legacy::NEWEST.as_str() => Self::Future(text),
                None => Self::Invalid,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negotiation_echoes_what_we_speak_and_offers_the_newest_otherwise() {
        for version in Legacy::ALL {
            assert_eq!(Legacy::negotiate(version.as_str()), version);
        }
        for other in ["2026-07-28", "2027-01-01", "1999-01-01", "", "garbage"] {
            assert_eq!(Legacy::negotiate(other), Legacy::V2025_11_25, "{other}");
        }
    }

    #[test]
    fn the_version_header_sorts_into_eras() {
        for (value, expected) in [
            (None, VersionHeader::Absent),
            (Some("2024-11-05"), VersionHeader::Legacy(Legacy::V2024_11_05)),
            (Some("2025-11-25"), VersionHeader::Legacy(Legacy::V2025_11_25)),
            (Some("2026-07-28"), VersionHeader::Modern),
            (Some("2027-01-01"), VersionHeader::Future("2027-01-01")),
            (Some("v999.0.0"), VersionHeader::Future("v999.0.0")),
            (Some("1999-01-01"), VersionHeader::Invalid),
            (Some(""), VersionHeader::Invalid),
        ] {
            assert_eq!(VersionHeader::of(value), expected, "{value:?}");
        }
    }
}
