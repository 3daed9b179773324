//! The numeric query options, and the check that a route knows every option it is sent.
use super::call::Call;
use super::error::GraphError;

/// Largest page of messages.
const MAX_TOP: usize = 1000;

/// `$top`, `$skip`, `$count`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options {
    pub(super) top: Option<usize>,
    pub(super) skip: usize,
    pub(super) count: bool,
}

impl Options {
    /// Reads them; options that are not in `known` are refused.
    pub(super) fn read(call: &Call<'_>, known: &[&str]) -> Result<Self, GraphError> {
        for name in call.query.names().filter(|n| n.starts_with('$')) {
            if !known.contains(&name) {
                return Err(GraphError::bad_request(format!(
                    "Query option '{name}' is not allowed or not recognized for this resource."
                )));
            }
        }
        let top = number(call, "$top")?;
        if top.is_some_and(|t| !(1..=MAX_TOP).contains(&t)) {
            let got = top.unwrap_or_default();
            return Err(GraphError::bad_request(format!(
                "Invalid value '{got}' for $top: it must be between 1 and {MAX_TOP}."
            )));
        }
        let count = match call.query.get("$count") {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => {
                return Err(GraphError::bad_request(format!(
                    "Invalid value '{other}' for $count query option found."
                )));
            }
        };
        Ok(Self { top, skip: number(call, "$skip")?.unwrap_or(0), count })
    }

    /// Rows per page when Graph's default is `default`.
    pub(super) fn page(&self, call: &Call<'_>, default: usize) -> usize {
        self.top.or(call.prefer.page).unwrap_or(default)
    }
}

fn number(call: &Call<'_>, name: &str) -> Result<Option<usize>, GraphError> {
    let Some(text) = call.query.get(name) else { return Ok(None) };
    let bad = || {
        GraphError::bad_request(format!(
            "Invalid value '{text}' for {name} query option found. The {name} query option requires a \
                non-negative integer value."
        ))
    };
    text.parse::<u32>().map(|n| Some(n as usize)).map_err(|_| bad())
}
