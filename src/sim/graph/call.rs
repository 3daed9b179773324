//! A Graph request and its answer, free of HTTP types so that `$batch` parts take the same way.
use bytes::Bytes;

use super::error::GraphError;
use super::prefer::Prefer;

/// One request after authentication.
#[derive(Clone, Debug)]
pub(super) struct Call<'a> {
    pub(super) method: &'a str,
    /// Decoded segments below `/v1.0`.
    pub(super) path: Vec<String>,
    /// The path below the host as it was sent (for nextLink).
    pub(super) raw_path: &'a str,
    pub(super) query: Query,
    pub(super) prefer: Prefer,
    /// `scheme://host` that the client used.
    pub(super) origin: &'a str,
    /// Whose things it is about; the caller's own unless [`Self::within`] another's.
    pub(super) oid: &'a str,
    /// In the mailbox of another only the scopes for that count.
    pub(super) delegated: bool,
    pub(super) scopes: &'a [String],
    pub(super) body: &'a [u8],
    /// `If-Match`.
    pub(super) if_match: Option<&'a str>,
    /// `ConsistencyLevel: eventual`, which searches of the directory want.
    pub(super) eventual: bool,
}

impl<'a> Call<'a> {
    /// The same in the mailbox of another.
    pub(super) fn within(&self, oid: &'a str) -> Self {
        Self { oid, delegated: true, ..self.clone() }
    }

    /// Whether any of `scopes` was granted.
    pub(super) fn granted(&self, scopes: &[&str]) -> bool {
        let counts = |have: &&String| !self.delegated || have.ends_with(".Shared");
        let mut held = self.scopes.iter().filter(counts);
        held.any(|have| scopes.iter().any(|want| have.eq_ignore_ascii_case(want)))
    }
}

/// One answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) body: Bytes,
    pub(super) applied: Option<String>,
    /// Further headers.
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Answer {
    /// A JSON answer with minimal metadata.
    pub(super) fn json(body: Vec<u8>) -> Self {
        let content_type = "application/json;odata.metadata=minimal;odata.streaming=true;\
            IEEE754Compatible=false;charset=utf-8";
        Self::raw(content_type, body.into())
    }

    /// No body.
    pub(super) fn empty(status: u16) -> Self {
        Self { status, ..Self::raw("", Bytes::new()) }
    }

    /// Bytes of another type.
    pub(super) fn raw(content_type: &str, body: Bytes) -> Self {
        Self { status: 200, content_type: content_type.to_owned(), body, applied: None, headers: Vec::new() }
    }
}

/// Query options in the order they came, with the text as sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    pairs: Vec<(String, String, String)>,
}

impl Query {
    /// Splits and decodes a raw query.
    pub(super) fn parse(raw: &str) -> Result<Self, GraphError> {
        let mut pairs: Vec<(String, String, String)> = Vec::new();
        for part in raw.split('&').filter(|p| !p.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let name = decode(name, true)?;
            if pairs.iter().any(|(n, _, _)| *n == name) {
                return Err(GraphError::bad_request(format!(
                    "Query option '{name}' was specified more than once, but it must be specified at most \
                        once."
                )));
            }
            pairs.push((name, decode(value, true)?, part.to_owned()));
        }
        Ok(Self { pairs })
    }

    /// A value by name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, _, _)| n == name).map(|(_, v, _)| v.as_str())
    }

    /// Names in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().map(|(n, _, _)| n.as_str())
    }

    /// The query as it was sent, without what only positions it.
    pub(super) fn without_position(&self) -> String {
        self.without(&["$skip", "$skiptoken"])
    }

    /// The query as it was sent, without some options.
    pub(super) fn without(&self, names: &[&str]) -> String {
        let kept: Vec<&str> = self
            .pairs
            .iter()
            .filter(|(n, _, _)| !names.contains(&n.as_str()))
            .map(|(_, _, raw)| raw.as_str())
            .collect();
        kept.join("&")
    }
}

/// Percent-decodes; `+` is a blank in a query.
pub(super) fn decode(text: &str, query: bool) -> Result<String, GraphError> {
    let text = if query { text.replace('+', " ") } else { text.to_owned() };
    percent_encoding::percent_decode_str(&text)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| GraphError::bad_request("The request URI is not valid UTF-8."))
}
