//! Random rules as source text, well-typed by construction as far as the grammar here goes; what
//! the checker refuses all the same is counted, not run.

mod values;

use super::choices::Choices;

/// One rule's source.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// Names and expressions.
    pub lets: Vec<(String, String)>,
    /// Conditions and reasons.
    pub cases: Vec<(String, String)>,
    /// Reason of the end.
    pub otherwise: String,
}

/// A rule.
pub fn rule(choices: &mut Choices) -> Source {
    let mut maker =
        Maker { choices, lets: Vec::new(), row_lets: Vec::new(), row: None, item: None, loops: 0 };
    let mut source = Source::default();
    for index in 0..maker.choices.below(4) {
        let name = format!("v{index}");
        if maker.choices.chance(1, 5) {
            source.lets.push((name.clone(), maker.rows(2)));
            maker.row_lets.push(name);
            continue;
        }
        let (kind, text) = maker.any(3);
        source.lets.push((name.clone(), text));
        maker.lets.push((name, kind));
    }
    for _ in 0..=maker.choices.below(3) {
        let when = maker.expr(Sort::Bool, 4);
        let reason = maker.reason();
        source.cases.push((when, reason));
    }
    source.otherwise = maker.reason();
    source
}

/// The types that rules are made of here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Bool,
    Int,
    Uint,
    Text,
    Time,
    Span,
    /// A decimal; the scale follows from the text.
    Decimal,
    /// An amount in USD of scale 2.
    Usd,
    Country,
}

const SORTS: [Sort; 9] = [
    Sort::Bool,
    Sort::Int,
    Sort::Uint,
    Sort::Text,
    Sort::Time,
    Sort::Span,
    Sort::Decimal,
    Sort::Usd,
    Sort::Country,
];
const MODES: [&str; 7] = ["half_even", "half_up", "half_down", "up", "down", "ceiling", "floor"];
const KINDS: [&str; 4] = ["wire_transfer", "cash_deposit", "cash_withdrawal", "other"];

