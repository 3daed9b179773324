//! Documents as users attach them, and as attackers do.

mod compound;
mod mail;
mod open;
mod rtf;

use super::document::extract as read;
use super::samples::{HELVETICA, KOREAN, cfb, docx, pdf, pptx, xlsx, zip};
use super::types::{Extraction, Kind, Limits};
use super::{ExtractError, ExtractOptions};

fn extract(bytes: &[u8]) -> Extraction {
    read("file.bin", "application/octet-stream", bytes, &ExtractOptions::default(), &Limits::default())
}

fn with(bytes: &[u8], options: &ExtractOptions) -> Extraction {
    read("", "", bytes, options, &Limits::default())
}

fn run(text: &str) -> String {
    format!("<w:r><w:t>{text}</w:t></w:r>")
}

#[test]
fn word_documents_keep_headings_lists_and_tables() {
    let cell = |text: &str| format!("<w:tc><w:p>{}</w:p></w:tc>", run(text));
    let body = format!(
        "<w:p><w:pPr><w:pStyle w:val='Heading2'/></w:pPr>{}</w:p><w:p>{}{}</w:p>\
         <w:p><w:pPr><w:numPr><w:ilvl w:val='0'/></w:numPr></w:pPr>{}</w:p>\
         <w:tbl><w:tr>{}{}</w:tr></w:tbl><w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del>{}</w:p>",
        run("보고서"),
        run("R&amp;D "),
        run("&#49;차"),
        run("item"),
        cell("A"),
        cell("B"),
        run("end")
    );
    let found = extract(&docx(&body)).unwrap();
    assert_eq!(found.kind, Kind::Docx);
    assert_eq!(found.text, "## 보고서\nR&D 1차\n- item\n\n| A | B |\n\nend");
}

#[test]
fn hidden_runs_are_left_out_and_counted() {
    let body = "<w:p><w:r><w:t>seen</w:t></w:r><w:r><w:rPr><w:vanish/></w:rPr><w:t>SECRET</w:t></w:r>\
        <w:r><w:rPr><w:color w:val='FFFFFF'/></w:rPr><w:t>SECRET</w:t></w:r>\
        <w:r><w:rPr><w:vanish w:val='0'/></w:rPr><w:t> too\u{200B}</w:t></w:r></w:p>";
    let found = extract(&docx(body)).unwrap();
    assert_eq!(found.text, "seen too");
    assert_eq!(found.notes, ["2 hidden runs left out", "1 invisible characters left out"]);
}

#[test]
fn workbooks_show_dates_and_leave_hidden_sheets_out() {
    let found = extract(&xlsx()).unwrap();
    assert_eq!(found.kind, Kind::Xlsx);
    assert!(found.text.contains("## 매출"), "{}", found.text);
    assert!(found.text.contains("| 날짜 | a\\|b |"), "{}", found.text);
    assert!(found.text.contains("| 2026-01-05 | 12.5 | 2026-01-05T18:00:00 |"), "{}", found.text);
    assert!(!found.text.contains("SECRET") && found.truncated);
    assert_eq!(found.sheets.iter().map(|sheet| sheet.hidden).collect::<Vec<_>>(), [false, true]);

    let named = |name: &str| ExtractOptions { sheet: Some(name.to_owned()), ..ExtractOptions::default() };
    assert!(with(&xlsx(), &named("hidden")).unwrap().text.contains("SECRET"));
    assert!(
        matches!(with(&xlsx(), &named("x")), Err(ExtractError::NoSuchSheet { sheets }) if sheets.len() == 2)
    );
}

#[test]
fn presentations_come_in_slide_order_with_notes() {
    let found = extract(&pptx()).unwrap();
    let expected = "## Slide 1\n첫 슬라이드\nNotes:\nSay hello\n\n## Slide 2\nSecond & last\n| 항목 | 10 |";
    assert_eq!((found.text.as_str(), found.pages), (expected, Some(3)));
    assert_eq!(found.notes, ["1 hidden slides left out"]);
    let second = ExtractOptions { pages: Some((2, 2)), ..ExtractOptions::default() };
    assert!(with(&pptx(), &second).unwrap().text.starts_with("## Slide 2"));
}

