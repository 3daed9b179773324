//! The Graph client that tools use: token, gate, transport, retry, errors. It knows Graph's rules and no tool.
//!
//! A call walks: [`client::GraphClient::send`] takes the user's token, asks the gate, sends through the transport,
//! and repeats what may be repeated within the caller's deadline.

pub(crate) mod batch;
pub(crate) mod client;
mod download;
pub(crate) mod encode;
pub(crate) mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
pub(crate) mod monitor;
pub(crate) mod page;
pub(crate) mod request;
mod retry;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod upload;
