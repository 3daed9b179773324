//! Entrada: one door to Microsoft 365 for AI clients.

mod actors;
mod adapters;
mod app;
pub mod cli;
mod config;
mod console;
mod domain;
mod edge;
mod extract;
mod files;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod graph;
mod html;
mod lifecycle;
mod mcp;
mod oauth;
mod openai;
mod ops;
mod planner;
mod ports;
mod services;
#[cfg(feature = "sim")]
pub mod sim;
mod telemetry;
mod tools;
