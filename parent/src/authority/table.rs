//! A table of texts for a terminal: columns as wide as their widest cell.

use std::fmt;

/// Rows of cells; the first row is the head when there is one.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    indent: usize,
    has_head: bool,
}

impl Table {
    /// With a head.
    pub(crate) fn new(head: &[&str]) -> Self {
        let head = head.iter().map(|cell| (*cell).to_owned()).collect();
        Self { rows: vec![head], indent: 0, has_head: true }
    }

    /// Without a head, moved to the right.
    pub(crate) fn indented(indent: usize) -> Self {
        Self { rows: Vec::new(), indent, has_head: false }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Whether there is nothing to show.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.len() <= usize::from(self.has_head)
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    }

    /// Numbers stand right.
    fn is_number(&self, column: usize) -> bool {
        let mut cells =
            self.rows.iter().skip(self.has_head.into()).filter_map(|row| row.get(column));
        cells.all(|cell| cell.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '<'))
            && !cell_like_version(self.rows.last().and_then(|row| row.get(column)))
    }
}

/// A version begins with a digit and is no number.
fn cell_like_version(cell: Option<&String>) -> bool {
    cell.is_some_and(|cell| cell.matches('.').count() > 1)
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.rows {
            let mut line = " ".repeat(self.indent);
            for (column, cell) in row.iter().enumerate() {
                let pad = " ".repeat(self.width(column).saturating_sub(cell.chars().count()));
                let gap = if column == 0 { "" } else { "  " };
                match self.is_number(column) {
                    true => line.extend([gap, &pad, cell]),
                    false => line.extend([gap, cell, &pad]),
                }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
