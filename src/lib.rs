//! Entrada: one door to Microsoft 365 for AI clients.

#[cfg(feature = "sim")]
pub mod sim;
