//! Memory and open files of the replicas, minute by minute.

use crate::support::process::Process;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Memory may grow by so much from the warm state to the end.
const GROWTH: f64 = 1.2;

/// Memory of the replicas that live from the beginning to the end.
#[derive(Default)]
pub(crate) struct Memory {
    /// By name: kB, minute by minute.
    samples: BTreeMap<String, Vec<u64>>,
}

impl Memory {
    /// Looks at them, and at one that does not live on; what is printed of all.
    pub(crate) fn sample(&mut self, lasting: &[(String, &Process)], mortal: &Process) -> String {
        let (mut memory, mut files) = (String::new(), String::new());
        let lasting = lasting.iter().map(|(name, process)| (Some(name), *process));
        for (name, process) in lasting.chain([(None, mortal)]) {
            let resident = resident_kb(process.id());
            write!(memory, "{:.0} ", megabytes(resident)).unwrap();
            write!(files, "{} ", open_files(process.id())).unwrap();
            if let Some(name) = name {
                self.samples.entry(name.clone()).or_default().push(resident);
            }
        }
        format!("{memory}| {files}|")
    }

    /// From the warm state (minute 5, or two fifths of a short run) to the end.
    pub(crate) fn assert_flat(&self) {
        for (name, samples) in &self.samples {
            let warm = 4.min(samples.len() * 2 / 5);
            let series: Vec<f64> = samples[warm..].iter().copied().map(megabytes).collect();
            let (first, last, slope) = (series[0], series[series.len() - 1], slope(&series) * 1024.0);
            println!("memory of {name}: {first:.1} MB warm, {last:.1} MB at the end, {slope:.1} kB a minute");
            assert!(last < first * GROWTH, "memory of {name} grows");
        }
    }
}

fn megabytes(kilobytes: u64) -> f64 {
    kilobytes as f64 / 1024.0
}

/// Resident memory of a process, in kB.
fn resident_kb(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Open file descriptors of a process.
fn open_files(process: u32) -> usize {
    std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().count()
}

/// Slope of the straight line through evenly spaced values, per step.
fn slope(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let (mean_x, mean_y) = ((count - 1.0) / 2.0, values.iter().sum::<f64>() / count);
    let (mut above, mut below) = (0.0, 0.0);
    for (x, y) in values.iter().enumerate() {
        above += (x as f64 - mean_x) * (y - mean_y);
        below += (x as f64 - mean_x).powi(2);
    }
    if below == 0.0 { 0.0 } else { above / below }
}
