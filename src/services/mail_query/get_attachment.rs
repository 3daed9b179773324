//! `get_attachment`: text out of an attachment; what has no text is named, not dumped.

use super::Mail;
