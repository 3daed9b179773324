//! The query planner: a request in Korean or English, or both, becomes a [`Reading`]. Deterministic: no network, no language
//! model, no state. What a service makes of a reading is the service's own (`services/*/plan.rs`).
//!
//! The passes, each of which takes the words it understands: quotations and tokens → a change is asked for? → marks →
//! folder → noun and area → period → how many → subject → organisations and people → the words that are left.
//! `src/docs/PLANNER.md` has the grammar, how well it reads what it was not written for, and its limits.

mod deeds;
mod explain;
mod korean;
mod lexicon;
mod line;
mod marks;
mod nouns;
mod organizations;
mod people;
mod reading;
mod time;
mod token;
mod words;

#[cfg(test)]
mod accuracy;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub(crate) use explain::explain;
pub(crate) use organizations::Organizations;
pub(crate) use reading::{Area, Folder, Importance, Intent, Language, Noun, Party, Period, Reading, Scope};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use line::Line;

/// What a request is read against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Background<'a> {
    pub(crate) now: DateTime<Utc>,
    /// Of the person who asks: days begin there, and times of the reading are on the wall clock there.
    pub(crate) zone: Tz,
    pub(crate) organizations: &'a Organizations,
    /// What is meant where the request does not say it.
    pub(crate) home: Option<Area>,
    /// Nothing but `home` can be meant: names of other things ("meeting") are words to search for.
    pub(crate) only_home: bool,
}

/// Reads a request.
pub(crate) fn read(text: &str, background: Background<'_>) -> Reading {
    let mut line = Line::new(text);
    let mut reading = Reading { language: language(text), is_cut: line.is_cut, ..Reading::default() };
    let is_change = deeds::is_change(&line);
    marks::marks(&mut line, &mut reading);
    words::exact_subject(&mut line, &mut reading);
    marks::folder(&mut line, &mut reading);
    let only = background.home.filter(|_| background.only_home);
    nouns::area(&mut line, &mut reading, only);
    if is_change {
        return Reading {
            language: reading.language,
            area: reading.area,
            noun: reading.noun,
            change: true,
            is_cut: reading.is_cut,
            ..Reading::default()
        };
    }
    let intent = words::intent(&Line::new(text), &reading);
    let ahead = reading.area.or(background.home) == Some(Area::Calendar);
    nouns::next_one(&mut line, &reading);
    let now = background.now.with_timezone(&background.zone).naive_local();
    reading.period = time::period(&mut line, now, ahead);
    marks::amount(&mut line, &mut reading);
    words::subject(&mut line, &mut reading);
    people::people(&mut line, &mut reading, background.organizations);
    words::words(&mut line, &mut reading);
    words::nothing(&mut reading);
    reading.asks = intent.is_some();
    reading.intent = intent.unwrap_or_else(|| words::usual(&reading));
    reading
}

fn language(text: &str) -> Language {
    let is_korean = text.chars().take(token::MAX_CHARS).any(token::is_hangul);
    if is_korean { Language::Korean } else { Language::English }
}
