//! What the core needs of the outside world, as traits. Adapters and actors implement them; nobody else holds a
//! connection, an HTTP client or an actor address.

pub(crate) mod documents;
pub(crate) mod events;
pub(crate) mod gate;
pub(crate) mod graph;
pub(crate) mod hearing;
pub(crate) mod identity;
pub(crate) mod inventory;
pub(crate) mod issuers;
pub(crate) mod language_model;
pub(crate) mod probe;
pub(crate) mod resealing;
pub(crate) mod sessions;
pub(crate) mod shared;
pub(crate) mod store;
pub(crate) mod tokens;
