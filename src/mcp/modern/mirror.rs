//! Arguments that a client repeats in `Mcp-Param-*` headers (2026-07-28, custom parameter headers), so that proxies
//! can route by them. Header and body must tell the same.

use super::super::error::{HEADER_MISMATCH, RpcError};
use super::super::headers;
use actix_web::http::header::HeaderMap;
use serde_json::Value;

/// An argument with `x-mcp-header` in its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::mcp) struct Mirrored {
    /// Names from the arguments down to the value.
    path: Vec<String>,
    /// The header, in lower case.
    header: String,
}

/// The annotated arguments of a schema, reachable through `properties` alone.
pub(in crate::mcp) fn mirrored(schema: &Value) -> Vec<Mirrored> {
    let mut found = Vec::new();
    walk(schema, &mut Vec::new(), &mut found);
    found
}

fn walk(schema: &Value, path: &mut Vec<String>, found: &mut Vec<Mirrored>) {
    if let Some(name) = schema.get("x-mcp-header").and_then(Value::as_str) {
        found.push(Mirrored {
            path: path.clone(),
            header: format!("mcp-param-{}", name.to_ascii_lowercase()),
        });
    }
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        path.push(name.clone());
        walk(property, path, found);
        path.pop();
    }
}

/// Compares headers with arguments; headers that no argument declares are ignored.
pub(in crate::mcp) fn check(
    mirrored: &[Mirrored],
    headers: &HeaderMap,
    arguments: &Value,
) -> Result<(), RpcError> {
    mirrored.iter().try_for_each(|m| m.check(headers, arguments))
}

/// Name and text of the headers that go with `arguments`, for framings that have none of their own.
pub(in crate::mcp) fn repeated<'a>(
    mirrored: &'a [Mirrored],
    arguments: &'a Value,
) -> impl Iterator<Item = (&'a str, String)> {
    mirrored.iter().filter_map(|m| {
        let value = m.value(arguments)?;
        Some((m.header.as_str(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
    })
}

impl Mirrored {
    /// The argument, if it is there.
    fn value<'a>(&self, arguments: &'a Value) -> Option<&'a Value> {
        let value = self.path.iter().try_fold(arguments, |value, step| value.get(step));
        value.filter(|value| !value.is_null())
    }

    fn check(&self, headers: &HeaderMap, arguments: &Value) -> Result<(), RpcError> {
        let name = self.header.as_str();
        let bad = |what: &str| RpcError::new(HEADER_MISMATCH, format!("The {name} header {what}."));
        let header =
            headers::single(headers, name).map_err(|_| bad("is repeated or has bytes it may not have"))?;
        let header = header.map(headers::decoded).transpose().map_err(|_| bad("does not decode"))?;
        match (self.value(arguments), header) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(bad("repeats an argument that is not there")),
            (Some(_), None) => Err(bad("is missing")),
            (Some(value), Some(header)) if equal(value, &header) => Ok(()),
            (Some(_), Some(_)) => Err(bad("differs from the argument")),
        }
    }
}

/// Text as it is, numbers by value.
fn equal(value: &Value, header: &str) -> bool {
    match value {
        Value::String(text) => text == header,
        Value::Bool(flag) => header == if *flag { "true" } else { "false" },
        Value::Number(number) => {
            number.to_string() == header
                || header.parse::<f64>().ok().is_some_and(|header| number.as_f64() == Some(header))
        }
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};
    use serde_json::json;

    #[test]
    fn headers_and_arguments_must_tell_the_same() {
        let schema = json!({"type": "object", "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "deep": {"type": "object", "properties": {"n": {"type": "integer", "x-mcp-header": "N"}}},
            "list": {"type": "array", "items": {"type": "string", "x-mcp-header": "Never"}},
        }});
        let mirrored = mirrored(&schema);
        assert_eq!(mirrored.len(), 2);
        for (headers, arguments, fits) in [
            (&[][..], json!({}), true),
            (&[("mcp-param-region", "eu")], json!({"region": "eu"}), true),
            (&[("mcp-param-region", "=?base64?ZXU=?=")], json!({"region": "eu"}), true),
            (&[("mcp-param-region", "=?base64?ZXU?=")], json!({"region": "eu"}), false),
            (&[("mcp-param-region", "=?base64?eu")], json!({"region": "=?base64?eu"}), true),
            (&[("mcp-param-region", "us")], json!({"region": "eu"}), false),
            (&[], json!({"region": "eu"}), false),
            (&[], json!({"region": null}), true),
            (&[("mcp-param-region", "eu")], json!({}), false),
            (&[("mcp-param-n", "42.0")], json!({"deep": {"n": 42}}), true),
            (&[("mcp-param-n", "43")], json!({"deep": {"n": 42}}), false),
            (&[("mcp-param-other", "x")], json!({}), true),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            assert_eq!(check(&mirrored, &map, &arguments).is_ok(), fits, "{headers:?} {arguments}");
        }
    }
}
