//! Entrada: one door to Microsoft 365 for AI clients.

mod actors;
mod adapters;
mod config;
mod domain;
pub mod extract;
mod mcp;
mod oauth;
mod ops;
mod ports;
#[cfg(feature = "sim")]
pub mod sim;
mod telemetry;
mod tools;
