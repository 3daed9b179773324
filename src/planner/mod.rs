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
mod tests;

pub(crate) use explain::explain;
pub(crate) use organizations::Organizations;
pub(crate) use reading::{Area, Folder, Importance, Intent, Language, Noun, Party, Period, Reading, Scope};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use line::Line;

/// Reads a request that is made at `now` by somebody in `zone`. Times of the reading are on the wall clock there.
pub(crate) fn read(text: &str, now: DateTime<Utc>, zone: Tz, organizations: &Organizations) -> Reading {
    let mut line = Line::new(text);
    let mut reading = Reading { language: language(text), is_cut: line.is_cut, ..Reading::default() };
    let is_change = deeds::is_change(&line);
    marks::marks(&mut line, &mut reading);
    let intent_of = |line: &Line, reading: &Reading| words::intent(line, reading);
    words::exact_subject(&mut line, &mut reading);
    marks::folder(&mut line, &mut reading);
    nouns::area(&mut line, &mut reading);
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
    let intent = intent_of(&Line::new(text), &reading);
    let ahead = reading.area == Some(Area::Calendar);
    nouns::next_one(&mut line, &reading);
    reading.period = time::period(&mut line, now.with_timezone(&zone).naive_local(), ahead);
    marks::amount(&mut line, &mut reading);
    words::subject(&mut line, &mut reading);
    people::people(&mut line, &mut reading, organizations);
    words::words(&mut line, &mut reading);
    reading.intent = intent.unwrap_or_else(|| words::usual(&reading));
    reading
}

fn language(text: &str) -> Language {
    let is_korean = text.chars().take(token::MAX_CHARS).any(token::is_hangul);
    if is_korean { Language::Korean } else { Language::English }
}
