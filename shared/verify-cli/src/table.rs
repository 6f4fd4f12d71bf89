//! The verdict as a table: a word, a value, a remark.

/// Rows of three columns.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<[String; 3]>,
}

impl Table {
    pub(crate) fn row(&mut self, word: &str, value: impl Into<String>, remark: impl Into<String>) {
        self.rows.push([word.into(), value.into(), remark.into()]);
    }

    /// The rows with aligned columns, and a closing line.
    pub(crate) fn finish(self, closing: &str) -> String {
        let width = |column: usize| {
            self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)
        };
        let (first, second) = (width(0), width(1));
        let mut text = String::new();
        for [word, value, remark] in &self.rows {
            let line = format!("{word:first$}  {value:second$}  {remark}");
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text.push_str(closing);
        text.push('\n');
        text
    }
}

/// The first digits of a digest, for people.
pub(crate) fn short(bytes: &[u8]) -> String {
    format!("{}…", crypto::to_hex(&bytes[..bytes.len().min(6)]))
}
