//! Excel files with several sheets, typed cells and real dates.
use std::fmt::Write as _;

use chrono::NaiveDate;

use super::office::{content_types, pack, relationships};
use crate::sim::seed::text::escape;

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// `#Name` starts a sheet; rows are `a|b|c`.
pub(super) fn xlsx(text: &str) -> Vec<u8> {
    let mut sheets: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('#') {
            sheets.push((name, Vec::new()));
        } else if let Some((_, rows)) = sheets.last_mut() {
            rows.push(line);
        }
    }
    let mut types = vec![
        ("xl/workbook.xml".to_owned(), "spreadsheetml.sheet.main"),
        ("xl/styles.xml".to_owned(), "spreadsheetml.styles"),
    ];
    let (mut targets, mut list, mut parts) = (Vec::new(), String::new(), Vec::new());
    for (i, (name, rows)) in sheets.iter().enumerate() {
        let n = i + 1;
        types.push((format!("xl/worksheets/sheet{n}.xml"), "spreadsheetml.worksheet"));
        targets.push(("worksheet", format!("worksheets/sheet{n}.xml")));
        let _ = write!(list, "<sheet name=\"{}\" sheetId=\"{n}\" r:id=\"rId{n}\"/>", escape(name));
        parts.push((format!("xl/worksheets/sheet{n}.xml"), sheet(rows)));
    }
    targets.push(("styles", "styles.xml".to_owned()));
    parts.push(relationships("_rels/.rels", &[("officeDocument", "xl/workbook.xml".to_owned())]));
    parts.push(relationships("xl/_rels/workbook.xml.rels", &targets));
    let book = format!("<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets>{list}</sheets></workbook>");
    parts.push(("xl/workbook.xml".to_owned(), book));
    parts.push(("xl/styles.xml".to_owned(), styles()));
    parts.insert(0, content_types(&types));
    pack(&parts)
}

/// Two cell formats: general, and number format 14 (a date).
fn styles() -> String {
    format!(
        "<styleSheet xmlns=\"{MAIN}\"><fonts count=\"1\"><font/></fonts><fills count=\"1\"><fill/></fills>\
         <borders count=\"1\"><border/></borders><cellStyleXfs count=\"1\"><xf/></cellStyleXfs>\
         <cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"14\" \
             applyNumberFormat=\"1\"/></cellXfs></styleSheet>"
    )
}

fn sheet(rows: &[&str]) -> String {
    let mut data = String::new();
    for (r, row) in rows.iter().enumerate() {
        let _ = write!(data, "<row r=\"{}\">", r + 1);
        for (cell, column) in row.split('|').zip('A'..='Z') {
            data.push_str(&cell_xml(cell, &format!("{column}{}", r + 1)));
        }
        data.push_str("</row>");
    }
    format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{data}</sheetData></worksheet>")
}

fn cell_xml(cell: &str, place: &str) -> String {
    if cell.parse::<f64>().is_ok() {
        return format!("<c r=\"{place}\"><v>{cell}</v></c>");
    }
    if let Some(serial) = date_serial(cell) {
        return format!("<c r=\"{place}\" s=\"1\"><v>{serial}</v></c>");
    }
    format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{}</t></is></c>", escape(cell))
}

/// Days since 1899-12-30, Excel's day zero.
fn date_serial(cell: &str) -> Option<i64> {
    let day = NaiveDate::parse_from_str(cell, "%Y-%m-%d").ok()?;
    Some((day - NaiveDate::from_ymd_opt(1899, 12, 30)?).num_days())
}
