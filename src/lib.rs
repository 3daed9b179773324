//! Entrada: one door to Microsoft 365 for AI clients.

mod actors;
mod config;
mod domain;
pub mod extract;
mod ports;
mod tools;
