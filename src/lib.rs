//! Entrada: one door to Microsoft 365 for AI clients.
pub mod extract;
