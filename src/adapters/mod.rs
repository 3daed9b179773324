//! Everything outside the process, behind the traits of `ports`: stores, Entra, Graph. The only folder that names
//! their client libraries.

#[cfg(test)]
mod conformance;
pub(crate) mod crypto;
pub(crate) mod embedded;
pub(crate) mod entra;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
pub(crate) mod graph_http;
pub(crate) mod http;
pub(crate) mod issuer_keys;
mod keys;
pub(crate) mod language_model;
pub(crate) mod metered_graph;
pub(crate) mod net_probe;
pub(crate) mod public_http;
mod records;
pub(crate) mod redis;
mod resealing;
mod topics;
