//! A JSON writer that puts commas itself; answers are written once, straight from the mail.

/// Bytes so far.
#[derive(Debug, Default)]
pub(super) struct Json {
    out: Vec<u8>,
}

impl Json {
    /// The finished bytes.
    pub(super) fn finish(self) -> Vec<u8> {
        self.out
    }

    fn comma(&mut self) {
        if !matches!(self.out.last(), None | Some(b'{' | b'[' | b':')) {
            self.out.push(b',');
        }
    }

    /// `{`, what `fill` writes, `}`.
    pub(super) fn object(&mut self, fill: impl FnOnce(&mut Self)) {
        self.comma();
        self.out.push(b'{');
        fill(self);
        self.out.push(b'}');
    }

    /// `[`, what `fill` writes, `]`.
    pub(super) fn array(&mut self, fill: impl FnOnce(&mut Self)) {
        self.comma();
        self.out.push(b'[');
        fill(self);
        self.out.push(b']');
    }

    /// A member name; a value must follow.
    pub(super) fn key(&mut self, key: &str) -> &mut Self {
        self.comma();
        self.quoted(key);
        self.out.push(b':');
        self
    }

    /// A text value.
    pub(super) fn text(&mut self, text: &str) {
        self.comma();
        self.quoted(text);
    }

    /// A value that is JSON already.
    pub(super) fn raw(&mut self, json: &str) {
        self.comma();
        self.out.extend_from_slice(json.as_bytes());
    }

    /// A member with a text.
    pub(super) fn member(&mut self, key: &str, text: &str) {
        self.key(key).text(text);
    }

    /// A member with a yes or no.
    pub(super) fn flag(&mut self, key: &str, value: bool) {
        self.key(key).raw(if value { "true" } else { "false" });
    }

    /// A member with a number.
    pub(super) fn number(&mut self, key: &str, value: u64) {
        self.key(key).raw(&value.to_string());
    }

    fn quoted(&mut self, text: &str) {
        // Writing a str to a Vec cannot fail.
        let _ = serde_json::to_writer(&mut self.out, text);
    }
}
