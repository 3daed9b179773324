//! The targets over the committed inputs, and over inputs made of them: as many for each as `ENTRADA_TEST_FUZZ_INPUTS` says.

use super::TARGETS;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

const INPUTS: usize = 150;
/// Stack of the child process that reads documents.
const STACK: usize = 64 << 20;
/// Longest input that is made.
const LONGEST: usize = 64 * 1024;
/// What parsers stumble over.
const WORDS: [&str; 40] = [
    "\0",
    "\n",
    "\r\n",
    "\r",
    "\t",
    " ",
    "\"",
    "\\",
    "'",
    "''",
    "%",
    "%00",
    "%2e%2e",
    "..",
    "/",
    "//",
    "?",
    "&",
    "#",
    ":",
    ";",
    "=",
    ",",
    "[",
    "]",
    "{}",
    "\u{feff}",
    "\u{202e}",
    "\u{200b}",
    "가",
    "\u{1f600}",
    "\\ud800",
    "null",
    "true",
    "-0",
    "1e400",
    "9223372036854775808",
    "=?base64?",
    "@",
    "지난주",
];

fn folder(kind: &str, target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz").join(kind).join(target)
}

/// The files of a folder with their names, in a fixed order.
fn inputs(kind: &str, target: &str) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(folder(kind, target)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.display().to_string(), fs::read(&path).unwrap())).collect()
}

/// Tells the input when it breaks something.
struct Telling<'a>(&'a str, &'a [u8]);

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}: input {}", self.0, self.1.escape_ascii());
        }
    }
}

/// One target over everything.
#[expect(clippy::disallowed_methods, reason = "how much is tried is no setting of the product")]
pub(super) fn drive(target: &'static str, check: fn(&[u8])) {
    let work = move || {
        let seeds = inputs("seeds", target);
        assert!(seeds.len() >= 3, "tests/fuzz/seeds/{target} has {} inputs", seeds.len());
        for (name, input) in seeds.iter().chain(&inputs("regressions", target)) {
            let _telling = Telling(name, input);
            check(input);
        }
        let seeds: Vec<Vec<u8>> = seeds.into_iter().map(|(_, input)| input).collect();
        let wanted = std::env::var("ENTRADA_TEST_FUZZ_INPUTS");
        let wanted = wanted.map_or(INPUTS, |text| text.parse().unwrap());
        let mut random = StdRng::seed_from_u64(target.bytes().map(u64::from).sum());
        for _ in 0..wanted {
            let input = changed(&mut random, &seeds);
            let _telling = Telling(target, &input);
            check(&input);
        }
    };
    let worker = std::thread::Builder::new().stack_size(STACK).spawn(work).unwrap();
    if let Err(panic) = worker.join() {
        std::panic::resume_unwind(panic);
    }
}

/// An input made of the seeds.
fn changed(random: &mut StdRng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut input = seeds.choose(random).unwrap().clone();
    for _ in 0..random.random_range(1..5) {
        if random.random_bool(0.5)
            && let Some(other) = changed_json(random, &input)
        {
            input = other;
        } else {
            change_bytes(random, &mut input, seeds);
        }
        input.truncate(LONGEST);
    }
    input
}

fn change_bytes(random: &mut StdRng, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
    let at = random.random_range(0..=input.len());
    let end = random.random_range(at..=input.len().min(at + 16));
    match random.random_range(0..8) {
        0 if at < input.len() => input[at] ^= 1 << random.random_range(0..8),
        1 if at < input.len() => input[at] = random.random(),
        2 => drop(input.drain(at..end)),
        3 => input.truncate(at),
        4 => {
            let piece = input[at..end].repeat(random.random_range(1..20));
            input.splice(at..at, piece);
        }
        5 => {
            let other = seeds.choose(random).unwrap();
            let from = random.random_range(0..=other.len());
            input.splice(at.., other[from..].iter().copied());
        }
        _ => {
            let word = WORDS.choose(random).unwrap();
            input.splice(at..end.max(at), word.bytes());
        }
    }
}

/// The input with something else in its first JSON text: a member gone, a value of another kind.
fn changed_json(random: &mut StdRng, input: &[u8]) -> Option<Vec<u8>> {
    let starts = input.iter().enumerate().filter(|(_, byte)| matches!(byte, b'{' | b'[')).map(|(at, _)| at);
    let starts: Vec<usize> = starts.take(4).collect();
    let start = *starts.choose(random)?;
    let (head, tail) = input.split_at(start);
    let mut values = serde_json::Deserializer::from_slice(tail).into_iter::<Value>();
    let mut value = values.next()?.ok()?;
    let rest = tail.get(values.byte_offset()..)?;
    let path = {
        let mut paths = Vec::new();
        pointers(&value, String::new(), &mut paths);
        paths.choose(random)?.clone()
    };
    let word = WORDS.choose(random)?;
    let place = value.pointer_mut(&path)?;
    *place = match random.random_range(0..10) {
        0 => Value::Null,
        1 => json!([place.clone(), place.clone()]),
        2 => json!({ "value": place.clone() }),
        3 => json!(i64::MIN),
        4 => json!(u64::MAX),
        5 => json!(1e300),
        6 => json!(""),
        7 => json!(random.random_bool(0.5)),
        8 => json!(format!("{}{word}", place.as_str().unwrap_or_default())),
        _ => json!(word),
    };
    Some([head, value.to_string().as_bytes(), rest].concat())
}

fn pointers(value: &Value, path: String, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| pointers(item, format!("{path}/{at}"), found));
        }
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                pointers(member, format!("{path}/{name}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    found.push(path);
}

#[test]
fn every_target_can_be_fuzzed() {
    let manifest = fs::read_to_string(folder("", "").join("Cargo.toml")).unwrap();
    let declared: BTreeSet<&str> = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("path = \"fuzz_targets/")?.strip_suffix(".rs\""))
        .collect();
    let known: BTreeSet<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(declared, known);
    for name in known {
        let source = fs::read_to_string(folder("fuzz_targets", "").join(format!("{name}.rs"))).unwrap();
        assert!(source.contains(&format!("entrada::fuzzing::{name}(data)")), "{name}");
    }
}
