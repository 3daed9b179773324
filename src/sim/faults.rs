//! Faults on demand: rules set over the control route, consulted before every Entra and Graph handler.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One rule. The first rule that matches a request applies, and is used up by one.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    /// Only this method; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<String>,
    /// A path prefix, or a pattern over the whole path in which `*` stands for any text.
    pub(crate) path: String,
    /// Answer with this status instead of asking the handler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// Wait this long first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delay_ms: Option<u64>,
    /// A JSON string is sent as text, anything else as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Value>,
    /// Answer as Entra refuses: a redirect from the authorize endpoint, an error body elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) aadsts: Option<Aadsts>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<String, String>,
    /// How often it applies; until cleared when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) times: Option<u32>,
    /// Break the connection in the middle of the answer.
    #[serde(default)]
    pub(crate) reset: bool,
    /// Let the handler do its work first and only lose its answer: the caller cannot know the outcome.
    #[serde(default)]
    pub(crate) after: bool,
}

/// An Entra error to answer with.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Aadsts {
    pub(crate) code: u32,
    /// `error`; `invalid_grant` at the token endpoint and `interaction_required` at the authorize endpoint by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) suberror: Option<String>,
    /// A claims challenge, as the JSON text that Entra sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) claims: Option<String>,
}

/// The rules in force.
#[derive(Debug, Default)]
pub(crate) struct FaultBook {
    armed: AtomicBool,
    rules: Mutex<Vec<Fault>>,
}

impl FaultBook {
    /// Adds a rule behind the existing ones.
    pub(crate) fn add(&self, fault: Fault) {
        self.rules.lock().push(fault);
        self.armed.store(true, Ordering::Release);
    }

    /// Removes every rule.
    pub(crate) fn clear(&self) {
        let mut rules = self.rules.lock();
        rules.clear();
        self.armed.store(false, Ordering::Release);
    }

    /// The rules that are left.
    pub(crate) fn list(&self) -> Vec<Fault> {
        self.rules.lock().clone()
    }

    /// Takes one use of the first rule that matches.
    pub(crate) fn take(&self, method: &str, path: &str) -> Option<Fault> {
        if !self.armed.load(Ordering::Acquire) {
            return None;
        }
        let mut rules = self.rules.lock();
        let index = rules.iter().position(|rule| matches(rule, method, path))?;
        let rule = rules.get_mut(index)?;
        let taken = rule.clone();
        if let Some(times) = rule.times.as_mut() {
            *times = times.saturating_sub(1);
            if *times == 0 {
                rules.remove(index);
            }
        }
        self.armed.store(!rules.is_empty(), Ordering::Release);
        Some(taken)
    }
}

fn matches(rule: &Fault, method: &str, path: &str) -> bool {
    if rule.times == Some(0)
        || rule.method.as_ref().is_some_and(|wanted| !wanted.eq_ignore_ascii_case(method))
    {
        return false;
    }
    if rule.path.contains('*') { glob(&rule.path, path) } else { path.starts_with(&rule.path) }
}

/// Matches the whole text; `*` is any run of characters, slashes included.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_match_by_prefix_or_pattern() {
        assert!(glob("*/oauth2/v2.0/token", "/common/oauth2/v2.0/token"));
        assert!(glob("/v1.0/*/messages/*", "/v1.0/me/messages/abc"));
        assert!(!glob("/v1.0/*/messages", "/v1.0/me/messages/abc"));
        assert!(glob("*", ""));
        let rule = Fault { path: "/v1.0/me".to_owned(), ..Fault::default() };
        assert!(matches(&rule, "GET", "/v1.0/me/messages"));
        assert!(!matches(&rule, "GET", "/v1.0/users"));
    }

    #[test]
    fn a_rule_is_used_up_and_the_next_takes_over() {
        let book = FaultBook::default();
        assert!(book.take("GET", "/a").is_none());
        book.add(Fault { path: "/a".to_owned(), status: Some(503), times: Some(2), ..Fault::default() });
        book.add(Fault { path: "/".to_owned(), method: Some("post".to_owned()), ..Fault::default() });
        assert_eq!(book.take("POST", "/a").unwrap().status, Some(503));
        assert_eq!(book.take("GET", "/a").unwrap().status, Some(503));
        assert!(book.take("GET", "/a").is_none());
        assert_eq!(book.take("POST", "/a").unwrap().status, None);
        book.clear();
        assert!(book.take("POST", "/a").is_none());
    }
}
