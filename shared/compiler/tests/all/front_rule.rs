//! Whole rules through the front end: parameters, lets, reasons, several errors at once.

use compiler::draft::{Draft, DraftCase, DraftDecision};
use compiler::front::{ERRORS_MAX, VALUES_MAX, check, param_value};
use compiler::typed::{Kind, Program, Type};
use compiler::{CompileError, ErrorKind};
use rules::{Outcome, Severity};

use super::front_support::{at_start, param};

fn decision(outcome: Outcome, reason: &str) -> DraftDecision {
    DraftDecision { outcome, severity: Severity::Info, reason: at_start(reason) }
}

/// A draft of those conditions and reasons.
pub fn draft(cases: &[(&str, &str)]) -> Draft {
    let case = |(when, reason): &(&str, &str)| DraftCase {
        when: at_start(when),
        decision: decision(Outcome::Report, reason),
    };
    Draft {
        params: vec![param("threshold", "money", "10000.00 USD")],
        lets: Vec::new(),
        cases: cases.iter().map(case).collect(),
        otherwise: decision(Outcome::Pass, "not so"),
        missing_severity: Severity::High,
        lists: vec!["us.ofac.sdn".into()],
        calendars: Vec::new(),
        rates: Vec::new(),
    }
}

fn with_lets(lets: &[(&str, &str)], when: &str) -> Result<Program, Vec<CompileError>> {
    let mut draft = draft(&[(when, "so")]);
    draft.lets = lets.iter().map(|(name, value)| (at_start(name), at_start(value))).collect();
    check(&draft)
}

fn messages(result: Result<Program, Vec<CompileError>>) -> Vec<String> {
    result.expect_err("a refusal").iter().map(ToString::to_string).collect()
}

#[test]
fn a_reason_numbers_its_values() {
    let when = "transaction.currency == 'USD' && transaction.amount > params.threshold";
    let reason = "{transaction.amount} > {params.threshold}, {{so}} {transaction.amount }, \
                  {transaction.amount - params.threshold} more by {source.name}";
    let program = check(&draft(&[(when, reason)])).expect("a program");
    let decision = &program.cases[0].decision;
    let template = &program.reasons[usize::from(decision.reason)].template;
    assert_eq!(template, "{0} > {1}, {so} {0}, {2} more by {3}");
    assert_eq!(decision.values.len(), 4);
    // What the condition establishes holds in its reason.
    assert!(matches!(decision.values[2].ty, Type::Money(_, 2)));
    assert_eq!(program.reasons.len(), 3);
    let missing = &program.reasons[usize::from(program.missing_reason)];
    assert_eq!(missing.severity, Severity::High);
    assert_eq!(missing.template, "{0} is absent, so the rule cannot be decided");
}

#[test]
fn equal_reasons_are_one() {
    let program = check(&draft(&[("true", "a"), ("false", "a"), ("true", "not so")]));
    let program = program.expect("a program");
    let codes: Vec<u16> = program.cases.iter().map(|case| case.decision.reason).collect();
    assert_eq!((codes, program.otherwise.reason), (vec![0, 0, 1], 1));
    assert_eq!(program.reasons.len(), 3);
}

#[test]
fn reasons_are_refused_by_name() {
    let of = |reason: &str| messages(check(&draft(&[("true", reason)]))).swap_remove(0);
    let screened = "screen('us.ofac.sdn', source.name, 8500)";
    for (reason, expected) in [
        ("over {transaction.amount", "1:6: expected a closing `}`, found the end of the text"),
        ("over }", "1:6: expected `{` before it, found `}`; for a brace in the text write `}}`"),
        ("over {0}", "1:7: expected an expression between braces, found `0`"),
        ("over {{0}}", "1:10: expected no number between braces, found `{{0}}`"),
        ("over {}", "1:7: expected an expression, found nothing"),
        (
            "{history}",
            "1:2: expected a single value, found `history`, a list of history rows; write \
             `history.size()`",
        ),
        (
            "{transaction.amout}",
            "1:2: expected a known fact, found `transaction.amout`; did you mean",
        ),
    ] {
        let message = of(reason);
        assert!(message.starts_with(expected), "{reason}: {message}");
    }
    assert!(of(&format!("{{{screened}}}")).contains(".entry` or"));
    let hit = check(&draft(&[("true", &format!("{{{screened}.entry}}"))])).expect("an entry");
    assert!(matches!(hit.cases[0].decision.values[0].kind, Kind::HitEntry(_)));
    let many: Vec<String> = (0..=VALUES_MAX).map(|n| format!("{{{n} + 1}}")).collect();
    assert!(of(&many.join(" ")).contains("at most 8 different values"));
    assert!(check(&draft(&[("true", &many[1..].join(" "))])).is_ok());
}

#[test]
fn lets_use_earlier_ones_only() {
    let later = messages(with_lets(&[("a", "b"), ("b", "true")], "a"));
    assert_eq!(
        later,
        ["1:1: expected a name that is defined before its use, found `b`; move `b` up in `let`"]
    );
    assert!(with_lets(&[("a", "true"), ("b", "!a")], "b").is_ok());
    for (name, hint) in [
        ("transaction", "`transaction` is a fact's name: choose another"),
        ("in", "this word is reserved by CEL: choose another"),
        ("while", "this word is reserved by CEL: choose another"),
        ("no-name", "begin with a letter"),
        ("1st", "begin with a letter"),
    ] {
        let message = messages(with_lets(&[(name, "true")], "true")).swap_remove(0);
        assert!(message.ends_with(hint), "{message}");
    }
    let twice = messages(with_lets(&[("a", "true"), ("a", "false")], "true"));
    assert!(twice[0].contains("`a` is taken"), "{twice:?}");
}

