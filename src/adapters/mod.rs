//! Implementations of the ports: the only modules that speak to other systems.

pub(crate) mod embedded;
pub(crate) mod entra;
pub(crate) mod http;
mod keys;
mod records;
pub(crate) mod redis;
