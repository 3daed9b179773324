//! What parent and child say to each other: a JSON line and the bytes one way, a JSON line back.

use serde::{Deserialize, Serialize};

use crate::extract::types::{ExtractError, ExtractOptions, ExtractedText, Limits};

/// First line on the child's standard input; the file follows.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) name: String,
    pub(super) content_type: String,
    pub(super) options: ExtractOptions,
    pub(super) limits: Limits,
}

/// Last line on the child's standard output (a parser may print before it).
pub(super) type Reply = Result<ExtractedText, ExtractError>;
