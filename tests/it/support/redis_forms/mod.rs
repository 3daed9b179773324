//! Redis in all its forms, started by the tests: one server behind TLS and an ACL, Sentinel, and Cluster. Every process
//! listens on 127.0.0.1 only, keeps its data in a folder of its own, and is ended by its id.
//!
//! Shared with the tests inside the library (`src/adapters/conformance`), so nothing here uses what lies beside it.

pub(crate) mod cluster;
pub(crate) mod guard;
pub(crate) mod node;
pub(crate) mod sentinel;

/// Says that Redis tests may be left out on this machine.
const OPT_OUT: &str = "ENTRADA_TEST_NO_REDIS";

/// Whether this machine is said to have no Redis.
fn left_out() -> bool {
    let left_out = std::env::vars().any(|(name, value)| name == OPT_OUT && value == "1");
    if left_out {
        println!("skipped: {OPT_OUT}=1 says that there is no redis-server here");
    }
    left_out
}
