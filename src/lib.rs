//! Entrada: one door to Microsoft 365 for AI clients.

<<<<<<< HEAD
mod actors;
mod config;
mod domain;
pub mod extract;
mod ports;
mod tools;
=======
#[cfg(feature = "sim")]
pub mod sim;
>>>>>>> sim-entra
