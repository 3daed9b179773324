//! `/messages/{id}/$value`: the message as MIME, simple but right.
use std::fmt::Write as _;

use crate::sim::graph::render::header_lines;
use crate::sim::seed::files::mail::{header_text, push_base64};
use crate::sim::seed::model::Mail;

/// Content type of a message as a file.
pub(super) const CONTENT_TYPE: &str = "text/plain";

/// The whole message.
pub(super) fn message(mail: &Mail) -> String {
    // Writing to a String cannot fail.
    let mut out = String::new();
    for (name, value) in header_lines(mail) {
        let _ = write!(out, "{name}: {}\r\n", header_text(&value));
    }
    out.push_str("MIME-Version: 1.0\r\n");
    let boundary = format!("_part_{:016x}", mail.message);
    if mail.files().next().is_some() {
        let _ = write!(out, "Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\n");
    }
    let kind = if mail.body.is_html() { "text/html" } else { "text/plain" };
    let _ = write!(out, "Content-Type: {kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    push_base64(&mut out, mail.body.full().as_bytes());
    for (_, attachment) in mail.files() {
        let kind = attachment.content_type().unwrap_or("application/octet-stream");
        let _ = write!(
            out,
            "--{boundary}\r\nContent-Type: {kind}\r\nContent-Disposition: attachment; filename=\"{}\"\r\n\
                Content-Transfer-Encoding: base64\r\n\r\n",
            header_text(&attachment.name)
        );
        push_base64(&mut out, attachment.bytes());
    }
    if mail.files().next().is_some() {
        let _ = write!(out, "--{boundary}--\r\n");
    }
    out
}
