//! The front over real sockets.

mod features;
mod modern;
mod rules;
mod schema;
mod sessions;
mod sse;
mod streams;
mod support;
mod transport;
#[expect(dead_code, reason = "shared with the tests over the running binary, which use all of it")]
#[path = "../../../tests/it/support/wire/mod.rs"]
mod wire;
mod ws;
