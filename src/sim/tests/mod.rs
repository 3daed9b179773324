//! The running tenant, driven over loopback as a client would.

mod control;
mod errors;
mod refresh;
mod sign_in;
mod support;
