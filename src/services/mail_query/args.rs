//! Arguments of `query_email` as values, and the readings of the older names.

use crate::services::args::OutputFormat;
use serde::{Deserialize, Serialize};

/// Filters of a query; kept in cursors, so that a page goes on with what was asked.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Filters {
    pub(super) start_date: Option<String>,
    pub(super) end_date: Option<String>,
    pub(super) days_back: Option<u32>,
    pub(super) sender_address: Option<String>,
    pub(super) recipient_address: Option<String>,
    pub(super) conversation_with: Vec<String>,
    pub(super) subject_contains: Option<String>,
    pub(super) keyword: Option<String>,
    pub(super) keyword_filter: KeywordFilter,
    pub(super) folder: Option<String>,
    pub(super) unread_only: bool,
    pub(super) has_attachments: Option<bool>,
    pub(super) importance: Option<String>,
    pub(super) order: Order,
}

/// Keywords that all, any or none of must occur.
#[expect(clippy::struct_field_names, reason = "the names of the tool's arguments")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct KeywordFilter {
    pub(super) and_keywords: Vec<String>,
    pub(super) or_keywords: Vec<String>,
    pub(super) not_keywords: Vec<String>,
}

impl Filters {
    /// `keyword` and `and_keywords` together.
    pub(super) fn all_of(&self) -> impl Iterator<Item = &str> {
        self.keyword.iter().chain(&self.keyword_filter.and_keywords).map(String::as_str)
    }

    /// Words that must or may occur.
    pub(super) fn wanted(&self) -> impl Iterator<Item = &str> {
        self.all_of().chain(self.keyword_filter.or_keywords.iter().map(String::as_str))
    }
}

/// Order of the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Order {
    #[default]
    Newest,
    Oldest,
    /// Microsoft's own ranking; also tells the total.
    Relevance,
}

/// Form of bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum BodyFormat {
    #[default]
    Markdown,
    Text,
    Html,
    None,
}

/// How much to answer, and in which form.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Shape {
    pub(super) include_body: bool,
    pub(super) body_format: BodyFormat,
    pub(super) max_mails: Option<usize>,
    pub(super) limit: Option<usize>,
    pub(super) cursor: Option<String>,
    pub(super) max_chars: Option<usize>,
    pub(super) output_format: OutputFormat,
}

impl Shape {
    pub(super) fn bodies(&self) -> bool {
        self.include_body && self.body_format != BodyFormat::None
    }
}