#[test]
fn a_let_of_a_list_asks_no_list() {
    let listed = with_lets(
        &[("hits", "history.filter(r, r.counterparty in list('us.ofac.sdn'))")],
        "hits.size() > 0",
    );
    assert!(messages(listed)[0].contains("asks no list"));
    assert!(with_lets(&[("hit", "source.name in list('us.ofac.sdn')")], "hit").is_ok());
}

#[test]
fn several_errors_are_told_at_once_and_none_twice() {
    let mut draft = draft(&[
        ("transaction.amout > usd('1') && source.nam == 'x'", "{source.nme}"),
        ("broken && broken", "so"),
    ]);
    draft.lets = vec![(at_start("broken"), at_start("1 = 1"))];
    let kinds: Vec<ErrorKind> =
        check(&draft).expect_err("refused").iter().map(|error| error.kind).collect();
    use ErrorKind::{Syntax, UnknownName};
    assert_eq!(kinds, [Syntax, UnknownName, UnknownName, UnknownName]);
    let many: Vec<(&str, &str)> = vec![("x && y && z", "so"); 20];
    draft.cases = self::draft(&many).cases;
    assert_eq!(check(&draft).expect_err("refused").len(), ERRORS_MAX);
}

#[test]
fn deep_lets_are_refused_and_doubling_ones_take_no_time() {
    let name = |i: usize| format!("l{i}");
    let lets = |body: &dyn Fn(&str) -> String| {
        let mut all = vec![(at_start("l0"), at_start("transaction.currency == 'USD'"))];
        all.extend((1..64).map(|i| (at_start(&name(i)), at_start(&body(&name(i - 1))))));
        let mut draft = draft(&[("l63 && transaction.amount > usd('1')", "so")]);
        draft.lets = all;
        check(&draft)
    };
    assert!(lets(&|before| format!("{before} && {before}")).is_ok());
    let deep = lets(&|before| format!("!(!(!(!{before})))"));
    assert_eq!(deep.expect_err("too deep")[0].kind, ErrorKind::TooLarge);
    let lists: Vec<(String, String)> = (0..64)
        .map(|i| match i {
            0 => (name(0), "[1, 2]".to_owned()),
            _ => (name(i), format!("{} + {}", name(i - 1), name(i - 1))),
        })
        .collect();
    let lists: Vec<(&str, &str)> = lists.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert!(messages(with_lets(&lists, "true"))[0].contains("at most 20000 elements"));
}

#[test]
fn parameters_are_constants_of_their_types() {
    let ms = |hours: i64| Kind::Int(hours * 3_600_000);
    for (ty, value, kind) in [
        ("int", "-5", Kind::Int(-5)),
        ("bool", "true", Kind::Bool(true)),
        ("string", "a b", Kind::Text("a b".into())),
        ("duration", "24h", ms(24)),
        ("timestamp", "1970-01-01T01:00:00+00:00", ms(1)),
        ("decimal", "1.50", Kind::Decimal(150)),
        ("money", "10000.00 USD", Kind::Decimal(1_000_000)),
        ("money", "10000 JPY", Kind::Decimal(10_000)),
        ("money", "0.5 BTC", Kind::Decimal(50_000_000)),
        ("type", "cash_deposit", Kind::Int(2)),
        ("country", "US", Kind::Int(0x5355)),
    ] {
        assert_eq!(param_value(&param("p", ty, value)).expect(ty).kind, kind, "{ty} {value}");
    }
    let amounts = param_value(&param("p", "[money]", "5 USD|2.50 USD")).expect("a list");
    let Kind::List(elements) = amounts.kind else { panic!("a list") };
    assert_eq!(elements[0].kind, Kind::Decimal(500));
    let decimals = param_value(&param("p", "[decimal]", "5|2.50")).expect("a list");
    assert_eq!(decimals.ty, Type::List(Box::new(Type::Decimal(2))));
    let mixed = param_value(&param("p", "[money]", "5 USD|2.50 EUR")).expect_err("two currencies");
    assert!(mixed.to_string().contains("expected an amount in USD, found an amount in EUR"));
    let list = param_value(&param("p", "[currency]", "USD|EUR")).expect("a list");
    assert_eq!(list.ty, Type::List(Box::new(Type::CurrencyCode)));
    for (ty, value, message) in [
        (
            "money",
            "10000.00",
            "1:1: expected an amount such as `10000.00 USD`, found `10000.00`; write digits, \
             a blank and the currency, such as `10000.00 USD`",
        ),
        (
            "money",
            "10,000.00 USD",
            "1:1: expected an amount such as `10000.00 USD`, found `10,000.00 USD`; write \
             numbers without separators: `10000.00 USD`",
        ),
        (
            "money",
            "1.005 USD",
            "1:1: expected an amount such as `10000.00 USD`, found `1.005 USD`; USD has 2 \
             decimal places: round it",
        ),
        (
            "duration",
            "3d",
            "1:1: expected a duration, found `3d`; write hours: a day is `24h`, a week `168h`",
        ),
        (
            "int",
            "1_000",
            "1:1: expected an int of 64 bits, found `1_000`; write \
             numbers without separators: `1000`",
        ),
        (
            "country",
            "Germany",
            "1:1: expected an ISO 3166-1 code of two letters, found `Germany`; write \"DE\"",
        ),
        (
            "[type]",
            "cash_deposits",
            "1:1: expected a transaction type, found `cash_deposits`; did you mean `cash_deposit`?",
        ),
        (
            "monney",
            "1 USD",
            "1:1: expected a parameter's type, found `monney`; did you mean `money`?",
        ),
    ] {
        let error = param_value(&param("p", ty, value)).expect_err(ty);
        assert_eq!(error.to_string(), message);
    }
}
