//! The front end: grammar, names, types. What conditions become.

use compiler::ErrorKind;
use compiler::front::{LIST_ELEMENTS_MAX, NESTING_MAX, SOURCE_BYTES_MAX, check_condition};
use compiler::typed::{Comparison, Expr, Function, Kind, Loop, Operator, Type};

use super::front_support::{condition, refusal};

/// The left side of an equality with something of its own type.
fn value(source: &str, like: &str) -> Expr {
    match condition(&format!("{source} == {like}")).kind {
        Kind::Compare(_, left, _) => *left,
        other => panic!("{other:?}"),
    }
}

/// An int expression with its groups shown.
fn shape(expr: &Expr) -> String {
    let infix = |symbol: &str, a: &Expr, b: &Expr| format!("({} {symbol} {})", shape(a), shape(b));
    match &expr.kind {
        Kind::Int(n) => n.to_string(),
        Kind::Bool(b) => b.to_string(),
        Kind::Not(a) => format!("!{}", shape(a)),
        Kind::Negate(a) => format!("-{}", shape(a)),
        Kind::And(a, b) => infix("&&", a, b),
        Kind::Or(a, b) => infix("||", a, b),
        Kind::In(a, b) => infix("in", a, b),
        Kind::Conditional(a, b, c) => format!("({} ? {} : {})", shape(a), shape(b), shape(c)),
        Kind::Arithmetic(how, a, b) => {
            let symbol = match how {
                Operator::Add => "+",
                Operator::Subtract => "-",
                Operator::Multiply => "*",
                Operator::Divide => "/",
                Operator::Remainder => "%",
            };
            infix(symbol, a, b)
        }
        Kind::Compare(how, a, b) => {
            let symbol = match how {
                Comparison::Equal => "==",
                Comparison::NotEqual => "!=",
                Comparison::Less => "<",
                Comparison::LessOrEqual => "<=",
                Comparison::Greater => ">",
                Comparison::GreaterOrEqual => ">=",
            };
            infix(symbol, a, b)
        }
        Kind::List(elements) => {
            format!("[{}]", elements.iter().map(shape).collect::<Vec<_>>().join(", "))
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn operators_group_as_in_cel() {
    for (source, grouped) in [
        ("1 + 2 * 3 == 7", "((1 + (2 * 3)) == 7)"),
        ("1 - 2 - 3 == -4", "(((1 - 2) - 3) == -4)"),
        ("8 / 4 / 2 % 3 == 1", "((((8 / 4) / 2) % 3) == 1)"),
        ("--19 == 19", "(--19 == 19)"),
        ("- -19 == 19", "(--19 == 19)"),
        ("-(19) == -19", "(-19 == -19)"),
        ("1 - -1 == 2", "((1 - -1) == 2)"),
        ("1-1 == 0", "((1 - 1) == 0)"),
        ("-2 * -3 == 6", "((-2 * -3) == 6)"),
        ("!!true", "!!true"),
        ("!true == false", "(!true == false)"),
        ("!(true == false)", "!(true == false)"),
        ("true || false && false", "(true || (false && false))"),
        ("true && false || false", "((true && false) || false)"),
        ("1 in [1, 2] == true", "((1 in [1, 2]) == true)"),
        ("1 + 1 in [2]", "((1 + 1) in [2])"),
        ("1 in [1] && 2 in [2]", "((1 in [1]) && (2 in [2]))"),
        ("!(1 in [1])", "!(1 in [1])"),
        ("true ? false ? true : false : true", "(true ? (false ? true : false) : true)"),
        ("true ? true : false ? true : false", "(true ? true : (false ? true : false))"),
        ("true || false ? 1 == 1 : false", "((true || false) ? (1 == 1) : false)"),
        ("[[1], [2]][0][0] == 1 ? true : false", "((INDEX == 1) ? true : false)"),
        ("1 // the first\n== // of two\n 2", "(1 == 2)"),
        ("[1, 2,] == [1, 2]", "([1, 2] == [1, 2])"),
        ("-9223372036854775808 == 0", "(-9223372036854775808 == 0)"),
        ("--9223372036854775808 == 0", "(--9223372036854775808 == 0)"),
        ("0xff == 255 && -0x10 == -16", "((255 == 255) && (-16 == -16))"),
    ] {
        let found = shape(&condition(source));
        let found = match found.find("Index(") {
            Some(start) => {
                // The Debug form of an index is long and says nothing here.
                let end = found.rfind(" == 1").expect("the comparison");
                format!("{}INDEX{}", &found[..start], &found[end..])
            }
            None => found,
        };
        assert_eq!(found, grouped, "{source}");
    }
}

#[test]
fn the_smallest_int_needs_its_minus() {
    assert!(check_condition("-9223372036854775808 < 0").is_ok());
    for source in
        ["9223372036854775808 > 0", "-(9223372036854775808) < 0", "-9223372036854775809 < 0"]
    {
        let error = check_condition(source).expect_err(source);
        assert_eq!(error.kind, ErrorKind::Literal, "{source}: {error}");
    }
    assert!(check_condition("18446744073709551615u > 0u").is_ok());
    assert!(check_condition("18446744073709551616u > 0u").is_err());
}

#[test]
fn texts_are_read_with_their_escapes() {
    for (source, text) in [
        (r#""a\"b\\c""#, "a\"b\\c"),
        (r#"'a\'b"c'"#, "a'b\"c"),
        (r#"r"a\n""#, "a\\n"),
        (r#"R'\'"#, "\\"),
        ("'''a'b''c\nd'''", "a'b''c\nd"),
        (r#""\x41\X42\103\u0044\U00000045""#, "ABCDE"),
        (r#""\a\b\f\n\r\t\v\?\`""#, "\x07\x08\x0c\n\r\t\x0b?`"),
        ("\"πέντε\"", "πέντε"),
        ("\"// no comment\"", "// no comment"),
    ] {
        let expr = value(source, "''");
        assert_eq!(expr.kind, Kind::Text(text.to_owned()), "{source}");
    }
    let bytes = value(r#"b"\xff\377\101é""#, "b''");
    assert_eq!(bytes.kind, Kind::Bytes(vec![255, 255, b'A', 0xc3, 0xa9]));
    let raw = value(r#"bR'\xff'"#, "b''");
    assert_eq!(raw.kind, Kind::Bytes(br"\xff".to_vec()));
    for wrong in
        [r#""\ud800" == """#, r#""\U00110000" == """#, r#""\400" == """#, r#"b"\u0041" == b"""#]
    {
        assert!(check_condition(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn limits_are_where_they_are_said_to_be() {
    let nested = |n: usize| format!("{}1{} == 1", "(".repeat(n), ")".repeat(n));
    assert!(check_condition(&nested(NESTING_MAX)).is_ok());
    let error = check_condition(&nested(NESTING_MAX + 1)).expect_err("too deep");
    assert_eq!(error.kind, ErrorKind::TooLarge);
    let long = |n: usize| format!("1 == {}", vec!["1"; n].join(" + "));
    assert!(check_condition(&long(40)).is_ok());
    assert_eq!(check_condition(&long(100)).expect_err("too many").kind, ErrorKind::TooLarge);
    // `&&` is as flat as the author wrote it.
    let chain = vec!["true"; 500].join(" && ");
    assert!(check_condition(&chain).is_ok());
    let list = |n: usize| format!("1 in [{}]", vec!["1"; n].join(","));
    assert!(check_condition(&list(LIST_ELEMENTS_MAX)).is_ok());
    let error = check_condition(&list(LIST_ELEMENTS_MAX + 1)).expect_err("too long");
    assert_eq!(error.kind, ErrorKind::TooLarge);
    let blank = |n: usize| format!("{}true", " ".repeat(n - 4));
    assert!(check_condition(&blank(SOURCE_BYTES_MAX)).is_ok());
    let error = check_condition(&blank(SOURCE_BYTES_MAX + 1)).expect_err("too long");
    assert_eq!(error.kind, ErrorKind::TooLarge);
    let text = |n: usize| format!("\"{}\" == \"\"", "x".repeat(n));
    assert!(check_condition(&text(256)).is_ok());
    assert!(check_condition(&text(257)).is_err());
}

#[test]
fn facts_have_the_types_of_the_record() {
    let usd = facts::Currency::parse("USD").expect("a currency");
    for (source, like, ty) in [
        ("transaction.id", "'x'", Type::Text),
        ("transaction.type", "'other'", Type::Code(facts::CodeSet::TransactionType)),
        ("transaction.currency", "'USD'", Type::CurrencyCode),
        ("source.country", "'UK'", Type::Country),
        ("source.birth_date", "as_of", Type::Time),
        ("source.pep", "'none'", Type::Code(facts::CodeSet::Pep)),
        ("source.edd_approved", "true", Type::Bool),
        ("history[0].direction", "'in'", Type::Code(facts::CodeSet::Direction)),
        ("history[0].counterparty", "history[1].counterparty", Type::Counterparty),
        ("history[0].counterparty", "'x'", Type::Text),
        ("params.threshold", "usd('1.00')", Type::Money(usd, 2)),
        ("dec('1.50')", "dec('1.5')", Type::Decimal(2)),
        ("dec('1.5')", "dec('1.50')", Type::Decimal(2)),
    ] {
        assert_eq!(value(source, like).ty, ty, "{source}");
    }
    let Kind::Compare(_, _, country) = condition("source.country == 'UK'").kind else {
        panic!("a comparison")
    };
    // ISO reserves UK; it is read as GB, as in the caller's data.
    assert_eq!(country.kind, Kind::Int(i64::from(u32::from_le_bytes(*b"GB\0\0"))));
}

#[test]
fn scales_meet_without_loss() {
    let Kind::Compare(_, a, b) = condition(
        "transaction.currency == 'USD' ? transaction.amount * dec('0.5') > usd('1') : false",
    )
    .kind
    .conditional_then() else {
        panic!("a comparison")
    };
    // The product has three places, so the constant gets them too, without a node of its own.
    assert!(matches!(a.kind, Kind::Arithmetic(Operator::Multiply, ..)));
    assert_eq!(b.kind, Kind::Decimal(1000));
    assert_eq!(a.ty, b.ty);
    let swapped = value("dec('0.5') * usd('2.00')", "usd('1.000')");
    assert!(matches!(swapped.ty, Type::Money(_, 3)), "{swapped:?}");
    let list = value("[dec('1'), dec('0.25')]", "[dec('0.5')]");
    assert_eq!(list.ty, Type::List(Box::new(Type::Decimal(2))));
}

trait Then {
    fn conditional_then(self) -> Kind;
}

impl Then for Kind {
    fn conditional_then(self) -> Kind {
        match self {
            Kind::Conditional(_, then, _) => then.kind,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn short_forms_are_the_long_ones() {
    let without_places = |source: &str| {
        let text = format!("{:?}", condition(source));
        let mut kept = String::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("span: Span {") {
            kept.push_str(before);
            rest = after.split_once('}').map_or("", |(_, rest)| rest);
        }
        kept + rest
    };
    for (short, long) in [
        ("[1].sum(x, x + 1) == 2", "[1].map(x, x + 1).sum() == 2"),
        ("[1].min(x, x + 1) == 2", "[1].map(x, x + 1).min() == 2"),
        ("[1].max(x, x + 1) == 2", "[1].map(x, x + 1).max() == 2"),
        ("[1].count(x, x > 1) == 2", "[1].filter(x, x > 1).size() == 2"),
        ("[1].count() == 2", "size([1]) == 2"),
        ("[1].distinct(x, x + 1) == 2", "[1].map(x, x + 1).distinct().size() == 2"),
        ("[1].distinct(x, x + 1) == 2", "size([1].map(x, x + 1).distinct()) == 2"),
        ("[1].map(x, x > 0, x + 1) == [2]", "[1].filter(x, x > 0).map(x, x + 1) == [2]"),
        ("[1].existsOne(x, x > 0)", "[1].exists_one(x, x > 0)"),
    ] {
        assert_eq!(without_places(short), without_places(long), "{short}");
    }
}

#[test]
fn constants_are_made_where_only_constants_can_be() {
    assert_eq!(value("duration('1h30m')", "duration('0s')").kind, Kind::Int(5_400_000));
    assert_eq!(value("duration('-1.5s')", "duration('0s')").kind, Kind::Int(-1500));
    let time = value("timestamp('1969-12-31T23:00:00.5-02:00')", "as_of");
    assert_eq!(time.kind, Kind::Int(3_600_500));
    let text = |source: &str| value(source, "''").kind;
    assert_eq!(text("string(duration('-1500ms'))"), Kind::Text("-1.5s".into()));
    assert_eq!(
        text("string(timestamp('2009-02-13T23:31:30.25Z'))"),
        Kind::Text("2009-02-13T23:31:30.25Z".into())
    );
    let part = value("as_of.getHours('-02:30')", "1");
    assert!(matches!(
        part.kind,
        Kind::Call(Function::TimePart(compiler::typed::TimePart::Hours, -150), _)
    ));
    let digits = "170141183460469231731687303715884105727";
    assert_eq!(value(&format!("dec('{digits}')"), "dec('0')").kind, Kind::Decimal(i128::MAX));
    assert!(refusal(&format!("dec('{digits}0') > dec('0')")).contains("127 bits"));
}

#[test]
fn loops_over_history_do_not_nest() {
    let both = "history.exists(r, history.exists(s, s.timestamp > r.timestamp))";
    assert!(refusal(both).contains("expected no loop over history inside another"));
    assert!(
        refusal("history.exists(r, r.type in history.map(s, s.type))").contains("no loop over")
    );
    assert!(refusal("history.exists(r, recent.size() > 1)").contains("no loop over history"));
    assert!(refusal("[1].all(a, [2].all(b, [3].all(c, true)))").contains("at most 2 loops"));
    // One after the other is well, and so are short lists inside, and single rows.
    condition("history.filter(r, r.type == 'other').exists(r, r.timestamp < as_of)");
    condition("history.exists(r, [1, 2].exists(x, x > 1) && r.type in params.kinds)");
    condition("history.exists(r, r.timestamp > history[0].timestamp && history.size() > 3)");
    let body = condition("recent.exists(r, r.type == 'other')");
    assert!(matches!(body.kind, Kind::Loop(Loop::Exists, _)));
}

#[test]
fn places_are_lines_and_characters() {
    let error = check_condition("true &&\n  'ä' == 'ö' && x").expect_err("unknown name");
    assert_eq!((error.span.line, error.span.column, error.span.length), (2, 17, 1));
    let error = check_condition("true && (1 ==\n2u)").expect_err("two types");
    assert_eq!((error.span.line, error.span.column, error.span.length), (2, 1, 2));
}
