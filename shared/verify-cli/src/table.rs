//! The verdict as a table: a word, a value, a remark. What others wrote must never reach the
//! terminal as anything but visible text.

/// Rows of three columns.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<[String; 3]>,
}

impl Table {
    pub(crate) fn row(&mut self, word: &str, value: impl AsRef<str>, remark: impl AsRef<str>) {
        self.rows.push([word.into(), visible(value.as_ref()), visible(remark.as_ref())]);
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

/// One line of text in which nothing moves the cursor, starts a line or turns the direction.
pub(crate) fn visible(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// The same for a whole verdict, whose lines stay lines.
pub(crate) fn visible_lines(text: &str) -> String {
    let keep = |c| c == '\n' || !is_hidden(c);
    text.chars().map(|c| if keep(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// JSON with everything escaped that a terminal would obey; the value stays the same.
pub(crate) fn visible_json(value: &serde_json::Value) -> String {
    let mut text = String::new();
    for c in format!("{value:#}").chars() {
        if c == '\n' || !is_hidden(c) {
            text.push(c);
            continue;
        }
        // Outside of strings JSON has no such character.
        for unit in c.encode_utf16(&mut [0; 2]) {
            text.push_str(&format!("\\u{unit:04x}"));
        }
    }
    text
}

/// Control characters, and those that are not seen but change what is.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "\u{1b}[2Ka\r\nVALID\u{9b}1m\u{202e}x\u{7f}é…";

    #[test]
    fn what_a_terminal_would_obey_is_shown_as_text() {
        assert_eq!(visible(HOSTILE), "�[2Ka��VALID�1m�x�é…");
        assert_eq!(visible_lines("a\nb\r\u{1b}c\n"), "a\nb��c\n");
        let mut table = Table::default();
        table.row("word", HOSTILE, HOSTILE);
        assert_eq!(table.finish("end").lines().count(), 2);
        let value = serde_json::json!({ "text": HOSTILE });
        let text = visible_json(&value);
        assert!(text.chars().all(|c| c == '\n' || !is_hidden(c)), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).expect("JSON"), value);
    }
}
