//! Which store the settings name.

use super::{Config, ConfigError};
use crate::domain::redis_place::{RedisForm, RedisLogin, RedisPlace, RedisTls};
use crate::domain::secret::Secret;
use std::path::PathBuf;

const URL: &str = "store.url";

/// Which store to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoreUrl {
    Memory,
    File(PathBuf),
    Redis(Box<RedisPlace>),
}

impl StoreUrl {
    /// What this is, for operators; without anything secret.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Memory => "in memory, ends with the process".to_owned(),
            Self::File(path) => format!("the file {}", path.display()),
            Self::Redis(place) => place.describe(),
        }
    }
}

impl Config {
    /// The store of the settings. The URL may hold a password, so no error repeats anything of it.
    pub(crate) fn store_url(&self) -> Result<StoreUrl, ConfigError> {
        let url = self.store.url.expose().as_str();
        if url == "embedded:memory" {
            return Ok(StoreUrl::Memory);
        }
        if let Some(path) = url.strip_prefix("embedded:").filter(|path| !path.is_empty()) {
            return Ok(StoreUrl::File(PathBuf::from(path)));
        }
        let mut place = RedisPlace::parse(url).map_err(|error| ConfigError::Refused {
            key: URL,
            problem: format!("{error}; or embedded:PATH, or embedded:memory"),
        })?;
        place.tls = self.tls_of(&place)?;
        place.sentinel_login = self.sentinel_login(&place)?;
        Ok(StoreUrl::Redis(Box::new(place)))
    }

    /// TLS with the files of the settings.
    fn tls_of(&self, place: &RedisPlace) -> Result<Option<RedisTls>, ConfigError> {
        let store = &self.store;
        let files = [
            ("store.ca_file", &store.ca_file),
            ("store.certificate_file", &store.certificate_file),
            ("store.key_file", &store.key_file),
        ];
        if place.tls.is_none() {
            return match files.iter().find(|(_, file)| !file.is_empty()) {
                Some(&(key, _)) => Err(ConfigError::Refused {
                    key,
                    problem:
                        "is for TLS: write rediss:// (or rediss+sentinel://, rediss+cluster://) in store.url"
                            .to_owned(),
                }),
                None => Ok(None),
            };
        }
        let [authorities, certificate, key] = files;
        let client = match (read(certificate)?, read(key)?) {
            (Some(certificate), Some(key)) => Some((certificate, Secret::new(key))),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                return Err(ConfigError::Refused {
                    key: "store.certificate_file",
                    problem: "goes with store.key_file: set both, or neither".to_owned(),
                });
            }
        };
        Ok(Some(RedisTls { authorities: read(authorities)?, client }))
    }

    fn sentinel_login(&self, place: &RedisPlace) -> Result<RedisLogin, ConfigError> {
        let (user, password) = (&self.store.sentinel_user, self.store.sentinel_password.expose());
        let refused = |problem: &str| {
            Err(ConfigError::Refused { key: "store.sentinel_password", problem: problem.to_owned() })
        };
        match (user.is_empty(), password.is_empty()) {
            (true, true) => Ok(RedisLogin::default()),
            _ if !matches!(place.form, RedisForm::Sentinel { .. }) => {
                refused("is for sentinels: store.url names none, and holds user and password of Redis itself")
            }
            (false, true) => refused("is missing: store.sentinel_user needs one"),
            (_, false) => Ok(RedisLogin {
                user: Some(user.clone()).filter(|user| !user.is_empty()),
                password: Some(Secret::new(password.clone())),
            }),
        }
    }
}

/// What a file of the settings holds, which must look like PEM; `None` when none is named.
fn read((key, file): (&'static str, &String)) -> Result<Option<Vec<u8>>, ConfigError> {
    if file.is_empty() {
        return Ok(None);
    }
    let path = PathBuf::from(file);
    let pem = std::fs::read(&path).map_err(|e| ConfigError::File { path, problem: e.to_string() })?;
    if !pem.windows(11).any(|window| window == b"-----BEGIN ") {
        let problem =
            "names a file that is no PEM: it must hold -----BEGIN CERTIFICATE----- or a key".to_owned();
        return Err(ConfigError::Refused { key, problem });
    }
    Ok(Some(pem))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Sources, load};

    fn store(pairs: &[(&str, &str)]) -> Result<StoreUrl, ConfigError> {
        let environment = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        load(&Sources { environment, ..Sources::default() })?.store_url()
    }

    fn place(pairs: &[(&str, &str)]) -> RedisPlace {
        match store(pairs).unwrap() {
            StoreUrl::Redis(place) => *place,
            other @ (StoreUrl::Memory | StoreUrl::File(_)) => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_form_is_read() {
        assert_eq!(store(&[("ENTRADA_STORE", "embedded:memory")]).unwrap(), StoreUrl::Memory);
        assert_eq!(store(&[("ENTRADA_STORE", "embedded:a b")]).unwrap(), StoreUrl::File("a b".into()));
        for url in ["redis://h", "rediss://h", "redis+sentinel://a,b/m", "rediss+cluster://a,b"] {
            assert_eq!(place(&[("REDIS_URL", url)]), RedisPlace::parse(url).unwrap());
        }
    }

    #[test]
    fn files_and_the_sentinels_account_go_with_their_forms() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let (pem, other) = (file("pem", "-----BEGIN CERTIFICATE-----\n"), file("other", "pa55word"));
        let sentinels = ("ENTRADA_STORE", "rediss+sentinel://h/m");
        let ca = ("ENTRADA_STORE__CA_FILE", pem.as_str());
        let word = ("ENTRADA_STORE__SENTINEL_PASSWORD", "pa55word");
        let found = place(&[sentinels, ca, word]);
        assert!(found.tls.unwrap().authorities.is_some());
        assert_eq!(found.sentinel_login.password, Some(Secret::new("pa55word".to_owned())));
        let by_file = ("ENTRADA_STORE__SENTINEL_PASSWORD_FILE", other.as_str());
        assert_eq!(place(&[sentinels, by_file]).sentinel_login, found.sentinel_login);

        let plain = ("ENTRADA_STORE", "redis://h");
        let missing = folder.path().join("missing").to_str().unwrap().to_owned();
        for (pairs, said) in [
            (vec![plain, ca], "rediss://"),
            (vec![plain, word], "sentinels"),
            (vec![sentinels, ("ENTRADA_STORE__SENTINEL_USER", "me")], "store.sentinel_password"),
            (vec![sentinels, ("ENTRADA_STORE__CERTIFICATE_FILE", pem.as_str())], "store.key_file"),
            (vec![sentinels, ("ENTRADA_STORE__CA_FILE", other.as_str())], "no PEM"),
            (vec![sentinels, ("ENTRADA_STORE__CA_FILE", missing.as_str())], "missing"),
            (vec![("ENTRADA_STORE", "pa55word")], "embedded:PATH"),
            (vec![("ENTRADA_STORE", "mongodb://pa55word@h")], "redis+cluster://"),
        ] {
            let error = store(&pairs).unwrap_err().to_string();
            assert!(error.contains(said) && !error.contains("pa55word"), "{error}");
        }
    }
}
