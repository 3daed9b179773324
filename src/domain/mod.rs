//! The vocabulary of Entrada: pure values and rules. No I/O, no async, no clock reads, no HTTP.

pub(crate) mod canonical;
pub(crate) mod cipher;
pub(crate) mod client;
pub(crate) mod clock;
pub(crate) mod event_stream;
pub(crate) mod grant;
pub(crate) mod ids;
pub(crate) mod keyring;
pub(crate) mod lending;
pub(crate) mod mailbox;
pub(crate) mod meters;
pub(crate) mod peer;
pub(crate) mod quota;
pub(crate) mod random;
pub(crate) mod rate;
pub(crate) mod reach;
pub(crate) mod redis_place;
pub(crate) mod resource;
pub(crate) mod scope;
pub(crate) mod secret;
pub(crate) mod session;
pub(crate) mod stream;
pub(crate) mod switches;
pub(crate) mod token;
pub(crate) mod turns;
pub(crate) mod upstream;
