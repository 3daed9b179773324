//! The project's goals for speed and size, beside what was measured. Ratios compare subjects of one run; the absolute
//! goals are those of a quiet machine with two cores.

use crate::driver;
use crate::report::Table;
use crate::sign_in::Cycles;
use crate::world::World;
use crate::{CALLS, LISTS, SLOW_64, SLOW_256};

const RMCP: &str = "rmcp 3.9.0 + axum";

/// Prints one line per goal.
pub(crate) fn print(table: &Table, world: &World, cycles: Option<&Cycles>) {
    println!("\n| goal | at most | measured | |");
    println!("|---|--:|--:|---|");
    let at_most = |name: &str, limit: f64, measured: Option<f64>| match measured {
        Some(measured) => {
            let verdict = if measured <= limit { "met" } else { "missed" };
            println!("| {name} | {limit} | {measured:.3} | {verdict} |");
        }
        None => println!("| {name} | {limit} | not measured | |"),
    };
    let cpu = |load, subject| table.least_cpu(load, subject);
    let ratio = |load, to| Some(cpu(load, "entrada")? / cpu(load, to)?);
    at_most("W1 CPU s per 1,000", 0.045, cpu(LISTS, "entrada"));
    at_most("W1 ratio to the work by hand", 1.6, ratio(LISTS, "by hand"));
    at_most("W1 ratio to rmcp", 0.85, ratio(LISTS, RMCP));
    at_most("W2 CPU s per 1,000", 0.14, cpu(CALLS, "entrada"));
    at_most("W2 ratio to the work by hand", 1.5, ratio(CALLS, "by hand"));
    at_most("W2 ratio to rmcp", 0.5, ratio(CALLS, RMCP));
    at_most("W3, 64 connections: p50 ms", 35.0, table.best_p50(SLOW_64, "entrada"));
    at_most("W3, 64 connections: p99 ms", 42.0, table.best_p99(SLOW_64, "entrada"));
    at_most("W3, 256 connections: p50 ms", 50.0, table.best_p50(SLOW_256, "entrada"));
    at_most("W3, 256 connections: p99 ms", 90.0, table.best_p99(SLOW_256, "entrada"));
    at_most("W4 CPU ms per sign-in cycle", 1.0, cycles.map(|cycles| cycles.cpu_ms));
    at_most("W6 cold start ms", 50.0, Some(world.cold_start_ms));
    at_most("W6 RSS idle MB", 15.0, Some(world.idle_mb));
    at_most("W6 RSS at most MB, 256 connections", 60.0, Some(driver::peak_mb(world.entrada.process)));
    let binary = std::fs::metadata(env!("CARGO_BIN_EXE_entrada")).unwrap().len() as f64 / 1e6;
    at_most("W6 binary MB, with the simulated tenant", 15.0, Some(binary));
    if let Some(cycles) = cycles {
        println!(
            "\nW4: {:.0} sign-in cycles a second, 8 at a time, the driver and the tenant on the same cores",
            cycles.per_second
        );
    }
}
