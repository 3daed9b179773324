//! How well requests are read: of what the rules were written with, and of what they were not.

use super::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

const DEVELOPMENT: &str = include_str!("utterances/development.tsv");
const HELD_OUT: &str = include_str!("utterances/held_out.tsv");
const KEYS: &[&str] = &[
    "area", "intent", "period", "from", "to", "with", "subject", "words", "flags", "folder", "limit",
    "scope", "order",
];

type Fields = BTreeMap<&'static str, String>;

fn key(name: &str) -> &'static str {
    KEYS.iter().find(|key| **key == name).unwrap_or_else(|| panic!("no key {name:?}"))
}

/// Lists are compared without regard to order.
fn sorted(text: &str) -> String {
    text.split('|').collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join("|")
}

/// Requests and what is expected of them.
fn cases(text: &'static str) -> Vec<(&'static str, Fields)> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let case = |line: &'static str| {
        let (request, expected) = line.split_once('\t').unwrap_or_else(|| panic!("no tab in {line:?}"));
        let pair = |pair: &'static str| {
            let (name, value) = pair.split_once('=').unwrap_or_else(|| panic!("{pair:?} in {line:?}"));
            (key(name), sorted(value))
        };
        (request, expected.split("; ").map(pair).collect())
    };
    lines.map(case).collect()
}

fn parties(parties: &[Party]) -> String {
    let text = |party: &Party| match party {
        Party::Organization(code) => format!("@{code}"),
        Party::Name(text) | Party::Address(text) => text.clone(),
    };
    sorted(&parties.iter().map(text).collect::<Vec<_>>().join("|"))
}

fn period(period: &Period) -> String {
    let minute = |at: chrono::NaiveDateTime| at.format("%Y-%m-%dT%H:%M").to_string();
    let midnight = |at: chrono::NaiveDateTime| at.time() == chrono::NaiveTime::MIN;
    let whole = period.start.is_none_or(midnight) && period.end.is_none_or(midnight);
    let start = period.start.map(|at| if midnight(at) && whole { at.date().to_string() } else { minute(at) });
    let end =
        period.end.map(|at| if whole { (at.date() - chrono::Days::new(1)).to_string() } else { minute(at) });
    format!("{}..{}", start.unwrap_or_default(), end.unwrap_or_default())
}

fn fields(reading: &Reading) -> Fields {
    let mut out = Fields::new();
    let mut put = |name: &'static str, value: String| {
        if !value.is_empty() {
            out.insert(key(name), value);
        }
    };
    let area = reading.area.map(|area| match area {
        Area::Mail => "mail",
        Area::Calendar => "calendar",
        Area::Chat => "chat",
        Area::Note => "note",
        Area::File => "file",
    });
    put("area", area.unwrap_or_default().to_owned());
    let mut flags = Vec::new();
    let mut flag = |on: bool, name: &'static str| flags.extend(on.then_some(name));
    flag(reading.unread, "unread");
    flag(reading.attachments == Some(true), "attachments");
    flag(reading.attachments == Some(false), "noattachments");
    flag(reading.importance == Some(Importance::High), "high");
    flag(reading.importance == Some(Importance::Low), "low");
    flag(reading.free, "free");
    flag(reading.change, "write");
    put("flags", sorted(&flags.join("|")));
    if reading.change {
        return out;
    }
    let intent = match reading.intent {
        Intent::Search => "search",
        Intent::List => "list",
        Intent::Analyze => "analyze",
        Intent::Count => "count",
    };
    put("intent", intent.to_owned());
    put("period", reading.period.as_ref().map(period).unwrap_or_default());
    put("from", parties(&reading.from));
    put("to", parties(&reading.to));
    put("with", parties(&reading.with));
    put("subject", reading.subject.clone().unwrap_or_default());
    put("words", sorted(&reading.words.join("|")));
    put("folder", reading.folder.map(Folder::name).unwrap_or_default().to_owned());
    put("limit", reading.limit.map(|limit| limit.to_string()).unwrap_or_default());
    let scope = match reading.scope {
        Scope::All => "",
        Scope::One => "one",
        Scope::More => "more",
    };
    put("scope", scope.to_owned());
    put("order", if reading.oldest_first { "oldest" } else { "" }.to_owned());
    out
}

/// Wednesday, 2026-03-18 14:20 in Seoul.
fn read_then(request: &str) -> Reading {
    let now = "2026-03-18T05:20:00Z".parse().unwrap();
    let organizations = Organizations::built_in();
    let background = Background {
        now,
        zone: Tz::Asia__Seoul,
        organizations: &organizations,
        home: None,
        only_home: false,
    };
    read(request, background)
}

/// Requests read exactly as expected, of how many; fields read as expected, of those that either side has; the rest.
fn measure(cases: &[(&'static str, Fields)]) -> (usize, BTreeMap<&'static str, (usize, usize)>, String) {
    let (mut exact, mut report) = (0, String::new());
    let mut by_key: BTreeMap<&'static str, (usize, usize)> = BTreeMap::new();
    for (request, expected) in cases {
        let got = fields(&read_then(request));
        exact += usize::from(got == *expected);
        for name in KEYS {
            let (wanted, read) = (expected.get(name), got.get(name));
            if wanted.is_none() && read.is_none() {
                continue;
            }
            let (right, all) = by_key.entry(name).or_default();
            *right += usize::from(wanted == read);
            *all += 1;
            if wanted != read {
                let _ = writeln!(report, "{request}: {name} {wanted:?}, read {read:?}");
            }
        }
    }
    (exact, by_key, report)
}

fn accuracy(name: &str, text: &'static str, floor: usize, show: bool) {
    let cases = cases(text);
    let requests: BTreeSet<_> = cases.iter().map(|(request, _)| request).collect();
    assert_eq!(requests.len(), cases.len(), "a request twice");
    let (exact, by_key, report) = measure(&cases);
    let mut figures = format!("{name}: {exact} of {} read exactly;", cases.len());
    for (key, (right, all)) in by_key {
        let _ = write!(figures, " {key} {right}/{all}");
    }
    println!("{figures}");
    assert!(exact * 100 >= floor * cases.len(), "{figures}\n{}", if show { report.as_str() } else { "" });
}

#[test]
fn requests_that_the_rules_were_written_with_are_read() {
    accuracy("development", DEVELOPMENT, 100, true);
}

#[test]
fn requests_that_the_rules_were_not_written_with_are_read() {
    accuracy("held out", HELD_OUT, 93, true);
}

#[test]
fn there_is_enough_to_measure_with() {
    let (development, held_out) = (cases(DEVELOPMENT), cases(HELD_OUT));
    assert!(development.len() + held_out.len() >= 300 && held_out.len() >= 100);
    let known: BTreeSet<_> = development.iter().map(|(request, _)| request).collect();
    assert!(held_out.iter().all(|(request, _)| !known.contains(request)));
    let korean = |cases: &[(&str, Fields)]| cases.iter().filter(|(request, _)| !request.is_ascii()).count();
    assert!(korean(&held_out) >= 40 && korean(&development) >= 100);
}
