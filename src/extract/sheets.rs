//! Excel workbooks: visible sheets as tables, dates as ISO 8601, cell by cell so that a lone cell in a far
//! corner costs nothing.

use std::io::Cursor;

use calamine::{Data, ExcelDateTime, Reader, Sheet, SheetType, SheetVisible, Xls, XlsError, Xlsx, XlsxError};

use super::office::cell;
use super::plain::invisible_note;
use super::sink::Sink;
use super::types::{ExtractError, ExtractOptions, ExtractedText, Extraction, Kind, Limits, SheetName};

/// Columns shown of a row.
const MAX_COLUMNS: u32 = 200;

/// Reads a workbook of today.
pub(super) fn xlsx(bytes: &[u8], options: &ExtractOptions, limits: &Limits) -> Extraction {
    let mut book = Xlsx::new(Cursor::new(bytes)).map_err(|error| unreadable(&error))?;
    let sheets = names(book.sheets_metadata());
    let mut table = Table::new(options, limits);
    for sheet in wanted(&sheets, options)? {
        table.open(&sheet.name);
        let mut cells = book.worksheet_cells_reader(&sheet.name).map_err(|error| unreadable(&error))?;
        while let Some(found) = cells.next_cell().map_err(|error| unreadable(&error))? {
            let (line, column) = found.get_position();
            let value = show(&Data::from(found.get_value().clone()));
            if !table.put(line, column, value) {
                break;
            }
        }
        table.close();
    }
    Ok(table.finish(Kind::Xlsx, sheets, options))
}

/// Reads a workbook of Excel 97-2003.
pub(super) fn xls(bytes: &[u8], options: &ExtractOptions, limits: &Limits) -> Extraction {
    let mut book = Xls::new(Cursor::new(bytes)).map_err(|error| unreadable_xls(&error))?;
    let sheets = names(book.sheets_metadata());
    let mut table = Table::new(options, limits);
    for sheet in wanted(&sheets, options)? {
        table.open(&sheet.name);
        let range = book.worksheet_range(&sheet.name).map_err(|error| unreadable_xls(&error))?;
        let (top, left) = range.start().unwrap_or((0, 0));
        for (line, column, value) in range.used_cells() {
            let at =
                |offset: usize, first: u32| u32::try_from(offset).unwrap_or(u32::MAX).saturating_add(first);
            if !table.put(at(line, top), at(column, left), show(value)) {
                break;
            }
        }
        table.close();
    }
    Ok(table.finish(Kind::Xls, sheets, options))
}

fn names(sheets: &[Sheet]) -> Vec<SheetName> {
    let sheets = sheets.iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    sheets
        .map(|sheet| SheetName { name: sheet.name.clone(), hidden: sheet.visible != SheetVisible::Visible })
        .collect()
}

/// The sheets to read: the one that is named, or those that are shown.
fn wanted<'s>(sheets: &'s [SheetName], options: &ExtractOptions) -> Result<Vec<&'s SheetName>, ExtractError> {
    let Some(name) = &options.sheet else {
        return Ok(sheets.iter().filter(|sheet| !sheet.hidden).collect());
    };
    let named: Vec<_> = sheets.iter().filter(|sheet| sheet.name.eq_ignore_ascii_case(name.trim())).collect();
    if named.is_empty() { Err(ExtractError::NoSuchSheet { sheets: sheets.to_vec() }) } else { Ok(named) }
}

struct Table {
    sink: Sink,
    cells_left: usize,
    row: Vec<String>,
    at: u32,
}

impl Table {
    fn new(options: &ExtractOptions, limits: &Limits) -> Self {
        Self { sink: Sink::new(options.max_chars), cells_left: limits.cells, row: Vec::new(), at: 0 }
    }

    fn open(&mut self, name: &str) {
        self.sink.gap();
        self.sink.line(&format!("## {name}"));
        self.at = 0;
    }

    /// Takes the next cell in reading order; `false` when no more are wanted.
    fn put(&mut self, line: u32, column: u32, value: String) -> bool {
        if value.is_empty() {
            return true;
        }
        if line != self.at {
            self.close();
            self.at = line;
        }
        if self.sink.is_full() || self.cells_left == 0 {
            self.sink.cut();
            return false;
        }
        self.cells_left -= 1;
        if column >= MAX_COLUMNS {
            self.sink.cut();
            return true;
        }
        let width = column as usize;
        if self.row.len() <= width {
            self.row.resize(width + 1, String::new());
        }
        if let Some(place) = self.row.get_mut(width) {
            *place = value;
        }
        true
    }

    /// Writes the row.
    fn close(&mut self) {
        if !self.row.is_empty() {
            self.sink.line(&format!("| {} |", self.row.join(" | ")));
            self.row.clear();
        }
    }

    fn finish(self, kind: Kind, sheets: Vec<SheetName>, options: &ExtractOptions) -> ExtractedText {
        let (text, truncated, invisible) = self.sink.finish();
        let mut found = ExtractedText::of(kind, text);
        found.truncated = truncated;
        let hidden = sheets.iter().filter(|sheet| sheet.hidden).count();
        if hidden > 0 && options.sheet.is_none() {
            found.notes.push(format!("{hidden} hidden sheets left out; name one in `sheet` to read it"));
        }
        found.notes.extend(invisible_note(invisible));
        found.sheets = sheets;
        found
    }
}

fn show(value: &Data) -> String {
    match value {
        Data::Int(n) => n.to_string(),
        Data::Float(n) => n.to_string(),
        Data::Bool(yes) => if *yes { "TRUE" } else { "FALSE" }.to_owned(),
        Data::DateTime(when) => date(when),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => cell(text),
        Data::Error(error) => error.to_string(),
        Data::Empty => String::new(),
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

#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign, growing enum: all else is a damaged workbook")]
fn unreadable_xls(error: &XlsError) -> ExtractError {
    match error {
        XlsError::Password => ExtractError::Encrypted,
        _ => ExtractError::malformed("a damaged workbook"),
    }
}
