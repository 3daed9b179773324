//! Entrada: one door to Microsoft 365 for AI clients.

mod adapters;
mod domain;
mod ports;
mod tools;