#[test]
fn pdf_pages_are_read_and_chosen() {
    let file = pdf(
        &[b"BT /F1 12 Tf 72 700 Td (Hello first) Tj ET", b"BT /F1 12 Tf 72 700 Td (Second page) Tj ET"],
        HELVETICA,
        "",
    );
    let found = extract(&file).unwrap();
    assert_eq!((found.kind, found.pages), (Kind::Pdf, Some(2)));
    assert!(found.text.contains("[page 1]\nHello first"), "{}", found.text);
    let second = with(&file, &ExtractOptions { pages: Some((2, 9)), ..ExtractOptions::default() }).unwrap();
    assert!(second.text.contains("Second page") && !second.text.contains("Hello"));
    let none = with(&file, &ExtractOptions { pages: Some((3, 3)), ..ExtractOptions::default() });
    assert_eq!(none, Err(ExtractError::NoSuchPage { pages: 2 }));
}

#[test]
fn korean_fonts_that_are_not_embedded_are_read() {
    let found = extract(&pdf(&[b"BT /F1 12 Tf 72 700 Td <D55CAE000020BB38C11C> Tj ET"], KOREAN, "")).unwrap();
    assert_eq!(found.text, "한글 문서");
    let cp949 = KOREAN.replace("UniKS-UCS2-H", "KSCms-UHC-H");
    let found = extract(&pdf(&[b"BT /F1 12 Tf 72 700 Td <C7D1B1DB> Tj ET"], &cp949, "")).unwrap();
    assert_eq!(found.text, "한글");
    // The general reader gives up on such a font.
    let other = "<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/DescendantFonts[]>>";
    assert!(extract(&pdf(&[b"BT /F1 12 Tf <0041> Tj ET"], other, "")).is_err());
}

#[test]
fn scans_and_protected_files_are_told_apart() {
    assert_eq!(extract(&pdf(&[b"q 0 0 10 10 re f Q"], HELVETICA, "")), Err(ExtractError::NoTextLayer));
    let key = "0".repeat(64);
    let locked = format!("/ID[<00><00>]/Encrypt<</Filter/Standard/V 1/R 2/O<{key}>/U<{key}>/P -4>>");
    assert_eq!(extract(&pdf(&[b"BT ET"], HELVETICA, &locked)), Err(ExtractError::Encrypted));
    let font =
        format!("{}/Filter/Standard/V 1/R 2/O<{key}>/U<{key}>/P -4>>", HELVETICA.trim_end_matches('>'));
    let referred = "/ID[<00><00>]/Encrypt 3 0 R";
    assert_eq!(extract(&pdf(&[b"BT ET"], &font, referred)), Err(ExtractError::Encrypted));
    assert_eq!(extract(&cfb(&[("/EncryptedPackage", b"x")])), Err(ExtractError::Encrypted));
}

#[test]
fn other_formats_are_named() {
    for (bytes, name) in [
        (cfb(&[("/WordDocument", b"x")]), "Word 97-2003"),
        (cfb(&[("/PowerPoint Document", b"x")]), "PowerPoint 97-2003"),
        (cfb(&[("/Other", b"x")]), "OLE container"),
        (b"HWP Document File V3.00 \x1A\x01\x02".to_vec(), "version 3"),
        (b"\x89PNG\r\n\x1A\n....".to_vec(), "PNG"),
        (zip(&[("a.txt", b"hello")]), "zip archive"),
        (zip(&[("mimetype", b"application/epub+zip")]), "EPUB"),
        (zip(&[("mimetype", b"application/vnd.oasis.opendocument.formula")]), "OpenDocument"),
        (b"MZ\x90\0\x03".to_vec(), "program"),
        (vec![0, 1, 2, 3], "binary"),
    ] {
        let error = extract(&bytes).unwrap_err();
        assert!(
            matches!(&error, ExtractError::Unsupported { kind, advice } if kind.contains(name) && !advice.is_empty()),
            "{error:?}"
        );
    }
}

