//! The protocol-neutral tool layer. Every front calls [`dispatch::Dispatcher`]; no front validates, limits or audits
//! on its own, and nothing here knows a wire format.

pub(crate) mod context;
pub(crate) mod cursor;
pub(crate) mod dispatch;
pub(crate) mod error;
pub(crate) mod outlet;
pub(crate) mod output;
pub(crate) mod prompt;
pub(crate) mod registry;
pub(crate) mod resource;
pub(crate) mod schema;
pub(crate) mod tool;
