//! Files without structure: a large table and unreadable bytes.
use std::fmt::Write as _;

use crate::sim::seed::rng::Rng;

/// Rows of a measuring log, a little over 3 MB: beyond what Graph takes in one upload.
pub(super) fn large_table(seed: u64) -> Vec<u8> {
    let mut rng = Rng::new(seed);
    let mut out = String::with_capacity(3_400_000);
    out.push_str("sample,gauge,pressure_kpa,temperature_c,remark\r\n");
    let mut row = 0_u32;
    while out.len() < 3_300_000 {
        let (gauge, pressure, temperature) = (rng.below(24), 300 + rng.below(900), rng.below(60));
        // Writing to a String cannot fail.
        let _ = write!(out, "{row},G{gauge:02},{pressure}.{},{temperature},within limits\r\n", row % 10);
        row += 1;
    }
    out.into_bytes()
}

/// Looks like a PDF for five bytes.
pub(super) fn garbage(seed: u64) -> Vec<u8> {
    let mut rng = Rng::new(seed);
    let mut out = b"%PDF-1.7\n".to_vec();
    out.extend((0..4096).map(|_| rng.below(256) as u8));
    out
}
