//! A record of what clients asked Graph and what it answered, for checks against Graph's own description.

use std::collections::HashSet;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::Path;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};

/// Headers that a check needs; credentials are none of them.
const HEADERS: &[&str] = &[
    "client-request-id",
    "consistencylevel",
    "content-type",
    "if-match",
    "if-none-match",
    "prefer",
    "return-client-request-id",
];

/// A file with one exchange a line: `method`, `url` (below `/v1.0`, as sent), `headers`, `body`, `status`, `response`.
/// What is no JSON is told by its `bytes`.
#[derive(Debug)]
pub(crate) struct Record {
    file: Mutex<(File, HashSet<u64>)>,
}

impl Record {
    /// A new file in `folder`, named after this process.
    pub(crate) fn create(folder: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let stamp = uuid::Uuid::now_v7();
        let file = File::create_new(folder.join(format!("{stamp}.jsonl")))?;
        Ok(Self { file: Mutex::new((file, HashSet::new())) })
    }

    /// Writes one exchange; the same request with the same outcome is written once.
    pub(crate) fn write(&self, request: &HttpRequest, body: &[u8], status: u16, response: &[u8]) {
        let url = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let url = url.strip_prefix("/v1.0").unwrap_or(url);
        let mut hasher = DefaultHasher::new();
        (request.method().as_str(), url, body, status).hash(&mut hasher);
        let line = || {
            json!({
                "method": request.method().as_str(),
                "url": url,
                "headers": headers(request.headers()),
                "body": content(body),
                "status": status,
                "response": content(response),
            })
        };
        let mut file = self.file.lock();
        let (file, seen) = &mut *file;
        if seen.insert(hasher.finish()) {
            // A test that ends takes its tenant with it; what is lost then was no one's.
            let _ = file.write_all(format!("{}\n", line()).as_bytes());
        }
    }
}

fn headers(all: &HeaderMap) -> Map<String, Value> {
    let value = |name: &str| {
        let values: Vec<&str> = all.get_all(name).filter_map(|value| value.to_str().ok()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    };
    HEADERS.iter().filter_map(|name| Some(((*name).to_owned(), json!(value(name)?)))).collect()
}

fn content(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes).unwrap_or_else(|_| json!({ "bytes": bytes.len() }))
}
