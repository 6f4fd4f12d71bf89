//! 128-bit arithmetic, rounding and conversion at their edges.

use super::support::{Rule, checked, customer_of, holds, record};
use compiler::typed::{Expr, Kind, Operator, Program, Rounding, Span, Type};
use rules::Value;

const WIRE: &str = r#""type":"wire_transfer","amount":"12.34","currency":"USD""#;

/// A rule whose one value is an expression of decimals, or of what it is.
fn value_of(kind: Kind, scale: u8) -> Value {
    let mut program: Program = checked(&[], &[("true", "{as_of}")], "");
    let ty = Type::Decimal(scale);
    program.cases[0].decision.values = vec![Expr { kind, ty, span: Span::default() }];
    Rule::of(&program).run(&record(WIRE, "")).values[0].clone()
}

fn decimal(mantissa: i128, scale: u8) -> Box<Expr> {
    let (kind, ty) = (Kind::Decimal(mantissa), Type::Decimal(scale));
    Box::new(Expr { kind, ty, span: Span::default() })
}

/// What an operation on two mantissas of scale 0 gives: a mantissa, or the host's word.
fn answer(kind: Kind, scale: u8) -> Result<i128, String> {
    match value_of(kind, scale) {
        Value::Money { mantissa, .. } => Ok(mantissa),
        Value::Text(text) => Err(text),
        other => panic!("{other:?}"),
    }
}

/// A seeded stream of numbers: xorshift64.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Numbers of all sizes, often near a power of two.
    fn wide(&mut self) -> i128 {
        let bits = self.next() % 128;
        let random = i128::from(self.next()) << 64 | i128::from(self.next());
        let near = [0, 1, -1, 2, -2][(self.next() % 5) as usize];
        let number = match self.next() % 3 {
            0 => (1_i128 << bits.min(126)) + near,
            1 => random >> (127 - bits),
            _ => [i128::MAX, i128::MIN, i128::MAX - 1, i128::MIN + 1, 10][self.next() as usize % 5],
        };
        if self.next().is_multiple_of(2) { number } else { number.wrapping_neg() }
    }
}

#[test]
fn sums_and_products_are_those_of_i128() {
    let mut numbers = Numbers(0x1234_5678_9abc_def1);
    let overflow = || "code:1".to_owned();
    for _ in 0..40 {
        let (a, b) = (numbers.wide(), numbers.wide());
        for (operator, expected) in [
            (Operator::Add, a.checked_add(b)),
            (Operator::Subtract, a.checked_sub(b)),
            (Operator::Multiply, a.checked_mul(b)),
        ] {
            let kind = Kind::Arithmetic(operator, decimal(a, 0), decimal(b, 0));
            assert_eq!(answer(kind, 0), expected.ok_or_else(overflow), "{a} {operator:?} {b}");
        }
        let kind = Kind::Negate(decimal(a, 0));
        assert_eq!(answer(kind, 0), a.checked_neg().ok_or_else(overflow), "-{a}");
        let kind = Kind::Call(compiler::typed::Function::Absolute, vec![*decimal(a, 0)]);
        assert_eq!(answer(kind, 0), a.checked_abs().ok_or_else(overflow), "|{a}|");
    }
}

#[test]
fn quotients_round_as_they_say() {
    let mut numbers = Numbers(0xfeed_5678_9abc_def1);
    for _ in 0..40 {
        let (a, b) = (numbers.wide(), numbers.wide());
        if b == 0 || (a, b) == (i128::MIN, -1) {
            continue;
        }
        let (quotient, rest) = (a / b, a % b);
        let is_negative = (a < 0) != (b < 0);
        let away = if is_negative { -1 } else { 1 };
        let twice = rest.unsigned_abs().cmp(&(b.unsigned_abs() - rest.unsigned_abs()));
        let is_odd = quotient % 2 != 0;
        for (rounding, goes_away) in [
            (Rounding::HalfEven, twice.is_gt() || (twice.is_eq() && is_odd)),
            (Rounding::HalfUp, twice.is_ge()),
            (Rounding::HalfDown, twice.is_gt()),
            (Rounding::Up, true),
            (Rounding::Down, false),
            (Rounding::Ceiling, !is_negative),
            (Rounding::Floor, is_negative),
        ] {
            let expected = quotient + if rest != 0 && goes_away { away } else { 0 };
            let function = compiler::typed::Function::Divide(rounding);
            let kind = Kind::Call(function, vec![*decimal(a, 0), *decimal(b, 0)]);
            assert_eq!(answer(kind, 0), Ok(expected), "{a} / {b} {rounding:?}");
        }
    }
}

