//! Documents are read in a child process of the same binary: parsers of hostile files may overflow their
//! stack, abort, loop or eat memory, and none of that may reach the server.

mod child;
mod parent;
mod wire;

#[cfg(test)]
mod tests;

pub(crate) use child::child_main;
pub(crate) use parent::{Extractor, PoolLimits};
