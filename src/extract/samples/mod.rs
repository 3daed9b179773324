//! Real documents, written by hand, for the tests.

mod compound;
mod open;

use std::io::{Cursor, Write};

use zip::write::{SimpleFileOptions, ZipWriter};

pub(super) use compound::{Hwp, MsgPart, cfb, hwp, msg, xls};
pub(super) use open::{hwpx, opendocument};

const XML: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#;
const W: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
const S: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const R: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const P: &str = "http://schemas.openxmlformats.org/package/2006/relationships";

/// A zip of these entries.
pub(super) fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn rels(links: &[(&str, &str, &str)]) -> String {
    let links: Vec<String> = links
        .iter()
        .map(|(id, kind, target)| format!(r#"<Relationship Id="{id}" Type="{R}/{kind}" Target="{target}"/>"#))
        .collect();
    let links = links.concat();
    format!(r#"{XML}<Relationships xmlns="{P}">{links}</Relationships>"#)
}

/// A Word document with this body.
pub(super) fn docx(body: &str) -> Vec<u8> {
    let document =
        format!(r#"{XML}<w:document xmlns:w="{W}" xmlns:mc="x"><w:body>{body}</w:body></w:document>"#);
    zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("_rels/.rels", rels(&[("rId1", "officeDocument", "word/document.xml")]).as_bytes()),
        ("word/document.xml", document.as_bytes()),
    ])
}

/// A workbook: sheet "매출" with dates, "Hidden" hidden.
pub(super) fn xlsx() -> Vec<u8> {
    let workbook = format!(
        r#"{XML}<workbook xmlns="{S}" xmlns:r="{R}"><sheets><sheet name="매출" sheetId="1" r:id="rId1"/><sheet name="Hidden" sheetId="2" state="hidden" r:id="rId2"/></sheets></workbook>"#
    );
    let styles = format!(
        r#"{XML}<styleSheet xmlns="{S}"><cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/></cellXfs></styleSheet>"#
    );
    let strings = format!(r#"{XML}<sst xmlns="{S}"><si><t>날짜</t></si><si><t>a|b</t></si></sst>"#);
    let first = format!(
        r#"{XML}<worksheet xmlns="{S}"><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row><row r="2"><c r="A2" s="1"><v>46027</v></c><c r="B2"><v>12.5</v></c><c r="C2" s="2"><v>46027.75</v></c></row><row r="1048576"><c r="XFD1048576"><v>7</v></c></row></sheetData></worksheet>"#
    );
    let second = format!(
        r#"{XML}<worksheet xmlns="{S}"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>SECRET</t></is></c></row></sheetData></worksheet>"#
    );
    let links = rels(&[
        ("rId1", "worksheet", "worksheets/sheet1.xml"),
        ("rId2", "worksheet", "worksheets/sheet2.xml"),
        ("rId3", "styles", "styles.xml"),
        ("rId4", "sharedStrings", "sharedStrings.xml"),
    ]);
    zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("_rels/.rels", rels(&[("rId1", "officeDocument", "xl/workbook.xml")]).as_bytes()),
        ("xl/workbook.xml", workbook.as_bytes()),
        ("xl/_rels/workbook.xml.rels", links.as_bytes()),
        ("xl/styles.xml", styles.as_bytes()),
        ("xl/sharedStrings.xml", strings.as_bytes()),
        ("xl/worksheets/sheet1.xml", first.as_bytes()),
        ("xl/worksheets/sheet2.xml", second.as_bytes()),
    ])
}

/// Two slides in reverse file order, a hidden third, notes on the first.
pub(super) fn pptx() -> Vec<u8> {
    let slide =
        |show: &str, shapes: &str| format!(r#"{XML}<p:sld xmlns:p="p" xmlns:a="a"{show}>{shapes}</p:sld>"#);
    let text =
        |text: &str| format!("<p:sp><p:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>");
    let table = "<a:tbl><a:tr><a:tc><a:txBody><a:p><a:r><a:t>항목</a:t></a:r></a:p></a:txBody></a:tc><a:tc><a:txBody><a:p><a:r><a:t>10</a:t></a:r></a:p></a:txBody></a:tc></a:tr></a:tbl>";
    let number = r#"<a:p><a:fld type="slidenum"><a:t>77</a:t></a:fld></a:p>"#;
    let main = format!(
        r#"{XML}<p:presentation xmlns:p="p" xmlns:r="{R}"><p:sldIdLst><p:sldId id="256" r:id="rId9"/><p:sldId id="257" r:id="rId8"/><p:sldId id="258" r:id="rId7"/></p:sldIdLst></p:presentation>"#
    );
    let links = rels(&[
        ("rId9", "slide", "slides/slide2.xml"),
        ("rId8", "slide", "slides/slide1.xml"),
        ("rId7", "slide", "/ppt/slides/slide3.xml"),
    ]);
    zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("_rels/.rels", rels(&[("rId1", "officeDocument", "ppt/presentation.xml")]).as_bytes()),
        ("ppt/presentation.xml", main.as_bytes()),
        ("ppt/_rels/presentation.xml.rels", links.as_bytes()),
        (
            "ppt/slides/slide1.xml",
            slide("", &format!("{}{table}{number}", text("Second &amp; last"))).as_bytes(),
        ),
        ("ppt/slides/slide2.xml", slide("", &text("첫 슬라이드")).as_bytes()),
        ("ppt/slides/slide3.xml", slide(r#" show="0""#, &text("SECRET")).as_bytes()),
        (
            "ppt/slides/_rels/slide2.xml.rels",
            rels(&[("rId1", "notesSlide", "../notesSlides/notesSlide1.xml")]).as_bytes(),
        ),
        ("ppt/notesSlides/notesSlide1.xml", slide("", &text("Say hello")).as_bytes()),
    ])
}

/// A PDF of one page per content stream, with one font.
pub(super) fn pdf(pages: &[&[u8]], font: &str, trailer: &str) -> Vec<u8> {
    let mut objects: Vec<Vec<u8>> = vec![b"<</Type/Catalog/Pages 2 0 R>>".to_vec()];
    let kids: Vec<String> = (0..pages.len()).map(|n| format!("{} 0 R", 4 + n * 2)).collect();
    objects.push(format!("<</Type/Pages/Count {}/Kids[{}]>>", pages.len(), kids.join(" ")).into_bytes());
    objects.push(font.as_bytes().to_vec());
    for (n, content) in pages.iter().enumerate() {
        objects.push(
            format!(
                "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 R>>>>/Contents {} 0 R>>",
                5 + n * 2
            )
            .into_bytes(),
        );
        let mut stream = format!("<</Length {}>>stream\n", content.len()).into_bytes();
        stream.extend_from_slice(content);
        stream.extend_from_slice(b"\nendstream");
        objects.push(stream);
    }
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    for (n, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        out.extend_from_slice(format!("{} 0 obj\n", n + 1).as_bytes());
        out.extend_from_slice(object);
        out.extend_from_slice(b"\nendobj\n");
    }
    let start = out.len();
    out.extend_from_slice(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).as_bytes());
    for offset in offsets {
        out.extend_from_slice(format!("{offset:010} 00000 n \n").as_bytes());
    }
    let size = objects.len() + 1;
    out.extend_from_slice(
        format!("trailer<</Size {size}/Root 1 0 R{trailer}>>\nstartxref\n{start}\n%%EOF").as_bytes(),
    );
    out
}

/// A font every reader has.
pub(super) const HELVETICA: &str = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>";
/// A Korean font that is not embedded.
pub(super) const KOREAN: &str = "<</Type/Font/Subtype/Type0/BaseFont/HYSMyeongJo-Medium/Encoding/UniKS-UCS2-H/DescendantFonts[<</Type/Font/Subtype/CIDFontType0/BaseFont/HYSMyeongJo-Medium/CIDSystemInfo<</Registry(Adobe)/Ordering(Korea1)/Supplement 1>>>>]>>";
