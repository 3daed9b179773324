//! The protocol-neutral tool layer. Every front calls [`dispatch::Dispatcher`]; no front validates, limits or audits
//! on its own, and nothing here knows a wire format.

pub(crate) mod account;
pub(crate) mod activity;
pub(crate) mod confirm;
pub(crate) mod context;
pub(crate) mod cursor;
pub(crate) mod dispatch;
pub(crate) mod error;
pub(crate) mod guide;
pub(crate) mod keepsakes;
pub(crate) mod offer;
#[expect(dead_code, reason = "pages to visit and changed resources wait for the tools that need them")]
pub(crate) mod outlet;
#[cfg_attr(
    not(any(test, feature = "conformance")),
    expect(dead_code, reason = "today the suite's fixtures alone answer audio")
)]
pub(crate) mod output;
pub(crate) mod plan;
pub(crate) mod prompt;
pub(crate) mod read_only;
pub(crate) mod registry;
pub(crate) mod resource;
pub(crate) mod schema;
pub(crate) mod switchboard;
pub(crate) mod tool;
pub(crate) mod transfer;
