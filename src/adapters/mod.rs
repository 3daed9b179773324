//! Implementations of the ports: the only modules that speak to other systems.

pub(crate) mod entra;
pub(crate) mod http;
