//! JSON-RPC 2.0 messages, read without copying: ids, params and arguments stay slices of the request body.

use super::error::{INVALID_REQUEST, PARSE_ERROR, RpcError};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Longest accepted batch.
const MAX_BATCH: usize = 64;

/// A request id as written: a string or an integer, never null, never a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id<'a>(&'a str);

impl<'a> Id<'a> {
    pub(super) fn of(raw: &'a RawValue) -> Option<Self> {
        let text = raw.get();
        let digits = text.strip_prefix('-').unwrap_or(text);
        let integer = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        (integer || text.starts_with('"')).then_some(Self(text))
    }

    /// The id's value, equal for equal ids however they are written; integers and strings never meet.
    pub(super) fn key(self) -> String {
        match serde_json::from_str::<String>(self.0) {
            Ok(text) => format!("s{text}"),
            Err(_) => format!("n{}", self.0),
        }
    }

    /// The JSON text, to be echoed.
    pub(super) fn raw(self) -> &'a str {
        self.0
    }
}

/// The members of `params` that this server looks at, whatever the method.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Params<'a> {
    #[serde(borrow, default, rename = "_meta", deserialize_with = "present")]
    pub(super) meta: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) name: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) arguments: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) cursor: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "requestId", deserialize_with = "present")]
    pub(super) request_id: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "protocolVersion", deserialize_with = "present")]
    pub(super) protocol_version: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) capabilities: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "clientInfo", deserialize_with = "present")]
    pub(super) client_info: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) uri: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) level: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "ref", deserialize_with = "present")]
    pub(super) reference: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) argument: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) notifications: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "taskId", deserialize_with = "present")]
    pub(super) task_id: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "inputResponses", deserialize_with = "present")]
    pub(super) input_responses: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "requestState", deserialize_with = "present")]
    pub(super) request_state: Option<&'a RawValue>,
}

/// The members of `_meta` that carry the modern envelope.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Meta<'a> {
    #[serde(
        borrow,
        default,
        rename = "io.modelcontextprotocol/protocolVersion",
        deserialize_with = "present"
    )]
    pub(super) protocol_version: Option<&'a RawValue>,
    #[serde(
        borrow,
        default,
        rename = "io.modelcontextprotocol/clientCapabilities",
        deserialize_with = "present"
    )]
    pub(super) client_capabilities: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "io.modelcontextprotocol/logLevel", deserialize_with = "present")]
    pub(super) log_level: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "progressToken", deserialize_with = "present")]
    pub(super) progress_token: Option<&'a RawValue>,
}

impl Meta<'_> {
    /// `progressToken` as raw JSON; what is neither string nor integer is none (specification, progress).
    pub(super) fn progress(&self) -> Option<String> {
        self.progress_token.and_then(Id::of).map(|token| token.raw().to_owned())
    }
}

/// A call that has a method.
#[derive(Clone, Debug)]
pub(super) struct Call<'a> {
    pub(super) method: Cow<'a, str>,
    pub(super) params: Params<'a>,
    pub(super) meta: Meta<'a>,
}

/// One JSON-RPC message.
#[derive(Clone, Debug)]
pub(super) enum Message<'a> {
    Request(Id<'a>, Call<'a>),
    Notification(Call<'a>),
    /// The client's answer to a request of ours.
    Response(Response<'a>),
}

/// An answer from the client: a result, or else an error.
#[derive(Clone, Copy, Debug)]
pub(super) struct Response<'a> {
    pub(super) id: Id<'a>,
    /// None for an error, of which nothing is kept.
    pub(super) result: Option<&'a RawValue>,
}

impl<'a> Message<'a> {
    pub(super) fn id(&self) -> Option<Id<'a>> {
        match self {
            Self::Request(id, _) => Some(*id),
            Self::Notification(_) | Self::Response(_) => None,
        }
    }

    pub(super) fn call(&self) -> Option<&Call<'a>> {
        match self {
            Self::Request(_, call) | Self::Notification(call) => Some(call),
            Self::Response(_) => None,
        }
    }
}

