//! Rich Text, honest and hostile.

use super::super::ExtractError;
use super::super::types::Kind;
use super::extract;

#[test]
fn rich_text_is_read_in_the_code_page_of_its_fonts() {
    let file = br"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fnil Arial;}{\f1\fnil\fcharset129 \'b1\'bc\'b8\'b2;}}
{\colortbl ;\red255\green255\blue255;}{\stylesheet{\s0 SECRET;}}{\info{\title SECRET}}
\f0 caf\'e9 \f1 \'c7\'d1\'b1\'db \f0\u44032?\u-10179?\u-8704? \{x\}\par
{\*\generator SECRET;}{\v SECRET}\cf1 SECRET\cf0 {\pict 89504e47}end\line last\par}garbage";
    let found = extract(file).unwrap();
    assert_eq!(found.kind, Kind::Rtf);
    assert_eq!(found.text, "caf\u{e9} 한글 가\u{1F600} {x}\nend\nlast");
    assert_eq!(found.notes, ["1 hidden runs left out"]);
}

#[test]
fn rows_and_cells_are_a_table() {
    let row = r"\trowd\cellx100\cellx200\pard\intbl A\cell B\par b\cell\row";
    let file = format!(r"{{\rtf1\ansi\ansicpg949 before\par {row}{row}\pard after\par \'b0\'a1A\par}}");
    let found = extract(file.as_bytes()).unwrap();
    assert_eq!(found.text, "before\n\n| A | B b |\n| A | B b |\n\nafter\n가A");
}

#[test]
fn bytes_of_a_character_may_be_written_in_two_ways() {
    // The second byte of a cp949 character may be a letter.
    let mut file = br"{\rtf1\ansi\ansicpg949 \'8cc".to_vec();
    file.extend(b"\xB9\xE6\\'b0\\'a2}");
    assert_eq!(extract(&file).unwrap().text, "똠방각");
}

#[test]
fn hostile_rich_text_is_refused_or_cut() {
    let deep = format!("{{\\rtf1 {}x{}}}", "{".repeat(100_000), "}".repeat(100_000));
    assert_eq!(extract(deep.as_bytes()), Err(ExtractError::malformed("groups nested too deeply")));
    for odd in [
        r"{\rtf1 a\bin99999999999 b}",
        r"{\rtf1 a\bin-5 b}",
        r"{\rtf1 a\'",
        r"{\rtf1 a\u99999999999 b",
        r"{\rtf1 a\uc9999999\u1",
        r"{\rtf1 a\f-99999\cf-4\cell\row\cell}}}}",
        "{\\rtf1 a\\",
    ] {
        let found = extract(odd.as_bytes()).unwrap();
        assert!(found.text.starts_with('a') || found.text.contains("| a"), "{odd}: {}", found.text);
    }
    let colours = format!("{{\\rtf1{{\\colortbl {}}}x}}", ";".repeat(1_000_000));
    assert_eq!(extract(colours.as_bytes()).unwrap().text, "x");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]
    #[test]
    fn random_rich_text_never_panics(parts in proptest::collection::vec("[{}\\\\a-z0-9' ;*-]{0,6}", 0..60)) {
        let _any = extract(format!("{{\\rtf1{}", parts.concat()).as_bytes());
    }
}
