//! The client of the operators' API.

use super::super::CommandError;
use crate::adapters::http::{self, PlainHttp};
use crate::config::{Config, ConfigError, Sources, is_loopback, load};
use crate::domain::secret::Secret;
use reqwest::{Client, Method};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use url::Url;

/// Items asked for at once.
const LIMIT: &str = "1000";

/// Why a command got no answer. Never repeats the token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdminError {
    #[error("`{0}` is no http:// or https:// URL")]
    Url(String),
    /// The token would be readable on the way.
    #[error(
        "{0} would get the operators' token over plain HTTP: use https://, forward a port of this machine to it \
         (`kubectl port-forward`, `ssh -L`), or give --plain-http if nobody else is on the way"
    )]
    PlainHttp(Url),
    #[error(
        "nobody answers at {url}: {problem}; is the listener on (ENTRADA_ADMIN_LISTEN) and reachable from here?"
    )]
    Unreachable { url: Url, problem: String },
    #[error("the server answered {status}: {description}")]
    Refused { status: u16, description: String },
}

/// One listener, and the token for it.
pub(super) struct Api {
    base: Url,
    token: Secret<String>,
    http: Client,
}

impl Api {
    /// `url` wins over the address in the settings. `plain` lets the token go to another machine unencrypted.
    pub(super) fn new(url: Option<&str>, plain: PlainHttp, sources: &Sources) -> Result<Self, CommandError> {
        let config = load(sources)?;
        if config.server.admin_token.expose().is_empty() {
            let remedy = "set ENTRADA_ADMIN_TOKEN or ENTRADA_ADMIN_TOKEN_FILE, as the server has it";
            return Err(ConfigError::Missing { key: "server.admin_token", remedy }.into());
        }
        let base = match url {
            Some(url) => parse(url)?,
            None => of_settings(&config)?,
        };
        // Plain HTTP is what a listener on loopback, or behind a port forward, speaks.
        let plain = if is_loopback(&base) { PlainHttp::Allowed } else { plain };
        if base.scheme() == "http" && plain == PlainHttp::Refused {
            return Err(AdminError::PlainHttp(base).into());
        }
        let http = http::client(plain).map_err(|e| CommandError::Client(e.to_string()))?;
        Ok(Self { base, token: config.server.admin_token, http })
    }

    /// One request.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &[&str],
        body: Option<Value>,
    ) -> Result<Value, CommandError> {
        self.send(method, path, &[], body).await
    }

    /// Every item of a list, page by page.
    pub(super) async fn list(&self, name: &str, query: &[(&str, &str)]) -> Result<Vec<Value>, CommandError> {
        let (mut items, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let mut query = query.to_vec();
            query.push(("limit", LIMIT));
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let mut page = self.send(Method::GET, &[name], &query, None).await?;
            if let Some(Value::Array(more)) = page.get_mut("items").map(Value::take) {
                items.extend(more);
            }
            cursor = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
            if cursor.is_none() {
                return Ok(items);
            }
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<Value, CommandError> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let mut request = self.http.request(method, url).bearer_auth(self.token.expose()).query(query);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let unreachable = |error: reqwest::Error| {
            let problem = if error.is_timeout() { "no answer in time" } else { "no connection" };
            AdminError::Unreachable { url: self.base.clone(), problem: problem.to_owned() }
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let answer: Value =
            serde_json::from_slice(&response.bytes().await.map_err(unreachable)?).unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        let described = answer.get("error_description").and_then(Value::as_str);
        let description = described.unwrap_or("this is no operators' listener of Entrada").to_owned();
        Err(AdminError::Refused { status: status.as_u16(), description }.into())
    }
}

/// `http://host:port`, with or without the path of the API.
fn parse(text: &str) -> Result<Url, AdminError> {
    let wrong = || AdminError::Url(text.to_owned());
    let root = text.trim_end_matches('/').trim_end_matches("/admin/v1");
    let given = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    given.ok_or_else(wrong)?;
    Url::parse(&format!("{root}/admin/v1")).map_err(|_| wrong())
}

/// The listener of a server with these settings, on this machine.
fn of_settings(config: &Config) -> Result<Url, CommandError> {
    let Some(address) = config.server.admin_listen else {
        let remedy = "give --url or ENTRADA_ADMIN_URL, or set ENTRADA_ADMIN_LISTEN as the server has it";
        return Err(ConfigError::Missing { key: "server.admin_listen", remedy }.into());
    };
    let ip = if address.ip().is_unspecified() { IpAddr::from(Ipv4Addr::LOCALHOST) } else { address.ip() };
    Ok(parse(&format!("http://{}", SocketAddr::new(ip, address.port())))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_with_or_without_the_path() {
        for text in ["http://127.0.0.1:9090", "http://127.0.0.1:9090/", "http://127.0.0.1:9090/admin/v1/"] {
            assert_eq!(parse(text).unwrap().as_str(), "http://127.0.0.1:9090/admin/v1");
        }
        for text in ["", "127.0.0.1:9090", "ftp://x", "http://"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
