//! A message as a file (RFC 5322), for item attachments and `$value`.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A short plain message.
pub(super) fn eml(subject: &str, text: &str) -> Vec<u8> {
    let mut out = format!(
        "From: \"Harbour Office\" <office@harbour.example>\r\nTo: \"Alice\" <alice@contoso.example>\r\n\
         Subject: {}\r\nDate: Mon, 05 Jan 2026 08:30:00 +0000\r\nMessage-ID: <berth-notice-17@harbour.example>\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        header_text(subject)
    );
    push_base64(&mut out, text.as_bytes());
    out.into_bytes()
}

/// `text` as a header value, encoded by RFC 2047 when it needs to be.
pub(crate) fn header_text(text: &str) -> String {
    if text.bytes().all(|b| (32..127).contains(&b)) {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    let words: Vec<String> = chars
        .chunks(12)
        .map(|part| format!("=?utf-8?B?{}?=", STANDARD.encode(part.iter().collect::<String>())))
        .collect();
    words.join("\r\n ")
}

/// Base64 in lines of 76.
pub(crate) fn push_base64(out: &mut String, bytes: &[u8]) {
    for chunk in bytes.chunks(57) {
        STANDARD.encode_string(chunk, out);
        out.push_str("\r\n");
    }
}
