//! Expressions of each type but `bool`.

use super::{MODES, Maker, Sort};

const PARTS: [&str; 10] = [
    "getFullYear",
    "getMonth",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getHours",
    "getMinutes",
    "getSeconds",
    "getMilliseconds",
];

impl Maker<'_> {
    pub(super) fn int(&mut self, depth: usize) -> String {
        let down = depth.saturating_sub(1);
        let outside = self.row.is_none() && self.item.is_none();
        let pick = if depth == 0 { self.choices.below(3) } else { self.choices.below(19) };
        match pick {
            0 | 1 => self.choices.of(&["0", "1", "-1", "2", "7", "100"]).to_owned(),
            2 => self
                .choices
                .of(&["9223372036854775807", "-9223372036854775808", "3037000500", "-4294967296"])
                .to_owned(),
            3..=6 => {
                let operator = self.choices.of(&["+", "-", "*", "/", "%"]);
                let (a, b) = (self.expr(Sort::Int, down), self.expr(Sort::Int, down));
                format!("({a} {operator} {b})")
            }
            7 => format!("size({})", self.expr(Sort::Text, down)),
            8 if outside => format!("{}.size()", self.rows(down)),
            9 if outside => format!("history.count(r, {})", self.row_condition(false, down)),
            10 if outside => {
                let column = self.choices.of(&[
                    "counterparty",
                    "counterparty_country",
                    "timestamp",
                    "currency",
                    "type",
                ]);
                format!("{}.distinct(r, r.{column})", self.rows(down))
            }
            11 => {
                let part = self.choices.of(&PARTS);
                let offset = self.choices.of(&["", "\"+14:00\"", "\"-09:30\""]);
                format!("({}).{part}({offset})", self.expr(Sort::Time, down))
            }
            12 => {
                let part =
                    self.choices.of(&["getHours", "getMinutes", "getSeconds", "getMilliseconds"]);
                format!("({}).{part}()", self.expr(Sort::Span, down))
            }
            13 => {
                let function = self.choices.of(&["day", "business_day"]);
                format!("{function}({}, \"cal\")", self.expr(Sort::Time, down))
            }
            14 => {
                let sort = self.choices.of(&[Sort::Text, Sort::Uint, Sort::Time]);
                format!("int({})", self.expr(sort, down))
            }
            15 => format!("abs({})", self.expr(Sort::Int, down)),
            16 => format!("(-{})", self.expr(Sort::Int, down)),
            17 if self.loops == 0 && self.item.is_none() => {
                let function = self.choices.of(&["sum", "min", "max", "size"]);
                self.loops += 1;
                let list = self.literal(Sort::Int, down);
                self.loops -= 1;
                let kept = self.choices.of(&["", ".filter(k, k > 0)", ".map(k, k * 3)"]);
                format!("{list}{kept}.{function}()")
            }
            18 if self.row.is_none() => format!("{}.score", self.hit()),
            _ => self.choices.of(&["3", "64"]).to_owned(),
        }
    }

    pub(super) fn uint(&mut self, depth: usize) -> String {
        let down = depth.saturating_sub(1);
        match if depth == 0 { self.choices.below(2) } else { self.choices.below(6) } {
            0 | 1 => self.choices.of(&["0u", "1u", "7u", "18446744073709551615u"]).to_owned(),
            2 | 3 => {
                let operator = self.choices.of(&["+", "-", "*", "/", "%"]);
                let (a, b) = (self.expr(Sort::Uint, down), self.expr(Sort::Uint, down));
                format!("({a} {operator} {b})")
            }
            4 => format!("uint({})", self.expr(Sort::Text, down)),
            _ => format!("uint({})", self.expr(Sort::Int, down)),
        }
    }

    pub(super) fn text(&mut self, depth: usize) -> String {
        let down = depth.saturating_sub(1);
        match if depth == 0 { self.choices.below(4) } else { self.choices.below(9) } {
            0 => {
                format!("\"{}\"", self.choices.of(&["ACC-1", "", "42", " ü ", "Bob"]))
            }
            1 => self.choices.of(&["source.account", "destination.account"]).to_owned(),
            2 => self.choices.of(&["source.name", "transaction.reference"]).to_owned(),
            3 => match self.row {
                Some((row, _)) => format!("{row}.counterparty"),
                None => "transaction.id".to_owned(),
            },
            4 => format!("({} + {})", self.expr(Sort::Text, down), self.expr(Sort::Text, down)),
            5 => {
                let function = self.choices.of(&["lowerAscii", "upperAscii", "trim"]);
                format!("({}).{function}()", self.expr(Sort::Text, down))
            }
            6 | 7 => {
                let sort = self.choices.of(&[Sort::Int, Sort::Uint, Sort::Bool]);
                format!("string({})", self.expr(sort, down))
            }
            _ => "absent(source.name, source.account, destination.wallet)".to_owned(),
        }
    }

    pub(super) fn time(&mut self, depth: usize) -> String {
        let down = depth.saturating_sub(1);
        match if depth == 0 { self.choices.below(5) } else { self.choices.below(9) } {
            0 => "as_of".to_owned(),
            1 => "transaction.timestamp".to_owned(),
            2 => self.choices.of(&["source.verified_at", "source.birth_date"]).to_owned(),
            3 => self
                .choices
                .of(&[
                    "timestamp(\"0001-01-01T00:00:00Z\")",
                    "timestamp(\"9999-12-31T23:59:59.999Z\")",
                    "timestamp(\"2026-03-01T22:30:00Z\")",
                ])
                .to_owned(),
            4 => match self.row {
                Some((row, _)) => format!("{row}.timestamp"),
                None => "as_of".to_owned(),
            },
            5 => format!("timestamp({})", self.expr(Sort::Int, down)),
            6 => format!("({} + {})", self.expr(Sort::Time, down), self.expr(Sort::Span, down)),
            7 if self.is_outside() => {
                let function = self.choices.of(&["min(r, r.timestamp)", "max(r, r.timestamp)"]);
                format!("{}.{function}", self.rows(down))
            }
            _ => format!("({} - {})", self.expr(Sort::Time, down), self.expr(Sort::Span, down)),
        }
    }

    pub(super) fn span(&mut self, depth: usize) -> String {
        let down = depth.saturating_sub(1);
        match if depth == 0 { self.choices.below(2) } else { self.choices.below(7) } {
            0 | 1 => self
                .choices
                .of(&[
                    "duration(\"24h\")",
                    "duration(\"-90m\")",
                    "duration(\"1.5s\")",
                    "duration(\"0s\")",
                    "duration(\"2562047h\")",
                ])
                .to_owned(),
            2 => format!("({} - {})", self.expr(Sort::Time, down), self.expr(Sort::Time, down)),
            3 => {
                let sign = self.choices.of(&["+", "-"]);
                format!("({} {sign} {})", self.expr(Sort::Span, down), self.expr(Sort::Span, down))
            }
            4 => format!("abs({})", self.expr(Sort::Span, down)),
            5 if self.is_outside() => {
                format!("{}.map(r, as_of - r.timestamp).sum()", self.rows(down))
            }
            _ => format!("(-{})", self.expr(Sort::Span, down)),
        }
    }

    pub(super) fn decimal(&mut self, depth: usize) -> String {
        let down = depth.saturating_sub(1);
        match if depth == 0 { self.choices.below(2) } else { self.choices.below(10) } {
            0 | 1 => {
                let text = self.choices.of(&[
                    "0",
                    "1.5",
                    "-2.25",
                    "0.000000000000000001",
                    "12345678901234567890.123456789",
                    "99999999999999999999999999999999999999",
                    "-0.5",
                ]);
                format!("dec(\"{text}\")")
            }
            2 | 3 => {
                let sign = self.choices.of(&["+", "-"]);
                let (a, b) = (self.expr(Sort::Decimal, down), self.expr(Sort::Decimal, down));
                format!("({a} {sign} {b})")
            }
            4 => {
                let (a, b) = (self.expr(Sort::Decimal, down), self.expr(Sort::Decimal, 0));
                format!("({a} * {b})")
            }
            5 | 6 => {
                let (scale, mode) = (self.choices.below(19), self.choices.of(&MODES));
                let sort = self.choices.of(&[Sort::Decimal, Sort::Usd]);
                let (a, b) = (self.expr(sort, down), self.expr(sort, down));
                format!("div({a}, {b}, {scale}, \"{mode}\")")
            }
            7 => {
                let (scale, mode) = (self.choices.below(19), self.choices.of(&MODES));
                format!("round({}, {scale}, \"{mode}\")", self.expr(Sort::Decimal, down))
            }
            8 => format!("abs({})", self.expr(Sort::Decimal, down)),
            _ => format!("(-{})", self.expr(Sort::Decimal, down)),
        }
    }

    pub(super) fn usd(&mut self, depth: usize) -> String {
        let down = depth.saturating_sub(1);
        let outside = self.row.is_none() && self.item.is_none();
        let mode = self.choices.of(&MODES);
        match if depth == 0 { self.choices.below(2) } else { self.choices.below(12) } {
            0 | 1 => {
                let text = self.choices.of(&["0.00", "10000.00", "9999.99", "-1.01"]);
                format!("usd(\"{text}\")")
            }
            2 | 3 => {
                let sign = self.choices.of(&["+", "-"]);
                format!("({} {sign} {})", self.expr(Sort::Usd, down), self.expr(Sort::Usd, down))
            }
            4 => {
                let (a, b) = (self.expr(Sort::Usd, down), self.expr(Sort::Decimal, 0));
                format!("round({a} * {b}, 2, \"{mode}\")")
            }
            5 => {
                let (a, b) = (self.expr(Sort::Usd, down), self.expr(Sort::Decimal, down));
                format!("div({a}, {b}, 2, \"{mode}\")")
            }
            6 => format!("convert(transaction.amount, \"USD\", \"fx\", \"{mode}\")"),
            7 if outside => {
                let condition = self.row_condition(true, down);
                let function = self.choices.of(&["sum", "min", "max"]);
                let rows = format!("history.filter(r, r.currency == \"USD\" && {condition})");
                format!("{rows}.{function}(r, r.amount)")
            }
            8 if outside => {
                let rows = self.rows(down);
                format!("{rows}.map(r, convert(r.amount, \"USD\", \"fx\", \"{mode}\")).sum()")
            }
            9 => format!("abs({})", self.expr(Sort::Usd, down)),
            10 => match self.row {
                Some((row, true)) => format!("{row}.amount"),
                _ => "usd(\"3000.00\")".to_owned(),
            },
            _ => format!("(-{})", self.expr(Sort::Usd, down)),
        }
    }

    pub(super) fn country(&mut self) -> String {
        match self.row {
            Some((row, _)) if self.choices.chance(1, 2) => format!("{row}.counterparty_country"),
            _ => self
                .choices
                .of(&["source.country", "destination.country", "source.nationality"])
                .to_owned(),
        }
    }
}
