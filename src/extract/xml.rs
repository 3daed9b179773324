//! A small pull reader over untrusted XML: bounded depth, no document types, no entities of its own.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::types::ExtractError;

/// What the document readers need to know.
#[derive(Debug)]
pub(super) enum Token {
    /// A start tag; an empty element gives this and then `End`.
    Start(Tag),
    /// An end tag, by local name.
    End(String),
    /// Character data.
    Text(String),
}

/// A start tag with its attributes, all by local name.
#[derive(Debug)]
pub(super) struct Tag {
    /// Local name: the prefix is the writer's choice.
    pub(super) name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    /// An attribute by local name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether any attribute has this value.
    pub(super) fn has_value(&self, value: &str) -> bool {
        self.attributes.iter().any(|(_, found)| found == value)
    }

    /// An on/off property: present means on unless it says otherwise.
    pub(super) fn is_on(&self) -> bool {
        !matches!(self.get("val"), Some("0" | "false" | "off" | "none"))
    }
}

/// The reader.
pub(super) struct Xml<'a> {
    reader: Reader<&'a [u8]>,
    depth: usize,
    max_depth: usize,
    /// The second half of an empty element.
    closing: Option<String>,
}

impl<'a> Xml<'a> {
    pub(super) fn new(text: &'a str, max_depth: usize) -> Self {
        Self { reader: Reader::from_str(text), depth: 0, max_depth, closing: None }
    }

    /// The next token; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Token>, ExtractError> {
        if let Some(name) = self.closing.take() {
            return Ok(Some(Token::End(name)));
        }
        loop {
            let event = self.reader.read_event().map_err(|_| ExtractError::malformed("broken XML"))?;
            return Ok(Some(match event {
                Event::Start(start) => {
                    self.depth += 1;
                    if self.depth > self.max_depth {
                        return Err(ExtractError::malformed("XML nested too deeply"));
                    }
                    Token::Start(tag(&start))
                }
                Event::Empty(start) => {
                    let tag = tag(&start);
                    self.closing = Some(tag.name.clone());
                    Token::Start(tag)
                }
                Event::End(end) => {
                    self.depth = self.depth.saturating_sub(1);
                    Token::End(end.local_name().as_ref().to_owned())
                }
                Event::Text(text) => Token::Text(text.into_inner().into_owned()),
                Event::CData(text) => Token::Text(text.into_inner().into_owned()),
                Event::GeneralRef(reference) => Token::Text(resolve(&reference)),
                Event::DocType(_) => return Err(ExtractError::malformed("XML with a document type")),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => continue,
                Event::Eof => return Ok(None),
            }));
        }
    }

    /// Skips the rest of the element whose start tag was just read.
    pub(super) fn skip(&mut self) -> Result<(), ExtractError> {
        let mut open = 1_usize;
        while open > 0 {
            match self.next()? {
                Some(Token::Start(_)) => open += 1,
                Some(Token::End(_)) => open -= 1,
                Some(Token::Text(_)) => {}
                None => return Ok(()),
            }
        }
        Ok(())
    }
}

fn tag(start: &BytesStart<'_>) -> Tag {
    let attributes = start
        .attributes()
        .with_checks(false)
        .filter_map(Result::ok)
        .take(100)
        .map(|attribute| {
            let value = quick_xml::escape::unescape(&attribute.value)
                .map_or_else(|_| attribute.value.clone().into_owned(), std::borrow::Cow::into_owned);
            (attribute.key.local_name().as_ref().to_owned(), value)
        })
        .collect();
    Tag { name: start.local_name().as_ref().to_owned(), attributes }
}

fn resolve(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(c)) = reference.resolve_char_ref() {
        return c.to_string();
    }
    quick_xml::escape::resolve_predefined_entity(&reference.xml10_content()).unwrap_or_default().to_owned()
}
