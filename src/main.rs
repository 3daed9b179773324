//! The `entrada` binary.
fn main() {}
