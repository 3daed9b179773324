//! Pages set in Korean fonts that are not embedded: the predefined CMaps `UniKS-*` hold Unicode and `KSC*`
//! hold cp949 (ISO 32000-1, 9.7.5.2), so the shown strings are the text.

use std::collections::BTreeMap;

use encoding_rs::{EUC_KR, Encoding, UTF_16BE};
use pdf_extract::content::Content;
use pdf_extract::{Dictionary, Document, Object, ObjectId};

/// Text of a page that uses such a font; `None` when it does not (the general reader is better then).
pub(super) fn page_text(document: &Document, page: ObjectId) -> Option<String> {
    let fonts: BTreeMap<Vec<u8>, Option<&'static Encoding>> =
        document.get_page_fonts(page).ok()?.into_iter().map(|(name, font)| (name, korean(font))).collect();
    if !fonts.values().any(Option::is_some) {
        return None;
    }
    let content = Content::decode(&document.get_page_content(page).ok()?).ok()?;
    let mut out = String::new();
    let mut encoding = None;
    for operation in &content.operations {
        match operation.operator.as_str() {
            "Tf" => {
                let name = operation.operands.first().and_then(|name| name.as_name().ok());
                encoding = name.and_then(|name| fonts.get(name)).copied().flatten();
            }
            "Td" | "TD" => {
                let down = operation.operands.get(1).and_then(|y| y.as_float().ok()).unwrap_or(0.0);
                out.push(if down.abs() > 0.1 { '\n' } else { ' ' });
            }
            "T*" | "ET" | "Tm" => out.push('\n'),
            "'" | "\"" => {
                out.push('\n');
                operation.operands.iter().for_each(|operand| show(operand, encoding, &mut out));
            }
            "Tj" | "TJ" => operation.operands.iter().for_each(|operand| show(operand, encoding, &mut out)),
            _ => {}
        }
    }
    Some(out)
}

/// The encoding behind a font's predefined Korean CMap, when the font has no map of its own.
fn korean(font: &Dictionary) -> Option<&'static Encoding> {
    if font.has(b"ToUnicode") {
        return None;
    }
    match font.get(b"Encoding").ok()?.as_name().ok()? {
        b"UniKS-UCS2-H" | b"UniKS-UCS2-V" | b"UniKS-UTF16-H" | b"UniKS-UTF16-V" => Some(UTF_16BE),
        b"KSCms-UHC-H" | b"KSCms-UHC-V" | b"KSCms-UHC-HW-H" | b"KSCms-UHC-HW-V" | b"KSC-EUC-H"
        | b"KSC-EUC-V" => Some(EUC_KR),
        _ => None,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum: only strings are shown")]
fn show(operand: &Object, encoding: Option<&'static Encoding>, out: &mut String) {
    match operand {
        Object::String(bytes, _) => match encoding {
            Some(encoding) => out.push_str(&encoding.decode_without_bom_handling(bytes).0),
            None => out
                .extend(bytes.iter().filter(|b| b.is_ascii_graphic() || **b == b' ').map(|b| char::from(*b))),
        },
        Object::Array(items) => {
            for item in items {
                match item {
                    Object::String(..) => show(item, encoding, out),
                    // A wide gap between strings is how many writers set a space.
                    _ if item.as_float().is_ok_and(|gap| gap < -200.0) => out.push(' '),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}
