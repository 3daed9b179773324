//! Entrada: one door to Microsoft 365 for AI clients.

mod domain;
mod mcp;
mod oauth;
mod ports;
mod tools;
