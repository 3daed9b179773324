//! `POST /v1/responses`, on the same engine as chat completions. Nothing is stored: a conversation is sent whole each time.

mod request;
mod wire;

pub(super) use request::ResponseRequest;
