//! The table of tools, `src/docs/TOOLS.md`.

const TABLE: &str = include_str!("../../src/docs/TOOLS.md");
/// How the table begins an operation.
const METHODS: [&str; 5] = ["GET ", "POST ", "PUT ", "PATCH ", "DELETE "];

/// What a line says; a line of prose may name operations as well.
pub(crate) struct Row {
    pub(crate) operations: Vec<&'static str>,
    /// `module::function` below `tests/it`; empty in prose.
    pub(crate) test: &'static str,
}

pub(crate) fn rows() -> Vec<Row> {
    let row = |line: &'static str| {
        let quoted = || line.split('`').skip(1).step_by(2);
        let is_operation = |text: &&str| METHODS.iter().any(|method| text.starts_with(method));
        let is_row = line.starts_with("| `");
        Row {
            operations: quoted().filter(is_operation).collect(),
            test: if is_row { quoted().last().unwrap_or_default() } else { "" },
        }
    };
    TABLE.lines().map(row).filter(|row| !row.operations.is_empty() || !row.test.is_empty()).collect()
}

/// Whether a test of that name exists.
pub(crate) fn is_test(name: &str) -> bool {
    let Some((module, function)) = name.rsplit_once("::") else { return name.is_empty() };
    let path = format!("{}/tests/it/{}.rs", env!("CARGO_MANIFEST_DIR"), module.replace("::", "/"));
    std::fs::read_to_string(path).is_ok_and(|text| text.contains(&format!("async fn {function}(")))
}
