//! The front end is total: mutated expressions never make it panic or take long. The generator is
//! seeded, so a failure comes again.

use compiler::front::check_condition_in;

use super::front_support::scope;

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit.max(1)
    }
}

const SEEDS: &[&str] = &[
    "transaction.currency == \"USD\" && transaction.amount > params.threshold",
    "history.filter(r, r.currency == 'USD').sum(r, r.amount) > usd(\"10000.00\")",
    "screen(\"us.ofac.sdn\", source.name, 8500, source.birth_date, \"ofac\").score > 9000",
    "[1, 2, [3][0]].map(x, x > 1, -x).all(x, !(x in [1u == 2u ? 3 : 4]))",
    "timestamp('2009-02-13T23:31:30Z') + duration('1h30m') < as_of && b'\\xff' != r'''a'''",
    "has(source.name) || absent(source.name, source.account) == \"\" // said",
    "div(convert(amount, 'EUR', 'ecb.daily'), dec('1.5'), 2, 'half_even') >= eur('0')",
    "transaction.type in params.kinds ? in_usd : recent.distinct(r, r.counterparty) > 3",
    "string(1) + 'a'.trim().lowerAscii() == 'x' && day(as_of, 'us.federal-eastern') % 7 == 0",
];

const PIECES: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "'''",
    "\\",
    "&&",
    "||",
    "!",
    "-",
    "?",
    ":",
    ".",
    ",",
    "==",
    "<",
    "in",
    "1",
    "-9223372036854775808",
    "0x",
    "1.5",
    "u",
    "null",
    "r",
    "history",
    "\n",
    "//",
    "é",
    "\u{1F431}",
    "\0",
    "usd(",
    "dec('",
    ".map(x, ",
    ".sum()",
    ".distinct()",
    "params.",
    "transaction.",
    "timestamp('",
    "duration('9999999h",
    "[",
    "[",
    "(((((((",
    "!!!!!!!!",
];

#[test]
fn mutated_conditions_never_panic() {
    let (mut random, scope) = (Random(0x9e37_79b9_7f4a_7c15), scope());
    let (mut taken, mut refused) = (0, 0);
    for round in 0..5_000 {
        let mut chars: Vec<char> = SEEDS[round % SEEDS.len()].chars().collect();
        for _ in 0..=random.below(4) {
            let at = random.below(chars.len() + 1);
            match random.below(4) {
                0 if at < chars.len() => {
                    chars.remove(at);
                }
                1 => {
                    let other: Vec<char> = SEEDS[random.below(SEEDS.len())].chars().collect();
                    let from = random.below(other.len());
                    let to = from + random.below(other.len() - from);
                    chars.splice(at..at, other[from..to].iter().copied());
                }
                2 => {
                    let to = at + random.below(chars.len() - at + 1);
                    chars.drain(at..to);
                }
                _ => {
                    chars.splice(at..at, PIECES[random.below(PIECES.len())].chars());
                }
            }
        }
        let source: String = chars.into_iter().collect();
        match check_condition_in(&source, &scope) {
            Ok(_) => taken += 1,
            Err(error) => {
                refused += 1;
                assert!(!error.expected.is_empty() && !error.found.is_empty(), "{source}");
                assert!(error.span.line > 0 && error.span.column > 0, "{source}: {error}");
            }
        }
    }
    println!("{taken} taken, {refused} refused");
    assert!(taken > 80 && refused > 4_000, "{taken} taken, {refused} refused");
}

#[test]
fn mutated_reasons_never_panic() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut draft = super::front_rule::draft(&[("true", "")]);
    for _ in 0..2_000 {
        let mut reason = String::new();
        for _ in 0..random.below(8) {
            match random.below(5) {
                0 => reason.push_str("{transaction.amount}"),
                1 => reason.push_str(["{", "}", "{{", "}}", "{'}'}"][random.below(5)]),
                2 => reason.push_str(&format!("{{{}}}", SEEDS[random.below(SEEDS.len())])),
                3 => reason.push_str(PIECES[random.below(PIECES.len())]),
                _ => reason.push_str("über "),
            }
        }
        draft.cases[0].decision.reason.text = reason;
        if let Ok(program) = compiler::front::check(&draft) {
            let decision = &program.cases[0].decision;
            let template = &program.reasons[usize::from(decision.reason)].template;
            for index in 0..decision.values.len() {
                assert!(template.contains(&format!("{{{index}}}")), "{template}");
            }
        }
    }
}

#[test]
fn walls_of_one_piece_end_soon() {
    let scope = scope();
    for piece in PIECES {
        for tail in ["", "1", "true", ")"] {
            let source = piece.repeat(4096 / piece.len()) + tail;
            let cut: String = source.chars().take(4000 / piece.len().min(4)).collect();
            let _ = check_condition_in(&cut, &scope);
        }
    }
    let wide = format!("[{}].size() > 1", vec!["params.kinds"; 64].join(", "));
    let wide = vec![wide; 4].join(" && ");
    assert!(check_condition_in(&wide, &scope).is_ok());
}
