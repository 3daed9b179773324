//! PowerPoint presentations (PresentationML, ECMA-376 part 1, 19): slides in order, tables, speaker notes.

use super::archive::Archive;
use super::office::{cell, main_part, relationships};
use super::plain::invisible_note;
use super::sink::Sink;
use super::types::{ExtractError, ExtractOptions, ExtractedText, Extraction, Kind, Limits};
use super::xml::{Token, Xml};

/// Reads a presentation; `pages` are slides.
pub(super) fn extract(archive: &mut Archive<'_>, options: &ExtractOptions, limits: &Limits) -> Extraction {
    let main = main_part(archive, limits, "ppt/presentation.xml")?;
    let slides = slide_parts(archive, &main, limits)?;
    let total = u32::try_from(slides.len()).unwrap_or(u32::MAX);
    let (first, last) = super::document::page_range(options, total, limits)?;
    let mut sink = Sink::new(options.max_chars);
    let mut hidden = 0;
    for (number, part) in (1_u32..).zip(&slides).filter(|(number, _)| (first..=last).contains(number)) {
        if sink.is_full() {
            sink.cut();
            break;
        }
        let Some(text) = archive.text(part)? else { continue };
        let Some(text) = shapes(&text, limits)? else {
            hidden += 1;
            continue;
        };
        sink.gap();
        sink.line(&format!("## Slide {number}"));
        sink.push(&text);
        let notes = relationships(archive, part, limits)?.into_iter().find(|r| r.kind == "notesSlide");
        if let Some(notes) = notes
            && let Some(notes) = archive.text(&notes.target)?
            && let Some(notes) = shapes(&notes, limits)?
            && !notes.trim().is_empty()
        {
            sink.line("Notes:");
            sink.push(&notes);
        }
    }
    let (text, truncated, invisible) = sink.finish();
    let mut found = ExtractedText::of(Kind::Pptx, text);
    found.pages = Some(total);
    found.truncated = truncated || (options.pages.is_none() && last < total);
    if hidden > 0 {
        found.notes.push(format!("{hidden} hidden slides left out"));
    }
    found.notes.extend(invisible_note(invisible));
    Ok(found)
}

fn slide_parts(archive: &mut Archive<'_>, main: &str, limits: &Limits) -> Result<Vec<String>, ExtractError> {
    let text = archive.text(main)?.ok_or_else(|| ExtractError::malformed("no presentation part"))?;
    let links = relationships(archive, main, limits)?;
    let mut xml = Xml::new(&text, limits.xml_depth);
    let mut parts = Vec::new();
    while let Some(token) = xml.next()? {
        if let Token::Start(tag) = token
            && tag.name == "sldId"
            // Both `id` and `r:id` are there; only the latter names a relationship.
            && let Some(link) = links.iter().find(|link| tag.has_value(&link.id))
        {
            parts.push(link.target.clone());
        }
    }
    Ok(parts)
}

/// Text of the shapes of a slide; `None` when the slide is hidden.
fn shapes(part: &str, limits: &Limits) -> Result<Option<String>, ExtractError> {
    let mut xml = Xml::new(part, limits.xml_depth);
    let mut out = String::new();
    let mut paragraph = String::new();
    let mut row: Option<Vec<String>> = None;
    let mut in_text = false;
    while let Some(token) = xml.next()? {
        match token {
            Token::Start(tag) => match tag.name.as_str() {
                "sld" if tag.get("show").is_some_and(|show| matches!(show, "0" | "false")) => {
                    return Ok(None);
                }
                // Slide numbers and dates, copies for old readers, shapes switched off.
                "fld" | "Fallback" => xml.skip()?,
                "t" => in_text = true,
                "br" => paragraph.push(' '),
                "tr" => row = Some(Vec::new()),
                "tc" => paragraph.clear(),
                _ => {}
            },
            Token::Text(text) if in_text => paragraph.push_str(&text),
            Token::Text(_) => {}
            Token::End(name) => match (name.as_str(), row.as_mut()) {
                ("t", _) => in_text = false,
                ("p", Some(_)) => paragraph.push(' '),
                ("p", None) => {
                    let text = std::mem::take(&mut paragraph);
                    if !text.trim().is_empty() {
                        out.push_str(text.trim());
                        out.push('\n');
                    }
                }
                ("tc", Some(row)) => row.push(cell(&std::mem::take(&mut paragraph))),
                ("tr", Some(cells)) => {
                    out.extend(["| ", &cells.join(" | "), " |\n"]);
                    row = None;
                }
                _ => {}
            },
        }
    }
    Ok(Some(out))
}
