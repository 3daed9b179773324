//! Time zones of `Prefer: outlook.timezone`: IANA names, and the Windows names that mailboxes use.
use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;

const WINDOWS: [(&str, Tz); 30] = [
    ("UTC", Tz::UTC),
    ("GMT Standard Time", Tz::Europe__London),
    ("W. Europe Standard Time", Tz::Europe__Berlin),
    ("Romance Standard Time", Tz::Europe__Paris),
    ("Central Europe Standard Time", Tz::Europe__Budapest),
    ("Central European Standard Time", Tz::Europe__Warsaw),
    ("E. Europe Standard Time", Tz::Europe__Chisinau),
    ("GTB Standard Time", Tz::Europe__Bucharest),
    ("FLE Standard Time", Tz::Europe__Kiev),
    ("Turkey Standard Time", Tz::Europe__Istanbul),
    ("Russian Standard Time", Tz::Europe__Moscow),
    ("Israel Standard Time", Tz::Asia__Jerusalem),
    ("Arab Standard Time", Tz::Asia__Riyadh),
    ("Arabian Standard Time", Tz::Asia__Dubai),
    ("India Standard Time", Tz::Asia__Kolkata),
    ("SE Asia Standard Time", Tz::Asia__Bangkok),
    ("China Standard Time", Tz::Asia__Shanghai),
    ("Singapore Standard Time", Tz::Asia__Singapore),
    ("Taipei Standard Time", Tz::Asia__Taipei),
    ("Korea Standard Time", Tz::Asia__Seoul),
    ("Tokyo Standard Time", Tz::Asia__Tokyo),
    ("AUS Eastern Standard Time", Tz::Australia__Sydney),
    ("New Zealand Standard Time", Tz::Pacific__Auckland),
    ("Eastern Standard Time", Tz::America__New_York),
    ("Central Standard Time", Tz::America__Chicago),
    ("Mountain Standard Time", Tz::America__Denver),
    ("Pacific Standard Time", Tz::America__Los_Angeles),
    ("Alaskan Standard Time", Tz::America__Anchorage),
    ("Hawaiian Standard Time", Tz::Pacific__Honolulu),
    ("E. South America Standard Time", Tz::America__Sao_Paulo),
];

/// The zone of a Windows or IANA name.
pub(super) fn zone(name: &str) -> Option<Tz> {
    WINDOWS
        .iter()
        .find(|(windows, _)| windows.eq_ignore_ascii_case(name))
        .map(|(_, tz)| *tz)
        .or_else(|| name.parse().ok())
}

/// A timestamp in UTC, or with the offset of `zone`.
pub(super) fn stamp(at: DateTime<Utc>, zone: Option<Tz>) -> String {
    match zone {
        None => at.to_rfc3339_opts(SecondsFormat::Secs, true),
        Some(zone) => at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, true),
    }
}
