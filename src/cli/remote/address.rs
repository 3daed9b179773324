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
        Ok(Self { server, path })
    }

    /// The server itself; ends with a slash.
    pub(super) fn server(&self) -> &Url {
        &self.server
    }

    /// Something of the service's OpenAI front.
    pub(super) fn front(&self, below: &str) -> Url {
        self.at(&format!("{}/v1/{below}", self.path))
    }

    /// Name of the service as an audience (RFC 8707).
    pub(super) fn resource(&self) -> String {
        self.at(&format!("{}/mcp", self.path)).into()
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
        write!(f, "{}{}", self.server.as_str().trim_end_matches('/'), self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
