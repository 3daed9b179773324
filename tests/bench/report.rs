//! The table at the end.

use std::collections::BTreeMap;
use std::time::Duration;

/// One measured round.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) requests: usize,
    pub(crate) cpu_seconds: f64,
    pub(crate) wall: Duration,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) resident_mb: f64,
}

impl Row {
    fn cpu_per_thousand(&self) -> f64 {
        self.cpu_seconds * 1000.0 / self.requests as f64
    }
}

/// Rounds by load and subject, in the order of their first appearance.
#[derive(Default)]
pub(crate) struct Table {
    order: Vec<(&'static str, &'static str)>,
    rounds: BTreeMap<(&'static str, &'static str), Vec<Row>>,
}

impl Table {
    pub(crate) fn add(&mut self, load: &'static str, subject: &'static str, row: Row) {
        if !self.order.contains(&(load, subject)) {
            self.order.push((load, subject));
        }
        self.rounds.entry((load, subject)).or_default().push(row);
    }

    /// Markdown; the ratio compares CPU time with the work by hand, else with the echo.
    pub(crate) fn print(&self) {
        println!(
            "\n| load | subject | CPU s / 1,000 (min) | (median) | req / CPU s | req/s | p50 ms | p99 ms | RSS MB | ratio |"
        );
        println!("|---|---|---|---|---|---|---|---|---|---|");
        for (load, subject) in &self.order {
            let rounds = &self.rounds[&(*load, *subject)];
            let pick = |value: fn(&Row) -> f64| median(&mut rounds.iter().map(value).collect::<Vec<_>>());
            let least = rounds.iter().map(Row::cpu_per_thousand).fold(f64::INFINITY, f64::min);
            let typical = pick(Row::cpu_per_thousand);
            println!(
                "| {load} | {subject} | {least:.4} | {typical:.4} | {:.0} | {:.0} | {:.1} | {:.1} | {:.1} | {} |",
                1000.0 / typical,
                pick(|row| row.requests as f64 / row.wall.as_secs_f64()),
                pick(|row| row.p50.as_secs_f64() * 1000.0),
                pick(|row| row.p99.as_secs_f64() * 1000.0),
                pick(|row| row.resident_mb),
                self.ratio(load, typical),
            );
        }
    }

    /// The least CPU seconds per thousand requests of any round.
    pub(crate) fn least_cpu(&self, load: &'static str, subject: &'static str) -> Option<f64> {
        self.least(load, subject, Row::cpu_per_thousand)
    }

    /// Milliseconds of the best round.
    pub(crate) fn best_p50(&self, load: &'static str, subject: &'static str) -> Option<f64> {
        self.least(load, subject, |row| row.p50.as_secs_f64() * 1000.0)
    }

    pub(crate) fn best_p99(&self, load: &'static str, subject: &'static str) -> Option<f64> {
        self.least(load, subject, |row| row.p99.as_secs_f64() * 1000.0)
    }

    fn least(&self, load: &'static str, subject: &'static str, value: fn(&Row) -> f64) -> Option<f64> {
        self.rounds.get(&(load, subject))?.iter().map(value).reduce(f64::min)
    }

    fn ratio(&self, load: &'static str, typical: f64) -> String {
        let base = ["by hand", "echo"].iter().find_map(|name| self.rounds.get(&(load, *name)));
        let Some(base) = base else { return String::new() };
        let base = median(&mut base.iter().map(Row::cpu_per_thousand).collect::<Vec<_>>());
        format!("{:.2}", typical / base)
    }
}

/// Median of a few samples.
pub(crate) fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}
