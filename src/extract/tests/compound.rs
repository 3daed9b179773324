//! Hangul, Outlook and Excel 97-2003 files, honest and hostile.

use super::super::samples::{Hwp, MsgPart, cfb, hwp, msg, xls};
use super::super::types::Kind;
use super::super::{ExtractError, ExtractOptions};
use super::{extract, with};

fn table() -> Hwp {
    let mut place = Hwp::default().paragraph(0, "보고서", 0);
    // A paragraph that holds a table: the control takes eight units of the text.
    let control: Vec<u8> = [0x0B_u16, 0x6C62, 0x7420, 0, 0, 0, 0, 0x0B]
        .into_iter()
        .chain("아래".encode_utf16())
        .chain([13])
        .flat_map(u16::to_le_bytes)
        .collect();
    place = place.record(0x42, 0, &[0; 22]).record(0x43, 1, &control);
    place = place.record(0x47, 1, b" lbt\0\0\0\0").record(0x48, 2, &[1, 0, 0, 0, 0, 0, 0, 0]);
    place = place.paragraph(2, "표 1", 0).record(0x4D, 2, &[0; 8]);
    place.cell(2, 0, 0, "A|B").cell(2, 1, 0, "B").cell(2, 0, 1, "1").cell(2, 1, 1, "2").paragraph(0, "끝", 0)
}

#[test]
fn hangul_documents_keep_paragraphs_and_tables() {
    for flags in [0, 1] {
        let found = extract(&hwp(flags, &table().bytes)).unwrap();
        assert_eq!(found.kind, Kind::Hwp);
        let expected = "보고서\n아래\n\n| 표 1 |\n| A\\|B | B |\n| 1 | 2 |\n\n끝";
        assert_eq!((found.text.as_str(), found.truncated), (expected, false));
    }
}

#[test]
fn hangul_comments_and_white_text_are_left_out() {
    let section = Hwp::default()
        .paragraph(0, "seen", 0)
        .paragraph(0, "SECRET", 1)
        .record(0x47, 1, b"tmct")
        .record(0x48, 2, &[1, 0, 0, 0, 0, 0, 0, 0])
        .paragraph(2, "SECRET", 0)
        .record(0x47, 1, b" nf ")
        .paragraph(2, "footnote", 0)
        .paragraph(0, "tab\u{9}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{9}end", 0);
    let found = extract(&hwp(1, &section.bytes)).unwrap();
    assert_eq!(found.text, "seen\nfootnote\ntab\tend");
    assert_eq!(found.notes, ["2 hidden runs left out"]);
}

#[test]
fn protected_hangul_documents_are_told_apart() {
    for flag in [1 << 1, 1 << 4, 1 << 8, 1 << 10] {
        assert_eq!(extract(&hwp(1 | flag, &table().bytes)), Err(ExtractError::Encrypted));
    }
    let distribution = extract(&hwp(1 | 1 << 2, &table().bytes)).unwrap_err();
    assert!(distribution.to_string().contains("distribution copy"), "{distribution}");
    // Flags that protect nothing: scripts, history, a signature.
    assert!(extract(&hwp(1 | 1 << 3 | 1 << 6 | 1 << 7, &table().bytes)).is_ok());
}

#[test]
fn hostile_hangul_documents_are_refused_or_cut() {
    let bomb = hwp(1, &Hwp::default().record(0x43, 1, &vec![b' '; 64 << 20]).bytes);
    assert!(bomb.len() < 1 << 20);
    assert!(matches!(extract(&bomb), Err(ExtractError::Bomb { .. })));
    let deep = (0..1_000).fold(Hwp::default(), |section, level| section.record(0x47, level, b" lbt"));
    assert_eq!(extract(&hwp(1, &deep.bytes)), Err(ExtractError::malformed("controls nested too deeply")));
    // A record that promises more than there is.
    let mut lying = table().bytes;
    lying.extend([0x43, 0x04, 0xF0, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 1]);
    assert!(extract(&hwp(1, &lying)).unwrap().text.ends_with('끝'));
    // Not what its flags say.
    let mut header = b"HWP Document File".to_vec();
    header.resize(36, 0);
    header.extend(1_u32.to_le_bytes());
    let lying =
        cfb(&[("/FileHeader", &header), ("/DocInfo", b"\xFF\xFF"), ("/BodyText/Section0", b"\xFF\xFF")]);
    assert_eq!(extract(&lying), Err(ExtractError::malformed("a damaged stream")));
}

/// 5 January 2026, 09:00 UTC, in tenths of microseconds since 1601.
const WHEN: u64 = (1_767_603_600 + 11_644_473_600) * 10_000_000;