/// A body: one message, or an array of them, each good or refused on its own.
#[expect(
    clippy::large_enum_variant,
    reason = "the large variant is nearly every body; boxing it would cost each"
)]
#[derive(Debug)]
pub(super) enum Body<'a> {
    Single(Message<'a>),
    Batch(Vec<Result<Message<'a>, Refused<'a>>>),
}

/// Why a message is none, with its id when that could be read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refused<'a> {
    pub(super) id: Option<Id<'a>>,
    pub(super) error: RpcError,
}

impl From<RpcError> for Refused<'_> {
    fn from(error: RpcError) -> Self {
        Self { id: None, error }
    }
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

/// Tells an explicit null from an absent member, which `Option` alone does not.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Reads a JSON string, borrowing when it has no escapes.
pub(super) fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str::<Text<'_>>(raw.get()).ok().map(|t| t.0)
}

/// Whether `raw` is a JSON object.
pub(super) fn is_object(raw: &RawValue) -> bool {
    raw.get().starts_with('{')
}

/// Whether `raw` is JSON null.
pub(super) fn is_null(raw: &RawValue) -> bool {
    raw.get() == "null"
}

/// Reads a request body. Nesting beyond `max_depth` is refused before anything parses it.
pub(super) fn parse(body: &[u8], max_depth: usize) -> Result<Body<'_>, Refused<'_>> {
    if nests_deeper(body, max_depth) {
        return Err(
            RpcError::new(PARSE_ERROR, format!("The JSON nests deeper than {max_depth} levels.")).into()
        );
    }
    let body = std::str::from_utf8(body).map_err(|_| RpcError::new(PARSE_ERROR, "The body is not UTF-8."))?;
    if body.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('[') {
        return batch(body);
    }
    let wire: Wire<'_> = serde_json::from_str(body).map_err(|_| shape_or_syntax(body))?;
    message(&wire).map(Body::Single)
}

fn batch(body: &str) -> Result<Body<'_>, Refused<'_>> {
    let items: Vec<&RawValue> = serde_json::from_str(body).map_err(|_| shape_or_syntax(body))?;
    if items.is_empty() {
        return Err(invalid("An empty batch is no request.").into());
    }
    if items.len() > MAX_BATCH {
        return Err(
            RpcError::new(INVALID_REQUEST, format!("A batch holds at most {MAX_BATCH} messages.")).into()
        );
    }
    Ok(Body::Batch(items.into_iter().map(batch_item).collect()))
}

fn batch_item(raw: &RawValue) -> Result<Message<'_>, Refused<'_>> {
    let wire = serde_json::from_str::<Wire<'_>>(raw.get()).map_err(|_| invalid(NOT_A_MESSAGE))?;
    message(&wire)
}

const NOT_A_MESSAGE: &str = "The body is not a JSON-RPC 2.0 message.";

fn invalid(message: &'static str) -> RpcError {
    RpcError::new(INVALID_REQUEST, message)
}

/// Tells bad JSON from good JSON that is no message; only a failed parse pays for the second look.
fn shape_or_syntax(body: &str) -> RpcError {
    match serde_json::from_str::<IgnoredAny>(body) {
        Ok(_) => invalid(NOT_A_MESSAGE),
        Err(_) => RpcError::new(PARSE_ERROR, "The body is not valid JSON."),
    }
}

fn message<'a>(wire: &Wire<'a>) -> Result<Message<'a>, Refused<'a>> {
    let id = wire.id.and_then(Id::of);
    let refuse = |message: &'static str| Refused { id, error: invalid(message) };
    if wire.jsonrpc.and_then(text).as_deref() != Some("2.0") {
        return Err(refuse("`jsonrpc` must be \"2.0\"."));
    }
    let Some(method) = wire.method else {
        let answers = wire.result.is_some() ^ wire.error.is_some();
        let Some(id) = id.filter(|_| answers) else { return Err(refuse(NOT_A_MESSAGE)) };
        return Ok(Message::Response(Response { id, result: wire.result }));
    };
    if wire.result.is_some() || wire.error.is_some() {
        return Err(refuse("A message has either a method or a result or an error."));
    }
    let method = text(method).ok_or_else(|| refuse("`method` must be a string."))?;
    let call = call(method, wire.params).ok_or_else(|| refuse("`params` must be an object."))?;
    match (wire.id, id) {
        (None, _) => Ok(Message::Notification(call)),
        (Some(_), Some(id)) => Ok(Message::Request(id, call)),
        (Some(_), None) => Err(refuse("`id` must be a string or an integer.")),
    }
}

