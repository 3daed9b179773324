//! Word and PowerPoint files: the least parts that readers insist on.
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::sim::seed::text::escape;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>";
const RELS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const WORD: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
const DRAW: &str = "http://schemas.openxmlformats.org/drawingml/2006/main";
const SLIDE: &str = "http://schemas.openxmlformats.org/presentationml/2006/main";

/// Packs named parts; an unwritable archive (it is in memory) comes out empty.
pub(super) fn pack(parts: &[(String, String)]) -> Vec<u8> {
    let write = || -> zip::result::ZipResult<Vec<u8>> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in parts {
            zip.start_file(name.as_str(), SimpleFileOptions::default())?;
            zip.write_all(HEAD.as_bytes())?;
            zip.write_all(text.as_bytes())?;
        }
        Ok(zip.finish()?.into_inner())
    };
    write().unwrap_or_default()
}

/// `[Content_Types].xml` for part names and types.
pub(super) fn content_types(parts: &[(String, &str)]) -> (String, String) {
    let mut xml = String::from(
        "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
         <Default Extension=\"rels\" \
             ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
         <Default Extension=\"xml\" ContentType=\"application/xml\"/>",
    );
    for (name, kind) in parts {
        let _ = write!(
            xml,
            "<Override PartName=\"/{name}\" \
                ContentType=\"application/vnd.openxmlformats-officedocument.{kind}+xml\"/>"
        );
    }
    xml.push_str("</Types>");
    ("[Content_Types].xml".to_owned(), xml)
}

/// A relationships part: (type, target) in order, ids rId1, rId2, …
pub(super) fn relationships(path: &str, targets: &[(&str, String)]) -> (String, String) {
    let mut xml = format!("<Relationships xmlns=\"{RELS}\">");
    for (i, (kind, target)) in targets.iter().enumerate() {
        let _ =
            write!(xml, "<Relationship Id=\"rId{}\" Type=\"{OFFICE}/{kind}\" Target=\"{target}\"/>", i + 1);
    }
    xml.push_str("</Relationships>");
    (path.to_owned(), xml)
}

/// A Word file: a paragraph per line, `a|b` lines as one table.
pub(super) fn docx(text: &str) -> Vec<u8> {
    let mut body = String::new();
    let mut table = false;
    for line in text.lines() {
        if line.contains('|') != table {
            table = !table;
            body.push_str(if table { "<w:tbl>" } else { "</w:tbl>" });
        }
        if table {
            body.push_str("<w:tr>");
            for cell in line.split('|') {
                let _ = write!(body, "<w:tc>{}</w:tc>", paragraph(cell));
            }
            body.push_str("</w:tr>");
        } else {
            body.push_str(&paragraph(line));
        }
    }
    if table {
        body.push_str("</w:tbl>");
    }
    let document = format!("<w:document xmlns:w=\"{WORD}\"><w:body>{body}<w:sectPr/></w:body></w:document>");
    pack(&[
        content_types(&[("word/document.xml".to_owned(), "wordprocessingml.document.main")]),
        relationships("_rels/.rels", &[("officeDocument", "word/document.xml".to_owned())]),
        ("word/document.xml".to_owned(), document),
    ])
}

fn paragraph(text: &str) -> String {
    format!("<w:p><w:r><w:t xml:space=\"preserve\">{}</w:t></w:r></w:p>", escape(text))
}

/// A PowerPoint file: slides separated by `---`, the first line of each is its title.
pub(super) fn pptx(text: &str) -> Vec<u8> {
    let slides: Vec<&str> = text.split("---").map(str::trim).collect();
    let mut types = vec![("ppt/presentation.xml".to_owned(), "presentationml.presentation.main")];
    let mut targets = Vec::new();
    let mut ids = String::new();
    let mut parts = Vec::new();
    for (i, slide) in slides.iter().enumerate() {
        let n = i + 1;
        types.push((format!("ppt/slides/slide{n}.xml"), "presentationml.slide"));
        targets.push(("slide", format!("slides/slide{n}.xml")));
        let _ = write!(ids, "<p:sldId id=\"{}\" r:id=\"rId{n}\"/>", 255 + n);
        parts.push((format!("ppt/slides/slide{n}.xml"), slide_xml(slide)));
    }
    parts.push(relationships("_rels/.rels", &[("officeDocument", "ppt/presentation.xml".to_owned())]));
    parts.push(relationships("ppt/_rels/presentation.xml.rels", &targets));
    let deck = format!(
        "<p:presentation xmlns:p=\"{SLIDE}\" \
            xmlns:r=\"{OFFICE}\"><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>"
    );
    parts.push(("ppt/presentation.xml".to_owned(), deck));
    parts.insert(0, content_types(&types));
    pack(&parts)
}

fn slide_xml(slide: &str) -> String {
    let mut shapes = String::new();
    let (title, rest) = slide.split_once('\n').unwrap_or((slide, ""));
    for (id, kind, text) in [(2, "title", title), (3, "body", rest)] {
        let mut paragraphs = String::new();
        for line in text.lines() {
            let _ = write!(paragraphs, "<a:p><a:r><a:t>{}</a:t></a:r></a:p>", escape(line));
        }
        let _ = write!(
            shapes,
            "<p:sp><p:nvSpPr><p:cNvPr id=\"{id}\" name=\"{kind}\"/><p:cNvSpPr/><p:nvPr><p:ph \
                type=\"{kind}\"/></p:nvPr></p:nvSpPr>\
             <p:spPr/><p:txBody><a:bodyPr/>{paragraphs}</p:txBody></p:sp>"
        );
    }
    format!(
        "<p:sld xmlns:p=\"{SLIDE}\" xmlns:a=\"{DRAW}\" \
            xmlns:r=\"{OFFICE}\"><p:cSld><p:spTree><p:nvGrpSpPr><p:cNvPr id=\"1\" name=\"\"/>\
         <p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>{shapes}</p:spTree></p:cSld></p:sld>"
    )
}