#[test]
fn outlook_messages_name_people_times_and_files() {
    use MsgPart::{Attached, Binary, Fixed, Message, Wide};
    let inner = [Wide(0x0037, "안쪽"), Wide(0x1000, "inner text")];
    let file = msg(&[
        Wide(0x0037, "견적 요청\r\nBcc: nobody"),
        Wide(0x0C1A, "김민수"),
        Wide(0x5D01, "kim@contoso.example"),
        Wide(0x0E04, "이영희"),
        Fixed(0x0039, WHEN),
        Binary(0x1013, "<p>본문 <b>굵게</b></p><p style='display:none'>SECRET</p>".as_bytes()),
        Wide(0x1000, "plain"),
        Attached(&[Wide(0x3707, "견적서 #1.pdf"), Binary(0x3701, b"12345")]),
        Attached(&[Wide(0x3001, "안쪽"), Message(&inner)]),
    ]);
    let found = extract(&file).unwrap();
    assert_eq!(found.kind, Kind::Msg);
    let expected = "Subject: 견적 요청 Bcc: nobody\nFrom: 김민수 <kim@contoso.example>\nTo: 이영희\n\
        Date: 2026-01-05T09:00:00Z\nAttached: 견적서 #1.pdf (5 bytes)\nAttached: 안쪽 (0 bytes)\n\n\
        본문 **굵게**\n\n## Attached message\nSubject: 안쪽\n\ninner text";
    assert_eq!(found.text, expected);
    assert_eq!(found.notes, ["1 hidden parts left out"]);
}

#[test]
fn outlook_messages_in_old_code_pages_and_rich_text_are_read() {
    use MsgPart::{Binary, Fixed, Narrow};
    let rich = compressed_rtf::compress_rtf(r"{\rtf1\ansi\ansicpg949 \'c7\'d1\'b1\'db\par}").unwrap();
    let file = msg(&[Narrow(0x0037, b"\xC7\xD1\xB1\xDB"), Fixed(0x3FFD, 949), Binary(0x1009, &rich)]);
    assert_eq!(extract(&file).unwrap().text, "Subject: 한글\n\n한글");
    // The header of the packed text lies about its size, its kind or is not there: the rest is still read.
    for (at, value) in [(4, u32::MAX), (8, 0x414C_454D), (8, 7)] {
        let mut lying = rich.clone();
        lying[at..at + 4].copy_from_slice(&value.to_le_bytes());
        for lying in [&lying[..], &lying[..10]] {
            let found = extract(&msg(&[Narrow(0x0037, b"x"), Binary(0x1009, lying)]));
            assert_eq!(found.unwrap().text, "Subject: x");
        }
    }
}

#[test]
fn messages_in_messages_end_somewhere() {
    use MsgPart::{Attached, Message, Wide};
    let five = [Wide(0x0037, "five")];
    let four = [Wide(0x0037, "four"), Attached(&[Message(&five)])];
    let three = [Wide(0x0037, "three"), Attached(&[Message(&four)])];
    let two = [Wide(0x0037, "two"), Attached(&[Message(&three)])];
    let found = extract(&msg(&[Wide(0x0037, "one"), Attached(&[Message(&two)])])).unwrap();
    assert!(found.text.contains("Subject: three") && !found.text.contains("Subject: four"), "{}", found.text);
}

#[test]
fn old_workbooks_show_sheets_and_leave_hidden_ones_out() {
    let found = extract(&xls()).unwrap();
    assert_eq!((found.kind, found.text.as_str()), (Kind::Xls, "## 매출\n| 품목 | 12.5 |"));
    assert_eq!(found.notes, ["1 hidden sheets left out; name one in `sheet` to read it"]);
    let named = ExtractOptions { sheet: Some("hidden".to_owned()), ..ExtractOptions::default() };
    assert!(with(&xls(), &named).unwrap().text.contains("SECRET"));
}

#[test]
fn damaged_containers_fail_with_a_reason() {
    for whole in [hwp(1, &table().bytes), msg(&[MsgPart::Wide(0x0037, "x")])] {
        for part in [8, 600, whole.len() / 2, whole.len() - 600] {
            match extract(&whole[..part.min(whole.len())]) {
                Ok(_) | Err(ExtractError::Malformed { .. } | ExtractError::Unsupported { .. }) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]
    #[test]
    fn flipped_bytes_never_panic(at in 0_usize..20_000, to in proptest::num::u8::ANY) {
        for mut file in [hwp(0, &table().bytes), msg(&[MsgPart::Wide(0x0037, "x"), MsgPart::Binary(0x1009, &[0; 40])])] {
            let place = at % file.len();
            file[place] = to;
            let _any = extract(&file);
        }
    }

    #[test]
    fn random_records_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600)) {
        let _any = extract(&hwp(0, &bytes));
    }
}
