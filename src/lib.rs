//! Entrada: one door to Microsoft 365 for AI clients.

mod adapters;
mod domain;
mod extract;
mod graph;
mod ports;
mod services;
mod tools;
