//! The part of KQL that `$search` on messages understands.
mod eval;
mod parser;
#[cfg(test)]
mod tests;

pub(super) use eval::contains;
pub(super) use parser::{Node, Place, parse, words};
