//! What stands before a guarded Redis: TLS with a certificate of the test's own authority, and an ACL in which the
//! product may do what it needs and no more.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use redis::TlsCertificates;
use std::path::PathBuf;
use tempfile::TempDir;

/// The product's account.
pub(crate) const USER: &str = "entrada";
/// Its password; what is special in URLs must be escaped there.
pub(crate) const PASSWORD: &str = "pa55/wörd@home";
/// The same, as URLs take it.
pub(crate) const ESCAPED: &str = "pa55%2Fw%C3%B6rd%40home";
/// Of the account that tests, replicas and sentinels use.
pub(crate) const ADMIN_PASSWORD: &str = "admin-of-the-tests";
/// What sentinels ask of their own clients.
pub(crate) const SENTINEL_PASSWORD: &str = "word-of-the-sentinels";
/// What the product may do, as `STORAGE.md` says it.
const RULES: [&str; 15] = [
    "~ent:*",
    "&ent:bus:*",
    "+@read",
    "+@write",
    "-@dangerous",
    "+@scripting",
    "+@connection",
    "+publish",
    "+psubscribe",
    "+time",
    "+info",
    "+role",
    "+wait",
    "+cluster|slots",
    "+cluster|info",
];

/// Certificates and accounts.
pub(crate) struct Guard {
    folder: TempDir,
}

impl Guard {
    pub(crate) fn new() -> Self {
        let named = |name: &str, of: CertificateParams| {
            // OpenSSL takes one that is named as its issuer for self-signed.
            let mut of = of;
            of.distinguished_name.push(DnType::CommonName, name);
            of
        };
        let mut authority = named("authority of the tests", CertificateParams::default());
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let certificate = named("redis of the tests", CertificateParams::new(names).unwrap());
        let certificate = certificate.signed_by(&key, &authority).unwrap();
        let folder = TempDir::new().unwrap();
        let keep = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        keep("ca.pem", authority.pem());
        keep("cert.pem", certificate.pem());
        keep("key.pem", key.serialize_pem());
        let administrator = format!("user default on >{ADMIN_PASSWORD} ~* &* +@all");
        let product = format!("user {USER} on >{PASSWORD} {}", RULES.join(" "));
        keep("users.acl", format!("{administrator}\n{product}\n"));
        Self { folder }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Of the authority, as the product is told of it.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Of the server, which may serve as a client's as well.
    pub(crate) fn certificate_files(&self) -> (PathBuf, PathBuf) {
        (self.folder.path().join("cert.pem"), self.folder.path().join("key.pem"))
    }

    /// What the tests' own connections trust.
    pub(crate) fn certificates(&self) -> TlsCertificates {
        TlsCertificates { client_tls: None, root_cert: Some(std::fs::read(self.ca_file()).unwrap()) }
    }

    /// Settings of TLS, for servers and sentinels.
    pub(super) fn tls(&self, port: u16) -> Vec<(String, String)> {
        let pairs = [
            ("port", "0".to_owned()),
            ("tls-port", port.to_string()),
            ("tls-cert-file", self.file("cert.pem")),
            ("tls-key-file", self.file("key.pem")),
            ("tls-ca-cert-file", self.file("ca.pem")),
            ("tls-auth-clients", "no".to_owned()),
            ("tls-replication", "yes".to_owned()),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    /// Settings of the accounts, for servers.
    pub(super) fn accounts(&self) -> Vec<(String, String)> {
        let pairs = [
            ("aclfile", self.file("users.acl")),
            ("masteruser", "default".to_owned()),
            ("masterauth", ADMIN_PASSWORD.to_owned()),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }
}
