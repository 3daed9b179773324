//! Hangul's XML documents and OpenDocument's, honest and hostile.

use super::super::samples::{hwpx, opendocument, zip};
use super::super::types::Kind;
use super::super::{ExtractError, ExtractOptions};
use super::{extract, with};

fn p(text: &str) -> String {
    format!("<text:p>{text}</text:p>")
}

#[test]
fn hangul_xml_documents_keep_tables_and_order() {
    let run = |text: &str| format!(r#"<hp:run charPrIDRef="0"><hp:t>{text}</hp:t></hp:run>"#);
    let cell = |text: &str| format!("<hp:tc><hp:subList><hp:p>{}</hp:p></hp:subList></hp:tc>", run(text));
    let body = format!(
        r#"<hp:p>{}<hp:run><hp:tbl><hp:tr>{}{}</hp:tr></hp:tbl><hp:t/></hp:run></hp:p><hp:p><hp:run><hp:t>a<hp:tab/>b<hp:lineBreak/>c<hp:deleteBegin/>SECRET<hp:deleteEnd/></hp:t></hp:run><hp:run charPrIDRef="1"><hp:t>SECRET</hp:t></hp:run><hp:run><hp:ctrl><hp:hiddenComment><hp:subList><hp:p><hp:run><hp:t>SECRET</hp:t></hp:run></hp:p></hp:subList></hp:hiddenComment></hp:ctrl></hp:run></hp:p>"#,
        run("회의 &amp; 보고"),
        cell("항목"),
        cell("10"),
    );
    let found = extract(&hwpx(&body)).unwrap();
    assert_eq!(found.kind, Kind::Hwpx);
    assert_eq!(found.text, "회의 & 보고\n\n| 항목 | 10 |\n\na\tb\nc\n끝");
    assert_eq!(found.notes, ["2 hidden runs left out"]);
}

#[test]
fn protected_xml_documents_are_encrypted() {
    let list: &[u8] = b"<manifest><file-entry><encryption-data/></file-entry></manifest>";
    for kind in ["application/hwp+zip", "application/vnd.oasis.opendocument.text"] {
        let file =
            zip(&[("mimetype", kind.as_bytes()), ("META-INF/manifest.xml", list), ("content.xml", b"?")]);
        assert_eq!(extract(&file), Err(ExtractError::Encrypted), "{kind}");
    }
}

#[test]
fn texts_keep_headings_lists_notes_and_tables() {
    let styles = r##"<style:style style:name="T1"><style:text-properties text:display="none"/></style:style><style:style style:name="T2"><style:text-properties fo:color="#ffffff"/></style:style>"##;
    let body = format!(
        r#"<office:text><text:tracked-changes>{}</text:tracked-changes><text:h text:outline-level="2">제목</text:h>{}<text:list><text:list-item>{}</text:list-item></text:list><table:table><table:table-row><table:table-cell>{}</table:table-cell><table:table-cell><table:table><table:table-row><table:table-cell>{}</table:table-cell></table:table-row></table:table></table:table-cell></table:table-row></table:table>{}</office:text>"#,
        p("SECRET"),
        p(
            "a<text:s text:c=\"2\"/>b<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>fn</text:p></text:note-body></text:note><office:annotation><text:p>SECRET</text:p></office:annotation>"
        ),
        p("item"),
        p("A"),
        p("inner"),
        p(
            "x<text:span text:style-name=\"T1\">SECRET</text:span><text:span text:style-name=\"T2\">SECRET</text:span>"
        ),
    );
    let found = extract(&opendocument("text", styles, &body)).unwrap();
    assert_eq!(found.kind, Kind::Odt);
    assert_eq!(found.text, "## 제목\na  b1 [ fn]\n- item\n\n| A | inner |\n\nx");
    assert_eq!(found.notes, ["2 hidden parts left out"]);
}

#[test]
fn spreadsheets_and_presentations_leave_hidden_parts_out() {
    let styles = r#"<style:style style:name="ta2"><style:table-properties table:display="false"/></style:style><style:style style:name="dp2"><style:drawing-page-properties presentation:visibility="hidden"/></style:style>"#;
    let row = |cells: &str| format!("<table:table-row>{cells}</table:table-row>");
    let cell = |text: &str| format!("<table:table-cell>{}</table:table-cell>", p(text));
    let body = format!(
        r#"<office:spreadsheet><table:table table:name="매출">{}<table:table-row table:number-rows-repeated="1048576"><table:table-cell table:number-columns-repeated="16384"/></table:table-row><table:table-row table:number-rows-repeated="3">{}</table:table-row></table:table><table:table table:name="Old" table:style-name="ta2">{}</table:table></office:spreadsheet>"#,
        row(&format!("{}<table:table-cell table:number-columns-repeated=\"2\"/>{}", cell("a"), cell("d"))),
        cell("again"),
        row(&cell("SECRET")),
    );
    let file = opendocument("spreadsheet", styles, &body);
    let found = extract(&file).unwrap();
    assert_eq!(found.kind, Kind::Ods);
    assert_eq!(found.text, "## 매출\n\n| a |  |  | d |\n| again |");
    assert_eq!(
        found.notes,
        ["1 hidden sheets left out; name one in `sheet` to read it", "1 rows that repeat are shown once"]
    );
    let named = |name: &str| ExtractOptions { sheet: Some(name.to_owned()), ..ExtractOptions::default() };
    assert!(with(&file, &named("old")).unwrap().text.contains("SECRET"));
    assert!(
        matches!(with(&file, &named("x")), Err(ExtractError::NoSuchSheet { sheets }) if sheets.len() == 2)
    );

    let page = |style: &str, text: &str| {
        format!(
            r#"<draw:page draw:style-name="{style}"><draw:frame><draw:text-box>{}</draw:text-box></draw:frame><presentation:notes>{}</presentation:notes></draw:page>"#,
            p(text),
            p("say it")
        )
    };
    let body = format!(
        "<office:presentation>{}{}{}</office:presentation>",
        page("dp1", "첫째"),
        page("dp2", "SECRET"),
        page("dp1", "셋째")
    );
    let file = opendocument("presentation", styles, &body);
    let found = extract(&file).unwrap();
    assert_eq!((found.kind, found.pages), (Kind::Odp, Some(3)));
    assert_eq!(found.text, "## Slide 1\n첫째\nNotes:\nsay it\n\n## Slide 3\n셋째\nNotes:\nsay it");
    let third = ExtractOptions { pages: Some((3, 3)), ..ExtractOptions::default() };
    assert!(with(&file, &third).unwrap().text.starts_with("## Slide 3"));
    let none = ExtractOptions { pages: Some((4, 4)), ..ExtractOptions::default() };
    assert_eq!(with(&file, &none), Err(ExtractError::NoSuchPage { pages: 3 }));
}

#[test]
fn hostile_open_documents_are_refused_or_cut() {
    let deep = format!("{}{}", "<text:list>".repeat(1_000), "</text:list>".repeat(1_000));
    let deep = opendocument("text", "", &deep);
    assert_eq!(extract(&deep), Err(ExtractError::malformed("XML nested too deeply")));
    let deep = hwpx(&format!("{}{}", "<hp:p>".repeat(1_000), "</hp:p>".repeat(1_000)));
    assert_eq!(extract(&deep), Err(ExtractError::malformed("XML nested too deeply")));
    let bomb = opendocument("text", "", &p(&" ".repeat(64 << 20)));
    assert!(matches!(extract(&bomb), Err(ExtractError::Bomb { .. })));
    // A cell that says it repeats without end, a space too.
    let wide = r#"<table:table><table:table-row><table:table-cell table:number-columns-repeated="4000000000"/><table:table-cell><text:p>x<text:s text:c="4000000000"/>y</text:p></table:table-cell></table:table-row></table:table>"#;
    let found = extract(&opendocument("spreadsheet", "", wide)).unwrap();
    assert!(found.text.len() < 2_000, "{}", found.text.len());
    let empty = zip(&[("mimetype", b"application/vnd.oasis.opendocument.text")]);
    assert_eq!(extract(&empty), Err(ExtractError::malformed("no content in the document")));
    let empty = zip(&[("mimetype", b"application/hwp+zip")]);
    assert_eq!(extract(&empty), Err(ExtractError::malformed("a Hangul document without sections")));
    let laughs = "<!DOCTYPE x [<!ENTITY a \"aaaa\">]><x>&a;</x>";
    let laughs = zip(&[("mimetype", b"application/hwp+zip"), ("Contents/section0.xml", laughs.as_bytes())]);
    assert_eq!(extract(&laughs), Err(ExtractError::malformed("XML with a document type")));
}
