//! Pages set in Korean fonts that are not embedded: the predefined CMaps `UniKS-*` hold Unicode and `KSC*`
//! hold cp949 (ISO 32000-1, 9.7.5.2), so the shown strings are the text.

use std::collections::BTreeMap;

use encoding_rs::{EUC_KR, Encoding, UTF_8, UTF_16BE};
use pdf_extract::content::Content;
use pdf_extract::{Dictionary, Document, Object, ObjectId};

/// How the strings of a font are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Font {
    /// By the name of its CMap.
    Korean(&'static Encoding),
    /// One byte per character: the ASCII part is certain.
    Simple,
    /// By tables only the general reader knows.
    Opaque,
}

/// Text of a page whose fonts are all readable here and one of them needs it; with `only_reader`, of any page
/// with such a font. `None` when the general reader is the better one.
pub(super) fn page_text(document: &Document, page: ObjectId, only_reader: bool) -> Option<String> {
    let fonts: BTreeMap<Vec<u8>, Font> =
        document.get_page_fonts(page).ok()?.into_iter().map(|(name, font)| (name, classify(font))).collect();
    let needed = fonts.values().any(|font| matches!(font, Font::Korean(_)));
    let readable = !fonts.values().any(|font| *font == Font::Opaque);
    if !needed || !(readable || only_reader) {
        return None;
    }
    let content = Content::decode(&document.get_page_content(page).ok()?).ok()?;
    let mut out = String::new();
    let mut font = Font::Opaque;
    for operation in &content.operations {
        match operation.operator.as_str() {
            "Tf" => {
                let name = operation.operands.first().and_then(|name| name.as_name().ok());
                font = name.and_then(|name| fonts.get(name)).copied().unwrap_or(Font::Opaque);
            }
            "Td" | "TD" => {
                let down = operation.operands.get(1).and_then(|y| y.as_float().ok()).unwrap_or(0.0);
                out.push(if down.abs() > 0.1 { '\n' } else { ' ' });
            }
            "T*" | "ET" | "Tm" => out.push('\n'),
            "'" | "\"" => {
                out.push('\n');
                operation.operands.iter().for_each(|operand| show(operand, font, &mut out));
            }
            "Tj" | "TJ" => operation.operands.iter().for_each(|operand| show(operand, font, &mut out)),
            _ => {}
        }
    }
    Some(out)
}

/// A font with a map of its own, or a composite one without a Korean CMap, is for the general reader.
fn classify(font: &Dictionary) -> Font {
    let name = |key: &[u8]| font.get(key).ok().and_then(|value| value.as_name().ok());
    if name(b"Subtype") != Some(b"Type0") {
        return Font::Simple;
    }
    match name(b"Encoding") {
        _ if font.has(b"ToUnicode") => Font::Opaque,
        Some(b"UniKS-UCS2-H" | b"UniKS-UCS2-V" | b"UniKS-UTF16-H" | b"UniKS-UTF16-V") => {
            Font::Korean(UTF_16BE)
        }
        Some(b"UniKS-UTF8-H" | b"UniKS-UTF8-V") => Font::Korean(UTF_8),
        Some(
            b"KSCms-UHC-H" | b"KSCms-UHC-V" | b"KSCms-UHC-HW-H" | b"KSCms-UHC-HW-V" | b"KSC-EUC-H"
            | b"KSC-EUC-V" | b"KSCpc-EUC-H" | b"KSCpc-EUC-V",
        ) => Font::Korean(EUC_KR),
        Some(_) | None => Font::Opaque,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum: only strings are shown")]
fn show(operand: &Object, font: Font, out: &mut String) {
    match operand {
        Object::String(bytes, _) => match font {
            Font::Korean(encoding) => out.push_str(&encoding.decode_without_bom_handling(bytes).0),
            Font::Simple => {
                out.extend(
                    bytes.iter().filter(|b| b.is_ascii_graphic() || **b == b' ').map(|b| char::from(*b)),
                );
            }
            Font::Opaque => {}
        },
        Object::Array(items) => {
            for item in items {
                match item {
                    Object::String(..) => show(item, font, out),
                    // A wide gap between strings is how many writers set a space.
                    _ if item.as_float().is_ok_and(|gap| gap < -200.0) => out.push(' '),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}
