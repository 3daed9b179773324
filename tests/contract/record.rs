//! The record of a test run.

use serde_json::Value;
use std::collections::HashSet;

/// One request and its answer.
#[derive(Clone)]
pub(crate) struct Exchange {
    pub(crate) method: String,
    /// Below `/v1.0`, as sent.
    pub(crate) url: String,
    /// Names in lower case.
    pub(crate) headers: Value,
    pub(crate) body: Value,
    pub(crate) status: u64,
    pub(crate) response: Value,
    /// It came inside a batch, whose headers speak for it.
    pub(crate) is_part: bool,
}

impl Exchange {
    pub(crate) fn of(line: &Value) -> Self {
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        Self {
            method: text("method"),
            url: text("url"),
            headers: line["headers"].clone(),
            body: line["body"].clone(),
            status: line["status"].as_u64().unwrap_or_default(),
            response: line["response"].clone(),
            is_part: false,
        }
    }

    pub(crate) fn path(&self) -> &str {
        self.url.split_once('?').map_or(self.url.as_str(), |(path, _)| path)
    }

    /// Query options, decoded.
    pub(crate) fn query(&self) -> Vec<(String, String)> {
        let query = self.url.split_once('?').map_or("", |(_, query)| query);
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    pub(crate) fn option(&self, name: &str) -> Option<String> {
        self.query().into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers[name].as_str()
    }

    /// The requests of a batch with their answers.
    pub(crate) fn parts(&self) -> Vec<Self> {
        if self.path() != "/$batch" {
            return Vec::new();
        }
        let answers = self.response["responses"].as_array();
        let answer = |id: &Value| answers.into_iter().flatten().find(|answer| answer["id"] == *id);
        let requests = self.body["requests"].as_array();
        let part = |request: &Value| {
            let answer = answer(&request["id"])?;
            let headers = request["headers"].as_object().cloned().unwrap_or_default();
            let headers = headers.into_iter().map(|(name, value)| (name.to_lowercase(), value));
            Some(Self {
                headers: Value::Object(headers.collect()),
                status: answer["status"].as_u64()?,
                response: answer["body"].clone(),
                is_part: true,
                ..Self::of(request)
            })
        };
        requests.into_iter().flatten().filter_map(part).collect()
    }
}

/// What the last run left, each exchange once; `None`, and a word about it, where there is nothing.
pub(crate) fn read() -> Option<Vec<Exchange>> {
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/graph");
    let Ok(files) = std::fs::read_dir(folder) else {
        println!("skipped: the tests of `it` have left no record");
        return None;
    };
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        // A tenant that was ended in the middle of a line leaves half of it.
        for line in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let exchange = Exchange::of(&line);
            // Tests that ask the tenant themselves, to compare, do not name their requests as our client does.
            let is_ours = exchange.header("client-request-id").is_some();
            let key = (exchange.method.clone(), exchange.url.clone(), exchange.body.to_string());
            if is_ours && seen.insert((key, exchange.response.to_string())) {
                all.push(exchange);
            }
        }
    }
    assert!(!all.is_empty(), "{folder} holds no exchange of ours");
    Some(all)
}
