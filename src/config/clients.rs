//! The clients of the settings, `[[clients]]`.

use super::ConfigError;
use crate::domain::client::ClientAuthMethod;
use crate::domain::secret::Secret;
use serde::{Deserialize, Deserializer};
use std::path::{Path, PathBuf};

const KEY: &str = "clients";

/// One client as written in the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientEntry {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) redirect_uris: Vec<String>,
    #[serde(default = "public")]
    pub(crate) auth_method: ClientAuthMethod,
    #[serde(default, deserialize_with = "secret")]
    secret: Option<Secret<String>>,
    secret_file: Option<PathBuf>,
    jwks_file: Option<PathBuf>,
    pub(crate) jwks_uri: Option<String>,
    #[serde(default = "usual_grants")]
    pub(crate) grant_types: Vec<String>,
    #[serde(default)]
    pub(crate) dpop_bound_access_tokens: bool,
}

fn public() -> ClientAuthMethod {
    ClientAuthMethod::None
}

fn usual_grants() -> Vec<String> {
    ["authorization_code", "refresh_token"].map(str::to_owned).to_vec()
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret<String>>, D::Error> {
    String::deserialize(deserializer).map(|text| Some(Secret::new(text)))
}

impl ClientEntry {
    /// The secret, from the file that holds it or from the settings.
    pub(crate) fn secret(&self) -> Result<Option<Secret<String>>, ConfigError> {
        match (&self.secret, &self.secret_file) {
            (Some(_), Some(_)) => {
                let problem = format!("`{}`: set either secret or secret_file", self.id);
                Err(ConfigError::Refused { key: KEY, problem })
            }
            (Some(secret), None) => Ok(Some(Secret::new(secret.expose().clone()))),
            (None, Some(path)) => {
                Ok(Some(Secret::new(read(path)?.trim_end_matches(['\r', '\n']).to_owned())))
            }
            (None, None) => Ok(None),
        }
    }

    /// The public keys.
    pub(crate) fn jwks(&self) -> Result<Option<serde_json::Value>, ConfigError> {
        let Some(path) = &self.jwks_file else { return Ok(None) };
        let unreadable =
            |e: serde_json::Error| ConfigError::File { path: path.clone(), problem: e.to_string() };
        serde_json::from_str(&read(path)?).map(Some).map_err(unreadable)
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path)
        .map_err(|error| ConfigError::File { path: path.to_owned(), problem: error.to_string() })
}
