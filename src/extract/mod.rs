//! Untrusted bytes into text: mail HTML in this process by construction safe, documents in a bounded child.

pub(crate) mod html;
pub(crate) mod quotes;
