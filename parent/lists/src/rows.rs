//! Rows of comma-separated files, with their line. It must never change a cell.

use crate::{ListsError, fits};

/// One row and the line it begins at.
pub(crate) struct Row {
    pub(crate) line: u64,
    pub(crate) cells: Vec<String>,
}

/// Reads all rows. Bytes that are not UTF-8 are read as Latin-1, which OFAC's files are. The
/// lone Ctrl-Z that ends them is no row.
pub(crate) fn read(file: &'static str, bytes: &[u8]) -> Result<Vec<Row>, ListsError> {
    fits(file, bytes)?;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let mut rows = Vec::new();
    let mut record = csv::ByteRecord::new();
    loop {
        let line = reader.position().line();
        let more = reader.read_byte_record(&mut record).map_err(|error| ListsError::Row {
            file,
            line,
            expected: "comma-separated cells",
            found: error.to_string(),
        })?;
        if !more {
            return Ok(rows);
        }
        let line = record.position().map_or(line, csv::Position::line);
        let cells: Vec<String> = record.iter().map(text).collect();
        if !matches!(&cells[..], [only] if only.trim_matches(['\u{1A}', ' ']).is_empty()) {
            rows.push(Row { line, cells });
        }
    }
}

fn text(cell: &[u8]) -> String {
    match std::str::from_utf8(cell) {
        Ok(text) => text.trim().to_owned(),
        Err(_) => cell.iter().map(|byte| char::from(*byte)).collect::<String>().trim().to_owned(),
    }
}
