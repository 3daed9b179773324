//! What the ports need of the outside world.

pub(crate) mod graph_http;
