//! A request in plain language on its way to a tool: its reading, on the caller's clock, and the parts of arguments that
//! services have in common. What becomes of a reading is the matter of each service.

use super::ServiceDeps;
use super::time::instant;
use super::zone::Zones;
use crate::planner::{self, Area, Background, Party, Period, Reading};
use crate::tools::context::CallContext;
use crate::tools::plan::Plan;
use crate::tools::tool::Args;
use chrono_tz::Tz;
use serde_json::Value;

/// Reads a request to the service of `home`; and the zone of the caller.
pub(super) async fn read(
    deps: &ServiceDeps,
    zones: &Zones,
    context: &CallContext,
    request: &str,
    home: Area,
) -> (Reading, Tz) {
    let zone = zones.of(deps, context).await;
    let background = Background {
        now: instant(deps.clock.now()),
        zone,
        organizations: &deps.settings.organizations,
        home: Some(home),
        only_home: false,
    };
    (planner::read(request, background), zone)
}

/// Whether the service of `home` is asked, and for something that can be read: what is not said to be elsewhere is here, if
/// there is anything to look for.
pub(super) fn is_for(reading: &Reading, home: Area) -> bool {
    let is_here = reading.area == Some(home) || reading.area.is_none() && reading.is_request();
    is_here && !reading.change
}

/// Whether a request has one of these words, whatever else is said. Korean ones count with anything written onto them.
pub(super) fn mentions(request: &str, words: &[&str]) -> bool {
    let lower = request.to_lowercase();
    let parts = || lower.split(|c: char| !c.is_alphanumeric());
    words.iter().any(|word| parts().any(|part| part == *word || !word.is_ascii() && part.starts_with(word)))
}

/// Arguments being put together.
#[derive(Default)]
pub(super) struct Wanted(Args);

impl Wanted {
    pub(super) fn put(&mut self, name: &str, value: impl Into<Value>) -> &mut Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn put_some(&mut self, name: &str, value: Option<impl Into<Value>>) -> &mut Self {
        if let Some(value) = value {
            self.put(name, value);
        }
        self
    }

    /// Both ends of a period, as far as there are any.
    pub(super) fn put_period(&mut self, start: &str, end: &str, period: Option<&Period>) -> &mut Self {
        self.put_some(start, period.and_then(Period::start_text));
        self.put_some(end, period.and_then(Period::end_text))
    }

    /// The number asked for, at most `most`.
    pub(super) fn put_limit(&mut self, reading: &Reading, most: usize) -> &mut Self {
        let one = reading.outermost.then_some(1);
        self.put_some("limit", reading.limit.or(one).map(|limit| limit.clamp(1, most)))
    }

    pub(super) fn args(&mut self) -> Args {
        std::mem::take(&mut self.0)
    }

    /// The plan; `note` is told with what was understood.
    pub(super) fn plan(&mut self, tool: &'static str, reading: &Reading, note: &str) -> Plan {
        let mut understood = planner::explain(reading);
        if !note.is_empty() {
            understood.push(' ');
            understood.push_str(note);
        }
        Plan { tool, arguments: self.args(), understood }
    }
}

/// Words of a reading as one text, phrases in quotation marks; the subject is among them.
pub(super) fn phrase(reading: &Reading) -> Option<String> {
    let quoted = |word: &str| {
        if word.contains(' ') { format!("\"{}\"", word.replace('"', "")) } else { word.to_owned() }
    };
    let all: Vec<String> = reading.subject.iter().chain(&reading.words).map(|word| quoted(word)).collect();
    (!all.is_empty()).then(|| all.join(" "))
}

/// Who is named, as text to look for: an organisation by where its mail comes from.
pub(super) fn named(deps: &ServiceDeps, party: &Party) -> String {
    match party {
        Party::Name(text) | Party::Address(text) => text.clone(),
        Party::Organization(code) => {
            let found = deps.settings.organizations.participants(code);
            found.into_iter().next().unwrap_or_else(|| code.clone())
        }
    }
}
