//! What is on a page.

use super::item::PageItem;
use super::{Desk, asker};
use crate::extract::html::{
    NoteElements, NoteFile, mail_html_to_markdown, mail_html_to_text, note_elements, onenote_html,
};
use crate::graph::encode::{Target, segment};
use crate::graph::error::GraphError;
use crate::graph::request::Request;
use crate::services::answer::{clipped, line};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use serde::{Deserialize, Serialize};

/// Characters of an element's text in a list of elements.
const ELEMENT_CHARS: usize = 80;
/// Elements that are told of one page.
const MAX_ELEMENTS: usize = 300;

/// How a page is written for the caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum BodyFormat {
    #[default]
    Markdown,
    Text,
    Html,
}

/// A picture or file on a page.
#[derive(Clone, Debug, Serialize)]
pub(super) struct FileItem {
    kind: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) name: String,
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    media_type: String,
}

/// An element that a change can name.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ElementItem {
    id: String,
    tag: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    data_id: String,
    text: String,
}

/// A page with its content.
#[derive(Clone, Debug, Serialize)]
pub(super) struct PageContent {
    #[serde(flatten)]
    pub(super) page: PageItem,
    pub(super) content: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) files: Vec<FileItem>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) elements: Vec<ElementItem>,
    pub(super) truncated: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) unsafe_notes: Vec<String>,
}

/// How to read one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) format: BodyFormat,
    pub(super) max_chars: usize,
    /// The elements of the page as well.
    pub(super) elements: bool,
}

impl Desk {
    /// The HTML of a page: `GET /me/onenote/pages/{id}/content` (Notes.Read).
    pub(super) async fn html(
        &self,
        context: &CallContext,
        id: &str,
        ids: bool,
    ) -> Result<String, GraphError> {
        let mut target = Target::new(format!("/me/onenote/pages/{}/content", segment(id)));
        if ids {
            target = target.with("includeIDs", "true");
        }
        let answer = self.deps.graph.send(asker(context), Request::notes(target.build())).await?;
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }
}

/// Reads a page away from the async workers: conversion takes milliseconds.
pub(super) async fn read(page: PageItem, html: String, style: Style) -> Result<PageContent, ToolError> {
    let work = tokio::task::spawn_blocking(move || written(page, &html, style));
    work.await.map_err(|_| ToolError::internal("the conversion of a page failed"))
}

/// The elements of a page, read like that too.
pub(super) async fn elements(html: String) -> Result<NoteElements, ToolError> {
    let work = tokio::task::spawn_blocking(move || note_elements(&html));
    work.await.map_err(|_| ToolError::internal("the reading of a page failed"))
}

fn written(page: PageItem, html: &str, style: Style) -> PageContent {
    let (readable, files) = onenote_html(html);
    let mut unsafe_notes = Vec::new();
    let (text, hidden, cut) = match style.format {
        BodyFormat::Html => {
            unsafe_notes.push("This HTML is as it was written, hidden parts included.".to_owned());
            (html.to_owned(), 0, false)
        }
        BodyFormat::Markdown => {
            let done = mail_html_to_markdown(&readable, style.max_chars);
            (done.text, done.hidden_removed, done.truncated)
        }
        BodyFormat::Text => {
            let done = mail_html_to_text(&readable, style.max_chars);
            (done.text, done.hidden_removed, done.truncated)
        }
    };
    if hidden > 0 {
        unsafe_notes.push(format!("{hidden} hidden text parts were left out."));
    }
    let whole = text.chars().count();
    let mut content = clipped(text, style.max_chars);
    let truncated = cut || whole > style.max_chars;
    if cut && whole <= style.max_chars {
        content.push_str("…(+ more)");
    }
    let elements = if style.elements { told(&note_elements(html)) } else { Vec::new() };
    let files = files.into_iter().map(FileItem::of).collect();
    PageContent { page, content, files, elements, truncated, unsafe_notes }
}

fn told(found: &NoteElements) -> Vec<ElementItem> {
    let item = |text: &str| line(text).chars().take(ELEMENT_CHARS).collect();
    found
        .iter()
        .take(MAX_ELEMENTS)
        .map(|one| ElementItem {
            id: one.id.to_owned(),
            tag: one.tag.to_owned(),
            data_id: one.data_id.to_owned(),
            text: item(one.text),
        })
        .collect()
}

impl FileItem {
    fn of(file: NoteFile) -> Self {
        Self {
            kind: if file.is_picture { "picture" } else { "file" },
            name: line(&file.name),
            media_type: file.media_type,
        }
    }

    pub(super) fn print(&self) -> String {
        format!("{}: {}", self.kind, if self.name.is_empty() { "(no name)" } else { &self.name })
    }
}

impl ElementItem {
    pub(super) fn print(&self) -> String {
        format!("{} · {}", self.id, self.text)
    }
}
