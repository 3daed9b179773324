//! A message out of a file, as text.

use super::sink::Sink;

/// What the message formats have in common.
#[derive(Default)]
pub(super) struct Letter {
    pub(super) subject: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) cc: String,
    pub(super) date: String,
    pub(super) body: String,
    pub(super) attached: Vec<Attached>,
}

/// A file inside the message; read it where the message is, not out of this text.
pub(super) struct Attached {
    pub(super) name: String,
    pub(super) size: u64,
}

impl Letter {
    pub(super) fn write(&self, sink: &mut Sink) {
        let heads = [
            ("Subject", &self.subject),
            ("From", &self.from),
            ("To", &self.to),
            ("Cc", &self.cc),
            ("Date", &self.date),
        ];
        for (name, value) in heads.into_iter().filter(|(_, value)| !value.trim().is_empty()) {
            // One line each, so that no value can pass for another header.
            let value: Vec<_> = value.split_whitespace().collect();
            sink.line(&format!("{name}: {}", value.join(" ")));
        }
        for file in &self.attached {
            let name: Vec<_> = file.name.split_whitespace().collect();
            sink.line(&format!("Attached: {} ({} bytes)", name.join(" "), file.size));
        }
        sink.gap();
        for line in self.body.trim().lines() {
            if sink.is_full() {
                sink.cut();
                return;
            }
            sink.push(line.trim_end());
            sink.push("\n");
        }
    }
}
