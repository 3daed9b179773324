//! Strict reading of queries and form bodies (RFC 6749 §3.1 and §3.2): no repetition, real UTF-8, empty is absent.

use percent_encoding::percent_decode_str;

/// No request of ours has more than twenty; the search for repetitions is quadratic.
const MAX_PARAMS: usize = 64;

/// Why parameters are refused.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum ParamFault {
    #[error("a parameter is given more than once")]
    Repeated,
    #[error("a parameter is not valid UTF-8 or holds a NUL")]
    Encoding,
    #[error("there are more than {MAX_PARAMS} parameters")]
    TooMany,
}

/// Parameters of one request. `resource` alone may repeat (RFC 8707 §2).
#[derive(Clone, Default)]
pub(super) struct Params {
    pairs: Vec<(String, String)>,
}

/// Names only: the values are codes, tokens and secrets.
impl std::fmt::Debug for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.pairs.iter().map(|(name, _)| name)).finish()
    }
}

impl Params {
    /// Reads `application/x-www-form-urlencoded` text.
    pub(super) fn parse(text: &[u8]) -> Result<Self, ParamFault> {
        let text = std::str::from_utf8(text).map_err(|_| ParamFault::Encoding)?;
        let mut pairs: Vec<(String, String)> = Vec::new();
        for part in text.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if name != "resource" && pairs.iter().any(|(known, _)| *known == name) {
                return Err(ParamFault::Repeated);
            }
            if pairs.len() == MAX_PARAMS {
                return Err(ParamFault::TooMany);
            }
            pairs.push((name, value));
        }
        Ok(Self { pairs })
    }

    /// The value of a parameter; one without a value counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_str())
    }

    /// What follows `prefix` in the names of parameters that have a value: boxes that were ticked.
    pub(super) fn ticked<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(|(_, v)| !v.is_empty()).filter_map(move |(n, _)| n.strip_prefix(prefix))
    }

    /// Every value of a parameter.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_str())
    }
}

fn decode(text: &str) -> Result<String, ParamFault> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().map_err(|_| ParamFault::Encoding)?;
    if decoded.contains('\0') { Err(ParamFault::Encoding) } else { Ok(decoded.into_owned()) }
}

/// Adds parameters to a redirect URI without touching a byte of it.
pub(super) fn append_query(uri: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    let join = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{join}{}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_empty_ones_absent() {
        let params = Params::parse(b"a=x%20y+z&b=&c&%C3%BC=1").unwrap();
        assert_eq!(params.get("a"), Some("x y z"));
        assert_eq!(params.get("b"), None);
        assert_eq!(params.get("\u{fc}"), Some("1"));
        let boxes = Params::parse(b"scope.Mail.Read=yes&scope.Mail.Send=&other=1").unwrap();
        assert_eq!(boxes.ticked("scope.").collect::<Vec<_>>(), ["Mail.Read"]);
    }

    #[test]
    fn repetition_and_broken_encodings_are_refused() {
        assert_eq!(Params::parse(b"a=1&a=1").unwrap_err(), ParamFault::Repeated);
        assert_eq!(Params::parse(b"a=%FF").unwrap_err(), ParamFault::Encoding);
        assert_eq!(Params::parse(b"a=%00").unwrap_err(), ParamFault::Encoding);
        assert_eq!(Params::parse(b"a=\xff").unwrap_err(), ParamFault::Encoding);
        let many = (0..=MAX_PARAMS).map(|i| format!("a{i}=1")).collect::<Vec<_>>().join("&");
        assert_eq!(Params::parse(many.as_bytes()).unwrap_err(), ParamFault::TooMany);
        assert_eq!(Params::parse(b"resource=a&resource=b").unwrap().all("resource").count(), 2);
    }

    #[test]
    fn values_are_not_printed() {
        let params = Params::parse(b"code=dcr_ac_x&state=s").unwrap();
        assert_eq!(format!("{params:?}"), r#"{"code", "state"}"#);
    }

    #[test]
    fn a_redirect_uri_keeps_its_bytes() {
        assert_eq!(append_query("app:/cb?x=1", &[("code", "a b")]), "app:/cb?x=1&code=a+b");
        assert_eq!(append_query("http://127.0.0.1:80", &[("a", "&")]), "http://127.0.0.1:80?a=%26");
    }
}
