//! Sign-ins between two runs: one file for each service in the user's configuration folder, readable by the user alone and
//! sealed with a key that lies beside them, so that a file which gets away opens nothing.

use super::RemoteError;
use crate::config::Environment;
use crate::domain::cipher::Cipher;
use crate::domain::clock::{Clock, SystemClock, Timestamp};
use crate::domain::keyring::KeyRing;
use crate::domain::random;
use crate::domain::secret::{Sealed, Secret};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

const KEY: &str = "key";
/// A bearer with less life is renewed before it is used.
const MARGIN: Duration = Duration::from_mins(1);

/// A sign-in at one service. Serialised only to be sealed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Login {
    pub(super) resource: String,
    pub(super) issuer: String,
    pub(super) token_endpoint: String,
    #[serde(default)]
    pub(super) revocation_endpoint: Option<String>,
    pub(super) client_id: String,
    #[serde(serialize_with = "expose", deserialize_with = "secret")]
    pub(super) access_token: Secret<String>,
    #[serde(serialize_with = "expose", deserialize_with = "secret")]
    pub(super) refresh_token: Secret<String>,
    pub(super) expires_at: Timestamp,
}

impl Login {
    pub(super) fn is_ending(&self) -> bool {
        self.expires_at.since(SystemClock.now()) < MARGIN
    }
}

/// The folder.
#[derive(Clone, Debug)]
pub(super) struct Keep {
    folder: PathBuf,
}

impl Keep {
    /// `$XDG_CONFIG_HOME/entrada`, or `~/.config/entrada`; none where the user has no home.
    pub(super) fn of(environment: &Environment) -> Option<Self> {
        let set = |name: &str| environment.get(name).filter(|text| !text.is_empty()).map(PathBuf::from);
        let config = set("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
        let config = config.or_else(|| set("HOME").map(|home| home.join(".config")))?;
        Some(Self { folder: config.join("entrada") })
    }

    /// The sign-in at a service.
    pub(super) fn load(&self, resource: &str) -> Result<Option<Login>, RemoteError> {
        let path = self.place(resource);
        let Some(bytes) = self.read(&path)? else { return Ok(None) };
        let Some(cipher) = self.cipher(false)? else { return Ok(None) };
        let broken = || self.failed(&path, "it cannot be read any more: remove it and sign in again");
        let plain = cipher.open(&context(resource), &Sealed::from_bytes(bytes)).map_err(|_| broken())?;
        serde_json::from_slice(&plain).map(Some).map_err(|_| broken())
    }

    /// Writes a sign-in in the place of an earlier one.
    pub(super) fn save(&self, login: &Login) -> Result<(), RemoteError> {
        let path = self.place(&login.resource);
        let failed = |error: std::io::Error| self.failed(&path, &error.to_string());
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.folder);
        made.map_err(|error| self.failed(&self.folder, &error.to_string()))?;
        let Some(cipher) = self.cipher(true)? else { return Ok(()) };
        let plain = serde_json::to_vec(login).unwrap_or_default();
        let sealed = cipher.seal(&context(&login.resource), &plain);
        // Another run sees the old file or the new one, never half of it.
        let fresh = path.with_extension(random::text::<6>());
        let written = write(&fresh, sealed.as_bytes()).and_then(|()| std::fs::rename(&fresh, &path));
        if written.is_err() {
            let _ = std::fs::remove_file(&fresh);
        }
        written.map_err(failed)
    }

    /// Forgets a sign-in.
    pub(super) fn remove(&self, resource: &str) -> Result<(), RemoteError> {
        let path = self.place(resource);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.failed(&path, &error.to_string())),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn place(&self, resource: &str) -> PathBuf {
        let digest = Sha256::digest(resource).iter().take(12).fold(String::new(), |mut text, byte| {
            let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"));
            text
        });
        self.folder.join(format!("{digest}.login"))
    }

    /// The cipher of the folder's key, which is made when there is none and one is wanted.
    fn cipher(&self, make: bool) -> Result<Option<Cipher>, RemoteError> {
        let path = self.folder.join(KEY);
        let text = match self.read(&path)? {
            Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            None if !make => return Ok(None),
            None => {
                let text = random::text::<32>();
                let made = write(&path, text.as_bytes());
                match made {
                    Ok(()) => text,
                    // Another run was faster.
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => return self.cipher(false),
                    Err(error) => return Err(self.failed(&path, &error.to_string())),
                }
            }
        };
        let ring = KeyRing::from_text(text.trim()).map_err(|_| self.failed(&path, "it is no key"))?;
        Ok(Some(Cipher::new(&ring)))
    }

    /// A file that nobody else can read.
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, RemoteError> {
        let failed = |error: &std::io::Error| self.failed(path, &error.to_string());
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&error)),
        };
        let mode = file.metadata().map_err(|error| failed(&error))?.mode();
        if mode & 0o077 != 0 {
            return Err(self.failed(path, "others can read it: `chmod 600` it"));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| failed(&error))?;
        Ok(Some(bytes))
    }

    fn failed(&self, path: &Path, problem: &str) -> RemoteError {
        let path = if path.starts_with(&self.folder) { path.to_owned() } else { self.folder.clone() };
        RemoteError::Keep { path, problem: problem.to_owned() }
    }
}

/// A new file of the user alone, on the disk when this returns.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn context(resource: &str) -> String {
    format!("login|{resource}")
}

fn expose<S: Serializer>(secret: &Secret<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret<String>, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn login(resource: &str) -> Login {
        Login {
            resource: resource.to_owned(),
            issuer: "https://door.example".to_owned(),
            token_endpoint: "https://door.example/token".to_owned(),
            revocation_endpoint: None,
            client_id: "client".to_owned(),
            access_token: Secret::new("dcr_at_secret".to_owned()),
            refresh_token: Secret::new("dcr_rt_secret".to_owned()),
            expires_at: SystemClock.now().plus(Duration::from_hours(1)),
        }
    }

    #[test]
    fn a_login_is_kept_for_its_service_and_for_nobody_else_to_read() {
        let home = tempfile::tempdir().unwrap();
        let environment: Environment =
            [("HOME".to_owned(), home.path().to_str().unwrap().to_owned())].into_iter().collect();
        let keep = Keep::of(&environment).unwrap();
        let (mail, teams) = ("https://door.example/mail-query/mcp", "https://door.example/teams/mcp");
        assert!(keep.load(mail).unwrap().is_none());
        keep.save(&login(mail)).unwrap();
        keep.save(&Login { client_id: "newer".to_owned(), ..login(mail) }).unwrap();
        let found = keep.load(mail).unwrap().unwrap();
        assert_eq!(
            (found.client_id.as_str(), found.access_token.expose().as_str()),
            ("newer", "dcr_at_secret")
        );
        assert!(!found.is_ending() && keep.load(teams).unwrap().is_none());
        let folder = home.path().join(".config/entrada");
        let mut names: Vec<_> =
            std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        assert_eq!(names.len(), 2, "{names:?}");
        for path in &names {
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
            assert!(!String::from_utf8_lossy(&std::fs::read(path).unwrap()).contains("secret"));
        }
        assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        // One service's file in the place of another's opens nothing.
        let place = keep.place(mail);
        std::fs::copy(&place, keep.place(teams)).unwrap();
        assert!(keep.load(teams).unwrap_err().to_string().contains("sign in again"));
        std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(keep.load(mail).unwrap_err().to_string().contains("chmod 600"));
        keep.remove(mail).unwrap();
        keep.remove(mail).unwrap();
        assert!(keep.load(mail).unwrap().is_none());
        assert!(Keep::of(&Environment::default()).is_none());
    }
}
