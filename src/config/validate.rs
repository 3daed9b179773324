//! Whether well-typed settings make sense together. Everything wrong is refused before anything starts.

use super::{Config, ConfigError, RegistrationSwitch};
use crate::domain::keyring::KeyRing;
use crate::domain::peer;
use url::{Host, Url};

/// Shortest token of operators, in characters.
const MIN_ADMIN_TOKEN: usize = 32;

impl Config {
    /// Checks everything that can be checked without the network.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        self.key_ring()?;
        self.store_url()?;
        self.check_public_url()?;
        self.check_admin()?;
        self.check_clock()?;
        self.check_entra()?;
        self.check_limits()?;
        self.check_networks()?;
        self.check_registration()?;
        self.trusted_issuers()?;
        self.check_language_model()?;
        self.check_services()
    }

    /// The key ring; `ENCRYPTION_KEYS` wins over `ENCRYPTION_KEY`.
    pub(crate) fn key_ring(&self) -> Result<KeyRing, ConfigError> {
        let (one, many) = (self.keys.encryption_key.expose(), self.keys.encryption_keys.expose());
        let ring = match (many.is_empty(), one.is_empty()) {
            (false, _) => KeyRing::from_list(many),
            (true, false) => KeyRing::from_text(one),
            (true, true) => {
                return Err(ConfigError::Missing {
                    key: "keys.encryption_keys",
                    remedy: "set ENCRYPTION_KEYS (or ENCRYPTION_KEY); `entrada keys new` makes one",
                });
            }
        };
        ring.map_err(|e| ConfigError::Refused { key: "keys", problem: e.to_string() })
    }

    fn check_language_model(&self) -> Result<(), ConfigError> {
        if self.llm.url.is_empty() {
            return Ok(());
        }
        let refused = |problem: &str| ConfigError::Refused { key: "llm.url", problem: problem.to_owned() };
        let url = Url::parse(&self.llm.url).map_err(|error| refused(&error.to_string()))?;
        let is_plain = url.scheme() == "http" && self.llm.allow_http;
        if !(url.scheme() == "https" || is_plain) || url.query().is_some() || !url.username().is_empty() {
            return Err(refused(
                "must be an https:// URL without query and user (or http:// with llm.allow_http)",
            ));
        }
        if self.llm.model.is_empty() {
            let remedy = "set ENTRADA_LLM_MODEL to the name of a model of that server";
            return Err(ConfigError::Missing { key: "llm.model", remedy });
        }
        if self.llm.timeout_s == 0 || self.llm.silence_s == 0 {
            return Err(refused("needs llm.timeout_s and llm.silence_s above 0"));
        }
        Ok(())
    }

    fn check_public_url(&self) -> Result<(), ConfigError> {
        let refused =
            |problem: &str| ConfigError::Refused { key: "server.public_url", problem: problem.to_owned() };
        if self.server.public_url.is_empty() {
            return if self.server.listen.ip().is_loopback() {
                Ok(())
            } else {
                Err(ConfigError::Missing {
                    key: "server.public_url",
                    remedy: "set ENTRADA_PUBLIC_URL to the https URL that clients use",
                })
            };
        }
        let url = Url::parse(&self.server.public_url).map_err(|e| refused(&e.to_string()))?;
        if self.server.public_url.ends_with('/') {
            return Err(refused("leave out the trailing slash: clients compare the issuer byte by byte"));
        }
        if url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.path() != "/"
        {
            return Err(refused("give scheme, host and port only"));
        }
        if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) {
            return Ok(());
        }
        Err(refused("must be https:// (http:// is accepted for loopback hosts)"))
    }

    fn check_clock(&self) -> Result<(), ConfigError> {
        if self.server.test_clock_offset_s == 0 || self.graph.insecure_upstream {
            return Ok(());
        }
        let problem = "is for tests with graph.insecure_upstream only; leave it out".to_owned();
        Err(ConfigError::Refused { key: "server.test_clock_offset_s", problem })
    }

    fn check_admin(&self) -> Result<(), ConfigError> {
        let token = self.server.admin_token.expose();
        let key = "server.admin_token";
        if self.server.admin_listen.is_none() {
            return Ok(());
        }
        if token.is_empty() {
            let remedy = "server.admin_listen needs one: set ENTRADA_ADMIN_TOKEN or ENTRADA_ADMIN_TOKEN_FILE";
            return Err(ConfigError::Missing { key, remedy });
        }
        if token.len() < MIN_ADMIN_TOKEN || !token.bytes().all(|b| b.is_ascii_graphic()) {
            let problem = format!(
                "must be at least {MIN_ADMIN_TOKEN} visible ASCII characters, as `openssl rand -hex 32` makes them"
            );
            return Err(ConfigError::Refused { key, problem });
        }
        if self.server.admin_listen == Some(self.server.listen) && self.server.listen.port() != 0 {
            let problem = "must differ from server.listen: operators have a port of their own".to_owned();
            return Err(ConfigError::Refused { key: "server.admin_listen", problem });
        }
        Ok(())
    }

    fn check_entra(&self) -> Result<(), ConfigError> {
        let entra = &self.entra;
        let required = [
            (
                "entra.client_id",
                entra.client_id.is_empty(),
                "set AZURE_CLIENT_ID to the app registration's id",
            ),
            (
                "entra.client_secret",
                entra.client_secret.expose().is_empty()
                    && entra.client_certificate_path.is_empty()
                    && entra.federated_token_file.is_empty(),
                "set AZURE_CLIENT_SECRET (or AZURE_CLIENT_CERTIFICATE_PATH, or AZURE_FEDERATED_TOKEN_FILE)",
            ),
            (
                "entra.tenant_id",
                entra.tenant_id.is_empty(),
                "set AZURE_TENANT_ID (GUID, domain or organizations)",
            ),
        ];
        if let Some((key, _, remedy)) = required.into_iter().find(|(_, missing, _)| *missing) {
            return Err(ConfigError::Missing { key, remedy });
        }
        if let Some(bad) = entra.allowed_groups.iter().find(|id| uuid::Uuid::try_parse(id).is_err()) {
            let problem = format!("`{bad}` is not the object id of a group (a GUID)");
            return Err(ConfigError::Refused { key: "entra.allowed_groups", problem });
        }
        let endpoints = [
            ("entra.authorization_endpoint", &entra.authorization_endpoint),
            ("entra.token_endpoint", &entra.token_endpoint),
            ("entra.jwks_uri", &entra.jwks_uri),
        ];
        let set = endpoints.into_iter().filter(|(_, text)| !text.is_empty());
        let always = [("entra.authority", &entra.authority), ("graph.url", &self.graph.url)];
        for (key, text) in always.into_iter().chain(set) {
            let refused = |problem: String| ConfigError::Refused { key, problem };
            let url = Url::parse(text).map_err(|e| refused(e.to_string()))?;
            let allowed = url.scheme() == "https" || (url.scheme() == "http" && self.graph.insecure_upstream);
            if !allowed {
                let problem = "must be https:// (ENTRADA_INSECURE_UPSTREAM=true allows http:// for the simulated tenant)";
                return Err(refused(problem.to_owned()));
            }
        }
        Ok(())
    }

    fn check_limits(&self) -> Result<(), ConfigError> {
        let at_least_one = [
            ("oauth.access_ttl_s", self.oauth.access_ttl_s),
            ("oauth.refresh_ttl_s", self.oauth.refresh_ttl_s),
            ("oauth.grant_ttl_s", self.oauth.grant_ttl_s),
            ("oauth.code_ttl_s", self.oauth.code_ttl_s),
            ("oauth.client_ttl_s", self.oauth.client_ttl_s),
            ("oauth.id_token_key_ttl_s", self.oauth.id_token_key_ttl_s),
            ("limits.register_per_minute", u64::from(self.limits.register_per_minute)),
            ("limits.authorize_per_minute", u64::from(self.limits.authorize_per_minute)),
            ("limits.token_per_minute", u64::from(self.limits.token_per_minute)),
            ("limits.other_per_minute", u64::from(self.limits.other_per_minute)),
            ("limits.client_per_minute", u64::from(self.limits.client_per_minute)),
            ("limits.user_per_minute", u64::from(self.limits.user_per_minute)),
            ("limits.shared_factor", u64::from(self.limits.shared_factor)),
            ("registration.unused_ttl_s", self.registration.unused_ttl_s),
            ("mcp.session_ttl_s", self.mcp.session_ttl_s),
            ("mcp.max_sessions_per_user", self.mcp.max_sessions_per_user as u64),
            ("mcp.max_sessions_per_client", self.mcp.max_sessions_per_client as u64),
            ("mcp.heartbeat_s", self.mcp.heartbeat_s),
            ("mcp.max_body_bytes", self.mcp.max_body_bytes as u64),
            ("mcp.max_json_depth", self.mcp.max_json_depth as u64),
            ("tools.deadline_s", self.tools.deadline_s),
            ("tools.output_bytes", self.tools.output_bytes as u64),
            ("graph.outlook_concurrent", self.graph.outlook_concurrent as u64),
            ("graph.outlook_requests", u64::from(self.graph.outlook_requests)),
            ("graph.outlook_period_s", self.graph.outlook_period_s),
            ("graph.file_units", u64::from(self.graph.file_units)),
        ];
        if self.oauth.personal_key_ttl_s < 86_400 {
            let problem = "must be at least a day: 86400".to_owned();
            return Err(ConfigError::Refused { key: "oauth.personal_key_ttl_s", problem });
        }
        match at_least_one.into_iter().find(|(_, value)| *value == 0) {
            Some((key, _)) => Err(ConfigError::Refused { key, problem: "must be at least 1".to_owned() }),
            None => Ok(()),
        }
    }

    fn check_networks(&self) -> Result<(), ConfigError> {
        let lists = [
            ("server.trusted_proxies", &self.server.trusted_proxies),
            ("net.allowed_ranges", &self.net.allowed_ranges),
            ("limits.shared_ranges", &self.limits.shared_ranges),
        ];
        for (key, list) in lists {
            if let Some(bad) = list.iter().find(|text| peer::network(text).is_none()) {
                let problem = format!("`{bad}` is neither an address nor a range such as 10.0.0.0/8");
                return Err(ConfigError::Refused { key, problem });
            }
        }
        Ok(())
    }

    fn check_registration(&self) -> Result<(), ConfigError> {
        let refused = |key, problem: &str| Err(ConfigError::Refused { key, problem: problem.to_owned() });
        let token = self.registration.initial_access_token.expose();
        if self.registration.mode == RegistrationSwitch::Token && token.len() < 16 {
            return refused(
                "registration.initial_access_token",
                "mode token needs one of at least 16 characters",
            );
        }
        let tests = &self.client_metadata;
        let for_tests = !tests.test_addresses.is_empty() || !tests.test_authority.is_empty();
        if for_tests && !self.graph.insecure_upstream {
            return refused(
                "client_metadata.test_addresses",
                "is for tests with graph.insecure_upstream only",
            );
        }
        let is_address = |text: &String| {
            let is_one = |address: &str| address.parse::<std::net::SocketAddr>().is_ok();
            text.split_once('=').is_some_and(|(_, addresses)| addresses.split('|').all(is_one))
        };
        if !tests.test_addresses.iter().all(is_address) {
            return refused("client_metadata.test_addresses", "write each as name=127.0.0.1:4443");
        }
        Ok(())
    }

    /// The issuers that may vouch for people: issuer, URL of the keys, tenant.
    pub(crate) fn trusted_issuers(&self) -> Result<Vec<[String; 3]>, ConfigError> {
        let key = "oauth.trusted_issuers";
        let read = |text: &String| {
            let refused =
                |problem: &str| ConfigError::Refused { key, problem: format!("`{text}` {problem}") };
            let parts: Vec<String> = text.split('|').map(|part| part.trim().to_owned()).collect();
            let parts: [String; 3] =
                parts.try_into().map_err(|_| refused("must be written issuer|URL of its keys|tenant id"))?;
            let url = Url::parse(&parts[1]).map_err(|e| refused(&e.to_string()))?;
            if url.scheme() != "https" && !(url.scheme() == "http" && self.graph.insecure_upstream) {
                return Err(refused("must name its keys by an https:// URL"));
            }
            if parts.iter().any(String::is_empty) {
                return Err(refused("must be written issuer|URL of its keys|tenant id"));
            }
            Ok(parts)
        };
        self.oauth.trusted_issuers.iter().map(read).collect()
    }

    fn check_services(&self) -> Result<(), ConfigError> {
        let refused = |key, problem| Err(ConfigError::Refused { key, problem });
        if self.services.enabled.is_empty() {
            return refused("services.enabled", "name at least one service".to_owned());
        }
        let default = &self.services.default;
        if !default.is_empty() && !self.services.enabled.contains(default) {
            return refused("services.default", format!("`{default}` is not among services.enabled"));
        }
        Ok(())
    }
}

/// Whether `url` leads nowhere but to this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}
