//! `src/docs/TOOLS.md` names every tool, with the permissions that it has. Its operations and tests are checked against
//! the traffic of a test run (`tests/contract`).

use super::testing::deps;
use crate::graph::testing::FakeGraph;
use std::collections::{BTreeMap, BTreeSet};

const TABLE: &str = include_str!("../docs/TOOLS.md");

/// What stands in backticks.
fn quoted(cell: &str) -> BTreeSet<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Permissions by tool.
fn rows() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut all = BTreeMap::new();
    for line in TABLE.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split(" | ").collect();
        for name in quoted(cells[0]) {
            assert!(all.insert(name, quoted(cells[2])).is_none(), "{name} stands twice");
        }
    }
    all
}

#[test]
fn every_tool_is_in_the_table_with_its_permissions() {
    let (mut rows, mut wrong) = (rows(), Vec::new());
    // Services may have tools of one name.
    let mut found = BTreeSet::new();
    for service in super::all(&deps(FakeGraph::new(|_, _| unreachable!("nothing is called")))) {
        let name = service.info().name.to_string();
        for tool in service.tools().iter().filter(|_| name != "conformance") {
            let spec = tool.spec();
            let scopes: BTreeSet<&str> = spec.scopes.iter().copied().collect();
            if rows.get(spec.name) != Some(&scopes) {
                wrong.push(format!("{name}: `{}` needs {scopes:?}", spec.name));
            }
            found.insert(spec.name);
        }
    }
    rows.retain(|name, _| !found.contains(name));
    // The bundle's own two, whose permissions are those of what they search.
    for name in ["search", "fetch"] {
        assert!(rows.remove(name).is_some(), "{name}");
    }
    assert!(wrong.is_empty() && rows.is_empty(), "{wrong:#?}, and no such tools: {rows:?}");
}
