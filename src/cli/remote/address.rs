//! Where a service is, whichever of its URLs was given.

use super::RemoteError;
use crate::adapters::http::{self, PlainHttp};
use crate::cli::CommandError;
use crate::config::is_loopback;
use reqwest::Client;
use std::fmt;
use url::Url;

/// A service of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    server: Url,
    /// `/mail-query`; empty for the one at the root.
    path: String,
    /// What the server calls itself, where that is not the address it is reached at.
    public: Option<Url>,
}

impl Address {
    /// Reads the URL of a service, or that of its `/mcp`, `/sse`, `/ws` or `/v1`.
    pub(super) fn parse(text: &str) -> Result<Self, RemoteError> {
        let wrong = || RemoteError::Url(text.to_owned());
        let mut server = Url::parse(text).map_err(|_| wrong())?;
        let is_plain = server.username().is_empty() && server.password().is_none();
        if !matches!(server.scheme(), "http" | "https") || server.host_str().is_none() || !is_plain {
            return Err(wrong());
        }
        let path = server.path().trim_end_matches('/').to_owned();
        let ends = ["/v1/chat/completions", "/v1", "/mcp", "/sse", "/ws"];
        let path = ends.iter().find_map(|end| path.strip_suffix(end)).unwrap_or(&path).to_owned();
        server.set_query(None);
        server.set_fragment(None);
        server.set_path("/");
        Ok(Self { server, path, public: None })
    }

    /// The same service of a server that calls itself otherwise: scheme, host and port of `public_url`.
    pub(super) fn known_as(self, public_url: Option<&str>) -> Result<Self, RemoteError> {
        let Some(text) = public_url else { return Ok(self) };
        let Self { server: public, path, .. } = Self::parse(text)?;
        if !path.is_empty() {
            return Err(RemoteError::PublicUrl(text.to_owned()));
        }
        Ok(Self { public: Some(public), ..self })
    }

    /// Where something of the server is reached that it names itself.
    pub(super) fn reached(&self, named: &Url) -> Url {
        let mut url = named.clone();
        if self.public.as_ref().is_some_and(|public| public.origin() == named.origin()) {
            url = self.server.clone();
            url.set_path(named.path());
            url.set_query(named.query());
        }
        url
    }

    /// The server itself; ends with a slash.
    pub(super) fn server(&self) -> &Url {
        &self.server
    }

    /// Something of the service's OpenAI front.
    pub(super) fn front(&self, below: &str) -> Url {
        self.at(&format!("{}/v1/{below}", self.path))
    }

    /// The service's MCP endpoint.
    pub(super) fn mcp(&self) -> Url {
        self.at(&format!("{}/mcp", self.path))
    }

    /// Name of the service as an audience (RFC 8707).
    pub(super) fn resource(&self) -> String {
        let mut url = self.public.clone().unwrap_or_else(|| self.server.clone());
        url.set_path(&format!("{}/mcp", self.path));
        url.into()
    }

    /// Where the service says who signs people in (RFC 9728 §3.1).
    pub(super) fn metadata(&self) -> Url {
        self.at(&format!("/.well-known/oauth-protected-resource{}/mcp", self.path))
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.server.clone();
        url.set_path(path);
        url
    }

    /// A client for the server. To another machine it speaks https, unless `plain_http` allows otherwise.
    pub(super) fn client(&self, plain_http: bool) -> Result<Client, CommandError> {
        if !is_private(&self.server, plain_http) {
            return Err(RemoteError::PlainHttp(self.server.clone()).into());
        }
        let plain = if self.server.scheme() == "http" { PlainHttp::Allowed } else { PlainHttp::Refused };
        http::client(plain).map_err(|error| CommandError::Client(error.to_string()))
    }
}

/// Whether a secret may be sent to `url`.
pub(super) fn is_private(url: &Url, plain_http: bool) -> bool {
    url.scheme() == "https" || url.scheme() == "http" && (plain_http || is_loopback(url))
}

/// The service, as it can be given again.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.server.as_str().trim_end_matches('/'), self.path)?;
        match &self.public {
            Some(public) => write!(f, " --public-url {}", public.as_str().trim_end_matches('/')),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_calls_itself_otherwise_is_reached_where_it_was_said() {
        let address = Address::parse("http://localhost:8080/mail-query").unwrap();
        let address = address.known_as(Some("https://door.example")).unwrap();
        assert_eq!(address.mcp().as_str(), "http://localhost:8080/mail-query/mcp");
        assert_eq!(address.resource(), "https://door.example/mail-query/mcp");
        let reached = |text: &str| address.reached(&Url::parse(text).unwrap()).to_string();
        assert_eq!(reached("https://door.example/token?a=b"), "http://localhost:8080/token?a=b");
        assert_eq!(reached("https://other.example/token"), "https://other.example/token");
        assert_eq!(address.to_string(), "http://localhost:8080/mail-query --public-url https://door.example");
        let same = Address::parse("http://localhost:8080/x").unwrap();
        assert!(same.clone().known_as(Some("https://door.example/mail-query")).is_err());
        assert_eq!(same.clone().known_as(None).unwrap(), same);
    }

    #[test]
    fn every_url_of_a_service_leads_to_it() {
        for text in [
            "https://door.example/mail-query",
            "https://door.example/mail-query/",
            "https://door.example/mail-query/mcp",
            "https://door.example/mail-query/v1",
            "https://door.example/mail-query/v1/chat/completions?x=1#y",
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!(address.to_string(), "https://door.example/mail-query", "{text}");
            assert_eq!(address.front("models").as_str(), "https://door.example/mail-query/v1/models");
            assert_eq!(address.resource(), "https://door.example/mail-query/mcp");
            let metadata = "https://door.example/.well-known/oauth-protected-resource/mail-query/mcp";
            assert_eq!(address.metadata().as_str(), metadata);
        }
        for text in ["http://127.0.0.1:8080", "http://127.0.0.1:8080/mcp", "http://127.0.0.1:8080/v1/"] {
            let address = Address::parse(text).unwrap();
            assert_eq!(address.front("models").as_str(), "http://127.0.0.1:8080/v1/models", "{text}");
            assert_eq!(address.resource(), "http://127.0.0.1:8080/mcp");
        }
        for text in ["", "door.example", "ftp://door.example/x", "https://u:p@door.example/x", "mailto:a@b"] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }
}
