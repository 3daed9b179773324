//! What opens a service: a key, never from the command line, which everybody on the machine can read; or the sign-in that
//! `entrada login` left, renewed when it is time.

use super::address::Address;
use super::keep::{Keep, Login};
use super::{RemoteError, oauth};
use crate::cli::CommandError;
use crate::config::Environment;
use crate::domain::secret::Secret;
use reqwest::Client;
use std::path::PathBuf;

const NAME: &str = "ENTRADA_KEY";
const FILE: &str = "ENTRADA_KEY_FILE";

/// What is sent as the bearer.
pub(super) enum Key {
    Fixed(Secret<String>),
    Login { login: Box<Login>, keep: Keep, address: Box<Address>, plain_http: bool },
}

impl Key {
    /// The bearer, as it is known.
    pub(super) fn bearer(&self) -> &str {
        match self {
            Self::Fixed(key) => key.expose(),
            Self::Login { login, .. } => login.access_token.expose(),
        }
    }

    /// Renews a sign-in whose bearer ends; a key stays what it is.
    pub(super) async fn keep_alive(&mut self, http: &Client) -> Result<(), CommandError> {
        match self {
            Self::Login { login, .. } if login.is_ending() => self.renew(http).await.map(drop),
            Self::Login { .. } | Self::Fixed(_) => Ok(()),
        }
    }

    /// Renews a sign-in; false where there is nothing to renew.
    pub(super) async fn renew(&mut self, http: &Client) -> Result<bool, CommandError> {
        let Self::Login { login, keep, address, plain_http } = self else { return Ok(false) };
        **login = oauth::refresh(http, login, address, *plain_http).await?;
        keep.save(login)?;
        Ok(true)
    }
}

/// The key for a service: of the file given, else of the environment, else the sign-in that is kept.
pub(super) fn find(
    file: Option<PathBuf>,
    environment: &Environment,
    address: &Address,
    plain_http: bool,
) -> Result<Key, RemoteError> {
    let file = file.or_else(|| environment.get(FILE).map(PathBuf::from));
    if let Some(path) = file {
        return read(path).map(Key::Fixed);
    }
    if let Some(key) = environment.get(NAME).map(|text| text.trim()).filter(|text| is_one_word(text)) {
        return Ok(Key::Fixed(Secret::new(key.to_owned())));
    }
    let none = || RemoteError::NoKey { service: address.to_string(), server: address.server().clone() };
    let keep = Keep::of(environment).ok_or_else(none)?;
    let login = keep.load(&address.resource())?.ok_or_else(none)?;
    Ok(Key::Login { login: Box::new(login), keep, address: Box::new(address.clone()), plain_http })
}

fn read(path: PathBuf) -> Result<Secret<String>, RemoteError> {
    let wrong = |problem: String| RemoteError::KeyFile { path: path.clone(), problem };
    let text = std::fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?;
    match text.trim() {
        "" => Err(wrong("it is empty".to_owned())),
        key if is_one_word(key) => Ok(Secret::new(key.to_owned())),
        _ => Err(wrong("it holds more than a key: one line of visible characters".to_owned())),
    }
}

/// What can stand in a header.
fn is_one_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(file: Option<&str>, pairs: &[(&str, &str)]) -> Result<String, String> {
        let environment = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let address = Address::parse("https://door.example/mail-query").unwrap();
        let key = find(file.map(PathBuf::from), &environment, &address, false);
        key.map(|key| key.bearer().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_wins_and_its_last_line_end_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let (good, empty, two) = (path("a", "dcr_pk_file\r\n"), path("b", " \n"), path("c", "a b\nc"));
        assert_eq!(found(Some(&good), &[("ENTRADA_KEY", "dcr_pk_env")]).unwrap(), "dcr_pk_file");
        assert_eq!(found(None, &[("ENTRADA_KEY_FILE", &good)]).unwrap(), "dcr_pk_file");
        assert_eq!(found(None, &[("ENTRADA_KEY", " dcr_pk_env\n")]).unwrap(), "dcr_pk_env");
        assert!(found(Some(&empty), &[]).unwrap_err().contains("empty"));
        assert!(found(Some(&two), &[]).unwrap_err().contains("more than a key"));
        assert!(found(Some("/nowhere/key"), &[]).unwrap_err().contains("/nowhere/key"));
        let missing = found(None, &[("ENTRADA_KEY", "")]).unwrap_err();
        assert!(missing.contains("--key-file") && missing.contains("https://door.example/account/keys"));
        assert!(missing.contains("entrada login https://door.example/mail-query"));
    }
}
