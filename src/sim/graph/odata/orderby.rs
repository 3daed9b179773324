//! `$orderby` and the rule that ties it to `$filter` (m365 rules: `InefficientFilter`).
use super::ast::Filter;
use super::prop::Prop;

/// One sort key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sim::graph) struct OrderKey {
    pub(in crate::sim::graph) prop: Prop,
    pub(in crate::sim::graph) path: String,
    pub(in crate::sim::graph) descending: bool,
}

/// Parses `a desc,b`.
pub(in crate::sim::graph) fn parse_orderby(text: &str) -> Result<Vec<OrderKey>, String> {
    text.split(',').map(key).collect()
}

fn key(item: &str) -> Result<OrderKey, String> {
    let mut words = item.split_whitespace();
    let path = words.next().ok_or_else(|| "Syntax error in $orderby.".to_owned())?;
    let descending = match words.next() {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(other) => return Err(format!("Syntax error in $orderby: '{other}' is not a direction.")),
    };
    if words.next().is_some() {
        return Err("Syntax error in $orderby.".to_owned());
    }
    match Prop::of_path(path) {
        Some(prop) if prop.sortable() => Ok(OrderKey { prop, path: path.to_owned(), descending }),
        Some(_) => Err(format!("The property '{path}' does not support sorting.")),
        None => Err(format!("Could not find a property named '{path}' on type 'microsoft.graph.message'.")),
    }
}

/// Every sort property must stand in the filter, first and in the same order.
pub(in crate::sim::graph) fn order_is_efficient(filter: &Filter, order: &[OrderKey]) -> bool {
    order.len() <= filter.paths.len() && order.iter().zip(&filter.paths).all(|(key, path)| key.path == *path)
}
