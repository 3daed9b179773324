//! OData query language of Graph v1.0 mail: `$filter` and `$orderby`, and what Exchange refuses of it.
pub(super) mod ast;
mod eval;
mod lexer;
mod orderby;
mod parser;
pub(super) mod prop;
#[cfg(test)]
mod tests;

pub(super) use ast::{Filter, Window};
pub(super) use eval::{Row, matches};
pub(super) use orderby::{OrderKey, order_is_efficient, parse_orderby};
pub(super) use parser::parse_filter;