#[test]
fn texts_are_decoded_and_bounded() {
    let korean = b"\xC0\xCC\xB8\xA7,\xB3\xAA\xC0\xCC\r\n\xB1\xE8,3";
    let found = read("a.CSV", "", korean, &ExtractOptions::default(), &Limits::default()).unwrap();
    assert_eq!((found.kind, found.text.as_str()), (Kind::Csv, "이름,나이\n김,3"));
    assert_eq!(found.notes, ["read as EUC-KR"]);
    let short = ExtractOptions { max_chars: 5, ..ExtractOptions::default() };
    let found = with("가나다라마바사".as_bytes(), &short).unwrap();
    assert_eq!((found.text.as_str(), found.truncated), ("가나다라마", true));
    assert!(with(b"12345", &short).is_ok_and(|found| found.text == "12345"));
    let page = extract(b"<!DOCTYPE html><p>a<b>b</b><i hidden>x</i>").unwrap();
    assert_eq!((page.kind, page.text.as_str()), (Kind::Html, "a**b**"));
    assert_eq!(extract(b"").unwrap().notes, ["the file is empty"]);
}

#[test]
fn a_zip_bomb_is_refused_by_counting() {
    let bomb = docx(&" ".repeat(64 << 20));
    assert!(bomb.len() < 1 << 20);
    assert!(matches!(extract(&bomb), Err(ExtractError::Bomb { .. })));
    // A small file may be repetitive.
    assert!(extract(&docx(&format!("<w:p>{}</w:p>{}", run("ok"), " ".repeat(4 << 20)))).is_ok());
    let many: Vec<(String, &[u8])> = (0..2_001).map(|n| (format!("{n}"), b"".as_slice())).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    assert!(matches!(extract(&zip(&many)), Err(ExtractError::Bomb { .. })));
    let limits = Limits { input: 10, ..Limits::default() };
    let large = read("a.txt", "", &[b'a'; 11], &ExtractOptions::default(), &limits);
    assert_eq!(large, Err(ExtractError::TooLarge { limit: 10 }));
}

#[test]
fn hostile_xml_is_an_error() {
    let deep = docx(&format!("{}{}", "<w:p>".repeat(100_000), "</w:p>".repeat(100_000)));
    assert_eq!(extract(&deep), Err(ExtractError::malformed("XML nested too deeply")));
    let entities = "<!DOCTYPE x [<!ENTITY a \"aaaa\">]><w:document><w:t>&a;</w:t></w:document>";
    let laughs = zip(&[("[Content_Types].xml", b""), ("word/document.xml", entities.as_bytes())]);
    assert_eq!(extract(&laughs), Err(ExtractError::malformed("XML with a document type")));
}

#[test]
fn truncated_files_fail_with_a_reason_and_never_panic() {
    let file = pdf(&[b"BT /F1 12 Tf (Hello) Tj ET"], HELVETICA, "");
    for whole in [docx(&format!("<w:p>{}</w:p>", run("x"))), xlsx(), pptx(), file] {
        for part in [5, whole.len() / 2, whole.len() - 30] {
            if let Err(error) = extract(&whole[..part]) {
                assert!(
                    matches!(
                        error,
                        ExtractError::Malformed { .. }
                            | ExtractError::Unsupported { .. }
                            | ExtractError::NoTextLayer
                    ),
                    "{error:?}"
                );
            }
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn flipped_bytes_never_panic_our_readers(at in 0_usize..4_000, to in proptest::num::u8::ANY) {
        for mut file in [docx(&format!("<w:p>{}</w:p>", run("x"))), pptx()] {
            let place = at % file.len();
            file[place] = to;
            let _any = extract(&file);
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let _any = extract(&bytes);
    }
}
