//! `POST /v1/chat/completions`.

mod request;
mod wire;

pub(super) use request::ChatRequest;
