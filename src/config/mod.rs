//! Settings: compiled-in defaults, then a file, then the environment. Every layer may only name keys of
//! `config/default.toml`; anything else stops the start with the nearest known name.

mod clients;
mod layers;
mod sections;
mod store;
#[cfg(test)]
mod tests;
mod validate;

pub(crate) use clients::ClientEntry;
pub(crate) use layers::{Environment, Sources, load};
pub(crate) use sections::{Config, DpopSwitch, LogFormat, LogSection, RefreshReuse, RegistrationSwitch};
pub(crate) use store::StoreUrl;
pub(crate) use validate::is_loopback;

use std::path::PathBuf;

/// Why the settings cannot be used. The text names the key and the remedy, and never a secret value.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("unknown setting `{name}` in {source_name}{}", nearest(.suggestion.as_ref()))]
    Unknown { name: String, source_name: String, suggestion: Option<String> },
    #[error("setting `{key}` from {source_name}: {problem}")]
    Invalid { key: String, source_name: String, problem: String },
    #[error("cannot read {}: {problem}", .path.display())]
    File { path: PathBuf, problem: String },
    #[error("setting `{key}` is missing: {remedy}")]
    Missing { key: &'static str, remedy: &'static str },
    #[error("setting `{key}`: {problem}")]
    Refused { key: &'static str, problem: String },
}

fn nearest(suggestion: Option<&String>) -> String {
    suggestion.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}
