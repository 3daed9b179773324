//! Messages, bodies and attachments.