fn call<'a>(method: Cow<'a, str>, params: Option<&'a RawValue>) -> Option<Call<'a>> {
    let params = match params {
        // Some clients write null for what the schema wants left out.
        Some(raw) if !is_null(raw) => {
            if !is_object(raw) {
                return None;
            }
            serde_json::from_str(raw.get()).ok()?
        }
        Some(_) | None => Params::default(),
    };
    let meta = match params.meta {
        Some(raw) if is_object(raw) => serde_json::from_str(raw.get()).ok()?,
        Some(_) | None => Meta::default(),
    };
    Some(Call { method, params, meta })
}

/// Whether brackets nest deeper than `max`, looking only at bytes outside of strings.
fn nests_deeper(body: &[u8], max: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in body {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > max {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(body: &str) -> i32 {
        parse(body.as_bytes(), 64).unwrap_err().error.code
    }

    #[test]
    fn ids_are_strings_or_integers_and_keep_their_text() {
        for id in ["1", "-7", "0", "9007199254740993123", r#""a""#, r#""""#, r#""1""#] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
            let Body::Single(message) = parse(body.as_bytes(), 64).unwrap() else { panic!("single") };
            assert_eq!(message.id().unwrap().raw(), id);
        }
        for id in ["null", "1.5", "1.0", "1e3", "true", "{}", "[]", "-"] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
            let refused = parse(body.as_bytes(), 64).unwrap_err();
            let expected = if id == "-" { PARSE_ERROR } else { INVALID_REQUEST };
            assert_eq!((refused.error.code, refused.id), (expected, None), "{id}");
        }
    }

    #[test]
    fn bad_json_and_good_json_that_is_no_message_are_told_apart() {
        for body in ["", " ", "{", "nonsense", r#"{"jsonrpc":"2.0""#, "[1,", "{} {}", "5 x"] {
            assert_eq!(code(body), PARSE_ERROR, "{body}");
        }
        for body in [
            "5",
            "\"x\"",
            "null",
            "{}",
            "[]",
            r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
            r#"{"id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":5}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"a","result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"a","params":[1]}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"name":1,"name":2}}"#,
        ] {
            assert_eq!(code(body), INVALID_REQUEST, "{body}");
        }
    }

    #[test]
    fn a_refused_message_still_tells_its_id() {
        let refused = parse(br#"{"jsonrpc":"1.0","id":"x","method":"ping"}"#, 64).unwrap_err();
        assert_eq!(refused.id.unwrap().raw(), r#""x""#);
    }

    #[test]
    fn depth_is_limited_before_parsing_and_brackets_in_strings_do_not_count() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(code(&deep), PARSE_ERROR);
        let open = "{\"a\":".repeat(100_000);
        assert_eq!(code(&open), PARSE_ERROR);
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{}\"["}}"#, "[{".repeat(500));
        assert!(parse(text.as_bytes(), 64).is_ok());
    }

    #[test]
    fn each_member_of_a_batch_is_judged_alone() {
        let body = br#" [{"jsonrpc":"2.0","id":1,"method":"ping"}, 5, {"jsonrpc":"2.0","method":"n"}]"#;
        let Body::Batch(items) = parse(body, 64).unwrap() else { panic!("batch") };
        assert!(matches!(items[0], Ok(Message::Request(..))));
        assert!(items[1].is_err());
        assert!(matches!(items[2], Ok(Message::Notification(_))));
        let many = format!("[{}]", vec!["1"; MAX_BATCH + 1].join(","));
        assert_eq!(code(&many), INVALID_REQUEST);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_a_parse_error() {
        assert_eq!(parse(b"{\"jsonrpc\":\"\xff\"}", 64).unwrap_err().error.code, PARSE_ERROR);
    }
}
