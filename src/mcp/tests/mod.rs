//! The front over real sockets.

mod features;
mod modern;
mod schema;
mod sessions;
mod sse;
mod streams;
mod support;
mod transport;
mod ws;
