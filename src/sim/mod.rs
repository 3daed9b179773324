//! A simulated Microsoft tenant: Entra ID and Graph over loopback, for the demo and the tests.
//!
//! It is a second application that is reached by URL only, and shares no types with the client:
//! a misunderstanding of the protocol must not hide on both sides.

mod clock;
mod control;
mod counters;
mod directory;
mod entra;
mod faults;
mod gateway;
mod graph;
mod options;
mod page;
mod record;
mod seed;
mod state;
mod tenant;
mod tokens;

#[cfg(test)]
mod tests;

pub use options::TenantOptions;
pub use tenant::Tenant;
