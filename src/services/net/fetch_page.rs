//! `fetch_page`: the beginning of a page.

use super::{ANNOTATIONS, Desk, fault, host, host_schema};
use crate::ports::probe::{Page, ProbeError};
use crate::services::args::typed;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Args, Tool, ToolSpec};
use async_trait::async_trait;
use encoding_rs::{Encoding, UTF_8};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Ports that may be named; a redirect may lead to TLS as well.
const PORTS: [u16; 3] = [80, 443, 5000];
const LIMIT: Duration = Duration::from_secs(5);
/// Characters of the page in the text part; the structured part has all that was read.
const TEXT_CHARS: usize = 24_000;
const MAX_PATH: usize = 2_000;
/// Headers worth showing.
const MAX_HEADERS: usize = 64;
const MAX_HEADER: usize = 1_000;

/// The tool.
pub(super) struct FetchPage {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Deserialize)]
struct Wish {
    host: String,
    #[serde(default = "http")]
    port: u16,
    #[serde(default)]
    path: String,
    #[serde(default = "hundred_thousand")]
    max_bytes: usize,
}

fn http() -> u16 {
    80
}

fn hundred_thousand() -> usize {
    100_000
}

/// `structuredContent`.
#[derive(Serialize)]
struct Shown {
    url: String,
    status_code: u16,
    headers: BTreeMap<String, String>,
    /// Bytes of the body that were read.
    body_preview_len: usize,
    text_preview: String,
    truncated: bool,
}

/// `structuredContent` when the host did not answer.
#[derive(Serialize)]
struct Failure {
    url: String,
    error: Code,
    reason: String,
}

#[derive(Serialize)]
struct Code {
    code: &'static str,
    message: String,
}

impl FetchPage {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let spec = ToolSpec {
            name: "fetch_page",
            title: "Fetch Page",
            description: "Get the beginning of a page from a host on the public internet, at port 80, 443 (TLS) or \
                          5000, within five seconds. Redirects are followed. No cookies, no script.",
            input_schema: json!({"type": "object", "properties": {
                "host": host_schema(),
                "port": {"type": "integer", "enum": PORTS, "description": "80 unless given"},
                "path": {"type": "string", "description": "Path and query, e.g. /index.html; / unless given"},
                "max_bytes": {"type": "integer", "minimum": 1, "maximum": 500_000, "description": "Most bytes of the page; 100000 unless given"},
            }, "required": ["host"]}),
            output_schema: json!({"type": "object", "properties": {
                "url": {"type": "string"}, "status_code": {"type": "integer"},
                "headers": {"type": "object"},
                "body_preview_len": {"type": "integer"}, "text_preview": {"type": "string"},
                "truncated": {"type": "boolean"}, "reason": {"type": "string"},
            }, "required": ["url"]}),
            annotations: ANNOTATIONS,
            scopes: &[],
            aliases: &[],
        };
        Self { desk, spec }
    }
}

#[async_trait]
impl Tool for FetchPage {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let wish: Wish = typed(&args)?;
        let url = address(&wish)?;
        let _turn = self.desk.turn(context)?;
        match self.desk.probe.get(&url, &PORTS, wish.max_bytes, LIMIT).await {
            Ok(page) => preview(page),
            Err(ProbeError::Unreachable(reason)) => unreached(&url, reason),
            Err(error) => Err(fault(&error, &wish.host)),
        }
    }
}

fn address(wish: &Wish) -> Result<Url, ToolError> {
    let path = wish.path.trim();
    let bad =
        || ToolError::invalid("path", "`path` must be a path of this host, such as /index.html?page=2.");
    if path.len() > MAX_PATH || path.chars().any(char::is_control) {
        return Err(bad());
    }
    let scheme = if wish.port == 443 { "https" } else { "http" };
    let base = format!("{scheme}://{}:{}/", host(&wish.host)?, wish.port);
    let mut url = Url::parse(&base).map_err(|_| bad())?;
    let path = path.split('#').next().unwrap_or_default();
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    url.set_path(path);
    url.set_query(query);
    Ok(url)
}

fn preview(page: Page) -> Result<ToolOutput, ToolError> {
    let kind = page.headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.as_str());
    let text = decode(&page.body, kind.unwrap_or_default());
    let shown: String = text.chars().take(TEXT_CHARS).collect();
    let cut = if shown.len() < text.len() || page.truncated { "\n[the page goes on]" } else { "" };
    let headers = page.headers.into_iter().take(MAX_HEADERS);
    let preview = Shown {
        url: page.url.to_string(),
        status_code: page.status,
        headers: headers.map(|(name, value)| (name, value.chars().take(MAX_HEADER).collect())).collect(),
        body_preview_len: page.body.len(),
        truncated: page.truncated,
        text_preview: text,
    };
    let text = format!("{} answered {}\n\n{shown}{cut}", preview.url, preview.status_code);
    ToolOutput::new(text, &preview).map_err(ToolError::internal)
}

/// The body as text, in the encoding that its type names.
fn decode(body: &[u8], kind: &str) -> String {
    let named = kind.split(';').find_map(|part| part.trim().strip_prefix("charset="));
    let encoding = named.and_then(|name| Encoding::for_label(name.trim_matches('"').as_bytes()));
    encoding.unwrap_or(UTF_8).decode(body).0.into_owned()
}

fn unreached(url: &Url, reason: String) -> Result<ToolOutput, ToolError> {
    let message = format!("{url} was not reached: {reason}.");
    let error = Code { code: "unavailable", message: message.clone() };
    let failure = Failure { url: url.to_string(), error, reason };
    let output = ToolOutput::new(message, &failure).map_err(ToolError::internal)?;
    Ok(ToolOutput { is_error: true, ..output })
}