#[test]
fn the_intermediate_of_a_quotient_is_exact() {
    let half_even = compiler::typed::Function::Divide(Rounding::HalfEven);
    let big = 10_i128.pow(37);
    for (a, b, scale, expected) in [
        // 10^37 × 10^18 does not fit in 127 bits; the quotient does.
        ((big, 0), (big, 0), 18, Ok(10_i128.pow(18))),
        ((big + 1, 0), (3 * big, 0), 18, Ok(333_333_333_333_333_333)),
        ((i128::MAX, 0), (i128::MAX, 0), 18, Ok(10_i128.pow(18))),
        ((i128::MIN, 0), (i128::MAX, 0), 0, Ok(-1)),
        ((big, 0), (1, 0), 2, Err("code:1".to_owned())),
        ((25, 1), (10_000, 4), 0, Ok(2)),
        ((35, 1), (1, 0), 0, Ok(4)),
        ((250_000_000, 8), (1, 0), 0, Ok(2)),
        ((250_000_001, 8), (1, 0), 0, Ok(3)),
    ] {
        let kind = Kind::Call(half_even, vec![*decimal(a.0, a.1), *decimal(b.0, b.1)]);
        assert_eq!(answer(kind, scale), expected, "{a:?} / {b:?}");
    }
}

#[test]
fn comparisons_see_both_halves() {
    let mut numbers = Numbers(0xabcd_5678_9abc_def1);
    let all: Vec<i128> = (0..6).map(|_| numbers.wide()).chain([0, 1, -1, 1 << 64]).collect();
    let mut program = checked(&[], &[("true", "{as_of}")], "");
    for (a, b) in all.iter().flat_map(|a| all.iter().map(move |b| (*a, *b))) {
        use compiler::typed::Comparison as C;
        let expected = [
            (C::Less, a < b),
            (C::LessOrEqual, a <= b),
            (C::Greater, a > b),
            (C::GreaterOrEqual, a >= b),
            (C::Equal, a == b),
            (C::NotEqual, a != b),
        ];
        let value = |(comparison, _): &(C, bool)| {
            let kind = Kind::Compare(*comparison, decimal(a, 0), decimal(b, 0));
            Expr { kind, ty: Type::Bool, span: Span::default() }
        };
        program.cases[0].decision.values = expected.iter().map(value).collect();
        let found = Rule::of(&program).run(&record(WIRE, "")).values;
        let texts: Vec<Value> =
            expected.iter().map(|(_, holds)| Value::Text(holds.to_string())).collect();
        assert_eq!(found, texts, "{a} and {b}");
    }
}

#[test]
fn amounts_are_converted_with_one_rounding() {
    for (currency, amount, expected) in [
        ("USD", "10.00", r#"usd("10.00")"#),
        // 10.00 × 1.0834
        ("EUR", "10.00", r#"usd("10.83")"#),
        // 1000 ÷ 163.47 × 1.0834 = 6.6275…
        ("JPY", "1000", r#"usd("6.63")"#),
        // 999999999999999999.99 ÷ 0.8512 × 1.0834 = 1272791353383458646.603…
        ("GBP", "999999999999999999.99", r#"usd("1272791353383458646.60")"#),
    ] {
        let transaction =
            format!(r#""type":"wire_transfer","amount":"{amount}","currency":"{currency}""#);
        let condition =
            format!(r#"convert(transaction.amount, "USD", "fx", "half_even") == {expected}"#);
        assert_eq!(holds(&condition, &record(&transaction, "")), Ok(true), "{currency}");
    }
    let condition = r#"convert(transaction.amount, "USD", "fx", "half_even") == usd("1")"#;
    let transaction = r#""type":"other","amount":"1","currency":"CHF""#;
    assert_eq!(holds(condition, &record(transaction, "")), Err("a rate in fx".to_owned()));
}

#[test]
fn sums_of_amounts_are_exact() {
    let record = customer_of(100);
    let rule =
        Rule::new(&[("true", r#"{history.filter(r, r.currency == "USD").sum(r, r.amount)}"#)], "");
    let expected: i128 = (0..100)
        .filter(|at| matches!(at % 4, 0 | 1))
        .map(|at| (8_000 + at % 3000) * 100 + 50)
        .sum();
    let money = Value::Money { mantissa: expected, scale: 2, currency: "USD".into() };
    assert_eq!(rule.run(&record).values, [money]);
}
