//! One authenticated HTTP request on its way through a protocol era, and the answers that come of it.

use super::catalog::Ready;
use super::encode::{self, Framing};
use super::error::{self, RpcError};
use super::jsonrpc::Id;
use super::state::McpState;
use super::version::VersionHeader;
use crate::domain::resource::Endpoint;
use crate::oauth::bearer::Bearer;
use actix_web::http::header::HeaderMap;
use actix_web::{HttpResponse, web};
use std::sync::Arc;

/// What every step of one request needs.
pub(super) struct Exchange<'a> {
    pub(super) state: &'a web::Data<McpState>,
    pub(super) ready: &'a Arc<Ready>,
    /// The URL that was asked, for challenges.
    pub(super) endpoint: Endpoint,
    pub(super) headers: &'a HeaderMap,
    pub(super) bearer: Bearer,
    pub(super) framing: Framing,
    /// The client takes an event stream.
    pub(super) streams: bool,
    pub(super) version: VersionHeader<'a>,
}

/// The answer to one JSON-RPC request.
pub(super) enum Answer {
    /// A JSON-RPC response, in band.
    Body(Vec<u8>),
    /// An HTTP answer of its own where there is still a status to choose, such as an OAuth challenge; else what is
    /// said in band.
    Refused { response: HttpResponse, in_band: Vec<u8> },
    /// The client withdrew the request.
    Nothing,
}

impl Answer {
    pub(super) fn error(id: Id<'_>, error: &RpcError) -> Self {
        Self::Body(error::message(Some(id.raw()), error))
    }

    /// What is said where there is no status: in streams that have begun, in batches, on sockets.
    pub(super) fn in_band(self) -> Option<Vec<u8>> {
        match self {
            Self::Body(body) | Self::Refused { in_band: body, .. } => Some(body),
            Self::Nothing => None,
        }
    }
}

impl Exchange<'_> {
    /// The HTTP response that carries `answer`.
    pub(super) fn respond(&self, answer: Answer) -> HttpResponse {
        match answer {
            Answer::Body(body) => encode::respond(self.framing, body),
            Answer::Refused { response, .. } => response,
            Answer::Nothing => encode::respond_nothing(self.streams),
        }
    }
}
