//! Which era a POST belongs to (specification 2026-07-28, versioning): a request with modern per-request metadata is
//! served without state, everything else is the legacy protocol. Never decided by who the client says it is.

use super::error::{
    HEADER_MISMATCH, INVALID_PARAMS, INVALID_REQUEST, LEGACY_TRANSPORT, RpcError, UNSUPPORTED_VERSION,
};
use super::jsonrpc::{Body, Call, Message, text};
use super::version::{Legacy, MODERN, VersionHeader};
use serde_json::json;

/// The protocol that serves a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Era {
    Legacy,
    Modern,
}

/// Finds the era, or refuses (HTTP 400).
pub(super) fn classify(body: &Body<'_>, header: VersionHeader<'_>) -> Result<Era, RpcError> {
    let modern_header = matches!(header, VersionHeader::Modern | VersionHeader::Future(_));
    match body {
        Body::Batch(items) => {
            let modern = |m: &Message<'_>| m.call().is_some_and(|c| c.meta.protocol_version.is_some());
            if modern_header || items.iter().flatten().any(modern) {
                return Err(RpcError::new(INVALID_REQUEST, format!("There are no batches in {MODERN}.")));
            }
            legacy(header)
        }
        Body::Single(Message::Response(_)) if modern_header => {
            Err(RpcError::new(INVALID_REQUEST, format!("Clients send no responses in {MODERN}.")))
        }
        Body::Single(Message::Response(_)) => legacy(header),
        Body::Single(Message::Request(_, call)) => single(call, header, true),
        Body::Single(Message::Notification(call)) => single(call, header, false),
    }
}

fn single(call: &Call<'_>, header: VersionHeader<'_>, is_request: bool) -> Result<Era, RpcError> {
    if let Some(version) = call.meta.protocol_version {
        return match text(version) {
            Some(_) => Ok(Era::Modern),
            None => Err(RpcError::new(
                INVALID_PARAMS,
                "`_meta[\"io.modelcontextprotocol/protocolVersion\"]` must be a string.",
            )),
        };
    }
    let initialize = is_request && call.method == "initialize";
    match header {
        VersionHeader::Modern if initialize => Err(RpcError::new(
            HEADER_MISMATCH,
            format!(
                "`initialize` opens revisions before {MODERN}; the MCP-Protocol-Version header names {MODERN}."
            ),
        )),
        VersionHeader::Modern if is_request => Err(missing_meta()),
        VersionHeader::Modern => Ok(Era::Modern),
        // `server/discover` exists in the modern era only, so a client that forgot the metadata learns what it needs.
        VersionHeader::Absent | VersionHeader::Legacy(_) if call.method == "server/discover" => {
            Err(missing_meta())
        }
        VersionHeader::Absent
        | VersionHeader::Legacy(_)
        | VersionHeader::Future(_)
        | VersionHeader::Invalid => legacy(header),
    }
}

/// The legacy era, unless the version header is one that nobody speaks.
pub(super) fn legacy(header: VersionHeader<'_>) -> Result<Era, RpcError> {
    match header {
        VersionHeader::Absent | VersionHeader::Legacy(_) => Ok(Era::Legacy),
        VersionHeader::Modern => Err(unsupported(MODERN)),
        VersionHeader::Future(requested) => Err(unsupported(requested)),
        VersionHeader::Invalid => {
            let known: Vec<_> = Legacy::ALL.iter().map(|v| v.as_str()).collect();
            Err(RpcError::new(
                LEGACY_TRANSPORT,
                format!("Unsupported MCP-Protocol-Version; supported: {}, {MODERN}.", known.join(", ")),
            ))
        }
    }
}

/// −32022, naming what may be asked for per request.
pub(super) fn unsupported(requested: &str) -> RpcError {
    let shown: String = requested.chars().take(64).collect();
    RpcError::new(UNSUPPORTED_VERSION, "Unsupported protocol version.")
        .with_data(json!({ "supported": [MODERN], "requested": shown }))
}

/// −32602 for a modern request without its envelope.
pub(super) fn missing_meta() -> RpcError {
    RpcError::new(
        INVALID_PARAMS,
        "`params._meta` needs \"io.modelcontextprotocol/protocolVersion\" (string) and \
         \"io.modelcontextprotocol/clientCapabilities\" (object).",
    )
}

#[cfg(test)]
mod tests {
    use super::super::jsonrpc::parse;
    use super::*;

    const META: &str = r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#;
    const MODERN_HEADER: VersionHeader<'_> = VersionHeader::Modern;
    const OLD: VersionHeader<'_> = VersionHeader::Legacy(Legacy::V2025_06_18);
    const FUTURE: VersionHeader<'_> = VersionHeader::Future("v999.0.0");

    fn outcome(body: &str, header: VersionHeader<'_>) -> Result<Era, i32> {
        classify(&parse(body.as_bytes(), 64).unwrap(), header).map_err(|e| e.code)
    }

    #[test]
    fn requests_and_notifications_fall_into_their_era() {
        let request = |method: &str, params: &str| {
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
        };
        let note =
            |params: &str| format!(r#"{{"jsonrpc":"2.0","method":"notifications/x","params":{params}}}"#);
        let bad_meta = r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":7}}"#;
        for (body, header, expected) in [
            (request("tools/list", META), MODERN_HEADER, Ok(Era::Modern)),
            (request("tools/list", META), VersionHeader::Absent, Ok(Era::Modern)),
            (request("tools/list", META), OLD, Ok(Era::Modern)),
            (request("initialize", META), VersionHeader::Absent, Ok(Era::Modern)),
            (request("tools/list", bad_meta), MODERN_HEADER, Err(INVALID_PARAMS)),
            (request("tools/list", "{}"), MODERN_HEADER, Err(INVALID_PARAMS)),
            (request("tools/list", "{}"), VersionHeader::Absent, Ok(Era::Legacy)),
            (request("tools/list", "{}"), OLD, Ok(Era::Legacy)),
            (request("tools/list", "{}"), FUTURE, Err(UNSUPPORTED_VERSION)),
            (request("tools/list", "{}"), VersionHeader::Invalid, Err(LEGACY_TRANSPORT)),
            (request("initialize", "{}"), VersionHeader::Absent, Ok(Era::Legacy)),
            (request("initialize", "{}"), OLD, Ok(Era::Legacy)),
            (request("initialize", "{}"), MODERN_HEADER, Err(HEADER_MISMATCH)),
            (request("server/discover", "{}"), VersionHeader::Absent, Err(INVALID_PARAMS)),
            (note("{}"), MODERN_HEADER, Ok(Era::Modern)),
            (note(META), VersionHeader::Absent, Ok(Era::Modern)),
            (note("{}"), VersionHeader::Absent, Ok(Era::Legacy)),
        ] {
            assert_eq!(outcome(&body, header), expected, "{body} with {header:?}");
        }
    }

    #[test]
    fn batches_and_responses_are_legacy_only() {
        let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#;
        let modern_batch = format!(r#"[{{"jsonrpc":"2.0","id":1,"method":"ping","params":{META}}}]"#);
        let response = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
        assert_eq!(outcome(batch, VersionHeader::Absent), Ok(Era::Legacy));
        assert_eq!(outcome(batch, MODERN_HEADER), Err(INVALID_REQUEST));
        assert_eq!(outcome(&modern_batch, VersionHeader::Absent), Err(INVALID_REQUEST));
        assert_eq!(outcome(response, OLD), Ok(Era::Legacy));
        assert_eq!(outcome(response, MODERN_HEADER), Err(INVALID_REQUEST));
    }
}
