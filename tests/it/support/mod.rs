//! What the tests share: processes, stores, a browser, a balancer and clients.

pub(crate) mod balancer;
pub(crate) mod browser;
pub(crate) mod cluster;
pub(crate) mod http;
pub(crate) mod https;
pub(crate) mod internet;
pub(crate) mod keys;
pub(crate) mod line;
pub(crate) mod login;
pub(crate) mod mcp;
pub(crate) mod model;
pub(crate) mod official;
pub(crate) mod openai;
pub(crate) mod operator;
pub(crate) mod peer;
pub(crate) mod process;
pub(crate) mod redis;
pub(crate) mod redis_forms;
pub(crate) mod signing;
pub(crate) mod socket;
pub(crate) mod sse;
pub(crate) mod tapped;
pub(crate) mod tenant;
pub(crate) mod wire;
