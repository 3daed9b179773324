//! Excel workbooks: visible sheets as tables, dates as ISO 8601, cell by cell so that a lone cell in a far
//! corner costs nothing.

use std::io::Cursor;

use calamine::{DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx, XlsxError};

use super::office::cell;
use super::plain::invisible_note;
use super::sink::Sink;
use super::types::{ExtractError, ExtractOptions, ExtractedText, Extraction, Kind, Limits, SheetName};

/// Columns shown of a row.
const MAX_COLUMNS: u32 = 200;

/// Reads a workbook.
pub(super) fn extract(bytes: &[u8], options: &ExtractOptions, limits: &Limits) -> Extraction {
    let mut book = Xlsx::new(Cursor::new(bytes)).map_err(|error| unreadable(&error))?;
    let sheets: Vec<SheetName> = book
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.typ == SheetType::WorkSheet)
        .map(|sheet| SheetName { name: sheet.name.clone(), hidden: sheet.visible != SheetVisible::Visible })
        .collect();
    let wanted: Vec<&SheetName> = match &options.sheet {
        Some(name) => sheets.iter().filter(|sheet| sheet.name.eq_ignore_ascii_case(name.trim())).collect(),
        None => sheets.iter().filter(|sheet| !sheet.hidden).collect(),
    };
    if wanted.is_empty() && options.sheet.is_some() {
        return Err(ExtractError::NoSuchSheet { sheets });
    }
    let mut table = Table { sink: Sink::new(options.max_chars), cells_left: limits.cells };
    for sheet in wanted {
        table.sheet(&mut book, &sheet.name)?;
    }
    let (text, truncated, invisible) = table.sink.finish();
    let mut found = ExtractedText::of(Kind::Xlsx, text);
    found.truncated = truncated;
    let hidden = sheets.iter().filter(|sheet| sheet.hidden).count();
    if hidden > 0 && options.sheet.is_none() {
        found.notes.push(format!("{hidden} hidden sheets left out; name one in `sheet` to read it"));
    }
    found.notes.extend(invisible_note(invisible));
    found.sheets = sheets;
    Ok(found)
}

struct Table {
    sink: Sink,
    cells_left: usize,
}

impl Table {
    fn sheet(&mut self, book: &mut Xlsx<Cursor<&[u8]>>, name: &str) -> Result<(), ExtractError> {
        self.sink.gap();
        self.sink.line(&format!("## {name}"));
        let mut cells = book.worksheet_cells_reader(name).map_err(|error| unreadable(&error))?;
        let mut row: Vec<String> = Vec::new();
        let mut at = 0;
        while let Some(found) = cells.next_cell().map_err(|error| unreadable(&error))? {
            let (line, column) = found.get_position();
            let value = show(found.get_value());
            if value.is_empty() {
                continue;
            }
            if line != at {
                self.row(&mut row);
                at = line;
            }
            if self.sink.is_full() || self.cells_left == 0 {
                self.sink.cut();
                return Ok(());
            }
            self.cells_left -= 1;
            if column >= MAX_COLUMNS {
                self.sink.cut();
                continue;
            }
            let width = column as usize;
            if row.len() <= width {
                row.resize(width + 1, String::new());
            }
            if let Some(place) = row.get_mut(width) {
                *place = value;
            }
        }
        self.row(&mut row);
        Ok(())
    }

    fn row(&mut self, row: &mut Vec<String>) {
        if !row.is_empty() {
            self.sink.line(&format!("| {} |", row.join(" | ")));
            row.clear();
        }
    }
}

fn show(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(n) => n.to_string(),
        DataRef::Float(n) => n.to_string(),
        DataRef::SharedString(text) => cell(text),
        DataRef::Bool(yes) => if *yes { "TRUE" } else { "FALSE" }.to_owned(),
        DataRef::DateTime(when) => date(when),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => cell(text),
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}

/// ISO 8601, without a midnight that nobody typed.
fn date(when: &ExcelDateTime) -> String {
    if when.is_duration() {
        let seconds = (when.as_f64() * 86_400.0).round() as i64;
        return format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, _) = when.to_ymd_hms_milli();
    match (when.as_f64() < 1.0, hour, minute, second) {
        (true, ..) => format!("{hour:02}:{minute:02}:{second:02}"),
        (false, 0, 0, 0) => format!("{year:04}-{month:02}-{day:02}"),
        (false, ..) => format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign, growing enum: all else is a damaged workbook")]
fn unreadable(error: &XlsxError) -> ExtractError {
    match error {
        XlsxError::Password => ExtractError::Encrypted,
        _ => ExtractError::malformed("a damaged workbook"),
    }
}