struct Maker<'a> {
    choices: &'a mut Choices,
    lets: Vec<(String, Sort)>,
    /// Lets that are lists of rows.
    row_lets: Vec<String>,
    /// The row variable in scope, and whether its currency is known to be USD.
    row: Option<(&'static str, bool)>,
    /// The variable of a loop over a literal, with its type.
    item: Option<(&'static str, Sort)>,
    /// Loops over literals around.
    loops: usize,
}

impl Maker<'_> {
    fn any(&mut self, depth: usize) -> (Sort, String) {
        let sort = self.choices.of(&SORTS);
        (sort, self.expr(sort, depth))
    }

    fn reason(&mut self) -> String {
        let count = self.choices.below(4);
        let values: Vec<String> = (0..count)
            .map(|_| match self.choices.below(8) {
                0 => "{transaction.amount}".to_owned(),
                1 => "{source.address}".to_owned(),
                2 => format!("{{{}.entry}}", self.hit()),
                _ => format!("{{{}}}", self.any(2).1),
            })
            .collect();
        format!("values {}", values.join(" "))
    }

    fn expr(&mut self, sort: Sort, depth: usize) -> String {
        if let Some((name, known)) = self.item.filter(|(_, known)| *known == sort)
            && known == sort
            && self.choices.chance(1, 2)
        {
            return name.to_owned();
        }
        let known: Vec<String> = self
            .lets
            .iter()
            .filter(|(_, kind)| *kind == sort)
            .map(|(name, _)| name.clone())
            .collect();
        if !known.is_empty() && self.choices.chance(1, 5) {
            return known[self.choices.below(known.len())].clone();
        }
        if depth > 0 && self.choices.chance(1, 10) {
            let condition = self.expr(Sort::Bool, depth - 1);
            let (a, b) = (self.expr(sort, depth - 1), self.expr(sort, depth - 1));
            // Both sides of `? :` need one scale.
            let plain = !matches!(sort, Sort::Decimal | Sort::Usd);
            return if plain { format!("({condition} ? {a} : {b})") } else { a };
        }
        if depth > 0 && self.choices.chance(1, 16) && self.loops == 0 && sort != Sort::Decimal {
            let index = self.choices.of(&["0", "1", "2", "-1", "int(source.account)"]);
            let (a, b) = (self.expr(sort, depth - 1), self.expr(sort, depth - 1));
            return format!("[{a}, {b}][{index}]");
        }
        match sort {
            Sort::Bool => self.bool(depth),
            Sort::Int => self.int(depth),
            Sort::Uint => self.uint(depth),
            Sort::Text => self.text(depth),
            Sort::Time => self.time(depth),
            Sort::Span => self.span(depth),
            Sort::Decimal => self.decimal(depth),
            Sort::Usd => self.usd(depth),
            Sort::Country => self.country(),
        }
    }

    fn bool(&mut self, depth: usize) -> String {
        let down = depth.saturating_sub(1);
        let pick = if depth == 0 { self.choices.below(6) } else { self.choices.below(22) };
        match pick {
            0 => self.choices.of(&["true", "false"]).to_owned(),
            1 => self
                .choices
                .of(&[
                    "source.edd_approved",
                    "has(source.name)",
                    "has(destination.account)",
                    "has(transaction.timestamp)",
                ])
                .to_owned(),
            2 => {
                let kind = self.choices.of(&KINDS);
                format!("(transaction.type == \"{kind}\")")
            }
            3 => self.row_fact(),
            4 => {
                let risk = self.choices.of(&["low", "high"]);
                format!("(source.risk != \"{risk}\")")
            }
            5 => "(source.country in [\"KP\", \"IR\", \"CU\"])".to_owned(),
            6..=8 => {
                let operator = self.choices.of(&["&&", "||"]);
                let (a, b) = (self.expr(Sort::Bool, down), self.expr(Sort::Bool, down));
                format!("({a} {operator} {b})")
            }
            9 => format!("!({})", self.expr(Sort::Bool, down)),
            10..=13 => self.comparison(down),
            14 => {
                let list =
                    ["source.country", "source.account", "destination.name", "source.address"];
                let asked = match self.row {
                    Some((row, _)) if self.choices.chance(1, 2) => {
                        format!("{row}.counterparty_country")
                    }
                    _ => self.choices.of(&list).to_owned(),
                };
                format!("({asked} in list(\"a.plain\"))")
            }
            15 if self.is_outside() && self.choices.chance(1, 3) => self.column_condition(down),
            15 => self.history_loop(down),
            16 | 17 => self.literal_loop(down),
            18 => {
                let sort = self.choices.of(&[Sort::Int, Sort::Text, Sort::Uint, Sort::Country]);
                let all = self.literal(sort, down);
                format!("({} in {all})", self.expr(sort, down))
            }
            19 if self.row.is_none() && self.choices.chance(1, 2) => {
                format!("{}.found", self.hit())
            }
            19 => {
                let function = self.choices.of(&["contains", "startsWith", "endsWith"]);
                let (a, b) = (self.expr(Sort::Text, down), self.expr(Sort::Text, down));
                format!("({a}).{function}({b})")
            }
            20 if self.row.is_none() => {
                let amount = self.expr(Sort::Usd, down);
                let sign = self.sign();
                format!("(transaction.currency == \"USD\" && transaction.amount {sign} {amount})")
            }
            _ => {
                let all = self.literal(Sort::Int, down);
                let other = self.literal(Sort::Int, 0);
                format!("({all}.filter(k, k % 2 == 0) == {other})")
            }
        }
    }

    fn hit(&mut self) -> String {
        self.choices
            .of(&[
                "screen(\"b.names\", source.name, 8500)",
                "screen(\"b.names\", source.name, 5000, source.birth_date)",
                "screen(\"b.names\", destination.name, 7000, destination.birth_date, \"ofac\")",
                "screen(\"b.names\", transaction.reference, 6000, \"jaro-winkler\")",
                "screen_id(\"b.names\", source.account)",
                "screen_id(\"b.names\", destination.wallet)",
                "screen(\"b.names\", destination.address, 8500)",
            ])
            .to_owned()
    }

    fn sign(&mut self) -> &'static str {
        self.choices.of(&["<", "<=", ">", ">=", "==", "!="])
    }

    fn comparison(&mut self, depth: usize) -> String {
        let sort = self.choices.of(&SORTS);
        let sign = match sort {
            Sort::Country => self.choices.of(&["==", "!="]),
            _ => self.sign(),
        };
        let (a, b) = (self.expr(sort, depth), self.expr(sort, depth));
        format!("({a} {sign} {b})")
    }

    /// Something about the row in scope, or about the transaction.
    fn row_fact(&mut self) -> String {
        let Some((row, is_usd)) = self.row else {
            return "(transaction.currency == \"USD\")".to_owned();
        };
        match self.choices.below(12) {
            9 => {
                let (sign, hours) = (self.sign(), self.choices.of(&["0h", "24h", "72h", "999h"]));
                format!("(as_of - {row}.timestamp {sign} duration(\"{hours}\"))")
            }
            10 => format!("(has({row}.direction) && {row}.direction == \"out\")"),
            11 if is_usd => {
                let amounts = "usd(\"0.01\"), usd(\"3000.00\"), usd(\"10000.00\"), \
                    usd(\"8000.00\"), usd(\"50000.00\"), usd(\"999.99\")";
                format!("({row}.amount in [{amounts}])")
            }
            0 => format!("({row}.direction == \"in\")"),
            1 => format!("({row}.currency == \"USD\")"),
            2 => format!("({row}.counterparty == destination.account)"),
            3 => format!("({row}.timestamp >= as_of - duration(\"72h\"))"),
            4 => format!("({row}.type in [\"cash_deposit\", \"wire_transfer\"])"),
            5 => format!("has({row}.counterparty)"),
            6 => format!("({row}.counterparty_country != source.country)"),
            7 if is_usd => format!("({row}.amount > usd(\"3000.00\"))"),
            _ => format!("({row}.currency == \"USD\" && {row}.amount <= usd(\"9999.99\"))"),
        }
    }

    /// A condition on a row, with the row in scope.
    fn row_condition(&mut self, is_usd: bool, depth: usize) -> String {
        let outer = self.row.replace(("r", is_usd));
        let lets = std::mem::take(&mut self.lets);
        let condition = match self.choices.below(3) {
            0 => self.row_fact(),
            _ => {
                let (a, b) = (self.row_fact(), self.expr(Sort::Bool, depth.min(1)));
                let operator = self.choices.of(&["&&", "||"]);
                format!("({a} {operator} {b})")
            }
        };
        self.lets = lets;
        self.row = outer;
        condition
    }

    fn history_loop(&mut self, depth: usize) -> String {
        if self.row.is_some() || self.item.is_some() {
            return "has(source.account)".to_owned();
        }
        let condition = self.row_condition(false, depth);
        let name = self.choices.of(&["all", "exists", "exists_one"]);
        let list = self.rows(depth);
        format!("{list}.{name}(r, {condition})")
    }

    /// The history, or some of it.
    fn rows(&mut self, depth: usize) -> String {
        let rows = match self.choices.below(4) {
            0 | 1 if !self.row_lets.is_empty() => {
                self.row_lets[self.choices.below(self.row_lets.len())].clone()
            }
            _ => "history".to_owned(),
        };
        match self.choices.below(3) {
            0 => format!("{rows}.filter(r, {})", self.row_condition(false, depth)),
            _ => rows,
        }
    }

    /// Whether a loop over history may stand here.
    fn is_outside(&self) -> bool {
        self.row.is_none() && self.item.is_none() && self.loops == 0
    }

    /// A condition on what the rows say, one column at a time.
    fn column_condition(&mut self, depth: usize) -> String {
        let rows = self.rows(depth);
        match self.choices.below(4) {
            0 => format!("(source.country in {rows}.map(r, r.counterparty_country))"),
            1 => {
                let time = self.expr(Sort::Time, 0);
                format!("{rows}.map(r, r.timestamp).exists(t, t > {time})")
            }
            2 => format!("{rows}.map(r, r.timestamp - as_of).all(t, t < duration(\"-1ms\"))"),
            _ => {
                let index = self.choices.of(&["0", "1", "-1", "40"]);
                let fact = self.choices.of(&[
                    "direction == \"in\"",
                    "counterparty == source.account",
                    "type != transaction.type",
                    "currency == transaction.currency",
                ]);
                format!("({rows}[{index}].{fact})")
            }
        }
    }

    fn literal(&mut self, sort: Sort, depth: usize) -> String {
        let count = 1 + self.choices.below(3);
        let elements: Vec<String> = (0..count).map(|_| self.expr(sort, depth.min(1))).collect();
        format!("[{}]", elements.join(", "))
    }

    fn literal_loop(&mut self, depth: usize) -> String {
        if self.item.is_some() || self.loops > 0 {
            return "has(source.wallet)".to_owned();
        }
        let sort = self.choices.of(&[Sort::Int, Sort::Text, Sort::Country]);
        self.loops += 1;
        let list = self.literal(sort, depth);
        self.item = Some(("e", sort));
        let condition = self.expr(Sort::Bool, depth.min(2));
        self.item = None;
        self.loops -= 1;
        let name = self.choices.of(&["all", "exists", "exists_one"]);
        format!("{list}.{name}(e, {condition})")
    }
}
